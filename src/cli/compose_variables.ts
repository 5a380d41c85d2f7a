/**
 * Variables in Compose files: `$NAME`, `${NAME}` and their forms with a default. Pure.
 *
 * @module
 */

/** The value of the variable with this name, undefined where it has none. */
export type Variables = (name: string) => string | undefined;

/** Text with its variables put in. */
export interface Interpolated {
  /** With what is known put in. */
  readonly text: string;
  /** Names of those that have neither a value nor a default; their place is left empty. */
  readonly unresolved: readonly string[];
}

const VARIABLE =
  /\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])([^{}]*(?:\$\{[^{}]*\}[^{}]*)*))?\})/g;

/** Puts variables into text. A default may hold variables itself, to a depth of two. */
export function interpolate(text: string, variables: Variables): Interpolated {
  const unresolved: string[] = [];
  const put = (text: string, depth: number): string =>
    text.replace(
      VARIABLE,
      (whole, dollar, plain, braced, operator: string | undefined, rest: string | undefined) => {
        if (dollar !== undefined) return "$";
        const name: string = plain ?? braced;
        const value = variables(name);
        // With a colon an empty value counts as none.
        const isSet = value !== undefined && !(operator?.startsWith(":") && value === "");
        const otherwise = () => depth < 2 ? put(rest ?? "", depth + 1) : whole;
        switch (operator?.at(-1)) {
          case "-":
            return isSet ? value : otherwise();
          case "+":
            return isSet ? otherwise() : "";
          default:
            if (isSet) return value;
            unresolved.push(name);
            return "";
        }
      },
    );
  return { text: put(text, 0), unresolved };
}

/** The variables of an `.env` file: `NAME=value` a line, quoted or not, `#` begins a comment. */
export function parseEnvFile(text: string): Readonly<Record<string, string>> {
  const variables: Record<string, string> = Object.create(null);
  for (const line of text.split(/\r?\n/)) {
    const found = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (found === null) continue;
    const [, name, value] = found as unknown as [string, string, string];
    const quoted = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')/.exec(value);
    variables[name] = quoted === null
      ? value.replace(/(?:^|\s)#.*$/, "").trimEnd()
      : quoted[2] ?? quoted[1]!.replace(/\\(["\\$])/g, "$1");
  }
  return variables;
}

/**
 * Usage texts, made from the command table. Pure.
 *
 * @module
 */

import { CONFIG_FLAGS } from "../flags.ts";
import type { Command, Flag } from "./command.ts";
import { TOLD_COMMANDS } from "./commands.ts";
import { COMMON_FLAGS } from "./shared_flags.ts";

const OTHER_VARIABLES: readonly (readonly [string, string])[] = [
  ["DOCKER_TLS_VERIFY", "set: speak TLS to a tcp:// Engine"],
  ["DOCKER_CERT_PATH", "folder of ca.pem, cert.pem and key.pem (default ~/.docker)"],
  ["DENO_SQLITE_PATH", "SQLite library to use instead of the one inside"],
  ["NO_COLOR", "set: no colours, as with --no-color"],
];

/** As wide as the narrowest terminal that is common. */
const WIDTH = 80;

/** What is printed where no command is named: the commands, and where the rest is told. */
export function overview(): string {
  return `${commandList()}

\`tinyforge help COMMAND\` explains one command, \`tinyforge help\` all flags.
`;
}

/** What `tinyforge help` prints. */
export function usage(): string {
  return `${commandList()}

Flags of every command (a flag beats its variable, that beats the default):
${CONFIG_FLAGS.map(configFlag).join("\n")}
${aligned(COMMON_FLAGS.map(flagLine))}

Other variables:
${aligned(OTHER_VARIABLES)}

Exit codes:
  0 done, 1 failed, 2 usage or configuration, 3 not as expected (check, doctor),
  4 Engine or daemon not reachable, 5 another process holds the lock

\`tinyforge help COMMAND\` explains one command.
`;
}

function commandList(): string {
  const summaries = TOLD_COMMANDS.map((command) => [command.name, command.summary] as const);
  return `tinyforge: the containers index of a Docker host

Usage: tinyforge COMMAND [OPERANDS] [FLAGS]

Commands:
${aligned(summaries)}`;
}

/** What `tinyforge help COMMAND` prints. */
export function commandUsage(command: Command): string {
  const parts = [`${synopsis(command)}\n\n${command.summary}`];
  if (command.details !== undefined) parts.push(reflowed(command.details));
  const flags = command.flags.map(flagLine);
  if (flags.length > 0) parts.push(`Flags:\n${aligned(flags)}`);
  if (command.examples !== undefined) {
    parts.push(`Examples:\n${command.examples.map(example).join("\n")}`);
  }
  parts.push("`tinyforge help` lists the flags of every command.");
  return `${parts.join("\n\n")}\n`;
}

/** The command as it is typed: `tinyforge add KIND NAME [--domain NAME] …`. */
function synopsis(command: Command): string {
  const operands = command.operands.map(({ name, optional, many, values }) => {
    const word = (values === undefined ? name : values.join("|")) + (many ? "…" : "");
    return optional ? `[${word}]` : word;
  });
  const flags = command.flags.map((flag) => flag.required ? flagForm(flag) : `[${flagForm(flag)}]`);
  const words = ["tinyforge", command.name, ...operands, ...flags];
  return wrapped(words, { first: "Usage: ", next: " ".repeat(11), width: WIDTH });
}

function flagForm({ name, placeholder }: Flag): string {
  return placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`;
}

function flagLine(flag: Flag): readonly [string, string] {
  const values = flag.values === undefined ? "" : `: ${flag.values.join(", ")}`;
  return [flagForm(flag), flag.description + values];
}

function configFlag(flag: typeof CONFIG_FLAGS[number]): string {
  const [form, description] = flagLine(flag);
  const about = (label: string, text: string) =>
    wrapped(text.split(" "), {
      first: `      ${label}`,
      next: " ".repeat(6 + label.length),
      width: WIDTH,
    });
  return [
    `  ${form}  (${flag.env.join(", ")})`,
    about("", description),
    about("default: ", flag.fallback),
  ].join("\n");
}

/** A command line that can be copied, also where it takes several; what is quoted stays whole. */
function example(line: string): string {
  if (line.length + 2 <= WIDTH) return `  ${line}`;
  const words = line.match(WORDS_TOGETHER)!;
  const lines = wrapped(words, { first: "  ", next: "      ", width: WIDTH - 2 }).split("\n");
  return lines.join(" \\\n");
}

/** A flag and what a shell redirects stay with what follows them. */
const WORDS_TOGETHER = /(?:(?:--[\w-]+|[|>]) (?!-))?(?:'[^']*'|"[^"]*"|[^\s'"])+/g;

/** Two columns; what doesn't fit into the second goes on below it. */
function aligned(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([left]) => left.length));
  const next = " ".repeat(width + 4);
  return lines.map(([left, right]) =>
    wrapped(right.split(" "), { first: `  ${left.padEnd(width)}  `, next, width: WIDTH })
  ).join("\n");
}

/** Paragraphs, wrapped anew; lines that are indented are a table's and stay. */
function reflowed(text: string): string {
  const blocks = text.split("\n\n").map((block) =>
    block.startsWith(" ")
      ? block
      : wrapped(block.split(/\s+/), { first: "", next: "", width: WIDTH })
  );
  return blocks.join("\n\n");
}

function wrapped(
  words: readonly string[],
  { first, next, width }: { first: string; next: string; width: number },
): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of words) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = next;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join("\n");
}

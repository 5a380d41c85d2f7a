/**
 * Command line arguments as an object of flags, under the names and with the behaviour of
 * `@std/cli` 1.0.32. Must not read `Deno.args` itself and must not print.
 *
 * @module
 */

import { has, put } from "./nested.ts";
import type { Aliases, Booleans, Defaults, Flat, Names, Values } from "./parse_args_types.ts";

/** What {@link parseArgs} returns: the flags, and in `_` all that is not one. */
export type Args<
  // deno-lint-ignore no-explicit-any -- as in the real package
  TArgs extends Record<string, unknown> = Record<string, any>,
  TDoubleDash extends boolean | undefined = undefined,
> = Flat<
  & TArgs
  & {
    /** Arguments that are no flags, numbers where they look like it. */
    _: Array<string | number>;
  }
  & (boolean extends TDoubleDash ? DoubleDash
    : true extends TDoubleDash ? Required<DoubleDash>
    : Record<never, never>)
>;

/** @internal */
interface DoubleDash {
  /** Arguments after `--`. */
  "--"?: Array<string>;
}

/** How {@link parseArgs} reads flags. */
export interface ParseOptions<
  TBooleans extends Booleans = Booleans,
  TStrings extends Names = Names,
  TCollectable extends Names = Names,
  TNegatable extends Names = Names,
  TDefault extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  TAliases extends Aliases | undefined = Aliases | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Puts what follows `--` into the result's `--` and not into `_`. */
  "--"?: TDoubleDash;
  /** Other names by name. */
  alias?: TAliases;
  /** Flags without a value, false unless given; `true` means all long ones without `=`. */
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;
  /** Values of flags that are not given. */
  default?: TDefault & Defaults<TBooleans, TStrings>;
  /** Takes all that follows the first argument that is no flag for arguments. */
  stopEarly?: boolean;
  /** Flags whose value is never made a number; `_` for arguments that are no flags. */
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;
  /** Flags that may be repeated; their value is a list. Of others the last value counts. */
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;
  /** Flags that `--no-<name>` sets to false. */
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;
  /**
   * Called with each argument that no option names, and with the flag's name and value if it is
   * one. When it returns false the argument is dropped.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Parses arguments. `--name value`, `--name=value` and `-n value` set a flag, `--name` and `-n`
 * make it true, `-abc` is `-a -b -c`; values that look like numbers become numbers. What follows
 * `--` is never a flag. A dot in a name makes an object of it.
 */
export function parseArgs<
  TArgs extends Values<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefaults,
    TAliases
  >,
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends Booleans = undefined,
  TStrings extends Names = undefined,
  TCollectable extends Names = undefined,
  TNegatable extends Names = undefined,
  TDefaults extends Record<string, unknown> | undefined = undefined,
  TAliases extends Aliases<TAliasArgNames, TAliasNames> | undefined = undefined,
  TAliasArgNames extends string = string,
  TAliasNames extends string = string,
>(
  args: string[],
  options?: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefaults,
    TAliases,
    TDoubleDash
  >,
): Args<TArgs, TDoubleDash> {
  const parser = new Parser((options ?? {}) as ParseOptions);
  return parser.parse(args) as Args<TArgs, TDoubleDash>;
}

/** `--name`, `--no-name`, either with a value that is not empty. */
const LONG_FLAG = /^--(no-)?(.+?)(?:=(.+))?$/s;

type FlagValue = string | number | boolean;

/** One run of {@link parseArgs}. */
class Parser {
  readonly #options: ParseOptions;
  readonly #aliases: Map<string, Set<string>>;
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #collected: Set<string>;
  readonly #negatable: Set<string>;
  readonly #result: Args = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#aliases = aliasesOf(options.alias ?? {});
    this.#booleans = this.#withAliases(options.boolean);
    this.#strings = this.#withAliases(options.string);
    this.#collected = this.#withAliases(options.collect);
    this.#negatable = this.#withAliases(options.negatable);
  }

  parse(args: string[]): Args {
    const end = args.indexOf("--");
    const flags = end === -1 ? args : args.slice(0, end);
    const rest = end === -1 ? [] : args.slice(end + 1);
    for (let i = 0; i < flags.length; i++) {
      const arg = flags[i] as string;
      const next = flags[i + 1];
      if (/^-./s.test(arg)) {
        const took = /^--./s.test(arg) ? this.#long(arg, next) : this.#short(arg, next);
        if (took) i++;
        continue;
      }
      if (this.#options.unknown?.(arg) !== false) {
        this.#result._.push(this.#strings.has("_") ? arg : numberOr(arg));
      }
      if (this.#options.stopEarly) {
        this.#result._.push(...flags.slice(i + 1));
        break;
      }
    }
    this.#fillIn();
    if (this.#options["--"]) this.#result["--"] = rest;
    else this.#result._.push(...rest);
    return this.#result;
  }

  /** Reads `--name`; true when the next argument was its value. */
  #long(arg: string, next: string | undefined): boolean {
    const [, negated, name = "", value] = LONG_FLAG.exec(arg) ?? [];
    if (value !== undefined) {
      this.#set(name, this.#booleans.has(name) ? value !== "false" : value, { arg });
      return false;
    }
    if (negated && this.#negatable.has(name)) {
      this.#set(name, false, { arg, replace: true });
      return false;
    }
    const key = negated ? `no-${name}` : name;
    if (next) {
      const wants = this.#options.boolean !== true && !this.#isBoolean(key);
      if (wants && !next.startsWith("-")) return this.#set(key, next, { arg });
      if (isBooleanText(next)) return this.#set(key, next !== "false", { arg });
    }
    this.#set(key, this.#strings.has(key) ? "" : true, { arg });
    return false;
  }

  /** Reads `-abc`; true when the next argument was the value of the last letter. */
  #short(arg: string, next: string | undefined): boolean {
    const last = arg.length - 1;
    for (let i = 1; i < last; i++) {
      const letter = arg[i] as string;
      const rest = arg.slice(i + 1);
      if (rest === "-") {
        this.#set(letter, rest, { arg });
        continue;
      }
      if (/[A-Za-z]/.test(letter)) {
        const assigned = /=(.+)/.exec(rest)?.[1];
        const value = assigned ?? (/-?\d+(\.\d*)?(e-?\d+)?$/.test(rest) ? rest : undefined);
        if (value !== undefined) {
          this.#set(letter, value, { arg });
          return false;
        }
      }
      if (i + 1 < last && /\W/.test(arg[i + 1] as string)) {
        this.#set(letter, rest, { arg });
        return false;
      }
      this.#set(letter, this.#strings.has(letter) ? "" : true, { arg });
    }
    const key = arg[last] as string;
    if (key === "-") return false;
    if (next) {
      if (!/^--?[^-]/.test(next) && !this.#isBoolean(key)) return this.#set(key, next, { arg });
      if (isBooleanText(next)) return this.#set(key, next !== "false", { arg });
    }
    this.#set(key, this.#strings.has(key) ? "" : true, { arg });
    return false;
  }

  /** Sets a flag and its aliases, unless `unknown` drops it. Returns true, for the callers above. */
  #set(
    name: string,
    value: FlagValue,
    { arg, replace = false }: { arg: string; replace?: boolean },
  ): true {
    if (!this.#isKnown(name, arg) && this.#options.unknown?.(arg, name, value) === false) {
      return true;
    }
    const typed = typeof value === "string" && !this.#strings.has(name) ? numberOr(value) : value;
    const collect = !replace && this.#collected.has(name);
    for (const each of [name, ...this.#aliases.get(name) ?? []]) {
      put(this.#result, each, { value: typed, collect });
    }
    return true;
  }

  #isKnown(name: string, arg: string): boolean {
    return this.#booleans.has(name) || this.#strings.has(name) || this.#aliases.has(name) ||
      (this.#options.boolean === true && /^--[^=]+$/.test(arg));
  }

  #isBoolean(name: string): boolean {
    if (this.#booleans.has(name)) return true;
    for (const alias of this.#aliases.get(name) ?? []) if (this.#booleans.has(alias)) return true;
    return false;
  }

  /** Gives the flags that were not there the values they have then. */
  #fillIn(): void {
    for (const [name, value] of Object.entries(this.#options.default ?? {})) {
      if (has(this.#result, name)) continue;
      for (const each of [name, ...this.#aliases.get(name) ?? []]) {
        put(this.#result, each, { value, collect: false });
      }
    }
    for (const name of this.#booleans) {
      if (has(this.#result, name)) continue;
      put(this.#result, name, { value: this.#collected.has(name) ? [] : false, collect: false });
    }
    for (const name of this.#strings) {
      if (has(this.#result, name) || !this.#collected.has(name)) continue;
      put(this.#result, name, { value: [], collect: false });
    }
  }

  #withAliases(names: Booleans | readonly string[]): Set<string> {
    const given = typeof names === "string" ? [names] : Array.isArray(names) ? names : [];
    const set = new Set<string>();
    for (const name of given.filter(Boolean)) {
      set.add(name);
      for (const alias of this.#aliases.get(name) ?? []) set.add(alias);
    }
    return set;
  }
}

/** Every name with all its other names. */
function aliasesOf(alias: Aliases): Map<string, Set<string>> {
  const map = new Map<string, Set<string>>();
  for (const [name, value] of Object.entries(alias)) {
    if (value === undefined) throw new TypeError("Alias value must be defined");
    const others: readonly string[] = typeof value === "string" ? [value] : value;
    map.set(name, new Set(others));
    for (const other of others) {
      map.set(other, new Set([name, ...others.filter((each) => each !== other)]));
    }
  }
  return map;
}

function isBooleanText(text: string): boolean {
  return text === "true" || text === "false";
}

function numberOr(text: string): string | number {
  return /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}

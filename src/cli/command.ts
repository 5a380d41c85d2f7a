/**
 * What a command is: its place in the table, and what it gets when it runs. Knows no command.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { FlagName } from "../flags.ts";
import type { Output } from "./output.ts";

/** What a command ends with. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notAsExpected: 3,
  unreachable: 4,
  lockHeld: 5,
} as const;

/** A flag that one or more commands take. */
export interface Flag {
  /** The name without dashes; the same name means the same kind of flag everywhere. */
  readonly name: string;
  /** What the value is called; absent for a switch. */
  readonly placeholder?: string;
  /** What it says, one line. */
  readonly description: string;
  /** The command can do nothing without it. */
  readonly required?: true;
  /** Every possible value, where there are few. */
  readonly values?: readonly string[];
  /** Whether several values can be given, separated by commas. */
  readonly list?: boolean;
  /** What of the index its value names, for completions. */
  readonly offers?: Offer;
  /** It is a path to this, for completions. */
  readonly path?: PathKind;
}

/**
 * What of an index a word can name: `workloads`, `rows`, `states`, names of `stages` and `channels`,
 * ids of `silences`, names of a hub's `hosts`, or `entries` of the kind that the word before names.
 */
export type Offer =
  | "hosts"
  | "workloads"
  | "rows"
  | "states"
  | "stages"
  | "channels"
  | "silences"
  | "entries";

/** What a path can lead to, as completions offer it. */
export type PathKind = "file" | "folder";

/** A word that a command expects. */
export interface Operand {
  /** What it is called in usage texts, upper case. */
  readonly name: string;
  /** It may be left out; only the last ones can be. */
  readonly optional?: boolean;
  /** There may be any number of it; only the last one can be so. */
  readonly many?: boolean;
  /** The empty word means something, too; elsewhere it is what an unset variable left. */
  readonly mayBeEmpty?: boolean;
  /** Every possible value, where there are few. */
  readonly values?: readonly string[];
  /** What of the index it names, for completions. */
  readonly offers?: Offer;
  /** It is a path to this, for completions. */
  readonly path?: PathKind;
}

/** One line of the command table. */
export interface Command {
  /** One or two words. */
  readonly name: string;
  /** What it does, one line. */
  readonly summary: string;
  /** The words that it expects, in order. */
  readonly operands: readonly Operand[];
  /** The flags that it takes besides those that every command takes. */
  readonly flags: readonly Flag[];
  /** What else to know, lines of at most 80 characters. */
  readonly details?: string;
  /** Command lines that show its use. */
  readonly examples?: readonly string[];
  /** For scripts that this program prints, not for people: no text tells of it. */
  readonly hidden?: boolean;
}

/** Names of the flags with a value that a command takes, those of the configuration among them. */
export type ValueFlag<C extends Command> =
  | Extract<C["flags"][number], { readonly placeholder: string }>["name"]
  | FlagName;

/** Names of the flags without a value that a command takes. */
export type Switch<C extends Command> = Exclude<
  C["flags"][number],
  { readonly placeholder: string }
>["name"];

/** The words of a command line as a command's operands demand them. */
export type Words<C extends Command> = C extends Command ? WordsFor<C["operands"]> : never;

/** The words for these operands, in order. */
export type WordsFor<Operands extends readonly Operand[]> = {
  readonly [Place in keyof Operands]:
    | (Operands[Place] extends { readonly values: readonly (infer Value)[] } ? Value : string)
    | (Operands[Place] extends { readonly optional: true } ? undefined : never);
};

/** What is the same for every command. */
export interface CommandLine {
  /** The configuration, read when it is first asked for; throws {@link Failure} `config`. */
  config(): Config;
  /** Where data and messages go. */
  readonly out: Output;
}

/** A command line that was understood; of a command with these operands and flags. */
export interface Invocation<C extends Command> extends CommandLine {
  /** The words after the command, checked against its operands. */
  readonly operands: Words<C>;
  /** The value of a flag, undefined when it was not given. */
  flag(name: ValueFlag<C>): string | undefined;
  /** Whether a switch was given. */
  on(name: Switch<C>): boolean;
}

/** A command that can't go on, with its exit code and what to do about it. */
export class CommandError extends Error {
  /** Tells this error from others after it was serialized. */
  override readonly name = "CommandError";
  /** What the program ends with. */
  readonly exitCode: number;
  /** What a person can do about it; may be empty. */
  readonly hint: string;
  /** What programs tell failures apart by. */
  readonly code: string;

  /** A failure (exit code 1) unless told otherwise. */
  constructor(
    message: string,
    options: { exitCode?: number; hint?: string; code?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.hint = options.hint ?? "";
    this.code = options.code ?? CODES[this.exitCode] ?? "failed";
  }
}

const CODES: Readonly<Record<number, string>> = {
  [EXIT.usage]: "usage",
  [EXIT.notAsExpected]: "not-as-expected",
  [EXIT.unreachable]: "unreachable",
  [EXIT.lockHeld]: "lock-held",
};

/** The command line can't be used. */
export function usageError(
  message: string,
  hint = "`tinyforge help` lists the commands",
): CommandError {
  return new CommandError(message, { exitCode: EXIT.usage, hint });
}

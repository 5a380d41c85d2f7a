/**
 * What a command is: its place in the table, and what it gets when it runs. Knows no command.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { Output } from "./output.ts";

/** What a command ends with. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
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
  /** Every possible value, where there are few. */
  readonly values?: readonly string[];
  /** Whether several values can be given, separated by commas. */
  readonly list?: boolean;
}

/** A word that a command expects. */
export interface Operand {
  /** What it is called in usage texts, upper case. */
  readonly name: string;
  /** It may be left out; only the last ones can be. */
  readonly optional?: boolean;
  /** Every possible value, where there are few. */
  readonly values?: readonly string[];
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
  /** Loads what it runs; called for this command alone, so that the others cost nothing. */
  readonly load: () => Promise<Run>;
}

/** Runs a command; resolves with the exit code. */
export type Run = (invocation: Invocation) => Promise<number>;

/** A command line that was understood. */
export interface Invocation {
  /** The words after the command, checked against its operands. */
  readonly operands: readonly string[];
  /** The value of a flag, undefined when it was not given. */
  flag(name: string): string | undefined;
  /** Whether a switch was given. */
  on(name: string): boolean;
  /** The configuration, read when it is first asked for; throws {@link Failure} `config`. */
  config(): Config;
  /** Where data and messages go. */
  readonly out: Output;
}

/** A command that can't go on, with its exit code and what to do about it. */
export class CommandError extends Error {
  /** Tells this error from others after it was serialized. */
  override readonly name = "CommandError";
  /** What the program ends with. */
  readonly exitCode: number;
  /** What a person can do about it; may be empty. */
  readonly hint: string;

  /** A failure (exit code 1) unless told otherwise. */
  constructor(
    message: string,
    options: { exitCode?: number; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.hint = options.hint ?? "";
  }
}

/** The command line can't be used. */
export function usageError(
  message: string,
  hint = "`tinyforge help` lists the commands",
): CommandError {
  return new CommandError(message, { exitCode: EXIT.usage, hint });
}

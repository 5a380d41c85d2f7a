/**
 * The one table from errors to exit codes and messages. Pure. Errors are told by their names, so
 * that a command that fails does not load the parts of the program that it didn't use.
 *
 * @module
 */

import { storeError } from "../store/error.ts";
import { EXIT } from "./command.ts";

/** What a failure looks like from outside. */
export interface Failure {
  /** For stderr, to be escaped there. */
  readonly lines: readonly string[];
  /** What the program ends with. */
  readonly exitCode: number;
}

/**
 * Message, hint and exit code of anything that was thrown.
 *
 * @param options `traces`: also where it was thrown, with its causes.
 */
export function describeFailure(error: unknown, options: { traces: boolean }): Failure {
  // Reading is not wrapped query by query; what SQLite throws there means the same everywhere.
  const { name, message, hint, exitCode } = read(storeError("Cannot read the index", error));
  // The only message made of several lines; the values in it are quoted.
  const lines = name === "ConfigError" ? message.split("\n") : [message];
  if (hint !== "") lines.push(`hint: ${hint}`);
  if (options.traces) lines.push(...traceLines(error));
  return { lines, exitCode };
}

const EXIT_CODES: Readonly<Record<string, number>> = {
  ConfigError: EXIT.usage,
  DockerError: EXIT.unreachable,
  LockHeldError: EXIT.lockHeld,
};

interface ReadError {
  readonly name: string;
  readonly message: string;
  readonly hint: string;
  readonly exitCode: number;
}

function read(error: unknown): ReadError {
  if (!(error instanceof Error)) {
    return { name: "", message: `Cannot go on: ${error}`, hint: FAULT, exitCode: EXIT.failed };
  }
  const { name, message } = error;
  const { hint, exitCode, kind, code } = error as {
    hint?: unknown;
    exitCode?: unknown;
    kind?: unknown;
    code?: unknown;
  };
  const explained = typeof hint === "string";
  return {
    name,
    message: message.startsWith("Cannot ") ? message : `Cannot go on: ${message || name}`,
    hint: explained ? hint : message.startsWith("Cannot ") ? "" : FAULT,
    exitCode: typeof exitCode === "number"
      ? exitCode
      // An address that can't be used is the caller's mistake, not an Engine that is away.
      : (name === "DockerError" && kind === "host") || (name === "StoreError" && code === "invalid")
      ? EXIT.usage
      : EXIT_CODES[name] ?? EXIT.failed,
  };
}

const FAULT = "this may be a fault in tinyforge; --log-level debug shows where";

function traceLines(error: unknown): string[] {
  const lines: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const stack = (at.stack ?? `${at.name}: ${at.message}`).split("\n");
    lines.push(...(depth === 0 ? stack : [`caused by ${stack[0]}`, ...stack.slice(1)]));
  }
  return lines;
}

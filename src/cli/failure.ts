/**
 * From whatever was thrown to a message, a hint and an exit code; the words are in words.ts. Pure.
 * Errors that are no {@link Failure} are told by their names, so that a command that fails does not
 * load the parts of the program that it didn't use.
 *
 * @module
 */

import { isFailure } from "../failure.ts";
import { storeError } from "../store/error.ts";
import { EXIT } from "./command.ts";
import { withLocalTimes } from "./moments.ts";
import { exitCodeFor, hintFor, linesFor } from "./words.ts";

/** What a failure looks like from outside. */
export interface FailureText {
  /** For stderr, to be escaped there; with local times. */
  readonly lines: readonly string[];
  /** The same as a JSON document, for who asked for `--json`; its times are UTC. */
  readonly json: { readonly error: FailureBody };
  /** What the program ends with. */
  readonly exitCode: number;
}

/** A failure as programs read it. */
export interface FailureBody {
  /** What they tell failures apart by: `not-found`, `conflict`, `usage`, … */
  readonly code: string;
  /** What can't be done and why. */
  readonly message: string;
  /** What a person can do about it, null where nobody knows. */
  readonly hint: string | null;
  /** Where it was thrown, when that was asked for. */
  readonly trace?: readonly string[];
}

/**
 * Message, hint and exit code of anything that was thrown.
 *
 * @param options `traces`: also where it was thrown, with its causes.
 */
export function describeFailure(error: unknown, options: { traces: boolean }): FailureText {
  // Reading is not wrapped query by query; what SQLite throws there means the same everywhere.
  const { lines: said, hint, exitCode, code } = read(storeError("Cannot read the index", error));
  const message = said.join("\n");
  const lines = said.map((line) => withLocalTimes(line));
  if (hint !== "") lines.push(`hint: ${hint}`);
  if (options.traces) lines.push(...traceLines(error));
  const trace = options.traces ? { trace: traceLines(error) } : {};
  const json = { error: { code, message, hint: hint === "" ? null : hint, ...trace } };
  return { lines, exitCode, json };
}

interface ReadError {
  readonly lines: readonly string[];
  readonly hint: string;
  readonly exitCode: number;
  readonly code: string;
}

function read(error: unknown): ReadError {
  if (!(error instanceof Error)) {
    return {
      lines: [`Cannot go on: ${error}`],
      hint: FAULT,
      exitCode: EXIT.failed,
      code: "internal",
    };
  }
  const { name, message } = error;
  if (isFailure(error)) {
    return {
      lines: linesFor(error),
      hint: hintFor(error),
      exitCode: exitCodeFor(error),
      code: error.code,
    };
  }
  const { hint, exitCode, code } = error as {
    hint?: unknown;
    exitCode?: unknown;
    code?: unknown;
  };
  const explained = typeof hint === "string";
  return {
    lines: [message.startsWith("Cannot ") ? message : `Cannot go on: ${message || name}`],
    hint: explained ? hint : message.startsWith("Cannot ") ? "" : FAULT,
    exitCode: typeof exitCode === "number" ? exitCode : EXIT.failed,
    code: typeof code === "string" && explained ? code : explained ? "failed" : "internal",
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

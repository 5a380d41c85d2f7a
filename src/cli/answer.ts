/**
 * What an answer of the HTTP API is to a command: JSON, or the error that its problem document
 * tells of. Pure.
 *
 * @module
 */

import { CommandError, EXIT } from "./command.ts";
import { joinedBytes } from "../bytes.ts";
import type { Answer, AnswerInPieces } from "./daemon_socket.ts";
import { hintForProblem } from "./words.ts";

/**
 * The answer's JSON.
 *
 * @throws {CommandError} What an error answer says.
 */
export function readAnswer<T>(answer: Answer): T {
  const text = checkAnswer(answer);
  try {
    return (text === "" ? undefined : JSON.parse(text)) as T;
  } catch (cause) {
    throw new CommandError("Cannot read the daemon's answer: it is not JSON", { cause });
  }
}

/**
 * The answer's text.
 *
 * @throws {CommandError} What an error answer says.
 */
function checkAnswer({ ok, status, text }: Answer): string {
  if (!ok) throw problemError(status, text);
  return text;
}

/**
 * The answer's body.
 *
 * @throws {CommandError} What an error answer says.
 */
export function checkPieces({ ok, status, pieces }: AnswerInPieces): readonly Uint8Array[] {
  if (!ok) throw problemError(status, new TextDecoder().decode(joinedBytes(pieces)));
  return pieces;
}

/** The members of a problem document (RFC 9457) that are read, each of which may lack. */
interface ProblemDetails {
  readonly code?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly hint?: unknown;
  readonly data?: unknown;
  readonly errors?: unknown;
}

function problemError(status: number, text: string): CommandError {
  const problem = parseProblem(text);
  const { code, title, detail, hint, data, errors } = problem;
  const said = [detail, title].filter((each) => typeof each === "string")[0] ??
    `the answer is ${status}`;
  const fields = (Array.isArray(errors) ? errors : [])
    // The first ones stand in the detail already.
    .filter(({ message }) => !said.includes(message))
    .map(({ path, message }) => path ? `${path}: ${message}` : `${message}`);
  const message = [said, ...fields].join("; ");
  return new CommandError(message.startsWith("Cannot ") ? message : `Cannot do it: ${message}`, {
    exitCode: EXIT_CODES[String(code)] ?? EXIT.failed,
    ...(typeof code === "string" && { code }),
    // What the API says is for who sends requests; here there are commands.
    hint: isOfOther(status, problem)
      ? OTHER_VERSION
      : hintForProblem(code, data) ?? (typeof hint === "string" ? hint : ""),
  });
}

/** What to do where a command asks for what whatever runs there does not know. */
const OTHER_VERSION = "what runs there is of another version than this command: start it again " +
  "with this one";

/**
 * Whether it knows less than this program asks for, or no more what it asks for: a path, a method of
 * one, or a field.
 */
function isOfOther(status: number, { code, data, errors }: ProblemDetails): boolean {
  return status === 405 || code === "not-found" && data === undefined ||
    Array.isArray(errors) && errors.some(({ message }) => message === "Unknown field");
}

const EXIT_CODES: Readonly<Record<string, number>> = {
  "malformed": EXIT.usage,
  "invalid": EXIT.usage,
  "no-daemon": EXIT.unreachable,
  "pass-failed": EXIT.unreachable,
  "pass-timeout": EXIT.unreachable,
  "stopping": EXIT.unreachable,
};

function parseProblem(text: string): ProblemDetails {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null ? problem : {};
  } catch {
    return {};
  }
}

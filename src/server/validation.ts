/**
 * What the libraries find wrong with a request, in our words.
 *
 * @module
 */

import { HTTPException } from "hono/http-exception";
import { type FieldError, Problem } from "./problem.ts";

/** What the validators throw before a schema is asked, as a problem; any other error as it is. */
export function httpProblem(error: Error): Error {
  if (!(error instanceof HTTPException)) return error;
  if (error.status === 415) {
    return new Problem(
      "unsupported-media-type",
      "Cannot read the body: it is not said to be JSON",
      {
        hint: "send Content-Type: application/json",
        cause: error,
      },
    );
  }
  if (error.status === 400) {
    return new Problem("malformed", "Cannot read the body: it is not JSON", { cause: error });
  }
  return error;
}

/** Field names are the client's: neither their number nor their length is answered in full. */
const MAX_ERRORS = 20;
const MAX_PATH = 64;

/** The part of a validator's finding that is told. */
export interface Issue {
  /** What kind of finding. */
  readonly code?: string;
  /** From the outside in. */
  readonly path: readonly PropertyKey[];
  /** What is wrong there. */
  readonly message: string;
  /** Fields that nobody knows. */
  readonly keys?: readonly string[];
}

/** What the schemas found, as a problem with one entry for each field. */
export function invalid(issues: readonly Issue[]): Problem {
  const errors = issues.flatMap(({ code, path, message, keys }) =>
    code === "unrecognized_keys" && keys
      ? keys.slice(0, MAX_ERRORS).map((key) => fieldError([...path, key], "Unknown field"))
      : fieldError(path, message)
  ).slice(0, MAX_ERRORS);
  const summary = errors.slice(0, 3).map(({ path, message }) =>
    path === "" ? message : `${JSON.stringify(path)}: ${message}`
  ).join("; ");
  return new Problem("invalid", `Cannot take the request: ${summary}`, { errors });
}

function fieldError(path: readonly PropertyKey[], message: string): FieldError {
  return { path: path.map(String).join(".").slice(0, MAX_PATH), message };
}

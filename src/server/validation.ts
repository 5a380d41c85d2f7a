/**
 * What a request brings, held against a schema; what is wrong with it, in our words.
 *
 * @module
 */

import * as z from "zod";
import type { Schema } from "./operation.ts";
import { type FieldError, ProblemDetails } from "./problem_details.ts";

/**
 * The value as the schema has it.
 *
 * @throws {ProblemDetails} `invalid`.
 */
export function check<Value>(schema: Schema<Value>, value: unknown): Value {
  try {
    return schema.parse(value);
  } catch (error) {
    throw error instanceof z.ZodError ? invalid(error.issues) : error;
  }
}

/**
 * The value of a JSON body.
 *
 * @throws {ProblemDetails} `unsupported-media-type`, `malformed`.
 */
export function parseJson(contentType: string | undefined, text: string): unknown {
  if (!/^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i.test(contentType ?? "")) {
    throw new ProblemDetails(
      "unsupported-media-type",
      "Cannot read the body: it is not said to be JSON",
      { hint: "send Content-Type: application/json" },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProblemDetails("malformed", "Cannot read the body: it is not JSON", { cause });
  }
}

/** Field names are the client's: neither their number nor their length is answered in full. */
const MAX_ERRORS = 20;
const MAX_PATH = 64;

/** The part of a validator's finding that is told. */
interface Issue {
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
function invalid(issues: readonly Issue[]): ProblemDetails {
  const errors = issues.flatMap(({ code, path, message, keys }) =>
    code === "unrecognized_keys" && keys
      ? keys.slice(0, MAX_ERRORS).map((key) => fieldError([...path, key], "Unknown field"))
      : fieldError(path, message)
  ).slice(0, MAX_ERRORS);
  return invalidFields(errors);
}

/** That these fields of a request are wrong. */
export function invalidFields(errors: readonly FieldError[]): ProblemDetails {
  const summary = errors.slice(0, 3).map(({ path, message }) =>
    path === "" ? message : `${JSON.stringify(path)}: ${message}`
  ).join("; ");
  return new ProblemDetails("invalid", `Cannot take the request: ${summary}`, { errors });
}

function fieldError(path: readonly PropertyKey[], message: string): FieldError {
  return { path: path.map(String).join(".").slice(0, MAX_PATH), message };
}

/**
 * Every way in which a request fails, in one table, and how that looks on the wire: RFC 9457
 * problem JSON. Must not decide what went wrong: whoever finds out throws.
 *
 * @module
 */

import { StoreError, storeError, type StoreErrorCode } from "../store/error.ts";

/** Failures that the store does not know of. */
export type RequestErrorCode =
  | "malformed"
  | "unauthorized"
  | "forbidden-host"
  | "forbidden-origin"
  | "method-not-allowed"
  | "request-timeout"
  | "too-large"
  | "unsupported-media-type"
  | "too-many-requests"
  | "too-many-feeds"
  | "overloaded"
  | "internal"
  | "pass-failed"
  | "no-daemon"
  | "stopping"
  | "pass-timeout";

/** The `code` of a problem; the store's codes are passed on as they are. */
export type ProblemCode = StoreErrorCode | RequestErrorCode;

/** Code → status and title. */
export const PROBLEMS: Readonly<
  Record<ProblemCode, { readonly status: number; readonly title: string }>
> = {
  "malformed": { status: 400, title: "The request can't be read" },
  "unauthorized": { status: 401, title: "The token is missing or wrong" },
  "forbidden-host": { status: 403, title: "The request names a host that is not allowed" },
  "forbidden-origin": { status: 403, title: "The request comes from another site" },
  "not-found": { status: 404, title: "There is no such thing" },
  "method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "conflict": { status: 409, title: "Something else has that name or binding" },
  "in-use": { status: 409, title: "Something refers to it" },
  "too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body is not JSON" },
  "invalid": { status: 422, title: "The request has values that are not allowed" },
  "too-many-requests": { status: 429, title: "Too many wrong guesses" },
  "internal": { status: 500, title: "A fault of this program" },
  "io": { status: 500, title: "The database can't be read or written" },
  "corrupt": { status: 500, title: "The database is corrupted" },
  "newer": { status: 500, title: "The database is of a newer version" },
  "pass-failed": { status: 502, title: "The pass failed" },
  "busy": { status: 503, title: "The database is busy" },
  "readonly": { status: 503, title: "The database can't be written" },
  "no-daemon": { status: 503, title: "No daemon is running" },
  "stopping": { status: 503, title: "The daemon is stopping" },
  "overloaded": { status: 503, title: "Too many bytes are on their way" },
  "too-many-feeds": { status: 503, title: "Too many live feeds are open" },
  "pass-timeout": { status: 504, title: "The pass takes too long" },
  "full": { status: 507, title: "The disk is full" },
};

/** A value that is not allowed, and where it stands. */
export interface FieldError {
  /** Names of the fields from the outside in, joined with dots. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

/** What belongs to a problem besides its code and detail. */
export interface ProblemOptions {
  /** What a person can do about it. */
  readonly hint?: string;
  /** One for each field at fault. */
  readonly errors?: readonly FieldError[];
  /** To be sent with the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What it was caused by. */
  readonly cause?: unknown;
}

/** A request that can't be answered as asked; thrown by whoever handles it. */
export class Problem extends Error {
  /** Tells this error from others. */
  override readonly name = "Problem";
  /** Which row of the table. */
  readonly code: ProblemCode;
  /** What a person can do about it; may be empty. */
  readonly hint: string;
  /** One for each field at fault. */
  readonly errors: readonly FieldError[];
  /** To be sent with the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` says what can't be done and why. */
  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? "";
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}

/** Whatever was thrown, as a problem. What nobody expected becomes `internal` and says nothing. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // Reading is not wrapped query by query; what SQLite throws there means the same everywhere.
  const known = storeError("Cannot read the index", error);
  if (known instanceof StoreError) {
    return new Problem(known.code, known.message, { hint: known.hint, cause: error });
  }
  return new Problem("internal", "Cannot answer: an error that should not happen", {
    hint: "the daemon's log says more",
    cause: error,
  });
}

/** A problem as an answer. */
export function problemResponse(problem: Problem): Response {
  const { status, title } = PROBLEMS[problem.code];
  const body = {
    type: `/problems/${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...(problem.hint !== "" && { hint: problem.hint }),
    ...(problem.errors.length > 0 && { errors: problem.errors }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...problem.headers, "content-type": "application/problem+json" },
  });
}

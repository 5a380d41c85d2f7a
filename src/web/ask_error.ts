/**
 * Why a request brought nothing. Must not know how one is made, so that what waits for an answer can
 * be had without a page.
 *
 * @module
 */

/** A request that did not do what it was for. */
export class AskError extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The API's code, or empty. */
  readonly code: string;
  /** What helps, as the server says it, or empty. */
  readonly hint: string;

  /** With what the server said. */
  constructor(message: string, { status = 0, code = "", hint = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Whether this error only says that nobody waits any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What was thrown, as an error of a request. */
export function asAskError(error: unknown): AskError {
  return error instanceof AskError
    ? error
    : new AskError(error instanceof Error ? error.message : String(error));
}

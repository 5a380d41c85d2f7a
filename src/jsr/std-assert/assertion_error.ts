/**
 * The error every assertion throws. Must not know any assertion.
 *
 * @module
 */

/** What a failed assertion throws; `name` is `AssertionError`. */
export class AssertionError extends Error {
  /** `message` says what was expected and what was there; `options` may carry a `cause`. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

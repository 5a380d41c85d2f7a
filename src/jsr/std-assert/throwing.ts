/**
 * Assertions about failing: functions that throw, promises that reject, code that must not be
 * reached. Must not swallow an error of another class than the expected one.
 *
 * @module
 */

import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./message.ts";

// deno-lint-ignore no-explicit-any -- any error class will do
type ErrorClass<E extends Error> = new (...args: any[]) => E;

/** Throws always, with `msg` as the reason. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** Throws always: marks code that can't be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${suffix(msg)}`);
}

/** Throws unless `error` is an Error, of that class and with that text in its message. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any -- any error class will do
  ErrorClass?: new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `Expected "error" to be an Error object${suffix(msg)}`,
    );
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    // A failure of another kind is likely a mistake in the test: keep it visible.
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}"${
        suffix(msg)
      }`,
    );
  }
  if (
    msgIncludes &&
    !withoutColour(error.message).includes(withoutColour(msgIncludes))
  ) {
    throw new AssertionError(
      `Expected error message to include ${JSON.stringify(msgIncludes)}, but got ${
        JSON.stringify(error.message)
      }${suffix(msg)}`,
    );
  }
}

/** Throws unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless `fn` throws an error of that class and with that text; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- any error class will do
  ErrorClass: new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  includes?: string,
  msg?: string,
): unknown {
  const reason = typeof classOrMsg === "string" ? classOrMsg : msg;
  try {
    fn();
  } catch (error) {
    expectError(error, { classOrMsg, includes, msg: reason, verb: "thrown" });
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(reason)}`);
}

/** Throws unless the promise of `fn` rejects; resolves to the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Throws unless the promise of `fn` rejects with that class and text; resolves to the reason. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- any error class will do
  ErrorClass: new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  includes?: string,
  msg?: string,
): Promise<unknown> {
  const reason = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // Told below: to throw at once is not to reject.
  }
  if (
    !promise || typeof promise !== "object" ||
    typeof promise.then !== "function"
  ) {
    throw new AssertionError(
      `Function throws when expected to reject${suffix(reason)}`,
    );
  }
  try {
    await promise;
  } catch (error) {
    expectError(error, { classOrMsg, includes, msg: reason, verb: "rejected" });
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(reason)}`);
}

interface Expected<E extends Error> {
  classOrMsg: ErrorClass<E> | string | undefined;
  includes: string | undefined;
  msg: string | undefined;
  verb: string;
}

/** Without an expected class anything may be thrown, not only errors. */
function expectError<E extends Error>(
  error: unknown,
  expected: Expected<E>,
): void {
  if (typeof expected.classOrMsg !== "function") return;
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was ${expected.verb}${suffix(expected.msg)}`,
    );
  }
  assertIsError(error, expected.classOrMsg, expected.includes, expected.msg);
}

function withoutColour(text: string): string {
  // deno-lint-ignore no-control-regex -- ANSI colours begin with ESC
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/**
 * Expects a failure by its code, so that a test can look at what is known of it.
 *
 * @module
 */

import { assert, assertInstanceOf } from "@std/assert";
import { Failure, type FailureCode, isFailure } from "../../src/failure.ts";

/** The {@link Failure} with this code that the operation throws or rejects with. */
export async function failsWith<Code extends FailureCode>(
  code: Code,
  operation: () => unknown,
): Promise<Failure<Code>> {
  let error: unknown;
  try {
    await operation();
  } catch (thrown) {
    error = thrown;
  }
  assertInstanceOf(error, Failure, `expected ${code}`);
  assert(isFailure(error, code), `${error.code} instead of ${code}: ${error.message}`);
  return error;
}

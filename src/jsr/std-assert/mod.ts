/**
 * Assertions for tests, under the names and with the behaviour of `@std/assert` 1.0.19: the part
 * of it that is used here. Must not export what that package does not.
 *
 * @module
 */

export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export {
  type ArrayLikeArg,
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
  type Falsy,
} from "./comparing.ts";
export { assertObjectMatch } from "./object_match.ts";
export { assertIsError, assertRejects, assertThrows, fail, unreachable } from "./throwing.ts";

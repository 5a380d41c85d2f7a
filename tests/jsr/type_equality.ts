/**
 * Equality of types, checked by the compiler. Must not do anything when run.
 *
 * @module
 */

/** True when both types are the same in both directions; false fails to compile where used. */
export type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

/** Does nothing; the check is its type argument. */
export function assertType<_T extends true>(): void {}

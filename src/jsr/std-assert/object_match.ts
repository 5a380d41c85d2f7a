/**
 * The assertion that one object is a part of another. Must not change either. It compares dates and
 * patterns also as values of maps, which the real package leaves out.
 *
 * @module
 */

import { assertEquals } from "./comparing.ts";

/**
 * Throws, with a diff, unless every property of `expected` is in `actual`, deeply. Instances
 * are compared as plain objects by their own properties; arrays up to the shorter length of both.
 */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- an interface is not assignable to a record of unknown
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(
    part(actual, expected, new Map()),
    part(expected, expected, new Map()),
    msg,
  );
}

/** Parts made so far, by value, then by mask: cycles end, and a value may meet two masks. */
type Made = Map<object, Map<object, object>>;

/** The part of `value` that `mask` has too, instances as plain objects. */
function part(value: object, mask: object, made: Made): object {
  const byMask = made.get(value) ?? new Map<object, object>();
  made.set(value, byMask);
  const known = byMask.get(mask);
  if (known !== undefined) return known;
  if (Array.isArray(value) && Array.isArray(mask)) {
    const list: unknown[] = [];
    byMask.set(mask, list);
    for (let i = 0; i < Math.min(value.length, mask.length); i++) {
      list.push(member(value[i], mask[i], made));
    }
    return list;
  }
  if (value instanceof Map && mask instanceof Map) {
    const map = new Map<unknown, unknown>();
    byMask.set(mask, map);
    for (const [key, item] of value) {
      if (mask.has(key)) map.set(key, member(item, mask.get(key), made));
    }
    return map;
  }
  if (value instanceof Set && mask instanceof Set) {
    return value.intersection(mask);
  }
  const result: Record<PropertyKey, unknown> = {};
  byMask.set(mask, result);
  const keys = Reflect.ownKeys(value);
  const shared = keys.filter((key) => Object.hasOwn(mask, key));
  const nothingShared = shared.length === 0 && Reflect.ownKeys(mask).length > 0;
  for (const key of nothingShared ? keys : shared) {
    const item: unknown = Reflect.get(value, key);
    // Defined, not assigned: a key may be `__proto__`.
    Object.defineProperty(result, key, {
      value: nothingShared ? item : member(item, Reflect.get(mask, key), made),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return result;
}

function member(
  value: unknown,
  mask: unknown,
  made: Made,
): unknown {
  // What they stand for is in no property.
  if (value instanceof RegExp || value instanceof Date) return value;
  if (typeof value !== "object" || value === null) return value;
  if (typeof mask !== "object" || mask === null) return value;
  return part(value, mask, made);
}

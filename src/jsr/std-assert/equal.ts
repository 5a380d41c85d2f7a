/**
 * Deep equality of two values, the ground of the comparing assertions. Must not throw on
 * unequal values and must not format anything.
 *
 * @module
 */

/**
 * True when both values are deeply equal: same prototype, same own and inherited properties, `0`
 * equals `-0`, `NaN` equals `NaN`; sets and maps are compared whatever their order.
 * Throws a TypeError for a `WeakMap` or `WeakSet`, whose content can't be seen.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

/** `visited` pairs the objects under comparison, so that cycles end. */
function compare(
  a: unknown,
  b: unknown,
  visited: Map<object, object>,
): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime());
  }
  if (!samePrototype(a, b)) return false;
  if (ArrayBuffer.isView(a) && !(a instanceof DataView)) {
    return sameElements(
      a as unknown as ArrayLike<unknown>,
      b as unknown as ArrayLike<unknown>,
    );
  }
  if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
    return sameElements(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(
      `Cannot compare ${a instanceof WeakMap ? "WeakMap" : "WeakSet"} instances`,
    );
  }
  if (a instanceof WeakRef) {
    return compare(a.deref(), (b as WeakRef<WeakKey>).deref(), visited);
  }
  if (visited.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  visited.set(a, b);
  if (a instanceof Map || a instanceof Set) {
    return sameMembers(a, b as Map<unknown, unknown> | Set<unknown>, visited);
  }
  if (isWrittenOut(a)) return String(a) === String(b);
  for (const key of new Set([...allKeys(a), ...allKeys(b)])) {
    if (key in a !== key in b) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), visited)) {
      return false;
    }
  }
  return true;
}

/** A plain object and one without a prototype count as the same kind. */
function samePrototype(a: object, b: object): boolean {
  const plain = (value: object): unknown => Object.getPrototypeOf(value) ?? Object.prototype;
  return plain(a) === plain(b);
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

/** Entries are matched one to one; a primitive key is looked up, any other is searched. */
function sameMembers(
  a: Map<unknown, unknown> | Set<unknown>,
  b: Map<unknown, unknown> | Set<unknown>,
  visited: Map<object, object>,
): boolean {
  if (a.size !== b.size) return false;
  const values = (
    of: Map<unknown, unknown> | Set<unknown>,
    key: unknown,
  ): unknown => of instanceof Map ? of.get(key) : key;
  const searched: unknown[] = [];
  for (const key of a.keys()) {
    if (isPrimitive(key)) {
      if (!b.has(key) || !compare(values(a, key), values(b, key), visited)) {
        return false;
      }
    } else searched.push(key);
  }
  const candidates = [...b.keys()].filter((key) => !isPrimitive(key));
  return searched.every((key) => {
    const at = candidates.findIndex((other) =>
      compare(key, other, visited) &&
      compare(values(a, key), values(b, other), visited)
    );
    if (at === -1) return false;
    candidates.splice(at, 1);
    return true;
  });
}

function isPrimitive(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function");
}

/** Kinds whose string form says all there is to say. */
function isWrittenOut(value: object): boolean {
  return [RegExp, URL, URLSearchParams, Intl.Locale].some((kind) =>
    Object.getPrototypeOf(value) === kind.prototype
  );
}

/** Own keys, for instances of classes also those of the classes. */
function allKeys(value: object): Set<string | symbol> {
  const keys = new Set<string | symbol>();
  const plain = isPlain(value);
  for (
    let level: object | null = value;
    level !== null && level !== Object.prototype && level !== Array.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const key of Reflect.ownKeys(level)) {
      // In plain objects, what can't be enumerated doesn't count.
      if (plain && !Object.prototype.propertyIsEnumerable.call(level, key)) {
        continue;
      }
      keys.add(key);
    }
  }
  return keys;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype;
}

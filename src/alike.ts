/**
 * Puts together what a person reads as one: sixty containers of one stack that are gone are one line,
 * not sixty. Pure; must not know what is listed, nor choose words.
 *
 * @module
 */

/** So many are put together; of fewer each has something to say of its own. */
const FEWEST_ALIKE = 4;

/** So many of those that are put together are named. */
const MAX_NAMED = 3;

/**
 * The same in the same order, those alike together where the first of them is. Whatever has null for
 * a key is like nothing else, and what there are fewer than {@linkcode FEWEST_ALIKE} of stays apart.
 */
export function together<T>(all: readonly T[], keyOf: (one: T) => string | null): T[][] {
  const keys = all.map(keyOf);
  const byKey = Map.groupBy(all.keys(), (i) => keys[i]!);
  return all.flatMap((one, i) => {
    const same = keys[i] === null ? [] : byKey.get(keys[i]!)!;
    if (same.length < FEWEST_ALIKE) return [[one]];
    return same[0] === i ? [same.map((each) => all[each]!)] : [];
  });
}

/** Those alike in the order of their names, `web-2` before `web-10`. */
export function byName<T>(alike: readonly T[], nameOf: (one: T) => string): T[] {
  const { compare } = new Intl.Collator("en", { numeric: true });
  return alike.toSorted((a, b) => compare(nameOf(a), nameOf(b)));
}

/** Names of the first of them, and how many there are besides. */
export function firstNames<T>(
  ordered: readonly T[],
  nameOf: (one: T) => string,
): { named: string[]; more: number } {
  const named = ordered.slice(0, MAX_NAMED).map(nameOf);
  return { named, more: ordered.length - named.length };
}

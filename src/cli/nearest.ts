/**
 * The name that was probably meant. Pure.
 *
 * @module
 */

/**
 * The candidate nearest to `text`, or null when none is near enough to be a slip of the fingers.
 * Of several as near, the first.
 */
export function nearest(text: string, candidates: Iterable<string>): string | null {
  // A hostile or mistaken 10 kB argument is nobody's slip, and the distance is quadratic.
  if (text === "" || text.length > 64) return null;
  const wanted = text.toLowerCase();
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = candidate.toLowerCase().startsWith(wanted) && wanted.length >= 3
      ? 0.5
      : editDistance(wanted, candidate.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.min(wanted.length, candidate.length) / 3));
    if (distance > allowed || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours between two texts. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

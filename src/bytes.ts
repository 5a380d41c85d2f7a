/**
 * Bytes put together. A leaf: knows nothing of where they come from or go.
 *
 * @module
 */

/** A copy of all of it, which keeps nothing else in memory. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** All pieces together, and what is returned after them. */
export function collected<End>(
  pieces: Iterator<Uint8Array, End, undefined>,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly end: End } {
  const { all, end } = allOf(pieces);
  return { bytes: joinedBytes(all), end };
}

/** What an iterator returns after all that it has; `between` is waited for after each of that. */
export async function endOf<Piece, End>(
  pieces: Iterator<Piece, End, undefined>,
  between: (piece: Piece) => Promise<void>,
): Promise<End> {
  while (true) {
    const { done, value } = pieces.next();
    if (done) return value;
    await between(value);
  }
}

/** All that an iterator has, and what is returned after it. */
export function allOf<Piece, End>(
  pieces: Iterator<Piece, End, undefined>,
): { readonly all: readonly Piece[]; readonly end: End } {
  const all: Piece[] = [];
  while (true) {
    const { done, value } = pieces.next();
    if (done) return { all, end: value };
    all.push(value);
  }
}

/** A text in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

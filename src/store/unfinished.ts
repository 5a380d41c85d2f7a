/**
 * What is read piece by piece, while others have their turn, and must be of one moment all the same:
 * it is read to its end before anything changes. Knows neither statements nor what is read.
 *
 * @module
 */

/** Readings that are not at their end. */
export class Unfinished {
  readonly #readings = new Set<() => void>();

  /** Reads all of them to their ends, into memory. What fails, fails for who reads it. */
  finish(): void {
    for (const finish of [...this.#readings]) finish();
  }

  /**
   * The same pieces, and what is returned after them, as they are when the first is asked for,
   * however late the others are. Whoever leaves early has to `return()`.
   */
  *steady<Piece, End>(
    pieces: Generator<Piece, End, undefined>,
  ): Generator<Piece, End, undefined> {
    const ahead: IteratorResult<Piece, End>[] = [];
    let failure: { readonly error: unknown } | null = null;
    const finish = () => {
      this.#readings.delete(finish);
      try {
        do ahead.push(pieces.next()); while (!ahead.at(-1)!.done);
      } catch (error) {
        failure = { error };
      }
    };
    this.#readings.add(finish);
    try {
      while (true) {
        const next = ahead.shift();
        if (next === undefined && failure !== null) throw (failure as { error: unknown }).error;
        const { done, value } = next ?? pieces.next();
        if (done) return value;
        yield value;
      }
    } finally {
      this.#readings.delete(finish);
      pieces.return(undefined as never);
    }
  }
}

/**
 * Rows of small numbers, each once, by number: a hash table without an object for each row.
 *
 * @module
 */

/** More rows than this mean that something in the model grows without end. */
const MOST_ROWS = 4_000_000;

/** A growing set of rows of one width. */
export class RowTable {
  readonly #width: number;
  #rows: Int32Array<ArrayBuffer>;
  /** Number of the row + 1, or 0 where the slot is free; a power of two long. */
  #slots = new Int32Array(1 << 12);
  #size = 0;

  /** For rows of so many numbers. */
  constructor(width: number) {
    this.#width = width;
    this.#rows = new Int32Array(width << 10);
  }

  /** How many rows there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of a row; the size before it was added, if it is new. */
  put(row: readonly number[]): number {
    let slot = hash(row) & (this.#slots.length - 1);
    for (;;) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0) break;
      if (this.#isAt(number, row)) return number;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    if (this.#size === MOST_ROWS) throw new RangeError(`More than ${MOST_ROWS} rows`);
    if (this.#rows.length < (this.#size + 1) * this.#width) this.#rows = grown(this.#rows);
    this.#rows.set(row, this.#size * this.#width);
    this.#slots[slot] = ++this.#size;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return this.#size - 1;
  }

  /** The row with this number. */
  at(number: number): number[] {
    return [...this.#rows.subarray(number * this.#width, (number + 1) * this.#width)];
  }

  #isAt(number: number, row: readonly number[]): boolean {
    const start = number * this.#width;
    for (let i = 0; i < row.length; i++) if (this.#rows[start + i] !== row[i]) return false;
    return true;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#size; number++) {
      let slot = hash(this.at(number)) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** The array twice as long. */
export function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function hash(row: readonly number[]): number {
  let h = 0;
  for (let i = 0; i < row.length; i++) h = Math.imul(h ^ (row[i] ?? 0), 0x9e3779b1) ^ (h >>> 15);
  return (h ^ (h >>> 13)) >>> 0;
}

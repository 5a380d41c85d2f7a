/**
 * Cuts a listing into pieces and knows the pieces of the last one again by their bytes, which costs
 * a tenth of reading them; and its containers by what is read of them, which most of what changes
 * is not. Looks at each byte a fixed number of times, whatever comes.
 *
 * @module
 */

import { joinedBytes } from "../bytes.ts";
import { Buffer } from "node:buffer";
import type { ListedContainer } from "../model/container.ts";
import { decodeListing } from "./wire.ts";

/** Some containers of a listing. */
export interface Piece {
  /** As the Engine wrote it, with the bracket or comma in front. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As much of that as tells it from the others: its first container's id. */
  readonly key: string;
  /** Whether it begins with the bracket that opens the list. */
  readonly opens: boolean;
  /** Whether it is the last, with the bracket that closes the list. */
  readonly closes: boolean;
  /** Null when the piece by itself is no list of containers. */
  readonly containers: readonly ListedContainer[] | null;
}

/**
 * A piece ends behind the brace: before about every sixteenth container, the same ones in every
 * listing. Never within a text, where quotes are escaped; if within a container, it is no JSON.
 */
const END_OF_PIECE = new TextEncoder().encode('},{"Id":"0');
const [BRACE, COMMA] = END_OF_PIECE;

/** As much of the end of what came as may be the beginning of an end of a piece. */
const SEAM = END_OF_PIECE.length - 1;

/** As many bytes of a piece as hold its first container's id. */
const KEY_LENGTH = 80;

const NOTHING = new Uint8Array(0);

/** Cuts one listing after the other; a listing comes in chunks, which it does not keep. */
export class PieceCutter {
  /** The pieces of the last good listing, and where each is among them. */
  #known: readonly Piece[] = [];
  #places: ReadonlyMap<string, number> = new Map();
  #pieces: Piece[] = [];
  /** Which known piece is expected, and how much of it has come. */
  #next = 0;
  #at = 0;
  /** What came of a piece that is not the expected one; null while that is still possible. */
  #parts: Uint8Array[] | null = null;
  #tail: Uint8Array = NOTHING;
  #cutting = true;
  readonly #decoder = new TextDecoder();

  /** A new listing begins. */
  begin(): void {
    this.#pieces = [];
    this.#cutting = true;
    this.#expect(0);
  }

  /** More of the listing. */
  add(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      from = this.#parts === null ? this.#recognize(chunk, from) : this.#collect(chunk, from);
    }
  }

  /** The pieces of the listing; null when their containers are those of the last one. */
  end(): readonly Piece[] | null {
    const known = this.#known[this.#next];
    const expected = this.#parts === null && known?.closes && this.#at === known.bytes.length;
    this.#pieces.push(
      expected ? known : this.#piece(joinedBytes(this.#came()), { closes: true }),
    );
    const [pieces, last] = [this.#pieces, this.#known];
    const same = pieces.length === last.length &&
      pieces.every(({ containers }, i) =>
        containers !== null && containers === last[i]!.containers
      );
    if (!same) return pieces;
    if (pieces.some((piece, i) => piece !== last[i])) this.remember(pieces);
    return null;
  }

  /** These are the pieces to know again. */
  remember(pieces: readonly Piece[]): void {
    this.#known = pieces;
    this.#places = new Map(pieces.map(({ key }, i) => [key, i]));
  }

  #expect(next: number): void {
    this.#next = next;
    this.#at = 0;
    this.#parts = null;
    this.#tail = NOTHING;
  }

  /** What came of the present piece. */
  #came(): Uint8Array[] {
    if (this.#parts !== null) return this.#parts;
    return [this.#known[this.#next]?.bytes.subarray(0, this.#at) ?? NOTHING];
  }

  /** Follows the expected piece; returns up to where, and gives it up where another comes. */
  #recognize(chunk: Uint8Array, from: number): number {
    const known = this.#known[this.#next];
    const left = (known?.bytes.length ?? 0) - this.#at;
    if (known !== undefined && left > 0) {
      const count = Math.min(left, chunk.length - from);
      const expected = known.bytes.subarray(this.#at, this.#at + count);
      if (Buffer.compare(expected, chunk.subarray(from, from + count)) === 0) {
        this.#at += count;
        return from + count;
      }
    } else if (known !== undefined && !known.closes && chunk[from] === COMMA) {
      // Behind a whole list of containers, so another begins.
      this.#pieces.push(known);
      this.#expect(this.#next + 1);
      return from;
    }
    const came = this.#came();
    this.#parts = came;
    this.#tail = came[0]!.subarray(-SEAM);
    return from;
  }

  /** Collects what is not expected up to the end of the piece; returns up to where. */
  #collect(chunk: Uint8Array, from: number): number {
    const parts = this.#parts!;
    if (this.#cutting) {
      const seam = this.#endInSeam(chunk.subarray(from, from + SEAM));
      if (seam >= 0) {
        const came = joinedBytes(parts);
        const end = came.length - this.#tail.length + seam;
        this.#cut(came.slice(0, end));
        this.add(came.subarray(end));
        return from;
      }
      const end = endIn(chunk, from);
      if (end >= 0) {
        this.#cut(joinedBytes([...parts, chunk.subarray(from, end)]));
        return end;
      }
    }
    const rest = chunk.slice(from);
    parts.push(rest);
    this.#tail = rest.length >= SEAM
      ? rest.subarray(-SEAM)
      : joinedBytes([this.#tail, rest]).subarray(-SEAM);
    return chunk.length;
  }

  /** Where in the tail a piece ends whose end goes on in these first bytes of a chunk, or -1. */
  #endInSeam(first: Uint8Array): number {
    if (this.#tail.length === 0) return -1;
    const end = endIn(joinedBytes([this.#tail, first]), 0);
    return end > this.#tail.length ? -1 : end;
  }

  #cut(bytes: Uint8Array<ArrayBuffer>): void {
    const piece = this.#piece(bytes, { closes: false });
    this.#pieces.push(piece);
    this.#cutting = piece.containers !== null;
    const place = this.#places.get(piece.key);
    this.#expect(place === undefined ? this.#next : place + 1);
    if (!this.#cutting) this.#parts = [];
  }

  /** The known piece in the same words, else a new one; with the known containers if they say the same. */
  #piece(bytes: Uint8Array<ArrayBuffer>, { closes }: { closes: boolean }): Piece {
    const key = keyOf(bytes);
    const known = this.#known[this.#places.get(key) ?? -1];
    if (known?.closes === closes && Buffer.compare(known.bytes, bytes) === 0) return known;
    const text = this.#decoder.decode(bytes);
    const opens = text.startsWith("[");
    let containers: readonly ListedContainer[] | null = null;
    try {
      containers = decodeListing(JSON.parse(`[${text.slice(1)}${closes ? "" : "]"}`));
    } catch {
      // Said of the whole listing, where it shows what is wrong.
    }
    // "Up 3 minutes" was "Up 2 minutes", and nothing that is read of it is another.
    if (known !== undefined && isSame(known.containers, containers)) ({ containers } = known);
    return { bytes, key, opens, closes, containers };
  }
}

/** Behind the first brace from `from` on that ends a piece, or -1. */
function endIn(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(BRACE!, from); at >= 0; at = bytes.indexOf(BRACE!, at + 1)) {
    let i = 1;
    while (i < END_OF_PIECE.length && bytes[at + i] === END_OF_PIECE[i]) i++;
    if (i === END_OF_PIECE.length) return at + 1;
  }
  return -1;
}

/** Whether both say the same; of what JSON can say. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const [mine, theirs] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return names.every((name) => isSame(mine[name], theirs[name]));
}

function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, KEY_LENGTH));
}

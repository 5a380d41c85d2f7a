/**
 * Reads the body of `/containers/json` in pieces, and a piece that is told as it was last time not
 * again: from one listing to the next the Engine tells of few containers in other words. Takes for
 * valid exactly what `JSON.parse` of the whole body takes for valid.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import { chunksOf, othersTurn } from "../http/body.ts";
import { type Piece, PieceCutter } from "./listing_pieces.ts";
import { type AskedFor, MAX_BODY, parseJson, tooLong } from "./transport.ts";
import { decodeListing } from "./wire.ts";

/** Cutting a listing of so many pieces, a hundred containers, took long enough to let others go first. */
const MANY = 6;

/** Reads one listing after the other, and one that comes meanwhile by itself. */
export class ListingReader {
  readonly #cutter = new PieceCutter();
  #last: readonly ListedContainer[] = [];
  /** A cutter that is given two listings at once would make one of them. */
  #reading = false;

  /**
   * The containers of an answer; the very list of the last answer where that told of the same. Throws
   * `Failure` `engine-malformed` that says what and where, or whatever the body throws.
   */
  async read(response: Response, ask: AskedFor): Promise<readonly ListedContainer[]> {
    if (this.#reading) return await new ListingReader().read(response, ask);
    this.#reading = true;
    try {
      return await this.#readNext(response, ask);
    } finally {
      this.#reading = false;
    }
  }

  async #readNext(response: Response, ask: AskedFor): Promise<readonly ListedContainer[]> {
    const cutter = this.#cutter;
    cutter.begin();
    await readInto(cutter, response, ask);
    const pieces = cutter.end();
    if (pieces === null) return this.#last;
    // Planning and writing what changed is one stretch, and so was this.
    if (pieces.length > MANY) await othersTurn();
    const containers = joined(pieces);
    cutter.remember(containers === null ? [] : pieces);
    if (containers !== null) return this.#last = containers;
    // What is wrong and where shows only in the whole, and parsing that takes its time.
    await othersTurn();
    ask.deadline.signal.throwIfAborted();
    const text = await new Blob(pieces.map(({ bytes }) => bytes)).text();
    return decodeListing(parseJson(text, ask), { endpoint: ask.purpose });
  }
}

/**
 * The containers of a whole listing, or null when its pieces are not all lists of containers. If
 * they are, so is the body, and its elements are theirs: JSON's lists are values with commas
 * between and brackets around them.
 */
function joined(pieces: readonly Piece[]): readonly ListedContainer[] | null {
  if (!pieces[0]?.opens) return null;
  const containers: ListedContainer[] = [];
  for (const piece of pieces) {
    if (piece.containers === null) return null;
    for (const container of piece.containers) containers.push(container);
  }
  return containers;
}

/** Gives the cutter the body; throws when that is too long. */
async function readInto(cutter: PieceCutter, response: Response, ask: AskedFor): Promise<void> {
  if (response.body === null) return;
  const { maxBytes = MAX_BODY } = ask;
  let length = 0;
  for await (const chunk of chunksOf(response.body, ask.deadline.signal)) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong(ask);
    cutter.add(chunk);
  }
}

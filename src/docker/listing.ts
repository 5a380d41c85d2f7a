/**
 * Reads the body of `/containers/json` in pieces, and a piece that reads as it did last time not
 * again: from one listing to the next the Engine tells of few containers in other words. Takes for
 * valid exactly what `JSON.parse` of the whole body takes for valid.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import { chunksOf, othersTurn } from "../http/body.ts";
import { type AskedFor, MAX_BODY, parseJson, tooLong } from "./transport.ts";
import { decodeListing } from "./wire.ts";

/**
 * A piece ends behind the bracket: before about every sixteenth container, the same ones in every
 * listing. Never within a text, where quotes are escaped; if within a container, it is no JSON.
 */
const END_OF_PIECE = '},{"Id":"0';

/** As much of a piece as holds its first container's id. */
const KEY_LENGTH = 80;

/** Some containers of a listing. */
interface Piece {
  /** As the Engine wrote it, with the bracket or comma in front. */
  readonly text: string;
  /** Null when the piece by itself is no list of containers. */
  readonly containers: readonly ListedContainer[] | null;
}

/** Reads one listing after the other. */
export class ListingReader {
  #last: ReadonlyMap<string, Piece> = new Map();

  /**
   * The containers of an answer. Throws `Failure` `engine-malformed` that says what and where,
   * or whatever the body throws.
   */
  async read(response: Response, ask: AskedFor): Promise<ListedContainer[]> {
    const pieces: Piece[] = [];
    // Each as it comes, so that the text of a known piece is garbage before it grows old.
    const cutter = new Cutter((text) => {
      const piece = this.#piece(text, "]");
      pieces.push(piece);
      return piece.containers !== null;
    });
    await cut(response, ask, cutter);
    pieces.push(this.#piece(cutter.rest, ""));
    const containers = joined(pieces);
    this.#last = new Map(containers && pieces.map((piece) => [keyOf(piece.text), piece]));
    if (containers !== null) return containers;
    // What is wrong and where shows only in the whole, and parsing that takes its time.
    await othersTurn();
    ask.deadline.signal.throwIfAborted();
    const text = pieces.map((piece) => piece.text).join("");
    return decodeListing(parseJson(text, ask), { endpoint: ask.purpose });
  }

  #piece(text: string, end: "]" | ""): Piece {
    const known = this.#last.get(keyOf(text));
    if (known?.text === text) return known;
    // A copy: a slice would keep the whole chunk that it was cut from.
    const own = ` ${text}`.slice(1);
    try {
      return { text: own, containers: decodeListing(JSON.parse(`[${own.slice(1)}${end}`)) };
    } catch {
      return { text: own, containers: null };
    }
  }
}

/**
 * The containers of a whole listing, or null when its pieces are not all lists of containers. If
 * they are, so is the body, and its elements are theirs: JSON's lists are values with commas
 * between and brackets around them.
 */
function joined(pieces: readonly Piece[]): ListedContainer[] | null {
  if (!pieces[0]?.text.startsWith("[")) return null;
  const containers: ListedContainer[] = [];
  for (const piece of pieces) {
    if (piece.containers === null) return null;
    for (const container of piece.containers) containers.push(container);
  }
  return containers;
}

function keyOf(text: string): string {
  return text.slice(0, KEY_LENGTH);
}

/** Gives the cutter the body's text; throws when that is too long. */
async function cut(response: Response, ask: AskedFor, cutter: Cutter): Promise<void> {
  const decoder = new TextDecoder();
  const { maxBytes = MAX_BODY } = ask;
  let length = 0;
  for await (
    const chunk of response.body === null ? [] : chunksOf(response.body, ask.deadline.signal)
  ) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong(ask);
    cutter.add(decoder.decode(chunk, { stream: true }));
  }
  cutter.add(decoder.decode());
}

/** As much of the end of a text as may be the beginning of an end of a piece. */
const SEAM = END_OF_PIECE.length - 1;

/** Cuts a text that comes in chunks where pieces end. Looks at each character once. */
class Cutter {
  readonly #take: (piece: string) => boolean;
  /** What came since the last cut. */
  #waiting: string[] = [];
  /** The end of that, as much as may be the beginning of an end of a piece. */
  #tail = "";
  #cutting = true;

  /** `take` gets each piece, and says whether to go on cutting. */
  constructor(take: (piece: string) => boolean) {
    this.#take = take;
  }

  /** What is left behind the last cut. */
  get rest(): string {
    return this.#waiting.join("");
  }

  /** More of the text. */
  add(text: string): void {
    this.#addSeam(text);
    let from = 0;
    while (this.#cutting) {
      const end = text.indexOf(END_OF_PIECE, from);
      if (end < 0) break;
      this.#cutting = this.#take(this.rest + text.slice(from, end + 1));
      this.#waiting = [];
      this.#tail = "";
      from = end + 1;
    }
    const rest = text.slice(from);
    this.#waiting.push(rest);
    this.#tail = rest.length >= SEAM ? rest.slice(-SEAM) : (this.#tail + rest).slice(-SEAM);
  }

  /** An end of a piece that begins before `text` and ends in it. */
  #addSeam(text: string): void {
    if (!this.#cutting || this.#tail === "") return;
    const end = (this.#tail + text.slice(0, SEAM)).indexOf(END_OF_PIECE);
    if (end < 0) return;
    const waiting = this.rest;
    const at = waiting.length - this.#tail.length + end + 1;
    this.#cutting = this.#take(waiting.slice(0, at));
    this.#tail = waiting.slice(at);
    this.#waiting = [this.#tail];
  }
}

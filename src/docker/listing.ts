/**
 * Reads the body of `/containers/json` in pieces, and a piece that reads as it did last time not
 * again: from one listing to the next the Engine tells of few containers in other words. Takes for
 * valid exactly what `JSON.parse` of the whole body takes for valid.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import { chunksOf } from "./body.ts";
import { malformed } from "./error.ts";
import { type AskedFor, MAX_BODY, parseJson } from "./transport.ts";
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
    const last = await cut(response, ask, (text) => pieces.push(this.#piece(text, "]")));
    pieces.push(this.#piece(last, ""));
    const containers = joined(pieces);
    this.#last = new Map(containers && pieces.map((piece) => [keyOf(piece.text), piece]));
    // What is wrong and where shows only in the whole.
    return containers ??
      decodeListing(parseJson(pieces.map(({ text }) => text).join(""), ask), {
        endpoint: ask.purpose,
      });
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

/** Cuts the body's text where pieces end; returns what is left behind the last end. */
async function cut(
  response: Response,
  ask: AskedFor,
  take: (piece: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let length = 0;
  for await (
    const chunk of response.body === null ? [] : chunksOf(response.body, ask.deadline.signal)
  ) {
    length += chunk.length;
    if (length > MAX_BODY) {
      throw malformed(ask.purpose, `the answer is longer than ${MAX_BODY} bytes`);
    }
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end; (end = rest.indexOf(END_OF_PIECE, from)) >= 0; from = end + 1) {
      take(rest.slice(from, end + 1));
    }
    rest = rest.slice(from);
  }
  return rest + decoder.decode();
}

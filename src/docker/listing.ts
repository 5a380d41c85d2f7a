/**
 * Reads the body of `/containers/json` in pieces, and a piece that reads as it did last time not
 * again: from one listing to the next the Engine tells of few containers in other words. Takes for
 * valid exactly what `JSON.parse` of the whole body takes for valid.
 *
 * @module
 */

import type { ListedContainer } from "../model.ts";
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
  readonly containers: readonly ListedContainer[];
}

/** Reads one listing after the other. */
export class ListingReader {
  #last = new Map<string, Piece>();

  /**
   * The containers of an answer. Throws `DockerError` of kind `malformed` that says what and where,
   * or whatever the body throws.
   */
  async read(response: Response, ask: AskedFor): Promise<ListedContainer[]> {
    const texts = await readPieces(response, ask);
    const pieces = this.#decode(texts);
    this.#last = new Map(pieces?.map((piece) => [keyOf(piece.text), piece]));
    if (pieces !== null) return pieces.flatMap((piece) => piece.containers);
    // What is wrong and where shows only in the whole.
    return decodeListing(parseJson(texts.join(""), ask), { endpoint: ask.purpose });
  }

  /**
   * The pieces, or null when they are not all lists of containers. If they are, so is the body, and
   * its elements are theirs: JSON's lists are values with commas between and brackets around them.
   */
  #decode(texts: readonly string[]): Piece[] | null {
    if (!texts[0]?.startsWith("[")) return null;
    const pieces: Piece[] = [];
    const last = texts.length - 1;
    try {
      for (const [i, text] of texts.entries()) {
        const known = this.#last.get(keyOf(text));
        if (known?.text === text) pieces.push(known);
        else {
          const list = `[${text.slice(1)}${i === last ? "" : "]"}`;
          pieces.push({ text, containers: decodeListing(JSON.parse(list)) });
        }
      }
    } catch {
      return null;
    }
    return pieces;
  }
}

function keyOf(text: string): string {
  return text.slice(0, KEY_LENGTH);
}

/** The body's text, cut where pieces end. */
async function readPieces(response: Response, ask: AskedFor): Promise<string[]> {
  const pieces: string[] = [];
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
      pieces.push(rest.slice(from, end + 1));
    }
    rest = rest.slice(from);
  }
  pieces.push(rest + decoder.decode());
  return pieces;
}

/**
 * Good answers. What a client may keep is decided here: nothing, unless an answer says otherwise.
 *
 * @module
 */

import type { Answer, Schema } from "./operation.ts";

/** JSON. */
export function json(data: unknown, init: ResponseInit = {}): Response {
  return Response.json(data, init);
}

/** What was just made, and where it is from now on. */
export function created(path: string, data: unknown): Response {
  return Response.json(data, { status: 201, headers: { location: path } });
}

/** JSON that is text already, or its bytes. */
export function jsonText(
  text: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, { headers: { ...headers, "content-type": "application/json" } });
}

/** A body that is made while it goes out. */
export interface Pieces {
  /**
   * Asked for the next when the one before was taken; `return()` when nobody wants more. The memory of
   * each is taken along.
   */
  readonly pieces: Generator<Uint8Array<ArrayBuffer>, void, undefined>;
  /** How many times as long as the first all are together, at most and about. */
  readonly firsts: number;
}

const IN_PIECES = new WeakMap<object, number>();

/** JSON whose bytes are not there yet. */
export function jsonInPieces(
  { pieces, firsts }: Pieces,
  headers: Record<string, string> = {},
): Response {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void pieces.return(),
  }, { highWaterMark: 0 });
  IN_PIECES.set(body, firsts);
  return new Response(body, { headers: { ...headers, "content-type": "application/json" } });
}

/** {@link Pieces.firsts} of a body that is made while it goes out; null of one that is there. */
export function firstsOf({ body }: Response): number | null {
  return body === null ? null : IN_PIECES.get(body) ?? null;
}

/** The entry for the document of an answer with JSON. */
export function ok(description: string, schema: Schema<unknown>): Record<number, Answer> {
  return { 200: { description, schema } };
}

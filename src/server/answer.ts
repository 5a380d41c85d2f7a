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

/** The entry for the document of an answer with JSON. */
export function ok(description: string, schema: Schema<unknown>): Record<number, Answer> {
  return { 200: { description, schema } };
}

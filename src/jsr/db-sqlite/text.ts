/**
 * JavaScript strings as UTF-8 for SQLite. Must not hand out the shared buffer.
 *
 * @module
 */

import { sqlite } from "./library.ts";

const encoder = new TextEncoder();

/** Texts up to a third of this many code units pass through one buffer, without allocating. */
const SCRATCH_BYTES = 65536;
const scratch = new Uint8Array(SCRATCH_BYTES);
const scratchPointer = Deno.UnsafePointer.of(scratch);

/**
 * SQLITE_TRANSIENT: SQLite copies what is bound before it returns. So no buffer has to outlive
 * the call, whatever the garbage collector does.
 */
export const COPY: Deno.PointerValue = Deno.UnsafePointer.create(0xffffffffffffffffn);

/** The text as a NUL-terminated C string. */
export function encodeTerminated(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}

/** Binds a text, NULs included, lone surrogates as U+FFFD; returns SQLite's result code. */
export function bindText(statement: Deno.PointerValue, index: number, text: string): number {
  if (text.length * 3 <= SCRATCH_BYTES) {
    const { written } = encoder.encodeInto(text, scratch);
    return sqlite.sqlite3_bind_text(statement, index, scratchPointer, written, COPY);
  }
  const bytes = encoder.encode(text);
  const pointer = Deno.UnsafePointer.of(bytes);
  return sqlite.sqlite3_bind_text(statement, index, pointer, bytes.byteLength, COPY);
}

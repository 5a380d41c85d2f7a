/**
 * Reads the body of a message that was packed with gzip. What is not long is unpacked at once, which
 * takes a third of the time of a stream, and others wait no longer than for that. Knows nothing of
 * what is read.
 *
 * @module
 */

import { chunksOf, readText, type ReadTextOptions } from "./body.ts";

/** Most that is unpacked at once, bytes: some milliseconds. */
const AT_ONCE = 8 << 20;

/** Room is made for so much more than it says, bytes, and never for less than so much. */
const MORE = 64;
const LEAST = 64 << 10;

/** How {@linkcode readPacked} reads. */
export interface ReadPackedOptions extends ReadTextOptions {
  /** Longest body that is read, bytes as they come. */
  readonly packedLimit: number;
}

/**
 * All of `body`, unpacked, as UTF-8 text; null as soon as it is longer than a limit. Throws as
 * {@linkcode chunksOf}, and where it is not what gzip packs.
 */
export async function readPacked(
  body: ReadableStream<Uint8Array> | null,
  { packedLimit, ...options }: ReadPackedOptions,
): Promise<string | null> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(body, options.signal)) {
    length += chunk.length;
    if (length > packedLimit) return null;
    chunks.push(chunk.slice());
  }
  const text = unpacked(chunks, Math.min(AT_ONCE, options.limit));
  if (text !== null) return text;
  const stream = new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream();
  return await readText(stream.pipeThrough(new DecompressionStream("gzip")), options);
}

/** Null where it is longer than that. */
function unpacked(chunks: readonly Uint8Array[], maxOutputLength: number): string | null {
  // Loaded when first needed, as most commands do not.
  // deno-lint-ignore no-process-global -- nothing else loads a module without waiting for it
  const { gunzipSync } = process.getBuiltinModule("node:zlib");
  // deno-lint-ignore no-process-global
  const { Buffer } = process.getBuiltinModule("node:buffer");
  try {
    const packed = Buffer.concat(chunks);
    // In one piece where it is as long as it says at its end: nothing is put together then.
    const says = packed.length < 4 ? 0 : packed.readUInt32LE(packed.length - 4);
    const chunkSize = Math.max(LEAST, Math.min(says, maxOutputLength) + MORE);
    return new TextDecoder().decode(gunzipSync(packed, { maxOutputLength, chunkSize }));
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") return null;
    throw error;
  }
}

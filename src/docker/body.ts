/**
 * Reads the body of an answer so that an abort ends it for certain. Knows nothing of what is read.
 *
 * @module
 */

const BUFFER_BYTES = 64 * 1024;

/**
 * The chunks of `body` until it ends, each valid until the next is asked for; throws the signal's
 * reason when that aborts, and whatever the body throws. Leaving early cancels the body.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { reader, read } = readerOf(body);
  // fetch would do this, but forgets to once its Response was garbage-collected: an event stream
  // outlives its Response by days.
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await read();
      if (done) break;
      yield value;
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", cancel);
    // After the end this does nothing, else it closes the connection.
    await reader.cancel().catch(() => {});
  }
}

/** A reader of `body` and how it reads. */
function readerOf(body: ReadableStream<Uint8Array>): {
  reader: ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array>;
  read: () => Promise<ReadableStreamReadResult<Uint8Array>>;
} {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // Not a stream of bytes, as fetch's are.
    const plain = body.getReader();
    return { reader: plain, read: () => plain.read() };
  }
  // One buffer for all: by itself each answer would leave one behind until the next full garbage
  // collection, which comes late where there is little garbage.
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    const result = await reader.read(new Uint8Array(buffer));
    if (result.value !== undefined) buffer = result.value.buffer;
    return result;
  };
  return { reader, read };
}

/**
 * All of `body` as UTF-8 text, null as soon as it is longer than `limit` bytes. Throws as
 * {@linkcode chunksOf}.
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  options: { signal: AbortSignal; limit: number },
): Promise<string | null> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let length = 0;
  let text = "";
  for await (const chunk of chunksOf(body, options.signal)) {
    length += chunk.length;
    if (length > options.limit) return null;
    // Faster than response.text() for the megabytes of a large listing.
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

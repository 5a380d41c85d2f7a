/**
 * Reads the body of an answer so that an abort ends it for certain. Knows nothing of what is read.
 *
 * @module
 */

/**
 * The chunks of `body` until it ends; throws the signal's reason when that aborts, and whatever
 * the body throws. Leaving early cancels the body.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  // fetch would do this, but forgets to once its Response was garbage-collected: an event stream
  // outlives its Response by days.
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
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

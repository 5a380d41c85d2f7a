/**
 * Reads the body of an answer so that an abort ends it for certain, whatever the server sends, and
 * others get their turn meanwhile. Knows nothing of what is read.
 *
 * @module
 */

/** As much of a body is read at once; of one that fills this, what an Engine sends at once. */
const BUFFER_BYTES = 64 * 1024;
const LARGE_BUFFER_BYTES = 256 * 1024;

/** Of a body that was read to its end, for the next one. */
let spare: ArrayBuffer | null = null;

/** So long, milliseconds, a body may be read before others get their turn. */
const TURN_MS = 25;

/** Chunks between two looks at the clock, where they come as fast as they are read. */
const LOOK_EVERY = 8;

/**
 * The chunks of `body` until it ends, each valid until the next is asked for; throws the signal's
 * reason when that aborts, and whatever the body throws. Leaving early cancels the body.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { reader, read, release } = readerOf(body);
  // fetch would do this, but forgets to once its Response was garbage-collected: an event stream
  // outlives its Response by days.
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  let turnAt = performance.now();
  try {
    for (let count = 1;; count++) {
      signal.throwIfAborted();
      const { done, value } = await read();
      if (done) break;
      yield value;
      if (count % LOOK_EVERY !== 0) continue;
      // A body that is all there is read without a pause: a deadline would never come.
      const now = performance.now();
      if (now - turnAt < TURN_MS) continue;
      await othersTurn();
      turnAt = performance.now();
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", cancel);
    // After the end this does nothing, else it closes the connection.
    await reader.cancel().catch(() => {});
    release();
  }
}

/** A reader of `body` and how it reads. */
function readerOf(body: ReadableStream<Uint8Array>): {
  reader: ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array>;
  read: () => Promise<ReadableStreamReadResult<Uint8Array>>;
  release: () => void;
} {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // Not a stream of bytes, as fetch's are.
    const plain = body.getReader();
    return { reader: plain, read: () => plain.read(), release: () => {} };
  }
  // One buffer for all: by itself each answer would leave one behind until the next full garbage
  // collection, which comes late where there is little garbage.
  let buffer = spare ?? new ArrayBuffer(BUFFER_BYTES);
  spare = null;
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    const result = await reader.read(new Uint8Array(buffer));
    const { value } = result;
    if (value === undefined) return result;
    const { buffer: own } = value;
    const isFull = value.length === own.byteLength && own.byteLength < LARGE_BUFFER_BYTES;
    buffer = isFull ? new ArrayBuffer(LARGE_BUFFER_BYTES) : own;
    return result;
  };
  const release = () => {
    // A read that was cancelled has taken it along.
    if (buffer.byteLength > (spare?.byteLength ?? 0)) spare = buffer;
  };
  return { reader, read, release };
}

/** How {@linkcode readText} reads. */
export interface ReadTextOptions {
  /** Ends it; its reason is thrown then. */
  readonly signal: AbortSignal;
  /** Longest body that is read, bytes as they are after any decompression. */
  readonly limit: number;
}

/**
 * All of `body` as UTF-8 text, null as soon as it is longer than the limit. Throws as
 * {@linkcode chunksOf}.
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  options: ReadTextOptions,
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

/** All of `body` in pieces as it came; else as {@linkcode readText}. */
export async function readPieces(
  body: ReadableStream<Uint8Array> | null,
  options: ReadTextOptions,
): Promise<Uint8Array[] | null> {
  const pieces: Uint8Array[] = [];
  if (body === null) return pieces;
  let length = 0;
  for await (const chunk of chunksOf(body, options.signal)) {
    length += chunk.length;
    if (length > options.limit) return null;
    pieces.push(chunk.slice());
  }
  return pieces;
}

/** The turn that was asked for last. */
let lastTurn: Promise<void> = Promise.resolve();

/**
 * Resolves when timers and other connections have had theirs, in two milliseconds; who asks while
 * somebody waits for one gets the next. A promise alone gives none. Neither does a message to oneself
 * nor `setImmediate()`: while something is ready the runtime asks the system only every 61st time
 * what came, so that who connects waits for dozens of turns; as soon as there is nothing but a timer
 * it waits for the system.
 */
export function othersTurn(): Promise<void> {
  return lastTurn = lastTurn.then(turn);
}

/**
 * A timer that is set while those run that are due is compared with a clock that stood still
 * meanwhile, and after long work is due at once, before the system was asked: two immediates later
 * that clock goes on.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(() => void setTimeout(resolve, 0)));
  });
}

/**
 * Reads request bodies within bounds: so many bytes, so much time, whatever the client announced.
 *
 * @module
 */

import { Problem } from "./problem.ts";

/** How much of a client's patience and appetite is met. */
export interface BodyLimits {
  /** Bytes. */
  readonly maxBytes: number;
  /** Milliseconds for the whole body. */
  readonly timeoutMs: number;
  /** Ends the wait: the server stops. */
  readonly signal: AbortSignal;
}

/**
 * The body as text, empty when there is none.
 *
 * @throws {Problem} `too-large`, `request-timeout`, `stopping`, `malformed`.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string> {
  if (request.body === null) return "";
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > limits.maxBytes) throw tooLarge(limits);

  const reader = request.body.getReader();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const stop = () =>
    stopped.reject(new Problem("stopping", "Cannot read the body: the daemon stops"));
  const timer = setTimeout(() => stopped.reject(tooSlow(limits)), limits.timeoutMs);
  if (limits.signal.aborted) stop();
  limits.signal.addEventListener("abort", stop);
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    while (true) {
      const read = reader.read();
      // Whoever loses the race still has an outcome, and nobody waits for it.
      read.catch(() => {});
      const { done, value } = await Promise.race([read, stopped.promise]);
      if (done) return decode(chunks, bytes);
      bytes += value.length;
      if (bytes > limits.maxBytes) throw tooLarge(limits);
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof Problem) throw error;
    throw new Problem("malformed", "Cannot read the body: it ended too early", { cause: error });
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener("abort", stop);
  }
}

function decode(chunks: readonly Uint8Array[], bytes: number): string {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch (cause) {
    throw new Problem("malformed", "Cannot read the body: it is not UTF-8", { cause });
  }
}

function tooLarge({ maxBytes }: BodyLimits): Problem {
  return new Problem("too-large", `Cannot take the body: more than ${maxBytes} bytes`);
}

function tooSlow({ timeoutMs }: BodyLimits): Problem {
  return new Problem(
    "request-timeout",
    `Cannot wait for the body: it was not there after ${timeoutMs / 1000} s`,
  );
}

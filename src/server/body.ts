/**
 * Reads request bodies within bounds: so many bytes, so much time, whatever the client announced.
 *
 * @module
 */

import { joinedBytes } from "../bytes.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { ProblemDetails } from "./problem_details.ts";

/** How much of a client's patience and appetite is met. */
export interface BodyLimits {
  /** Bytes. */
  readonly maxBytes: number;
  /** Milliseconds for the whole body. */
  readonly timeoutMs: number;
  /** Ends the wait: the server stops. */
  readonly signal: AbortSignal;
  /** What bodies that are read are taken from. */
  readonly budget: ByteBudget;
}

/** A body that was read. */
export interface ReadBody {
  /** Empty when there is none. */
  readonly text: string;
  /** What it takes of the budget, to be given back by whoever read it. */
  readonly bytes: number;
}

/**
 * The body as text.
 *
 * @throws {ProblemDetails} `too-large`, `request-timeout`, `overloaded`, `stopping`, `malformed`.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<ReadBody> {
  const whole = await readBytes(request, limits);
  try {
    return { text: decode(whole), bytes: whole.length };
  } catch (error) {
    limits.budget.give(whole.length);
    throw error;
  }
}

/**
 * The body as it was sent. What it takes of the budget is to be given back by who asked for it.
 *
 * @throws {ProblemDetails} `too-large`, `request-timeout`, `overloaded`, `stopping`, `malformed`.
 */
export async function readBytes(
  request: Request,
  limits: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = request.headers.get("content-length");
  // To look for a body that is said to be empty leaves a buffer of 64 KiB behind each time.
  if (length === "0" || request.body === null) return new Uint8Array();
  const announced = Number(length ?? 0);
  if (announced > limits.maxBytes) throw tooLarge(limits);

  const reader = request.body.getReader();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const stop = () =>
    stopped.reject(new ProblemDetails("stopping", "Cannot read the body: the daemon stops"));
  const timer = setTimeout(() => stopped.reject(tooSlow(limits)), limits.timeoutMs);
  if (limits.signal.aborted) stop();
  limits.signal.addEventListener("abort", stop);
  const { budget } = limits;
  let bytes = 0;
  try {
    const chunks: Uint8Array[] = [];
    while (true) {
      const read = reader.read();
      // Whoever loses the race still has an outcome, and nobody waits for it.
      read.catch(() => {});
      const { done, value } = await Promise.race([read, stopped.promise]);
      if (done) return joinedBytes(chunks);
      if (bytes + value.length > limits.maxBytes) throw tooLarge(limits);
      if (!budget.take(value.length)) throw overloaded();
      bytes += value.length;
      chunks.push(value);
    }
  } catch (error) {
    budget.give(bytes);
    reader.cancel().catch(() => {});
    if (error instanceof ProblemDetails) throw error;
    throw new ProblemDetails("malformed", "Cannot read the body: it ended too early", {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener("abort", stop);
  }
}

function decode(whole: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch (cause) {
    throw new ProblemDetails("malformed", "Cannot read the body: it is not UTF-8", { cause });
  }
}

function tooLarge({ maxBytes }: BodyLimits): ProblemDetails {
  return new ProblemDetails("too-large", `Cannot take the body: more than ${maxBytes} bytes`);
}

function overloaded(): ProblemDetails {
  return new ProblemDetails(
    "overloaded",
    "Cannot take the body: too much is on its way from others",
    {
      headers: { "retry-after": "5" },
    },
  );
}

function tooSlow({ timeoutMs }: BodyLimits): ProblemDetails {
  return new ProblemDetails(
    "request-timeout",
    `Cannot wait for the body: it was not there after ${timeoutMs / 1000} s`,
  );
}

/**
 * The way to a hub: messages packed and sent over HTTP, its certificate verified. Knows nothing of
 * what they say.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { readText } from "../http/body.ts";
import { HttpClient, isLoopback } from "../http/client.ts";
import { Deadline } from "../http/deadline.ts";
import { quote } from "../text.ts";
import type { HubAnswer } from "./dialer.ts";

/** Until a whole answer has come, milliseconds. */
const ANSWER_MS = 90_000;

/** Longest answer that is read, bytes. */
const MAX_ANSWER = 1 << 20;

/**
 * The address of a hub as it is kept: no path, no login, and encrypted unless it is on this machine.
 *
 * @throws {Failure} `hub`
 */
export function hubUrl(text: string): string {
  const wrong = (reason: string) =>
    new Failure("hub", `Cannot use ${quote(text, 200)} as a hub: ${reason}`, {
      data: { wrong: "url" },
    });
  const url = URL.parse(text);
  if (url === null) throw wrong("it is no URL");
  if (!/^https?:$/.test(url.protocol)) throw wrong("it begins with neither https:// nor http://");
  if (url.username !== "" || url.password !== "") throw wrong("a login has no place in it");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw wrong("it has more than host and port");
  }
  if (url.protocol === "http:" && !isLoopback(url.href)) {
    throw wrong("without https:// whoever is on the way reads the secret");
  }
  return url.origin;
}

/** Asks one hub; to be disposed. */
export class HubClient implements Disposable {
  readonly #client: HttpClient;
  readonly #secret: string | null;

  /** `secret`: shown with each message; null: there is none yet. */
  constructor(url: string, { secret }: { secret: string | null }) {
    this.#client = new HttpClient({ kind: "tcp", url });
    this.#secret = secret;
  }

  /** The answer to a message, whatever it is; rejects when there is none. */
  async ask(path: string, message: unknown, signal: AbortSignal): Promise<HubAnswer> {
    using deadline = new Deadline(ANSWER_MS, [signal]);
    const packed = await gzip(JSON.stringify(message));
    const response = await this.#client.request(path, {
      method: "POST",
      body: packed,
      signal: deadline.signal,
      headers: {
        "content-type": "application/json",
        "content-encoding": "gzip",
        ...(this.#secret !== null && { authorization: `Bearer ${this.#secret}` }),
      },
    });
    const text = await readText(response.body, { signal: deadline.signal, limit: MAX_ANSWER });
    const retryAfter = Number(response.headers.get("retry-after") ?? NaN);
    return {
      status: response.status,
      body: parsed(text ?? ""),
      retryAfter: Number.isFinite(retryAfter) ? retryAfter : null,
    };
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

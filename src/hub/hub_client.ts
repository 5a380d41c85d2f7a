/**
 * The way to a hub: messages packed and sent over HTTP, its certificate verified. Knows nothing of
 * what they say.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { readText } from "../http/body.ts";
import { HttpClient } from "../http/client.ts";
import { Deadline } from "../http/deadline.ts";
import { reasonOf } from "../http/reason.ts";
import { isLoopback } from "../loopback.ts";
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
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw wrong("without https:// whoever is on the way reads the secret");
  }
  return url.origin;
}

/** Asks one hub; to be disposed. */
export class HubClient implements Disposable {
  readonly #url: string;
  readonly #client: HttpClient;
  readonly #secret: string | null;

  /**
   * `secret`: shown with each message; null: there is none yet. `ca`: PEM text of the authority to
   * believe besides those of the system; null: no other.
   */
  constructor(url: string, { secret, ca }: { secret: string | null; ca: string | null }) {
    this.#url = url;
    this.#client = new HttpClient({ kind: "tcp", url }, ca === null ? undefined : { ca });
    this.#secret = secret;
  }

  /**
   * The answer to a message, whatever it is.
   *
   * @throws {Failure} `hub` when there is none; whatever `signal` was aborted with.
   */
  async ask(path: string, message: unknown, signal: AbortSignal): Promise<HubAnswer> {
    try {
      return await this.#send(path, message, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = reasonOf(error);
      const certificate = distrusted(reason);
      throw new Failure("hub", `Cannot ask ${quote(this.#url)}: ${certificate ?? reason}`, {
        data: { wrong: certificate === null ? "connection" : "certificate" },
        cause: error,
      });
    }
  }

  async #send(path: string, message: unknown, signal: AbortSignal): Promise<HubAnswer> {
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

/** What is wrong with a certificate, for people; null: it is not that. */
function distrusted(reason: string): string | null {
  const [, wrong] = /invalid peer certificate: (.*)/.exec(reason) ?? [];
  if (wrong === undefined) return null;
  if (wrong.includes("UnknownIssuer")) {
    return "its certificate is of nobody whom this host trusts";
  }
  if (wrong.includes("CaUsedAsEndEntity")) {
    return "its certificate is an authority's, and none of a server (CA:FALSE)";
  }
  if (/NotValidForName|not valid for/i.test(wrong)) return "its certificate is for another name";
  if (/expired/i.test(wrong)) return "its certificate is over";
  if (/not ?valid ?yet/i.test(wrong)) {
    return "its certificate is not valid yet, or this host's clock is wrong";
  }
  return `its certificate can't be used: ${wrong}`;
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

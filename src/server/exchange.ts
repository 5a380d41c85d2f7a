/**
 * One request and its answer between `node:http` and the fetch API. Reads of a body what is asked
 * for and no more; holds of an answer what the budget allows.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { firstsOf } from "./answer.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { peerUid } from "../system/peer.ts";
import type { Handler, Peer } from "./listener.ts";
import { asProblemDetails, ProblemDetails, problemDetailsResponse } from "./problem_details.ts";

/** What an exchange needs. */
export interface ExchangeOptions {
  /** Answers. */
  readonly handler: Handler;
  /** What answers on their way are taken from. */
  readonly bytes: ByteBudget;
  /** Milliseconds within which a client must take something of its answer. */
  readonly stallMs: number;
  /** IP address of who asks; null over a unix socket. */
  readonly remote: string | null;
}

/** A rest of a body that is taken in and forgotten, so that the connection can be used again. */
const SMALL_REST = 65_536;
/**
 * A path that a URL takes for another one, which whoever stands in front and lets some paths through
 * may not have seen.
 */
const LEADS_ELSEWHERE = /^[^?#]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?#]|$))/i;
/**
 * How long more is taken in and forgotten. A connection that is closed on what it sends is reset,
 * and a client may lose the answer that it has not read yet.
 */
const LINGER_MS = 2000;

/** Answers one request. Never rejects. `expects`: the client waits to be told to send its body. */
export async function exchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: ExchangeOptions & { readonly expects: boolean },
): Promise<void> {
  const { handler, remote, expects } = options;
  const completed = new Promise<void>((resolve) => outgoing.once("close", resolve));
  // Whoever leaves is no fault of ours.
  incoming.on("error", () => {});
  outgoing.on("error", () => {});
  const body = new RequestBody(incoming, () => expects && outgoing.writeContinue());
  try {
    const response = await handler(
      toRequest(incoming, body),
      peerOf(incoming, { remote, completed }),
    );
    await send(response, outgoing, { ...options, incoming, body });
  } catch (error) {
    if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
    const response = problemDetailsResponse(asProblemDetails(error));
    await send(response, outgoing, { ...options, incoming, body }).catch(() => outgoing.destroy());
  }
}

function peerOf(
  { socket }: IncomingMessage,
  { remote, completed }: Pick<Peer, "remote" | "completed">,
): Peer {
  return {
    remote,
    secure: "encrypted" in socket && socket.encrypted === true,
    user: () => {
      const { _handle } = socket as unknown as { _handle?: { fd?: number } | null };
      return remote === null && _handle?.fd !== undefined ? peerUid(_handle.fd) : null;
    },
    completed,
  };
}

/** The body of a request, read when and as far as it is asked for. */
class RequestBody {
  readonly #incoming: IncomingMessage;
  readonly #onRead: () => void;
  #asked = false;

  constructor(incoming: IncomingMessage, onRead: () => void) {
    this.#incoming = incoming;
    this.#onRead = onRead;
  }

  /** Whether the request has one. */
  get present(): boolean {
    const { headers } = this.#incoming;
    return headers["transfer-encoding"] !== undefined || this.#announced > 0;
  }

  /** How much of it may still come: nothing, little, or more than is worth waiting for. */
  get rest(): "none" | "little" | "much" {
    if (!this.present || this.#incoming.complete) return "none";
    const { headers } = this.#incoming;
    const waits = headers.expect !== undefined && !this.#asked;
    const known = headers["transfer-encoding"] === undefined;
    return known && !waits && this.#announced <= SMALL_REST ? "little" : "much";
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const chunks = this.#incoming.iterator({ destroyOnReturn: false });
    return new ReadableStream({
      pull: async (controller) => {
        if (!this.#asked) this.#onRead();
        this.#asked = true;
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
      cancel: async () => void await chunks.return?.(),
    }, { highWaterMark: 0 });
  }

  get #announced(): number {
    return Number(this.#incoming.headers["content-length"] ?? 0);
  }
}

/** @throws {ProblemDetails} `malformed`. */
function toRequest(incoming: IncomingMessage, body: RequestBody): Request {
  const { method = "GET", url = "/", rawHeaders } = incoming;
  try {
    const headers = new Headers();
    let hosts = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (name.length === 4 && name.toLowerCase() === "host") hosts++;
      headers.append(name, rawHeaders[i + 1]!);
    }
    if (hosts > 1 || hosts === 0 && incoming.httpVersion === "1.1") {
      throw new ProblemDetails(
        "malformed",
        `Cannot read the request: ${hosts || "no"} Host headers`,
      );
    }
    // A target with a host of its own makes the header's not count (RFC 9112, 3.2.2).
    const absolute = /^https?:\/\/([^/?#]+)/i.exec(url);
    if (absolute !== null) headers.set("host", absolute[1]!);
    const path = absolute === null ? url : url.slice(absolute[0].length) || "/";
    if (!/^[/?*]/.test(path) || LEADS_ELSEWHERE.test(path)) {
      throw new ProblemDetails("malformed", "Cannot read the request's target");
    }
    return new Request(`http://localhost${path.startsWith("/") ? "" : "/"}${path}`, {
      method,
      headers,
      ...(body.present && method !== "GET" && method !== "HEAD" && { body: body.stream() }),
    });
  } catch (cause) {
    if (cause instanceof ProblemDetails) throw cause;
    throw new ProblemDetails("malformed", `Cannot read the request: ${(cause as Error).message}`, {
      cause,
    });
  }
}

interface Sending extends ExchangeOptions {
  readonly incoming: IncomingMessage;
  readonly body: RequestBody;
}

async function send(
  response: Response,
  outgoing: ServerResponse,
  options: Sending,
): Promise<void> {
  const { stallMs, bytes } = options;
  outgoing.socket?.setTimeout(stallMs);
  if (response.headers.get("content-type") === "text/event-stream" && response.body !== null) {
    head(response, outgoing);
    outgoing.flushHeaders();
    if (await pump(response.body.getReader(), outgoing)) outgoing.end();
    return;
  }
  const firsts = firstsOf(response);
  if (firsts !== null) return await pour(response, outgoing, { ...options, firsts });
  const content = response.body === null ? null : new Uint8Array(await response.arrayBuffer());
  if (!take(content?.length ?? 0, outgoing, bytes)) {
    return await finish(overloaded(), outgoing, options);
  }
  await finish(response, outgoing, { ...options, content });
}

/** Takes so many bytes until the answer is sent, or can't be any more; false when there are none. */
function take(size: number, outgoing: ServerResponse, bytes: ByteBudget): boolean {
  if (!bytes.take(size)) return false;
  let taken = true;
  const give = () => {
    if (taken) bytes.give(size);
    taken = false;
  };
  outgoing.once("finish", give);
  outgoing.once("close", give);
  if (outgoing.destroyed) give();
  return true;
}

function overloaded(): Response {
  return problemDetailsResponse(
    new ProblemDetails("overloaded", "Cannot answer: too much is on its way to others", {
      headers: { "retry-after": "5" },
    }),
  );
}

/**
 * Sends a body that is made meanwhile. All of it is counted from the beginning: what is left may have
 * to be made at once. What was sent is let go of at once: megabytes that wait for the garbage collector
 * make it come with every few answers.
 */
async function pour(
  response: Response,
  outgoing: ServerResponse,
  options: Sending & { readonly firsts: number },
): Promise<void> {
  const { incoming, body, bytes, firsts } = options;
  const reader = response.body!.getReader();
  const first = await reader.read();
  if (!take(Math.ceil((first.value?.length ?? 0) * firsts), outgoing, bytes)) {
    await reader.cancel();
    return await finish(overloaded(), outgoing, options);
  }
  const rest = body.rest;
  head(response, outgoing);
  if (rest === "much") outgoing.setHeader("connection", "close");
  if (rest !== "none") incoming.resume();
  if (first.value !== undefined && !outgoing.write(first.value)) await drained(outgoing);
  const letGo = ({ buffer }: Uint8Array<ArrayBuffer>) => {
    if (outgoing.writableLength === 0) buffer.transfer(0);
  };
  if (!await pump(reader, outgoing, letGo)) return;
  // Its end closes the connection.
  if (rest === "much") await linger(incoming, outgoing);
  outgoing.end();
}

async function finish(
  response: Response,
  outgoing: ServerResponse,
  { incoming, body, content }: Sending & { readonly content?: Uint8Array | null },
): Promise<void> {
  const bytes = content === undefined
    ? new Uint8Array(await response.arrayBuffer())
    : content ?? new Uint8Array();
  const rest = body.rest;
  head(response, outgoing);
  if (bytes.length > 0 || content !== null) outgoing.setHeader("content-length", bytes.length);
  if (rest === "much") outgoing.setHeader("connection", "close");
  if (rest === "none") return void outgoing.end(bytes.length > 0 ? bytes : undefined);
  incoming.resume();
  if (rest === "much") {
    // All of the answer, but not its end, which closes the connection.
    if (bytes.length > 0) outgoing.write(bytes);
    else outgoing.flushHeaders();
    await linger(incoming, outgoing);
    outgoing.end();
  } else {
    outgoing.end(bytes.length > 0 ? bytes : undefined);
  }
}

function head(response: Response, outgoing: ServerResponse): void {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
}

/** Resolves when the client has sent all of its body, has left, or takes too long. */
async function linger(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LINGER_MS);
  incoming.once("end", resolve);
  outgoing.once("close", resolve);
  if (incoming.complete || outgoing.destroyed) resolve();
  await promise;
  clearTimeout(timer);
}

/**
 * Sends a body as it comes, and asks for more of it only when the client took what there was. False
 * when the client has left.
 */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  outgoing: ServerResponse,
  onTaken?: (chunk: Uint8Array<ArrayBuffer>) => void,
): Promise<boolean> {
  outgoing.once("close", () => void reader.cancel().catch(() => {}));
  if (outgoing.destroyed) await reader.cancel().catch(() => {});
  while (!outgoing.destroyed) {
    const { done, value } = await reader.read();
    if (done) return !outgoing.destroyed;
    if (outgoing.destroyed || outgoing.write(value)) continue;
    await drained(outgoing);
    onTaken?.(value);
  }
  return false;
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.once("drain", done);
    outgoing.once("close", done);
    if (outgoing.destroyed) done();
  });
}

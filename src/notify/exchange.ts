/**
 * One HTTP request over one connection of its own: no redirects, no pooling, an answer that is
 * read only as far as it is looked at. By `node:http`, because Deno's fetch can't be told which
 * address to dial. Must not decide what an answer means.
 *
 * @module
 */

import { type IncomingMessage, request as begin } from "node:http";
import type { Socket } from "node:net";
import { watchBody } from "../http/broken_bodies.ts";
import { type Dialer, DialError, type DialTarget, isAboutEncryption, openSocket } from "./dial.ts";
import { openTunnel } from "./tunnel.ts";

/** What to ask. */
export interface Asking {
  /** `GET`, `POST` or `PUT`. */
  readonly method: string;
  /** `http:` or `https:`; user and password in it are not sent. */
  readonly url: URL;
  /** Those that say where the request goes and where it ends are left out. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as UTF-8. */
  readonly body?: string;
  /** Whether it may go to this machine. */
  readonly allowLoopback: boolean;
}

/** What was answered. */
export interface Answer {
  /** 200–599. */
  readonly status: number;
  /** Those that are well-formed. */
  readonly headers: Headers;
  /** The beginning of the body, at most {@linkcode MAX_BODY} bytes. */
  readonly body: string;
}

/** From the name's resolution to the end of the answer, milliseconds. */
export const DEADLINE_MS = 15_000;

/** So much of a body is read, bytes. */
const MAX_BODY = 16 * 1024;

/** One address may take so long to connect, milliseconds, while there are others to try. */
const PATIENCE_MS = 4000;

/** So often a receiver may say that it is about to answer: each time costs memory. */
const MOST_SAID = 32;

/** Headers that are not the caller's to set: by them the request would be taken for another. */
const FRAMING: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
  "trailer",
]);

/**
 * Asks once. An answer whose body does not come to its end in time is an answer with what came.
 * Throws {@linkcode DialError}, and the signal's reason when that aborts.
 */
export async function exchange(
  dialer: Dialer,
  asking: Asking,
  options: { readonly signal: AbortSignal; readonly deadlineMs?: number },
): Promise<Answer> {
  options.signal.throwIfAborted();
  const head = headOf(asking);
  const ended = new AbortController();
  const abort = () => ended.abort(options.signal.reason);
  options.signal.addEventListener("abort", abort);
  const timer = setTimeout(
    () => ended.abort(new DialError("timeout", "Cannot get an answer: none came in time")),
    options.deadlineMs ?? DEADLINE_MS,
  );
  try {
    return await ask(dialer, { asking, head, signal: ended.signal });
  } catch (error) {
    if (error instanceof DialError) throw error;
    // What fails because a connection was closed under it says nothing; why it was closed does.
    ended.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new DialError("connection", `Cannot get an answer: ${reason}`, error);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", abort);
  }
}

type Head = Record<string, string>;

function headOf({ url, headers = {}, body = "" }: Asking): Head {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new DialError("settings", `Cannot ask ${url.protocol}: only http and https are spoken`);
  }
  let checked: Headers;
  try {
    // Refuses what could end a header and begin another.
    checked = new Headers(headers);
  } catch (error) {
    throw new DialError(
      "settings",
      "Cannot ask: a header has characters that none may have",
      error,
    );
  }
  return {
    ...Object.fromEntries([...checked].filter(([name]) => !FRAMING.has(name))),
    "host": url.host,
    "connection": "close",
    "user-agent": "tinyforge",
    "accept": "application/json, text/plain;q=0.9, */*;q=0.1",
    "content-length": String(new TextEncoder().encode(body).length),
  };
}

interface Asked {
  readonly asking: Asking;
  readonly head: Head;
  readonly signal: AbortSignal;
}

async function ask(dialer: Dialer, { asking, head, signal }: Asked): Promise<Answer> {
  const { url } = asking;
  const tls = url.protocol === "https:";
  const target: DialTarget = {
    hostname: url.hostname,
    port: Number(url.port) || (tls ? 443 : 80),
    allowLoopback: asking.allowLoopback,
  };
  const path = `${url.pathname}${url.search}`;
  const { caCerts, proxy } = dialer;
  if (proxy !== null) {
    await dialer.resolve(target, { signal }).catch((error) => {
      // Behind a proxy names often mean nothing here: then they are the proxy's to judge.
      if (!(error instanceof DialError && error.why === "name")) throw error;
    });
    const tunnel = await openTunnel(proxy, { ...target, caCerts, encrypted: tls, signal });
    const sent = tls ? { path, head } : {
      path: `http://${url.host}${path}`,
      head: { ...head, ...tunnel.login },
    };
    return await roundTrip(tunnel.open, { ...sent, asking, signal, patience: null });
  }
  const addresses = await dialer.resolve(target, { signal });
  let last: unknown;
  for (const [i, address] of addresses.entries()) {
    const patience = i < addresses.length - 1 ? PATIENCE_MS : null;
    const hostname = tls ? url.hostname : null;
    const open = () => openSocket(address, target.port, { hostname, caCerts });
    try {
      return await roundTrip(open, { path, head, asking, signal, patience });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NotConnected)) throw error;
      last = error.cause;
    }
  }
  const reason = last instanceof Error ? last.message : String(last);
  throw new DialError("connection", `Cannot connect to port ${target.port}: ${reason}`, last);
}

/** Nothing was asked yet: another address may still be tried. */
class NotConnected extends Error {}

interface Sent extends Asked {
  readonly path: string;
  /** How long to wait for the connection, milliseconds; null for as long as the signal lets. */
  readonly patience: number | null;
}

async function roundTrip(open: () => Socket, sent: Sent): Promise<Answer> {
  const { asking, head, path, signal } = sent;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let connected = false;
  // Says more than the request does of it.
  let broken: unknown;
  const request = begin({
    method: asking.method,
    path,
    headers: head,
    setHost: false,
    createConnection: () => {
      const socket = open();
      if (!socket.connecting) connected = true;
      socket.once("connect", () => connected = true);
      socket.on("error", (error) => broken = error);
      return socket;
    },
  });
  const fail = (error: unknown) => {
    const cause = broken ?? error;
    reject(connected ? brokenBy(cause) : new NotConnected("no connection", { cause }));
  };
  const abort = () => {
    reject(signal.reason);
    request.destroy();
  };
  const timer = sent.patience === null ? undefined : setTimeout(() => {
    if (connected) return;
    fail(new Error("no answer"));
    request.destroy();
  }, sent.patience);
  // It would speak something else from here on, which nobody asked it to.
  const failUpgraded = () => {
    fail(new Error("it wants to speak another protocol"));
    request.destroy();
  };
  let said = 0;
  const failWithoutEnd = () => {
    if (++said <= MOST_SAID) return;
    fail(new Error("it says without end that it will answer"));
    request.destroy();
  };
  request.on("error", fail);
  request.on("upgrade", failUpgraded);
  request.on("information", failWithoutEnd);
  request.on("response", (response) => {
    if (response.statusCode! < 200) return failUpgraded();
    // From here on the receiver has answered, with or without the rest, whatever follows it.
    request.off("error", fail).on("error", () => {});
    signal.removeEventListener("abort", abort);
    void beginningOf(response, signal).then((body) =>
      resolve({ status: response.statusCode!, headers: headersOf(response), body })
    );
  });
  signal.addEventListener("abort", abort, { once: true });
  request.end(asking.body ?? "");
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    request.destroy();
  }
}

function brokenBy(error: unknown): DialError {
  const reason = error instanceof Error ? error.message : String(error);
  return isAboutEncryption(error)
    ? new DialError("tls", `Cannot encrypt the connection: ${reason}`, error)
    : new DialError("connection", `Cannot get an answer: ${reason}`, error);
}

/** What came of the body until its end, its limit, the deadline or a fault. */
function beginningOf(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const bytes = new Uint8Array(MAX_BODY);
  let length = 0;
  const end = () => resolve(new TextDecoder().decode(bytes.subarray(0, length)));
  response.on("data", (chunk: Uint8Array) => {
    const part = chunk.subarray(0, MAX_BODY - length);
    bytes.set(part, length);
    length += part.length;
    if (length === MAX_BODY) end();
  });
  for (const event of ["end", "error", "aborted", "close"]) response.on(event, end);
  signal.addEventListener("abort", end, { once: true });
  const watch = watchBody(end);
  return promise.finally(() => {
    watch.remove();
    signal.removeEventListener("abort", end);
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    try {
      headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
    } catch {
      // Nothing that is looked at has such a name or value.
    }
  }
  return headers;
}

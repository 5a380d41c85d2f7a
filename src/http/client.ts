/**
 * A client of one HTTP server: over a unix socket, TCP or TLS. Knows nothing of what is asked, and
 * must not go through a proxy to what is on this machine.
 *
 * @module
 */

import { isLoopback } from "../loopback.ts";

/** Where a server listens. */
export type HttpAddress =
  | {
    readonly kind: "unix";
    /** Path of the socket. */
    readonly path: string;
  }
  | {
    readonly kind: "tcp";
    /** `http://host:port` or `https://host:port`, without a trailing slash. */
    readonly url: string;
  };

/** Whom to believe besides the authorities that the system trusts. */
export interface HttpTrust {
  /** PEM text of the authority that signed the server's certificate. */
  readonly ca: string;
}

/** PEM texts for a connection where both sides show who they are. */
export interface HttpIdentity extends HttpTrust {
  /** Our certificate. */
  readonly cert: string;
  /** Our key. */
  readonly key: string;
}

/** What Deno makes of a proxy out of the environment, when a client is made. */
export const PROXY_VARIABLES: readonly string[] = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
].flatMap((name) => [name, name.toLowerCase()]);

/**
 * How long a connection is kept between requests: less than any server keeps it, the daemon's own
 * above all (60 s), because a request that meets its end fails.
 */
export const KEPT_IDLE_MS = 30_000;

/** Asks one server; keeps connections open between requests, to be disposed. */
export class HttpClient implements Disposable {
  readonly #base: string;
  readonly #client: Deno.HttpClient;

  /** Connects with the first request. */
  constructor(address: HttpAddress, trust?: HttpTrust | HttpIdentity) {
    // Only the Host header and Deno's permission check see it where there is a socket. An address,
    // because Deno 2.9 asks DNS for a name here and waits for the answer.
    this.#base = address.kind === "unix" ? "http://127.0.0.1" : address.url;
    const open = () =>
      Deno.createHttpClient({
        poolIdleTimeout: KEPT_IDLE_MS,
        ...(address.kind === "unix" && { proxy: { transport: "unix", path: address.path } }),
        ...(trust !== undefined && { caCerts: [trust.ca] }),
        ...(trust !== undefined && "key" in trust && { cert: trust.cert, key: trust.key }),
      });
    this.#client = address.kind === "unix" || isLoopback(new URL(address.url).hostname)
      ? withoutProxies(open)
      : open();
  }

  /** The answer to a request for a path with its query; follows no redirect. Throws as `fetch`. */
  request(path: string, init: RequestInit = {}): Promise<Response> {
    // A server that answers for another place is none of ours.
    return fetch(`${this.#base}${path}`, { redirect: "manual", ...init, client: this.#client });
  }

  /** Ends every request under way. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Whether a request failed before anything was sent, because no connection could be made. */
export function isUnconnected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.message.includes("client error (Connect)")) return true;
  }
  return false;
}

/**
 * What `open` makes while no variable names a proxy: `NO_PROXY=127.0.0.1` would send what is meant
 * for a socket, which to Deno is a proxy, to TCP port 80, and `HTTP_PROXY` what is meant for this
 * machine somewhere else. Afterwards they are as they were, for whatever does go through a proxy.
 */
function withoutProxies<T>(open: () => T): T {
  const kept: [name: string, value: string][] = [];
  try {
    for (const name of PROXY_VARIABLES) {
      const value = readable(name);
      if (value === undefined) continue;
      kept.push([name, value]);
      Deno.env.delete(name);
    }
    return open();
  } finally {
    for (const [name, value] of kept) Deno.env.set(name, value);
  }
}

/** A variable's value; undefined also where this program may not read it. */
function readable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

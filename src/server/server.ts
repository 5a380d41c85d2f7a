/**
 * The two listeners: a unix socket that its owner (and a group) reaches, and TCP with a token. Whatever
 * clients do, both stay; each has its own share of connections. The entrance of this folder for the
 * daemon: import it lazily, it brings the HTTP and schema libraries with it.
 *
 * @module
 */

import type { ListenAddress } from "../setting_values.ts";
import { Failure, isFailure } from "../failure.ts";
import { isLoopback } from "../loopback.ts";
import { duplicateDescriptor } from "../system/libc.ts";
import type { Log } from "../telemetry/log.ts";
import type { App } from "./routed.ts";
import type { Entrance } from "./access.ts";
import type { Certificate } from "./certificate.ts";
import { KeptListener, type Patience } from "./kept_listener.ts";
import { listenAt } from "./listen_at.ts";
import type {
  Handler,
  Listener,
  ListenerLimits,
  ListenOptions,
  Peer,
  Place,
  TcpAddress,
} from "./listener.ts";
import { SocketFile } from "./socket_file.ts";
import type { TokenSource } from "./token.ts";

export { type App, type AppOptions } from "./routed.ts";
export { AppSoon } from "./app_soon.ts";
export { type ServerDeps } from "./operation.ts";
export { connectionShares } from "./connection_shares.ts";
export { type Certificate } from "./certificate.ts";
export { TokenFile, type TokenSource } from "./token.ts";

/** Where to listen, and what TCP clients must bring. */
export interface ServeOptions {
  /** Path of the unix socket; the caller owns its directory. */
  readonly socketPath: string;
  /** Id of the group that may use it too; null, the default: nobody else but root. */
  readonly socketGroup?: number | null;
  /** Null: no TCP. */
  readonly listen: ListenAddress | null;
  /** A TCP socket that the service manager handed over, to be used in place of `listen`. */
  readonly inherited?: number | null;
  /** Needed over TCP. */
  readonly token: TokenSource;
  /** Enough for `/metrics`. */
  readonly metricsToken?: TokenSource | null;
  /** What TLS is spoken with over TCP; null, the default: HTTP without. */
  readonly certificate?: Certificate | null;
  /** Names that a TCP request may be for, lower case, without port; IPv6 without brackets. */
  readonly allowedHosts: readonly string[];
  /** Where it is logged what is listened on. */
  readonly log: Log;
  /** Connections at once over each entrance. */
  readonly connections: { readonly tcp: number; readonly socket: number };
  /** What clients may take, where a test needs it shorter. */
  readonly limits?: Partial<Omit<ListenerLimits, "connections">>;
  /** How a listener that is not open is tried again. */
  readonly patience?: Patience;
}

/** Open listeners. */
export interface Listeners {
  /** What is bound over TCP; null without, or while it is not. */
  readonly tcpAddress: TcpAddress | null;
  /** The same for people, and why nothing listens though it should; null when all is well. */
  readonly tcp: { readonly address: string | null; readonly error: string | null };
  /**
   * Ends live feeds, lets requests under way finish for at most `deadlineMs` milliseconds, then
   * closes the listeners and removes the socket; takes at most half a second longer. Idempotent.
   */
  shutdown(options: { deadlineMs: number }): Promise<void>;
}

/** A live feed's end is on its way at once or, to a client that does not read, never. */
const LIVE_GRACE_MS = 200;
/** For the last bytes of answers that were given. */
const FLUSH_MS = 500;

/** Headers that take longer were never meant to arrive. */
const HEADERS_MS = 10_000;
/** How long a connection is kept without a request. */
export const IDLE_MS = 60_000;
/** A crowd is told of once a minute. */
const CROWD_EVERY_MS = 60_000;

/**
 * Opens both listeners. A socket that a crashed daemon left is replaced: call this only as the
 * owner of its directory. TCP may be taken by someone else: then it is said, and tried again.
 *
 * @throws {Failure} `listen`: for the socket; nothing stays open then.
 */
export async function serve(app: App, options: ServeOptions): Promise<Listeners> {
  const {
    socketPath,
    listen,
    inherited = null,
    log,
    patience = {},
    token,
    metricsToken = null,
    certificate = null,
  } = options;
  const traffic = new Traffic(app);
  const rules = {
    get token() {
      return token.token;
    },
    get metricsToken() {
      return metricsToken?.token ?? null;
    },
    allowedHosts: new Set(options.allowedHosts),
  };
  const listenOptions = (name: Entrance["name"], connections: number): ListenOptions => ({
    handler: traffic.handler(async ({ remote, secure, user }) => {
      const from = { name, remote, secure, inside: false, user };
      if (name === "socket") return { ...from, rules: null };
      await Promise.all([token.refresh(), metricsToken?.refresh()]);
      return { ...from, rules };
    }),
    limits: { headersMs: HEADERS_MS, idleMs: IDLE_MS, ...options.limits, connections },
    bytes: app.bytes,
    certificate: name === "tcp" ? certificate : null,
    onCrowded: crowdWarning(name, connections, log),
  });

  const file = new SocketFile(socketPath, { group: options.socketGroup ?? null });
  const socket = new KeptListener({
    entrance: "socket",
    open: async () => {
      const listener = await file.open(listenOptions("socket", options.connections.socket));
      log.info("listening", { socket: socketPath });
      return listener;
    },
    connect: () => file.connect(),
    log,
    patience,
  });
  const place = placeOf(listen, inherited);
  const tcp = place && new KeptListener({
    entrance: "tcp",
    open: async () => {
      const listener = await openTcp(place, listenOptions("tcp", options.connections.tcp));
      sayWhereTcpIs(listener.address!, { log, encrypted: certificate !== null });
      return listener;
    },
    connect: ({ address }) => Deno.connect(reachable(address!)),
    log,
    patience,
  });
  await socket.open();
  await tcp?.tryOpen();
  for (const kept of [socket, tcp]) kept?.keep();

  let stopped: Promise<void> | undefined;
  const stop = async (deadlineMs: number) => {
    app.close();
    await Promise.all([socket.stop(), tcp?.stop()]);
    const open = [socket.listener, tcp?.listener].filter((each) => !!each);
    // What was answered may not be sent yet; a client that does not take it is not waited for.
    const over = await traffic.settled(deadlineMs) &&
      await within(FLUSH_MS, open.map((listener) => listener.drain()));
    if (!over) await within(FLUSH_MS, open.map((listener) => listener.abort()));
    await file.remove();
  };
  return {
    get tcpAddress() {
      return tcp?.listener?.address ?? null;
    },
    get tcp() {
      const address = tcp?.listener?.address;
      return { address: address ? formatAddress(address) : null, error: tcp?.error ?? null };
    },
    shutdown: ({ deadlineMs }) => stopped ??= stop(deadlineMs),
  };
}

/** Knows which answers are still on their way. */
class Traffic {
  readonly #app: App;
  readonly #requests = new Set<Promise<void>>();
  readonly #feeds = new Set<Promise<void>>();

  constructor(app: App) {
    this.#app = app;
  }

  handler(entrance: (peer: Peer) => Promise<Entrance>): Handler {
    return async (request, peer) => {
      const { completed } = peer;
      track(this.#requests, completed);
      const response = await this.#app.fetch(request, await entrance(peer));
      if (response.headers.get("content-type") === "text/event-stream") {
        this.#requests.delete(completed);
        track(this.#feeds, completed);
      }
      return response;
    };
  }

  /** Waits until every answer has been given; false: the deadline came first. */
  async settled(deadlineMs: number): Promise<boolean> {
    const settled = await Promise.all([
      within(deadlineMs, this.#requests),
      within(Math.min(deadlineMs, LIVE_GRACE_MS), this.#feeds),
    ]);
    return settled.every(Boolean);
  }
}

function track(open: Set<Promise<void>>, done: Promise<void>): void {
  open.add(done);
  done.then(() => open.delete(done));
}

async function within(milliseconds: number, all: Iterable<Promise<void>>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const inTime = await Promise.race([Promise.all(all).then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function placeOf(listen: ListenAddress | null, inherited: number | null): Place | null {
  if (inherited !== null) return { kind: "inherited", fd: inherited };
  return listen && { kind: "tcp", ...listen };
}

async function openTcp(place: Place, options: ListenOptions): Promise<Listener> {
  try {
    if (place.kind !== "inherited") return await listenAt(place, options);
    // A copy, so that the socket stays ours should the listener end.
    return await listenAt({ kind: "inherited", fd: duplicateDescriptor(place.fd) }, options);
  } catch (cause) {
    if (isFailure(cause, "listen")) throw cause;
    const at = place.kind === "tcp" ? formatAddress(place) : "the socket of the service manager";
    const taken = (cause as { code?: string }).code === "EADDRINUSE" ||
      cause instanceof Deno.errors.AddrInUse;
    const reason = taken ? "the address is in use" : (cause as Error).message;
    throw new Failure(
      "listen",
      `Cannot listen on "${at}": ${reason.replace(/^listen \w+: /, "")}`,
      {
        data: { wrong: taken ? "taken" : "address" },
        cause,
      },
    );
  }
}

function sayWhereTcpIs(
  address: TcpAddress,
  { log, encrypted }: { log: Log; encrypted: boolean },
): void {
  log.info("listening", { address: formatAddress(address), ...(encrypted && { tls: true }) });
  if (encrypted || isLoopback(address.hostname)) return;
  log.warn("listening beyond this host in clear text", {
    address: formatAddress(address),
    hint:
      "whoever is on the way reads the token: put a proxy that speaks TLS in front, or listen " +
      "on 127.0.0.1",
  });
}

/** Where we are reached ourselves: not every address that can be listened on can be connected to. */
function reachable({ hostname, port }: TcpAddress): TcpAddress {
  return { hostname: { "0.0.0.0": "127.0.0.1", "::": "::1" }[hostname] ?? hostname, port };
}

function crowdWarning(entrance: string, most: number, log: Log): () => void {
  let closed = 0;
  let toldAt = -Infinity;
  return () => {
    closed++;
    if (performance.now() - toldAt < CROWD_EVERY_MS) return;
    log.warn("too many connections, closing those that ask nothing", { entrance, most, closed });
    toldAt = performance.now();
    closed = 0;
  };
}

function formatAddress({ hostname, port }: { hostname: string; port: number }): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

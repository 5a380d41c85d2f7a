/**
 * A listener on `node:http`, which has the limits that `Deno.serve` lacks: connections, time for
 * headers, time between requests. For Deno 2.9 and newer; before, its server is `Deno.serve`, and a
 * unix path makes it listen on every address instead.
 *
 * @module
 */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { exchange } from "./exchange.ts";
import type { Listener, ListenOptions, Place, TcpAddress } from "./listener.ts";

/** How often it is looked at most for connections whose headers are late; each look wakes the process. */
const CHECK_MS = 5000;
/** A request whose body nobody reads holds its connection; bodies that are read have less time. */
const REQUEST_MS = 120_000;
/** Connections that are on their way out count until the system has closed them. */
const SLACK = 16;
/**
 * All that wait to be accepted are accepted at once and have a descriptor before any can be closed:
 * they must not be more than there are descriptors left.
 */
const MOST_BACKLOG = 256;
/**
 * So many requests may follow each other on a connection before the first is answered. Each takes
 * memory while it waits, and no client that is used sends more than one.
 */
const MOST_AHEAD = 16;

/**
 * Listens.
 *
 * @throws {Error} With the system's `code`.
 */
export async function listenNode(place: Place, options: ListenOptions): Promise<Listener> {
  const { limits, onCrowded } = options;
  const { server, forget } = await serverFor(options, {
    connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersMs),
    headersTimeout: limits.headersMs,
    requestTimeout: Math.max(REQUEST_MS, limits.headersMs),
    keepAliveTimeout: limits.idleMs,
    requireHostHeader: false,
  });
  server.maxConnections = limits.connections + SLACK;
  server.timeout = 0;
  const connections = new Connections(limits.connections, onCrowded);
  const ended = Promise.withResolvers<unknown>();

  // Nobody knows any more where a connection came from once it is reset.
  const remotes = new WeakMap<Socket, string | null>();
  server.on("connection", (socket: Socket) => {
    remotes.set(socket, socket.remoteAddress?.replace(/^::ffff:/, "") ?? null);
    connections.add(socket);
  });
  const answer = (expects: boolean) => (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const socket = rawSocket(incoming.socket);
    connections.ask(socket, () => {
      outgoing.once("close", () => connections.end(socket));
      const remote = remotes.get(socket) ?? null;
      void exchange(incoming, outgoing, { ...options, stallMs: limits.idleMs, remote, expects });
    });
  };
  server.on("request", answer(false));
  server.on("checkContinue", answer(true));
  server.on("close", () => {
    forget();
    ended.resolve(undefined);
  });
  await bind(server, place, backlogOf(place, limits.connections));
  server.on("error", (error: Error) => ended.resolve(error));

  let closed: Promise<void> | undefined;
  const close = () => closed ??= new Promise<void>((resolve) => void server.close(() => resolve()));
  return {
    address: tcpAddress(server),
    get accepted() {
      return connections.accepted;
    },
    get full() {
      return connections.full;
    },
    ended: ended.promise,
    drain: () => {
      connections.drain();
      return close();
    },
    abort: () => {
      connections.destroy();
      return close();
    },
  };
}

/** A server, and what to call when it is closed. */
async function serverFor(
  { certificate, limits }: ListenOptions,
  options: ServerOptions,
): Promise<{ server: Server; forget: () => void }> {
  if (certificate === null) return { server: createServer(options), forget: () => {} };
  const { createServer: createTlsServer } = await import("node:https");
  const server = createTlsServer({
    ...options,
    ...certificate.pem,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.headersMs,
  });
  // Whoever speaks no TLS, or not in time, holds no connection.
  server.on("tlsClientError", (_, socket) => void socket.destroy());
  return { server, forget: certificate.onChange((pem) => server.setSecureContext(pem)) };
}

/** The connection itself: under TLS requests come over a socket on top of it. */
function rawSocket(socket: Socket): Socket {
  return (socket as Socket & { _parent?: Socket })._parent ?? socket;
}

function backlogOf(place: Place, connections: number): number {
  // Over a path whoever finds no room is refused at once, and is no stranger.
  if (place.kind === "unix") return Math.max(128, connections);
  return Math.min(MOST_BACKLOG, Math.max(2 * SLACK, connections >> 1));
}

async function bind(server: Server, place: Place, backlog: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  if (place.kind === "inherited") server.listen({ fd: place.fd }, resolve);
  else if (place.kind === "unix") server.listen({ path: place.path, backlog }, resolve);
  else server.listen({ port: place.port, host: place.hostname, backlog }, resolve);
  await promise;
  server.off("error", reject);
  // What is trusted because of its path must never be reached in another way.
  const overPath = typeof server.address() === "string";
  if (overPath === (place.kind === "unix")) return;
  server.close();
  throw new TypeError(
    place.kind === "unix"
      ? `it listens on ${JSON.stringify(server.address())} instead`
      : "it is a unix socket",
  );
}

function tcpAddress(server: Server): TcpAddress | null {
  const address = server.address();
  if (address === null || typeof address === "string") return null;
  return { hostname: address.address, port: address.port };
}

/** Who is connected, and who of them asks something. */
class Connections {
  /** Since the start. */
  accepted = 0;
  readonly #most: number;
  readonly #onCrowded: () => void;
  /** Requests by connection: the first is under way, the others wait for it. */
  readonly #open = new Map<Socket, (() => void)[]>();
  /** Connections without a request, the one that is so for longest first. */
  readonly #waiting = new Set<Socket>();
  #draining = false;

  constructor(most: number, onCrowded: () => void) {
    this.#most = most;
    this.#onCrowded = onCrowded;
  }

  get full(): boolean {
    return this.#open.size >= this.#most;
  }

  add(socket: Socket): void {
    this.accepted++;
    socket.once("close", () => this.#forget(socket));
    this.#open.set(socket, []);
    this.#waiting.add(socket);
    if (this.#draining) return void socket.destroy();
    if (this.#open.size <= this.#most) return;
    // Whoever connects and asks has asked within a moment; those that wait the longest don't.
    const [oldest = socket] = this.#waiting;
    this.#forget(oldest);
    oldest.destroy();
    this.#onCrowded();
  }

  /**
   * Has `answer` begin once all that was asked before over this connection is answered: nobody else
   * sees to it that whoever takes no answer is given no other, nor does an answer that never has its
   * turn say that it is over.
   */
  ask(socket: Socket, answer: () => void): void {
    const asked = this.#open.get(socket);
    // It was closed on what had come of it.
    if (asked === undefined) return;
    this.#waiting.delete(socket);
    asked.push(answer);
    if (asked.length > MOST_AHEAD) {
      this.#forget(socket);
      socket.destroy();
    } else if (asked.length === 1) answer();
  }

  end(socket: Socket): void {
    const asked = this.#open.get(socket);
    if (asked === undefined || socket.destroyed) return;
    asked.shift();
    const [next] = asked;
    if (next !== undefined) next();
    else if (this.#draining) socket.end();
    else this.#waiting.add(socket);
  }

  drain(): void {
    this.#draining = true;
    for (const socket of [...this.#waiting]) socket.destroy();
  }

  destroy(): void {
    this.#draining = true;
    for (const socket of [...this.#open.keys()]) socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    this.#waiting.delete(socket);
  }
}

/**
 * The two listeners: a unix socket that only its owner reaches, and TCP with a token. The entrance
 * of this folder: import it lazily, it brings the HTTP and schema libraries with it.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { ListenAddress } from "../config.ts";
import { fitsSocket, MAX_SOCKET_PATH } from "../files.ts";
import type { Log } from "../log.ts";
import type { App, Entrance } from "./app.ts";

export { type App, type AppOptions, createApp, type Entrance } from "./app.ts";
export { type AccessRules } from "./access.ts";
export { type ServerDeps } from "./operation.ts";
export { loadToken } from "./token.ts";

/** Where to listen, and what TCP clients must bring. */
export interface ServeOptions {
  /** Path of the unix socket; the caller owns its directory. */
  readonly socketPath: string;
  /** Null: no TCP. */
  readonly listen: ListenAddress | null;
  /** Needed over TCP. */
  readonly token: string;
  /** Names that a TCP request may be for, lower case, without port; IPv6 without brackets. */
  readonly allowedHosts: readonly string[];
  /** Where it is logged what is listened on. */
  readonly log: Log;
}

/** Open listeners. */
export interface Listeners {
  /** What was bound over TCP, null without. */
  readonly tcpAddress: Deno.NetAddr | null;
  /**
   * Ends live feeds, lets requests under way finish for at most `deadlineMs` milliseconds, then
   * closes the listeners and removes the socket; takes at most half a second longer. Idempotent.
   */
  shutdown(options: { deadlineMs: number }): Promise<void>;
}

/** It can't be listened there. */
export class ListenError extends Error {
  /** Tells this error from others. */
  override readonly name = "ListenError";
  /** What a person can do about it; may be empty. */
  readonly hint: string;

  /** Which address and why. */
  constructor(message: string, options: { hint: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/** A live feed's end is on its way at once or, to a client that does not read, never. */
const LIVE_GRACE_MS = 200;
/** For the last bytes of answers that were given. */
const FLUSH_MS = 500;

/**
 * Opens both listeners. A socket that a crashed daemon left is replaced: call this only as the
 * owner of its directory.
 *
 * @throws {ListenError} nothing stays open then.
 */
export async function serve(app: App, options: ServeOptions): Promise<Listeners> {
  const { socketPath, listen, log } = options;
  const closing = new AbortController();
  const traffic = new Traffic(app);
  const servers: Deno.HttpServer[] = [];
  let tcpAddress: Deno.NetAddr | null = null;
  let socket: Deno.FileInfo;
  try {
    if (listen !== null) {
      const rules = { token: options.token, allowedHosts: new Set(options.allowedHosts) };
      const server = listenTcp(listen, closing.signal, traffic.handler({ rules }));
      servers.push(server);
      tcpAddress = server.addr;
    }
    servers.push(await listenUnix(socketPath, closing.signal, traffic.handler({ rules: null })));
    socket = await Deno.lstat(socketPath);
  } catch (error) {
    closing.abort();
    await Promise.all(servers.map((server) => server.finished));
    throw error;
  }
  log.info("listening", {
    socket: socketPath,
    ...(tcpAddress !== null && { address: formatAddress(tcpAddress) }),
  });

  let stopped: Promise<void> | undefined;
  const stop = async (deadlineMs: number) => {
    app.close();
    if (await traffic.settled(deadlineMs)) {
      // What was answered is not sent yet. A client that does not take it, or sent half a request,
      // is left to the end of the process: once asked to shut down, Deno can't abort any more.
      await within(FLUSH_MS, servers.map((server) => server.shutdown()));
    } else {
      closing.abort();
      await Promise.all(servers.map((server) => server.finished));
    }
    await removeSocket(socketPath, socket);
  };
  return { tcpAddress, shutdown: ({ deadlineMs }) => stopped ??= stop(deadlineMs) };
}

/** Knows which answers are still on their way. */
class Traffic {
  readonly #app: App;
  readonly #requests = new Set<Promise<void>>();
  readonly #feeds = new Set<Promise<void>>();

  constructor(app: App) {
    this.#app = app;
  }

  handler(entrance: Entrance): Deno.ServeHandler<Deno.Addr> {
    return async (request, info) => {
      // Rejects when the client has left: no matter, it is over either way.
      const done = info.completed.catch(() => {});
      track(this.#requests, done);
      const response = await this.#app.fetch(request, entrance);
      if (response.headers.get("content-type") === "text/event-stream") {
        this.#requests.delete(done);
        track(this.#feeds, done);
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

function listenTcp(
  { hostname, port }: ListenAddress,
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.Addr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, signal, onListen: () => {} }, handler);
  } catch (cause) {
    const taken = cause instanceof Deno.errors.AddrInUse;
    const at = formatAddress({ hostname, port });
    throw new ListenError(
      `Cannot listen on "${at}": ${taken ? "the address is in use" : (cause as Error).message}`,
      {
        hint: taken
          ? "another program listens there: choose another address with --listen, or --listen none"
          : "choose an address of this host with --listen, or --listen none",
        cause,
      },
    );
  }
}

/**
 * Binds inside a directory that only we can enter, sets the mode, and only then moves the socket
 * to where it is looked for: nobody can connect before it is 0600. The move replaces a stale one.
 */
async function listenUnix(
  path: string,
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.Addr>,
): Promise<Deno.HttpServer<Deno.UnixAddr>> {
  if (!fitsSocket(path)) {
    throw new ListenError(
      `Cannot listen on "${path}": a socket's path has at most ${MAX_SOCKET_PATH} bytes`,
      { hint: "choose a shorter --data-dir" },
    );
  }
  // Shorter than the socket's own name, so that the limit above holds for it too.
  const nest = join(dirname(path), ".listen");
  const draft = join(nest, "s");
  try {
    await Deno.remove(nest, { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(nest, { mode: 0o700 });
    const server = Deno.serve({ path: draft, signal, onListen: () => {} }, handler);
    await Deno.chmod(draft, 0o600);
    await Deno.rename(draft, path);
    await Deno.remove(nest);
    return server;
  } catch (cause) {
    await Deno.remove(nest, { recursive: true }).catch(() => {});
    throw new ListenError(`Cannot listen on "${path}": ${(cause as Error).message}`, {
      hint: "the data directory must be on a file system with sockets, and be ours to write",
      cause,
    });
  }
}

/** Whoever took the directory from us may listen there by now: only what we made is removed. */
async function removeSocket(path: string, made: Deno.FileInfo): Promise<void> {
  try {
    const { dev, ino } = await Deno.lstat(path);
    if (dev === made.dev && ino === made.ino) await Deno.remove(path);
  } catch (error) {
    ignoreMissing(error);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function formatAddress({ hostname, port }: { hostname: string; port: number }): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

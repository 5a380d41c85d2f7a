/**
 * The running daemon, asked over its socket. Knows paths and answers as little as a browser does:
 * what they mean is the caller's business.
 *
 * @module
 */

import { join } from "@std/path";
import { SOCKET } from "./data_dir.ts";
import { CommandError, EXIT, quote } from "./command.ts";

/** How to ask. */
export interface AskOptions {
  /** Default `GET`. */
  readonly method?: string;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
  /** Ends the request; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Until the answer's head has come, milliseconds. Default 30 s. */
  readonly timeoutMs?: number;
}

/** A daemon that listens; to be disposed. */
export class Daemon implements Disposable {
  /** Path of its socket. */
  readonly path: string;
  readonly #client: Deno.HttpClient;

  /** Use {@link findDaemon}. */
  constructor(path: string) {
    this.path = path;
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }

  /**
   * Its answer to a request. The body is to be read or cancelled.
   *
   * @throws {CommandError} With exit code 4 when there is none.
   */
  async ask(path: string, options: AskOptions = {}): Promise<Response> {
    const { method = "GET", body, signal, timeoutMs = 30_000 } = options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(LATE), timeoutMs);
    try {
      return await fetch(`http://tinyforge${path}`, {
        client: this.#client,
        method,
        signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const why = error === LATE ? `no answer within ${timeoutMs / 1000} s` : innermost(error);
      throw unreachable(this.path, why, {
        hint: "the daemon may be stopping or hanging; its log says more, `tinyforge status` too",
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every request under way. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/**
 * The daemon of this data directory; null when nobody listens on its socket.
 *
 * @throws {CommandError} When the socket is there and can't be used.
 */
export async function findDaemon(dataDir: string): Promise<Daemon | null> {
  const path = join(dataDir, SOCKET);
  try {
    // Whether somebody listens is settled before anything is sent, so that no request is sent
    // twice: once to a daemon that may have done it, once more to the database.
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.ConnectionRefused) return null;
    if (error instanceof Deno.errors.PermissionDenied) {
      throw unreachable(path, "permission denied", {
        hint: "run as the user that the daemon runs as, or as root",
        cause: error,
      });
    }
    const tooLong = new TextEncoder().encode(path).length > MAX_SOCKET_PATH;
    throw unreachable(path, innermost(error), {
      hint: tooLong
        ? "a socket's path has at most 107 bytes: choose a shorter --data-dir"
        : "is there something else than a socket at that path?",
      cause: error,
    });
  }
  return new Daemon(path);
}

const MAX_SOCKET_PATH = 107;
const LATE = new DOMException("late", "TimeoutError");

function unreachable(
  path: string,
  why: string,
  options: { hint: string; cause: unknown },
): CommandError {
  return new CommandError(`Cannot reach the daemon at ${quote(path)}: ${why}`, {
    exitCode: EXIT.unreachable,
    ...options,
  });
}

function innermost(error: unknown): string {
  let text = String(error);
  for (let at = error; at instanceof Error; at = at.cause) text = at.message;
  return text;
}

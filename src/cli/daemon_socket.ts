/**
 * The running daemon, asked over its socket. Knows paths and answers as little as a browser does:
 * what they mean is the caller's business.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { chunksOf, readPieces, readText, type ReadTextOptions } from "../http/body.ts";
import { HttpClient, isUnconnected } from "../http/client.ts";
import { Deadline } from "../http/deadline.ts";
import { reasonOf } from "../http/reason.ts";
import { fitsSocket, HUB_SOCKET, SOCKET, socketPlaces } from "../system/files.ts";
import { MAX_SOCKET_PATH } from "../system/libc.ts";
import { closedBy } from "../system/private.ts";
import { CommandError, EXIT, usageError } from "./command.ts";
import { quote, quotePath } from "../text.ts";

/** Longest answer that is read, bytes: several times an index of 100,000 rows. */
const MAX_ANSWER = 256 * 1024 * 1024;

/** How to ask. */
export interface AskOptions {
  /** Default `GET`. */
  readonly method?: string;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
  /** Until the whole answer has come, milliseconds. Default 30 s. */
  readonly timeoutMs?: number;
}

/** A whole answer. */
export interface Answer {
  /** Whether the status is a good one. */
  readonly ok: boolean;
  /** HTTP status. */
  readonly status: number;
  /** The body. */
  readonly text: string;
}

/** A whole answer as it came. */
export interface AnswerInPieces extends Omit<Answer, "text"> {
  /** The body, in UTF-8. */
  readonly pieces: readonly Uint8Array[];
}

/** Reads a body; null when it is longer than the limit. */
type Reading<Body> = (
  body: ReadableStream<Uint8Array> | null,
  options: ReadTextOptions,
) => Promise<Body | null>;

/** A daemon that listened a moment ago does not any more; nothing was sent to it. */
export class DaemonGone extends CommandError {}

/** A daemon, or a hub, that listens; to be disposed. */
export class DaemonClient implements Disposable {
  /** Path of its socket. */
  readonly path: string;
  /** Whether it is a hub's. */
  readonly isHub: boolean;
  readonly #client: HttpClient;

  /** Use {@link findDaemon}. */
  constructor(path: string) {
    this.path = path;
    this.isHub = whatListens(path) === "hub";
    this.#client = new HttpClient({ kind: "unix", path });
  }

  /**
   * Its answer to a request.
   *
   * @throws {CommandError} With exit code 4 when there is none, or not all of one;
   *   {@link DaemonGone} when nothing was sent.
   */
  async ask(path: string, options: AskOptions = {}): Promise<Answer> {
    const { read: text, ...answer } = await this.#ask(path, options, readText);
    return { ...answer, text };
  }

  /** The same for whoever only hands it on: megabytes that are never made a text. */
  async askInPieces(path: string, options: AskOptions = {}): Promise<AnswerInPieces> {
    const { read: pieces, ...answer } = await this.#ask(path, options, readPieces);
    return { ...answer, pieces };
  }

  /** A body as it comes, until it ends or `signal` aborts; then the reason is thrown. */
  async *follow(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { body } = await this.#client.request(path, { signal });
    if (body !== null) yield* chunksOf(body, signal);
  }

  /** Ends every request under way. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #ask<Body>(
    path: string,
    options: AskOptions,
    readBody: Reading<Body>,
  ): Promise<{ ok: boolean; status: number; read: Body }> {
    const { method = "GET", body, timeoutMs = 30_000 } = options;
    using deadline = new Deadline(timeoutMs, []);
    const { signal } = deadline;
    try {
      const response = await this.#client.request(path, {
        method,
        signal,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
      });
      const read = await readBody(response.body, { signal, limit: MAX_ANSWER });
      if (read === null) throw new TypeError(`the answer is longer than ${MAX_ANSWER} bytes`);
      return { ok: response.ok, status: response.status, read };
    } catch (error) {
      const why = deadline.expired
        ? `no complete answer within ${timeoutMs / 1000} s`
        : reasonOf(error);
      const Unreachable = isUnconnected(error) ? DaemonGone : CommandError;
      throw unreachable(this.path, why, {
        Unreachable,
        hint: `the ${whatListens(this.path)} may be stopping or hanging; its log says more`,
        cause: error,
      });
    }
  }
}

/**
 * Where the daemon of this data directory listens.
 *
 * @throws {CommandError} When the path is too long for a socket.
 */
export function socketPath(dataDir: string): string {
  const path = join(dataDir, SOCKET);
  if (fitsSocket(path)) return path;
  throw usageError(
    // Not cut: how long it is is what is wrong with it.
    `Cannot use the socket ${quotePath(path)}: a socket's path has at most ` +
      `${MAX_SOCKET_PATH} bytes`,
    "choose a shorter --data-dir",
  );
}

/**
 * The daemon of this data directory, or the hub; null when nobody listens on its socket.
 *
 * @throws {CommandError} When there can't be a socket, or it is there and can't be used.
 */
export async function findDaemon(dataDir: string): Promise<DaemonClient | null> {
  // For what is wrong with it.
  socketPath(dataDir);
  let wrong: CommandError | null = null;
  for (const path of [...socketPlaces(dataDir), join(dataDir, HUB_SOCKET)]) {
    try {
      if (await listensAt(path)) return new DaemonClient(path);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      wrong ??= error;
    }
  }
  if (wrong !== null) throw wrong;
  return null;
}

/**
 * The hub of this data directory; null when nobody listens on its socket.
 *
 * @throws {CommandError} When it is there and can't be used.
 */
export async function findHub(dataDir: string): Promise<DaemonClient | null> {
  const path = join(dataDir, HUB_SOCKET);
  return await listensAt(path) ? new DaemonClient(path) : null;
}

async function listensAt(path: string): Promise<boolean> {
  try {
    // Whether somebody listens is settled before anything is sent, so that no request is sent
    // twice: once to a daemon that may have done it, once more to the database.
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    if (error instanceof Deno.errors.PermissionDenied) {
      const owner = closedBy(path)?.owner ?? null;
      const user = owner === null ? "" : ` (${owner})`;
      throw unreachable(path, "permission denied", {
        hint: `run as root, as the user that the ${whatListens(path)} runs as${user}, or as a ` +
          "member of its --socket-group",
        cause: error,
      });
    }
    throw unreachable(path, reasonOf(error), {
      hint: "is there something else than a socket at that path?",
      cause: error,
    });
  }
}

function unreachable(
  path: string,
  why: string,
  { Unreachable = CommandError, ...options }: {
    hint: string;
    cause: unknown;
    Unreachable?: typeof CommandError;
  },
): CommandError {
  return new Unreachable(`Cannot reach the ${whatListens(path)} at ${quote(path)}: ${why}`, {
    exitCode: EXIT.unreachable,
    ...options,
  });
}

function whatListens(path: string): "daemon" | "hub" {
  return basename(path) === HUB_SOCKET ? "hub" : "daemon";
}

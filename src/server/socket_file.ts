/**
 * The file of the unix socket: reachable by its owner alone before anyone can connect, and removed
 * only while it is the one that was made here.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { fitsSocket } from "../system/files.ts";
import { MAX_SOCKET_PATH } from "../system/libc.ts";
import { quotePath } from "../text.ts";
import { listenAt } from "./listen_at.ts";
import type { Listener, ListenOptions } from "./listener.ts";

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

/** The socket at one path. */
export class SocketFile {
  readonly #path: string;
  #made: Deno.FileInfo | null = null;

  /** Makes nothing yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Listens there. Replaces what it made itself and, the first time, whatever is there.
   *
   * @throws {ListenError}
   */
  async open(options: ListenOptions): Promise<Listener> {
    const path = this.#path;
    if (!fitsSocket(path)) {
      throw new ListenError(
        `Cannot listen on ${quotePath(path)}: a socket's path has at most ${MAX_SOCKET_PATH} bytes`,
        { hint: "choose a shorter --data-dir" },
      );
    }
    if (this.#made !== null && await this.#isOthers()) {
      throw new ListenError(
        `Cannot listen on ${quotePath(path)}: another process made a socket there`,
        {
          hint: "does a second daemon use this directory?",
        },
      );
    }
    try {
      const listener = await bindPrivately(path, options);
      this.#made = await Deno.lstat(path);
      return listener;
    } catch (cause) {
      throw new ListenError(`Cannot listen on ${quotePath(path)}: ${(cause as Error).message}`, {
        hint: "the data directory must be on a file system with sockets, and be ours to write",
        cause,
      });
    }
  }

  /** A connection to it; null once another process's socket is there. */
  connect(): Promise<Deno.Conn> | null {
    try {
      if (!this.#isSame(Deno.lstatSync(this.#path))) return null;
    } catch {
      // Not there: to connect fails, and says why.
    }
    return Deno.connect({ transport: "unix", path: this.#path });
  }

  /** Whoever took the directory from us may listen there by now: only what we made is removed. */
  async remove(): Promise<void> {
    try {
      if (this.#isSame(await Deno.lstat(this.#path))) await Deno.remove(this.#path);
    } catch (error) {
      ignoreMissing(error);
    }
  }

  async #isOthers(): Promise<boolean> {
    try {
      return !this.#isSame(await Deno.lstat(this.#path));
    } catch {
      return false;
    }
  }

  #isSame({ dev, ino }: Deno.FileInfo): boolean {
    return this.#made !== null && dev === this.#made.dev && ino === this.#made.ino;
  }
}

/**
 * Binds inside a directory that only we can enter, sets the mode, and only then moves the socket
 * to where it is looked for: nobody can connect before it is 0600. The move replaces a stale one.
 */
async function bindPrivately(path: string, options: ListenOptions): Promise<Listener> {
  // Shorter than the socket's own name, so that the limit of its length holds for it too.
  const nest = join(dirname(path), ".listen");
  const draft = join(nest, "s");
  let listener: Listener | null = null;
  try {
    await Deno.remove(nest, { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(nest, { mode: 0o700 });
    listener = await listenAt({ kind: "unix", path: draft }, options);
    await Deno.chmod(draft, 0o600);
    await Deno.rename(draft, path);
    await Deno.remove(nest);
    return listener;
  } catch (error) {
    await listener?.abort();
    await Deno.remove(nest, { recursive: true }).catch(() => {});
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

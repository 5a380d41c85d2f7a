/**
 * The file of the unix socket: reachable by its owner alone, and a group if one is named, before
 * anyone can connect; removed only while it is the one that was made here.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { Failure, isFailure } from "../failure.ts";
import { fitsSocket } from "../system/files.ts";
import { MAX_SOCKET_PATH } from "../system/libc.ts";
import { quotePath } from "../text.ts";
import { listenAt } from "./listen_at.ts";
import type { Listener, ListenOptions } from "./listener.ts";

/** The socket at one path. */
export class SocketFile {
  readonly #path: string;
  readonly #group: number | null;
  #made: Deno.FileInfo | null = null;

  /** Makes nothing yet. `group`: id of the group that may connect too. */
  constructor(path: string, { group = null }: { group?: number | null } = {}) {
    this.#path = path;
    this.#group = group;
  }

  /**
   * Listens there. Replaces what it made itself and, the first time, whatever is there.
   *
   * @throws {Failure} `listen`
   */
  async open(options: ListenOptions): Promise<Listener> {
    const path = this.#path;
    if (!fitsSocket(path)) {
      throw new Failure(
        "listen",
        `Cannot listen on ${quotePath(path)}: a socket's path has at most ${MAX_SOCKET_PATH} bytes`,
        { data: { wrong: "long" } },
      );
    }
    if (this.#made !== null && await this.#isOthers()) {
      throw new Failure(
        "listen",
        `Cannot listen on ${quotePath(path)}: another process made a socket there`,
        { data: { wrong: "stranger" } },
      );
    }
    try {
      if (this.#group !== null) await openTo(this.#group, dirname(path));
      const listener = await bindPrivately(path, this.#group, options);
      this.#made = await Deno.lstat(path);
      return listener;
    } catch (cause) {
      if (isFailure(cause, "listen")) throw cause;
      throw new Failure(
        "listen",
        `Cannot listen on ${quotePath(path)}: ${(cause as Error).message}`,
        { data: { wrong: "folder" }, cause },
      );
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
 * to where it is looked for: nobody can connect before it is 0600, or the group's and 0660. The
 * move replaces a stale one.
 */
async function bindPrivately(
  path: string,
  group: number | null,
  options: ListenOptions,
): Promise<Listener> {
  // Shorter than the socket's own name, so that the limit of its length holds for it too.
  const nest = join(dirname(path), ".listen");
  const draft = join(nest, "s");
  let listener: Listener | null = null;
  try {
    await Deno.remove(nest, { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(nest, { mode: 0o700 });
    listener = await listenAt({ kind: "unix", path: draft }, options);
    if (group !== null) await give(draft, group);
    await Deno.chmod(draft, group === null ? 0o600 : 0o660);
    await Deno.rename(draft, path);
    await Deno.remove(nest);
    return listener;
  } catch (error) {
    await listener?.abort();
    await Deno.remove(nest, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** The group's members may pass through the folder; what is in it they see no more than before. */
async function openTo(group: number, folder: string): Promise<void> {
  const { gid, mode } = await Deno.stat(folder);
  const passable = ((mode ?? 0) & 0o001) !== 0 || gid === group && ((mode ?? 0) & 0o010) !== 0;
  if (passable) return;
  await give(folder, group);
  await Deno.chmod(folder, ((mode ?? 0) & 0o707) | 0o010);
}

async function give(path: string, group: number): Promise<void> {
  try {
    await Deno.chown(path, null, group);
  } catch (cause) {
    throw new Failure(
      "listen",
      `Cannot give ${quotePath(path)} to group ${group}: ${(cause as Error).message}`,
      { data: { wrong: "group" }, cause },
    );
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

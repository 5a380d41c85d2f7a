/**
 * A short way to a socket whose path is longer than a socket's address can be: a link to its folder
 * in a folder of ours. Must not look at what is at the path.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { fitsSocket } from "./files.ts";

/** The longest name of a socket that can be reached in a folder however deep, bytes. */
export const MAX_SOCKET_NAME = 50;

/** Whether a socket at this path can be reached, shortened where it has to be. */
export function isReachable(path: string): boolean {
  return fitsSocket(path) || new TextEncoder().encode(basename(path)).length <= MAX_SOCKET_NAME;
}

/** A path that leads to a socket; what was made for it goes with this, and with the process. */
export class NearSocket implements Disposable {
  /** The path itself, or a short one. */
  readonly path: string;
  readonly #folder: string | null = null;
  readonly #leave = () => this[Symbol.dispose]();

  /** Makes a link where one is needed. Throws as `Deno.makeTempDirSync`. */
  constructor(path: string) {
    this.path = path;
    if (fitsSocket(path)) return;
    // For this user alone: another could have it lead elsewhere.
    this.#folder = Deno.makeTempDirSync({ prefix: "tinyforge-" });
    Deno.symlinkSync(dirname(path), join(this.#folder, "at"));
    this.path = join(this.#folder, "at", basename(path));
    globalThis.addEventListener("unload", this.#leave);
  }

  /** Removes the link; idempotent. */
  [Symbol.dispose](): void {
    if (this.#folder === null) return;
    globalThis.removeEventListener("unload", this.#leave);
    try {
      Deno.removeSync(this.#folder, { recursive: true });
    } catch {
      // It is gone, or the next start of the machine removes it.
    }
  }
}

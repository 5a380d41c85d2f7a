/**
 * Files that are being written: with a name that no finished one has, for this user alone, locked
 * for as long as their writer lives, and gone when it failed. What a killed writer left is known by
 * its lock being free.
 *
 * @module
 */

import { join } from "@std/path";
import { PARTIAL } from "../system/files.ts";

/** One file being written, and names beside it for what is needed meanwhile. */
export class Partial implements AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** Open for writing. */
  readonly file: Deno.FsFile;
  readonly #folder: string;
  readonly #name: string;

  private constructor(folder: string, name: string, file: Deno.FsFile) {
    this.#folder = folder;
    this.#name = name;
    this.path = join(folder, name);
    this.file = file;
  }

  /** Creates one with a name of its own in this folder. */
  static async create(folder: string): Promise<Partial> {
    for (;;) {
      const name = `.tinyforge-${crypto.randomUUID()}${PARTIAL}`;
      const options = { createNew: true, read: true, write: true, mode: 0o600 };
      const file = await Deno.open(join(folder, name), options);
      // Who cleans up may have come between the two; then this one is already as good as gone.
      if (lock(file) !== false) return new Partial(folder, name, file);
      file.close();
    }
  }

  /** Writes all of it after what was written. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.file.write(bytes.subarray(at));
  }

  /** Creates an empty file beside it, for this user alone, that goes when this one does. */
  async beside(suffix: string): Promise<string> {
    const path = `${this.path}.${suffix}`;
    (await Deno.open(path, { createNew: true, write: true, mode: 0o600 })).close();
    return path;
  }

  /** Removes what is beside it: before it gets its final name, since then nobody knows whose it was. */
  async removeBeside(): Promise<void> {
    await removeBeside(this.#folder, this.#name);
  }

  /** Removes it, if it was not moved, and what is beside it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeWith(this.#folder, this.#name);
    this.file.close();
  }
}

/** Removes from a folder what writers left that live no more. Never fails: it only takes room. */
export async function sweepPartials(folder: string): Promise<void> {
  try {
    const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    for (const name of names) {
      if (OWN.test(name) && await isAbandoned(join(folder, name))) await removeWith(folder, name);
    }
  } catch {
    // The next one tries again.
  }
}

const OWN = /^\.tinyforge-[0-9a-f-]{36}\.partial$/;

/** Where there are no locks, a file whose writer may live is left. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true, write: true });
    return lock(file) === true;
  } catch {
    return false;
  }
}

/** False when another has it, null where the file system knows no locks. */
function lock(file: Deno.FsFile): boolean | null {
  try {
    return file.tryLockSync(true);
  } catch {
    return null;
  }
}

/** The file itself last: it tells whose the others are. */
async function removeWith(folder: string, name: string): Promise<void> {
  await removeBeside(folder, name);
  await Deno.remove(join(folder, name)).catch(() => {});
}

async function removeBeside(folder: string, name: string): Promise<void> {
  const beside = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
  for (const other of beside.filter((each) => each.startsWith(`${name}.`))) {
    await Deno.remove(join(folder, other)).catch(() => {});
  }
}

/**
 * What the file API of the runtime does not offer: room on a disk, a directory's own durability,
 * and a rename that replaces nothing. Must not decide what to do with a full disk.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

/** Bytes that this user may still write to the file system of `path`; null where nobody can tell. */
export function freeBytes(path: string): number | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      statvfs: { parameters: ["buffer", "buffer"], result: "i32" },
    });
    try {
      // struct statvfs on 64-bit Linux: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, …
      const answer = new BigUint64Array(32);
      const name = new TextEncoder().encode(`${path}\0`);
      if (libc.symbols.statvfs(name, new Uint8Array(answer.buffer)) !== 0) return null;
      return Number(answer[1]! * answer[4]!);
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** Types of file systems that another machine keeps, as statfs(2) tells them. */
const NETWORK: Readonly<Record<string, string>> = {
  "6969": "NFS",
  "517b": "SMB",
  "ff534d42": "CIFS",
  "fe534d42": "SMB",
  "c36400": "Ceph",
  "5346414f": "AFS",
  "1021997": "9P",
};

/** What the network file system of `path` is called; null where it is none, or nobody can tell. */
export function networkFileSystem(path: string): string | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      statfs: { parameters: ["buffer", "buffer"], result: "i32" },
    });
    try {
      // struct statfs on 64-bit Linux begins with f_type.
      const answer = new BigUint64Array(32);
      const name = new TextEncoder().encode(`${path}\0`);
      if (libc.symbols.statfs(name, new Uint8Array(answer.buffer)) !== 0) return null;
      return NETWORK[(answer[0]! & 0xffffffffn).toString(16)] ?? null;
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** Makes names in a directory last: what was created, renamed and removed there. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path, { read: true });
  await directory.sync();
}

/** Codes by which a file system says that it has no hard links. */
const NO_LINKS = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK"]);

/**
 * Gives a finished file its name, and replaces nothing.
 *
 * @throws {Deno.errors.AlreadyExists} There is something at `to`.
 */
export async function placeFile(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (!NO_LINKS.has((error as { code?: string }).code ?? "")) throw error;
    // Without links nothing keeps another from coming between these two; a name has the second of
    // its making in it.
    const taken = await Deno.lstat(to).then(() => true, () => false);
    if (taken) throw new Deno.errors.AlreadyExists(`"${to}" exists`);
    return await Deno.rename(from, to);
  }
  await Deno.remove(from);
}

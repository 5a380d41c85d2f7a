/**
 * Which SQLite library is loaded: named by `DENO_SQLITE_PATH`, the one the binary carries, or in
 * development the system's. A carried library is only ever loaded from a directory that nobody
 * else can write to, after its content was compared with what the binary carries.
 * Must not use the shared temporary directory, follow links, or load the library itself.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { carried } from "../carried.ts";
import { effectiveUid } from "../system/libc.ts";
import { Failure } from "../failure.ts";
import { sha256Of } from "../secret.ts";
import { distrust } from "../system/private.ts";

/** The library that a binary carries. */
export interface EmbeddedLibrary {
  /** Lower-case hexadecimal SHA-256 of its content. */
  readonly sha256: string;
  /** Its content. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** What {@link sqliteLibrary} is told. */
export interface LibraryOptions {
  /** The data directory; need not exist. */
  readonly dataDir: string;
  /** What the binary carries; null in development. Default: what is embedded in this program. */
  readonly embedded?: EmbeddedLibrary | null;
}

const PATH_VARIABLE = "DENO_SQLITE_PATH";
const SYSTEM_LIBRARY = "libsqlite3.so.0";
/** Written by the compile task. */
const ASSETS = carried("dist/assets/");
/** SHA-256 of the content: a draft that someone writes right now has a longer name. */
const LIBRARY_NAME = /^[0-9a-f]{64}\.so$/;

/**
 * Chooses the library and sets `DENO_SQLITE_PATH`, which `@db/sqlite` reads when it is first
 * imported. Returns the path.
 *
 * @throws {Failure} `io` when there is no library that can be loaded.
 */
export async function sqliteLibrary(options: LibraryOptions): Promise<string> {
  const chosen = Deno.env.get(PATH_VARIABLE);
  if (chosen) return chosen;
  const embedded = options.embedded === undefined ? await findEmbedded() : options.embedded;
  const path = embedded === null
    ? findSystemLibrary()
    : await installLibrary(embedded, libraryFolders(options.dataDir));
  Deno.env.set(PATH_VARIABLE, path);
  return path;
}

/** A place for the library; its parent is judged too, because who owns it can replace it. */
export interface LibraryFolder {
  /** The directory that must exist or may be made. */
  readonly parent: string;
  /** Whether the parent may be made. */
  readonly makeParent: boolean;
}

/**
 * Puts the library into the first folder that only this user or root can write to, unless it is
 * there already, and returns its path. Never returns a file whose content was not compared.
 *
 * @throws {Failure} `io` naming what is wrong with each folder.
 */
export async function installLibrary(
  library: EmbeddedLibrary,
  folders: readonly LibraryFolder[],
): Promise<string> {
  const problems: string[] = [];
  for (const folder of folders) {
    try {
      return await installInto(folder, library);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.push(error.message);
    }
  }
  throw new Failure("io", `Cannot load the SQLite library: ${problems.join("; ")}`, {
    data: { at: "no-folder-for-library" },
  });
}

/**
 * Removes what other versions of this program left beside the library at `path`, when that is the
 * data directory's own. Only for the process that owns the data directory. A program that has one of
 * them loaded keeps it, and one that needs it again writes it again. Never fails: they only take room.
 */
export async function removeOtherLibraries(path: string, dataDir: string): Promise<void> {
  try {
    const folder = join(await Deno.realPath(dataDir), "lib");
    if (dirname(path) !== folder) return;
    await requirePrivate(folder);
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !LIBRARY_NAME.test(name) || name === basename(path)) continue;
      await Deno.remove(join(folder, name));
    }
  } catch {
    // The next owner tries again.
  }
}

/**
 * The data directory, then a cache of this user's own: someone else's data directory can be read,
 * but what its owner put there must not run as this user.
 */
function libraryFolders(dataDir: string): LibraryFolder[] {
  const folders: LibraryFolder[] = [{ parent: dataDir, makeParent: false }];
  const cache = effectiveUid() === 0 ? "/var/cache" : userCache();
  if (cache !== null) folders.push({ parent: join(cache, "tinyforge"), makeParent: true });
  return folders;
}

function userCache(): string | null {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  if (cache?.startsWith("/")) return cache;
  const home = Deno.env.get("HOME");
  return home?.startsWith("/") ? join(home, ".cache") : null;
}

async function installInto(
  { parent, makeParent }: LibraryFolder,
  library: EmbeddedLibrary,
): Promise<string> {
  if (makeParent) await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
  // The data directory itself may be a link: systemd makes one for a dynamic user.
  const root = await Deno.realPath(parent);
  await requirePrivate(root);
  const folder = join(root, "lib");
  try {
    await Deno.mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) await requirePrivate(folder, error);
  }
  await requirePrivate(folder);

  const path = join(folder, `${library.sha256}.so`);
  if (!await isIntact(path, library.sha256)) await replace(path, library);
  requireLoadable(path);
  return path;
}

/** Throws unless it is a directory, not a link to one, that nobody but this user and root writes. */
async function requirePrivate(path: string, cause?: unknown): Promise<void> {
  const info = await Deno.lstat(path).catch((error) => {
    throw cause ?? error;
  });
  if (!info.isDirectory) throw new Error(`"${path}" is not a directory`);
  const wrong = distrust(path, info);
  if (wrong !== null) throw new Error(wrong.reason);
}

async function isIntact(path: string, sha256: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  // A directory can't be replaced by renaming; anything else can.
  if (info.isDirectory) throw new Error(`"${path}" is a directory`);
  if (!info.isFile || distrust(path, info) !== null) return false;
  return await sha256Of(await Deno.readFile(path)) === sha256;
}

/** Writes beside it and renames, so that whoever loads it sees all of it or none. */
async function replace(path: string, library: EmbeddedLibrary): Promise<void> {
  const content = await library.read();
  if (await sha256Of(content) !== library.sha256) {
    throw new Error("the library that this program carries is damaged");
  }
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeFile(temporary, content, { createNew: true, mode: 0o600 });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** A file system that is mounted noexec lets us write a library but not load it. */
function requireLoadable(path: string): void {
  Deno.dlopen(path, {}).close();
}

async function findEmbedded(): Promise<EmbeddedLibrary | null> {
  if (!Deno.build.standalone) return null;
  try {
    const sha256 = (await Deno.readTextFile(new URL("libsqlite3.so.sha256", ASSETS))).trim();
    return { sha256, read: () => Deno.readFile(new URL("libsqlite3.so", ASSETS)) };
  } catch (cause) {
    throw new Failure("io", "Cannot load the SQLite library: this program carries none", {
      data: { at: "no-embedded-library" },
      cause,
    });
  }
}

function findSystemLibrary(): string {
  try {
    Deno.dlopen(SYSTEM_LIBRARY, {}).close();
    return SYSTEM_LIBRARY;
  } catch (cause) {
    throw new Failure("io", `Cannot load the SQLite library: no ${SYSTEM_LIBRARY} here`, {
      data: { at: "no-system-library" },
      cause,
    });
  }
}

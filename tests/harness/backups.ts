/**
 * Indexes worth a backup, and what tests compare before and after.
 *
 * @module
 */

import { join } from "@std/path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { sumOf } from "../../src/safekeeping/backup.ts";
import { type BackupReport, makeBackup } from "../../src/safekeeping/backup.ts";
import { openStore } from "../../src/store/store.ts";
import { DATABASE, SECRETS, TOKEN } from "../../src/system/files.ts";

if (!Deno.env.get("DENO_SQLITE_PATH")) Deno.env.set("DENO_SQLITE_PATH", "libsqlite3.so.0");
const { Database } = await import("@db/sqlite");

/** Named by every test whose time does not matter. */
export const NOW: Date = new Date("2026-11-27T02:00:00.000Z");

/** A key pair of age. */
export interface Keys {
  readonly identity: string;
  readonly recipient: string;
}

/** A new key pair. */
export async function makeKeys(): Promise<Keys> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** A folder that goes away. */
export async function tempFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "tinyforge-backup-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/**
 * A data directory with these sites, a token and channel secrets named for `name`, and at least
 * `bytes` in its database.
 */
export async function makeIndex(
  dataDir: string,
  { name, bytes = 0 }: { name: string; bytes?: number },
): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, DATABASE);
  {
    using store = await openStore(path);
    for (const which of ["a", "b"]) store.registry.create("site", { name: `${name}-${which}` });
  }
  if (bytes > 0) pad(path, bytes);
  await Deno.writeTextFile(join(dataDir, TOKEN), `token-of-${name}`.padEnd(40, "x"));
  await Deno.writeTextFile(join(dataDir, SECRETS), JSON.stringify({ of: name }));
}

/** Fills the database's history, which nothing looks at. */
function pad(path: string, bytes: number): void {
  const db = new Database(path, { int64: true });
  try {
    const rows = Math.ceil(bytes / 1100);
    db.exec(
      `INSERT INTO transitions (row_id, at, to_state, cause, detail)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       SELECT 'row-' || (i % 100), '2026-01-01T00:00:00.000Z', 'running', 'pass', hex(randomblob(500))
       FROM n`,
    );
  } finally {
    db.close();
  }
}

/** What an index is, as far as a restore replaces it: which one, and whether its parts agree. */
export interface Found {
  readonly sites: readonly string[];
  readonly epoch: string;
  readonly restoredFrom: string | null;
  readonly token: string | null;
  readonly secrets: string | null;
}

/** Looks into a data directory with SQL of its own; throws where the database is not sound. */
export async function look(dataDir: string): Promise<Found> {
  const db = new Database(join(dataDir, DATABASE), { readonly: true, int64: true });
  try {
    const sound = db.prepare("PRAGMA integrity_check").value<[string]>()![0];
    if (sound !== "ok") throw new Error(sound);
    const sites = db.prepare("SELECT name FROM static_sites ORDER BY name").values<[string]>();
    const [epoch, restoredFrom] = db.prepare("SELECT id, restored_from FROM epoch")
      .value<[string, string | null]>()!;
    const text = (name: string) => Deno.readTextFile(join(dataDir, name)).catch(() => null);
    return {
      sites: sites.map(([name]) => name),
      epoch,
      restoredFrom,
      token: await text(TOKEN),
      secrets: await text(SECRETS),
    };
  } finally {
    db.close();
  }
}

/** Name → SHA-256 of every file below a folder; what SQLite and the lock keep beside left out. */
export async function fingerprint(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) {
      for (const [inner, sum] of Object.entries(await fingerprint(path))) {
        found[`${name}/${inner}`] = sum;
      }
    } else if (!/-wal$|-shm$|\.lock/.test(name)) found[name] = (await sumOf(path)).sha256;
  }
  return found;
}

/** A backup of a data directory in a folder. */
export async function backUp(
  dataDir: string,
  folder: string,
  options: { recipients?: readonly string[]; now?: Date } = {},
): Promise<BackupReport & { path: string }> {
  const report = await makeBackup({
    dataDir,
    to: { kind: "directory", path: folder },
    recipients: options.recipients ?? [],
    version: "0.0.0",
    now: options.now ?? NOW,
  });
  return { ...report, path: report.path! };
}

/** The bytes as a stream, in pieces of no size in particular. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return ReadableStream.from((function* () {
    for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
  })());
}

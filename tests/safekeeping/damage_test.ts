/**
 * Backups that are not whole, not ours or not for us: a restore refuses each, and touches nothing.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { pack } from "../../src/safekeeping/archive.ts";
import { packTar, type TarEntry } from "modern-tar";
import { writeManifest } from "../../src/safekeeping/manifest.ts";
import { sumOf } from "../../src/safekeeping/backup.ts";
import { restoreBackup } from "../../src/safekeeping/restore.ts";
import { verifyBackup } from "../../src/safekeeping/verify.ts";
import { takeSnapshot } from "../../src/store/snapshot.ts";
import { DATABASE } from "../../src/system/files.ts";
import {
  backUp,
  fingerprint,
  makeIndex,
  makeKeys,
  NOW,
  streamOf,
  tempFolder,
} from "../harness/backups.ts";
import { failsWith } from "../harness/failures.ts";
const { Database } = await import("@db/sqlite");

/** A living index, and backups of another one. */
async function bench() {
  const folder = await tempFolder();
  const keys = await makeKeys();
  const other = join(folder.path, "other");
  const dataDir = join(folder.path, "data");
  await makeIndex(other, { name: "other" });
  await makeIndex(dataDir, { name: "living" });
  const read = async (recipients: readonly string[]) =>
    await Deno.readFile((await backUp(other, folder.path, { recipients })).path);
  const before = await fingerprint(dataDir);
  return {
    ...keys,
    folder: folder.path,
    other,
    plain: await read([]),
    encrypted: await read([keys.recipient]),
    restore: (bytes: Uint8Array, identities: readonly string[] = [keys.identity]) =>
      restoreBackup(streamOf(bytes), { dataDir, identities, now: NOW }),
    untouched: async () => assertEquals(await fingerprint(dataDir), before),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Where each part of the tar begins that has a meaning of its own. */
function regions(tar: Uint8Array): number[] {
  // Of a header: name, mode, uid, gid, size, mtime, sum, type, link, magic, version, owner, group,
  // numbers of a device, prefix, and what fills the block.
  const fields = [
    0,
    100,
    108,
    116,
    124,
    136,
    148,
    156,
    157,
    257,
    263,
    265,
    297,
    329,
    337,
    345,
    500,
  ];
  const places: number[] = [];
  for (let at = 0; at < tar.length;) {
    if (tar[at] === 0) {
      // The end of the tar: each of its blocks.
      for (; at < tar.length; at += 512) places.push(at, at + 511);
      break;
    }
    places.push(...fields.map((field) => at + field), at + 20);
    const size = parseInt(new TextDecoder().decode(tar.subarray(at + 124, at + 135)), 8);
    const end = at + 512 + Math.ceil(size / 512) * 512;
    for (let page = at + 512; page < end; page += 4096) places.push(page + 17);
    places.push(at + 512 + size - 1, end - 1);
    at = end;
  }
  return places;
}

Deno.test("restoreBackup() refuses a backup with one bit changed, whichever part it is in", async () => {
  await using t = await bench();
  const accepted: number[] = [];
  for (const at of regions(t.plain)) {
    const changed = t.plain.slice();
    changed[at]! ^= 0x10;
    await t.restore(changed).then(() => accepted.push(at), () => {});
  }
  assertEquals(accepted, []);
  await t.untouched();
  // The whole one is not refused.
  assertEquals((await t.restore(t.plain)).manifest.counts["static_sites"], 2);
});

Deno.test("restoreBackup() refuses an encrypted backup with one bit changed", async () => {
  await using t = await bench();
  const head = new TextDecoder("latin1").decode(t.encrypted.subarray(0, 400)).indexOf("\n--- ");
  const places = [0, 5, 20, 22, 26, 40, 80, head - 2, head + 2, head + 20, head + 49, head + 52];
  for (let at = head + 70; at < t.encrypted.length; at += 16_384) places.push(at);
  places.push(t.encrypted.length - 20, t.encrypted.length - 1);
  const accepted: number[] = [];
  for (const at of places) {
    const changed = t.encrypted.slice();
    changed[at]! ^= 0x04;
    await t.restore(changed).then(() => accepted.push(at), () => {});
  }
  assertEquals(accepted, []);
  await t.untouched();
  assert((await t.restore(t.encrypted)).manifest.files.length === 3);
});

Deno.test("restoreBackup() refuses a backup that was cut short, or that something follows", async () => {
  await using t = await bench();
  for (const [bytes, from] of [[t.plain, 2048], [t.encrypted, 300]] as const) {
    for (let n = 0; n < 12; n++) {
      const cut = from + Math.floor((bytes.length - from) * n / 12);
      await failsWith("backup-damaged", () => t.restore(bytes.subarray(0, cut)));
    }
    await failsWith("backup-damaged", () => t.restore(bytes.subarray(0, bytes.length - 1)));
    const longer = new Uint8Array(bytes.length + 512);
    longer.set(bytes);
    await failsWith("backup-damaged", () => t.restore(longer));
  }
  await failsWith("backup-foreign", () => t.restore(new Uint8Array()));
  await t.untouched();
});

Deno.test("restoreBackup() says that the key is missing, or another one", async () => {
  await using t = await bench();
  const { data: missing } = await failsWith("backup-key", () => t.restore(t.encrypted, []));
  assertEquals(missing.why, "none");
  const { identity } = await makeKeys();
  const { data: wrong } = await failsWith("backup-key", () => t.restore(t.encrypted, [identity]));
  assertEquals(wrong.why, "wrong");
  await t.untouched();
});

Deno.test("restoreBackup() follows no path of someone else's tar", async () => {
  await using t = await bench();
  const manifest = writeManifest({
    madeAt: NOW.toISOString(),
    madeBy: "x",
    schema: 1,
    epoch: null,
    counts: {},
    files: [{ name: DATABASE, bytes: 3, sha256: "0".repeat(64) }],
  });
  const own: TarEntry = {
    header: { name: "manifest.json", size: manifest.length },
    body: manifest,
  };
  const tars: TarEntry[][] = [
    [{ header: { name: "../escaped", size: 3 }, body: "bad" }],
    [{ header: { name: "/tmp/escaped", size: 3 }, body: "bad" }],
    [own, { header: { name: "../../escaped", size: 3 }, body: "bad" }],
    [own, { header: { name: `../${DATABASE}`, size: 3 }, body: "bad" }],
    [own, { header: { name: DATABASE, size: 0, type: "symlink", linkname: "/etc/passwd" } }],
    [own, { header: { name: "tinyforge.db/../../escaped", size: 3 }, body: "bad" }],
  ];
  for (const entries of tars) {
    const error = await t.restore(await packTar(entries)).then(() => null, (error) => error);
    assert(["backup-foreign", "backup-damaged"].includes(error?.code), String(error));
  }
  await t.untouched();
  const names = (await Array.fromAsync(Deno.readDir(t.folder), ({ name }) => name)).sort();
  assertEquals(names.filter((name) => !name.startsWith("tinyforge-")), ["data", "other"]);
});

Deno.test("restoreBackup() refuses what is no backup", async () => {
  await using t = await bench();
  const text = new TextEncoder();
  // Sealed as one of ours would be: what is wrong is what the manifest says.
  const sealed = async (manifest: string) => {
    const content = text.encode(manifest);
    const open = () => Promise.resolve(ReadableStream.from([content]));
    const packed = pack([{ name: "manifest.json", bytes: content.length, open }]);
    return new Uint8Array(await new Response(packed).arrayBuffer());
  };
  for (
    const bytes of [
      text.encode("hello"),
      crypto.getRandomValues(new Uint8Array(20_000)),
      new Uint8Array(10_240),
      await Deno.readFile(join(t.other, DATABASE)),
      await sealed("{"),
      await sealed("null"),
      await sealed('{"kind":"other"}'),
      await sealed('{"kind":"tinyforge-backup","format":1,"files":[]}'),
    ]
  ) {
    await failsWith("backup-foreign", () => t.restore(bytes));
  }
  await failsWith(
    "newer",
    async () => await t.restore(await sealed('{"kind":"tinyforge-backup","format":2}')),
  );
  await t.untouched();
});

Deno.test("restoreBackup() refuses the backup of a newer version by name", async () => {
  await using t = await bench();
  const copy = join(t.folder, "copy.db");
  await takeSnapshot(join(t.other, DATABASE), copy);
  inDatabase(
    copy,
    (db) => db.exec("INSERT INTO schema_migrations VALUES (999, 'tomorrow', 'now')"),
  );
  const { manifest } = await verifyBackup(streamOf(t.plain), { dataDir: t.other, identities: [] });
  const schema = manifest.schema + 1;
  const counts = { ...manifest.counts, schema_migrations: schema };
  const database = { name: DATABASE, ...await sumOf(copy) };
  const content = writeManifest({ ...manifest, schema, counts, files: [database] });
  const packed = pack([
    {
      name: "manifest.json",
      bytes: content.length,
      open: () => Promise.resolve(ReadableStream.from([content])),
    },
    { ...database, open: async () => (await Deno.open(copy)).readable },
  ]);
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const error = await failsWith("newer", () => t.restore(bytes));
  assertStringIncludes(error.message, 'schema 999 ("tomorrow")');
  await t.untouched();
});

Deno.test("makeBackup() makes none of a database that is not sound", async () => {
  await using t = await bench();
  inDatabase(join(t.other, DATABASE), (db) => {
    db.exec("PRAGMA foreign_keys = OFF");
    db.exec(
      `INSERT INTO containers (id, workload_id, workload_kind, host, state, created_at, updated_at)
       VALUES ('r', 'nobody', 'site', 'local', 'running', '', '')`,
    );
  });
  const names = () => Array.fromAsync(Deno.readDir(t.folder), ({ name }) => name);
  const before = await names();
  await failsWith("corrupt", () => backUp(t.other, t.folder));
  assertEquals(await names(), before);
});

Deno.test("verifyBackup() tells what is in a backup, and leaves nothing", async () => {
  await using t = await bench();
  const temp = join(t.folder, "temp");
  await Deno.mkdir(temp);
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", temp);
  const { manifest, encrypted } = await verifyBackup(streamOf(t.encrypted), {
    dataDir: t.other,
    identities: [t.identity],
  }).finally(() =>
    before === undefined ? Deno.env.delete("TMPDIR") : Deno.env.set("TMPDIR", before)
  );
  assert(encrypted);
  assertEquals(manifest.files.map(({ name }) => name), [DATABASE, "token", "secrets.json"]);
  assertEquals(manifest.counts["static_sites"], 2);
  assertEquals(await Array.fromAsync(Deno.readDir(temp)), []);
});

function inDatabase(path: string, use: (db: InstanceType<typeof Database>) => void): void {
  const db = new Database(path, { int64: true });
  try {
    use(db);
  } finally {
    db.close();
  }
}

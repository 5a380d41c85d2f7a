/**
 * Restores on real files: what they bring, what they keep, and that one which is cut at any moment
 * leaves the old or the new index, whole.
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { ownData, readData } from "../../src/data.ts";
import { finishRestore } from "../../src/safekeeping/recover.ts";
import { restoreBackup } from "../../src/safekeeping/restore.ts";
import { verifyBackup } from "../../src/safekeeping/verify.ts";
import { DATABASE, RESTORE_NEW, RESTORE_READY } from "../../src/system/files.ts";
import {
  backUp,
  fingerprint,
  type Found,
  type Keys,
  look,
  makeIndex,
  makeKeys,
  NOW,
  tempFolder,
} from "../harness/backups.ts";
import { failsWith } from "../harness/failures.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
const { Database } = await import("@db/sqlite");

const UNTIL = fromFileUrl(new URL("./restore_until.ts", import.meta.url));

/** The index "new" in a backup, encrypted, and the key to it. */
async function backedUp(folder: string): Promise<{ backup: string; keys: Keys; epoch: string }> {
  const keys = await makeKeys();
  const source = join(folder, "source");
  await makeIndex(source, { name: "new" });
  const { path, manifest } = await backUp(source, folder, { recipients: [keys.recipient] });
  return { backup: path, keys, epoch: manifest.epoch! };
}

const stream = async (path: string) => (await Deno.open(path)).readable;

Deno.test("restoreBackup() brings the index, the token and the secrets, and keeps what was there", async () => {
  await using folder = await tempFolder();
  const { backup, keys, epoch } = await backedUp(folder.path);
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "old" });
  const old = await look(dataDir);
  const report = await restoreBackup(await stream(backup), {
    dataDir,
    identities: [keys.identity],
    now: NOW,
  });
  const found = await look(dataDir);
  assertEquals(found, {
    sites: ["new-a", "new-b"],
    epoch: report.epoch,
    restoredFrom: epoch,
    token: "token-of-new".padEnd(40, "x"),
    secrets: '{"of":"new"}',
  });
  assertNotEquals(found.epoch, epoch);
  assertEquals(report.kept, join(dataDir, "before-restore-20261127T020000Z"));
  assertEquals(await look(report.kept!), old);
  assertEquals((await Deno.lstat(join(dataDir, DATABASE))).mode! & 0o777, 0o600);
});

Deno.test("restoreBackup() in the clear leaves the token and the secrets that are there", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "old" });
  const { path, manifest } = await backUp(dataDir, folder.path);
  assertEquals(manifest.files.map(({ name }) => name), [DATABASE]);
  const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
  assert(!text.includes("token-of-old") && !text.includes('{"of":"old"}'));
  await restoreBackup(await stream(path), { dataDir, identities: [], now: NOW });
  const { token, secrets } = await look(dataDir);
  assertEquals([token, secrets], ["token-of-old".padEnd(40, "x"), '{"of":"old"}']);
});

Deno.test("restoreBackup() brings back tokens, and no browser that was logged in", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "old" });
  {
    const data = await ownData(dataDir);
    const { kept } = data.store.tokens.add({ name: "ci", role: "read", expiresAt: null });
    data.store.sessions.open({
      ...{ tokenId: kept.id, fileHash: null, name: "ci", role: "read", remote: null },
      ...{ userAgent: "", expiresAt: Date.parse("2999-01-01") },
    }, { now: 0 });
    data.close();
  }
  const { path } = await backUp(dataDir, folder.path);
  await restoreBackup(await stream(path), { dataDir, identities: [], now: NOW });
  const data = await readData(dataDir);
  assertEquals(data.store.tokens.list().map(({ name }) => name), ["ci"]);
  assertEquals(data.store.sessions.list(0), []);
  data.close();
});

Deno.test("restoreBackup() replaces a database that can't be opened, and keeps it", async () => {
  await using folder = await tempFolder();
  const { backup, keys } = await backedUp(folder.path);
  const dataDir = join(folder.path, "data");
  await Deno.mkdir(dataDir);
  await Deno.writeTextFile(join(dataDir, DATABASE), "not a database at all");
  await Deno.writeTextFile(join(dataDir, `${DATABASE}-wal`), "nor its log");
  const { kept } = await restoreBackup(await stream(backup), {
    dataDir,
    identities: [keys.identity],
    now: NOW,
  });
  assertEquals((await look(dataDir)).sites, ["new-a", "new-b"]);
  assertEquals(await Deno.readTextFile(join(kept!, DATABASE)), "not a database at all");
  assertEquals(await Deno.readTextFile(join(kept!, `${DATABASE}-wal`)), "nor its log");
});

Deno.test("restoreBackup() brings an index of an older schema up to date", async () => {
  await using folder = await tempFolder();
  const source = join(folder.path, "source");
  await makeIndex(source, { name: "new" });
  const db = new Database(join(source, DATABASE), { int64: true });
  const [newest] = db.prepare("SELECT max(version) FROM schema_migrations").value<[number]>()!;
  // As the program was before it knew epochs.
  db.exec("DROP TABLE epoch");
  db.exec("DELETE FROM schema_migrations WHERE name LIKE '%_epoch'");
  db.close();
  const { path, manifest } = await backUp(source, folder.path);
  assertEquals([manifest.epoch, manifest.schema], [null, newest - 1]);
  const dataDir = join(folder.path, "data");
  const { epoch } = await restoreBackup(await stream(path), { dataDir, identities: [], now: NOW });
  using _data = await ownDataDisposable(dataDir);
  assertEquals((await look(dataDir)).epoch, epoch);
});

Deno.test("an index restored beside the living one has an epoch and a lock of its own", async () => {
  await using host = await TestHost.make();
  await using other = await TestHost.make();
  await makeIndex(host.dataDir, { name: "living" });
  const living = host.start("reconcile");
  await until("it started", () => living.stderr.includes('"started"'));
  const to = join(host.dir, "one.tar");
  assertEquals((await host.run("backup", to)).code, 0);
  const restored = await other.run("restore", to);
  assertEquals(restored.code, 0, restored.stderr);
  const second = other.start("reconcile");
  await until("it started", () => second.stderr.includes('"started"'));
  const [one, two] = [await look(host.dataDir), await look(other.dataDir)];
  assertEquals(two.sites, one.sites);
  assertNotEquals(two.epoch, one.epoch);
  assertEquals(two.restoredFrom, one.epoch);
  // The past is as it was: nothing was written that could be told to anyone.
  assertEquals(await count(other.dataDir, "transitions"), await count(host.dataDir, "transitions"));
  assertEquals((await living.stop()).code, 0);
  assertEquals((await second.stop()).code, 0);
});

Deno.test("restore beside a running daemon ends with 5 and touches nothing", async () => {
  await using host = await TestHost.make();
  await makeIndex(host.dataDir, { name: "living" });
  const to = join(host.dir, "one.tar");
  assertEquals((await host.run("backup", to)).code, 0);
  const living = host.start("reconcile");
  await until("it started", () => living.stderr.includes('"started"'));
  const before = await fingerprint(host.dataDir).catch(() => null);
  const ran = await host.run("restore", to);
  assertEquals(ran.code, 5, ran.stderr);
  assertMatch(ran.stderr, /holds it/);
  assertEquals(await fingerprint(host.dataDir).catch(() => null), before);
  await living.stop();
});

Deno.test("a restore that is ended before any of its steps leaves the old or the new index", async () => {
  await using folder = await tempFolder();
  const { backup, keys } = await backedUp(folder.path);
  const outcomes: string[] = [];
  for (let step = 0;; step++) {
    const dataDir = join(folder.path, `data-${step}`);
    await makeIndex(dataDir, { name: "old" });
    // A log that was not brought into the database is part of the old index.
    await withOpenLog(dataDir);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", UNTIL, dataDir, backup, String(step)],
      env: { IDENTITY: keys.identity },
    }).output();
    const steps = new TextDecoder().decode(stdout).trimEnd().split("\n");
    if (code === 0) {
      assert(steps.length === step && step >= 14, `only ${steps}`);
      break;
    }
    assertEquals(code, 137, new TextDecoder().decode(stderr));
    outcomes.push(`${steps.at(-1)}: ${await whatIsThere(dataDir)}`);
  }
  const decided = outcomes.findIndex((outcome) => outcome.startsWith("decide"));
  assertEquals(
    outcomes.map((outcome) => outcome.split(": ")[1]),
    outcomes.map((_, i) => i <= decided ? "old" : "new"),
    outcomes.join("\n"),
  );
});

Deno.test("a restore that is killed at twenty moments leaves the old or the new index", async () => {
  await using folder = await tempFolder();
  const keys = await makeKeys();
  const source = join(folder.path, "source");
  await makeIndex(source, { name: "new", bytes: 4e6 });
  const { path: backup } = await backUp(source, folder.path, { recipients: [keys.recipient] });
  await using host = await TestHost.make();
  const key = join(host.dir, "key.txt");
  await Deno.writeTextFile(key, `# a comment\n${keys.identity}\n`);
  let took = Infinity;
  const outcomes = new Set<string>();
  for (let n = -1; n < 20; n++) {
    await Deno.remove(host.dataDir, { recursive: true }).catch(() => {});
    await makeIndex(host.dataDir, { name: "old" });
    const running = host.start("restore", backup, "--identity", key);
    let endedAt: number | null = null;
    const ended = running.ended().finally(() => endedAt = performance.now());
    // It may be over before that is seen.
    const unpacks = () => exists(join(host.dataDir, RESTORE_NEW));
    await until("it unpacks", async () => await unpacks() || endedAt !== null);
    const began = performance.now();
    if (n === -1) assertEquals((await ended).code, 0);
    else await new Promise((resolve) => setTimeout(resolve, took * n / 19));
    // The machine may have been busier at first.
    if (endedAt !== null && endedAt > began) took = Math.min(took, endedAt - began);
    await running[Symbol.asyncDispose]();
    outcomes.add(await whatIsThere(host.dataDir));
  }
  assertEquals(outcomes, new Set(["new", "old"]));
});

Deno.test("readData() says that the index is being restored, and the next owner ends that", async () => {
  await using folder = await tempFolder();
  const { backup, keys } = await backedUp(folder.path);
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "old" });
  const cut = new Error("cut");
  const identities = [keys.identity];
  const onStep = (step: string) => {
    if (step === `place ${DATABASE}`) throw cut;
  };
  const failed = await restoreBackup(await stream(backup), {
    dataDir,
    identities,
    now: NOW,
    onStep,
  })
    .catch((error) => error);
  assertEquals(failed, cut);
  await failsWith("backup-restoring", () => readData(dataDir));
  (await ownData(dataDir)).close();
  assertEquals((await look(dataDir)).sites, ["new-a", "new-b"]);
  assertEquals((await look(join(dataDir, "before-restore-20261127T020000Z"))).sites, [
    "old-a",
    "old-b",
  ]);
  // With nothing to finish it changes nothing.
  const before = await fingerprint(dataDir);
  await finishRestore(dataDir);
  assertEquals(await fingerprint(dataDir), before);
  assert(!await exists(join(dataDir, RESTORE_READY)));
});

Deno.test("a backup of a restored index is one of that index", async () => {
  await using folder = await tempFolder();
  const { backup, keys } = await backedUp(folder.path);
  const dataDir = join(folder.path, "data");
  const identities = [keys.identity];
  const { epoch } = await restoreBackup(await stream(backup), { dataDir, identities, now: NOW });
  const later = new Date("2026-11-28T02:00:00.000Z");
  const { path } = await backUp(dataDir, folder.path, { recipients: [keys.recipient], now: later });
  const { manifest } = await verifyBackup(await stream(path), { dataDir, identities });
  assertEquals(manifest.epoch, epoch);
});

/** Opens the data directory as the next start does, and says which index is in it; throws for a mix. */
async function whatIsThere(dataDir: string): Promise<string> {
  {
    using _data = await ownDataDisposable(dataDir);
  }
  const { epoch: _epoch, restoredFrom, ...found }: Found = await look(dataDir);
  const of = (name: string) => ({
    sites: [`${name}-a`, `${name}-b`],
    token: `token-of-${name}`.padEnd(40, "x"),
    secrets: JSON.stringify({ of: name }),
  });
  const which = found.sites[0]!.split("-")[0]!;
  assertEquals(found, of(which));
  assertEquals(restoredFrom !== null, which === "new");
  const names = await Array.fromAsync(Deno.readDir(dataDir), ({ name }) => name);
  assertEquals(names.filter((name) => /^restore\.|partial/.test(name)), []);
  const kept = names.filter((name) => name.startsWith("before-restore-"));
  assertEquals(kept.length, which === "new" ? 1 : 0);
  if (which === "new") {
    const { epoch: _, restoredFrom: __, ...old } = await look(join(dataDir, kept[0]!));
    assertEquals(old, of("old"));
  }
  return which;
}

/** Leaves a write in the log alone, as a killed daemon does. */
async function withOpenLog(dataDir: string): Promise<void> {
  const path = join(dataDir, DATABASE);
  const db = new Database(path, { int64: true });
  db.exec("PRAGMA wal_autocheckpoint = 0");
  db.exec("UPDATE static_sites SET domain = 'in.the.log'");
  const wal = await Deno.readFile(`${path}-wal`);
  db.close();
  // Closing brought it in; this is as it was before.
  await Deno.writeFile(`${path}-wal`, wal);
}

async function ownDataDisposable(dataDir: string): Promise<Disposable> {
  const data = await ownData(dataDir);
  return { [Symbol.dispose]: () => data.close() };
}

async function count(dataDir: string, table: string): Promise<number> {
  const data = await readData(dataDir);
  data.close();
  const db = new Database(join(dataDir, DATABASE), { readonly: true });
  try {
    return db.prepare(`SELECT count(*) FROM ${table}`).value<[number]>()![0];
  } finally {
    db.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Backups made where nothing stands still: beside a daemon and its API that write, on disks that
 * fill up, and by processes that are killed.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, join } from "@std/path";
import { ownData } from "../../src/data.ts";
import { type Destination, makeBackup, type Progress } from "../../src/safekeeping/backup.ts";
import { Partial, sweepPartials } from "../../src/safekeeping/partial.ts";
import { restoreBackup } from "../../src/safekeeping/restore.ts";
import { verifyBackup } from "../../src/safekeeping/verify.ts";
import { DATABASE, RESTORE_NEW } from "../../src/system/files.ts";
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
import { LivingDaemon } from "../harness/living_daemon.ts";
import { missing } from "../harness/missing.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { run } from "../engines/run.ts";
import { FakeEngine } from "../engines/scripted.ts";

const stream = async (path: string) => (await Deno.open(path)).readable;

Deno.test("backup beside a daemon and an API that write is the index of one moment in between", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "100ms";
  await makeIndex(host.dataDir, { name: "first", bytes: 4e6 });
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const folder = join(host.dir, "backups");
  await Deno.mkdir(folder);

  // One writer over the API: a project with two stages each time, so that a count tells of a half.
  let asked = 0;
  let answered = 0;
  let writing = true;
  const api = (async () => {
    while (writing) {
      asked++;
      const { status, body } = await daemon.ask("POST", "/api/projects", { name: `p${asked}` });
      assertEquals(status, 201);
      for (const name of ["one", "two"]) {
        await daemon.ask("POST", `/api/projects/${body.id}/stages`, { name });
      }
      answered++;
    }
  })();
  // And the daemon itself: containers that come and go.
  const site = (await daemon.ask("POST", "/api/sites", { name: "busy" })).body;
  const engineWrites = (async () => {
    while (writing) {
      const container = engine.add({ labels: { "tinyforge.workload.id": site.workloadId } });
      await new Promise((resolve) => setTimeout(resolve, 30));
      engine.remove(container);
    }
  })();

  for (let n = 0; n < 4; n++) {
    await until("it writes", () => answered > n * 3);
    const before = answered;
    const ran = await host.run("backup", folder);
    assertEquals(ran.code, 0, ran.stderr);
    const after = asked;
    const { manifest } = await verifyBackup(await stream(ran.stdout.trim()), {
      dataDir: host.dataDir,
      identities: [],
    });
    const { projects, workloads, stages, static_sites: sites } = manifest.counts;
    assert(projects! >= before && projects! <= after, `${before} ≤ ${projects} ≤ ${after}`);
    // What belongs together is there together.
    assertEquals(workloads, projects! + sites!);
    assert(stages! >= 2 * projects! - 2 && stages! <= 2 * projects!, `${stages} of ${projects}`);
  }
  writing = false;
  await Promise.all([api, engineWrites]);
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("backup that is killed at twenty moments leaves the old ones, and the next one nothing else", async () => {
  await using host = await TestHost.make();
  const keys = await makeKeys();
  await makeIndex(host.dataDir, { name: "living", bytes: 8e6 });
  const folder = join(host.dir, "backups");
  await Deno.mkdir(folder);
  const old = await backUp(host.dataDir, folder, { recipients: [keys.recipient] });
  const names = async () => await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const partials = async () => (await names()).filter((name) => name.includes(".partial"));
  let took = Infinity;
  let cut = 0;
  for (let n = -1; n < 20; n++) {
    const running = host.start("backup", folder, "--recipient", keys.recipient);
    const there = new Set(await partials());
    let endedAt: number | null = null;
    const ended = running.ended().finally(() => endedAt = performance.now());
    await until("it begins", async () => {
      const now = await partials();
      // The ones of a killed one before go when this one begins; it may be over before that is seen.
      return now.some((name) => !there.has(name)) || endedAt !== null;
    });
    const began = performance.now();
    if (n === -1) assertEquals((await ended).code, 0);
    else await new Promise((resolve) => setTimeout(resolve, took * n / 19));
    // The machine may have been busier at first.
    if (endedAt !== null && endedAt > began) took = Math.min(took, endedAt - began);
    await running[Symbol.asyncDispose]();
    if ((await partials()).length > 0) cut++;
    // Whatever has a name of its own is whole.
    for (const name of (await names()).filter((name) => name.endsWith(".age"))) {
      await verifyBackup(await stream(join(folder, name)), {
        dataDir: host.dataDir,
        identities: [keys.identity],
      });
      if (name !== basename(old.path)) await Deno.remove(join(folder, name));
    }
  }
  assert(cut >= 10, `only ${cut} were cut`);
  assertEquals((await fingerprint(folder))[basename(old.path)], old.sha256);
  const last = await host.run("backup", folder, "--recipient", keys.recipient);
  assertEquals(last.code, 0);
  assertEquals((await names()).sort(), [basename(old.path), basename(last.stdout.trim())].sort());
});

Deno.test("makeBackup() removes its copy before the backup gets its name", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  const backups = join(folder.path, "backups");
  await makeIndex(dataDir, { name: "living" });
  await Deno.mkdir(backups);
  const seen: string[] = [];
  const watcher = Deno.watchFs(backups);
  const watching = (async () => {
    for await (const { kind, paths } of watcher) {
      seen.push(...paths.map((path) => `${kind} ${basename(path)}`));
      if (seen.some((event) => event.startsWith("create tinyforge-"))) return;
    }
  })();
  const { path } = await backUp(dataDir, backups);
  await watching;
  // Killed between the two, nobody would know any more whose the copy was.
  const named = seen.indexOf(`create ${basename(path)}`);
  const removed = seen.findIndex((event) => /^remove .*\.partial\.db$/.test(event));
  assert(removed >= 0 && removed < named, seen.join("\n"));
});

Deno.test("sweepPartials() leaves what a living process writes", async () => {
  await using folder = await tempFolder();
  const living = await Partial.create(folder.path);
  await living.beside("db");
  const dead = join(folder.path, `.tinyforge-${crypto.randomUUID()}.partial`);
  for (const path of [dead, `${dead}.db`, join(folder.path, "their.partial")]) {
    await Deno.writeTextFile(path, "");
  }
  await sweepPartials(folder.path);
  const names = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
  const own = basename(living.path);
  assertEquals(names.sort(), [own, `${own}.db`, "their.partial"].sort());
  assertEquals((await Deno.lstat(`${living.path}.db`)).mode! & 0o777, 0o600);
  await living[Symbol.asyncDispose]();
  assertEquals(await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name), [
    "their.partial",
  ]);
});

Deno.test("ownData() removes what a killed backup or restore left in the data directory", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "living" });
  const before = await fingerprint(dataDir);
  const left = join(dataDir, `.tinyforge-${crypto.randomUUID()}.partial`);
  for (const path of [left, `${left}.db`]) await Deno.writeTextFile(path, "half");
  await Deno.mkdir(join(dataDir, RESTORE_NEW));
  await Deno.writeTextFile(join(dataDir, RESTORE_NEW, DATABASE), "half");
  // One that a living process writes stays: it goes with its writer.
  await using living = await Partial.create(dataDir);
  (await ownData(dataDir)).close();
  const { [basename(living.path)]: own, ...after } = await fingerprint(dataDir);
  assert(own !== undefined);
  assertEquals(after, before);
});

Deno.test("makeBackup() overwrites nothing", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "living" });
  const path = join(folder.path, "one.tar");
  await Deno.writeTextFile(path, "precious");
  const options = { dataDir, recipients: [], version: "0", now: NOW };
  await failsWith("backup-exists", () => makeBackup({ ...options, to: { kind: "file", path } }));
  // One that came after it was looked for.
  await Deno.remove(path);
  await failsWith("backup-exists", () =>
    makeBackup({
      ...options,
      to: { kind: "file", path },
      onProgress: () => Deno.writeTextFileSync(path, "precious"),
    }));
  assertEquals(await Deno.readTextFile(path), "precious");
  // In a directory a second one of the same second gets another name.
  const [one, two] = [await backUp(dataDir, folder.path), await backUp(dataDir, folder.path)];
  assertEquals(basename(two.path), basename(one.path).replace(".tar", "-2.tar"));
  assertEquals((await Deno.lstat(two.path)).mode! & 0o777, 0o600);
});

Deno.test("makeBackup() to a stream leaves nothing in the data directory", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "living" });
  const before = await fingerprint(dataDir);
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const [bytes] = await Promise.all([
    new Response(readable).bytes(),
    makeBackup({
      ...{ dataDir, recipients: [], version: "0", now: NOW },
      to: { kind: "stream", stream: writable },
    }),
  ]);
  const { manifest } = await verifyBackup(streamOf(bytes), { dataDir, identities: [] });
  assertEquals(manifest.counts["static_sites"], 2);
  assertEquals(await fingerprint(dataDir), before);
});

/** A test that mounts small disks; where that can't be done, it is told why. */
function diskTest(name: string, test: () => Promise<void>): void {
  if (NO_DISK === null) Deno.test(name, test);
  else missing(name, NO_DISK);
}

const NO_DISK = await smallDisk(1 << 20).then(
  (disk) => disk[Symbol.asyncDispose]().then(() => null),
  (error) => `can't mount a tmpfs: ${error.message}`,
);

/** A directory that is a disk of this size. */
async function smallDisk(bytes: number) {
  const path = await Deno.makeTempDir({ prefix: "tinyforge-disk-" });
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", path]);
  return {
    path,
    fill: () => {
      using file = Deno.openSync(join(path, "ballast"), { append: true, create: true });
      try {
        for (;;) file.writeSync(new Uint8Array(4096));
      } catch (error) {
        assertEquals((error as { code?: string }).code, "ENOSPC");
      }
    },
    free: () => Deno.remove(join(path, "ballast")),
    async [Symbol.asyncDispose]() {
      await run("umount", ["--lazy", path]);
      await Deno.remove(path);
    },
  };
}

diskTest("makeBackup() copies an index from a read-only disk", async () => {
  await using folder = await tempFolder();
  await using disk = await smallDisk(4 << 20);
  await makeIndex(disk.path, { name: "living" });
  await run("mount", ["-o", "remount,ro", disk.path]);
  const { path } = await backUp(disk.path, folder.path);
  const options = { dataDir: folder.path, identities: [] };
  assertEquals((await verifyBackup(await stream(path), options)).manifest.counts["workloads"], 2);
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const [bytes] = await Promise.all([
    new Response(readable).bytes(),
    makeBackup({
      ...{ dataDir: disk.path, recipients: [], version: "0.0.0", now: NOW },
      to: { kind: "stream", stream: writable },
    }),
  ]);
  assertEquals(bytes, await Deno.readFile(path));
});

diskTest("restoreBackup() on a disk without room touches nothing", async () => {
  await using folder = await tempFolder();
  const source = join(folder.path, "source");
  await makeIndex(source, { name: "new", bytes: 3e6 });
  const { path } = await backUp(source, folder.path);
  await using disk = await smallDisk(6 << 20);
  await makeIndex(disk.path, { name: "old" });
  const before = await fingerprint(disk.path);
  const options = { dataDir: disk.path, identities: [], now: NOW };
  const { data } = await failsWith(
    "backup-no-room",
    async () => await restoreBackup(await stream(path), options),
  );
  assert(data.free! < data.needed);
  assertEquals(await fingerprint(disk.path), before);
  // The disk fills up after it was looked at: each of the steps can be the one that fails.
  const small = await backUp(disk.path, folder.path, { now: new Date(NOW.getTime() + 5000) });
  for (const step of ["begin anew", "plan"]) {
    const onStep = (name: string) => {
      if (name === step) disk.fill();
    };
    const ended = await restoreBackup(await stream(small.path), { ...options, onStep })
      .then(() => null, (error) => error);
    await disk.free();
    assert(ended !== null, step);
    assertEquals(await fingerprint(disk.path), before);
  }
});

diskTest(
  "makeBackup() refuses a disk without room, with the figures, and leaves the old ones",
  async () => {
    await using folder = await tempFolder();
    const dataDir = join(folder.path, "data");
    await makeIndex(dataDir, { name: "living" });
    await using disk = await smallDisk(6 << 20);
    const old = await backUp(dataDir, disk.path);
    await Deno.remove(dataDir, { recursive: true });
    await makeIndex(dataDir, { name: "living", bytes: 4e6 });
    const { data, message } = await failsWith("backup-no-room", () => backUp(dataDir, disk.path));
    assert(data.free! < data.needed && data.free! > 4e6, JSON.stringify(data));
    assertMatch(message, /it takes up to \d+(\.\d)? MB, and \d\.\d MB are free$/);
    assertEquals(await fingerprint(disk.path), { [basename(old.path)]: old.sha256 });
  },
);

diskTest(
  "makeBackup() on a disk that fills up at any step leaves the old ones, and no part of a new one",
  async () => {
    await using folder = await tempFolder();
    const keys = await makeKeys();
    const dataDir = join(folder.path, "data");
    await makeIndex(dataDir, { name: "living", bytes: 1e6 });
    await using disk = await smallDisk(8 << 20);
    const old = await backUp(dataDir, disk.path, { recipients: [keys.recipient] });
    const make = (onProgress: (progress: Progress) => void, to?: Destination) =>
      makeBackup({
        ...{ dataDir, version: "0", onProgress, recipients: [keys.recipient] },
        to: to ?? { kind: "directory", path: disk.path },
        now: new Date(NOW.getTime() + 1000),
      });
    const seen: Progress[] = [];
    const { path } = await make((progress) => seen.push(progress));
    await Deno.remove(path!);
    const places = [0, 1, 2, 4, Math.floor(seen.length / 2), seen.length - 3];
    for (const place of places) {
      let at = 0;
      await failsWith("backup-no-room", () => make(() => at++ === place && disk.fill()));
      await disk.free();
      assertEquals(await fingerprint(disk.path), { [basename(old.path)]: old.sha256 });
    }
    // With room again it works again.
    assert((await make(() => {})).bytes > 1e6);
  },
);

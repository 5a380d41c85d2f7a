/**
 * Backups that the daemon makes by itself: when, which stay, and what it says when one fails.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { automaticBackup } from "../../src/safekeeping/automatic.ts";
import {
  AGAIN_AFTER_MS,
  EVERY_MS,
  FIRST_AFTER_MS,
  keepBackups,
  type ScheduleOptions,
} from "../../src/safekeeping/schedule.ts";
import { readSums, SUMS } from "../../src/safekeeping/sums.ts";
import { verifyBackup } from "../../src/safekeeping/verify.ts";
import { backUp, makeIndex, makeKeys, NOW, tempFolder } from "../harness/backups.ts";

const DAY = 86_400_000;

async function host() {
  const folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  const backups = join(folder.path, "backups");
  await makeIndex(dataDir, { name: "living" });
  return {
    dataDir,
    folder: backups,
    names: async () =>
      (await Array.fromAsync(Deno.readDir(backups), ({ name }) => name)).sort()
        .filter((name) => name !== SUMS),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Time that goes as fast as it is waited for. */
function fastClock() {
  const clock = {
    ms: NOW.getTime(),
    /** What was waited for so far; ends with this much. */
    waited: 0,
    until: Infinity,
    stop: new AbortController(),
    now: () => clock.ms,
    monotonic: () => clock.waited,
    sleep: (ms: number) => {
      clock.ms += ms;
      clock.waited += ms;
      if (clock.waited >= clock.until) clock.stop.abort();
      return Promise.resolve();
    },
  };
  return clock;
}

function scheduled(t: { dataDir: string; folder: string }, days: number) {
  const clock = fastClock();
  clock.until = days * DAY;
  const lines: string[] = [];
  const metrics = createMetrics({ version: "0" });
  const log = new Log({
    level: "info",
    format: "json",
    write: (bytes) => void lines.push(new TextDecoder().decode(bytes)),
  });
  return {
    clock,
    lines,
    metrics,
    run: (make?: ScheduleOptions["make"]) =>
      keepBackups({
        ...{ dataDir: t.dataDir, folder: t.folder, recipients: [], version: "0" },
        ...{ clock, signal: clock.stop.signal, log, metrics, ...(make && { make }) },
      }),
  };
}

const sample = (text: string, series: string) =>
  Number(text.split("\n").find((line) => line.startsWith(`${series} `))?.split(" ")[1]);

Deno.test("keepBackups() makes one a day, and keeps seven days and four weeks", async () => {
  await using t = await host();
  const { run, clock, lines, metrics } = scheduled(t, 40);
  const at: number[] = [];
  await run((options) => {
    at.push(clock.waited);
    return automaticBackup(options);
  });
  assertEquals(at[0], FIRST_AFTER_MS);
  assert(at.length === 40, `${at.length} in 40 days`);
  for (let i = 1; i < at.length; i++) assert(at[i]! - at[i - 1]! - EVERY_MS < 1000);
  const names = await t.names();
  assertEquals(names.length, (await readSums(t.folder)).length);
  assert(names.length >= 9 && names.length <= 11, names.join());
  const text = metrics.render();
  const last = Math.floor((NOW.getTime() + at.at(-1)!) / 1000);
  assertEquals(sample(text, "tinyforge_backup_last_verified_timestamp_seconds"), last);
  const { size } = await Deno.lstat(join(t.folder, names.at(-1)!));
  assertEquals(sample(text, "tinyforge_backup_size_bytes"), size);
  assertEquals(lines.filter((line) => line.includes('"backup made"')).length, 40);
});

Deno.test("keepBackups() says that one failed, keeps the others, and tries again in an hour", async () => {
  await using t = await host();
  const { run, clock, lines, metrics } = scheduled(t, 1);
  const at: number[] = [];
  await run((options) => {
    at.push(clock.waited);
    if (at.length < 3) return Promise.reject(Object.assign(new Error("Cannot"), { code: "full" }));
    return automaticBackup(options);
  });
  assertEquals(at, [0, 1, 2].map((hours) => FIRST_AFTER_MS + hours * AGAIN_AFTER_MS));
  assertEquals(lines.filter((line) => line.includes('"backup failed"')).length, 2);
  assertMatch(lines[0]!, /"level":"error".*"code":"full"/);
  assertMatch(metrics.render(), /tinyforge_backups_total\{outcome="failed"\} 2/);
  assertEquals((await t.names()).length, 1);
});

Deno.test("keepBackups() goes on where the last daemon stopped, and removes what it left", async () => {
  await using t = await host();
  const options = { ...t, recipients: [], version: "0", now: NOW.getTime() - DAY / 2 };
  const { bytes } = await automaticBackup(options);
  const left = join(t.folder, `.tinyforge-${crypto.randomUUID()}.partial`);
  for (const path of [left, `${left}.db`, `${left}.db-journal`]) await Deno.writeTextFile(path, "");
  const { run, clock, metrics } = scheduled(t, 0.4);
  await run(() => Promise.reject(new Error("not due")));
  assertEquals((await t.names()).length, 1);
  const text = metrics.render();
  assertEquals(sample(text, "tinyforge_backup_size_bytes"), bytes);
  assertEquals(
    sample(text, "tinyforge_backup_last_verified_timestamp_seconds"),
    Math.floor((NOW.getTime() - DAY / 2) / 1000),
  );
  assert(clock.waited < DAY / 2);
});

Deno.test("automaticBackup() removes no backup that it did not make, and none that is good for one that is not", async () => {
  await using t = await host();
  const keys = await makeKeys();
  await Deno.mkdir(t.folder);
  // Made by hand, long ago.
  const mine = await backUp(t.dataDir, t.folder, { now: new Date("2020-01-01T00:00:00Z") });
  await Deno.writeTextFile(join(t.folder, "notes.txt"), "mine");
  const make = (day: number) =>
    automaticBackup({
      ...t,
      recipients: [keys.recipient],
      version: "0",
      now: NOW.getTime() + day * DAY,
    });
  const made: string[] = [];
  for (let day = 0; day < 3; day++) made.push((await make(day)).name);
  for (const name of made.slice(1)) {
    using file = await Deno.open(join(t.folder, name), { write: true });
    await file.truncate(1000);
  }
  const { damaged, removed, name } = await make(30);
  assertEquals(damaged, made.slice(1));
  assertEquals(removed, []);
  assertEquals(
    await t.names(),
    [
      mine.path.split("/").at(-1)!,
      ...made,
      name,
      "notes.txt",
    ].sort(),
  );
  for (const good of [made[0]!, name]) {
    const { readable } = await Deno.open(join(t.folder, good));
    await verifyBackup(readable, { dataDir: t.dataDir, identities: [keys.identity] });
  }
});

Deno.test("SHA256SUMS is what sha256sum reads, and a line on it leads nowhere else", async () => {
  await using t = await host();
  await automaticBackup({ ...t, recipients: [], version: "0", now: NOW.getTime() });
  const { success } = await new Deno.Command("sha256sum", {
    args: ["--check", "--strict", SUMS],
    cwd: t.folder,
    stdout: "null",
  }).output();
  assert(success);
  const before = await Deno.readTextFile(join(t.folder, SUMS));
  const outside = join(t.folder, "..", "tinyforge-20200101T000000Z.tar");
  await Deno.writeTextFile(outside, "");
  await Deno.writeTextFile(
    join(t.folder, SUMS),
    `${"0".repeat(64)}  ../tinyforge-20200101T000000Z.tar\n${before}`,
  );
  await automaticBackup({ ...t, recipients: [], version: "0", now: NOW.getTime() + DAY });
  assert((await Deno.lstat(outside)).isFile);
});

Deno.test("keepBackups() makes one in a thread of its own", async () => {
  await using t = await host();
  const { lines, run } = scheduled(t, 0.5);
  await run();
  assertEquals(lines.map((line) => JSON.parse(line).message), ["backup made"]);
  assertEquals((await t.names()).length, 1);
});

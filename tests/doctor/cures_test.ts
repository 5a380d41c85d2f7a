/**
 * What `tinyforge doctor` finds of a daemon and its index, each provoked in a daemon as a process,
 * and cured as it says.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { backupName } from "../../src/safekeeping/names.ts";
import { daemonHost, engineHost } from "../harness/engine_host.ts";
import { harnessCommand, LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { freePort } from "../harness/free_port.ts";
import { until } from "../harness/until.ts";
import { writeProblems } from "../harness/problems.ts";
import { engineDown } from "../notify/telling.ts";
import { WEBHOOK_KEY, WebhookReceiver } from "../receivers/webhook.ts";
import { codesOf, commandsOf, type Examined, examined, theFinding } from "./findings.ts";

const { Database } = await import("@db/sqlite");

const doctor = async (host: TestHost, ...args: string[]): Promise<Examined> =>
  examined(await host.run("doctor", "--json", ...args));

const finds = async (host: TestHost, code: string) => codesOf(await doctor(host)).includes(code);

/** Waits until it is found. */
async function found(host: TestHost, code: string) {
  let last: Examined = { code: 0, findings: [] };
  await until(
    `${code} is found`,
    async () => codesOf(last = await doctor(host)).includes(code),
    { withinMs: 30_000 },
  );
  return { ...theFinding(last, code), exitCode: last.code };
}

/** Waits until it is found no more. */
async function cured(host: TestHost, code: string): Promise<void> {
  await until(`${code} is cured`, async () => !await finds(host, code), { withinMs: 30_000 });
}

async function ready(host: TestHost): Promise<void> {
  await until("it is ready", async () => (await host.run("healthcheck")).code === 0, {
    withinMs: 20_000,
  });
}

/** Runs a command as it was printed. */
async function runs(host: TestHost, command: string) {
  const ran = await host.shell(["-eu", "-c", command]);
  assertEquals(ran.code, 0, `${command}: ${ran.stderr}`);
  return ran;
}

Deno.test("doctor misses a daemon until the one that it names runs", async () => {
  await using made = await engineHost();
  const { host } = made;
  const missing = await found(host, "no-daemon");
  assertEquals([missing.exitCode, missing.severity], [3, "failure"]);
  const command = commandsOf(missing).find((each) => each.startsWith("tinyforge"))!;
  host.start(...command.split(" ").slice(1));
  await ready(host);
  await cured(host, "no-daemon");
});

Deno.test("doctor and status tell of a lock that is lost by what the daemon will end for", async () => {
  await using made = await daemonHost();
  const { host, daemon } = made;
  const { pid } = daemon.process;
  const lock = join(host.dataDir, "tinyforge.lock");
  const lossBy = async (reason: string) => {
    const lost = await found(host, "lock-lost");
    assertEquals([lost.exitCode, lost.severity, lost.group], [3, "failure", "daemon"]);
    assertStringIncludes(lost.what, `PID ${pid}`);
    assertStringIncludes(lost.what, reason);
    assertEquals((await host.json("status")).lockLost, reason);
    const line = `✗ lost by PID ${pid}, which ends within a minute: ${reason}`;
    assertStringIncludes((await host.run("status")).stdout, line);
    return lost;
  };
  assertEquals(await finds(host, "lock-lost"), false);
  assertEquals((await host.json("status")).lockLost, null);

  const text = await Deno.readTextFile(lock);
  await Deno.rename(lock, `${lock}.away`);
  await lossBy("the lock file is gone");
  assertEquals((await host.run("reconcile")).code, 5, "its guard is held: nobody else gets in");
  await Deno.writeTextFile(lock, `${Deno.pid}\n`);
  await lossBy("the lock file was replaced or overwritten");
  await Deno.rename(`${lock}.away`, lock);
  assertEquals([await finds(host, "lock-lost"), await Deno.readTextFile(lock)], [false, text]);
  await Deno.remove(`${lock}.guard`);
  const lost = await lossBy("the guard file was removed or replaced");
  // What `systemctl restart tinyforge` does.
  assertStringIncludes(lost.do, "systemctl restart tinyforge");
  assertEquals((await daemon.stop()).code, 0);
  host.start("reconcile");
  await ready(host);
  assertEquals(await finds(host, "lock-lost"), false);
});

Deno.test("doctor tells of a daemon that is not ready while the Engine does not answer, and that hears no events", async () => {
  await using made = await engineHost();
  const { host, engine } = made;
  engine.fail("list", { kind: "hang" });
  host.start("reconcile");
  await until("it listens", async () => (await host.run("status")).code === 0);
  const waiting = await found(host, "not-ready");
  assertEquals([waiting.exitCode, waiting.severity], [3, "failure"]);
  assertStringIncludes(waiting.what, "not done");
  engine.fail("events", { kind: "status", status: 403 });
  engine.cutEvents("close");
  engine.fail("list", { kind: "delay", ms: 0 });
  const deaf = await found(host, "events-down");
  assertEquals(deaf.severity, "warning");
  assert(await finds(host, "endpoint-forbidden"));
  engine.heal();
  await cured(host, "events-down");
  await cured(host, "not-ready");
  assertEquals((await doctor(host)).code, 0);
});

Deno.test("doctor tells of passes that can't be written, until they can", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  {
    const other = new Database(host.database);
    using _ = { [Symbol.dispose]: () => other.close() };
    // The daemon may be about to write.
    other.exec("PRAGMA busy_timeout = 5000");
    other.exec("BEGIN IMMEDIATE");
    engine.add({ name: "blog", labels: { "tinyforge.workload.id": workloadId } });
    // Asked for, since here passes are minutes apart.
    assert((await host.run("reconcile", "--once")).code !== 0);
    const failing = await found(host, "passes-fail");
    assertEquals([failing.exitCode, failing.severity], [3, "failure"]);
    other.exec("ROLLBACK");
  }
  assertEquals((await host.run("reconcile", "--once")).code, 0);
  await cured(host, "passes-fail");
});

Deno.test("doctor tells of a port that another has, until that ends", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using made = await engineHost();
  const { host } = made;
  try {
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${(taken.addr as Deno.NetAddr).port}`;
    host.start("reconcile");
    await ready(host);
    const closed = await found(host, "port-not-open");
    assertEquals([closed.exitCode, closed.severity], [0, "warning"]);
    assertEquals((await doctor(host, "--strict")).code, 3);
  } finally {
    taken.close();
  }
  await cured(host, "port-not-open");
});

Deno.test("doctor tells of a daemon of another version, until it is started anew", async () => {
  await using made = await engineHost();
  const { host } = made;
  {
    await using old = new LivingDaemon(host, harnessCommand(host, "fast_daemon.ts", "1"));
    await old.ready();
    const differs = await found(host, "version-differs");
    assertEquals(differs.severity, "warning");
    assertStringIncludes(differs.what, "the daemon is test, this command ");
    await old.stop();
  }
  host.start("reconcile");
  await ready(host);
  assertEquals(await finds(host, "version-differs"), false);
});

Deno.test("doctor tells of a data directory that is none, and without reading it", async () => {
  await using made = await engineHost();
  const { host } = made;
  await Deno.writeTextFile(host.dataDir, "");
  const none = await found(host, "data-dir-unusable");
  assertEquals([none.exitCode, none.severity], [3, "failure"]);
  await Deno.remove(host.dataDir);
  await cured(host, "data-dir-unusable");
});

Deno.test("doctor tells of damage to the database, and the backup that it asks for cures it", async () => {
  await using made = await engineHost();
  const { host } = made;
  await host.seed((store) => void store.registry.create("site", { name: "blog" }));
  await runs(host, "tinyforge backup good.tar");
  const db = new Database(host.database, { readonly: true });
  const [page] = db.prepare(
    "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'workloads'",
  ).value<[number]>()!;
  const [size] = db.prepare("PRAGMA page_size").value<[number]>()!;
  db.close();
  const file = await Deno.open(host.database, { write: true });
  await file.seek((page - 1) * size, Deno.SeekMode.Start);
  await file.write(new Uint8Array(size).fill(0xff));
  file.close();
  const damaged = await doctor(host);
  assertEquals(damaged.code, 3);
  const { do: remedy } = theFinding(damaged, "database-damaged");
  assertStringIncludes(remedy, "`tinyforge restore`");
  await runs(host, "tinyforge restore good.tar");
  assertEquals(await finds(host, "database-damaged"), false);
  assertMatch((await runs(host, "tinyforge list sites")).stdout, /^blog /m);
});

Deno.test("doctor asks for backups, says what is in their way, and is content with the daemon's", async () => {
  await using made = await engineHost();
  const { host } = made;
  await host.seed(() => {});
  const none = await found(host, "no-backups");
  assertEquals(none.severity, "info");
  const folder = join(host.dir, "backups");
  host.env["TINYFORGE_BACKUP_DIR"] = folder;
  const missing = await found(host, "backup-missing");
  assertEquals(missing.severity, "warning");
  // What it prints says what is in the way, and makes nothing that would be in it next.
  const refused = await host.shell(["-eu", "-c", commandsOf(missing)[0]!]);
  assertStringIncludes(refused.stderr, "there is no such directory");
  assertEquals(await Deno.stat(folder).catch(() => null), null);
  await Deno.mkdir(folder, { mode: 0o700 });
  await runs(host, commandsOf(missing)[0]!);
  {
    await using daemon = new LivingDaemon(host, harnessCommand(host, "fast_daemon.ts", "60"));
    await daemon.ready();
    await cured(host, "backup-missing");
    await daemon.stop();
  }

  // As if the daemon had been away for days.
  const sums = join(folder, "SHA256SUMS");
  const [, sum, name] = /^(\S+) {2}(\S+)$/m.exec(await Deno.readTextFile(sums))!;
  const before = backupName(new Date(Date.now() - 4 * 86_400_000), { encrypted: false });
  await Deno.rename(join(folder, name!), join(folder, before));
  await Deno.writeTextFile(sums, `${sum}  ${before}\n`);
  assertStringIncludes((await found(host, "backup-old")).what, "is 4 days old");
  await using daemon = new LivingDaemon(host, harnessCommand(host, "fast_daemon.ts", "60"));
  await daemon.ready();
  await cured(host, "backup-old");
});

Deno.test("doctor tells of what is wrong for a week, and accepting the present ends it", async () => {
  await using made = await engineHost();
  const { host, engine } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  const blog = engine.add({ name: "blog", labels: { "tinyforge.workload.id": workloadId } });
  await host.run("reconcile", "--once");
  engine.remove(blog);
  {
    await using daemon = new LivingDaemon(host, harnessCommand(host, "fast_daemon.ts", "60"));
    await daemon.ready();
    await until("it is told", async () => (await host.json("problems")).problems.length === 1, {
      withinMs: 20_000,
    });
    await daemon.stop();
  }
  assertEquals(await finds(host, "problem-old"), false);
  const db = new Database(host.database);
  db.exec("UPDATE problems SET since = since - 9 * 86400000");
  db.close();
  const daemon = host.start("reconcile", "--interval", "1s");
  await ready(host);
  const old = await found(host, "problem-old");
  assertEquals(old.severity, "warning");
  assertStringIncludes(old.what, "for 8 days");
  const commands = commandsOf(old);
  assertEquals(commands, ["tinyforge problems", "tinyforge accept site/blog"]);
  for (const command of commands) await runs(host, command);
  await cured(host, "problem-old");
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("doctor tells of a channel that is refused, until its test arrives", async () => {
  await using receiver = new WebhookReceiver();
  receiver.next.push(() => new Response("no", { status: 401 }));
  // There is no Engine, which is to be told.
  await using host = await TestHost.seeded((store) => writeProblems(store, engineDown()));
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${freePort()}`;
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  const key = join(host.dir, "key");
  await Deno.writeTextFile(key, WEBHOOK_KEY);
  await runs(
    host,
    `tinyforge notify add ops ${receiver.origin}/hook --secret-file ${key} --allow-loopback`,
  );
  const failing = await found(host, "channel-failing");
  assertEquals([failing.severity, failing.group], ["warning", "notifications"]);
  assertStringIncludes(failing.what, "401");
  await runs(host, commandsOf(failing)[0]!);
  await cured(host, "channel-failing");
});

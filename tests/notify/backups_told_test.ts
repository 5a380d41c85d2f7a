/**
 * Backups that are made by themselves and fail, from where they are made to who is told.
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { AutomaticReport } from "../../src/safekeeping/automatic.ts";
import { AGAIN_AFTER_MS, keepBackups } from "../../src/safekeeping/schedule.ts";
import { Log } from "../../src/telemetry/log.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { Listener, MINUTE, ToldHost } from "./told_host.ts";

Deno.test("a backup that fails is told once, and once that there is one again", async () => {
  await using listener = new Listener();
  // Seldom, since hours pass.
  await using host = await ToldHost.make({ intervalMs: 10 * MINUTE });
  await host.begin();
  await host.channel("ops", listener);
  const stop = new AbortController();
  let full = true;
  const make = (): Promise<AutomaticReport> =>
    full
      ? Promise.reject(new Error("Cannot make a backup: there is no room"))
      : Promise.resolve({ name: "one", bytes: 1, removed: [], damaged: [] });
  const { clock } = host;
  const keeping = keepBackups({
    ...{ dataDir: host.dir, folder: join(host.dir, "none"), recipients: [], version: "test" },
    ...{ clock, make, signal: stop.signal, metrics: host.parts.metrics },
    log: new Log({ write() {} }),
    onState: (state) => host.parts.problems.backedUp(state),
  });
  await host.pass(3 * AGAIN_AFTER_MS, 5 * MINUTE);
  assertEquals(listener.told, ["opened backup-failed Cannot make a backup: there is no room"]);
  assertEquals(listener.lastJson.data.problems[0].do, "tinyforge backup");
  full = false;
  await host.pass(AGAIN_AFTER_MS + 10 * MINUTE, 5 * MINUTE);
  assertEquals(listener.told.slice(1), [
    "recovered backup-failed Cannot make a backup: there is no room",
  ]);
  stop.abort();
  await keeping;
});

Deno.test("the daemon has a problem where it can't make its backups", async () => {
  await using host = await TestHost.make();
  host.env.TINYFORGE_BACKUP_DIR = "/dev/null/backups";
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  const problem = await until("it is told", async () => {
    const { problems } = await daemon.get("/api/problems");
    return problems.find(({ kind }: { kind: string }) => kind === "backup-failed");
  }, { withinMs: 40_000 });
  assertEquals([problem.severity, problem.status, problem.do], ["high", "open", {
    code: "back-up",
  }]);
});

/**
 * The composition root without a process around it: what it constructs is inert until it is opened,
 * and closes in reverse.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { assemble } from "../src/daemon.ts";
import { ownData, readData } from "../src/data.ts";
import { acquireLock } from "../src/lock/lock.ts";
import { Log } from "../src/telemetry/log.ts";
import { FakeEngine } from "./engines/scripted.ts";
import { testConfig } from "./harness/config.ts";
import { pass, siteRow, TestHost } from "./harness/program.ts";

const options = { log: new Log({ level: "error", write: () => {} }), version: "test" };

Deno.test("assemble() asks no Engine and opens nothing until it is told to", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  const config = testConfig({
    host: { kind: "unix", path: engine.path },
    dataDir: host.dataDir,
    listen: { hostname: "127.0.0.1", port: 1 },
  });
  const data = await ownData(host.dataDir);
  const before = await Array.fromAsync(Deno.readDir(host.dataDir), ({ name }) => name);
  await using parts = assemble(config, data, options);
  const app = await parts.app({ status: null });
  assertEquals(await app.request("/api/containers").then((answer) => answer.json()), {
    index: { fresh: false, asOf: null, reason: "no-pass" },
    items: [],
    nextCursor: null,
  });
  assertEquals(engine.requests, []);
  assertEquals(await Array.fromAsync(Deno.readDir(host.dataDir), ({ name }) => name), before);

  parts.loop.start();
  await parts.loop.outcomes.firstPass;
  assert(engine.requests.length > 0);
});

Deno.test("Assembly.close() stops the loop, then closes the index, then gives the lock back; idempotent", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  const data = await ownData(host.dataDir);
  const { store, lock } = data;
  let held: boolean | null = null;
  const closeStore = store.close.bind(store);
  store.close = () => {
    held ??= lock.check().held;
    closeStore();
  };
  const config = testConfig({ host: { kind: "unix", path: engine.path }, dataDir: host.dataDir });
  const parts = assemble(config, data, options);
  parts.loop.start();
  await parts.loop.outcomes.firstPass;
  await parts.close();
  assertEquals([held, lock.check().held], [true, false]);
  assertThrows(() => store.workloads.list());
  await parts.close();
  (await acquireLock(host.dataDir)).release();
});

Deno.test("readData() reads beside an owner, and the same application can't write", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    pass(store, [siteRow(workloadId)]);
  });
  const owner = await ownData(host.dataDir);
  const config = testConfig({ dataDir: host.dataDir });
  const parts = assemble(config, await readData(host.dataDir), options);
  const app = await parts.app({ status: null, reconcileNow: null, requestPass: () => {} });
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await app.request(path, init);
    return [answer.status, await answer.json()];
  };
  assertEquals((await ask("/api/containers"))[1].items.length, 1);
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ name: "shop" });
  const [status, problem] = await ask("/api/sites", { method: "POST", headers, body });
  assertEquals([status, problem.code], [503, "readonly"]);
  for (const [method, path] of [["GET", "/api/status"], ["POST", "/api/reconcile"]] as const) {
    const [status, problem] = await ask(path, { method });
    assertEquals([status, problem.code], [503, "no-daemon"]);
  }
  await parts.close();
  owner.close();
});

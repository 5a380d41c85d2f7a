/**
 * What can be wrong between a user and an Engine, each provoked.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hintForError } from "../../src/cli/words.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { DockerClient } from "../../src/docker/client.ts";
import type { DockerHost } from "../../src/docker_host.ts";
import { checkEngine } from "../../src/doctor/engine_checks.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { FakeEngine } from "../engines/scripted.ts";

async function found(host: DockerHost, timeoutMs = 5000): Promise<readonly Finding[]> {
  using docker = new DockerClient({ host });
  const options = { docker, clock: SYSTEM_CLOCK, hintFor: hintForError, timeoutMs };
  return (await checkEngine(options)).findings;
}

const brief = (findings: readonly Finding[]) =>
  findings.map(({ code, severity }) => `${severity} ${code}`);

Deno.test("checkEngine() finds nothing where all is well, and the events that it had sent", async () => {
  await using engine = await FakeEngine.start();
  engine.add({ state: "exited" });
  engine.add();
  assertEquals(await found(engine.host), []);
  assertEquals(engine.count("top"), 1);
});

Deno.test("checkEngine() measures nothing where no container runs, or none may be asked", async () => {
  await using engine = await FakeEngine.start();
  assertEquals(await found(engine.host), []);
  engine.add();
  engine.fail("top", { kind: "status", status: 403 });
  assertEquals(await found(engine.host), []);
});

Deno.test("checkEngine() tells an Engine that is not there from one that speaks no common version", async () => {
  const nowhere = await found({ kind: "unix", path: "/nowhere/docker.sock" });
  assertEquals(brief(nowhere), ["failure engine-unreachable"]);
  assertStringIncludes(nowhere[0]!.do, "systemctl start docker");
  await using engine = await FakeEngine.start({ apiVersion: "9.9", minApiVersion: "9.8" });
  assertEquals(brief(await found(engine.host)), ["failure engine-api-version"]);
});

Deno.test("checkEngine() names each endpoint that a proxy forbids, and what to allow", async () => {
  await using engine = await FakeEngine.start();
  engine.add();
  const only = async (endpoint: "list" | "info" | "events" | "inspect" | "version") => {
    engine.fail(endpoint, { kind: "status", status: 403 });
    const findings = await found(engine.host);
    engine.heal();
    for (const { code, what, do: remedy } of findings) {
      assertEquals(code, "endpoint-forbidden");
      assert(/GET \/[a-z]/.test(what) && /\b[A-Z]+=1\b/.test(remedy), `${what}: ${remedy}`);
    }
    return findings.map(({ severity }) => severity);
  };
  assertEquals(await only("list"), ["failure"]);
  assertEquals(await only("events"), ["failure"]);
  assertEquals(await only("info"), ["warning"]);
  assertEquals(await only("inspect"), ["warning"]);
  assertEquals(await only("version"), ["info"]);
});

Deno.test("checkEngine() says how far the Engine's clock is off", async () => {
  await using engine = await FakeEngine.start();
  const off = async (ms: number) => {
    const SystemTime = new Date(Date.now() + ms).toISOString();
    engine.fail("info", { kind: "edit", edit: (info) => ({ ...info as object, SystemTime }) });
    return await found(engine.host);
  };
  assertEquals(brief(await off(-5000)), ["warning clock-differs"]);
  const [ahead] = await off(120_000);
  assertEquals([ahead?.severity, ahead?.code], ["failure", "clock-differs"]);
  assertStringIncludes(ahead!.what, "ahead of");
  assertEquals(await off(500), []);
});

Deno.test("checkEngine() misses the event that does not come", async () => {
  await using engine = await FakeEngine.start();
  engine.add();
  engine.holdEvents();
  const findings = await found(engine.host, 300);
  assertEquals(brief(findings), ["warning events-late"]);
  engine.releaseEvents();
});

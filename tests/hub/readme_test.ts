/** What the README says of many hosts, run as it stands there. @module */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Authority } from "../harness/certificates.ts";
import { openDatabase } from "../../src/hub/database.ts";
import { freePort } from "../harness/free_port.ts";
import { startHub } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { sayingHost, toldWorkload } from "./hubs.ts";

const cluster = sharedCluster();

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

const [TELLING, BLOCK] = [
  ...README.matchAll(/<!-- run by tests\/hub\/readme_test.ts -->\n+```sh\n([^`]*)```/g),
].map(([, block]) => block);

Deno.test("the README's channel of some hosts, and silences, are a hub's", async () => {
  await using host = await TestHost.make();
  const database = await cluster.newDatabase();
  await startHub(host, { database });
  const sql = await openDatabase(database, { connections: 1 });
  for (const name of ["web-1", "web-2", "db-1"]) {
    const told = await sayingHost(sql, name);
    await told.snapshot([]);
    await told.batch([], { workloads: [toldWorkload("w", name === "db-1" ? "db" : "shop")] });
  }
  await sql.end();
  const script = TELLING!.replaceAll("/var/lib/tinyforge-hub", host.dataDir);
  const { code, stdout, stderr } = await host.shell(["-eu", "-c", script]);
  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n").slice(-3);
  assertMatch(lines[0]!, /^\S+ +db-1 +until .* new disk$/);
  assertMatch(lines[1]!, /^\S+ +web-1: project\/shop +for 1h each time of "0 3 \* \* SUN"/);
  assertMatch(lines[2]!, /^\S+ +everything \(host-unknown\) +until/);
  assertEquals(
    (await host.json("notify", "list")).map(({ name }: { name: string }) => name),
    ["ops", "shops"],
  );
});

Deno.test("the README's ten lines make three hosts known to a hub", async () => {
  const lines = BLOCK!.trim().split("\n").filter((line) => !line.startsWith("#"));
  assert(lines.length <= 10, `they are ${lines.length}`);
  await using hubHost = await TestHost.make();
  const { cert, key } = await (await Authority.make(hubHost.dir)).issue("hub");
  await Deno.writeTextFile(`${hubHost.dir}/database`, await cluster.newDatabase(), { mode: 0o600 });
  const port = freePort();
  const here = BLOCK!
    .replaceAll("/var/lib/tinyforge-hub", hubHost.dataDir)
    .replaceAll("/etc/tinyforge-hub/database", `${hubHost.dir}/database`)
    .replaceAll("0.0.0.0:7480", `127.0.0.1:${port}`)
    .replaceAll("hub.example.org:7480", `127.0.0.1:${port}`)
    .replaceAll("hub.pem", cert).replaceAll("hub.key", key)
    .replaceAll("our-ca.pem", `${hubHost.dir}/ca.pem`);
  const serve = /^tinyforge (hub --data-dir .*) &$/m.exec(here)![1]!;
  const enroll = /^for [^]*?^done$/m.exec(here)![0];
  const join = /^tinyforge (join .*)$/m.exec(here)![1]!;
  const reads = [...here.matchAll(/^tinyforge (hub list|ps .*|problems)$/gm)].map(([, each]) =>
    each!
  );
  assertEquals(reads, ["hub list", "ps --host web-1", "problems"]);

  const hub = hubHost.start(...serve.split(" "));
  await until("the hub is started", () => hub.stderr.includes("hub started"));
  const printed = await hubHost.shell(["-eu", "-c", enroll]);
  assertEquals(printed.code, 0, printed.stderr);
  await using open = new AsyncDisposableStack();
  for (const line of printed.stdout.trim().split("\n")) {
    const [, url, token] = /^tinyforge join (\S+) (\S+)$/.exec(line)!;
    assert(join.startsWith(`join ${url} TOKEN`), line);
    const host = open.use(await TestHost.make());
    await host.seed(() => {});
    const joined = await host.run(...join.replace("TOKEN", token!).split(" "));
    assertEquals(joined.code, 0, joined.stderr);
    host.start("reconcile");
  }
  await until("all three are known", async () => {
    const { stdout } = await hubHost.run("hub", "list");
    return stdout.match(/^\S+ +known /gm)?.length === 3;
  }, { withinMs: 60_000 });
  assertMatch((await hubHost.run("hub", "list")).stdout, /^db-1 +known[^]*^web-1[^]*^web-2/m);
  for (const read of reads) {
    const { code, stderr } = await hubHost.run(...read.split(" "));
    assertEquals(code, 0, stderr);
  }
});

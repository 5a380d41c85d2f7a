/** A hub and its hosts as programs of their own, over HTTP and a real PostgreSQL. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Authority } from "../harness/certificates.ts";
import { freePort } from "../harness/free_port.ts";
import { enrolled, hubItems, startHub } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { shownRow } from "./rows.ts";

const cluster = sharedCluster();

Deno.test("hosts join a hub, which shows the rows of all, and outlives its own end", async () => {
  const database = await cluster.newDatabase();
  await using hubHost = await TestHost.make();
  await using one = await TestHost.make();
  await using two = await TestHost.make();
  const port = freePort();
  let hub = await startHub(hubHost, { database, port });
  for (const [name, host] of [["one", one], ["two", two]] as const) {
    await host.seed((store) => {
      const { workloadId } = store.registry.create("project", { name: "shop" }).entry;
      store.deployed.putDeployedContainer({ id: `${name}-1`, workloadId, containerId: name });
    });
    host.start("reconcile");
    // The daemon runs already: it takes it up by itself.
    const join = await host.run(...await enrolled(hubHost, hub, name));
    assertEquals(join.code, 0, join.stderr);
    assertEquals((await Deno.stat(`${host.dataDir}/hub.json`)).mode! & 0o777, 0o600);
  }
  const shown = async (query = "") =>
    (await hubItems(hub, hubHost, `/api/containers${query}`)).map(({ id, imageTag }) =>
      `${id} ${imageTag}`
    );
  await until("both are there", async () => (await shown()).length === 2);
  assertEquals(await shown(), ["one:one-1 null", "two:two-1 null"]);
  assertEquals(await shown("?host=two&workload=shop"), ["two:two-1 null"]);
  assertEquals((await one.run("container", "set", "one-1", "--image-tag", "7")).code, 0);
  await until("the change is there", async () => (await shown())[0] === "one:one-1 7");
  const listed = await hubHost.json("hub", "list");
  assertEquals(
    listed.items.map(({ name, state, rows }: Record<string, unknown>) => [name, state, rows]),
    [["one", "known", 1], ["two", "known", 1]],
  );

  assertEquals((await hub.running.stop()).code, 0);
  // What changes meanwhile is told when it is back.
  assertEquals((await one.run("container", "set", "one-1", "--image-tag", "8")).code, 0);
  hub = await startHub(hubHost, { database, port });
  await until("what changed meanwhile is there", async () => (await shown())[0] === "one:one-1 8", {
    withinMs: 60_000,
  });

  assertEquals((await two.run("leave")).code, 0);
  assertEquals((await hubHost.run("hub", "rm", "two")).code, 0);
  assertEquals(await shown(), ["one:one-1 8"]);
  const again = await hubHost.run("hub", "rm", "two");
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, "tinyforge hub list");
});

Deno.test("a hub lets in who may: readers to read, hosts to their rows, the socket to enroll", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  const token = (await Deno.readTextFile(`${hubHost.dataDir}/token`)).trim();
  const [, , joinToken] = await enrolled(hubHost, hub, "one");
  const ask = async (
    method: string,
    path: string,
    init: { secret?: string; body?: unknown } = {},
  ) => {
    const response = await fetch(hub.url + path, {
      method,
      ...(init.body !== undefined && {
        body: typeof init.body === "string" ? init.body : JSON.stringify(init.body),
      }),
      headers: {
        "content-type": "application/json",
        ...(init.secret !== undefined && { authorization: `Bearer ${init.secret}` }),
      },
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  };
  const joined = await ask("POST", "/api/join", { body: { token: joinToken } });
  assertEquals(joined.status, 201);
  const { secret } = joined.body;
  const stolen = await ask("POST", "/api/join", { body: { token: joinToken } });
  assertEquals(stolen.status, 401);
  const statuses = {
    "nobody reads": await ask("GET", "/api/containers"),
    "a host reads nothing": await ask("GET", "/api/containers", { secret }),
    "a reader enrolls nobody": await ask("POST", "/api/hosts", {
      secret: token,
      body: { name: "x" },
    }),
    "a host enrolls nobody": await ask("POST", "/api/hosts", { secret, body: { name: "x" } }),
    "a reader forgets nobody": await ask("DELETE", "/api/hosts/one", { secret: token }),
    "a reader is no host": await ask("POST", "/api/ingest", { secret: token, body: {} }),
    "a reader reads": await ask("GET", "/api/hosts", { secret: token }),
    "nobody is told more than that it lives": await ask("GET", "/livez"),
    "too large": await ask("POST", "/api/ingest", { secret, body: "x".repeat(17 << 20) }),
    "no JSON": await ask("POST", "/api/hello", { secret, body: "{" }),
    "a filter that is none": await ask("GET", "/api/containers?hots=a", { secret: token }),
  };
  assertEquals(
    Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, status])),
    {
      "nobody reads": 401,
      "a host reads nothing": 401,
      "a reader enrolls nobody": 403,
      "a host enrolls nobody": 401,
      "a reader forgets nobody": 403,
      "a reader is no host": 401,
      "a reader reads": 200,
      "nobody is told more than that it lives": 200,
      "too large": 413,
      "no JSON": 400,
      "a filter that is none": 422,
    },
  );
  const hello = {
    protocol: 1,
    epoch: "e",
    seq: 1,
    run: "r",
    attempt: 1,
    version: "1",
    machine: "",
  };
  const { body: { session } } = await ask("POST", "/api/hello", { secret, body: hello });
  const rows = [shownRow("a", { containerName: "n".repeat(10 << 20) })];
  const huge = await ask("POST", "/api/ingest", {
    secret,
    body: { session, epoch: "e", to: 1, rows },
  });
  assertEquals([huge.status, huge.body.code], [422, "invalid"]);
  // And it goes on taking what can be taken.
  const good = await ask("POST", "/api/ingest", {
    secret,
    body: { session, epoch: "e", to: 1, rows: [shownRow("a")] },
  });
  assertEquals(good.body, { result: "ok", seq: 1, transitions: 0 });
  assert(!hub.running.stderr.includes(secret) && !hub.running.stderr.includes(token));
});

Deno.test("join refuses what it can't trust, and uses no token up for it", async () => {
  await using hubHost = await TestHost.make();
  await using host = await TestHost.make();
  await host.seed(() => {});
  const { cert, key } = await (await Authority.make(hubHost.dir)).issue("hub");
  const hub = await startHub(hubHost, {
    database: await cluster.newDatabase(),
    args: ["--tls-cert", cert, "--tls-key", key],
  });
  const url = hub.url.replace("http:", "https:");
  const [, , token] = await enrolled(hubHost, hub, "one");
  const foreign = await host.run("join", url, token!);
  assertEquals(foreign.code, 1);
  assertStringIncludes(foreign.stderr, "certificate");
  for (
    const [address, says] of [
      ["http://hub.example.org", "reads the secret"],
      ["https://hub.example.org/path", "more than host and port"],
      ["https://a:b@hub.example.org", "a login has no place"],
      ["ftp://hub.example.org", "neither https:// nor http://"],
    ] as const
  ) {
    const { code, stderr } = await host.run("join", address, token!);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, says);
  }
  // The token is there still, for who trusts that certificate's authority.
  host.env["DENO_CERT"] = `${hubHost.dir}/ca.pem`;
  const trusted = await host.run("join", url, token!);
  assertEquals(trusted.code, 0, trusted.stderr);
  const twice = await host.run("join", url, token!);
  assertEquals(twice.code, 1);
  assertStringIncludes(twice.stderr, "tinyforge leave");
  assertEquals((await host.run("leave")).code, 0);
  assertEquals((await host.run("leave")).code, 1);
  const used = await host.run("join", url, token!);
  assertStringIncludes(used.stderr, "the token is wrong, used or over");
});

Deno.test("hub says what it misses", async () => {
  await using host = await TestHost.make();
  const bare = await host.run("hub");
  assertEquals(bare.code, 2);
  assertStringIncludes(bare.stderr, "TINYFORGE_DATABASE");
  const nowhere = await host.run("hub", "--database", `postgres://x@127.0.0.1:${freePort()}/x`);
  assertEquals(nowhere.code, 1);
  assertStringIncludes(nowhere.stderr, "Cannot use the database");
  const unheard = await host.run("hub", "list");
  assertEquals(unheard.code, 4);
  assertStringIncludes(unheard.stderr, "Cannot ask the hub");
});

/**
 * What a hub withstands: hosts that lie, tokens that were stolen or are guessed, and more than it can
 * hold. Over HTTP, to a hub as a program of its own.
 * @module
 */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { HubClient } from "../../src/hub/hub_client.ts";
import { MAX_HOST_ROWS } from "../../src/hub/protocol.ts";
import { MAX_ROWS } from "../../src/hub/told_values.ts";
import { admitted, enrolled, hubItems, hubRows, startHub, type TestHub } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { shownRow } from "./rows.ts";
import { toldProblem, workload } from "./things.ts";

const cluster = sharedCluster();

const { signal } = new AbortController();

/** A host that says what it likes. */
class Liar implements Disposable {
  readonly #client: HubClient;
  session = 0;

  constructor(hub: TestHub, secret: string) {
    this.#client = new HubClient(hub.url, { secret, ca: null });
  }

  async hello(run = "r", attempt = 1): Promise<unknown> {
    const { body } = await this.#client.ask("/api/hello", {
      ...{ protocol: 1, epoch: "e", seq: 1, run, attempt, version: "1", machine: "m" },
    }, signal);
    this.session = (body as { session?: number }).session ?? 0;
    return body;
  }

  async tell(message: Record<string, unknown>): Promise<{ status: number; body: unknown }> {
    return await this.#client.ask("/api/ingest", {
      ...{ session: this.session, epoch: "e", from: null },
      ...message,
    }, signal);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

Deno.test("a host changes no row but its own, whatever it says whose they are", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  using honest = new Liar(hub, await admitted(hubHost, hub, "honest"));
  using liar = new Liar(hub, await admitted(hubHost, hub, "liar"));
  await honest.hello();
  await liar.hello();
  await honest.tell({ to: 1, rows: [shownRow("a"), shownRow("b")] });
  const before = await hubRows(hub, hubHost, "honest");
  const { session } = honest;
  const [{ heardAt }] = await hubItems(hub, hubHost, "/api/hosts") as [{ heardAt: string }];
  for (
    const message of [
      { to: 2, rows: [shownRow("a", { host: "honest", hostId: "honest", state: "stopped" })] },
      { to: 3, from: 2, rows: [], gone: ["a", "b"] },
      // Another's number and state are no secrets: they open nothing either.
      { to: 4, session, host: "honest", rows: [] },
      { to: 2, from: 1, session, rows: [], gone: ["a", "b"] },
    ]
  ) await liar.tell(message);
  assertEquals(await hubRows(hub, hubHost, "honest"), before);
  assertEquals(before.map(({ id, state }) => [id, state]), [["a", "running"], ["b", "running"]]);
  const [{ heardAt: after }] = await hubItems(hub, hubHost, "/api/hosts") as [{ heardAt: string }];
  assertEquals(after, heardAt, "another speaks for it, and it seems alive");
  const own = await hubItems(hub, hubHost, "/api/containers?host=liar");
  assertEquals(own.map(({ host }) => host), own.map(() => "liar"));
});

Deno.test("a host of a million rows is refused past what one may have, and disturbs no other", async () => {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  using liar = new Liar(hub, await admitted(hubHost, hub, "liar"));
  using honest = new Liar(hub, await admitted(hubHost, hub, "honest"));
  await liar.hello();
  await honest.hello();
  const id = (i: number) => `row-${String(i).padStart(8, "0")}`;
  // As if it had told so many already, which would take long here.
  await liar.tell({ to: 1, upTo: id(0), rows: [shownRow(id(0))] });
  const sql = await openDatabase(database, { connections: 1 });
  try {
    await sql`INSERT INTO tinyforge.containers
        (host_id, id, workload_id, workload_kind, workload_name, state, body, hash)
      SELECT host_id, 'row-' || lpad(i::text, 8, '0'), workload_id, workload_kind, workload_name,
        state, body, hash
      FROM tinyforge.containers, generate_series(1, ${MAX_HOST_ROWS - 10}) AS i`;
    await sql`UPDATE tinyforge.hosts SET row_count = ${MAX_HOST_ROWS - 9}, snapshot_up_to = ${
      id(MAX_HOST_ROWS - 10)
    } WHERE name = 'liar'`;
  } finally {
    await sql.end();
  }
  const more = (rows: number) => ({
    ...{ to: 1, after: id(MAX_HOST_ROWS - 10), upTo: null },
    rows: Array.from({ length: rows }, (_, i) => shownRow(id(MAX_HOST_ROWS + i))),
  });
  const refused = await liar.tell(more(100));
  assertEquals(refused.status, 422, JSON.stringify(refused.body));
  assertStringIncludes(JSON.stringify(refused.body), `more than ${MAX_HOST_ROWS} rows`);
  const [view] = (await hubItems(hub, hubHost, "/api/hosts")).filter(({ name }) => name === "liar");
  assertEquals(view!.rows, MAX_HOST_ROWS - 9);
  // To the last one that it may have it is taken, and others are meanwhile.
  assertTaken(await honest.tell({ to: 1, rows: [shownRow("a")] }));
  assertTaken(await liar.tell(more(9)));
});

Deno.test("a host of more problems or workloads than one may have is refused what is too much", async () => {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  using liar = new Liar(hub, await admitted(hubHost, hub, "liar"));
  await liar.hello();
  assertTaken(await liar.tell({ to: 1, rows: [shownRow("a")] }));
  const change = (from: number, more: Record<string, unknown>) =>
    liar.tell({ from, to: from + 1, rows: [], gone: [], ...more });
  await change(1, { problems: [toldProblem()], workloads: [workload("w")] });
  const sql = await openDatabase(database, { connections: 1 });
  try {
    // As if it had told so many already, which would take long here.
    await sql`INSERT INTO tinyforge.problems
        (host_id, key, opened_at, kind, severity, status, body, hash)
      SELECT host_id, 'missing:' || i, opened_at, kind, severity, status, body, hash
      FROM tinyforge.problems, generate_series(1, ${MAX_HOST_ROWS - 1}) AS i`;
    const many = await change(2, { problems: [toldProblem({ key: "missing:z" })] });
    assertEquals(many.status, 422, JSON.stringify(many.body));
    assertStringIncludes(JSON.stringify(many.body), `more than ${MAX_HOST_ROWS} open problems`);
    await sql`INSERT INTO tinyforge.workloads (host_id, id, kind, name, body, hash)
      SELECT host_id, 'w' || i, kind, name, body, hash
      FROM tinyforge.workloads, generate_series(1, ${MAX_HOST_ROWS - 1}) AS i`;
    const part = { to: 3, of: "workloads", upTo: "b" };
    const more = await liar.tell({ ...part, workloads: [workload("a")] });
    assertEquals(more.status, 422, JSON.stringify(more.body));
    assertStringIncludes(JSON.stringify(more.body), `more than ${MAX_HOST_ROWS} workloads`);
    // As many as it may have are taken.
    assertEquals((await liar.tell({ ...part, workloads: [] })).status, 200);
  } finally {
    await sql.end();
  }
});

Deno.test("what is too long, too much or no message is refused, and the next message taken", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  using liar = new Liar(hub, await admitted(hubHost, hub, "liar"));
  await liar.hello();
  const long = "n".repeat(10 << 20);
  const many = (count: number) => Array.from({ length: count }, (_, i) => shownRow(`row-${i}`));
  for (
    const [what, message] of [
      ["a name of 10 MB", { to: 1, rows: [shownRow("a", { containerName: long })] }],
      ["an id of 10 MB", { to: 1, rows: [shownRow(long)] }],
      ["a workload of 10 MB", { to: 1, rows: [shownRow("a", { workloadName: long })] }],
      ["more rows than a message holds", { to: 1, rows: many(MAX_ROWS + 1) }],
      ["a zero byte", { to: 1, rows: [shownRow("a\0b")] }],
      ["a number that is none", { to: 1e300, rows: [] }],
      ["a row that is none", { to: 1, rows: [7] }],
      ["an epoch of 10 MB", { to: 1, epoch: long, rows: [] }],
    ] as const
  ) {
    const { status } = await liar.tell(message);
    assert(status === 422 || status === 413, `${what}: ${status}`);
  }
  assertTaken(await liar.tell({ to: 1, rows: [shownRow("a")] }));
  // Unpacked, nobody knows how much it is before it is.
  const bomb = new Response(
    new Blob([new Uint8Array(200 << 20)]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const secret = await admitted(hubHost, hub, "bomber");
  const before = await residentMb(hub);
  const answer = await fetch(`${hub.url}/api/ingest`, {
    method: "POST",
    body: await bomb.bytes(),
    headers: { authorization: `Bearer ${secret}`, "content-encoding": "gzip" },
  });
  await answer.body?.cancel();
  assertEquals(answer.status, 413);
  assertLess(await residentMb(hub) - before, 250);
  // Of what comes from anybody, or is said to be little, not even so much is unpacked.
  const small = new Response(
    new Blob([`{"token":"${"a".repeat(5 << 20)}"}`]).stream()
      .pipeThrough(new CompressionStream("gzip")),
  );
  const body = await small.bytes();
  assertLess(body.length, 16 << 10);
  for (const path of ["join", "hello", "heartbeat", "ingest"]) {
    const answer = await fetch(`${hub.url}/api/${path}`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${secret}`, "content-encoding": "gzip" },
    });
    assertEquals(answer.status, 413, path);
    await answer.body?.cancel();
  }
});

Deno.test("a host that says everything at once keeps no other host waiting", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  const secret = await admitted(hubHost, hub, "liar");
  using liar = new Liar(hub, secret);
  using honest = new Liar(hub, await admitted(hubHost, hub, "honest"));
  await liar.hello();
  await honest.hello();
  const open: Deno.Conn[] = [];
  const { port } = new URL(hub.url);
  const head = `POST /api/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n` +
    `Authorization: Bearer ${secret}\r\n\r\n`;
  await until("it is refused", async () => {
    // One more whose body does not come: of those before some may have been refused themselves.
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    open.push(connection);
    await connection.write(new TextEncoder().encode(head));
    return (await liar.tell({ to: 1, rows: [] })).status === 503;
  });
  assertTaken(await honest.tell({ to: 1, rows: [shownRow("a")] }));
  for (const connection of open) connection.close();
  await until("it is heard", async () => (await liar.tell({ to: 1, rows: [] })).status === 200);
});

Deno.test("a token that was used, or is over, lets nobody in, however often it is shown", async () => {
  await using hubHost = await TestHost.make();
  const database = await cluster.newDatabase();
  const hub = await startHub(hubHost, { database });
  const [, url, token] = await enrolled(hubHost, hub, "one");
  using client = new HubClient(url, { secret: null, ca: null });
  const join = async (token: string) => (await client.ask("/api/join", { token }, signal)).status;
  // A thief that comes at the same time as who was meant: one of them is let in, and it shows.
  const both = await Promise.all([join(token), join(token), join(token)]);
  assertEquals(both.sort(), [201, 401, 401]);
  assertEquals(await join(token), 401);
  const [, , late] = await enrolled(hubHost, hub, "two");
  const sql = await openDatabase(database, { connections: 1 });
  await sql`UPDATE tinyforge.enrolments SET expires_at = expires_at - interval '1 hour'`;
  await sql.end();
  assertEquals(await join(late), 401);
  const hosts = await hubItems(hub, hubHost, "/api/hosts");
  assertEquals(hosts.map(({ name }) => name), ["one"]);
});

Deno.test("who guesses tokens and secrets is slowed, and keeps out nobody who has the right one", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  const [, url, token] = await enrolled(hubHost, hub, "one");
  using guesser = new HubClient(url, { secret: "g".repeat(43), ca: null });
  const statuses = new Map<number, number>();
  for (let i = 0; i < 60; i++) {
    for (
      const { status, retryAfter } of await Promise.all([
        guesser.ask("/api/join", { token: `guess-${i}` }, signal),
        guesser.ask("/api/hello", {}, signal),
      ])
    ) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assertEquals(retryAfter !== null, status === 429);
    }
  }
  assertEquals([...statuses.keys()].sort(), [401, 429]);
  // As many as a minute has, and what of the next came meanwhile.
  assertLess(statuses.get(401)!, 60);
  using right = new HubClient(url, { secret: null, ca: null });
  const { status, body } = await right.ask("/api/join", { token }, signal);
  assertEquals(status, 201);
  using host = new Liar(hub, (body as { secret: string }).secret);
  assertEquals((await host.hello() as { result: string }).result, "accepted");
});

Deno.test("a reader of a hub neither enrolls nor removes, nor is a host one", async () => {
  await using hubHost = await TestHost.make();
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  const secret = await admitted(hubHost, hub, "one");
  const token = (await Deno.readTextFile(`${hubHost.dataDir}/token`)).trim();
  const ask = async (method: string, path: string, authorization: string) => {
    const response = await fetch(hub.url + path, {
      method,
      headers: { authorization: `Bearer ${authorization}`, "content-type": "application/json" },
      ...(method === "POST" && { body: JSON.stringify({ name: "two" }) }),
    });
    await response.body?.cancel();
    return response.status;
  };
  for (const authorization of [token, secret, ""]) {
    for (
      const [method, path] of [["POST", "/api/hosts"], ["DELETE", "/api/hosts/one"]] as const
    ) {
      const status = await ask(method, path, authorization);
      assert(status === 401 || status === 403, `${method} ${path}: ${status}`);
    }
  }
  assertEquals(await ask("GET", "/api/hosts", secret), 401);
  const hosts = await hubItems(hub, hubHost, "/api/hosts");
  assertEquals(hosts.map(({ name }) => name), ["one"]);
});

function assertTaken({ status, body }: { status: number; body: unknown }): void {
  const { result, seq } = body as Record<string, unknown>;
  assertEquals([status, result, seq], [200, "ok", 1]);
}

async function residentMb({ running }: TestHub): Promise<number> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "rss=", "-p", String(running.process.pid)],
  }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}

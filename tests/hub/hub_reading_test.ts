/** What people are shown of many hosts: two hubs over one PostgreSQL, each with its own sockets. @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { sayingHost, startHub, type TestedHub, toldWorkload } from "./hubs.ts";
import { shownRow } from "./rows.ts";
import { toldCrash } from "./things.ts";

const cluster = sharedCluster();

/** Two hubs of one database, and hosts `alpha` and `beta` with a row of the same id each. */
async function twoHubs(
  test: (hubs: {
    readonly one: TestedHub;
    readonly two: TestedHub;
    readonly alpha: Awaited<ReturnType<typeof sayingHost>>;
    readonly beta: Awaited<ReturnType<typeof sayingHost>>;
  }) => Promise<void>,
): Promise<void> {
  const database = await cluster.newDatabase();
  await using one = await startHub(database);
  await using two = await startHub(database, { token: "u".repeat(43) });
  const alpha = await sayingHost(one.sql, "alpha");
  const beta = await sayingHost(one.sql, "beta");
  await alpha.snapshot([
    shownRow("a", { workloadId: "w1" }),
    shownRow("b", { workloadId: "w2", workloadName: "blog", health: "healthy" }),
  ]);
  await beta.snapshot([
    shownRow("a", { workloadId: "w1", state: "stopped", exitCode: 3, containerName: "only" }),
  ]);
  await alpha.batch([], { workloads: [toldWorkload("w1", "shop"), toldWorkload("w2", "blog")] });
  await beta.batch([], { workloads: [toldWorkload("w1", "shop"), toldWorkload("w3", "idle")] });
  await alpha.beat();
  await beta.beat();
  await test({ one, two, alpha, beta });
}

const shownOf = ({ json }: { json: { items: Record<string, unknown>[] } }) =>
  json.items.map(({ id, host, state }) => `${id} ${host} ${state}`);

Deno.test("GET /api/containers shows the rows of all hosts, each by an id of its own", () =>
  twoHubs(async ({ one, two }) => {
    for (const hub of [one, two]) {
      const all = await hub.ask("/api/containers");
      assertEquals(shownOf(all), [
        "alpha:a alpha running",
        "alpha:b alpha running",
        "beta:a beta stopped",
      ]);
      assertEquals(all.json.index.fresh, true);
      const { json: row } = await hub.ask("/api/containers/beta:a");
      assertEquals([row.id, row.workloadId, row.exitCode], ["beta:a", "beta:w1", 3]);
    }
    const found = async (query: string) => shownOf(await one.ask(`/api/containers?${query}`));
    assertEquals(await found("host=beta"), ["beta:a beta stopped"]);
    assertEquals(await found("state=running&workload=blog"), ["alpha:b alpha running"]);
    assertEquals(await found("workload=beta:w1"), ["beta:a beta stopped"]);
    assertEquals(await found("container=only"), ["beta:a beta stopped"]);
    assertEquals(await found("kind=site"), []);
    const page = await one.ask("/api/containers?limit=2");
    assertEquals(page.json.nextCursor, "alpha:b");
    assertEquals(await found(`limit=2&cursor=${page.json.nextCursor}`), ["beta:a beta stopped"]);
    const nobody = await one.ask("/api/containers?host=gamma");
    assertEquals(nobody.status, 422);
    assertStringIncludes(nobody.json.detail, 'there are "alpha", "beta"');
    for (const wrong of ["state=runing", "workload=blgo", "stage=x", "cursor=x"]) {
      assertEquals((await one.ask(`/api/containers?${wrong}`)).status, 422, wrong);
    }
    assertEquals((await one.ask("/api/containers/alpha:c")).status, 404);
    assertEquals((await one.ask("/api/containers/a")).status, 404);
  }));

Deno.test("rows of a host that is not heard of are unknown, beside what it said last", () =>
  twoHubs(async ({ one, two, beta }) => {
    await beta.fallSilent();
    const { json } = await two.ask("/api/containers");
    assertEquals(
      json.items.map(({ id, state, lastState }: Record<string, unknown>) => [id, state, lastState]),
      [["alpha:a", "running", "running"], ["alpha:b", "running", "running"], [
        "beta:a",
        "unknown",
        "stopped",
      ]],
    );
    assert(Date.parse(json.items[2].heardAt) < Date.now() - 30_000);
    assertEquals(json.index, {
      fresh: false,
      asOf: "2026-01-01T00:00:00.000Z",
      reason: "hosts-unsure",
    });
    assertEquals((await one.ask("/api/containers?host=alpha")).json.index.fresh, true);
    assertEquals(shownOf(await one.ask("/api/containers?state=unknown")), ["beta:a beta unknown"]);
    assertEquals((await one.ask("/api/containers?state=stopped")).json.items, []);
    const { json: index } = await one.ask("/api/index");
    assertEquals(index.counts, [
      { kind: "project", state: "running", count: 2 },
      { kind: "project", state: "unknown", count: 1 },
    ]);
    assertEquals(index.healths, [{ health: "healthy", count: 1 }]);
    const { json: hosts } = await one.ask("/api/hosts");
    assertEquals(
      hosts.items.map(({ name, state, rows }: Record<string, unknown>) => [name, state, rows]),
      [["alpha", "known", 2], ["beta", "unknown", 1]],
    );
    await beta.beat();
    assertEquals(shownOf(await one.ask("/api/containers?host=beta")), ["beta:a beta stopped"]);
  }));

Deno.test("GET /api/index counts what was taken in since it was asked last", () =>
  twoHubs(async ({ one, two, alpha, beta }) => {
    const states = async (hub: TestedHub) =>
      (await hub.ask("/api/index")).json.counts
        .map(({ state, count }: Record<string, unknown>) => `${count} ${state}`);
    for (const hub of [one, two]) assertEquals(await states(hub), ["2 running", "1 stopped"]);
    await alpha.batch([shownRow("a", { state: "paused" })]);
    for (const hub of [one, two]) {
      assertEquals(await states(hub), ["1 paused", "1 running", "1 stopped"]);
    }
    // A snapshot of which not all has come is of no state: it is counted as it stands.
    await beta.snapshot([shownRow("a")], { upTo: "a" });
    assertEquals(await states(one), ["1 paused", "2 running"]);
    await beta.snapshot([shownRow("c")], { after: "a" });
    assertEquals(await states(one), ["1 paused", "3 running"]);
  }));

Deno.test("GET /api/workloads counts what serves each workload of each host", () =>
  twoHubs(async ({ one, beta }) => {
    const shown = async (query = "") =>
      (await one.ask(`/api/workloads${query}`)).json.items
        .map(({ host, id, name, total, states }: Record<string, unknown>) => [
          ...[host, id, name, total, states],
        ]);
    assertEquals(await shown(), [
      ["alpha", "alpha:w2", "blog", 1, { running: 1 }],
      ["beta", "beta:w3", "idle", 0, {}],
      ["alpha", "alpha:w1", "shop", 1, { running: 1 }],
      ["beta", "beta:w1", "shop", 1, { stopped: 1 }],
    ]);
    await beta.fallSilent();
    assertEquals(await shown("?host=beta"), [
      ["beta", "beta:w3", "idle", 0, {}],
      ["beta", "beta:w1", "shop", 1, { unknown: 1 }],
    ]);
  }));

Deno.test("GET /api/check holds rows against what their hosts expect, unknown ones never right", () =>
  twoHubs(async ({ one, alpha, beta }) => {
    const checked = async (query = "") =>
      (await one.ask(`/api/check${query}`)).json.checked
        .map(({ host, row, state, why }: Record<string, unknown>) =>
          `${host} ${row} ${state} ${why}`
        );
    assertEquals(await checked(), [
      "alpha alpha:b running null",
      "alpha alpha:a running null",
      "beta beta:a stopped not-running",
    ]);
    // It may be stopped, and another image should run.
    const expected = { role: "web", replicas: 1, source: "manual", setAt: 1 };
    await beta.batch([], {
      workloads: [toldWorkload("w1", "shop", [{ ...expected, mode: "any", image: null }])],
    });
    await alpha.batch([], {
      workloads: [
        toldWorkload("w1", "shop", [{ ...expected, mode: "running", image: "nginx:2" }]),
        toldWorkload("w2", "blog"),
      ],
    });
    assertEquals(await checked("?host=beta"), ["beta beta:a stopped null"]);
    assertEquals(await checked("?rows=alpha:a"), ["alpha alpha:a running image"]);
    assertEquals(await checked("?workloads=alpha:w2,beta:w9"), ["alpha alpha:b running null"]);
    // Of a workload without rows something is expected until it is said that nothing is.
    const idle = async (expectations: object[]) => {
      await beta.batch([], {
        workloads: [
          toldWorkload("w1", "shop", [{ ...expected, mode: "any", image: null }]),
          toldWorkload("w3", "idle", expectations),
        ],
      });
      return await checked("?workloads=beta:w3");
    };
    assertEquals(await idle([]), ["beta null null no-container"]);
    assertEquals(await idle([{ ...expected, mode: "any", replicas: 0, image: null }]), []);
    await beta.fallSilent();
    assertEquals(await checked("?host=beta"), ["beta beta:a unknown unknown"]);
    assertEquals(await checked("?workloads=beta:w3"), ["beta null null unknown"]);
    assertEquals((await one.ask("/api/check?rows=beta:none")).status, 404);
  }));

Deno.test("GET /api/problems and transitions of a hub tell of which host", () =>
  twoHubs(async ({ one, two, alpha }) => {
    await alpha.batch([], {
      problems: [toldCrash({ containerId: "c-a", containerName: "web" })],
      problemsGone: [],
      transitionsAfter: 0,
      transitions: [{
        ...{ seq: 7, rowId: "a", at: "2026-01-01T00:00:00.000Z", from: "running", to: "stopped" },
        ...{
          cause: "event",
          containerId: "c-a",
          containerName: "web",
          imageRef: null,
          exitCode: 3,
        },
        origin: { by: "event", action: "die", at: null },
        ...{
          workloadId: "w1",
          workloadName: "shop",
          workloadKind: "project",
          role: "web",
          replica: 1,
        },
      }],
    });
    const problems = async (query = "") =>
      (await two.ask(`/api/problems${query}`)).json.problems
        .map(({ host, key, row, workload }: Record<string, unknown>) => [
          ...[host, key, row, (workload as { id: string }).id],
        ]);
    const told = [["alpha", "alpha:crashed:a", "alpha:a", "alpha:w1"]];
    assertEquals(await problems(), told);
    assertEquals(await problems("?row=alpha:a"), told);
    assertEquals(await problems("?host=beta"), []);
    assertEquals((await one.ask("/api/index")).json.problems, [
      { kind: "crashed", severity: "high", count: 1 },
    ]);
    const { json: story } = await one.ask("/api/containers/alpha:a/transitions");
    assertEquals(
      story.items.map(({ rowId, to, detail }: Record<string, unknown>) => [rowId, to, detail]),
      [["alpha:a", "stopped", "die"]],
    );
    const { json: all } = await one.ask("/api/transitions?host=alpha");
    assertEquals(all.items.length, 1);
    assertEquals((await one.ask("/api/transitions?host=beta")).json.items, []);
    assertStringIncludes((await one.ask("/metrics")).json, 'kind="crashed",severity="high"} 1');
  }));

Deno.test("a hub says of what only a host can answer which one to ask", () =>
  twoHubs(async ({ one }) => {
    const ask = async (method: string, path: string) => {
      const { status, json } = await one.ask(path, { method });
      return [status, json.code, json.hint];
    };
    assertEquals(await ask("PATCH", "/api/containers/beta:a"), [
      501,
      "not-here",
      'ask host "beta" itself',
    ]);
    for (
      const [method, path] of [
        ["POST", "/api/reconcile"],
        ["GET", "/api/status"],
        ["GET", "/api/discover"],
        ["POST", "/api/projects"],
        ["GET", "/api/containers/beta:a/details"],
        ["GET", "/api/containers?fresh"],
      ] as const
    ) {
      assertEquals((await ask(method, path)).slice(0, 2), [501, "not-here"], path);
    }
    // Before it is said where, it is asked who wants to know.
    assertEquals((await one.ask("/api/status", { token: "wrong" })).status, 401);
    const { json } = await one.ask("/openapi.json");
    assert("/api/hosts" in json.paths && !("/api/reconcile" in json.paths));
  }));

Deno.test("hubs of one database share tokens, sessions, codes and the audit log", () =>
  twoHubs(async ({ one, two }) => {
    const made = await one.ask("/api/tokens", {
      method: "POST",
      body: JSON.stringify({ name: "reader", role: "read" }),
    });
    assertEquals(made.status, 201);
    const { id, token } = made.json;
    assertEquals((await two.ask("/api/index", { token })).status, 200);
    assertEquals((await two.ask("/api/tokens", { token })).status, 403);
    assertEquals((await two.ask("/api/hosts", { token, method: "POST", body: "{}" })).status, 403);
    // A login at one hub is one at the other: browsers know nothing of balancers.
    const login = await one.ask("/api/session", {
      method: "POST",
      body: JSON.stringify({ token }),
    });
    assertEquals(login.status, 201);
    const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
    const anywhere = cookie.replace(/_\d+=/, `_${two.port}=`);
    const who = async () => {
      const answer = await fetch(`http://127.0.0.1:${two.port}/api/session`, {
        headers: { cookie: anywhere },
      });
      return { status: answer.status, ...await answer.json() };
    };
    assertEquals((await who()).role, "read");
    const { json: code } = await one.askSocket("/api/session/codes", { method: "POST" });
    const use = () =>
      two.ask("/api/session", { method: "POST", body: JSON.stringify({ code: code.code }) });
    assertEquals((await use()).json.role, "admin");
    assertEquals((await use()).status, 401);
    assertEquals((await two.ask(`/api/tokens/${id}`, { method: "DELETE" })).status, 204);
    assertEquals((await one.ask("/api/index", { token })).status, 401);
    assertEquals((await who()).status, 401);
    const { json: audit } = await two.ask("/api/audit");
    assertEquals(
      audit.items.map(({ action, who }: Record<string, unknown>) => `${who} ${action}`).slice(0, 2),
      ["token file DELETE /api/tokens/{id}", audit.items[1].who + " POST /api/session"],
    );
    const kept = await one.sql`SELECT string_agg(t::text, ' ') AS text FROM (
      SELECT to_jsonb(x) AS t FROM tinyforge.tokens AS x UNION ALL
      SELECT to_jsonb(x) FROM tinyforge.sessions AS x UNION ALL
      SELECT to_jsonb(x) FROM tinyforge.login_codes AS x UNION ALL
      SELECT to_jsonb(x) FROM tinyforge.audit AS x) AS everything`;
    for (const secret of [token, code.code, cookie.split("=")[1]!]) {
      assert(!kept[0]!.text.includes(secret));
    }
  }));

Deno.test("a token's end is moved at any hub, for all hubs and for who logged in with it", () =>
  twoHubs(async ({ one, two }) => {
    const end = (ms: number) => new Date(Date.now() + ms).toISOString();
    const made = await one.ask("/api/tokens", {
      method: "POST",
      body: JSON.stringify({ name: "reader", role: "read", expiresAt: end(60_000) }),
    });
    const { id, token } = made.json;
    const renew = (expiresAt: string | null) =>
      two.ask(`/api/tokens/${id}`, { method: "PATCH", body: JSON.stringify({ expiresAt }) });
    const tokenEnd = async () => (await one.ask("/api/tokens")).json.items[0].expiresAt;
    const sessionEnd = async () => (await one.ask("/api/sessions")).json.items[0].expiresAt;
    assertEquals((await renew(null)).json.expiresAt, null);
    assertEquals(await tokenEnd(), null);
    const body = JSON.stringify({ token });
    assertEquals((await one.ask("/api/session", { method: "POST", body })).status, 201);
    const nearer = end(3_600_000);
    assertEquals((await renew(nearer)).json.expiresAt, nearer);
    assertEquals([await tokenEnd(), await sessionEnd()], [nearer, nearer]);
    assertEquals((await renew(end(7_200_000))).status, 200);
    assertEquals(await sessionEnd(), nearer);
    assertEquals((await renew(end(-1))).status, 422);
    await one.sql`UPDATE tinyforge.tokens SET expires_at = now()`;
    const over = await renew(null);
    assertEquals(over.status, 422);
    assertStringIncludes(over.json.detail, "it is over since");
    assertEquals((await one.ask("/api/index", { token })).status, 401);
    assertEquals((await one.ask(`/api/tokens/${id}`, { method: "DELETE" })).status, 204);
    assertEquals((await renew(null)).status, 404);
  }));

Deno.test("GET /metrics of a hub tells of hosts and rows, and lets probes in", () =>
  twoHubs(async ({ one, beta }) => {
    await beta.fallSilent();
    const { json: text } = await one.ask("/metrics");
    for (
      const line of [
        'tinyforge_hosts{state="known"} 1',
        'tinyforge_hosts{state="unknown"} 1',
        'tinyforge_host_rows{host="alpha",state="running"} 2',
        'tinyforge_host_rows{host="beta",state="unknown"} 1',
        "tinyforge_hub_up 1",
        "tinyforge_hub_large_messages_most 0",
      ]
    ) assertStringIncludes(text, line);
    assertMatch(text, /tinyforge_http_requests_total\{route="\/metrics",code="200"\} \d/);
    const open = async (path: string) =>
      (await fetch(`http://127.0.0.1:${one.port}${path}`).then(async (answer) => {
        await answer.body?.cancel();
        return answer;
      })).status;
    assertEquals([await open("/livez"), await open("/readyz"), await open("/api/hosts")], [
      200,
      200,
      401,
    ]);
    const page = await fetch(`http://127.0.0.1:${one.port}/`);
    assertStringIncludes(page.headers.get("content-security-policy")!, "default-src 'none'");
    await page.body?.cancel();
  }));

Deno.test("GET /api/events of any hub tells what any hub took in", () =>
  twoHubs(async ({ one, two, alpha, beta }) => {
    await using all = await follow(two, "/api/events");
    await using ofBeta = await follow(one, "/api/events?host=beta");
    await until("the snapshots have come", () => all.complete && ofBeta.complete);
    assertEquals(all.ids(), ["alpha:a", "alpha:b", "beta:a"]);
    assertEquals(ofBeta.ids(), ["beta:a"]);
    // Whoever listens has looked once: what comes from now on is told row by row.
    await until("it is told", async () => {
      await alpha.batch([shownRow("a", { state: "paused" })], { gone: ["b"] });
      return all.state("alpha:a") === "paused";
    });
    assertEquals(all.ids(), ["alpha:a", "beta:a"]);
    await beta.batch([shownRow("a", { state: "paused" }), shownRow("d")]);
    await until("the other tells of its host", () => ofBeta.state("beta:a") === "paused");
    assertEquals(ofBeta.ids(), ["beta:a", "beta:d"]);
    assert(!ofBeta.text.includes("alpha"));
    // Other rows of the host than before, of which none was told one by one.
    await beta.snapshot([shownRow("e")]);
    await until("all of them are told", () => ofBeta.ids().join() === "beta:e");
    await until("and to whom all is told", () => all.ids().join() === "alpha:a,beta:e");
    await beta.fallSilent();
    await until("it is told that it is not heard of", () => ofBeta.hosts.get("beta") === "unknown");
    await beta.beat();
    await until("and that it is again", () => all.hosts.get("beta") === "known");
  }));

/** Reads a live feed as the dashboard does. */
async function follow(hub: TestedHub, path: string) {
  const ending = new AbortController();
  const response = await fetch(`http://127.0.0.1:${hub.port}${path}`, {
    headers: { authorization: `Bearer ${hub.token}` },
    signal: ending.signal,
  });
  assertEquals(response.status, 200);
  const rows = new Map<string, { id: string; state: string }>();
  const hosts = new Map<string, string>();
  const read = { text: "", complete: false };
  const reading = (async () => {
    let rest = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      read.text += chunk;
      const events = (rest + chunk).split("\n\n");
      rest = events.pop()!;
      for (const event of events) take(event);
    }
  })().catch(() => {});
  function take(event: string) {
    const name = /^event: (.*)$/m.exec(event)?.[1];
    const data = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "null");
    if (name === "snapshot") {
      if (data.first && data.host === undefined) rows.clear();
      if (data.first && data.host !== undefined) {
        for (const id of rows.keys()) if (id.startsWith(`${data.host}:`)) rows.delete(id);
      }
      for (const row of data.items) rows.set(row.id, row);
      read.complete ||= data.last;
    } else if (name === "change") {
      for (const row of data.items) rows.set(row.id, row);
      for (const id of data.removed) rows.delete(id);
    } else if (name === "hosts") {
      for (const host of data.items) hosts.set(host.name, host.state);
    }
  }
  return {
    hosts,
    ids: () => [...rows.keys()].sort(),
    state: (id: string) => rows.get(id)?.state,
    get text() {
      return read.text;
    },
    get complete() {
      return read.complete;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await reading;
    },
  };
}

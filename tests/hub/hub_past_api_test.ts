/** What was on many hosts as the API of a hub tells it, of hosts that say what they watched or don't. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sharedCluster } from "../harness/postgres.ts";
import { type SayingHost, sayingHost, startHub, type TestedHub, toldWorkload } from "./hubs.ts";
import { type Ago, minutesBefore, shownRow, toldChange } from "./rows.ts";
import { recovered, toldCrash } from "./things.ts";

const cluster = sharedCluster();

const MINUTE = 60_000;

interface Scene {
  readonly hub: TestedHub;
  readonly alpha: SayingHost;
  readonly beta: SayingHost;
  readonly ago: Ago;
}

/**
 * `alpha` watched for an hour, in which `a` was down for ten minutes and `gone` was removed; `beta` has
 * a workload of the same name, and does not say what it watched.
 */
async function atHub(test: (scene: Scene) => Promise<void>): Promise<void> {
  await using hub = await startHub(await cluster.newDatabase());
  const now = Date.now();
  const ago = minutesBefore(now);
  const alpha = await sayingHost(hub.sql, "alpha");
  const beta = await sayingHost(hub.sql, "beta");
  await alpha.snapshot([shownRow("a", { workloadId: "w1" })]);
  await alpha.batch([], {
    ...{ workloads: [toldWorkload("w1", "shop")], transitionsAfter: 0 },
    transitions: [
      toldChange(ago, 1, 60),
      toldChange(ago, 2, 50, { rowId: "gone", workloadId: "w9", workloadName: "old" }),
      toldChange(ago, 3, 40, { from: "running", to: "stopped", exitCode: 3, cause: "event" }),
      toldChange(ago, 4, 30, { from: "stopped", to: "running", imageRef: "nginx:2" }),
      toldChange(ago, 5, 20, {
        ...{ rowId: "gone", workloadId: "w9", workloadName: "old" },
        ...{ from: "running", to: "removed", cause: "deployer" },
      }),
    ],
    problems: [toldCrash({
      ...{ since: now - 40 * MINUTE, openedAt: now - 39 * MINUTE },
      ...recovered(now - 30 * MINUTE),
    })],
    problemsGone: [],
  });
  await alpha.beat({
    past: {
      ...{ watching: { from: ago(60), to: ago(0) }, after: 0, watched: [] },
      forgottenUntil: null,
    },
  });
  await beta.snapshot([shownRow("a", { workloadId: "w1" })]);
  await beta.batch([], {
    ...{ workloads: [toldWorkload("w1", "shop")], transitionsAfter: 0 },
    transitions: [toldChange(ago, 1, 45)],
  });
  await beta.beat();
  await test({ hub, alpha, beta, ago });
}

// deno-lint-ignore no-explicit-any -- whatever is answered
const rowsOf = ({ json }: { json: any }) =>
  json.items.map((row: Record<string, unknown>) => `${row.id} ${row.state} ${row.imageRef}`);

Deno.test("GET /api/containers?at= of a hub tells the rows of each host then, and who watched", () =>
  atHub(async ({ hub, ago }) => {
    const at = (minutes: number, query = "") =>
      hub.ask(`/api/containers?at=${ago(minutes)}${query}`);
    assertEquals(rowsOf(await at(55)), ["alpha:a running nginx:1"]);
    assertEquals(rowsOf(await at(35)), [
      "alpha:a stopped nginx:1",
      "alpha:gone running nginx:1",
      "beta:a running nginx:1",
    ]);
    assertEquals(rowsOf(await at(10)), ["alpha:a running nginx:2", "beta:a running nginx:1"]);
    assertEquals(rowsOf(await at(35, "&host=beta")), ["beta:a running nginx:1"]);
    assertEquals(rowsOf(await at(35, "&state=stopped")), ["alpha:a stopped nginx:1"]);
    assertEquals(rowsOf(await at(35, "&workload=shop")), [
      "alpha:a stopped nginx:1",
      "beta:a running nginx:1",
    ]);
    // Of one that is gone the id says on which host it was; its name is looked for on one that is named.
    assertEquals(rowsOf(await at(35, "&workload=alpha:w9")), ["alpha:gone running nginx:1"]);
    assertEquals(rowsOf(await at(35, "&workload=old&host=alpha")), ["alpha:gone running nginx:1"]);
    const { json: page } = await at(35, "&limit=2");
    assertEquals([page.items.length, page.nextCursor], [2, "alpha:gone"]);
    assertEquals(rowsOf(await at(35, `&limit=2&cursor=${page.nextCursor}`)), [
      "beta:a running nginx:1",
    ]);
    const { json } = await at(35);
    const [alpha, beta] = json.hosts;
    assertEquals([alpha.host, alpha.watched, alpha.asOf], ["alpha", true, ago(35)]);
    // It does not say what it watched, nor what it had forgotten when it joined.
    assertEquals([beta.host, beta.watched, beta.asOf], ["beta", false, null]);
    assert(beta.forgottenUntil > ago(1) && alpha.forgottenUntil === null);
    assertEquals([json.watched, json.asOf, json.nextCursor], [false, null, null]);
    assertEquals((await at(35, "&host=alpha")).json.watched, true);
    for (const wrong of ["&host=gamma", "&workload=none", "&cursor=x", "&fresh"]) {
      assertEquals((await at(35, wrong)).status, 422, wrong);
    }
    assertEquals((await at(-5)).status, 422);
  }));

Deno.test("GET /api/availability of a hub counts what each host watched, and a silence as unknown", () =>
  atHub(async ({ hub, alpha, ago }) => {
    // deno-lint-ignore no-explicit-any -- whatever is answered
    const timesOf = (each: any) =>
      [each.runningMs, each.downMs, each.unknownMs].map((ms) => Math.round(ms / MINUTE));
    const asked = async (query = "") =>
      (await hub.ask(`/api/availability?from=${ago(60)}&until=${ago(0)}${query}`)).json;
    const all = await asked();
    assertEquals(
      all.workloads.map((each: Record<string, unknown>) => [
        ...[each.host, each.id, each.name, each.removed, timesOf(each)],
      ]),
      [
        ["alpha", "alpha:w1", "shop", false, [50, 10, 0]],
        ["alpha", "alpha:w9", "old", true, [30, 0, 0]],
        ["beta", "beta:w1", "shop", false, [0, 0, 45]],
      ],
    );
    assertEquals(all.workloads[0].rows.map(({ id }: { id: string }) => id), ["alpha:a"]);
    assertEquals(all.hosts.map(({ host }: { host: string }) => host), ["alpha", "beta"]);
    const named = await asked("&workload=shop&spans=10");
    assertEquals(named.workloads.map(({ id }: { id: string }) => id), ["alpha:w1", "beta:w1"]);
    assertEquals(named.workloads[0].spans.map(({ state }: { state: string }) => state), [
      ...["running", "down", "running"],
    ]);
    assertEquals((await asked("&host=beta")).workloads.length, 1);
    const next = await asked("&cursor=beta:");
    assertEquals(next.workloads.map(({ id }: { id: string }) => id), ["beta:w1"]);
    // What was told up to then stays known; from then on nobody knows.
    await alpha.beat({
      past: {
        ...{ watching: { from: ago(60), to: ago(15) }, after: 0, watched: [] },
        forgottenUntil: null,
      },
    });
    await alpha.fallSilent();
    const [shop] = (await asked("&host=alpha")).workloads;
    assertEquals(timesOf(shop), [35, 10, 15]);
    const then = (await hub.ask(`/api/containers?at=${ago(5)}&host=alpha`)).json;
    assertEquals([then.watched, then.asOf], [false, ago(15)]);
    assertEquals(rowsOf({ json: then }), ["alpha:a running nginx:2"]);
  }));

Deno.test("GET /api/history of a hub tells what happened on all hosts, in one order", () =>
  atHub(async ({ hub, alpha, ago }) => {
    const asked = async (query: string) => (await hub.ask(`/api/history?${query}`)).json;
    const shown = (page: { items: Record<string, unknown>[] }) =>
      page.items.map(({ host, what, row, to }) => [host, what, row, to].filter(Boolean).join(" "));
    const all = await asked("");
    assertEquals(shown(all), [
      "alpha watch-began",
      "alpha transition alpha:a running",
      "alpha transition alpha:gone running",
      "beta transition beta:a running",
      "alpha transition alpha:a stopped",
      "alpha problem-opened alpha:a",
      "alpha transition alpha:a running",
      "alpha problem-closed alpha:a",
      "alpha transition alpha:gone removed",
    ]);
    assertEquals(all.items[2].workload, { id: "alpha:w9", name: "old", kind: "project" });
    assertEquals(all.items[5].workload, { id: "alpha:w1", name: "shop", kind: "project" });
    assertEquals(shown(await asked("host=beta")), ["beta transition beta:a running"]);
    assertEquals(shown(await asked("workload=shop&limit=3")), shown(all).slice(-4, -1));
    assertEquals(shown(await asked("workload=alpha:w9")), [
      "alpha transition alpha:gone running",
      "alpha transition alpha:gone removed",
    ]);
    assertEquals(shown(await asked("row=beta:a")), ["beta transition beta:a running"]);
    assertEquals(shown(await asked(`from=${ago(42)}&until=${ago(35)}`)), [
      "alpha transition alpha:a stopped",
      "alpha problem-opened alpha:a",
    ]);
    for (const wrong of ["row=alpha:none", "row=a", "workload=none", "host=gamma", "before=x"]) {
      const { status } = await hub.ask(`/api/history?${wrong}`);
      assertEquals(status, 422, wrong);
    }
    // That a host is not heard of is one of the things that happened.
    await alpha.fallSilent();
    await hub.sql`UPDATE tinyforge.hosts SET silent_at = now(), silent_since = heard_at
      WHERE name = 'alpha'`;
    const last = (await asked("")).items.at(-1);
    assertEquals([last.host, last.what, last.problem.kind], [
      ...["alpha", "problem-opened", "host-unknown"],
    ]);
    const { json } = await hub.ask("/openapi.json");
    assertStringIncludes(JSON.stringify(Object.keys(json.paths)), "/api/availability");
  }));

Deno.test("GET /api/history of a hub parts what happened at one moment into pages, nothing before it left out", async () => {
  await using hub = await startHub(await cluster.newDatabase());
  const now = Date.now() - MINUTE;
  const at = new Date(now).toISOString();
  const hourAgo = new Date(now - 60 * MINUTE).toISOString();
  for (const name of ["a", "b", "c", "d", "e"]) {
    const host = await sayingHost(hub.sql, name);
    await host.snapshot([]);
    await host.batch([], {
      transitionsAfter: 0,
      transitions: [1, 2].map((seq) => toldChange(() => at, seq, 0, { rowId: `r${seq}` })),
      problems: [
        ...["x", "y"].map((key) => toldCrash({ key, openedAt: now, ...recovered(now) })),
        // Older than all that happened at that moment, and not over.
        toldCrash({ key: "z", openedAt: now - 60 * MINUTE }),
      ],
      problemsGone: [],
    });
    const watched = [{ seq: 1, from: hourAgo, to: hourAgo }, { seq: 2, from: at, to: at }];
    await host.beat({ past: { watching: null, after: 0, watched, forgottenUntil: null } });
  }
  const page = async (limit: number, before: string | null) =>
    (await hub.ask(`/api/history?limit=${limit}${before === null ? "" : `&before=${before}`}`))
      .json;
  const { items: all } = await page(1000, null);
  assertEquals(all.length, 5 * (2 + 2 * 2 + 1 + 2 * 2));
  for (const limit of [1, 3, 7]) {
    const found = [];
    for (let before = null, more = true; more;) {
      const told = await page(limit, before);
      found.unshift(...told.items);
      before = told.before;
      more = before !== null;
    }
    assertEquals(found, all, `${limit} at once`);
  }
});

Deno.test("GET /api/history of a hub means every workload of a name, or says that they are too many", () =>
  atHub(async ({ hub, alpha, beta, ago }) => {
    await beta.batch([], {
      ...{ workloads: [toldWorkload("w1", "many")], transitionsAfter: 1 },
      transitions: [toldChange(ago, 2, 5)],
    });
    const add = (from: number, to: number) =>
      hub.sql`INSERT INTO tinyforge.workloads (host_id, id, kind, name, body, hash)
        SELECT ${alpha.id}, 'm-' || n, 'project', 'many', '{}', ''
        FROM generate_series(${from}::integer, ${to}::integer) AS n`;
    await add(1, 1500);
    const asked = (query: string) => hub.ask(`/api/history?workload=many${query}`);
    assertEquals((await asked("")).json.items.map(({ row }: { row: string }) => row), [
      ...["beta:a", "beta:a"],
    ]);
    await add(1501, 20_000);
    const { status, json } = await asked("");
    assertEquals(status, 422);
    assertStringIncludes(json.detail, "name a host");
    assertEquals((await asked("&host=beta")).json.items.length, 2);
  }));

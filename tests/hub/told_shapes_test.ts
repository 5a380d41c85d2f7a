/** What hosts tell in shapes that nobody knows: a version that knows more, or a lie. @module */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { evidenceText, remedyText } from "../../src/cli/problem_words.ts";
import { Failure } from "../../src/failure.ts";
import { hubProblem } from "../../src/hub/hub_problem.ts";
import { hubRow } from "../../src/hub/row.ts";
import { problemOf } from "../../src/hub/told_shapes.ts";
import { noticeOf } from "../../src/notify/notice.ts";
import { toldProblem as problemToTell } from "../../src/notify/told_problem.ts";
import { wholeText, wordsOf } from "../../src/notify/texts.ts";
import { shownProblems } from "../../src/server/problem_views.ts";
import { openTestDatabase, sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { sayingHost, startHub, toldWorkload } from "./hubs.ts";
import { shownRow } from "./rows.ts";
import { channelTo, fresh, Inbox, looked, notifierOf, quietHost } from "./telling.ts";
import { happening, toldProblem } from "./things.ts";

const cluster = sharedCluster();

/** Of a problem that a host of another version, or a liar, may tell. */
const ODD_PROBLEMS: readonly Record<string, unknown>[] = [
  { do: {} },
  { do: { code: "of-a-later-version", what: [1] } },
  { do: { code: "remove" } },
  { do: { code: "mend-labels", containers: "all" } },
  { do: { code: "constructor" } },
  { do: { code: "explain", rowId: { a: 1 } } },
  { evidence: { containers: "x" } },
  { evidence: { containers: [null] } },
  { evidence: { inspected: null } },
  { evidence: { inspected: { error: 7, healthOutput: [] } } },
  { evidence: { machines: { length: 1 } } },
  { evidence: { heardAt: 9e15 } },
  { evidence: { error: {}, found: [], reason: 0, state: [], health: {}, count: "many" } },
  { batch: "of-a-later-version" },
  { outcome: "of-a-later-version", status: "closed", closedAt: 62_000 },
  { containerName: null, since: null },
  { openedAt: null },
  { kind: "of-a-later-version" },
  { kind: "__proto__" },
];

const ODD_ORIGINS: readonly unknown[] = [
  {},
  { by: "deployer", who: 7, action: "created" },
  { by: "deployer", who: null, action: "created", entry: {} },
  { by: "event" },
  { by: "listing", at: "yesterday" },
  { by: "prose", text: [] },
  { by: "of-a-later-version", at: 1 },
];

const READ = [
  ...["/api/problems", "/api/problems?all=true", "/api/history", "/api/transitions", "/api/check"],
  ...["/api/containers", "/api/containers/liar:a/transitions", "/api/workloads", "/api/index"],
  ...["/api/availability", "/api/containers?at=2026-01-01T00:00:10Z", "/api/hosts", "/metrics"],
];

Deno.test("what a host tells in a shape that nobody knows keeps nobody from what others tell", async () => {
  await using hub = await startHub(await cluster.newDatabase());
  const honest = await sayingHost(hub.sql, "honest");
  const liar = await sayingHost(hub.sql, "liar");
  for (const host of [honest, liar]) {
    await host.snapshot([shownRow("a")]);
    await host.batch([], { workloads: [toldWorkload("w", "shop")] });
    await host.beat();
  }
  const odd = { workloadKind: "of-a-later-version", state: "__proto__", health: "constructor" };
  await liar.batch([shownRow("b", odd), shownRow("c", { ...odd, state: "of-a-later-version" })]);
  await honest.batch([], {
    problems: [toldProblem()],
    transitionsAfter: 0,
    transitions: [happening(1)],
  });
  await liar.batch([], {
    problems: ODD_PROBLEMS.map((odd, i) => toldProblem({ key: `missing:${i}`, ...odd })),
    transitionsAfter: 0,
    transitions: ODD_ORIGINS.map((origin, i) => happening(i + 1, { origin })),
    workloads: [
      toldWorkload("w", "shop", [{ role: "web", mode: "of-a-later-version" }]),
      { ...toldWorkload("x", "shop"), kind: "of-a-later-version" },
      { ...toldWorkload("y", "shop"), kind: "__proto__" },
    ],
  });
  for (const path of READ) {
    const { status, json } = await hub.ask(path);
    assertEquals(status, 200, `${path}: ${JSON.stringify(json)}`);
  }
  const { json: metrics } = await hub.ask("/metrics");
  assertMatch(metrics, /^tinyforge_hub_up 1$/m);
  assertMatch(metrics, /^tinyforge_host_rows\{host="honest",state="running"\} 1$/m);
  assertMatch(metrics, /^tinyforge_host_rows\{host="liar",state="other"\} 2$/m);
  assertMatch(metrics, /^tinyforge_problems\{kind="other",severity="high"\} 2$/m);
  const { json: { problems } } = await hub.ask("/api/problems?all=true");
  const of = (name: string) => problems.filter(({ host }: { host: string }) => host === name);
  assertEquals(of("liar").length, ODD_PROBLEMS.length);
  // What is known is shown as it was told.
  assertEquals(of("honest")[0].do, { code: "bring-back", workloadId: "w", rowId: "a" });
  assertEquals(of("honest")[0].evidence, { state: "missing" });
  const { json: history } = await hub.ask("/api/history?host=honest");
  const [change] = history.items.filter(({ what }: { what: string }) => what === "transition");
  assertEquals(change.origin, { by: "listing", at: "2026-01-01T00:00:00.000Z" });
});

Deno.test("people are told of a problem in a shape that nobody knows, and of all others", async () => {
  await using database = await openTestDatabase(cluster);
  const { sql } = database;
  await using inbox = new Inbox();
  await channelTo(sql, inbox);
  const [alpha, liar] = [await quietHost(sql, "alpha"), await quietHost(sql, "liar")];
  await using _hub = notifierOf(sql);
  await looked(sql);
  await liar.batch([], { problems: [fresh({ do: { code: "remove" } })] });
  await until("the odd one is told", () => inbox.told.length === 1);
  await alpha.batch([], {
    problems: [fresh({ evidence: { containers: "x", inspected: null }, do: {} })],
  });
  await until("and the next", () => inbox.told.length === 2);
  assertEquals(inbox.told.toSorted(), [
    "opened missing shop/web on alpha",
    "opened missing shop/web on liar",
  ]);
});

Deno.test("what another hand wrote over what a hub keeps is damage, told without quoting it", () => {
  for (const body of ["{bad", "null"]) {
    const error = assertThrows(() => problemOf(body, "nas"), Failure);
    assertEquals(error.code, "corrupt");
    assertEquals(error.message, "Cannot read the index: problems.body is not the JSON it was");
    assertEquals(error.cause, undefined);
  }
});

Deno.test("problemOf() makes of whatever is told what all that show it can put into words", () => {
  const odd = fc.record(
    { evidence: fc.object(), do: fc.object(), batch: fc.anything(), outcome: fc.anything() },
    { requiredKeys: [] },
  );
  const known = fc.constantFrom(...ODD_PROBLEMS);
  let shown = 0;
  fc.assert(fc.property(fc.oneof(odd, known), (changes) => {
    let body;
    try {
      ({ body } = hubProblem(JSON.parse(JSON.stringify(toldProblem(changes)))));
    } catch (error) {
      assert(error instanceof Failure && error.code === "invalid", String(error));
      return;
    }
    const problem = problemOf(body, "liar");
    const [view] = shownProblems([{ problem, workload: null }], { hosts: true });
    assertEquals([typeof evidenceText(view!), typeof remedyText(view!)], ["string", "string"]);
    const names = { workload: () => null, row: () => null, host: () => "liar" };
    const told = problemToTell(problem, { names, words: wordsOf("en") });
    const content = noticeOf("opened", told, { at: 70_000, host: "hub", path: null });
    const message = { id: "1", content, language: "en", timeZone: "UTC", baseUrl: null } as const;
    assertEquals(typeof wholeText(message).title, "string");
    shown++;
  }));
  assert(shown > 10, `${shown} were shown`);
});

Deno.test("hubRow() takes no time that is none, no address that is not a text, and no half of a character", () => {
  for (
    const changes of [
      { stateSince: "yesterday" },
      { healthSince: "2026-01-01" },
      { startedAt: "+012345-01-01T00:00:00.000Z" },
      { createdAtEngine: "2026-13-01T00:00:00Z" },
      { ownSeenAt: "" },
      { addresses: { bridge: {} } },
      { workloadId: "half \ud800" },
      { imageTag: "half \udc00" },
    ]
  ) {
    const field = Object.keys(changes)[0]!;
    assertThrows(() => hubRow(shownRow("a", changes)), Failure, `its ${field} is not what`);
  }
});

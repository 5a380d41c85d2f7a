/**
 * What happened, page after page: nothing twice and nothing left out, however much of it happened at
 * one moment.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readData } from "../../src/data.ts";
import type { NewAuditEntry } from "../../src/model/access.ts";
import type { HistoryEntry, HistoryPage } from "../../src/model/past.ts";
import type { HistoryQuery } from "../../src/model/past_port.ts";
import { aboutOf } from "../../src/safekeeping/about.ts";
import { Past } from "../../src/safekeeping/past.ts";
import { restoreBackup } from "../../src/safekeeping/restore.ts";
import { userText } from "../../src/system/peer.ts";
import { backUp, makeIndex, NOW, tempFolder } from "../harness/backups.ts";
import { problem } from "../harness/problems.ts";
import { pass, siteRow } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { failsWith } from "../harness/failures.ts";

const MINUTE = 60_000;

/** What an admin's token did. */
const did = (action: string, path: string, details: NewAuditEntry["details"] = {}) => ({
  ...{ who: "ci", via: "token", remote: "192.0.2.17" } as const,
  ...{ action, path, details },
});

/**
 * Twelve rows that all change at the same moments, at which problems open, containers end and
 * somebody changes something, too.
 */
async function eventful() {
  const temp = await tempStore();
  const { store } = temp;
  const sites = Array.from(
    { length: 12 },
    (_, i) => store.registry.create("site", { name: `site-${i}` }).entry.workloadId,
  );
  const begin = temp.now;
  const times = [0, 1, 2].map((minute) => begin + minute * MINUTE);
  for (const [i, ms] of times.entries()) {
    temp.now = ms;
    const state = i === 1 ? "stopped" : "running";
    const rows = sites.map((id) => siteRow(id, { state, containerId: `c-${id}` }));
    pass(store, rows, { at: new Date(ms).toISOString() });
    for (const id of sites.slice(0, 2)) {
      store.audit.add(did("PATCH /api/containers/{id}", `/api/containers/${id}:site`));
    }
  }
  store.hosts.watched.lost(new Date(times[2]!).toISOString());
  store.problems.write({
    put: sites.slice(0, 5).map((workloadId, i) =>
      problem({
        ...{ kind: "missing", do: { code: "deploy", workloadId, rowId: `${workloadId}:site` } },
        ...{ key: `missing/${workloadId}`, workloadId, rowId: `${workloadId}:site` },
        openedAt: times[1]!,
        closedAt: i < 3 ? times[2]! : null,
        status: i < 3 ? "closed" : "open",
        outcome: i < 3 ? "recovered" : null,
      })
    ),
    dropped: [],
    kept: null,
    deaths: new Map(
      sites.slice(0, 4).map((id) => [`${id}:site`, {
        count: 1,
        atLeast: false,
        gapAt: null,
        ring: [{
          at: times[1]!,
          exitCode: 1,
          ranSeconds: 60,
          how: "crash",
          containerId: `c-${id}`,
        }],
      }]),
    ),
    holds: new Map(),
  });
  temp.now += MINUTE;
  const past = new Past({ store, now: () => temp.now, isFresh: () => false });
  return { temp, past, sites, times };
}

Deno.test("Past.history() tells everything once, in pages of any size", async () => {
  const { temp, past } = await eventful();
  await using _ = temp;
  const { items: all, before: none } = await past.history({ audit: true, limit: 1000 });
  assertEquals(none, null);
  // Twelve rows at three times, five problems of which three are over, four ends, one watch, and
  // two changes by somebody at each time.
  assertEquals(all.length, 36 + 5 + 3 + 4 + 2 + 6);
  assertEquals(new Set(all.map(({ key }) => key)).size, all.length);
  assertEquals(all.map(({ at }) => at), all.map(({ at }) => at).sort());
  for (const limit of [1, 2, 3, 7, 12, 50]) {
    const pages: HistoryEntry[] = [];
    let before: string | null = null;
    do {
      const page: HistoryPage = await past.history({
        audit: true,
        limit,
        ...before !== null && { before },
      });
      assert(page.items.length <= limit);
      pages.unshift(...page.items);
      before = page.before;
    } while (before !== null);
    assertEquals(pages, all, `pages of ${limit}`);
  }
});

Deno.test("Past.history() tells what is asked for: a window, a workload, a row", async () => {
  const { temp, past, sites, times } = await eventful();
  await using _ = temp;
  const at = (i: number) => new Date(times[i]!).toISOString();
  const kinds = (items: readonly HistoryEntry[]) => items.map(({ what }) => what);
  const history = async (query: Partial<HistoryQuery>) =>
    (await past.history({ audit: true, limit: 100, ...query })).items;
  const of = await history({ workloadIds: [sites[0]!] });
  assertEquals(kinds(of), [
    "audit",
    "transition",
    "death",
    "audit",
    "transition",
    "problem-opened",
    "audit",
    "transition",
    "problem-closed",
  ]);
  assert(of.every(({ workload }) => workload?.name === "site-0"));
  assertEquals(await history({ rowId: `${sites[0]}:site` }), of);
  assertEquals(kinds(await history({ workloadIds: [sites[5]!] })), Array(3).fill("transition"));
  const window = await history({ from: at(1), until: at(2) });
  assert(window.every((entry) => entry.at === at(1)));
  assertEquals(window.length, 12 + 5 + 4 + 2);
  assertEquals(await history({ from: at(2), until: at(1) }), []);
  // Few entries or many: who they are of is told alike.
  assertEquals(await history({ limit: 1000 }), await history({}));
});

Deno.test("Past.history() calls what was wrong of a removed workload as it was called", async () => {
  const { temp, past, sites } = await eventful();
  await using _ = temp;
  const { registry } = temp.store;
  registry.remove("site", registry.named("site", "site-0")!.id, { force: true });
  const { items } = await past.history({ audit: false, limit: 1000 });
  const named = items.filter(({ workload }) => workload?.id === sites[0]);
  const kinds = new Set(named.map(({ what }) => what));
  assertEquals([kinds.has("problem-opened"), kinds.has("transition")], [true, true]);
  for (const { workload } of named) {
    assertEquals(workload, { id: sites[0]!, name: "site-0", kind: "site" });
  }
});

Deno.test("Past.history() tells who changed what only where that is asked for", async () => {
  const { temp, past, sites } = await eventful();
  await using _ = temp;
  const all = (await past.history({ audit: true, limit: 1000 })).items;
  const some = (await past.history({ audit: false, limit: 1000 })).items;
  assertEquals(some, all.filter(({ what }) => what !== "audit"));
  const { seq: __, at: ___, ...told } = temp.store.audit.newest({ before: null, limit: 1 })[0]!;
  const last = all.findLast(({ what }) => what === "audit")!;
  assertEquals([last.audit, last.row, last.role], [told, `${sites[1]}:site`, null]);
  assert(all.every(({ what, audit }) => (audit !== null) === (what === "audit")));
  const workloadId = sites[0]!;
  assertEquals(
    (await past.history({ audit: false, workloadIds: [workloadId], limit: 100 })).items,
    (await past.history({ audit: true, workloadIds: [workloadId], limit: 100 })).items
      .filter(({ what }) => what !== "audit"),
  );
});

Deno.test("Past.history() finds whose each change is, of those that say so", async () => {
  const { temp, past, sites } = await eventful();
  await using _ = temp;
  const [first, second] = sites as [string, string];
  const { audit, registry } = temp.store;
  const { id } = registry.named("site", "site-0")!;
  temp.now += MINUTE;
  const from = new Date(temp.now).toISOString();
  const changes: [NewAuditEntry, string | null, string | null][] = [
    [did("POST /api/sites", "/api/sites", { name: "site-0" }), null, null],
    [did("PATCH /api/sites/{id}", `/api/sites/${id}`), first, null],
    [did("POST /api/workloads/{id}/accept", `/api/workloads/${second}/accept`), second, null],
    [did("POST /api/silences", "/api/silences", { workloadId: first }), first, null],
    [did("PUT /api/containers/{id}", `/api/containers/${first}%3Asite`), first, `${first}:site`],
    [did("POST /api/containers/batch", "/api/containers/batch", { operations: 2 }), null, null],
    [did("DELETE /api/containers/{id}", "/api/containers/nobody"), null, null],
    [
      did("DELETE /api/instances/{project}/{stage}/{id}", `/api/instances/a/b/${second}:site`),
      second,
      `${second}:site`,
    ],
    [
      { ...did("POST /hooks/{secret}", "/hooks/{secret}"), via: "webhook", who: "site/site-1" },
      second,
      null,
    ],
    [did("PATCH /api/sites/{id}", "/api/sites/%"), null, null],
  ];
  for (const [entry] of changes) audit.add(entry);
  assertEquals(
    (await past.history({ audit: true, from, limit: 100 })).items.map((told) => [
      ...[told.audit?.path, told.workload?.id ?? null, told.row],
    ]),
    changes.map(([{ path }, workload, row]) => [path, workload, row]),
  );
  const paths = async (query: Partial<HistoryQuery>) =>
    (await past.history({ audit: true, from, limit: 100, ...query })).items
      .map(({ audit }) => audit?.path);
  const of = (workload: string) =>
    changes.filter(([, its]) => its === workload).map(([{ path }]) => path);
  assertEquals(await paths({ workloadIds: [first] }), of(first));
  assertEquals(await paths({ workloadIds: [second] }), of(second));
  assertEquals(await paths({ rowId: `${first}:site` }), [`/api/containers/${first}%3Asite`]);
  assertEquals(aboutOf(did("POST /api/containers", "/api/containers", { id: "api-1" })), {
    row: "api-1",
    workload: null,
  });
});

Deno.test("Past.history() tells everyone that the index was restored, and admins by whom", async () => {
  await using folder = await tempFolder();
  const dataDir = join(folder.path, "data");
  await makeIndex(dataDir, { name: "living" });
  const restores = [NOW, new Date(NOW.getTime() + 86_400_000)];
  for (const now of restores) {
    const { path } = await backUp(dataDir, folder.path, { now: new Date(now.getTime() - MINUTE) });
    const { readable } = await Deno.open(path);
    await restoreBackup(readable, { dataDir, identities: [], now });
  }
  const data = await readData(dataDir);
  const past = new Past({ store: data.store, now: () => NOW.getTime(), isFresh: () => false });
  const told = async (audit: boolean) =>
    (await past.history({ audit, limit: 100 })).items.map(({ at, what, detail, audit }) => ({
      ...{ at, what, detail, who: audit?.who ?? null },
    }));
  const expected = restores.map((now) => ({
    at: now.toISOString(),
    what: "restored" as const,
    detail: new Date(now.getTime() - MINUTE).toISOString(),
  }));
  assertEquals(await told(false), expected.map((each) => ({ ...each, who: null })));
  const who = userText(Deno.uid());
  assertEquals(await told(true), expected.map((each) => ({ ...each, who })));
  data.close();
});

Deno.test("Past.history() refuses a place that no page had", async () => {
  const { temp, past } = await eventful();
  await using _ = temp;
  for (const before of ["", "x", "2026-01-01T00:00:00.000Z", "2026-01-01.1.1", "'; DROP TABLE"]) {
    await failsWith("invalid", () => past.history({ audit: true, before, limit: 1 }));
  }
});

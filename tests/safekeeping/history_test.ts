/**
 * What happened, page after page: nothing twice and nothing left out, however much of it happened at
 * one moment.
 */

import { assert, assertEquals } from "@std/assert";
import type { HistoryEntry } from "../../src/model/past.ts";
import { Past } from "../../src/safekeeping/past.ts";
import { problem } from "../harness/problems.ts";
import { pass, siteRow } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { failsWith } from "../harness/failures.ts";

const MINUTE = 60_000;

/** Twelve rows that all change at the same moments, at which problems open and containers end, too. */
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
  const { items: all, before: none } = past.history({ limit: 1000 });
  assertEquals(none, null);
  // Twelve rows at three times, five problems of which three are over, four ends, one watch.
  assertEquals(all.length, 36 + 5 + 3 + 4 + 2);
  assertEquals(new Set(all.map(({ key }) => key)).size, all.length);
  assertEquals(all.map(({ at }) => at), all.map(({ at }) => at).sort());
  for (const limit of [1, 2, 3, 7, 12, 50]) {
    const pages: HistoryEntry[] = [];
    let before: string | null = null;
    do {
      const page = past.history({ limit, ...before !== null && { before } });
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
  const of = past.history({ workloadId: sites[0]!, limit: 100 }).items;
  assertEquals(kinds(of), [
    "transition",
    "death",
    "transition",
    "problem-opened",
    "transition",
    "problem-closed",
  ]);
  assert(of.every(({ workload }) => workload?.name === "site-0"));
  assertEquals(past.history({ rowId: `${sites[0]}:site`, limit: 100 }).items, of);
  const window = past.history({ from: at(1), until: at(2), limit: 100 }).items;
  assert(window.every((entry) => entry.at === at(1)));
  assertEquals(window.length, 12 + 5 + 4);
  assertEquals(past.history({ from: at(2), until: at(1), limit: 100 }).items, []);
  // Few entries or many: who they are of is told alike.
  assertEquals(past.history({ limit: 1000 }).items, past.history({ limit: 100 }).items);
});

Deno.test("Past.history() refuses a place that no page had", async () => {
  const { temp, past } = await eventful();
  await using _ = temp;
  for (const before of ["", "x", "2026-01-01T00:00:00.000Z", "2026-01-01.1.1", "'; DROP TABLE"]) {
    await failsWith("invalid", () => past.history({ before, limit: 1 }));
  }
});

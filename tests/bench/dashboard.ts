/**
 * The dashboard in a browser with an index of 10,000 rows: how soon rows are there, how soon a change
 * is, what it takes in memory, and whether it stays usable while a thousand rows change a second.
 *
 * @module
 */

import type { Page } from "playwright-core";
import { buildWeb } from "../../src/dev/web.ts";
import type { IndexRow } from "../../src/model/container.ts";
import { observed, passWrites } from "../harness/temp_server.ts";
import { CHROMIUM, launch } from "../browser/chromium.ts";
import { type Dashboard, dashboard } from "../browser/dashboard.ts";
import { type Bench, type Figure, median, percentile } from "./figure.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [
  { name: "dashboard", missing: chromiumMissing, run },
];

const ROWS = 10_000;
const PER_WORKLOAD = 10;
const OPENINGS = 5;
const CHANGES = 100;
const STORM_MS = 10_000;
const STORM_ROWS_PER_SECOND = 1000;

async function chromiumMissing(): Promise<string | null> {
  const there = await Deno.stat(CHROMIUM).then(() => true, () => false);
  return there ? null : "no chromium here";
}

/** Notes when the first row is there, and when each change of a marked row is. */
const WATCH = `
  globalThis.firstRowAt = null;
  globalThis.seen = {};
  new MutationObserver(() => {
    if (firstRowAt === null && document.querySelector("tbody tr[data-row]")) {
      requestAnimationFrame(() => firstRowAt ??= performance.now());
    }
    const row = document.querySelector("tbody tr[data-row]");
    const text = row?.querySelector(".state")?.textContent;
    if (text && !(text in seen)) {
      requestAnimationFrame(() => seen[text] = performance.timeOrigin + performance.now());
    }
  }).observe(document, { childList: true, subtree: true, characterData: true });
`;

async function run(): Promise<Figure[]> {
  const { bytes } = await buildWeb({ always: true });
  const browser = await launch();
  try {
    await using board = await dashboard(browser);
    const rows = fill(board);
    const first: number[] = [];
    for (let i = 0; i < OPENINGS; i++) {
      await using opened = await board.open("/");
      const { page } = opened;
      await page.addInitScript(WATCH);
      await page.goto(`${board.origin}/containers`);
      first.push(await firstRowAfterPage(page));
    }
    await using opened = await board.open("/");
    const { page } = opened;
    await page.addInitScript(WATCH);
    await page.goto(`${board.origin}/containers`);
    await page.getByText("10,000 containers").first().waitFor();
    const heap = await heapOf(page);
    const screen = await changesOnScreen(page, board, rows[0]!);
    const storm = await stormOn(page, board, rows);
    const heapAfter = await heapOf(page);
    return [
      {
        row: "dashboard, first load with gzip",
        measured: bytes / 1000,
        unit: "kB",
        target: 60,
        bound: "most",
      },
      {
        row: "dashboard, 10,000 rows, first rows after the page",
        measured: median(first),
        unit: "ms",
        target: 300,
        bound: "most",
        note: `of ${OPENINGS}, at most ${Math.max(...first).toFixed(0)} ms`,
      },
      {
        row: "dashboard, 10,000 rows, commit → on screen p99",
        measured: percentile(screen, 99),
        unit: "ms",
        target: 100,
        bound: "most",
        note: `p50 ${median(screen).toFixed(1)} ms, of ${screen.length}`,
      },
      {
        row: "dashboard, 10,000 rows, heap",
        measured: Math.max(heap, heapAfter) / 1e6,
        unit: "MB",
        target: 30,
        bound: "most",
        note: `${(heapAfter / 1e6).toFixed(1)} MB after the changes`,
      },
      {
        row: "dashboard, 1,000 changes/s, longest time between two frames",
        measured: storm.longest,
        unit: "ms",
        target: null,
        bound: "most",
        note: `p99 ${storm.p99.toFixed(0)} ms; ${storm.wrong} rows wrong at the end`,
      },
    ];
  } finally {
    await browser.close();
  }
}

function fill({ server: { store } }: Dashboard): IndexRow[] {
  const rows: IndexRow[] = [];
  for (let i = 0; i < ROWS / PER_WORKLOAD; i++) {
    const { entry } = store.registry.create("stack", {
      name: `stack-${i}`,
      composeProjectName: `stack-${i}`,
    });
    for (let j = 0; j < PER_WORKLOAD; j++) {
      rows.push(observed({
        id: `${entry.workloadId}:service-${j}`,
        workloadId: entry.workloadId,
        workloadKind: "stack",
        role: `service-${j}`,
        containerId: crypto.getRandomValues(new Uint8Array(32)).toHex(),
        containerName: `stack-${i}-service-${j}-1`,
        imageRef: `registry.example/team/service-${j}:2026.11.${i % 30}`,
        imageId: `sha256:${crypto.getRandomValues(new Uint8Array(32)).toHex()}`,
        health: j % 2 === 0 ? "healthy" : null,
        addresses: JSON.stringify({ [`stack-${i}_default`]: `172.20.${i % 250}.${j + 2}` }),
      }));
    }
  }
  passWrites(store, rows, { at: new Date().toISOString() });
  return rows;
}

/** Milliseconds from the page's arrival to the frame with its first rows. */
async function firstRowAfterPage(page: Page): Promise<number> {
  for (;;) {
    const at = await page.evaluate(
      "firstRowAt && firstRowAt - performance.getEntriesByType('navigation')[0].responseEnd",
    ) as number | null;
    if (at !== null) return at;
  }
}

async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

/** Milliseconds from a commit to the frame that shows it. */
async function changesOnScreen(
  page: Page,
  { server: { store } }: Dashboard,
  row: IndexRow,
): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < CHANGES; i++) {
    const state = `state-${i}`;
    passWrites(store, [{ ...row, state, health: null }], {
      at: new Date().toISOString(),
      op: "update",
    });
    const committed = performance.timeOrigin + performance.now();
    let seen: number | undefined;
    while (seen === undefined) {
      seen = await page.evaluate(`seen[${JSON.stringify(state)}]`) as number | undefined;
    }
    took.push(seen - committed);
  }
  return took;
}

/** A thousand rows change each second, all over the index; somebody scrolls and looks on. */
async function stormOn(
  page: Page,
  { server: { store } }: Dashboard,
  rows: readonly IndexRow[],
): Promise<{ longest: number; p99: number; wrong: number }> {
  await page.evaluate(`{
    globalThis.gaps = [];
    let last = performance.now();
    const frame = (at) => { gaps.push(at - last); last = at; requestAnimationFrame(frame); };
    requestAnimationFrame((at) => { last = at; requestAnimationFrame(frame); });
  }`);
  const end = performance.now() + STORM_MS;
  const EACH = 20;
  let at = 0;
  for (let turn = 0; performance.now() < end; turn++) {
    const changed = Array.from({ length: EACH }, () => {
      const row = rows[at++ % rows.length]!;
      return { ...row, state: turn % 2 === 0 ? "paused" : "running", health: null };
    });
    passWrites(store, changed, { at: new Date().toISOString(), op: "update" });
    await new Promise((resolve) => setTimeout(resolve, 1000 / (STORM_ROWS_PER_SECOND / EACH)));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  const gaps = await page.evaluate("gaps") as number[];
  // What is shown is what is kept.
  const shown = await page.evaluate(
    `[...document.querySelectorAll("tbody tr[data-row]")].map((row) =>
      [row.dataset.row, row.querySelector(".state").textContent])`,
  ) as [string, string][];
  const index = store.containers.index();
  const wrong = shown.filter(([id, state]) => index.row(id)?.state !== state).length;
  return { longest: Math.max(...gaps), p99: percentile(gaps, 99), wrong };
}

/**
 * The daemon as a process, held against simulated Engines.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { openStore } from "../../src/store/store.ts";
import { TestHost } from "../harness/program.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { SimEngine } from "../engines/crowd.ts";
import { until } from "../harness/until.ts";
import { Asker } from "./asker.ts";
import { type Bench, type Figure, median, percentile } from "./figure.ts";
import { register } from "./world.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [
  { name: "burst", run: burst },
  { name: "idle", run: idle },
  { name: "memory", missing: binaryMissing, run: memory },
  { name: "api", missing: binaryMissing, run: api },
  { name: "start", missing: binaryMissing, run: start },
];

const pause = (ms: number) => SYSTEM_CLOCK.sleep(ms, new AbortController().signal);

/** A host whose index knows the workloads of a simulated Engine, and that Engine. */
interface Site extends AsyncDisposable {
  readonly host: TestHost;
  readonly engine: SimEngine;
}

async function site(containers: number): Promise<Site> {
  const engine = await SimEngine.start({ containers });
  const host = await TestHost.make();
  await host.seed(() => {});
  register(host.database, containers);
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "5m";
  return {
    host,
    engine,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** A daemon after its boot pass, with events flowing. */
async function daemonOn({ host }: Site, command?: Deno.Command): Promise<LivingDaemon> {
  const daemon = new LivingDaemon(host, command);
  await daemon.ready();
  await until("events flow", async () => (await daemon.status())?.events.up);
  return daemon;
}

/** Rows that say something else than the Engine. */
async function wrongRows(s: Site): Promise<number> {
  const truth = await s.engine.truth();
  return await s.host.read((store) =>
    store.views.list().filter(({ containerId, state }) =>
      containerId !== null && state !== truth.get(containerId)?.replace(/^exited$/, "stopped")
    ).length
  );
}

async function burst(): Promise<Figure[]> {
  await using s = await site(1000);
  await using _ = await daemonOn(s);
  await s.engine.resetStats();
  const asker = new Asker({
    socket: join(s.host.dataDir, "tinyforge.sock"),
    path: "/livez",
    pauseMs: 10,
  });
  await asker.started();
  await s.engine.burst({ events: 5000, containers: 1000 });
  // Reading all rows would take from the cores what the daemon needs now.
  await pause(1000);
  await until("every row is right", async () => await wrongRows(s) === 0);
  // Reads to be sure come a moment later, and are part of the cost.
  await pause(500);
  const answers = await asker.answers();
  const { requests } = await s.engine.stats();
  const asked = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const inspects = requests["inspect"] ?? 0;
  const wrong = await wrongRows(s);
  const row = "5,000 events at once over 1,000 containers";
  return [
    { row: `${row}: wrong rows`, measured: wrong, unit: "rows", target: 0, bound: "most" },
    {
      row: `${row}: requests`,
      measured: asked,
      unit: "requests",
      target: 50,
      bound: "most",
      note: `${asked - inspects} listings, ${inspects} inspects`,
    },
    {
      row: `${row}: slowest /livez`,
      measured: Math.max(...answers),
      unit: "ms",
      target: 50,
      bound: "most",
      note: `p99 ${percentile(answers, 99).toFixed(1)} ms of ${answers.length}`,
    },
  ];
}

async function idle(): Promise<Figure[]> {
  await using s = await site(100);
  s.host.env["TINYFORGE_INTERVAL"] = "30s";
  await using daemon = await daemonOn(s);
  // After its start each container is inspected once, twenty a second, and half a minute later what
  // the start left behind is collected, which takes once as long as idling for a minute and a half.
  await pause(40_000);
  await s.engine.resetStats();
  const cpu = () => daemon.metric("process_cpu_seconds_total");
  const [begin, used] = [performance.now(), await cpu()];
  await pause(61_000);
  const share = 100 * (await cpu() - used) / ((performance.now() - begin) / 1000);
  const { requests } = await s.engine.stats();
  return [
    {
      row: "idle, 100 containers: listings in two intervals",
      measured: requests["list"] ?? 0,
      unit: "listings",
      target: 2,
      bound: "most",
    },
    {
      row: "idle: inspects and other questions about Engine or containers",
      measured: ["unknown", "list_ids", "info", "inspect"].reduce(
        (n, kind) => n + (requests[kind] ?? 0),
        0,
      ),
      unit: "requests",
      target: 0,
      bound: "most",
    },
    {
      row: "idle: share of a core",
      measured: share,
      unit: "%",
      target: 0.2,
      bound: "most",
      note: "over 61 s, with two scrapes",
    },
  ];
}

async function memory(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [containers, target] of [[1000, 100], [10_000, 145]] as const) {
    await using s = await site(containers);
    // A run from the sources has what reads and translates them in memory as well.
    await using daemon = await daemonOn(s, binary(s, ["reconcile"], "piped"));
    const passes = passesOf(s, daemon);
    const at50 = await passes(50);
    figures.push({
      row: `memory after 50 passes at ${containers}`,
      measured: at50,
      unit: "MB",
      target,
      bound: "most",
    });
    // Before that the process still warms up, and the listings are told in other words little by
    // little: a container changes before each of half of the passes. What is old is collected every
    // few hundred passes: a sample is as long as the way from one time to the next.
    const at500 = await passes(225) && await passes(225, { changes: true, last: 225 });
    const at2000 = await passes(750) && await passes(750, { changes: true, last: 225 });
    figures.push({
      row: `memory growth from pass 500 to pass 2,000 at ${containers}`,
      measured: 100 * (at2000 / at500 - 1),
      unit: "%",
      target: 3,
      bound: "most",
      note: `${at50.toFixed(0)}, ${at500.toFixed(0)} and ${at2000.toFixed(0)} MB`,
    });
    figures.push(await memoryWatched(containers, target));
  }
  return figures;
}

/** What it takes while two people look at its dashboard, who read every row and each change. */
async function memoryWatched(containers: number, target: number): Promise<Figure> {
  await using s = await site(containers);
  await using daemon = await daemonOn(s, binary(s, ["reconcile"], "piped"));
  const closing = new AbortController();
  const feeds = await Promise.all([1, 2].map(async () => {
    for (const path of ["/", "/api/status", "/api/problems", "/api/workloads"]) {
      await (await daemon.send("GET", path)).body?.cancel();
    }
    const { body } = await daemon.send("GET", "/api/events");
    return body!.pipeTo(new WritableStream(), closing).catch(() => {});
  }));
  const measured = await passesOf(s, daemon)(50, { changes: true });
  closing.abort();
  await Promise.all(feeds);
  const row = `memory after 50 passes at ${containers}, two dashboards open`;
  return { row, measured, unit: "MB", target, bound: "most" };
}

/**
 * Has a daemon do so many passes; what it takes after each of the last so many, in the middle, MB.
 * `changes`: a container changes before each.
 */
function passesOf(
  { engine }: Site,
  daemon: LivingDaemon,
): (count: number, options?: { changes?: boolean; last?: number }) => Promise<number> {
  const rss = async () => await daemon.metric("process_resident_memory_bytes") / 1e6;
  return async (count, { changes = false, last = 10 } = {}) => {
    const containers = (await engine.stats()).containers;
    const samples: number[] = [];
    for (let i = 0; i < count; i++) {
      // Stopped before one pass and running again before the next: there is no more to know.
      const index = 17 * (i >> 1) % containers;
      const state = i % 2 === 0 ? "exited" : "running";
      if (changes) await engine.change({ indexes: [index], state, events: false });
      const { status } = await daemon.ask("POST", "/api/reconcile");
      if (status !== 200) throw new Error(`a pass answered ${status}`);
      if (i >= count - last) samples.push(await rss());
    }
    return median(samples);
  };
}

async function api(): Promise<Figure[]> {
  await using s = await site(11_200);
  await using daemon = await daemonOn(s);
  const rows = await s.host.read((store) => store.views.counts().reduce((n, c) => n + c.count, 0));
  if (rows < 10_000) throw new Error(`${rows} rows are not 10,000`);
  const http: number[] = [];
  for (let i = 0; i < 25; i++) {
    const begin = performance.now();
    const text = await (await daemon.send("GET", "/api/containers?limit=10000")).text();
    if (i >= 5) http.push(performance.now() - begin);
    if (!text.includes('"items":[{')) throw new Error(text.slice(0, 200));
  }
  const ps: number[] = [];
  for (let i = 0; i < 8; i++) {
    const begin = performance.now();
    const { code } = await binary(s, ["ps", "--json"], "piped").output();
    if (code !== 0) throw new Error(`ps ended with ${code}`);
    if (i >= 1) ps.push(performance.now() - begin);
  }
  return [
    {
      row: "10,000 rows through GET /api/containers",
      measured: median(http),
      unit: "ms",
      target: 45,
      bound: "most",
      note: `median of 20, max ${Math.max(...http).toFixed(0)} ms`,
    },
    {
      row: "ps --json of 10,000 rows, whole process",
      measured: median(ps),
      unit: "ms",
      target: 120,
      bound: "most",
      note: `median of 7, max ${Math.max(...ps).toFixed(0)} ms`,
    },
  ];
}

const BINARY = fromFileUrl(new URL("../../dist/tinyforge", import.meta.url));

async function binaryMissing(): Promise<string | null> {
  const info = await Deno.stat(BINARY).catch(() => null);
  return info === null ? "there is no dist/tinyforge; run `deno task compile`" : null;
}

/** What people run, on a host. */
function binary({ host }: Site, args: string[], output: "piped" | "null"): Deno.Command {
  const streams = { stdin: "null", stdout: output, stderr: output } as const;
  return new Deno.Command(BINARY, { args, clearEnv: true, env: host.env, ...streams });
}

async function start(): Promise<Figure[]> {
  const ms: number[] = [];
  for (let i = 0; i < 8; i++) {
    await using s = await site(100);
    const begin = performance.now();
    const process = binary(s, ["reconcile"], "null").spawn();
    try {
      using store = await openStore(join(s.host.dataDir, "tinyforge.db"), { readonly: true });
      while (store.hosts.local().lastPassAt === null) {
        if (performance.now() - begin > 20_000) throw new Error("no pass within 20 s");
        await pause(2);
      }
      // The first start also unpacks the SQLite library; hosts do that once.
      if (i >= 1) ms.push(performance.now() - begin);
    } finally {
      process.kill("SIGTERM");
      await process.status;
    }
  }
  const help: number[] = [];
  for (let i = 0; i < 11; i++) {
    const begin = performance.now();
    const { success } = await new Deno.Command(BINARY, { args: ["help"], stdout: "null" }).output();
    if (!success) throw new Error("help failed");
    if (i >= 1) help.push(performance.now() - begin);
  }
  return [
    {
      row: "binary, start → first pass committed, 100 containers",
      measured: median(ms),
      unit: "ms",
      target: 150,
      bound: "most",
      note: `median of 7, max ${Math.max(...ms).toFixed(0)} ms`,
    },
    {
      row: "binary, `tinyforge help`, whole process",
      measured: median(help),
      unit: "ms",
      target: 60,
      bound: "most",
      note: `median of 10, max ${Math.max(...help).toFixed(0)} ms`,
    },
    {
      row: "binary, size",
      measured: (await Deno.stat(BINARY)).size / 2 ** 20,
      unit: "MiB",
      target: 110,
      bound: "most",
    },
  ];
}

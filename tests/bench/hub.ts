/**
 * A hub with its PostgreSQL on this machine, and a thousand hosts of a thousand rows: what it takes
 * in, how soon who watches sees it, and how long a page takes. Hosts are messages that were written
 * and packed before, as a thousand machines would have; `HUB_HOSTS` of them.
 *
 * @module
 */

import { openDatabase } from "../../src/hub/database.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { startHub, type TestHub } from "../harness/hub.ts";
import { startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { shownRow } from "../hub/rows.ts";
import { happening } from "../hub/things.ts";
import { type Bench, type Figure, median, percentile } from "./figure.ts";
import { type Followed, followed, type Read, readWith } from "./hub_readers.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [{ name: "hub", run: manyHosts }];

const HOSTS = Number(Deno.env.get("HUB_HOSTS") ?? 1000);
const ROWS = 1000;
/** Below the number of large messages that a hub takes at once. */
const SENDERS = 16;
/** Changes go through connections that are held open, many at once. */
const CHANGERS = 48;
const CHANGES_SECONDS = 8;
const WATCHERS = 20;
const WATCHED_CHANGES = 400;
const PAGES = 30;

interface Host {
  readonly name: string;
  readonly secret: string;
  seq: number;
  happened: number;
}

async function manyHosts(): Promise<Figure[]> {
  await using cluster = await startCluster({ durable: true });
  const database = await cluster.newDatabase();
  await using hubHost = await TestHost.make();
  hubHost.env["TINYFORGE_LOG_LEVEL"] = "info";
  const hub = await startHub(hubHost, { database });
  const hosts = await admittedHosts(database);
  await each(hosts, SENDERS, (host) => say(hub, host, "/api/hello", helloOf(host)));
  const rows = HOSTS * ROWS;
  const all = rowsOf();

  const first = await packed(snapshot(1, all));
  const port = cluster.address.split(":")[1]!;
  const cores = () => coresOf(hub.running.process.pid, port);
  const before = await cores();
  const firstMs = await timed(() => each(hosts, SENDERS, (host) => ingest(hub, host, first, 1)));
  const afterFirst = await cores();
  const again = await packed(snapshot(2, all));
  const againMs = await timed(() => each(hosts, SENDERS, (host) => ingest(hub, host, again, 2)));
  const afterAgain = await cores();
  // What autovacuum does within a minute or two, and checkpoints every few.
  await cluster.ask("CHECKPOINT");
  await analyzed(database);

  const beforeChanges = await cores();
  const bare = await changed(hosts, (host, i) => change(hub, host, i));
  const afterChanges = await cores();
  const told = await changed(hosts, (host, i) => change(hub, host, i, { happened: true }));
  const afterTold = await cores();

  const read = await readWith(hub, hubHost);
  const lags = await watched(hub, hosts, read);
  const pages = await timesOfPages(read);
  const memory = await residentMb(hub);
  const bytes = Number(
    await cluster.ask(`SELECT pg_database_size('${new URL(database).pathname.slice(1)}')`),
  );
  const row = "hub, two cores with its PostgreSQL";
  const note = `${HOSTS} hosts × ${ROWS} rows`;
  return [
    {
      ...{ row: `${row}: first snapshots`, measured: rows / firstMs * 1000, unit: "rows/s" },
      ...{ target: 40_000, bound: "least", note: `${note}; ${spent(before, afterFirst)}` },
    },
    {
      ...{ row: `${row}: unchanged again`, measured: rows / againMs * 1000, unit: "rows/s" },
      ...{ target: 80_000, bound: "least", note: spent(afterFirst, afterAgain) },
    },
    {
      ...{ row: `${row}: one-row changes`, measured: bare.aSecond, unit: "/s" },
      ...{ target: 1000, bound: "least" },
      note: `${bare.count} of them; ${spent(beforeChanges, afterChanges)}`,
    },
    {
      ...{ row: `${row}: one-row changes, each with what happened`, measured: told.aSecond },
      ...{ unit: "/s", target: null, bound: "least" },
      note: `${told.count} of them; ${spent(afterChanges, afterTold)}`,
    },
    {
      ...{ row: `${row}: change → its live feed, p99`, measured: percentile(lags, 99), unit: "ms" },
      ...{ target: 300, bound: "most", note: `median ${median(lags).toFixed(1)} ms` },
    },
    ...pages.map(({ query, ms }): Figure => ({
      ...{ row: `${row}: page of 200 by ${query}`, measured: ms, unit: "ms" },
      ...{ target: 50, bound: "most" },
    })),
    {
      ...{ row: `${row}: memory of the hub`, measured: memory, unit: "MB" },
      ...{ target: null, bound: "most" },
    },
    {
      ...{ row: `${row}: database, a row`, measured: bytes / rows, unit: "bytes" },
      ...{ target: null, bound: "most", note: `${(bytes / 1e6).toFixed(0)} MB` },
    },
  ];
}

type Cores = Awaited<ReturnType<typeof coresOf>>;

function spent(before: Cores, after: Cores): string {
  const seconds = (of: keyof Cores) => (after[of] - before[of]).toFixed(1);
  return `${seconds("hub")} s of a core the hub, ${seconds("database")} s PostgreSQL, ` +
    `${seconds("hosts")} s the hosts`;
}

/** Changes of all hosts for a while: each again and again, in no order that a cache could know. */
async function changed(
  hosts: readonly Host[],
  act: (host: Host, i: number) => Promise<void>,
): Promise<{ count: number; aSecond: number }> {
  let count = 0;
  const end = performance.now() + CHANGES_SECONDS * 1000;
  const ms = await timed(() =>
    each(hosts, CHANGERS, async (host) => {
      while (performance.now() < end) {
        await act(host, count++);
        if (count % 7 === 0) break;
      }
    }, { until: () => performance.now() >= end })
  );
  return { count, aSecond: count / ms * 1000 };
}

async function analyzed(database: string): Promise<void> {
  const sql = await openDatabase(database, { connections: 1 });
  await sql`ANALYZE`;
  await sql.end();
}

/** From a change that is sent to its row at who follows, milliseconds, at a pace that leaves room. */
async function watched(hub: TestHub, hosts: readonly Host[], read: Read): Promise<number[]> {
  await using open = new AsyncDisposableStack();
  const watched = hosts.filter((_, i) => i % Math.ceil(hosts.length / WATCHERS) === 0);
  const feeds: Followed[] = [];
  for (const { name } of watched) feeds.push(open.use(await followed(read, name)));
  const lags: number[] = [];
  for (let i = 0; i < WATCHED_CHANGES; i++) {
    const host = watched[i % watched.length]!;
    const seen = feeds[i % watched.length]!.next();
    const sent = performance.now();
    await change(hub, host, 1_000_000 + i);
    await seen;
    lags.push(performance.now() - sent);
  }
  return lags;
}

async function timesOfPages(
  read: Read,
): Promise<{ query: string; ms: number }[]> {
  const found: { query: string; ms: number }[] = [];
  for (
    const query of [
      "state=running",
      "state=failed",
      "workload=shop-7",
      "kind=project&state=stopped",
      "host=host-0007&state=running",
    ]
  ) {
    const times: number[] = [];
    for (let i = 0; i < PAGES; i++) {
      const begun = performance.now();
      const response = await read(`/api/containers?limit=200&${query}`);
      await response.text();
      if (!response.ok) throw new Error(`${query}: ${response.status}`);
      times.push(performance.now() - begun);
    }
    found.push({ query, ms: median(times) });
  }
  return found;
}

async function admittedHosts(database: string): Promise<Host[]> {
  const sql = await openDatabase(database, { connections: 4 });
  try {
    const hosts: Host[] = [];
    for (let i = 0; i < HOSTS; i++) {
      const name = `host-${String(i).padStart(4, "0")}`;
      const { token } = await enroll(sql, name);
      hosts.push({ name, secret: (await admit(sql, token))!.secret, seq: 0, happened: 0 });
    }
    return hosts;
  } finally {
    await sql.end();
  }
}

function helloOf({ name }: Host): unknown {
  return {
    ...{ protocol: 1, epoch: "e", seq: 0, run: name, attempt: 1, version: "1", machine: name },
    transitionSeq: 0,
  };
}

/** As Docker makes them: nothing that packing makes shorter. */
const IDS: readonly string[] = Array.from(
  { length: ROWS },
  () => crypto.getRandomValues(new Uint8Array(32)).toHex(),
);

/** One in a hundred has failed, one in ten is stopped; a hundred workloads. */
function rowsOf(): unknown[] {
  return Array.from({ length: ROWS }, (_, i) => {
    const id = `row-${String(i).padStart(5, "0")}`;
    return shownRow(id, {
      workloadId: `w${i % 100}`,
      workloadName: `shop-${i % 100}`,
      containerName: `shop-${i % 100}-web-${i}`,
      imageId: `sha256:${IDS[i % 100]}`,
      containerId: IDS[i],
      state: i % 100 === 3 ? "failed" : i % 10 === 5 ? "stopped" : "running",
    });
  });
}

function snapshot(to: number, rows: readonly unknown[]): unknown {
  return { session: 1, epoch: "e", to, from: null, after: null, upTo: null, rows };
}

/** `happened`: with the transition that a host tells with it. */
async function change(
  hub: TestHub,
  host: Host,
  i: number,
  { happened = false } = {},
): Promise<void> {
  const from = host.seq;
  const rowId = `row-${String(i * 31 % ROWS).padStart(5, "0")}`;
  const rows = [shownRow(rowId, { workloadName: `shop-${i % 100}`, imageTag: String(i) })];
  const message = { session: 1, epoch: "e", from, to: from + 1, rows, gone: [] };
  const transitions = happened ? [happening(host.happened + 1, { rowId })] : [];
  const told = happened ? { ...message, transitionsAfter: host.happened, transitions } : message;
  await ingest(hub, host, JSON.stringify(told), from + 1);
  host.happened += transitions.length;
}

async function ingest(
  hub: TestHub,
  host: Host,
  body: string | Uint8Array<ArrayBuffer>,
  to: number,
): Promise<void> {
  const { result, seq } = await send(hub, host, "/api/ingest", body);
  if (result !== "ok" || seq !== to) throw new Error(`${host.name}: ${result} ${seq}`);
  host.seq = to;
}

async function say(hub: TestHub, host: Host, path: string, message: unknown): Promise<void> {
  const { result } = await send(hub, host, path, JSON.stringify(message));
  if (result !== "accepted") throw new Error(`${host.name}: ${result}`);
}

async function send(
  hub: TestHub,
  { secret }: Host,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<{ result?: string; seq?: number }> {
  const response = await fetch(hub.url + path, {
    method: "POST",
    body,
    headers: {
      authorization: `Bearer ${secret}`,
      ...(typeof body !== "string" && { "content-encoding": "gzip" }),
    },
  });
  return await response.json();
}

/** Does something for each host, `at` at once; over and over again where it has an end. */
async function each(
  hosts: readonly Host[],
  at: number,
  act: (host: Host) => Promise<void>,
  { until = null }: { until?: (() => boolean) | null } = {},
): Promise<void> {
  const waiting = [...hosts];
  await Promise.all(Array.from({ length: at }, async () => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      if (until?.()) return;
      await act(host);
      if (until !== null) waiting.push(host);
    }
  }));
}

async function timed(act: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

async function packed(message: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const text = new Blob([JSON.stringify(message)]);
  return await new Response(text.stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}

/** Seconds of a core that were taken so far: by a hub, the PostgreSQL at a port, and this process. */
async function coresOf(
  pid: number,
  port: string,
): Promise<{ hub: number; database: number; hosts: number }> {
  const lines = async (...args: string[]) => {
    const { stdout } = await new Deno.Command(args[0]!, { args: args.slice(1) }).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  const all = await lines("ps", "-ww", "-eo", "pid=,ppid=,args=");
  const [first] = all.find((line) => line.includes(`port=${port} `))!.trim().split(/\s+/);
  const servers = all.map((line) => line.trim().split(/\s+/))
    .filter(([, parent]) => parent === first).map(([server]) => server!);
  const secondsOf = async (pids: string[]) => {
    const stats = await lines("cat", ...pids.map((each) => `/proc/${each}/stat`));
    // The 14th and 15th field, of which the second may have spaces; a hundred a second.
    return stats.map((line) => line.slice(line.lastIndexOf(")") + 2).split(" "))
      .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) / 100, 0);
  };
  return {
    hub: await secondsOf([String(pid)]),
    database: await secondsOf([first!, ...servers]),
    hosts: await secondsOf([String(Deno.pid)]),
  };
}

async function residentMb({ running }: TestHub): Promise<number> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "rss=", "-p", String(running.process.pid)],
  }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}

/**
 * A hub as a program of its own, and hosts that speak to it over HTTP: daemons, or an index alone
 * with what tells a hub of it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../src/clock.ts";
import { Dialer, type LinkState } from "../../src/hub/dialer.ts";
import { HubClient } from "../../src/hub/hub_client.ts";
import { ROW_FIELDS } from "../../src/hub/row.ts";
import { Log } from "../../src/telemetry/log.ts";
import { freePort } from "./free_port.ts";
import type { Running, TestHost } from "./program.ts";
import type { TempStore } from "./temp_store.ts";
import { until } from "./until.ts";

/** A hub that runs. */
export interface TestHub {
  readonly url: string;
  readonly running: Running;
}

/** Starts a hub in the data directory of `host`. */
export async function startHub(
  host: TestHost,
  { database, port = freePort(), args = [] }: {
    database: string;
    port?: number;
    args?: readonly string[];
  },
): Promise<TestHub> {
  host.env["TINYFORGE_DATABASE"] = database;
  const running = host.start("hub", "--listen", `127.0.0.1:${port}`, ...args);
  await until("the hub is started", () => {
    assert(!running.stderr.includes("error:"), running.stderr);
    return running.stderr.includes("hub started");
  });
  return { url: `http://127.0.0.1:${port}`, running };
}

/** What a reader gets, with the hub's token. */
export async function readHub(hub: TestHub, host: TestHost, path: string): Promise<Response> {
  const token = (await Deno.readTextFile(`${host.dataDir}/token`)).trim();
  const response = await fetch(`${hub.url}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(response.status, 200, response.ok ? "" : await response.text());
  return response;
}

/** The same of a list. */
export async function hubItems(
  ...asked: Parameters<typeof readHub>
): Promise<Record<string, unknown>[]> {
  return (await (await readHub(...asked)).json()).items;
}

/** Rows of a host as a hub shows them, without what it has to say itself: as {@link rowsOf} has them. */
export async function hubRows(
  hub: TestHub,
  host: TestHost,
  name: string,
): Promise<Record<string, unknown>[]> {
  const rows = asTold(await hubItems(hub, host, `/api/containers?host=${name}&limit=1000`));
  const own = (id: unknown) => String(id).slice(`${name}:`.length);
  return rows.map((row) => ({ ...row, id: own(row.id), workloadId: own(row.workloadId) }));
}

/** What is to be typed on a host that is let in: `join`, the URL and the token. */
export async function enrolled(
  hubHost: TestHost,
  hub: TestHub,
  name: string,
): Promise<[join: string, url: string, token: string]> {
  const { stdout, code, stderr } = await hubHost.run("hub", "enroll", name, "--url", hub.url);
  assertEquals(code, 0, stderr);
  const words = stdout.trim().split(" ");
  assertEquals(words.slice(0, 3), ["tinyforge", "join", hub.url]);
  return words.slice(1) as [string, string, string];
}

/** The secret that a host gets for a new token. */
export async function admitted(hubHost: TestHost, hub: TestHub, name: string): Promise<string> {
  const [, url, token] = await enrolled(hubHost, hub, name);
  using client = new HubClient(url, { secret: null, ca: null });
  const { status, body } = await client.ask("/api/join", { token }, new AbortController().signal);
  assertEquals(status, 201);
  return (body as { secret: string }).secret;
}

/** How an index tells a hub. */
export interface TellingOptions {
  /** Where the hub is; several are taken in turn, after each failure the next. */
  readonly urls: readonly string[];
  /** As the hub gave it. */
  readonly secret: string;
  /** The system's by default. */
  readonly clock?: Clock;
  /** Whether nothing gets through now. */
  readonly isCut?: () => boolean;
  /** A hub that does not answer for so long is taken for gone, milliseconds. */
  readonly patienceMs?: number;
}

/** An index that tells a hub of itself, until it is disposed of. */
export interface Telling extends AsyncDisposable {
  readonly state: LinkState;
  /** Until the hub has all that there is. */
  settled(): Promise<void>;
}

/** Begins to tell a hub of an index, as a daemon does. */
export function tell({ store }: TempStore, options: TellingOptions): Telling {
  const { urls, secret, clock, isCut = () => false, patienceMs = null } = options;
  const clients = urls.map((url) => new HubClient(url, { secret, ca: null }));
  let turn = 0;
  const dialer = new Dialer({
    ...{ replica: store.replica, version: "1", machine: "m", isFresh: () => true },
    log: new Log({ level: "error", write: () => {} }),
    ...(clock !== undefined && { clock }),
    // The shortest of the waits that there can be.
    random: () => 0,
    ask: async (path, message, signal) => {
      if (isCut()) throw new TypeError("cut");
      const until = patienceMs === null
        ? signal
        : AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      try {
        return await clients[turn % clients.length]!.ask(path, message, until);
      } catch (error) {
        turn++;
        throw error;
      }
    },
  });
  const ending = new AbortController();
  const running = dialer.run(ending.signal);
  return {
    get state() {
      return dialer.state;
    },
    settled: async () => {
      await until("the hub has all", () => {
        const { up, behind, seq } = dialer.state;
        return up && behind === 0 && seq === store.replica.position().seq;
      }, { withinMs: 60_000 });
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
      for (const client of clients) client[Symbol.dispose]();
    },
  };
}

/** Rows as readers of the host are shown them; without what a hub says otherwise. */
export function rowsOf({ store }: TempStore): Record<string, unknown>[] {
  return store.replica.rows("all").map((row) => {
    const told = row as Record<string, unknown>;
    return Object.fromEntries(
      ROW_FIELDS.filter((field) => field !== "ownSeenAt" && field !== "confirmed")
        .map((field) => [field, told[field] ?? null]),
    );
  });
}

/** Rows of a host as a hub shows them, without what it has to say itself. */
export function asTold(rows: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.map(({ host: _, lastState: __, heardAt: ___, lastSeenAt: ____, ...row }) => row);
}

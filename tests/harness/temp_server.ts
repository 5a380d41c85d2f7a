/**
 * A server of a test's own: a real store, real sockets, in a directory that goes away with it.
 *
 * @module
 */

import { join } from "@std/path";
import { hintForError } from "../../src/cli/words.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import type { Config } from "../../src/config.ts";
import { assemble } from "../../src/daemon.ts";
import type { FeedOptions } from "../../src/feed.ts";
import { Log } from "../../src/telemetry/log.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import type { IndexRow } from "../../src/model/container.ts";
import type { Change, Dispatched, PassReport } from "../../src/model/pass.ts";
import type { DaemonStatus } from "../../src/model/views.ts";
import {
  type App,
  type AppOptions,
  type Listeners,
  serve,
  type ServeOptions,
  type ServerDeps,
  type TokenSource,
} from "../../src/server/server.ts";
import type { Written } from "../../src/model/written.ts";
import type { Store } from "../../src/store/store.ts";
import { CountedFeed } from "./counted_feed.ts";
import { container, row as rowOf } from "./world.ts";
import { testConfig } from "./config.ts";
import { tempStore } from "./temp_store.ts";

/** What a test may set up differently. */
export interface TempServerOptions extends AppOptions {
  /** Default: a pass that finds nothing. Null: no daemon. */
  reconcileNow?: ServerDeps["reconcileNow"];
  /** Of the daemon's status; the rest is {@link STATUS}. */
  status?: Partial<DaemonStatus>;
  /** Sizes of the feed. */
  feed?: FeedOptions;
  /** Of the configuration; the rest is as {@linkcode testConfig} has it. */
  config?: Partial<Config>;
  /** Called before the listeners open. */
  prepare?: (dir: string) => void;
  /** Where to listen over TCP. Default: 127.0.0.1, a free port. */
  listen?: { hostname: string; port: number };
  /** Default: loopback names. */
  allowedHosts?: readonly string[];
  /** Of the listeners; the rest is as below. */
  serve?: Partial<ServeOptions>;
}

/** A running server. */
export interface TempServer extends AsyncDisposable {
  readonly app: App;
  readonly store: Store;
  readonly feed: CountedFeed<Written>;
  readonly metrics: Metrics;
  readonly listeners: Listeners;
  readonly dir: string;
  readonly socketPath: string;
  readonly port: number;
  /** How often a pass was asked for. */
  passesRequested: number;
  /** What was logged, one line each. */
  readonly logged: string[];
  /** Moves the store's clock by so many milliseconds. */
  tick(milliseconds: number): void;
  /** Asks over the socket. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Asks over the socket with a JSON body. */
  send(method: string, path: string, body?: unknown): Promise<Response>;
  /** Asks over TCP with the token. */
  askTcp(path: string, init?: RequestInit): Promise<Response>;
}

/** The token of every test's server. */
export const TOKEN = "test-token-0123456789abcdefghijklmnopqrstuvwxyz";

/** A pass that found nothing. */
export const PASS: PassReport = {
  at: "2026-01-01T00:00:00.000Z",
  scope: "full",
  listed: 0,
  claimed: 0,
  inserted: 0,
  updated: 0,
  swept: 0,
  retired: 0,
  refused: [],
  unclaimed: [],
  contended: [],
  unmanaged: { count: 2, composeProjects: { other: 2 } },
  engineChanged: null,
  durationSeconds: 0.01,
};

/** A daemon that is well. */
export const STATUS: DaemonStatus = {
  pid: 4242,
  version: "1.2.3",
  startedAt: "2026-01-01T00:00:00.000Z",
  dataDir: "/var/lib/tinyforge",
  ready: true,
  index: { fresh: true, asOf: PASS.at, reason: null },
  engine: {
    host: "unix:///var/run/docker.sock",
    up: true,
    id: "ENGINE",
    changed: null,
    error: null,
  },
  events: { up: true, reconnects: 0 },
  tcp: { address: "127.0.0.1:7475", error: null },
  hub: null,
  intervalSeconds: 30,
  problemSettings: [],
  lastPass: PASS,
  lastError: null,
  counts: [],
};

/** What its passes made of containers without a row. */
const DISPATCHED: readonly Dispatched[] = [{
  containerId: "f".repeat(64),
  containerName: "forged",
  rowId: null,
  reason: "unknown-workload",
  label: "tinyforge.workload.id",
  value: "w-forged",
}];

/** Starts one. */
export async function tempServer(options: TempServerOptions = {}): Promise<TempServer> {
  const feed = new CountedFeed<Written>(options.feed);
  const temp = await tempStore({ feed });
  const { store, dir } = temp;
  const logged: string[] = [];
  const log = new Log({
    level: "debug",
    format: "json",
    hintFor: hintForError,
    write: (line) => void logged.push(new TextDecoder().decode(line)),
  });
  const data = { store, feed, close: () => store.close() };
  const { metrics, ...parts } = assemble(
    testConfig({ dataDir: temp.dir, ...options.config }),
    data,
    {
      log,
      version: "1.2.3",
      clock: { ...SYSTEM_CLOCK, now: () => temp.now },
    },
  );
  const server = { passesRequested: 0 } as TempServer;
  const app = await parts.app({
    status: () => ({ ...STATUS, ...options.status, counts: store.views.counts() }),
    readiness: () => ({ ...STATUS, ...options.status }),
    reconcileNow: options.reconcileNow === undefined
      ? () => Promise.resolve(PASS)
      : options.reconcileNow,
    dispatched: (reference) =>
      Promise.resolve(DISPATCHED.filter((one) => one.containerName === reference)),
    requestPass: () => void server.passesRequested++,
    listContainers: () => Promise.resolve([container({ id: "cafe".repeat(16), name: "cafe" })]),
    inspectContainer: () => Promise.resolve(null),
  }, options);
  const socketPath = join(dir, "tinyforge.sock");
  options.prepare?.(dir);
  const listeners = await serve(app, {
    socketPath,
    listen: options.listen ?? { hostname: "127.0.0.1", port: 0 },
    token: fixedToken(TOKEN),
    allowedHosts: options.allowedHosts ?? ["localhost", "127.0.0.1", "::1"],
    log,
    connections: { tcp: 512, socket: 384 },
    ...options.serve,
  });
  const port = listeners.tcpAddress?.port ?? 0;
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socketPath } });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1${path}`, { ...init, client });
  return Object.assign(server, {
    app,
    store,
    feed,
    metrics,
    listeners,
    dir,
    socketPath,
    port,
    logged,
    tick: (milliseconds: number) => void (temp.now += milliseconds),
    ask,
    send: (method: string, path: string, body?: unknown) =>
      ask(path, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
      }),
    askTcp: (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
      }),
    async [Symbol.asyncDispose]() {
      await listeners.shutdown({ deadlineMs: 1000 });
      client.close();
      await parts.close();
      await temp[Symbol.asyncDispose]();
    },
  });
}

/** A token that nobody replaces. */
export function fixedToken(token: string): TokenSource {
  return { token, refresh: () => Promise.resolve() };
}

/** A row as a pass would insert it. */
export function observed(row: Partial<IndexRow> & Pick<IndexRow, "id" | "workloadId">): IndexRow {
  return rowOf({
    role: "web",
    containerId: `container-${row.id}`,
    containerName: `name-${row.id}`,
    imageRef: "registry.example/app:1",
    port: 8080,
    createdAtEngine: 1_760_000_000,
    ...row,
  });
}

/** Writes rows as a pass does. */
export function passWrites(
  store: Store,
  rows: readonly IndexRow[],
  options: { at: string; op?: "insert" | "update" },
): void {
  const op = options.op ?? "insert";
  const changes = rows.map((row): Change => ({
    op,
    row,
    from: op === "insert" ? null : store.containers.index().row(row.id)?.state ?? null,
  }));
  store.containers.reconcileContainers(changes, {
    at: options.at,
    cause: "pass",
    found: {
      listed: rows.length,
      claimed: rows.length,
      refused: [],
      unclaimed: [],
      unmanaged: { count: 0, composeProjects: {} },
    },
  });
}

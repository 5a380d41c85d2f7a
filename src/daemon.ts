/**
 * The composition root: the only place that constructs components and knows how they fit. Opened
 * in the order lock, store, listeners, reconciler; closed in reverse. Decides nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import { type Clock, SYSTEM_CLOCK, timestamp } from "./clock.ts";
import type { Config } from "./config.ts";
import { DockerClient } from "./docker/client.ts";
import { Failure, isFailure } from "./failure.ts";
import { Feed } from "./feed.ts";
import { DATABASE, SOCKET } from "./system/files.ts";
import { acquireLock, type Lock } from "./lock/lock.ts";
import { descriptorLimit, isSignalIgnored } from "./system/libc.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import type { PassReport } from "./model/pass.ts";
import type { DaemonStatus } from "./model/views.ts";
import { Loop } from "./reconcile/loop.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import { removeOtherLibraries, sqliteLibrary } from "./store/library.ts";
import type { Written } from "./model/written.ts";
import { openStore, type Store } from "./store/store.ts";
import { aborted, announce, onSignals, watchLock } from "./supervision.ts";
import type { Listeners, TokenFile } from "./server/server.ts";
import { inheritedSocket, ServiceManager } from "./system/systemd.ts";
import { quotePath } from "./text.ts";

/** What the caller of this module brings. */
export interface DaemonOptions {
  /** Where it is said. */
  log: Log;
  /** The program's version. */
  version: string;
  /** The time; the system's by default. */
  clock?: Clock;
  /** Is told of what is written. */
  feed?: Feed<Written>;
}

const SHUTDOWN_DEADLINE_MS = 5000;

const SIGHUP = 1;

/** A pass of `--once` may take as long as the Engine's client waits for an answer. */
const LOCK_PATIENCE_MS = 12_000;
const LOCK_RETRY_MS = 50;

/**
 * How long a write waits for another process's lock. Nothing else turns meanwhile: no probe is
 * answered and no watchdog pinged. Whoever wrote is told to try again; a pass does by itself.
 */
const WAIT_FOR_WRITER_MS = 250;

/** How long after two intervals a pass may still be under way before the index counts as old. */
const PASS_GRACE_MS = 15_000;

/** A data directory that this process owns. */
export interface OwnedData {
  /** Held until closed. */
  readonly lock: Lock;
  /** Open until closed. */
  readonly store: Store;
  /** Closes the store, then gives the lock back; idempotent. */
  close(): void;
}

/**
 * Takes the data directory's lock, then opens its store. The directory is created when it is not
 * there, for this user alone.
 *
 * @throws {Failure}
 */
export async function ownData(
  dataDir: string,
  options: Pick<DaemonOptions, "feed"> = {},
): Promise<OwnedData> {
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((cause) => {
    const denied = cause instanceof Deno.errors.PermissionDenied;
    const reason = denied ? "permission denied" : cause.message;
    throw new Failure("io", `Cannot create data directory ${quotePath(dataDir)}: ${reason}`, {
      data: { at: "data-dir" },
      cause,
    });
  });
  const lock = await acquireLock(dataDir);
  try {
    await removeOtherLibraries(await sqliteLibrary({ dataDir }), dataDir);
    const store = await openStore(join(dataDir, DATABASE), options);
    const close = () => {
      try {
        store.close();
      } finally {
        lock.release();
      }
    };
    return { lock, store, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * As {@link ownData}, but waits for an owner that works for a moment only: a command that writes
 * without a daemon, or a pass of `--once`. Whoever listens is here to stay.
 */
async function ownDataSoon(
  dataDir: string,
  options: DaemonOptions,
): Promise<OwnedData> {
  const { log, clock = SYSTEM_CLOCK } = options;
  const { signal } = new AbortController();
  const deadline = clock.monotonic() + LOCK_PATIENCE_MS;
  for (let told = false;; told = true) {
    try {
      return await ownData(dataDir, options);
    } catch (error) {
      if (!isFailure(error, "lock-held") || clock.monotonic() >= deadline) throw error;
      if (await listens(join(dataDir, SOCKET))) throw error;
      if (!told) log.info("waiting for the data directory", { owner: error.data.pid });
      await clock.sleep(LOCK_RETRY_MS, signal);
    }
  }
}

async function listens(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

/** The client for the Engine that the configuration names. */
export function openDocker(config: Config, metrics?: Metrics): DockerClient {
  return new DockerClient({
    host: config.docker,
    observe: (endpoint, outcome) => metrics?.engineRequests.inc({ endpoint, outcome }),
  });
}

/**
 * Owns the data directory for one pass.
 *
 * @throws {Failure}
 */
export async function runOnce(config: Config, options: DaemonOptions): Promise<PassReport> {
  const { log, version } = options;
  const metrics = createMetrics({ version });
  using docker = openDocker(config, metrics);
  const data = await ownDataSoon(config.dataDir, options);
  try {
    const reconciler = new Reconciler({
      docker,
      store: data.store,
      composePrefix: config.composePrefix,
      clock: SYSTEM_CLOCK,
      log,
      metrics,
    });
    return (await reconciler.fullPass({ signal: new AbortController().signal })).report;
  } finally {
    data.close();
  }
}

/**
 * Runs until SIGTERM or SIGINT; SIGHUP reads the token anew. Returns the exit code. A second
 * signal exits at once.
 *
 * @throws {Failure} when it can't start.
 */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<number> {
  const { log, version, clock = SYSTEM_CLOCK } = options;
  const startedAt = timestamp(clock);
  for (const note of config.notes) log.warn("a setting is used otherwise", { ...note });
  const host = config.docker;

  const feed = new Feed<Written>();
  const data = await ownDataSoon(config.dataDir, { ...options, feed });
  // An uncaught error ends the process past every finally.
  const release = () => data.lock.release();
  globalThis.addEventListener("unload", release);
  const stopping = new AbortController();
  const hangupIgnored = isSignalIgnored(SIGHUP);
  let token: TokenFile | null = null;
  let listeners: Listeners | null = null;
  const signals = onSignals({
    onEnd: (signal) => {
      if (stopping.signal.aborted) {
        data.lock.release();
        Deno.exit(1);
      }
      log.info("stopping", { signal });
      stopping.abort();
    },
    onReload: () => {
      if (hangupIgnored) return;
      log.info("reloading", { signal: "SIGHUP" });
      void token?.reload();
    },
  });
  using manager = ServiceManager.fromEnvironment();
  const metrics = createMetrics({ version });
  using docker = openDocker(config, metrics);
  const { store } = data;
  store.setBusyTimeout(WAIT_FOR_WRITER_MS);
  collectGauges(metrics, store);

  const reconciler = new Reconciler({
    docker,
    store,
    composePrefix: config.composePrefix,
    clock,
    log,
    metrics,
  });
  const loop = new Loop({
    reconciler,
    docker,
    intervalMs: config.intervalMs,
    clock,
    log,
    metrics,
  });
  const readiness = () => ({
    ready: loop.outcomes.lastPassAgeMs <= 2 * config.intervalMs + PASS_GRACE_MS,
    lastPass: loop.outcomes.lastPass,
  });
  const status = (): DaemonStatus => ({
    pid: Deno.pid,
    version,
    startedAt,
    dataDir: config.dataDir,
    ...readiness(),
    engine: {
      host: host.kind === "unix" ? `unix://${host.path}` : host.url.replace(/^https?/, "tcp"),
      up: loop.outcomes.engineError === null && loop.outcomes.lastPass !== null,
      id: store.hosts.local().engineId,
      changed: reconciler.engineChanged,
      error: loop.outcomes.engineError,
    },
    events: loop.events,
    tcp: listeners?.tcp ?? { address: null, error: null },
    intervalSeconds: config.intervalMs / 1000,
    lastError: loop.outcomes.lastError,
    counts: store.views.counts(),
  });

  let exitCode = 0;
  try {
    const { connectionShares, createApp, serve, TokenFile } = await import("./server/server.ts");
    const { feeds, ...connections } = connectionShares(descriptorLimit());
    const app = createApp({
      store,
      feed,
      metrics,
      log,
      status,
      readiness,
      reconcileNow: () => loop.reconcileNow(),
      requestPass: () => loop.request(),
      composePrefix: config.composePrefix,
      version,
      now: () => new Date(clock.now()),
    }, { maxLiveClients: feeds });
    token = await TokenFile.open(config.dataDir, { log });
    const open = listeners = await serve(app, {
      socketPath: join(config.dataDir, SOCKET),
      listen: config.listen,
      inherited: inheritedSocket(),
      token,
      connections,
      allowedHosts: config.allowedHosts,
      log,
    });
    try {
      loop.start();
      log.info("started", { pid: Deno.pid, version, dataDir: config.dataDir });
      await Promise.all([
        announce(manager, {
          outcomes: loop.outcomes,
          clock,
          signal: stopping.signal,
        }),
        sayWhatIsUnmanaged(loop, { store, log, signal: stopping.signal }),
        watchLock(data.lock, {
          clock,
          signal: stopping.signal,
          onLost: ({ reason, owner }) => {
            log.error("lock lost, stopping", { reason, owner, path: data.lock.path });
            exitCode = 1;
            stopping.abort();
          },
        }),
      ]);
    } finally {
      manager.stopping();
      await loop.stop();
      feed.close();
      await open.shutdown({ deadlineMs: SHUTDOWN_DEADLINE_MS });
    }
  } finally {
    signals.remove();
    data.close();
    globalThis.removeEventListener("unload", release);
    log.info("stopped");
  }
  return exitCode;
}

function collectGauges(metrics: Metrics, store: Store): void {
  metrics.onScrape(() => {
    metrics.dbSize.set(store.sizeBytes());
    metrics.containers.reset();
    for (const { kind, state, count } of store.views.counts()) {
      metrics.containers.set(count, { kind, state });
    }
  });
}

/** On a host where nothing is registered yet, says what there is to take in, and how. */
async function sayWhatIsUnmanaged(
  loop: Loop,
  options: { store: Store; log: Log; signal: AbortSignal },
): Promise<void> {
  const { store, log, signal } = options;
  const report = await Promise.race([loop.outcomes.firstPass, aborted(signal)]);
  if (!report || store.workloads.list().length > 0) return;
  // While nothing is registered, what bears our labels is as unmanaged as the rest.
  const unmanaged = report.unmanaged.count + report.refused.length;
  if (unmanaged === 0) return;
  const composeProjects = [
    ...new Set([
      ...Object.keys(report.unmanaged.composeProjects),
      ...report.refused.filter(({ reason }) => reason === "unknown-stack").map((r) => r.value),
    ]),
  ];
  // A label's value gets into a command to paste only when a shell takes it for nothing else.
  const project = composeProjects.find((name) => /^[a-z0-9][a-z0-9_-]*$/.test(name));
  log.info("nothing is registered yet", {
    unmanaged,
    composeProjects,
    hint: project === undefined
      ? "take a container in with `tinyforge add site NAME` and `tinyforge labels NAME`"
      : `take a Compose project in with \`tinyforge add stack NAME --compose-project ${project}\``,
  });
}

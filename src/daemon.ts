/**
 * The composition root: the only place that constructs components and knows how they fit. What it
 * constructs is inert until opened: lock, store, listeners, reconciler; closed in reverse. Decides
 * nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import { type Clock, SYSTEM_CLOCK, timestamp } from "./clock.ts";
import type { Config } from "./config.ts";
import { backUpDaily, lastBackupOf } from "./daily_backups.ts";
import { type OpenData, ownDataSoon } from "./data.ts";
import { staleAfterMs } from "./core/freshness.ts";
import { DockerClient } from "./docker/client.ts";
import type { Feed } from "./feed.ts";
import { keepBrokenBodies } from "./http/broken_bodies.ts";
import { HubLink } from "./hub/link.ts";
import type { PassReport } from "./model/pass.ts";
import { NotifyDesk } from "./notify/desk.ts";
import { SECRETS } from "./notify/secret_file.ts";
import { ProblemWatch, type ProblemWatchOptions } from "./problems/problem_watch.ts";
import { sayWhatIsUnmanaged } from "./reconcile/first_run.ts";
import { Loop, type LoopOptions } from "./reconcile/loop.ts";
import { daemonStatus, readiness } from "./reconcile/readiness.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import { Sight } from "./reconcile/sight.ts";
import { watchedBy } from "./reconcile/watchers.ts";
import type {
  App,
  AppOptions,
  Certificate,
  Listeners,
  ServerDeps,
  TokenFile,
} from "./server/server.ts";
import type { Written } from "./model/written.ts";
import { damageLog } from "./store/damage.ts";
import type { Store } from "./store/store.ts";
import { collectGauges } from "./gauges.ts";
import { announce, firstPass, lifetime, onSuddenEnd, watchLock } from "./supervision.ts";
import { SOCKET } from "./system/files.ts";
import { descriptorLimit } from "./system/libc.ts";
import { keepLargeBlocksApart } from "./system/malloc.ts";
import { letGoOfProgramPages } from "./system/program_pages.ts";
import { inheritedSocket, ServiceManager } from "./system/systemd.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";

/** What the caller of this module brings. */
export interface DaemonOptions {
  /** Where it is said. */
  log: Log;
  /** The program's version. */
  version: string;
  /** The time; the system's by default. */
  clock?: Clock;
}

/** What {@link assemble} is told besides; the bounds are for tests, which can't wait for them. */
export interface AssembleOptions extends DaemonOptions {
  /** Deadline of a request to the Engine, milliseconds; the client's own by default. */
  readonly engineTimeoutMs?: number | undefined;
  /** Of the loop. */
  readonly loop?: Pick<LoopOptions, "events" | "idleMs">;
  /** Of what is wrong. */
  readonly problems?: Pick<ProblemWatchOptions, "settings" | "bootedAt" | "told">;
}

/** Every component of the program over one index, inert. */
export interface Assembly extends AsyncDisposable {
  /** The open index. */
  readonly store: Store;
  /** Says what was written. */
  readonly feed: Feed<Written>;
  /** What is counted. */
  readonly metrics: Metrics;
  /** The Engine that the configuration names. */
  readonly docker: DockerClient;
  /** Does passes. */
  readonly reconciler: Reconciler;
  /** Says when; to be started. */
  readonly loop: Loop;
  /** Watches for what is wrong; to be started before the loop. */
  readonly problems: ProblemWatch;
  /** Tells people; to be run. */
  readonly notify: NotifyDesk;
  /**
   * The HTTP application over all of it. Loads the HTTP and schema libraries, which nobody else
   * needs. `deps` in place of what the daemon would say.
   */
  app(deps: Pick<ServerDeps, "status"> & Partial<ServerDeps>, options?: AppOptions): Promise<App>;
  /** Stops the loop, then closes feed, client and index; idempotent. */
  close(): Promise<void>;
}

const SHUTDOWN_DEADLINE_MS = 5000;

/** How long who asks waits for the first pass; one of 1,000 containers fits. */
const FIRST_PASS_MS = 150;

/**
 * How long a write waits for another process's lock. Nothing else turns meanwhile: no probe is
 * answered and no watchdog pinged. Whoever wrote is told to try again; a pass does by itself.
 */
const WAIT_FOR_WRITER_MS = 250;

/** Constructs every component over an index that is open; the index is closed with the rest. */
export function assemble(config: Config, data: OpenData, options: AssembleOptions): Assembly {
  const { log, version, clock = SYSTEM_CLOCK } = options;
  const { composePrefix, intervalMs } = config;
  const { store, feed } = data;
  store.keepPast(config.history);
  const metrics = createMetrics({ version });
  collectGauges(metrics, store, clock);
  const docker = openDocker(config, { metrics, timeoutMs: options.engineTimeoutMs });
  const shared = { docker, clock, log, metrics };
  const reconciler = new Reconciler({ ...shared, store, composePrefix });
  const onDamage = damageLog(log);
  const problems = new ProblemWatch({
    settings: config.problemSettings,
    ...options.problems,
    ...{ store, feed, docker, clock, log, onDamage },
    staleAfterMs: staleAfterMs(intervalMs),
  });
  const sight = new Sight({ watched: store.hosts.watched, clock });
  const watcher = watchedBy(sight, problems);
  const loop = new Loop({ ...shared, ...options.loop, reconciler, intervalMs, watcher });
  metrics.onScrape(() => {
    metrics.engineChanged.set(reconciler.engineChanged === null ? 0 : 1);
    metrics.indexFresh.set(readiness({ loop, reconciler }, config).index.fresh ? 1 : 0);
  });
  const notify = new NotifyDesk({
    ...{ store, feed, clock, log, onDamage },
    secretsPath: join(config.dataDir, SECRETS),
    problems: (since) => store.problems.remembered(since, { onDamage }),
    host: config.hostName,
    account: () => store.problems.kept({ onDamage })?.memory.account ?? null,
    isAllSilent: () => problems.silent.isAll(),
    wording: { language: config.language, baseUrl: config.baseUrl },
    proxy: config.notifyProxy,
    heartbeat: config.heartbeat,
    isFresh: () => readiness({ loop, reconciler }, config).ready,
    onAttempt: (outcome) => metrics.notifyAttempts.inc({ outcome }),
  });
  return {
    store,
    feed,
    metrics,
    docker,
    reconciler,
    loop,
    problems,
    notify,
    app: async (deps, options) => {
      // Not by the folder's entrance, which brings the listeners too.
      const { createApp } = await import("./server/app.ts");
      const { Past } = await import("./safekeeping/past.ts");
      return createApp({
        store,
        feed,
        metrics,
        log,
        readiness: () => readiness({ loop, reconciler }, config),
        reconcileNow: () => loop.reconcileNow(),
        dispatched: (reference) => {
          const { signal } = new AbortController();
          return reconciler.dispatched(reference, { signal });
        },
        requestPass: () => loop.request(),
        problems,
        notify,
        backups: () => lastBackupOf(config),
        listContainers: async () => (await docker.list()).containers,
        inspectContainer: (id) => docker.inspect(id),
        past: new Past({
          store,
          now: () => clock.now(),
          isFresh: () => readiness({ loop, reconciler }, config).index.fresh,
        }),
        composePrefix,
        routes: config.routes,
        baseUrl: config.baseUrl === null ? null : new URL(config.baseUrl),
        encrypted: config.tls !== null,
        version,
        now: () => new Date(clock.now()),
        ...deps,
      }, options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function close(): Promise<void> {
    try {
      await loop.stop();
      sight.stop();
      await problems.stop();
      feed.close();
      docker.close();
    } finally {
      data.close();
    }
  }
}

/** The client for the Engine that the configuration names. */
export function openDocker(
  config: Config,
  { metrics, timeoutMs }: { metrics?: Metrics; timeoutMs?: number | undefined } = {},
): DockerClient {
  return new DockerClient({
    host: config.docker,
    ...(timeoutMs !== undefined && { timeoutMs }),
    observe: (endpoint, outcome) => metrics?.engineRequests.inc({ endpoint, outcome }),
  });
}

/**
 * Owns the data directory for one pass.
 *
 * @throws {Failure}
 */
export async function runOnce(config: Config, options: DaemonOptions): Promise<PassReport> {
  await using parts = assemble(config, await ownDataSoon(config.dataDir, options), options);
  const { signal } = new AbortController();
  return (await parts.reconciler.fullPass({ signal })).report;
}

/**
 * Runs until SIGTERM or SIGINT; SIGHUP reads the tokens and the certificate anew. Returns the exit code. A second
 * signal exits at once.
 *
 * @throws {Failure} when it can't start.
 */
export async function runDaemon(config: Config, options: DaemonOptions): Promise<number> {
  const { log, version, clock = SYSTEM_CLOCK } = options;
  const startedAt = timestamp(clock);
  for (const note of config.notes) log.warn("a setting is used otherwise", { ...note });
  const host = config.docker;
  keepLargeBlocksApart();

  const data = await ownDataSoon(config.dataDir, options);
  // Before: it would be taken for the end.
  keepBrokenBodies();
  const endings = onSuddenEnd(() => data.lock.release());
  const tokens: TokenFile[] = [];
  let certificate: Certificate | null = null;
  let listeners: Listeners | null = null;
  const signals = lifetime({
    log,
    reload: () => {
      for (const token of tokens) void token.reload();
      void certificate?.reload();
    },
  });
  const { stopping } = signals;
  using manager = ServiceManager.fromEnvironment();
  const parts = assemble(config, data, options);
  const { store, loop } = parts;
  store.setBusyTimeout(WAIT_FOR_WRITER_MS);
  const link = new HubLink({
    ...{ dataDir: config.dataDir, replica: store.replica, clock, log, version },
    isFresh: () => readiness(parts, config).index.fresh,
    onTells: (tells) => parts.notify.hush(tells),
  });

  const status = () => ({
    pid: Deno.pid,
    version,
    startedAt,
    dataDir: config.dataDir,
    ...daemonStatus({ ...parts, host }, config),
    tcp: listeners?.tcp ?? { address: null, error: null },
    hub: link.status,
  });

  let exitCode = 0;
  try {
    const { AppSoon, connectionShares, serve, TokenFile } = await import("./server/server.ts");
    const { feeds, ...connections } = connectionShares(descriptorLimit());
    const app = new AppSoon();
    const token = await TokenFile.open(config.dataDir, { log });
    const { metricsTokenFile } = config;
    const metricsToken = metricsTokenFile === null
      ? null
      : await TokenFile.openGiven(metricsTokenFile, { log });
    tokens.push(token, ...metricsToken ? [metricsToken] : []);
    certificate = await openCertificate(config, log);
    const open = listeners = await serve(app, {
      socketPath: join(config.socketDir, SOCKET),
      socketGroup: config.socketGroup,
      listen: config.listen,
      inherited: inheritedSocket(),
      token,
      metricsToken,
      certificate,
      connections,
      allowedHosts: config.allowedHosts,
      log,
    });
    try {
      parts.problems.start();
      loop.start();
      // To load what answers takes as long as a pass. Who asks first is told what runs now, not what
      // ran before, unless the Engine lets itself be waited for.
      const { signal } = stopping;
      await firstPass({ outcomes: loop.outcomes, clock, signal }, { withinMs: FIRST_PASS_MS });
      await app.become(parts.app({ status }, { maxLiveClients: feeds, bytes: app.bytes }));
      // By now all that a start needs was needed.
      letGoOfProgramPages();
      log.info("started", { pid: Deno.pid, version, dataDir: config.dataDir });
      await Promise.all([
        announce(manager, { outcomes: loop.outcomes, clock, signal }),
        backUpDaily(config, { version, clock, signal, log, ...parts }),
        parts.notify.run(signal),
        link.run(signal),
        sayWhatIsUnmanaged(loop.outcomes, { store, log, signal }),
        watchLock(data.lock, {
          clock,
          signal,
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
      await parts.problems.stop();
      parts.feed.close();
      await open.shutdown({ deadlineMs: SHUTDOWN_DEADLINE_MS });
    }
  } finally {
    await parts.close();
    // Not before: a signal that nobody listens to ends the process and leaves the lock file.
    signals.remove();
    endings.remove();
    log.info("stopped");
  }
  return exitCode;
}

/** Where one is named; loads what knows of them only then. */
async function openCertificate({ tls }: Config, log: Log): Promise<Certificate | null> {
  if (tls === null) return null;
  const { Certificate } = await import("./server/certificate.ts");
  return await Certificate.open(tls, { log });
}

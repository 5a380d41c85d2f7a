/**
 * The composition root of a hub: database, listeners, and what answers between them. Keeps nothing of
 * its own but a socket and a token. Decides nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import { SYSTEM_CLOCK } from "./clock.ts";
import type { Config } from "./config.ts";
import { Feed } from "./feed.ts";
import { keepBrokenBodies } from "./http/broken_bodies.ts";
import { Announcements } from "./hub/announcements.ts";
import { isReadOnly, openDatabase } from "./hub/database.ts";
import type { Sql } from "./hub/sql.ts";
import { enroll, expel, HostSecrets, invitations } from "./hub/enrolment.ts";
import { Heartbeats } from "./hub/heartbeats.ts";
import { HubAudit, HubCodes, HubSessions, HubTokens } from "./hub/hub_access.ts";
import { ChannelDesk } from "./hub/channel_desk.ts";
import { Intake } from "./hub/intake.ts";
import { type ChannelVault, channelVault, UNSEALED } from "./hub/channel_key.ts";
import { sealChannels } from "./hub/hub_channels.ts";
import { HubNotifier } from "./hub/hub_notifier.ts";
import { HubApp } from "./hub/hub_app.ts";
import { HubFeed } from "./hub/hub_feed.ts";
import { collectHub } from "./hub/hub_gauges.ts";
import { HubPast } from "./hub/hub_past.ts";
import { HubReader } from "./hub/hub_reader.ts";
import { HubSilences } from "./hub/hub_silences.ts";
import { keepUp } from "./hub/upkeep.ts";
import type { Written } from "./model/written.ts";
import { ByteBudget } from "./server/byte_budget.ts";
import { Certificate } from "./server/certificate.ts";
import { createHubApp } from "./server/hub_app.ts";
import { LoginLimit } from "./server/login_limit.ts";
import {
  asProblemDetails,
  ProblemDetails,
  problemDetailsResponse,
} from "./server/problem_details.ts";
import {
  type App,
  type AppOptions,
  connectionShares,
  type Listeners,
  serve,
  TokenFile,
} from "./server/server.ts";
import { prepareDataDir } from "./store/data_dir.ts";
import { lifetime } from "./supervision.ts";
import { HUB_SOCKET } from "./system/files.ts";
import { descriptorLimit } from "./system/libc.ts";
import { inheritedSocket, ServiceManager } from "./system/systemd.ts";
import { createHubMetrics } from "./telemetry/hub_metrics.ts";
import type { Log } from "./telemetry/log.ts";

/** What {@link assembleHub} is told. */
export interface AssembleHubOptions extends Omit<HubOptions, "database" | "channelKeyFile"> {
  /** The open database; closed by its opener. */
  readonly sql: Sql;
  /** Where people reach the hub, if that is known. */
  readonly baseUrl: URL | null;
  /** Whether what listens over TCP speaks TLS itself. */
  readonly encrypted: boolean;
  /** Where browsers come to. */
  readonly tcp: () => { readonly address: string | null };
  /** How people are told; in English and by no proxy by default, and no heartbeat. */
  readonly notify?: {
    readonly language: Config["language"];
    readonly proxy: URL | null;
    readonly heartbeat: Config["heartbeat"];
  };
  /** With what channels' secrets are sealed; not at all by default. */
  readonly vault?: ChannelVault;
  /** Bounds. */
  readonly bounds?: AppOptions;
}

/** Every component of a hub over one database, inert. */
export interface HubAssembly {
  /** Answers hosts and readers. */
  readonly app: App;
  /** Follows what changes, and sees who is silent, until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes in and tells what waits; the feeds of readers end. */
  close(): Promise<void>;
}

/** What the caller of this module brings. */
export interface HubOptions {
  /** `postgres://…`. */
  readonly database: string;
  /** A file with the key that seals its channels' secrets, which all its hubs have; null: none. */
  readonly channelKeyFile: string | null;
  /** Where it is said. */
  readonly log: Log;
  /** The program's version. */
  readonly version: string;
}

const SHUTDOWN_DEADLINE_MS = 5000;

/** So many wrong tokens and secrets are looked at, of one address. */
const WRONG_A_MINUTE = 30;

/** Constructs every component of a hub. */
export function assembleHub(options: AssembleHubOptions): HubAssembly {
  const { sql, log, version, baseUrl, encrypted, tcp, bounds, vault = UNSEALED } = options;
  const { notify = { language: "en", proxy: null, heartbeat: null } } = options;
  const heartbeats = new Heartbeats(sql);
  const guesses = new LoginLimit(WRONG_A_MINUTE);
  const announcements = new Announcements(sql);
  const reader = new HubReader(sql);
  const feed = new Feed<Written>();
  const metrics = createHubMetrics({ version }, async (gauges) => {
    gauges.mostLarge.set(hosts.mostLarge);
    await collectHub(gauges, { sql, reader });
  });
  const hosts = new HubApp({
    ...{ sql, heartbeats, secrets: new HostSecrets(sql), intake: new Intake(sql, announcements) },
    refused: (why, detail, headers = {}) =>
      problemDetailsResponse(new ProblemDetails(why, detail, { hint: "", headers })),
    guessed: (remote) => guesses.fail(remote),
    failed: (error) => {
      const problem = asProblemDetails(error);
      if (problem.code === "internal") log.error("request failed", { error });
      return problemDetailsResponse(problem);
    },
  });
  const notifier = new HubNotifier({
    ...{ sql, log, clock: SYSTEM_CLOCK, proxy: notify.proxy, vault },
    onAttempt: (outcome) => metrics.notifyAttempts.inc({ outcome }),
    wording: {
      language: notify.language,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      baseUrl: baseUrl?.href ?? null,
    },
  });
  const readers = createHubApp({
    ...{ reader, feed, metrics, log, version, baseUrl, encrypted, tcp },
    access: {
      tokens: new HubTokens(sql),
      sessions: new HubSessions(sql),
      audit: new HubAudit(sql),
      codes: new HubCodes(sql),
    },
    hosts: {
      list: () => reader.hosts(),
      invitations: () => invitations(sql),
      enroll: (name) => enroll(sql, name),
      expel: (name) => expel(sql, name),
      isReadOnly: () => isReadOnly(sql),
    },
    telling: new ChannelDesk(sql, { notifier, vault }),
    silences: new HubSilences(sql),
    past: new HubPast({ sql, now: () => SYSTEM_CLOCK.now() }),
    now: () => new Date(),
  }, bounds);
  return {
    app: {
      ...readers,
      // What hosts send is larger than what readers ask.
      bytes: new ByteBudget(256 << 20),
      fetch: async (request, entrance) =>
        await hosts.fetch(request, entrance?.remote ?? null) ??
          await readers.fetch(request, entrance),
      close: () => {
        hosts.close();
        readers.close();
      },
    },
    run: async (signal) => {
      await Promise.all([
        new HubFeed({ sql, feed, log }).run(signal),
        keepUp(sql, { clock: SYSTEM_CLOCK, log, signal }),
        notifier.run(signal),
        notifier.beat(notify.heartbeat, signal),
      ]);
    },
    close: async () => {
      feed.close();
      await Promise.all([heartbeats.close(), announcements.flush()]);
    },
  };
}

/**
 * Serves until SIGTERM or SIGINT; SIGHUP reads the token and the certificate anew. Returns the exit
 * code.
 *
 * @throws {Failure} when it can't start.
 */
export async function runHub(config: Config, options: HubOptions): Promise<number> {
  const { database, channelKeyFile, log, version } = options;
  keepBrokenBodies();
  await prepareDataDir(config.dataDir);
  const vault = channelKeyFile === null ? UNSEALED : await channelVault(channelKeyFile);
  const sql = await openDatabase(database);
  let reload = () => {};
  const signals = lifetime({ log, reload: () => reload() });
  const { signal } = signals.stopping;
  using manager = ServiceManager.fromEnvironment();
  let listeners: Listeners | null = null;
  try {
    await sealChannels(sql, { vault });
    const { feeds, ...connections } = connectionShares(descriptorLimit());
    const parts = assembleHub({
      ...{ sql, log, version, vault },
      baseUrl: config.baseUrl === null ? null : new URL(config.baseUrl),
      encrypted: config.tls !== null,
      tcp: () => listeners?.tcp ?? { address: null },
      notify: {
        ...{ language: config.language, proxy: config.notifyProxy },
        heartbeat: config.heartbeat,
      },
      bounds: { maxLiveClients: feeds },
    });
    const token = await TokenFile.open(config.dataDir, { log });
    const certificate = config.tls === null ? null : await Certificate.open(config.tls, { log });
    reload = () => {
      void token.reload();
      void certificate?.reload();
    };
    const open = listeners = await serve(parts.app, {
      socketPath: join(config.dataDir, HUB_SOCKET),
      socketGroup: config.socketGroup,
      listen: config.listen,
      inherited: inheritedSocket(),
      token,
      certificate,
      connections,
      allowedHosts: config.allowedHosts,
      log,
    });
    try {
      log.info("hub started", { pid: Deno.pid, version, dataDir: config.dataDir });
      manager.ready();
      await Promise.all([parts.run(signal), turning(manager, signal)]);
    } finally {
      manager.stopping();
      await parts.close();
      await open.shutdown({ deadlineMs: SHUTDOWN_DEADLINE_MS });
    }
  } finally {
    signals.remove();
    await sql.end({ timeout: 5 });
    log.info("stopped");
  }
  return 0;
}

/** Tells the service manager that this process turns, until the signal aborts. */
async function turning(manager: ServiceManager, signal: AbortSignal): Promise<void> {
  const everyMs = manager.watchdogIntervalMs;
  while (everyMs !== null && !signal.aborted) {
    manager.watchdog();
    await SYSTEM_CLOCK.sleep(everyMs, signal);
  }
}

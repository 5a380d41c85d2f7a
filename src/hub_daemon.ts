/**
 * The composition root of a hub: database, listeners, and what answers between them. Keeps nothing of
 * its own but a socket and a token. Decides nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import { aborted, SYSTEM_CLOCK } from "./clock.ts";
import type { Config } from "./config.ts";
import { keepBrokenBodies } from "./http/broken_bodies.ts";
import { openDatabase } from "./hub/database.ts";
import { Heartbeats } from "./hub/heartbeats.ts";
import { HubApp } from "./hub/hub_app.ts";
import { keepUp } from "./hub/upkeep.ts";
import { ByteBudget } from "./server/byte_budget.ts";
import { Certificate } from "./server/certificate.ts";
import { asProblem, Problem, problemResponse } from "./server/problem.ts";
import { connectionShares, serve, TokenFile } from "./server/server.ts";
import { prepareDataDir } from "./store/data_dir.ts";
import { onSignals } from "./supervision.ts";
import { HUB_SOCKET } from "./system/files.ts";
import { descriptorLimit } from "./system/libc.ts";
import { inheritedSocket, ServiceManager } from "./system/systemd.ts";
import type { Log } from "./telemetry/log.ts";

/** What the caller of this module brings. */
export interface HubOptions {
  /** `postgres://…`. */
  readonly database: string;
  /** Where it is said. */
  readonly log: Log;
  /** The program's version. */
  readonly version: string;
}

const SHUTDOWN_DEADLINE_MS = 5000;

/**
 * Serves until SIGTERM or SIGINT. Returns the exit code.
 *
 * @throws {Failure} when it can't start.
 */
export async function runHub(config: Config, options: HubOptions): Promise<number> {
  const { database, log, version } = options;
  keepBrokenBodies();
  await prepareDataDir(config.dataDir);
  const sql = await openDatabase(database);
  const stopping = new AbortController();
  const signals = onSignals({
    onEnd: (signal) => {
      if (stopping.signal.aborted) Deno.exit(1);
      log.info("stopping", { signal });
      stopping.abort();
    },
  });
  using manager = ServiceManager.fromEnvironment();
  const heartbeats = new Heartbeats(sql);
  try {
    const app = new HubApp({
      sql,
      heartbeats,
      refused: (why, detail, headers = {}) =>
        problemResponse(new Problem(why, detail, { hint: "", headers })),
      failed: (error) => {
        const problem = asProblem(error);
        if (problem.code === "internal") log.error("request failed", { error });
        return problemResponse(problem);
      },
    });
    const token = await TokenFile.open(config.dataDir, { log });
    const { feeds: _, ...connections } = connectionShares(descriptorLimit());
    const listeners = await serve({
      fetch: (request, entrance) => app.fetch(request, entrance?.rules?.token ?? null),
      request: (path, init) => app.fetch(new Request(`http://127.0.0.1${path}`, init), null),
      bytes: new ByteBudget(256 << 20),
      close: () => app.close(),
    }, {
      socketPath: join(config.dataDir, HUB_SOCKET),
      socketGroup: config.socketGroup,
      listen: config.listen,
      inherited: inheritedSocket(),
      token,
      certificate: config.tls === null ? null : await Certificate.open(config.tls, { log }),
      connections,
      allowedHosts: config.allowedHosts,
      log,
    });
    try {
      log.info("hub started", { pid: Deno.pid, version, dataDir: config.dataDir });
      manager.ready();
      const { signal } = stopping;
      await Promise.all([aborted(signal), keepUp(sql, { clock: SYSTEM_CLOCK, log, signal })]);
    } finally {
      manager.stopping();
      await heartbeats.close();
      await listeners.shutdown({ deadlineMs: SHUTDOWN_DEADLINE_MS });
    }
  } finally {
    signals.remove();
    await sql.end({ timeout: 5 });
    log.info("stopped");
  }
  return 0;
}

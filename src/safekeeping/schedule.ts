/**
 * When the daemon makes a backup: a day after the last one, and again in an hour where one failed.
 * Must not load what makes them before one is due, nor keep anything waiting.
 *
 * @module
 */

import { carried } from "../carried.ts";
import type { Clock } from "../clock.ts";
import type { BackupFacts } from "../model/backups.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { AutomaticOptions, AutomaticReport } from "./automatic.ts";
import { lastBackup } from "./sums.ts";
import type { WorkerAnswer } from "./worker.ts";

/** What {@link keepBackups} is told. */
export interface ScheduleOptions extends Omit<AutomaticOptions, "now"> {
  /** The time. */
  readonly clock: Clock;
  /** Ends it; a backup that is being made is given up. */
  readonly signal: AbortSignal;
  /** Where it is said. */
  readonly log: Log;
  /** Is told how they are, first of all of the last one of before this start. Must not throw. */
  readonly onState?: (state: BackupFacts) => void;
  /** Where it is counted. */
  readonly metrics: Pick<Metrics, "backups" | "backupLastVerified" | "backupSize">;
  /** Makes one; in a thread of its own by default. */
  readonly make?: (options: AutomaticOptions, signal: AbortSignal) => Promise<AutomaticReport>;
}

/** The first passes come first. */
export const FIRST_AFTER_MS = 15_000;
/** Between two backups. */
export const EVERY_MS = 86_400_000;
/** After one that failed. */
export const AGAIN_AFTER_MS = 3_600_000;
/** Waits are cut into pieces, because a clock may be set meanwhile. */
const LOOK_EVERY_MS = 600_000;

/** Makes backups until the signal aborts. Never rejects. */
export async function keepBackups(options: ScheduleOptions): Promise<void> {
  const { folder, clock, signal, log, metrics, make = makeInThread } = options;
  const { onState = () => {} } = options;
  await clock.sleep(FIRST_AFTER_MS, signal);
  if (signal.aborted) return;
  let lastAt = await tellLast(options);
  let failedSince: number | null = null;
  onState({ lastAt, failedSince, error: "" });
  let notBefore = -Infinity;
  while (!signal.aborted) {
    const dueIn = Math.max(await untilDue(folder, clock), notBefore - clock.monotonic());
    if (dueIn > 0) {
      await clock.sleep(Math.min(dueIn, LOOK_EVERY_MS), signal);
      continue;
    }
    try {
      const { dataDir, recipients, version } = options;
      const now = clock.now();
      const report = await make({ dataDir, folder, recipients, version, now }, signal);
      metrics.backups.inc({ outcome: "verified" });
      metrics.backupLastVerified.set(Math.floor(now / 1000));
      metrics.backupSize.set(report.bytes);
      const { name, bytes, removed, damaged } = report;
      log.info("backup made", { name, bytes, removed });
      if (damaged.length > 0) log.error("backups are damaged", { folder, names: damaged });
      notBefore = clock.monotonic() + AGAIN_AFTER_MS;
      lastAt = now;
      failedSince = null;
      onState({ lastAt, failedSince, error: "" });
    } catch (error) {
      if (signal.aborted) return;
      metrics.backups.inc({ outcome: "failed" });
      const { code, message } = error as { code?: string; message: string };
      log.error("backup failed", { code, error: message, folder });
      notBefore = clock.monotonic() + AGAIN_AFTER_MS;
      failedSince ??= clock.now();
      onState({ lastAt, failedSince, error: message });
    }
  }
}

/** Milliseconds until the next one is due; a last one from the future was made by a wrong clock. */
async function untilDue(folder: string, clock: Clock): Promise<number> {
  // One whose file is gone is no backup.
  const last = await lastBackup(folder).catch(() => null);
  if (last === null) return 0;
  const since = clock.now() - last.at;
  return since < -EVERY_MS ? 0 : EVERY_MS - since;
}

/** The last one of before this start, and what its writer left if it was killed. */
async function tellLast({ folder, metrics }: ScheduleOptions): Promise<number | null> {
  try {
    const { sweepPartials } = await import("./partial.ts");
    await sweepPartials(folder);
    const last = await lastBackup(folder);
    if (last === null) return null;
    metrics.backupLastVerified.set(Math.floor(last.at / 1000));
    metrics.backupSize.set(last.bytes);
    return last.at;
  } catch {
    // Not there or not readable: the next one says so.
    return null;
  }
}

async function makeInThread(
  options: AutomaticOptions,
  signal: AbortSignal,
): Promise<AutomaticReport> {
  const { sqliteLibrary } = await import("../store/library.ts");
  // Chosen here already: what a thread sets in the environment, others may read at that moment.
  await sqliteLibrary({ dataDir: options.dataDir });
  const worker = new Worker(carried("src/safekeeping/worker.ts"), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<AutomaticReport>();
  const give = () => reject(signal.reason);
  signal.addEventListener("abort", give);
  worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
    if ("report" in data) resolve(data.report);
    else reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(options);
  try {
    if (signal.aborted) give();
    return await promise;
  } finally {
    signal.removeEventListener("abort", give);
    worker.terminate();
  }
}

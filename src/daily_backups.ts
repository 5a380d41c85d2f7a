/**
 * The daemon's daily backups, as its configuration asks for them. Loads what knows of backups only
 * where a place for them is named.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { ProblemWatch } from "./problems/problem_watch.ts";
import type { ScheduleOptions } from "./safekeeping/schedule.ts";
import type { ServerDeps } from "./server/operation.ts";

/** When the last daily backup was made and checked; null where none are asked for. */
export async function lastBackupOf(
  { backupDir }: Config,
): ReturnType<ServerDeps["backups"]> {
  if (backupDir === null) return null;
  const { lastBackup } = await import("./safekeeping/sums.ts");
  // A place that can't be looked into has none that anybody could use.
  const last = await lastBackup(backupDir).catch(() => null);
  return { folder: backupDir, lastAt: last?.at ?? null };
}

/** Makes them until the signal aborts; where none are asked for, says that and ends. */
export async function backUpDaily(
  { backupDir, backupRecipients, dataDir }: Config,
  { problems, ...options }:
    & Pick<ScheduleOptions, "version" | "clock" | "signal" | "log" | "metrics">
    & { readonly problems: Pick<ProblemWatch, "backedUp"> },
): Promise<void> {
  if (backupDir === null) return problems.backedUp(null);
  const { keepBackups } = await import("./safekeeping/schedule.ts");
  const { version, clock, signal, log, metrics } = options;
  await keepBackups({
    ...{ version, clock, signal, log, metrics, dataDir },
    folder: backupDir,
    recipients: backupRecipients,
    onState: (state) => problems.backedUp(state),
  });
}

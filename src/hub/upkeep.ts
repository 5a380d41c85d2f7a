/**
 * What a hub does though nobody asks: sees which hosts are silent, and keeps the days of which
 * transitions are kept. Every hub does it; that others do too costs nothing but a statement.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sql } from "./sql.ts";
import { keepPartitions } from "./partitions.ts";
import { watchSilence } from "./silence.ts";

/** How often it is looked who is silent, milliseconds. */
const LOOK_MS = 2000;

/** How often days are made and dropped, milliseconds. */
const PARTITIONS_MS = 3_600_000;

/** Does it until the signal aborts. Never rejects for the database's sake. */
export async function keepUp(
  sql: Sql,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<void> {
  let keptAt = clock.monotonic();
  let failed = false;
  while (!signal.aborted) {
    try {
      await watchSilence(sql);
      if (clock.monotonic() - keptAt >= PARTITIONS_MS) {
        await keepPartitions(sql);
        keptAt = clock.monotonic();
      }
      if (failed) log.info("the database answers again");
      failed = false;
    } catch (error) {
      // Once: it is tried again and again.
      if (!failed && !signal.aborted) log.error("the database does not answer", { error });
      failed = true;
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

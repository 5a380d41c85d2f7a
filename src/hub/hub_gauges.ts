/**
 * What a hub's metrics say of its hosts and of what people are told, asked when somebody reads them.
 * Writes nothing.
 *
 * @module
 */

import { UNKNOWN } from "../model/hosts.ts";
import { ROW_STATES } from "../model/row_states.ts";
import type { HubMetrics } from "../telemetry/hub_metrics.ts";
import type { ChannelState } from "../store/channels.ts";
import type { HubReader } from "./hub_reader.ts";
import { countProblems } from "./problem_views.ts";
import { stateShown } from "./row_counts.ts";
import type { Sql } from "./sql.ts";
import { millis } from "./sql_times.ts";

/** Sets the gauges; rejects where the database can't be had, and sets none. */
export async function collectHub(
  metrics: HubMetrics,
  { sql, reader }: { readonly sql: Sql; readonly reader: HubReader },
): Promise<void> {
  const [hosts, counted, problems, [queue], channels] = await Promise.all([
    reader.hosts(),
    reader.counted(),
    countProblems(sql),
    sql<[{ length: number; age: number }]>`
      SELECT count(*)::integer AS length,
        greatest(0, coalesce(${millis(sql, "now()")} - min(queued_at), 0) / 1000)::float8 AS age
      FROM tinyforge.deliveries WHERE state = 'queued'`,
    sql<{ state: ChannelState; count: number }[]>`
      SELECT state, count(*)::integer AS count FROM tinyforge.channels GROUP BY state`,
  ]);
  metrics.notifyQueue.set(queue.length);
  metrics.notifyOldest.set(queue.age);
  metrics.notifyChannels.reset();
  for (const { state, count } of channels) metrics.notifyChannels.set(count, { state });
  for (const gauge of [metrics.hosts, metrics.hostRows, metrics.problems]) gauge.reset();
  for (const { state } of hosts) metrics.hosts.add(1, { state });
  for (const host of counted) {
    for (const { state, count } of host.counts) {
      const shown = stateShown(host, state);
      // A host may say anything, and each would be a series of its own.
      const known = ROW_STATES.has(shown) || shown === UNKNOWN;
      metrics.hostRows.add(count, { host: host.name, state: known ? shown : "other" });
    }
  }
  for (const { kind, severity, count } of problems) metrics.problems.add(count, { kind, severity });
}

/**
 * What a hub's metrics say of its hosts, asked when somebody reads them. Writes nothing.
 *
 * @module
 */

import type { HubMetrics } from "../telemetry/hub_metrics.ts";
import type { HubReader } from "./hub_reader.ts";
import { stateShown } from "./row_counts.ts";

/** Sets the gauges; rejects where the database can't be had, and sets none. */
export async function collectHub(metrics: HubMetrics, reader: HubReader): Promise<void> {
  const [hosts, counted, { problems }] = await Promise.all([
    reader.hosts(),
    reader.counted(),
    reader.holdings(),
  ]);
  for (const gauge of [metrics.hosts, metrics.hostRows, metrics.problems]) gauge.reset();
  for (const { state } of hosts) metrics.hosts.add(1, { state });
  for (const host of counted) {
    for (const { state, count } of host.counts) {
      metrics.hostRows.add(count, { host: host.name, state: stateShown(host, state) });
    }
  }
  for (const { kind, severity, count } of problems) metrics.problems.set(count, { kind, severity });
}

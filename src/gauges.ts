/**
 * What is counted when somebody reads the metrics, and not before. Writes nothing to the index.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Store } from "./store/store.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** Fills these gauges from the index at each scrape. */
export function collectGauges(metrics: Metrics, store: Store, clock: Clock): void {
  metrics.onScrape(() => {
    metrics.dbSize.set(store.sizeBytes());
    metrics.containers.reset();
    for (const { kind, state, count } of store.views.counts()) {
      metrics.containers.add(count, { kind, state });
    }
    const { length, oldest } = store.notices.queue();
    metrics.notifyQueue.set(length);
    metrics.notifyOldest.set(oldest === null ? 0 : Math.max(0, clock.now() - oldest) / 1000);
    metrics.notifyChannels.reset();
    for (const [state, channels] of Map.groupBy(store.channels.list(), ({ state }) => state)) {
      metrics.notifyChannels.set(channels.length, { state });
    }
    metrics.health.reset();
    for (const { health, count } of store.views.healths()) metrics.health.add(count, { health });
    metrics.problems.reset();
    for (const { kind, severity, count } of store.problems.counts()) {
      metrics.problems.set(count, { kind, severity });
    }
  });
}

/**
 * What a hub counts, as Prometheus reads it. Must not measure: others count, or hand in a function
 * that is asked at each scrape.
 *
 * @module
 */

import { HOST_STATES } from "../model/hosts.ts";
import { PROBLEM_KINDS, type Severity } from "../model/problem.ts";
import {
  type Metrics,
  type MetricsOptions,
  notifyMetrics,
  processCollector,
  requestMetrics,
  versionsOf,
} from "./metrics.ts";
import { Gauge, type Metric } from "./prometheus.ts";

/** Every metric of a hub. */
export interface HubMetrics
  extends
    ReturnType<typeof requestMetrics>,
    ReturnType<typeof notifyMetrics>,
    Pick<Metrics, "problems"> {
  /** `tinyforge_hosts{state}`. */
  readonly hosts: Gauge<"state">;
  /** `tinyforge_host_rows{host,state}`: rows as they are shown. */
  readonly hostRows: Gauge<"host" | "state">;
  /** `tinyforge_hub_large_messages_most`: messages of many rows at once, the most so far. */
  readonly mostLarge: Gauge<never>;
  /** `tinyforge_hub_up`: 1 where the database answered this scrape. */
  readonly up: Gauge<never>;
  /** The text exposition, format 0.0.4; asks `collect` before. */
  render(): Promise<string>;
}

/** The metrics of this process; `collect` sets gauges before each scrape. */
export function createHubMetrics(
  options: MetricsOptions,
  collect: (metrics: HubMetrics) => Promise<void>,
): HubMetrics {
  const all: Metric[] = [];
  const add = <M extends Metric>(metric: M): M => {
    all.push(metric);
    return metric;
  };
  versionsOf(add, options);
  const metrics: HubMetrics = {
    hosts: add(
      new Gauge("tinyforge_hosts", "Hosts by whether they are heard of.", {
        labels: { state: HOST_STATES },
      }),
    ),
    hostRows: add(
      new Gauge("tinyforge_host_rows", "Rows by host and state; unknown while their host is.", {
        labels: { host: [], state: [] },
        open: true,
      }),
    ),
    problems: add(
      new Gauge("tinyforge_problems", "Open problems of all hosts.", {
        labels: { kind: PROBLEM_KINDS, severity: ["low", "high"] satisfies Severity[] },
      }),
    ),
    mostLarge: add(
      new Gauge(
        "tinyforge_hub_large_messages_most",
        "Most messages of many rows that were taken in at once since the start; more are told to wait.",
      ),
    ),
    up: add(new Gauge("tinyforge_hub_up", "Whether the database answered this scrape.")),
    ...requestMetrics(add),
    ...notifyMetrics(add),
    render: async () => {
      process();
      // Without the database the last that was known stays, and is told to be old.
      await collect(metrics).then(() => metrics.up.set(1), () => metrics.up.set(0));
      return all.map((metric) => metric.render()).join("");
    },
  };
  const process = processCollector(add, options);
  return metrics;
}

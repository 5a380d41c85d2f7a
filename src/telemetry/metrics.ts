/**
 * What the daemon counts, as Prometheus reads it: every metric is defined here, with every series
 * that can be known beforehand at zero from the start.
 * Must not measure: others count, or hand in a function that is asked at each scrape.
 *
 * @module
 */

import { type ProcessUsage, processUsage } from "../system/libc.ts";
import { ENGINE_STATES, MISSING, PENDING } from "../model/container.ts";
import { REFUSAL_REASONS, type RefusalReason } from "../model/pass.ts";
import { PROBLEM_KINDS, type Severity } from "../model/problem.ts";
import { WORKLOAD_KINDS } from "../model/workload.ts";
import { Counter, Gauge, Histogram, type Metric } from "./prometheus.ts";

/** How a pass ended. */
export type PassOutcome = "ok" | "failed" | "aborted";

/** What happened to a row of the index. */
export type RowOp = "insert" | "update" | "sweep";

/** Requests to the Engine by what they are for, as the Docker client names them. */
export const ENGINE_ENDPOINTS: readonly string[] = [
  "ping",
  "version",
  "info",
  "list",
  "list_ids",
  "events",
  "inspect",
];

/** How a request to the Engine ended: well, given up by us, or with one of its errors. */
export const ENGINE_OUTCOMES: readonly string[] = [
  "ok",
  "aborted",
  "no-socket",
  "permission",
  "refused",
  "timeout",
  "connection",
  "http",
  "api-version",
  "malformed",
];

/** Container actions that are counted by name; any other counts as `other`. */
export const EVENT_ACTIONS: readonly string[] = [
  "create",
  "start",
  "restart",
  "pause",
  "unpause",
  "kill",
  "stop",
  "die",
  "oom",
  "rename",
  "update",
  "destroy",
  "remove",
  "health_status",
  "connect",
  "disconnect",
];

/**
 * States of a row that are counted by name; any other counts as `other`, since an Engine may say
 * what it likes.
 */
const CONTAINER_STATES: readonly string[] = [...ENGINE_STATES, PENDING, MISSING];

/** Every metric of the program. */
export interface Metrics {
  /** `tinyforge_containers{kind,state}`: rows of the index. */
  readonly containers: Gauge<"kind" | "state">;
  /** `tinyforge_container_health{health}`: rows whose container has a health check. */
  readonly health: Gauge<"health">;
  /** `tinyforge_problems{kind,severity}`: what is wrong now. */
  readonly problems: Gauge<"kind" | "severity">;
  /** `tinyforge_pass_duration_seconds`: observe seconds. */
  readonly passDuration: Histogram<never>;
  /** `tinyforge_passes_total{outcome}`. */
  readonly passes: Counter<"outcome">;
  /** `tinyforge_last_pass_timestamp_seconds`: last good pass, seconds since the Unix epoch. */
  readonly lastPass: Gauge<never>;
  /** `tinyforge_rows_changed_total{op}`. */
  readonly rowsChanged: Counter<"op">;
  /** `tinyforge_refused{reason}`: containers of the last pass that got no row. */
  readonly refused: Gauge<"reason">;
  /** `tinyforge_engine_up`: 1 when the last request was answered. */
  readonly engineUp: Gauge<never>;
  /** `tinyforge_engine_changed`: 1 while another Engine answers than the accepted one. */
  readonly engineChanged: Gauge<never>;
  /** `tinyforge_index_fresh`: 1 while the index is what runs now. */
  readonly indexFresh: Gauge<never>;
  /** `tinyforge_engine_requests_total{endpoint,outcome}`. */
  readonly engineRequests: Counter<"endpoint" | "outcome">;
  /** `tinyforge_events_total{action}`. */
  readonly events: Counter<"action">;
  /** `tinyforge_event_lag_seconds`: from the Engine's time to the commit. */
  readonly eventLag: Histogram<never>;
  /** `tinyforge_event_stream_up`: 1 while events flow. */
  readonly eventStreamUp: Gauge<never>;
  /** `tinyforge_event_stream_reconnects_total`. */
  readonly eventStreamReconnects: Counter<never>;
  /** `tinyforge_drift_total`: rows that a full pass had to correct. */
  readonly drift: Counter<never>;
  /** `tinyforge_http_requests_total{route,code}`: the route's pattern, not the path. */
  readonly httpRequests: Counter<"route" | "code">;
  /** `tinyforge_http_failed_logins_total{kind}`: requests without the right secret. */
  readonly failedLogins: Counter<"kind">;
  /** `tinyforge_notify_attempts_total{outcome}`: attempts to deliver. */
  readonly notifyAttempts: Counter<"outcome">;
  /** `tinyforge_notify_queue_length`: deliveries that wait. */
  readonly notifyQueue: Gauge<never>;
  /** `tinyforge_notify_oldest_queued_seconds`: age of the oldest of them, 0 for none. */
  readonly notifyOldest: Gauge<never>;
  /** `tinyforge_notify_channels{state}`. */
  readonly notifyChannels: Gauge<"state">;
  /** `tinyforge_db_size_bytes`. */
  readonly dbSize: Gauge<never>;
  /** `tinyforge_backups_total{outcome}`: those that the daemon made, or could not make. */
  readonly backups: Counter<"outcome">;
  /** `tinyforge_backup_last_verified_timestamp_seconds`: Unix time; 0 before the first. */
  readonly backupLastVerified: Gauge<never>;
  /** `tinyforge_backup_size_bytes`: of the last one. */
  readonly backupSize: Gauge<never>;
  /** Asks this function before each scrape, so that it can set gauges. */
  onScrape(collect: () => void): void;
  /** The text exposition, format 0.0.4. */
  render(): string;
}

/** What {@link createMetrics} is told. */
export interface MetricsOptions {
  /** The program's version, for `build_info`. */
  readonly version: string;
  /** Reads this process's usage. Default: from the C library. */
  readonly usage?: () => ProcessUsage | null;
  /** Resident memory, bytes. Default: Deno's. */
  readonly residentBytes?: () => number;
  /** When the process started, seconds since the Unix epoch. Default: Deno's. */
  readonly startedAt?: number;
}

/** The content type of {@link Metrics.render}. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics of this process, all at zero. */
export function createMetrics(options: MetricsOptions): Metrics {
  const all: Metric[] = [];
  const collectors: (() => void)[] = [];
  const add = <M extends Metric>(metric: M): M => {
    all.push(metric);
    return metric;
  };

  versionsOf(add, options);

  const metrics: Metrics = {
    containers: add(
      new Gauge("tinyforge_containers", "Rows of the containers index.", {
        labels: { kind: WORKLOAD_KINDS, state: [...CONTAINER_STATES, "other"] },
      }),
    ),
    health: add(
      new Gauge("tinyforge_container_health", "Containers with a health check, by health.", {
        labels: { health: ["healthy", "starting", "unhealthy"] },
      }),
    ),
    problems: add(
      new Gauge("tinyforge_problems", "Open problems.", {
        labels: { kind: PROBLEM_KINDS, severity: ["low", "high"] satisfies Severity[] },
      }),
    ),
    passDuration: add(
      new Histogram("tinyforge_pass_duration_seconds", "Wall time of a pass.", {
        buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      }),
    ),
    passes: add(
      new Counter("tinyforge_passes_total", "Passes by how they ended.", {
        labels: { outcome: ["ok", "failed", "aborted"] satisfies PassOutcome[] },
      }),
    ),
    lastPass: add(
      new Gauge("tinyforge_last_pass_timestamp_seconds", "Time of the last good pass, 0 for none."),
    ),
    rowsChanged: add(
      new Counter("tinyforge_rows_changed_total", "Rows of the index written by passes.", {
        labels: { op: ["insert", "update", "sweep"] satisfies RowOp[] },
      }),
    ),
    refused: add(
      new Gauge("tinyforge_refused", "Containers of the last full pass that got no row.", {
        labels: { reason: REFUSAL_REASONS satisfies readonly RefusalReason[] },
      }),
    ),
    engineUp: add(new Gauge("tinyforge_engine_up", "Whether the Engine answered last time.")),
    engineChanged: add(
      new Gauge(
        "tinyforge_engine_changed",
        "Whether another Engine answers than the accepted one.",
      ),
    ),
    indexFresh: add(new Gauge("tinyforge_index_fresh", "Whether the index is what runs now.")),
    engineRequests: add(
      new Counter("tinyforge_engine_requests_total", "Requests to the Engine.", {
        labels: { endpoint: ENGINE_ENDPOINTS, outcome: ENGINE_OUTCOMES },
      }),
    ),
    events: add(
      new Counter("tinyforge_events_total", "Container events received.", {
        labels: { action: [...EVENT_ACTIONS, "other"] },
      }),
    ),
    eventLag: add(
      new Histogram("tinyforge_event_lag_seconds", "From an event's time to its commit.", {
        buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      }),
    ),
    eventStreamUp: add(new Gauge("tinyforge_event_stream_up", "Whether events flow.")),
    eventStreamReconnects: add(
      new Counter(
        "tinyforge_event_stream_reconnects_total",
        "Times the event stream was reopened.",
      ),
    ),
    drift: add(
      new Counter("tinyforge_drift_total", "Rows that full passes found changed without an event."),
    ),
    ...requestMetrics(add),
    ...notifyMetrics(add),
    dbSize: add(new Gauge("tinyforge_db_size_bytes", "Size of the database file.")),
    backups: add(
      new Counter("tinyforge_backups_total", "Backups that the daemon made by itself.", {
        labels: { outcome: ["verified", "failed"] },
      }),
    ),
    backupLastVerified: add(
      new Gauge(
        "tinyforge_backup_last_verified_timestamp_seconds",
        "When the last backup was made and checked, Unix time.",
      ),
    ),
    backupSize: add(new Gauge("tinyforge_backup_size_bytes", "Size of the last backup.")),
    onScrape: (collect) => void collectors.push(collect),
    render: () => {
      for (const collect of collectors) {
        try {
          collect();
        } catch {
          // One source that fails must not hide the others; its gauge keeps the last value.
        }
      }
      return all.map((metric) => metric.render()).join("");
    },
  };

  collectors.push(processCollector(add, options));
  return metrics;
}

/** What is counted of requests, whoever answers them. */
export function requestMetrics(
  add: <M extends Metric>(metric: M) => M,
): Pick<Metrics, "httpRequests" | "failedLogins"> {
  return {
    httpRequests: add(
      new Counter("tinyforge_http_requests_total", "HTTP requests by route pattern and status.", {
        labels: { route: [], code: [] },
        open: true,
      }),
    ),
    failedLogins: add(
      new Counter("tinyforge_http_failed_logins_total", "HTTP requests without the right secret.", {
        labels: { kind: ["token", "login", "webhook"] },
      }),
    ),
  };
}

/** What became of what people were to be told, of one host or of many. */
export function notifyMetrics(
  add: <M extends Metric>(metric: M) => M,
): Pick<Metrics, "notifyAttempts" | "notifyQueue" | "notifyOldest" | "notifyChannels"> {
  return {
    notifyAttempts: add(
      new Counter("tinyforge_notify_attempts_total", "Attempts to deliver a notification.", {
        labels: { outcome: ["delivered", "retried", "dead"] },
      }),
    ),
    notifyQueue: add(
      new Gauge("tinyforge_notify_queue_length", "Notifications that wait to be delivered."),
    ),
    notifyOldest: add(
      new Gauge("tinyforge_notify_oldest_queued_seconds", "Age of the oldest that waits, or 0."),
    ),
    notifyChannels: add(
      new Gauge("tinyforge_notify_channels", "Channels by whether they are used.", {
        labels: { state: ["ok", "broken", "disabled"] },
      }),
    ),
  };
}

/** `tinyforge_build_info`. */
export function versionsOf(
  add: <M extends Metric>(metric: M) => M,
  { version }: Pick<MetricsOptions, "version">,
): void {
  const { deno } = Deno.version;
  add(
    new Gauge("tinyforge_build_info", "Versions of the program and its runtime; always 1.", {
      labels: { version: [version], deno: [deno] },
    }),
  ).set(1, { version, deno });
}

/** The usual `process_` metrics, as far as a process may see itself; to be called at each scrape. */
export function processCollector(
  add: <M extends Metric>(metric: M) => M,
  { usage = processUsage, residentBytes = () => Deno.memoryUsage().rss, startedAt }: MetricsOptions,
): () => void {
  const cpu = add(
    new Gauge("process_cpu_seconds_total", "User and system CPU time.", {
      type: "counter",
    }),
  );
  const fds = add(new Gauge("process_open_fds", "Open file descriptors."));
  const memory = add(new Gauge("process_resident_memory_bytes", "Resident memory."));
  add(new Gauge("process_start_time_seconds", "Start of the process, Unix time."))
    .set(startedAt ?? performance.timeOrigin / 1000);
  return () => {
    const used = usage();
    if (used !== null) cpu.set(used.cpuSeconds);
    if (used !== null && used.openFds !== null) fds.set(used.openFds);
    memory.set(residentBytes());
  };
}

/**
 * The metrics: the whole text at zero, counting, and labels that can't grow without bound.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { outcomeOf } from "../../src/docker/error.ts";
import type { DockerEndpoint, EngineCode } from "../../src/failure.ts";
import {
  createMetrics,
  ENGINE_ENDPOINTS,
  ENGINE_OUTCOMES,
  type Metrics,
  METRICS_CONTENT_TYPE,
} from "../../src/telemetry/metrics.ts";
import { Counter, Gauge, Histogram } from "../../src/telemetry/prometheus.ts";

const SNAPSHOT = new URL("./metrics_snapshot.txt", import.meta.url);

function metrics(): Metrics {
  return createMetrics({
    version: "1.2.3",
    usage: () => ({ cpuSeconds: 1.5, openFds: 12 }),
    residentBytes: () => 1024,
    startedAt: 1_700_000_000,
  });
}

function line(metrics: Metrics, series: string): string | undefined {
  return metrics.render().split("\n").find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);
}

Deno.test("createMetrics() renders every series at zero", async () => {
  const text = metrics().render().replaceAll(`deno="${Deno.version.deno}"`, 'deno="VERSION"');
  if (Deno.env.get("UPDATE_SNAPSHOTS")) await Deno.writeTextFile(SNAPSHOT, text);
  assertEquals(text, await Deno.readTextFile(SNAPSHOT));
});

Deno.test("createMetrics() renders text that the exposition format allows", () => {
  const all = metrics();
  all.httpRequests.inc({ route: 'odd "route"\\\n', code: "200" });
  all.passDuration.observe(0.2);
  const typed = new Set<string>();
  const seen = new Set<string>();
  for (const line of all.render().trimEnd().split("\n")) {
    const type = /^# TYPE ([a-z_]+) (?:counter|gauge|histogram)$/.exec(line);
    if (type !== null) typed.add(type[1]!);
    if (line.startsWith("#")) continue;
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (?:[0-9.e+-]+|\+Inf)$/
      .exec(line);
    assert(sample !== null, line);
    assert(typed.has(sample[1]!.replace(/_(?:bucket|sum|count)$/, "")) || typed.has(sample[1]!));
    const series = line.slice(0, line.lastIndexOf(" "));
    assert(!seen.has(series), `twice: ${series}`);
    seen.add(series);
  }
  assertEquals(METRICS_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
});

Deno.test("createMetrics() counts what it is told", () => {
  const all = metrics();
  all.passes.inc({ outcome: "ok" });
  all.passes.inc({ outcome: "ok" });
  all.rowsChanged.add(5, { op: "insert" });
  all.drift.add(3);
  all.eventStreamReconnects.inc();
  all.engineUp.set(1);
  all.httpRequests.inc({ route: "/api/containers/{id}", code: "404" });
  assertEquals(line(all, 'tinyforge_passes_total{outcome="ok"}'), "2");
  assertEquals(line(all, 'tinyforge_passes_total{outcome="failed"}'), "0");
  assertEquals(line(all, 'tinyforge_rows_changed_total{op="insert"}'), "5");
  assertEquals(line(all, "tinyforge_drift_total"), "3");
  assertEquals(line(all, "tinyforge_event_stream_reconnects_total"), "1");
  assertEquals(line(all, "tinyforge_engine_up"), "1");
  assertEquals(
    line(all, 'tinyforge_http_requests_total{route="/api/containers/{id}",code="404"}'),
    "1",
  );
});

Deno.test("createMetrics() counts an unknown label value as other", () => {
  const all = metrics();
  const series = all.render().split("\n").length;
  for (let i = 0; i < 100; i++) all.events.inc({ action: `exec_create: sh ${i}` });
  all.events.inc({ action: "start" });
  assertEquals(line(all, 'tinyforge_events_total{action="other"}'), "100");
  assertEquals(line(all, 'tinyforge_events_total{action="start"}'), "1");
  assertEquals(all.render().split("\n").length, series);
});

Deno.test("createMetrics() adds states that nobody knows up in one series", () => {
  const all = metrics();
  const series = all.render().split("\n").length;
  for (let scrape = 0; scrape < 2; scrape++) {
    all.containers.reset();
    for (let i = 0; i < 2000; i++) all.containers.add(3, { kind: "stack", state: `made up ${i}` });
    all.containers.add(5, { kind: "stack", state: "running" });
  }
  const shown = (state: string) => line(all, `tinyforge_containers{kind="stack",state="${state}"}`);
  assertEquals([shown("other"), shown("running")], ["6000", "5"]);
  assertEquals(all.render().split("\n").length, series);
});

Deno.test("createMetrics() knows every request and every failure of the Docker client", () => {
  // The metrics may not import the client; these records don't compile when one lags behind.
  const endpoints: Record<Exclude<DockerEndpoint, "host" | "top" | "image">, true> = {
    ping: true,
    version: true,
    info: true,
    list: true,
    list_ids: true,
    events: true,
    inspect: true,
  };
  const failures: Record<Exclude<EngineCode, "engine-host">, true> = {
    "engine-no-socket": true,
    "engine-permission": true,
    "engine-refused": true,
    "engine-timeout": true,
    "engine-connection": true,
    "engine-http": true,
    "engine-api-version": true,
    "engine-malformed": true,
  };
  assertEquals(new Set(ENGINE_ENDPOINTS), new Set(Object.keys(endpoints)));
  assertEquals(
    new Set(ENGINE_OUTCOMES),
    new Set(["ok", "aborted", ...(Object.keys(failures) as EngineCode[]).map(outcomeOf)]),
  );
});

Deno.test("createMetrics() asks collectors at each scrape and outlives one that fails", () => {
  const all = metrics();
  let size = 0;
  all.onScrape(() => {
    throw new Error("closed");
  });
  all.onScrape(() => all.dbSize.set(size += 100));
  assertEquals(line(all, "tinyforge_db_size_bytes"), "100");
  assertEquals(line(all, "tinyforge_db_size_bytes"), "200");
});

Deno.test("createMetrics() measures this process where it is not told", async () => {
  const held = await Promise.all(Array.from({ length: 300 }, () => Deno.open("/dev/null")));
  const all = createMetrics({ version: "1" });
  const open = Number(line(all, "process_open_fds"));
  for (const file of held) file.close();
  // Above one block of descriptors, so that counting goes on past the first.
  assertGreater(open, 300);
  assertGreater(Number(line(all, "process_cpu_seconds_total")), 0);
  assertGreater(Number(line(all, "process_resident_memory_bytes")), 1_000_000);
  const started = Number(line(all, "process_start_time_seconds"));
  assert(Math.abs(started - Date.now() / 1000) < 3600, String(started));
  assertEquals(open - Number(line(all, "process_open_fds")), 300);
});

Deno.test("Counter only grows", () => {
  const counter = new Counter("c", "help");
  counter.add(0.5);
  assertThrows(() => counter.add(-1), RangeError, "Cannot add -1 to c: it only grows");
  assertThrows(() => counter.add(NaN), RangeError);
  assertEquals(counter.render(), "# HELP c help\n# TYPE c counter\nc 0.5\n");
});

Deno.test("Gauge.reset() sets every series to zero and keeps it", () => {
  const gauge = new Gauge("g", "back\\slash\nline", { labels: { kind: ["a"] }, open: true });
  gauge.set(1, { kind: "a" });
  gauge.set(2, { kind: "b" });
  gauge.reset();
  gauge.set(3, { kind: "b" });
  assertEquals(
    gauge.render(),
    '# HELP g back\\\\slash\\nline\n# TYPE g gauge\ng{kind="a"} 0\ng{kind="b"} 3\n',
  );
});

Deno.test("Histogram counts into cumulative buckets, bounds included", () => {
  const histogram = new Histogram("h", "help", { buckets: [1, 2], labels: { op: ["x"] } });
  for (const value of [0.5, 1, 1.5, 2.5, NaN]) histogram.observe(value, { op: "x" });
  assertEquals(
    histogram.render(),
    `# HELP h help
# TYPE h histogram
h_bucket{op="x",le="1"} 2
h_bucket{op="x",le="2"} 3
h_bucket{op="x",le="+Inf"} 4
h_sum{op="x"} 5.5
h_count{op="x"} 4
`,
  );
});

Deno.test("a label value is escaped and bounded in length", () => {
  const gauge = new Gauge("g", "help", { labels: { name: [] }, open: true });
  gauge.set(1, { name: 'a"b\\c\nd' });
  gauge.set(2, { name: "x".repeat(10_000) });
  const text = gauge.render();
  assertStringIncludes(text, 'g{name="a\\"b\\\\c\\nd"} 1\n');
  assert(text.length < 300);
});

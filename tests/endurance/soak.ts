/**
 * The daemon under everything at once for as long as one likes: containers that come, go and
 * change, event storms, an Engine that restarts, hangs and lies, clients that read slowly or
 * never, polling and deployers' writes. Hours of passes in minutes, by a short interval:
 * `deno task soak [--minutes N] [--seed N]`. Prints a table; exits with 1 where a bound is broken
 * or the index is not true in the end.
 *
 * @module
 */

import { openStore } from "../../src/store/store.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { run } from "../engines/run.ts";
import { compareWithEngine } from "../harness/index_truth.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { Chance } from "./chance.ts";
import { anySeed, numberOf, say } from "./command.ts";
import { readDatabase } from "./found.ts";
import { Ledger } from "./ledger.ts";
import { Scene } from "./scene.ts";
import { SoakClients } from "./soak_clients.ts";
import { SoakDeploys } from "./soak_deploys.ts";
import { UnrestfulEngine } from "./soak_engine.ts";
import { Lag } from "./soak_lag.ts";
import { SoakLoad } from "./soak_load.ts";
import {
  type Bound,
  bounds,
  isKept,
  renderBounds,
  renderSamples,
  type Sample,
} from "./soak_report.ts";
const { Database } = await import("@db/sqlite");

/** How to soak. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Told of what happens. */
  readonly say?: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly samples: readonly Sample[];
  readonly bounds: readonly Bound[];
  /** What was done, as lines of a table. */
  readonly done: readonly (readonly [what: string, count: number])[];
  /** What was wrong. */
  readonly violations: readonly string[];
  /** Changes that took longer than a second to show. */
  readonly delays: readonly string[];
}

const INTERVAL_MS = 250;
const USUAL_INTERVAL_MS = 30_000;
const SAMPLE_EVERY_MS = 5000;

/** Soaks, judges, and leaves nothing behind. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = `${INTERVAL_MS}ms`;
  host.env["TINYFORGE_LOG_LEVEL"] = "warn";
  await fillStories(host);
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const scene = new Scene(engine, new Ledger());
  const load = new SoakLoad({ scene, daemon, chance: new Chance(options.seed) });
  const deploys = new SoakDeploys(load);
  const probe = await deploys.build();
  await until("the index is built", async () => (await disagreements(load)).length === 0);
  const idle = await descriptors(daemon);
  options.say?.(`${engine.containers.size} containers, ${idle} descriptors when idle`);
  const soaking = new Soak(load, { deploys, probe });
  await soaking.load(options.minutes * 60_000, options.say ?? (() => {}));
  await soaking.settle(idle);
  const ended = await daemon.stop();
  if (ended.code !== 0) load.violations.push(`it ended with ${ended.code}: ${ended.stderr}`);
  return {
    samples: soaking.samples,
    bounds: bounds(soaking.samples, idle),
    done: [...load.done],
    violations: load.violations,
    delays: soaking.delays,
  };
}

/** Begins with as much of what happened as is ever kept, so that the database has its full size. */
async function fillStories(host: TestHost): Promise<void> {
  await Deno.mkdir(host.dataDir, { mode: 0o700 });
  (await openStore(host.database)).close();
  const db = new Database(host.database, { create: false });
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO transitions (row_id, at, from_state, to_state, cause, container_id, origin,
      container_name, image_ref)
    SELECT 'a-workload-of-twelve:role-' || (i % 500), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
      'running', 'stopped', 'event', lower(hex(randomblob(32))),
      '{"by":"event","action":"die","at":"2026-01-01T00:00:00.000Z"}',
      'shop-web-' || (i % 500), 'registry.example.com/team/app:1.2' FROM n`);
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO row_changes (row_id, at, field, from_value, to_value, container_id)
    SELECT 'a-workload-of-twelve:role-' || (i % 500), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
      'health', 'healthy', 'unhealthy', lower(hex(randomblob(32))) FROM n`);
  db.close();
}

class Soak {
  readonly samples: Sample[] = [];
  readonly #load: SoakLoad;
  readonly #deploys: SoakDeploys;
  readonly #engine: UnrestfulEngine;
  readonly #clients: SoakClients;
  readonly #lag: Lag;
  #events = 0;

  constructor(load: SoakLoad, parts: { deploys: SoakDeploys; probe: FakeContainer }) {
    this.#load = load;
    this.#deploys = parts.deploys;
    this.#engine = new UnrestfulEngine(load, parts.probe);
    this.#clients = new SoakClients(load);
    this.#lag = new Lag(load, { mirror: this.#clients.mirror, probe: parts.probe });
    const { engine } = load.scene;
    const emit = engine.emit.bind(engine);
    engine.emit = (...args) => {
      this.#events++;
      emit(...args);
    };
  }

  get delays(): readonly string[] {
    return this.#lag.delays;
  }

  /** Everything at once. */
  async load(ms: number, say: (line: string) => void): Promise<void> {
    const begin = performance.now();
    await this.#load.run([
      ...this.#engine.loops(),
      ...this.#deploys.loops(),
      ...this.#clients.loops(),
      this.#lag.run(),
      this.#load.every(SAMPLE_EVERY_MS, async () => {
        const sample = await this.#sample((performance.now() - begin) / 1000);
        this.samples.push(sample);
        if (this.samples.length % 12 === 0) say(renderSamples([sample]).split("\n")[1]!);
      }),
    ], ms);
  }

  /** Quiet again: the index must be true, the deployer's writes there, and nothing left open. */
  async settle(idleDescriptors: number): Promise<void> {
    const { daemon, violations, scene: { ledger } } = this.#load;
    this.#engine.calm();
    await this.#comesTrue("the index", () => disagreements(this.#load));
    const { body: pass } = await daemon.ask("POST", "/api/reconcile");
    if (pass.inserted + pass.updated + pass.swept !== 0) {
      violations.push(`a pass after the last one still changes ${JSON.stringify(pass)}`);
    }
    // Followed all the time, over every gap. What inspects tell of containers still comes meanwhile.
    await this.#comesTrue("the live feed", async () => {
      const { items } = await daemon.get("/api/containers?limit=10000");
      return this.#clients.mirror.compare(items);
    });
    await this.#clients.leave();
    const found = readDatabase(daemon.host.database, { readonly: true });
    violations.push(...found.violations, ...ledger.compare(found));
    for (const refusal of ledger.refusals) violations.push(`refused: ${refusal}`);
    await until(
      "descriptors are given back",
      async () => await descriptors(daemon) <= idleDescriptors + 8,
      { withinMs: 60_000 },
    ).catch(async () => violations.push(`${await descriptors(daemon)} descriptors stay open`));
    await this.#countPasses();
  }

  async #comesTrue(what: string, compare: () => string[] | Promise<string[]>): Promise<void> {
    let wrong: string[] = [];
    try {
      await until(what, async () => (wrong = await compare()).length === 0, { withinMs: 60_000 });
    } catch {
      this.#load.violations.push(...wrong.slice(0, 20).map((each) => `${what}: ${each}`));
    }
  }

  async #countPasses(): Promise<void> {
    const load = this.#load;
    const metric = (series: string) => load.daemon.metric(series);
    load.count("passes", await metric('tinyforge_passes_total{outcome="ok"}'));
    load.count("passes that failed", await metric('tinyforge_passes_total{outcome="failed"}'));
    load.count("event streams opened again", await metric("tinyforge_event_stream_reconnects"));
    load.count("drift", await metric("tinyforge_drift_total"));
    load.count("acknowledged writes", load.scene.ledger.acknowledged);
    const full = await metric('tinyforge_engine_requests_total{endpoint="list",outcome="ok"}');
    load.count("full passes", full);
    load.count("hours they would take usually", Math.round(full * USUAL_INTERVAL_MS / 3_600_000));
  }

  async #sample(seconds: number): Promise<Sample> {
    const { daemon } = this.#load;
    const { database } = daemon.host;
    const size = async (path: string) => (await Deno.stat(path)).size;
    const status = await daemon.status();
    return {
      seconds,
      livezMs: this.#clients.takeLivezMs(),
      lagMs: this.#lag.takeMs(),
      residentBytes: await daemon.metric("process_resident_memory_bytes"),
      // Both at one moment.
      connections: this.#clients.connections,
      descriptors: await descriptors(daemon),
      databaseBytes: await size(database),
      logBytes: await size(`${database}-wal`),
      rows: status?.counts.reduce((sum, { count }) => sum + count, 0) ?? NaN,
      passes: await daemon.metric('tinyforge_passes_total{outcome="ok"}'),
      events: this.#events,
    };
  }
}

/** Where the index and the Engine differ. */
async function disagreements({ daemon, scene }: SoakLoad): Promise<string[]> {
  const { items } = await daemon.get("/api/containers?limit=10000");
  return compareWithEngine(items, scene);
}

/** Open descriptors of a daemon. */
async function descriptors(daemon: LivingDaemon): Promise<number> {
  // Not read directly: a process that is not allowed everything may not look into /proc.
  return (await run("ls", [`/proc/${daemon.pid}/fd`])).split("\n").length;
}

async function main(args: readonly string[]): Promise<number> {
  const seed = numberOf("seed", args, { otherwise: anySeed() });
  const minutes = numberOf("minutes", args, { otherwise: 10 });
  say(`${minutes} minutes, seed ${seed}`);
  const report = await soak({ minutes, seed, say });
  say(`\n${renderSamples(report.samples)}\n\n${renderBounds(report.bounds)}\n`);
  for (const [what, count] of report.done) say(`${String(count).padStart(8)}  ${what}`);
  const broken = report.bounds.filter((bound) => !isKept(bound)).length;
  say(`\n${broken} bounds broken, ${report.violations.length} violations`);
  for (const line of [...report.violations.slice(0, 50), ...report.delays]) say(line);
  return broken + report.violations.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

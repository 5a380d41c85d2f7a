/**
 * The daemon under everything at once for as long as one likes: containers that come, go and
 * change, event storms, an Engine that restarts, hangs and lies, clients that read slowly or
 * never, polling and deployers' writes. Hours of passes in minutes, by a short interval:
 * `deno task soak [--minutes N] [--seed N]`. Prints a table; exits with 1 where a bound is broken
 * or the index is not true in the end.
 *
 * @module
 */

import { join } from "@std/path";
import type { ContainerView } from "../../src/model/views.ts";
import { openStore } from "../../src/store/store.ts";
import { Host } from "../harness/program.ts";
import { randomNumbers } from "./crash.ts";
import { DEPLOYED, Ledger, readDatabase, type Thing, UNTOLD } from "./crash_ledger.ts";
import { run } from "../engines/run.ts";
import { until } from "../harness/until.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Fault } from "../engines/scripted_fault.ts";
import { compareWithEngine } from "../harness/index_truth.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { writeAll } from "../harness/raw_http.ts";
import { EventReader } from "../harness/feeds.ts";
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

const SITES = 120;
const SERVICES = 200;
const ROWS = 80;
const UNMANAGED = 100;
const STORM_EVENTS = 3000;

const READERS = 3;
const SLOW_READERS = 10;
const NEVER_READERS = 10;

/** Soaks, judges, and leaves nothing behind. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  await using engine = await FakeEngine.start();
  await using host = await Host.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = `${INTERVAL_MS}ms`;
  host.env["TINYFORGE_LOG_LEVEL"] = "warn";
  await fillStories(host);
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const soaking = new Soak({ engine, daemon, random: randomNumbers(options.seed) });
  await soaking.build();
  const idle = await soaking.descriptors();
  options.say?.(`${engine.containers.size} containers, ${idle} descriptors when idle`);
  await soaking.load(options.minutes * 60_000, options.say ?? (() => {}));
  await soaking.settle(idle);
  const ended = await daemon.stop();
  if (ended.code !== 0) soaking.violations.push(`it ended with ${ended.code}: ${ended.stderr}`);
  return {
    samples: soaking.samples,
    bounds: bounds(soaking.samples, idle),
    done: [...soaking.done],
    violations: soaking.violations,
    delays: soaking.delays,
  };
}

/** Begins with as many transitions as are ever kept, so that the database has its full size. */
async function fillStories(host: Host): Promise<void> {
  await Deno.mkdir(host.dataDir, { mode: 0o700 });
  (await openStore(host.database)).close();
  const db = new Database(host.database, { create: false });
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO transitions (row_id, at, from_state, to_state, cause, container_id, detail)
    SELECT 'story-' || (i % 500), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'running', 'stopped',
      'event', hex(randomblob(32)), 'die at 2026-01-01T00:00:00.000Z' FROM n`);
  db.close();
}

interface SoakParts {
  readonly engine: FakeEngine;
  readonly daemon: LivingDaemon;
  readonly random: () => number;
}

class Soak {
  readonly samples: Sample[] = [];
  readonly violations: string[] = [];
  /** Changes that took longer than a second to show, with what was known of each by then. */
  readonly delays: string[] = [];
  readonly done = new Map<string, number>();
  readonly #engine: FakeEngine;
  readonly #daemon: LivingDaemon;
  readonly #random: () => number;
  readonly #ledger = new Ledger();
  readonly #owners = new Map<string, Thing>();
  /** Containers that went and may come again. */
  readonly #gone: { owner: Thing; labels: Record<string, string> }[] = [];
  readonly #mirror = new Mirror();
  #project!: Thing;
  #stack!: Thing;
  #probe!: FakeContainer;
  readonly #stop = new AbortController();
  readonly #mirroring = new AbortController();
  #following: Promise<void> = Promise.resolve();
  /** Grows whenever something begins or ends that an event can't be expected to outrun. */
  #disturbances = 0;
  #disturbed = 0;
  #connections = 0;
  #events = 0;
  #names = 0;
  #livezMs: number[] = [];
  #lagMs: number[] = [];

  constructor({ engine, daemon, random }: SoakParts) {
    this.#engine = engine;
    this.#daemon = daemon;
    this.#random = random;
    const emit = engine.emit.bind(engine);
    engine.emit = (...args) => {
      this.#events++;
      emit(...args);
    };
  }

  /** What stands before the load begins. */
  async build(): Promise<void> {
    this.#project = await this.#createEntry("project");
    this.#stack = await this.#createEntry("stack");
    for (let i = 0; i < SERVICES; i++) this.#addService(`service${i}`);
    for (let i = 0; i < SITES; i++) this.#addSiteContainer(await this.#createEntry("site"));
    for (let i = 0; i < ROWS; i++) await this.#createRow();
    for (let i = 0; i < UNMANAGED; i++) this.#engine.add();
    const probe = await this.#createEntry("site");
    this.#probe = this.#addSiteContainer(probe);
    await until("the index is built", async () => (await this.#disagreements()).length === 0);
  }

  /** Everything at once. */
  async load(ms: number, say: (line: string) => void): Promise<void> {
    const begin = performance.now();
    const loops = [
      this.#every(20, () => this.#churn()),
      this.#every(20_000, () => this.#storm()),
      this.#every(45_000, () => this.#restartEngine()),
      this.#every(30_000, () => this.#failEngine()),
      this.#every(11_000, () => this.#cutEvents()),
      this.#every(100, () => this.#deploy()),
      this.#every(2000, () => this.#callHook()),
      this.#every(700, () => this.#measureLag()),
      this.#every(100, () => this.#measureLivez()),
      this.#every(200, () => this.#poll("/api/containers?limit=10000")),
      this.#every(500, () => this.#poll("/api/status")),
      this.#every(500, () => this.#poll("/readyz?verbose")),
      this.#every(1000, () => this.#poll("/api/routes")),
      this.#every(1000, () => this.#poll("/api/workloads")),
      this.#every(1000, () => this.#glance()),
      this.#every(SAMPLE_EVERY_MS, async () => {
        const sample = await this.#sample((performance.now() - begin) / 1000);
        this.samples.push(sample);
        if (this.samples.length % 12 === 0) say(renderSamples([sample]).split("\n")[1]!);
      }),
      ...times(READERS - 1, () => this.#follow(new Mirror(), this.#stop.signal)),
      ...times(SLOW_READERS, () => this.#readSlowly()),
      ...times(NEVER_READERS, () => this.#readNever()),
    ];
    this.#following = this.#follow(this.#mirror, this.#mirroring.signal);
    const timer = setTimeout(() => this.#stop.abort(), ms);
    await Promise.all(loops.map((loop) =>
      loop.catch((error) => {
        this.violations.push(`the load broke off: ${error.stack}`);
        this.#stop.abort();
      })
    ));
    clearTimeout(timer);
  }

  /** Quiet again: the index must be true, the deployer's writes there, and nothing left open. */
  async settle(idleDescriptors: number): Promise<void> {
    this.#engine.heal();
    this.#engine.thaw();
    this.#engine.up();
    await this.#comesTrue("the index", () => this.#disagreements());
    const { body: pass } = await this.#daemon.ask("POST", "/api/reconcile");
    if (pass.inserted + pass.updated + pass.swept !== 0) {
      this.violations.push(`a pass after the last one still changes ${JSON.stringify(pass)}`);
    }
    // Followed all the time, over every gap.
    const { items } = await this.#daemon.get("/api/containers?limit=10000");
    await this.#comesTrue("the live feed", () => this.#mirror.compare(items));
    this.#mirroring.abort();
    await this.#following;
    const found = readDatabase(this.#daemon.host.database, { readonly: true });
    this.violations.push(...found.violations, ...this.#ledger.compare(found));
    for (const refusal of this.#ledger.refusals) this.violations.push(`refused: ${refusal}`);
    await until(
      "descriptors are given back",
      async () => await this.descriptors() <= idleDescriptors + 8,
      { withinMs: 60_000 },
    ).catch(async () => this.violations.push(`${await this.descriptors()} descriptors stay open`));
    const metric = (series: string) => this.#daemon.metric(series);
    this.#count("passes", await metric('tinyforge_passes_total{outcome="ok"}'));
    this.#count("passes that failed", await metric('tinyforge_passes_total{outcome="failed"}'));
    this.#count("event streams opened again", await metric("tinyforge_event_stream_reconnects"));
    this.#count("drift", await metric("tinyforge_drift_total"));
    this.#count("acknowledged writes", this.#ledger.acknowledged);
    const full = await metric('tinyforge_engine_requests_total{endpoint="list",outcome="ok"}');
    this.#count("full passes", full);
    this.#count("hours they would take usually", Math.round(full * USUAL_INTERVAL_MS / 3_600_000));
  }

  async #comesTrue(what: string, compare: () => string[] | Promise<string[]>): Promise<void> {
    let wrong: string[] = [];
    try {
      await until(what, async () => (wrong = await compare()).length === 0, { withinMs: 60_000 });
    } catch {
      this.violations.push(...wrong.slice(0, 20).map((each) => `${what}: ${each}`));
    }
  }

  async #disagreements(): Promise<string[]> {
    const { items } = await this.#daemon.get("/api/containers?limit=10000");
    return compareWithEngine(items, { engine: this.#engine, owners: this.#owners });
  }

  /** Open descriptors of the daemon. */
  async descriptors(): Promise<number> {
    // Not read directly: a process that is not allowed everything may not look into /proc.
    return (await run("ls", [`/proc/${this.#daemon.pid}/fd`])).split("\n").length;
  }

  // ---- the Engine

  #churn(): void {
    const dice = this.#random();
    const again = this.#gone.length > 40 || (dice < 0.08 && this.#gone.length > 0);
    if (again) {
      const { owner, labels } = this.#gone.shift()!;
      this.#count("containers that came", 1);
      return void this.#own(owner, this.#engine.add({ labels }));
    }
    const container = this.#anyContainer();
    const owner = this.#owners.get(container.id);
    if (dice < 0.16 && owner !== undefined && owner.kind !== "row") {
      this.#disown(container);
      this.#gone.push({ owner, labels: container.labels });
      this.#count("containers that went", 1);
    } else if (dice < 0.22 && owner !== undefined && owner.kind !== "row") {
      // Replaced as deployers do: for a moment there are two.
      const replacement = this.#engine.add({ labels: container.labels, image: "example/app:2" });
      this.#disown(container, { afterMs: 30 });
      this.#own(owner, replacement);
      this.#count("containers that were replaced", 1);
    } else if (dice < 0.4) {
      this.#engine.setHealth(container, this.#any(["healthy", "unhealthy", "starting"]));
    } else {
      const state = this.#any(["running", "exited", "paused", "restarting"]);
      this.#engine.setState(container, state, this.#any([0, 1, 137]));
      this.#count("containers that changed", 1);
    }
  }

  async #storm(): Promise<void> {
    await this.#disturb(async () => {
      for (let i = 0; i < STORM_EVENTS / 2 && !this.#stop.signal.aborted; i++) {
        const container = this.#anyContainer();
        this.#engine.setState(container, container.state === "running" ? "exited" : "running");
        if (i % 50 === 0) await this.#pause(10);
      }
      await this.#pause(1000);
    });
    this.#count("event storms", 1);
  }

  async #restartEngine(): Promise<void> {
    await this.#disturb(async () => {
      await this.#engine.down({ leaveSocket: this.#random() < 0.5 });
      await this.#pause(200 + this.#random() * 3000);
      // Nobody hears of it.
      this.#engine.emitting = false;
      for (let i = 0; i < 100; i++) {
        const container = this.#anyContainer();
        this.#engine.setState(container, this.#any(["running", "exited"]));
      }
      this.#engine.emitting = true;
      this.#engine.up();
      await this.#pause(3000);
    });
    this.#count("Engine restarts", 1);
  }

  async #failEngine(): Promise<void> {
    const faults: readonly Fault[] = [
      { kind: "hang" },
      { kind: "hang", at: "body" },
      { kind: "cut" },
      { kind: "cut", at: "body" },
      { kind: "status", status: 500 },
      { kind: "body", body: '[{"Id":' },
      { kind: "body", body: '[{"Names":["/without-id"]}]' },
      { kind: "raw", bytes: "this is no HTTP\r\n\r\n" },
      { kind: "slow", pieces: 20, everyMs: 20 },
    ];
    await this.#disturb(async () => {
      this.#engine.fail(this.#any(["list", "list_ids", "info", "any"]), this.#any(faults));
      if (this.#random() < 0.2) this.#engine.freeze();
      await this.#pause(500 + this.#random() * 2500);
      this.#engine.thaw();
      this.#engine.heal();
      await this.#pause(3000);
    });
    this.#count("Engine faults", 1);
  }

  async #cutEvents(): Promise<void> {
    await this.#disturb(async () => {
      this.#engine.cutEvents(this.#any(["end", "close"]));
      await this.#pause(2500);
    });
    this.#count("event streams cut", 1);
    this.#engine.clearRequests();
  }

  // ---- deployers

  async #deploy(): Promise<void> {
    const things = [...this.#ledger.things].filter((thing) =>
      thing !== this.#project && thing !== this.#stack &&
      this.#owners.get(this.#probe.id) !== thing
    );
    const thing = this.#any(things);
    const dice = this.#random();
    const name = this.#name(thing.kind);
    if (thing.kind === "row") {
      const at = `/api/containers/${thing.id}`;
      const before = this.#engine.containers.get(thing.state!["container"]!);
      if (dice < 0.6 || before === undefined) {
        await this.#write(thing, { ...thing.state, subdomain: name, tag: name }, [
          ...["PATCH", at] as const,
          { subdomain: name, imageTag: name },
        ]);
      } else if (dice < 0.85) {
        const container = this.#own(thing, this.#engine.add({ labels: before.labels }));
        await this.#write(thing, { ...thing.state, container: container.id }, [
          ...["PATCH", at] as const,
          { containerId: container.id },
        ]);
        this.#disown(before);
      } else {
        await this.#write(thing, null, ["DELETE", at, undefined]);
        this.#forget(thing);
        await this.#createRow();
      }
      return;
    }
    const at = `/api/sites/${thing.id}`;
    if (dice < 0.4) {
      await this.#write(thing, { ...thing.state, name, workload: name }, ["PATCH", at, { name }]);
    } else if (dice < 0.8) {
      const path = `/api/workloads/${thing.workloadId}/secret`;
      await this.#write(thing, { ...thing.state, secret: UNTOLD }, ["POST", path, undefined]);
    } else {
      await this.#write(thing, null, ["DELETE", `${at}?force=true`, undefined]);
      this.#forget(thing);
      this.#addSiteContainer(await this.#createEntry("site"));
    }
  }

  async #createEntry(kind: "project" | "stack" | "site"): Promise<Thing> {
    const thing = this.#ledger.thing(kind);
    const name = this.#name(kind);
    const detail = kind === "stack" ? name : "";
    await this.#write(thing, { name, workload: name, detail, secret: UNTOLD }, [
      ...["POST", `/api/${kind}s`] as const,
      kind === "stack" ? { name, composeProjectName: name } : { name },
    ]);
    return thing;
  }

  async #createRow(): Promise<void> {
    const id = `${DEPLOYED}${this.#name("row")}`;
    const thing = this.#ledger.thing("row", id);
    const { workloadId } = this.#project;
    const labels = { "tinyforge.workload.id": workloadId! };
    const { id: containerId } = this.#own(thing, this.#engine.add({ labels }));
    await this.#write(thing, { container: containerId, subdomain: "", tag: "", stage: "" }, [
      ...["POST", "/api/containers"] as const,
      { id, workloadId, containerId },
    ]);
  }

  async #write(
    thing: Thing,
    next: Thing["possible"][number],
    request: readonly [method: string, path: string, body: unknown],
  ): Promise<void> {
    await this.#ledger.write(thing, { next, send: () => this.#daemon.send(...request) });
    if (next === null && thing.state === null) this.#ledger.things.delete(thing);
  }

  async #callHook(): Promise<void> {
    // Not of one that is being written: its secret may be another by now.
    const things = [...this.#ledger.things].filter(({ kind, possible }) =>
      kind === "site" && possible.length === 1 && possible[0] !== null
    );
    if (things.length === 0) return;
    const secret = this.#any(things).state?.["secret"];
    // Fails while the Engine does: no matter.
    const response = await this.#daemon.send("POST", `/hooks/${secret}`);
    await response.body?.cancel();
    this.#count("webhooks", 1);
  }

  // ---- clients

  async #poll(path: string): Promise<void> {
    const response = await this.#daemon.send("GET", path);
    await response.text();
    if (response.status !== 200 && !path.startsWith("/readyz")) {
      this.violations.push(`GET ${path} is answered ${response.status}`);
    }
    this.#count("requests that only read", 1);
  }

  /** What is known of a change that does not show. */
  async #describe(rowId: string): Promise<string> {
    const [row, status] = await Promise.all([
      this.#daemon.get(`/api/containers/${encodeURIComponent(rowId)}`),
      this.#daemon.status(),
    ]);
    const { events, lastPass, lastError, engine } = status!;
    return JSON.stringify({
      now: new Date().toISOString(),
      engine: this.#probe.state,
      row: [row.state, row.lastSeenAt, row.updatedAt],
      feed: this.#mirror.rows.get(rowId)?.state,
      events,
      lastPass: [lastPass?.scope, lastPass?.at],
      errors: [lastError, engine.error],
    });
  }

  async #measureLivez(): Promise<void> {
    const begin = performance.now();
    await this.#poll("/livez");
    this.#livezMs.push(performance.now() - begin);
  }

  async #measureLag(): Promise<void> {
    if (this.#disturbed > 0 || !this.#mirror.up) return;
    const before = this.#disturbances;
    const state = this.#probe.state === "running" ? "exited" : "running";
    const begin = performance.now();
    this.#engine.setState(this.#probe, state);
    const rowId = `${this.#owners.get(this.#probe.id)!.workloadId}:site`;
    const shown = state === "exited" ? "stopped" : "running";
    let [shows, delay] = [false, ""];
    await Promise.race([
      this.#mirror.shows(rowId, shown).then(() => shows = true),
      this.#pause(1000).then(async () => {
        if (shows) return;
        delay = await this.#describe(rowId);
        await this.#pause(2000);
      }),
    ]);
    if (this.#disturbances !== before || !this.#mirror.up) return;
    const ms = performance.now() - begin;
    this.#lagMs.push(ms);
    if (ms > 1000) {
      this.delays.push(`${ms.toFixed(0)} ms until ${shown}; after one second ${delay}`);
    }
  }

  /** One that comes for a moment. */
  async #glance(): Promise<void> {
    this.#connections++;
    await using reader = new EventReader(await this.#daemon.send("GET", "/api/events"));
    await reader.next();
    this.#connections--;
    this.#count("live feeds opened", 1);
  }

  /** Follows a live feed, and again when it ends. */
  async #follow(mirror: Mirror, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#connections++;
      const reader = new EventReader(await this.#daemon.send("GET", "/api/events"));
      const cancel = () => void reader[Symbol.asyncDispose]();
      signal.addEventListener("abort", cancel, { once: true });
      try {
        await mirror.read(reader);
      } catch (error) {
        if (!signal.aborted) this.violations.push(`a live feed broke: ${error}`);
      } finally {
        signal.removeEventListener("abort", cancel);
        this.#connections--;
        this.#count("live feeds opened", 1);
      }
    }
  }

  /** Takes less than there is, and is dropped for it. */
  async #readSlowly(): Promise<void> {
    await this.#feedsByHand(async (connection) => {
      const buffer = new Uint8Array(2048);
      while (await connection.read(buffer) !== null) await this.#pause(250);
      this.#count("slow live feeds dropped", 1);
    });
  }

  /** Asks, and never reads a byte. */
  async #readNever(): Promise<void> {
    await this.#feedsByHand(() => this.#pause(55_000));
  }

  async #feedsByHand(use: (connection: Deno.Conn) => Promise<void>): Promise<void> {
    const path = join(this.#daemon.host.dataDir, "tinyforge.sock");
    const request = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const connection = await Deno.connect({ transport: "unix", path });
      const close = () => connection.close();
      signal.addEventListener("abort", close);
      this.#connections++;
      try {
        await writeAll(connection, request);
        await use(connection);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", close);
        if (!signal.aborted) close();
        this.#connections--;
        this.#count("live feeds opened", 1);
      }
    }
  }

  // ---- bits and pieces

  async #sample(seconds: number): Promise<Sample> {
    const { database } = this.#daemon.host;
    const size = async (path: string) => (await Deno.stat(path)).size;
    const status = await this.#daemon.status();
    const [livezMs, lagMs] = [this.#livezMs, this.#lagMs];
    this.#livezMs = [];
    this.#lagMs = [];
    return {
      seconds,
      residentBytes: await this.#daemon.metric("process_resident_memory_bytes"),
      // Both at one moment.
      connections: this.#connections,
      descriptors: await this.descriptors(),
      databaseBytes: await size(database),
      logBytes: await size(`${database}-wal`),
      rows: status?.counts.reduce((sum, { count }) => sum + count, 0) ?? NaN,
      passes: await this.#daemon.metric('tinyforge_passes_total{outcome="ok"}'),
      events: this.#events,
      livezMs,
      lagMs,
    };
  }

  async #every(ms: number, step: () => unknown): Promise<void> {
    await this.#pause(this.#random() * ms);
    while (!this.#stop.signal.aborted) {
      await step();
      await this.#pause(ms);
    }
  }

  /** Resolves after this time, or when the load ends. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
  }

  async #disturb(what: () => Promise<void>): Promise<void> {
    this.#disturbances++;
    this.#disturbed++;
    await what();
    this.#disturbed--;
    this.#disturbances++;
  }

  #addService(service: string): void {
    const labels = {
      "com.docker.compose.project": this.#stack.state!["detail"]!,
      "com.docker.compose.service": service,
    };
    this.#own(this.#stack, this.#engine.add({ labels }));
  }

  #addSiteContainer(site: Thing): FakeContainer {
    return this.#own(
      site,
      this.#engine.add({ labels: { "tinyforge.workload.id": site.workloadId! } }),
    );
  }

  #own(thing: Thing, container: FakeContainer): FakeContainer {
    this.#owners.set(container.id, thing);
    return container;
  }

  #disown(container: FakeContainer, options: { afterMs?: number } = {}): void {
    this.#owners.delete(container.id);
    if (options.afterMs === undefined) this.#engine.remove(container);
    else this.#pause(options.afterMs).then(() => this.#engine.remove(container));
  }

  #forget(thing: Thing): void {
    for (const [id, owner] of this.#owners) {
      if (owner === thing) this.#disown(this.#engine.containers.get(id)!);
    }
    const kept = this.#gone.filter(({ owner }) => owner !== thing);
    this.#gone.splice(0, Infinity, ...kept);
  }

  #anyContainer(): FakeContainer {
    const any = this.#any([...this.#engine.containers.values()]);
    return any === this.#probe ? this.#anyContainer() : any;
  }

  #any<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }

  #name(kind: string): string {
    return `${kind}-${++this.#names}`;
  }

  #count(what: string, by: number): void {
    this.done.set(what, (this.done.get(what) ?? 0) + by);
  }
}

/** The index as a live feed tells it. */
class Mirror {
  readonly rows = new Map<string, ContainerView>();
  /** Whether a snapshot came and changes follow. */
  up = false;
  #changed = Promise.withResolvers<void>();

  /** Reads to the end of the feed. */
  async read(reader: EventReader): Promise<void> {
    try {
      for (let event; (event = await reader.next()) !== null;) {
        const { first, last, items, removed = [] } = JSON.parse(event.data);
        if (first) this.rows.clear();
        for (const item of items) this.rows.set(item.id, item);
        for (const id of removed) this.rows.delete(id);
        if (last) this.up = true;
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }
    } finally {
      this.up = false;
    }
  }

  /** Resolves when it shows this row in this state. */
  async shows(rowId: string, state: string): Promise<void> {
    while (this.rows.get(rowId)?.state !== state) await this.#changed.promise;
  }

  /** Where it differs from these rows; when a row was seen last is not told with each pass. */
  compare(rows: readonly ContainerView[]): string[] {
    const text = (row: ContainerView | undefined) => JSON.stringify({ ...row, lastSeenAt: null });
    const wrong = rows.filter((row) => text(row) !== text(this.rows.get(row.id)));
    return [
      ...wrong.map((row) => `${text(this.rows.get(row.id))} is ${text(row)}`),
      ...(this.rows.size > rows.length ? [`${this.rows.size} rows, not ${rows.length}`] : []),
    ];
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

async function main(args: readonly string[]): Promise<number> {
  const number = (flag: string, otherwise: number) => {
    const at = args.indexOf(`--${flag}`);
    return at < 0 ? otherwise : Number(args[at + 1]);
  };
  const say = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const seed = number("seed", Math.floor(Math.random() * 1e9));
  const minutes = number("minutes", 10);
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

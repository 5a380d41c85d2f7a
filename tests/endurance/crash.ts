/**
 * Ends the daemon with SIGKILL at random moments of its start, of passes and of writes over HTTP,
 * and looks each time whether anything was lost or torn: `deno task crash [--kills N] [--starts N]
 * [--seed N]`. Exits with 1 where something was.
 *
 * What a killed process has written survives in the kernel's memory: this says nothing of a host
 * that loses power.
 *
 * @module
 */

import { join } from "@std/path";
import { Host } from "../harness/program.ts";
import {
  copyDatabase,
  DEPLOYED,
  endsWithinTransaction,
  Ledger,
  readDatabase,
  type Thing,
  UNTOLD,
} from "./crash_ledger.ts";
import { until } from "../harness/until.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { compareWithEngine } from "../harness/index_truth.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";

/** When the daemon is killed. */
export type Moment =
  /** While it starts on what an earlier one left. */
  | "start"
  /** At any time of its life. */
  | "life"
  /** Up to some milliseconds after the Engine's last answer to a pass that changes many rows. */
  | "pass"
  /** While the write-ahead log is written. */
  | "commit"
  /** Up to a few milliseconds after a write was sent. */
  | "write"
  /** At the moment a write is answered. */
  | "answer";

const MOMENTS: readonly Moment[] = [
  ...["life", "pass", "write", "commit"] as const,
  ...["start", "pass", "answer", "commit"] as const,
];

/** What to do. */
export interface CrashOptions {
  /** Kills of a daemon whose data directory is in use. */
  readonly kills: number;
  /** Kills of a daemon that starts in an empty directory. */
  readonly starts: number;
  /** Begins the random numbers; moments vary all the same. */
  readonly seed: number;
  /** Told of each kill. */
  readonly onKill?: (line: string) => void;
  /** Harms the data directory after each kill; to see that it is noticed. */
  readonly sabotage?: (dataDir: string) => Promise<void>;
}

/** What came of it. */
export interface CrashReport {
  /** Kills by moment; `first start` for those in an empty directory. */
  readonly kills: Record<Moment | "first start", number>;
  /** Writes, and what became of those that were not answered. */
  readonly writes: Pick<Ledger, "acknowledged" | "unanswered">;
  /** Passes under way when the daemon was killed, by what was found of them. */
  readonly passes: { whole: number; absent: number };
  /** First starts that were killed, by what was found of the schema. */
  readonly migrations: { whole: number; absent: number };
  /** Rows that passes wrote in the end. */
  readonly rows: number;
  /** Write-ahead logs that ended within a transaction. */
  readonly torn: number;
  /** From the process's start to its lock, milliseconds: in an empty directory, and after a kill. */
  readonly lockMs: { clean: readonly number[]; afterKill: readonly number[] };
  /** Everything that was wrong. */
  readonly violations: readonly string[];
}

const WRITERS = 4;
/** So long after they were made, milliseconds, containers are no longer read for that. */
const SETTLED_MS = 1500;
/** Containers whose image changes all at once, so that a pass written in part shows. */
const GENERATION_SIZE = 150;

/** Kills, looks, starts again, as often as asked. */
export async function crash(options: CrashOptions): Promise<CrashReport> {
  await using engine = await FakeEngine.start();
  const crasher = new Crasher(engine, options);
  for (let i = 0; i < options.starts; i++) await crasher.firstStart(i === 0 ? "let it be" : "kill");
  await crasher.lives();
  return crasher.report;
}

class Crasher {
  readonly report: CrashReport & { rows: number; torn: number; violations: string[] };
  readonly #engine: FakeEngine;
  readonly #options: CrashOptions;
  readonly #random: () => number;
  readonly #ledger = new Ledger();
  /** Whose container it is. */
  readonly #owners = new Map<string, Thing>();
  readonly #writers: Thing[][] = Array.from({ length: WRITERS }, () => []);
  readonly #clean: number[] = [];
  readonly #afterKill: number[] = [];
  #generation = 0;
  #generationAt = 0;
  #names = 0;
  #sent = Promise.withResolvers<void>();
  #answered = Promise.withResolvers<void>();

  constructor(engine: FakeEngine, options: CrashOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#random = randomNumbers(options.seed);
    this.report = {
      kills: {
        "start": 0,
        "life": 0,
        "pass": 0,
        "commit": 0,
        "write": 0,
        "answer": 0,
        "first start": 0,
      },
      writes: this.#ledger,
      passes: { whole: 0, absent: 0 },
      migrations: { whole: 0, absent: 0 },
      torn: 0,
      rows: 0,
      lockMs: { clean: this.#clean, afterKill: this.#afterKill },
      violations: [],
    };
  }

  /** A daemon in an empty directory is killed while it makes its database; the next one goes on. */
  async firstStart(how: "kill" | "let it be"): Promise<void> {
    await using host = await this.#host();
    if (how === "kill") {
      await using daemon = new LivingDaemon(host);
      await this.#withinStart(host);
      daemon.kill();
      await daemon.ended();
      this.report.kills["first start"]++;
      this.#look(await this.#copied(host), "first start");
    }
    await using life = await this.#begin(host, how === "kill" ? this.#afterKill : this.#clean);
    const { status } = await life.ask("POST", "/api/sites", { name: "first" });
    if (status !== 201) this.#wrong("first start", `a site is answered ${status}`);
    await this.#end(life);
  }

  /** One data directory, one daemon after another. */
  async lives(): Promise<void> {
    await using host = await this.#host();
    for (let i = 0; i < this.#options.kills; i++) {
      const moment = MOMENTS[i % MOMENTS.length]!;
      if (moment === "start") {
        await using daemon = new LivingDaemon(host);
        await this.#withinStart(host);
        daemon.kill();
        await daemon.ended();
      } else {
        await using life = await this.#begin(host, i === 0 ? this.#clean : this.#afterKill);
        await this.#verify(life, `before kill ${i + 1}`);
        await this.#kill(life, moment);
      }
      this.report.kills[moment]++;
      await this.#options.sabotage?.(host.dataDir);
      this.#look(await this.#copied(host), `kill ${i + 1} (${moment})`);
      this.#options.onKill?.(`kill ${i + 1} (${moment})`);
    }
    await using life = await this.#begin(host, this.#afterKill);
    await this.#verify(life, "in the end");
    await this.#end(life);
    this.#look(await this.#copied(host), "after a proper end");
  }

  async #host(): Promise<Host> {
    const host = await Host.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${this.#engine.path}`;
    host.env["TINYFORGE_INTERVAL"] = "100ms";
    return host;
  }

  /** Starts a daemon and waits for its first pass. */
  async #begin(host: Host, lockMs: number[]): Promise<LivingDaemon> {
    this.#engine.clearRequests();
    const begin = performance.now();
    const life = new LivingDaemon(host);
    try {
      const lock = join(host.dataDir, "tinyforge.lock");
      await until("it has the lock", async () => {
        return await Deno.readTextFile(lock).catch(() => "") === `${life.pid}\n`;
      }, { withinMs: 20_000 });
      lockMs.push(performance.now() - begin);
      await life.ready();
      return life;
    } catch (cause) {
      await life[Symbol.asyncDispose]();
      throw new Error(`The daemon does not start: ${life.running.stderr}`, { cause });
    }
  }

  async #end(life: LivingDaemon): Promise<void> {
    const { code, stderr } = await life.stop();
    if (code !== 0) this.#wrong("at the end", `the daemon ends with ${code}: ${stderr}`);
  }

  /** Some time between the process's start and its first pass. */
  async #withinStart(host: Host): Promise<void> {
    const usual = this.#clean[0] ?? 300;
    // Most of a start is loading the program; half of the kills wait for what follows.
    if (this.#random() < 0.5) return await pause(this.#random() * usual * 1.5);
    const there = this.#random() < 0.5 ? "tinyforge.lock" : "tinyforge.db-wal";
    const until = performance.now() + usual * 3;
    while (performance.now() < until && !await exists(join(host.dataDir, there))) await pause(1);
    await pause(this.#random() * 50);
  }

  async #kill(life: LivingDaemon, moment: Moment): Promise<void> {
    const writing = this.#writers.map((things) => this.#write(life, things));
    const changing = this.#changeContainers(life);
    await pause(this.#random() * 250);
    await this.#comes(life, moment);
    life.kill();
    await Promise.all([...writing, changing]);
    const { stderr } = await life.ended();
    for (const line of stderr.split("\n")) {
      if (line.includes('"level":"error"')) this.#wrong("before the kill", line);
    }
    for (const refusal of this.#ledger.refusals.splice(0)) this.#wrong("a write", refusal);
  }

  async #comes(life: LivingDaemon, moment: Moment): Promise<void> {
    this.#newGeneration();
    switch (moment) {
      case "pass":
        await this.#passAnswered();
        return await pause(this.#random() * 40);
      case "commit":
        await this.#passAnswered();
        await pause(1); // the answer is on its way
        return writing(`${life.host.database}-wal`);
      case "write":
        this.#sent = Promise.withResolvers();
        await this.#sent.promise;
        return await pause(this.#random() * 5);
      case "answer":
        this.#answered = Promise.withResolvers();
        return await this.#answered.promise;
      default:
        return await pause(this.#random() * 200);
    }
  }

  /** Resolves with the listing, as a rule the last answer that a full pass asks for. */
  async #passAnswered(): Promise<void> {
    const asked = Promise.withResolvers<void>();
    const edit = (answer: unknown) => {
      asked.resolve();
      return answer;
    };
    this.#engine.fail("list", { kind: "edit", edit }, 1);
    await asked.promise;
  }

  /** Changes every image of the generation between two listings. */
  #newGeneration(): void {
    if (this.#generation === 0) return;
    // Those that were just made are each read once more, alone.
    if (performance.now() - this.#generationAt < SETTLED_MS) return;
    this.#generation++;
    for (const container of this.#engine.containers.values()) {
      if (isOfGeneration(container)) container.image = `generation:${this.#generation}`;
    }
  }

  // ---- what happens meanwhile

  async #changeContainers(life: LivingDaemon): Promise<void> {
    while (!life.killed) {
      const container = this.#any([...this.#engine.containers.values()]);
      // An event would have one of a generation read alone.
      if (container !== undefined && !isOfGeneration(container)) {
        const state = this.#any(["running", "running", "exited", "paused", "restarting"])!;
        this.#engine.setState(container, state, 1);
      }
      await pause(this.#random() * 10);
    }
  }

  async #write(life: LivingDaemon, things: Thing[]): Promise<void> {
    while (!life.killed) {
      // Without those that are gone, or whose write was not answered.
      const present = things.filter(({ possible: [state, other] }) => state && other === undefined);
      things.splice(0, Infinity, ...present);
      await this.#writeOne(life, things);
      await pause(this.#random() * 8);
    }
  }

  async #writeOne(life: LivingDaemon, things: Thing[]): Promise<void> {
    const thing = this.#any(things);
    if (thing === undefined || things.length < 3 || this.#random() < 0.15) {
      return await this.#create(life, things);
    }
    if (thing.kind === "row") return await this.#changeRow(life, thing);
    const path = { site: "sites", stack: "stacks", project: "projects", stage: "stages", row: "" };
    const at = `/api/${path[thing.kind]}/${thing.id}`;
    const dice = this.#random();
    if (thing.kind === "stage") {
      // Above the rows that there may be: a stage takes no more.
      const max = String(1000 + Math.floor(dice * 100));
      await this.#send(life, thing, {
        next: { ...thing.state, max },
        request: ["PATCH", at, { maxInstances: Number(max) }],
      });
    } else if (dice < 0.35) {
      const name = this.#name(thing.kind);
      await this.#send(life, thing, {
        next: { ...thing.state, name, workload: name },
        request: ["PATCH", at, { name }],
      });
    } else if (dice < 0.7) {
      await this.#send(life, thing, {
        next: { ...thing.state, secret: UNTOLD },
        request: ["POST", `/api/workloads/${thing.workloadId}/secret`, undefined],
      });
    } else if (thing.kind !== "project") {
      await this.#send(life, thing, {
        next: null,
        request: ["DELETE", `${at}?force=true`, undefined],
      });
      if (!life.killed) this.#removeContainers(thing);
    }
  }

  async #create(life: LivingDaemon, things: Thing[]): Promise<void> {
    const project = things.find((thing) => thing.kind === "project");
    const stage = things.find((thing) => thing.kind === "stage");
    if (project === undefined) return await this.#createEntry(life, things, "project");
    if (stage === undefined) {
      const thing = this.#new(things, "stage");
      const name = this.#name("stage");
      return await this.#send(life, thing, {
        next: { name, max: "1000" },
        request: ["POST", `/api/projects/${project.id}/stages`, { name, maxInstances: 1000 }],
      });
    }
    const kind = this.#any(["site", "stack", "row"] as const)!;
    if (kind !== "row") return await this.#createEntry(life, things, kind);
    const id = `${DEPLOYED}${this.#name("row")}`;
    const thing = this.#new(things, "row", id);
    const container = this.#container(thing, { "tinyforge.workload.id": project.workloadId! });
    await this.#send(life, thing, {
      next: { container: container.id, subdomain: "", tag: "1", stage: stage.id! },
      request: ["POST", "/api/containers", {
        ...{ id, workloadId: project.workloadId, containerId: container.id },
        ...{ stageId: stage.id, imageTag: "1" },
      }],
    });
  }

  async #createEntry(life: LivingDaemon, things: Thing[], kind: "project" | "stack" | "site") {
    const thing = this.#new(things, kind);
    const name = this.#name(kind);
    const detail = kind === "project" ? "" : kind === "site" ? `${name}.example.com` : name;
    await this.#send(life, thing, {
      next: { name, workload: name, detail, secret: UNTOLD },
      request: ["POST", `/api/${kind}s`, {
        name,
        ...(kind === "site" && { domain: detail }),
        ...(kind === "stack" && { composeProjectName: detail }),
      }],
    });
    if (life.killed || thing.workloadId === null) return;
    if (kind === "site") {
      this.#container(thing, { "tinyforge.workload.id": thing.workloadId });
    } else if (kind === "stack") {
      for (const service of ["web", "db"]) {
        this.#container(thing, {
          "com.docker.compose.project": detail,
          "com.docker.compose.service": service,
        });
      }
    }
    if (this.#generation === 0 && kind === "stack") this.#firstGeneration(thing);
  }

  async #changeRow(life: LivingDaemon, thing: Thing): Promise<void> {
    const at = `/api/containers/${thing.id}`;
    const dice = this.#random();
    const name = this.#name("row");
    if (dice < 0.6) {
      await this.#send(life, thing, {
        next: { ...thing.state, subdomain: name, tag: name },
        request: ["PATCH", at, { subdomain: name, imageTag: name }],
      });
    } else if (dice < 0.8) {
      const before = this.#engine.containers.get(thing.state!["container"]!);
      const container = this.#container(thing, { ...before?.labels });
      await this.#send(life, thing, {
        next: { ...thing.state, container: container.id },
        request: ["PATCH", at, { containerId: container.id }],
      });
      if (!life.killed && before !== undefined) this.#engine.remove(before);
    } else {
      await this.#send(life, thing, { next: null, request: ["DELETE", at, undefined] });
      if (!life.killed) this.#removeContainers(thing);
    }
  }

  async #send(life: LivingDaemon, thing: Thing, write: {
    next: Thing["possible"][number];
    request: [method: string, path: string, body: unknown];
  }): Promise<void> {
    await this.#ledger.write(thing, {
      next: write.next,
      send: async () => {
        const sent = life.send(...write.request);
        this.#sent.resolve();
        try {
          const response = await sent;
          this.#answered.resolve();
          return response;
        } catch (error) {
          if (!life.killed) this.#wrong("a write", `no answer: ${error}`);
          throw error;
        }
      },
    });
  }

  #new(things: Thing[], kind: Thing["kind"], id: string | null = null): Thing {
    const thing = this.#ledger.thing(kind, id);
    things.push(thing);
    return thing;
  }

  #name(kind: string): string {
    return `${kind}-${++this.#names}`;
  }

  #container(thing: Thing, labels: Record<string, string>): FakeContainer {
    const container = this.#engine.add({ labels });
    this.#owners.set(container.id, thing);
    return container;
  }

  /** Containers of the first stack that pass for one release, all of them replaced at once. */
  #firstGeneration(stack: Thing): void {
    this.#generation = 1;
    this.#generationAt = performance.now();
    for (let i = 0; i < GENERATION_SIZE; i++) {
      const container = this.#engine.add({
        labels: {
          "tinyforge.workload.id": this.#keeper(stack),
          "tinyforge.workload.role": `g${i}`,
        },
        image: "generation:1",
      });
      this.#owners.set(container.id, stack);
    }
  }

  /** A stack that no writer touches any more. */
  #keeper(stack: Thing): string {
    for (const things of this.#writers) {
      const at = things.indexOf(stack);
      if (at >= 0) things.splice(at, 1);
    }
    return stack.workloadId!;
  }

  #removeContainers(thing: Thing): void {
    for (const [id, owner] of this.#owners) {
      if (owner !== thing) continue;
      const container = this.#engine.containers.get(id);
      if (container !== undefined) this.#engine.remove(container);
      this.#owners.delete(id);
    }
  }

  #any<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }

  // ---- what is looked at

  async #copied(host: Host): Promise<string | null> {
    if (!await exists(host.database)) return null;
    return await copyDatabase(host.database, await Deno.makeTempDir({ dir: host.dir }));
  }

  /** Looks at a copy of what a kill left. */
  #look(copy: string | null, when: string): void {
    const first = when === "first start";
    if (copy === null) {
      if (first) this.report.migrations.absent++;
      else this.#wrong(when, "the database is gone");
      return;
    }
    if (endsWithinTransaction(copy)) this.report.torn++;
    const found = readDatabase(copy);
    for (const violation of found.violations) this.#wrong(when, violation);
    if (first) this.report.migrations[found.migrated ? "whole" : "absent"]++;
    else if (!found.migrated) this.#wrong(when, "the database is empty");
    if (first || !found.migrated) return;
    for (const violation of this.#ledger.compare(found)) this.#wrong(when, violation);
    if (when.includes("(pass)") && found.generation !== null) {
      const whole = found.generation === `generation:${this.#generation}`;
      this.report.passes[whole ? "whole" : "absent"]++;
    }
  }

  /** After the first pass: the index says what the Engine says, and nothing else has changed. */
  async #verify(life: LivingDaemon, when: string): Promise<void> {
    const live = readDatabase(life.host.database, { readonly: true });
    for (const violation of [...live.violations, ...this.#ledger.compare(live)]) {
      this.#wrong(when, violation);
    }
    const { items } = await life.get("/api/containers?limit=10000");
    this.report.rows = items.length;
    const truth = { engine: this.#engine, owners: this.#owners };
    for (const violation of compareWithEngine(items, truth)) this.#wrong(when, violation);
    for (const [id, thing] of this.#owners) {
      const replaced = thing.kind === "row" && thing.state?.["container"] !== id;
      if (thing.state !== null && !replaced) continue;
      const container = this.#engine.containers.get(id);
      if (container !== undefined) this.#engine.remove(container);
      this.#owners.delete(id);
    }
  }

  #wrong(when: string, what: string): void {
    this.report.violations.push(`${when}: ${what}`);
  }
}

function isOfGeneration(container: FakeContainer): boolean {
  return container.image.startsWith("generation:");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Returns as soon as a file is written to; spins, since a write is over within a millisecond. */
function writing(path: string): void {
  const stamp = () => {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  };
  const before = stamp();
  const end = performance.now() + 100;
  while (stamp() === before && performance.now() < end);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** The report as a table. */
export function renderCrash(report: CrashReport): string {
  const { kills, writes, passes, migrations, lockMs, violations } = report;
  const found = (counts: { whole: number; absent: number }) =>
    `${counts.whole + counts.absent}: ${counts.whole} whole, ${counts.absent} absent`;
  const milliseconds = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b).map((ms) => `${Math.round(ms)} ms`);
    return `median ${sorted[sorted.length >> 1]}, longest ${sorted.at(-1)}`;
  };
  const rows = [
    ...Object.entries(kills).map(([moment, count]) => [`kills, ${moment}`, String(count)]),
    ["acknowledged writes", String(writes.acknowledged)],
    ["writes not answered", found(writes.unanswered)],
    ["passes under way", found(passes)],
    ["migrations under way", found(migrations)],
    ["logs that end within a write", String(report.torn)],
    ["rows in the end", String(report.rows)],
    ["start to lock, empty directory", milliseconds(lockMs.clean)],
    ["start to lock, after a kill", milliseconds(lockMs.afterKill)],
    ["violations", String(violations.length)],
  ];
  return [...rows.map(([what, value]) => `${what!.padEnd(32)}${value}`), ...violations].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const number = (flag: string, otherwise: number) => {
    const at = args.indexOf(`--${flag}`);
    return at < 0 ? otherwise : Number(args[at + 1]);
  };
  const say = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const seed = number("seed", Math.floor(Math.random() * 1e9));
  const begin = performance.now();
  say(`seed ${seed}`);
  let last = begin;
  const report = await crash({
    kills: number("kills", 200),
    starts: number("starts", 40),
    seed,
    onKill: (line) => {
      if (performance.now() - last < 10_000) return;
      last = performance.now();
      say(line);
    },
  });
  say(renderCrash(report));
  say(`${Math.round((performance.now() - begin) / 1000)} s`);
  return report.violations.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

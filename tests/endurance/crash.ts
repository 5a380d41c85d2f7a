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
import { FakeEngine } from "../engines/scripted.ts";
import { compareWithEngine } from "../harness/index_truth.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { Chance } from "./chance.ts";
import { anySeed, numberOf, say } from "./command.ts";
import { CrashLoad } from "./crash_load.ts";
import { exists, type Moment, momentComes, MOMENTS, pause, withinStart } from "./crash_moments.ts";
import {
  type CrashReport,
  emptyReport,
  type OpenCrashReport,
  renderCrash,
} from "./crash_report.ts";
import { readDatabase } from "./found.ts";
import { Ledger } from "./ledger.ts";
import { Scene } from "./scene.ts";
import { copyDatabase, endsWithinTransaction } from "./wal.ts";

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

/** Kills, looks, starts again, as often as asked. */
export async function crash(options: CrashOptions): Promise<CrashReport> {
  await using engine = await FakeEngine.start();
  const crasher = new Crasher(engine, options);
  for (let i = 0; i < options.starts; i++) await crasher.firstStart(i === 0 ? "let it be" : "kill");
  await crasher.lives();
  return crasher.report;
}

class Crasher {
  readonly report: OpenCrashReport;
  readonly #options: CrashOptions;
  readonly #chance: Chance;
  readonly #scene: Scene;
  readonly #load: CrashLoad;

  constructor(engine: FakeEngine, options: CrashOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#scene = new Scene(engine, new Ledger());
    this.#load = new CrashLoad(this.#scene, this.#chance);
    this.report = emptyReport(this.#scene.ledger);
  }

  /** A daemon in an empty directory is killed while it makes its database; the next one goes on. */
  async firstStart(how: "kill" | "let it be"): Promise<void> {
    await using host = await this.#host();
    const { clean, afterKill } = this.report.lockMs;
    if (how === "kill") {
      await this.#killWithinStart(host);
      this.report.kills["first start"]++;
      this.#look(await copied(host), "first start");
    }
    await using life = await this.#begin(host, how === "kill" ? afterKill : clean);
    const { status } = await life.ask("POST", "/api/sites", { name: "first" });
    if (status !== 201) this.#wrong("first start", `a site is answered ${status}`);
    await this.#end(life);
  }

  /** One data directory, one daemon after another. */
  async lives(): Promise<void> {
    await using host = await this.#host();
    const { clean, afterKill } = this.report.lockMs;
    for (let i = 0; i < this.#options.kills; i++) {
      const moment = MOMENTS[i % MOMENTS.length]!;
      if (moment === "start") {
        await this.#killWithinStart(host);
      } else {
        await using life = await this.#begin(host, i === 0 ? clean : afterKill);
        await this.#verify(life, `before kill ${i + 1}`);
        await this.#kill(life, moment);
      }
      this.report.kills[moment]++;
      await this.#options.sabotage?.(host.dataDir);
      this.#look(await copied(host), `kill ${i + 1} (${moment})`);
      this.#options.onKill?.(`kill ${i + 1} (${moment})`);
    }
    await using life = await this.#begin(host, afterKill);
    await this.#verify(life, "in the end");
    await this.#end(life);
    this.#look(await copied(host), "after a proper end");
  }

  async #host(): Promise<TestHost> {
    const host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${this.#scene.engine.path}`;
    host.env["TINYFORGE_INTERVAL"] = "100ms";
    return host;
  }

  /** Starts a daemon and waits for its first pass. */
  async #begin(host: TestHost, lockMs: number[]): Promise<LivingDaemon> {
    this.#scene.engine.clearRequests();
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

  async #killWithinStart(host: TestHost): Promise<void> {
    await using daemon = new LivingDaemon(host);
    const usualMs = this.report.lockMs.clean[0] ?? 300;
    await withinStart(host, { usualMs, chance: this.#chance });
    daemon.kill();
    await daemon.ended();
  }

  async #kill(life: LivingDaemon, moment: Exclude<Moment, "start">): Promise<void> {
    const load = this.#load.run(life);
    await pause(this.#chance.below(250));
    this.#load.generation.replace();
    await momentComes(moment, life.host.database, {
      engine: this.#scene.engine,
      chance: this.#chance,
      sent: this.#load.sent,
      answered: this.#load.answered,
    });
    life.kill();
    await load;
    const { stderr } = await life.ended();
    for (const line of stderr.split("\n")) {
      if (line.includes('"level":"error"')) this.#wrong("before the kill", line);
    }
    const { refusals } = this.#scene.ledger;
    for (const refusal of refusals.splice(0)) this.#wrong("a write", refusal);
    for (const silence of this.#load.violations.splice(0)) this.#wrong("a write", silence);
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
    for (const violation of this.#scene.ledger.compare(found)) this.#wrong(when, violation);
    if (when.includes("(pass)") && found.generation !== null) {
      const whole = found.generation === this.#load.generation.image;
      this.report.passes[whole ? "whole" : "absent"]++;
    }
  }

  /** After the first pass: the index says what the Engine says, and nothing else has changed. */
  async #verify(life: LivingDaemon, when: string): Promise<void> {
    const live = readDatabase(life.host.database, { readonly: true });
    for (const violation of [...live.violations, ...this.#scene.ledger.compare(live)]) {
      this.#wrong(when, violation);
    }
    const { items } = await life.get("/api/containers?limit=10000");
    this.report.rows = items.length;
    for (const violation of compareWithEngine(items, this.#scene)) this.#wrong(when, violation);
    for (const [id, thing] of this.#scene.owners) {
      const replaced = thing.kind === "row" && thing.state?.["container"] !== id;
      if (thing.state === null || replaced) this.#scene.remove(id);
    }
  }

  #wrong(when: string, what: string): void {
    this.report.violations.push(`${when}: ${what}`);
  }
}

async function copied(host: TestHost): Promise<string | null> {
  if (!await exists(host.database)) return null;
  return await copyDatabase(host.database, await Deno.makeTempDir({ dir: host.dir }));
}

async function main(args: readonly string[]): Promise<number> {
  const seed = numberOf("seed", args, { otherwise: anySeed() });
  const begin = performance.now();
  say(`seed ${seed}`);
  let last = begin;
  const report = await crash({
    kills: numberOf("kills", args, { otherwise: 200 }),
    starts: numberOf("starts", args, { otherwise: 40 }),
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

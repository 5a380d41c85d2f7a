/**
 * What is wrong, as the daemon keeps it: real store, an Engine that is told what to do, time turned
 * by hand. Passes and events are handed over as the loop does.
 *
 * @module
 */

import { DockerClient } from "../../src/docker/client.ts";
import { Feed } from "../../src/feed.ts";
import type { Problem } from "../../src/model/problem.ts";
import type { Written } from "../../src/model/written.ts";
import { ProblemWatch } from "../../src/problems/problem_watch.ts";
import { Reconciler } from "../../src/reconcile/reconciler.ts";
import { damageLog } from "../../src/store/damage.ts";
import { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import type { Verdict } from "../../src/core/judge.ts";

/** Milliseconds. */
export const SECOND = 1000;
/** Milliseconds. */
export const MINUTE = 60 * SECOND;

/** A host whose time is turned by hand. */
export class WatchedHost implements AsyncDisposable {
  readonly clock = new TurnedClock();
  readonly verdicts: Verdict[] = [];
  bootedAt: number | null = null;
  watch!: ProblemWatch;
  #reconciler!: Reconciler;
  #docker!: DockerClient;

  private constructor(
    readonly temp: TempStore,
    readonly feed: Feed<Written>,
    readonly engine: FakeEngine,
  ) {}

  static async start(): Promise<WatchedHost> {
    const feed = new Feed<Written>();
    const temp = await tempStore({ feed });
    const host = new WatchedHost(temp, feed, await FakeEngine.start());
    host.begin();
    return host;
  }

  begin(): void {
    const log = new Log({ write() {} });
    const { store } = this.temp;
    const { clock, feed } = this;
    this.#docker = new DockerClient({ host: this.engine.host });
    this.#reconciler = new Reconciler({
      docker: this.#docker,
      ...{ store, clock, log },
      composePrefix: "",
      metrics: createMetrics({ version: "test" }),
    });
    this.watch = new ProblemWatch({
      ...{ store, feed, clock, log },
      onDamage: damageLog(log),
      docker: this.#docker,
      staleAfterMs: 75 * SECOND,
      bootedAt: this.bootedAt,
      told: (verdict) => void this.verdicts.push(verdict),
    });
    this.watch.start();
  }

  async restart(): Promise<void> {
    await this.watch.stop();
    this.#docker.close();
    this.begin();
  }

  /** Time goes by, with a pass every 30 s as the loop makes them. */
  async turn(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 30 * SECOND) {
      await this.clock.turn(Math.min(left, 30 * SECOND));
      this.temp.now = this.clock.now();
      await this.pass();
    }
  }

  async pass(): Promise<void> {
    this.temp.now = this.clock.now();
    const { signal } = new AbortController();
    try {
      this.watch.passed((await this.#reconciler.fullPass({ signal })).report);
    } catch (error) {
      this.watch.failed(error);
    }
    await this.clock.turn(0);
  }

  site(name: string): FakeContainer {
    const { entry } = this.temp.store.registry.create("site", { name });
    return this.engine.add({ name, labels: { "tinyforge.static-site": entry.id } });
  }

  event(
    container: FakeContainer,
    action: string,
    more: { exitCode?: number; signal?: string } = {},
  ): void {
    this.watch.event({
      action,
      containerId: container.id,
      name: container.name,
      health: null,
      exitCode: more.exitCode ?? null,
      timeMs: this.clock.now(),
      ...(more.signal !== undefined && { signal: more.signal }),
    });
  }

  async open(): Promise<string[]> {
    await this.clock.turn(0);
    return this.temp.store.problems.list().map(({ kind }) => kind).sort();
  }

  all(): Problem[] {
    return this.temp.store.problems.list({ all: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.stop();
    this.#docker.close();
    await this.engine[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}

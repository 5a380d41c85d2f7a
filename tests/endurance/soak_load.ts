/**
 * What the parts of a soak share: when the load ends, chance, whether the Engine is being
 * disturbed, what was done and what was wrong. Does nothing to anybody itself.
 *
 * @module
 */

import type { LivingDaemon } from "../harness/living_daemon.ts";
import type { Chance } from "./chance.ts";
import type { Scene } from "./scene.ts";

/** What a soak is made of. */
export interface SoakParts {
  readonly scene: Scene;
  readonly daemon: LivingDaemon;
  readonly chance: Chance;
}

/** Everything that goes on at once, from its begin to its end. */
export class SoakLoad {
  readonly scene: Scene;
  readonly daemon: LivingDaemon;
  readonly chance: Chance;
  /** What was wrong. */
  readonly violations: string[] = [];
  /** How often what was done. */
  readonly done: Map<string, number> = new Map();
  /** Grows whenever something begins or ends that an event can't be expected to outrun. */
  disturbances = 0;
  /** Disturbances under way. */
  disturbed = 0;
  readonly #stop = new AbortController();

  constructor({ scene, daemon, chance }: SoakParts) {
    this.scene = scene;
    this.daemon = daemon;
    this.chance = chance;
  }

  /** Aborts when the load ends. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Runs these until the time is over, or until one of them breaks off. */
  async run(loops: readonly Promise<void>[], ms: number): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), ms);
    await Promise.all(loops.map((loop) =>
      loop.catch((error) => {
        this.violations.push(`the load broke off: ${error.stack}`);
        this.#stop.abort();
      })
    ));
    clearTimeout(timer);
  }

  /** Does something again and again, so long after the last time, until the load ends. */
  async every(ms: number, step: () => unknown): Promise<void> {
    await this.pause(this.chance.below(ms));
    while (!this.signal.aborted) {
      await step();
      await this.pause(ms);
    }
  }

  /** Resolves after this time, or when the load ends. */
  pause(ms: number): Promise<void> {
    const { signal } = this;
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

  /** Disturbs the Engine for as long as this takes. */
  async disturb(what: () => Promise<void>): Promise<void> {
    this.disturbances++;
    this.disturbed++;
    await what();
    this.disturbed--;
    this.disturbances++;
  }

  /** Counts what was done. */
  count(what: string, by = 1): void {
    this.done.set(what, (this.done.get(what) ?? 0) + by);
  }
}

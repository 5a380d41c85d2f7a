/**
 * How long it takes from a container's change until a live feed tells it, in a soak, while nothing
 * disturbs the Engine; and what was known of a change that took long.
 *
 * @module
 */

import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Mirror } from "./mirror.ts";
import type { SoakLoad } from "./soak_load.ts";

/** Changes one container again and again, and waits for it to show. */
export class Lag {
  /** Changes that took longer than a second to show, with what was known of each by then. */
  readonly delays: string[] = [];
  readonly #load: SoakLoad;
  readonly #mirror: Mirror;
  readonly #probe: FakeContainer;
  #ms: number[] = [];

  constructor(load: SoakLoad, { mirror, probe }: { mirror: Mirror; probe: FakeContainer }) {
    this.#load = load;
    this.#mirror = mirror;
    this.#probe = probe;
  }

  /** Measures until the load ends. */
  async run(): Promise<void> {
    await this.#load.every(700, () => this.#measure());
  }

  /** What was measured since this was called last, milliseconds. */
  takeMs(): number[] {
    return this.#ms.splice(0);
  }

  async #measure(): Promise<void> {
    if (this.#load.disturbed > 0 || !this.#mirror.up) return;
    const before = this.#load.disturbances;
    const { scene } = this.#load;
    const state = this.#probe.state === "running" ? "exited" : "running";
    const begin = performance.now();
    scene.engine.setState(this.#probe, state);
    const rowId = `${scene.owners.get(this.#probe.id)!.workloadId}:site`;
    const shown = state === "exited" ? "stopped" : "running";
    let [shows, delay] = [false, ""];
    await Promise.race([
      this.#mirror.shows(rowId, shown).then(() => shows = true),
      this.#load.pause(1000).then(async () => {
        if (shows) return;
        delay = await this.#describe(rowId);
        await this.#load.pause(2000);
      }),
    ]);
    if (this.#load.disturbances !== before || !this.#mirror.up) return;
    const ms = performance.now() - begin;
    this.#ms.push(ms);
    if (ms > 1000) {
      this.delays.push(`${ms.toFixed(0)} ms until ${shown}; after one second ${delay}`);
    }
  }

  /** What is known of a change that does not show. */
  async #describe(rowId: string): Promise<string> {
    const { daemon } = this.#load;
    const [row, status] = await Promise.all([
      daemon.get(`/api/containers/${encodeURIComponent(rowId)}`),
      daemon.status(),
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
}

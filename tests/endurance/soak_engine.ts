/**
 * What happens to the Engine in a soak: containers that come, go and change, storms of events,
 * restarts that nobody hears of, faults. Leaves alone the container that the lag is measured with.
 *
 * @module
 */

import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Fault } from "../engines/scripted_fault.ts";
import type { SoakLoad } from "./soak_load.ts";
import type { Thing } from "./thing.ts";

const STORM_EVENTS = 3000;

const FAULTS: readonly Fault[] = [
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

/** An Engine that has no rest. */
export class UnrestfulEngine {
  readonly #load: SoakLoad;
  /** That the lag is measured with. */
  readonly #probe: FakeContainer;
  /** Containers that went and may come again. */
  #gone: { owner: Thing; labels: Record<string, string> }[] = [];

  constructor(load: SoakLoad, probe: FakeContainer) {
    this.#load = load;
    this.#probe = probe;
  }

  /** All of it, until the load ends. */
  loops(): Promise<void>[] {
    return [
      this.#load.every(20, () => this.#churn()),
      this.#load.every(20_000, () => this.#storm()),
      this.#load.every(45_000, () => this.#restart()),
      this.#load.every(30_000, () => this.#fail()),
      this.#load.every(11_000, () => this.#cutEvents()),
    ];
  }

  /** Ends every fault. */
  calm(): void {
    const { engine } = this.#load.scene;
    engine.heal();
    engine.thaw();
    engine.up();
  }

  #churn(): void {
    const { scene, chance } = this.#load;
    const dice = chance.below(1);
    this.#gone = this.#gone.filter(({ owner }) => scene.ledger.things.has(owner));
    if (this.#gone.length > 40 || (dice < 0.08 && this.#gone.length > 0)) {
      const { owner, labels } = this.#gone.shift()!;
      this.#load.count("containers that came");
      return void scene.own(owner, { labels });
    }
    const container = this.#any();
    const owner = scene.owners.get(container.id);
    if (dice < 0.16 && owner !== undefined && owner.kind !== "row") {
      scene.remove(container.id);
      this.#gone.push({ owner, labels: container.labels });
      this.#load.count("containers that went");
    } else if (dice < 0.22 && owner !== undefined && owner.kind !== "row") {
      this.#replace(container, owner);
    } else if (dice < 0.4) {
      scene.engine.setHealth(container, chance.any(["healthy", "unhealthy", "starting"] as const));
    } else {
      const state = chance.any(["running", "exited", "paused", "restarting"]);
      scene.engine.setState(container, state, chance.any([0, 1, 137]));
      this.#load.count("containers that changed");
    }
  }

  /** As deployers do: for a moment there are two. */
  #replace(container: FakeContainer, owner: Thing): void {
    const { scene } = this.#load;
    scene.own(owner, { labels: container.labels, image: "example/app:2" });
    scene.owners.delete(container.id);
    this.#load.pause(30).then(() => scene.remove(container.id));
    this.#load.count("containers that were replaced");
  }

  async #storm(): Promise<void> {
    const { scene: { engine }, signal } = this.#load;
    await this.#load.disturb(async () => {
      for (let i = 0; i < STORM_EVENTS / 2 && !signal.aborted; i++) {
        const container = this.#any();
        engine.setState(container, container.state === "running" ? "exited" : "running");
        if (i % 50 === 0) await this.#load.pause(10);
      }
      await this.#load.pause(1000);
    });
    this.#load.count("event storms");
  }

  async #restart(): Promise<void> {
    const { scene: { engine }, chance } = this.#load;
    await this.#load.disturb(async () => {
      await engine.down({ leaveSocket: chance.below(1) < 0.5 });
      await this.#load.pause(200 + chance.below(3000));
      // Nobody hears of it.
      engine.emitting = false;
      for (let i = 0; i < 100; i++) {
        engine.setState(this.#any(), chance.any(["running", "exited"]));
      }
      engine.emitting = true;
      engine.up();
      await this.#load.pause(3000);
    });
    this.#load.count("Engine restarts");
  }

  async #fail(): Promise<void> {
    const { scene: { engine }, chance } = this.#load;
    await this.#load.disturb(async () => {
      engine.fail(chance.any(["list", "list_ids", "info", "any"] as const), chance.any(FAULTS));
      if (chance.below(1) < 0.2) engine.freeze();
      await this.#load.pause(500 + chance.below(2500));
      engine.thaw();
      engine.heal();
      await this.#load.pause(3000);
    });
    this.#load.count("Engine faults");
  }

  async #cutEvents(): Promise<void> {
    const { scene: { engine }, chance } = this.#load;
    await this.#load.disturb(async () => {
      engine.cutEvents(chance.any(["end", "close"] as const));
      await this.#load.pause(2500);
    });
    this.#load.count("event streams cut");
    engine.clearRequests();
  }

  #any(): FakeContainer {
    const { scene, chance } = this.#load;
    const any = chance.any([...scene.engine.containers.values()]);
    return any === this.#probe ? this.#any() : any;
  }
}

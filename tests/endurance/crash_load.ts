/**
 * What goes on while a daemon waits to be killed: writers that each write to things of their own,
 * and containers that change. Ends with the daemon's life.
 *
 * @module
 */

import type { Chance } from "./chance.ts";
import { pause, Signal } from "./crash_moments.ts";
import { Deployer } from "./deployer.ts";
import type { LivingDaemon } from "../harness/living_daemon.ts";
import { Generation } from "./generation.ts";
import type { Scene } from "./scene.ts";
import type { Thing } from "./thing.ts";

const WRITERS = 4;

/** Lasts over many daemons: what was written under one is written to under the next. */
export class CrashLoad {
  readonly sent: Signal = new Signal();
  readonly answered: Signal = new Signal();
  /** Writes that were not answered though nobody killed the daemon. */
  readonly violations: string[] = [];
  readonly generation: Generation;
  readonly #scene: Scene;
  readonly #chance: Chance;
  /** Each writer's. */
  readonly #things: Thing[][] = Array.from({ length: WRITERS }, () => []);

  constructor(scene: Scene, chance: Chance) {
    this.#scene = scene;
    this.#chance = chance;
    this.generation = new Generation(scene);
  }

  /** Goes on until the daemon is killed and the last write has come to nothing. */
  async run(life: LivingDaemon): Promise<void> {
    const deployer = new Deployer(this.#scene, (...request) => this.#send(life, request));
    await Promise.all([
      ...this.#things.map((things) => this.#write(things, { life, deployer })),
      this.#changeContainers(life),
    ]);
  }

  async #send(life: LivingDaemon, request: Parameters<LivingDaemon["send"]>): Promise<Response> {
    const sent = life.send(...request);
    this.sent.give();
    try {
      const response = await sent;
      this.answered.give();
      return response;
    } catch (error) {
      if (!life.killed) this.violations.push(`no answer: ${error}`);
      throw error;
    }
  }

  async #changeContainers(life: LivingDaemon): Promise<void> {
    while (!life.killed) {
      const { engine } = this.#scene;
      // An event would have one of a generation read alone.
      const any = [...engine.containers.values()].filter((one) => !this.generation.includes(one));
      if (any.length > 0) {
        const state = this.#chance.any(["running", "running", "exited", "paused", "restarting"]);
        engine.setState(this.#chance.any(any), state, 1);
      }
      await pause(this.#chance.below(10));
    }
  }

  async #write(things: Thing[], by: { life: LivingDaemon; deployer: Deployer }): Promise<void> {
    while (!by.life.killed) {
      // Without those that are gone, or whose write was not answered.
      const present = things.filter(({ possible: [state, other] }) => state && other === undefined);
      things.splice(0, Infinity, ...present);
      if (things.length < 3 || this.#chance.below(1) < 0.15) {
        await this.#create(things, by.deployer);
      } else {
        await this.#change(this.#chance.any(things), by.deployer);
      }
      await pause(this.#chance.below(8));
    }
  }

  async #change(thing: Thing, deployer: Deployer): Promise<void> {
    const dice = this.#chance.below(1);
    if (thing.kind === "stage") {
      // Above the rows that there may be: a stage takes no more.
      return await deployer.resizeStage(thing, 1000 + Math.floor(dice * 100));
    }
    if (thing.kind === "row") {
      if (dice < 0.6) return await deployer.describeRow(thing);
      if (dice < 0.8) return await deployer.replaceContainer(thing);
      return await deployer.remove(thing);
    }
    if (dice < 0.35) return await deployer.rename(thing);
    if (dice < 0.7) return await deployer.rotateSecret(thing);
    if (thing.kind !== "project") await deployer.remove(thing);
  }

  async #create(things: Thing[], deployer: Deployer): Promise<void> {
    const project = things.find((thing) => thing.kind === "project");
    if (project === undefined) return void things.push(await deployer.createEntry("project"));
    const stage = things.find((thing) => thing.kind === "stage");
    if (stage === undefined) return void things.push(await deployer.createStage(project));
    const kind = this.#chance.any(["site", "stack", "row"] as const);
    if (kind === "row") return void things.push(await deployer.createRow(project, stage));
    const thing = await deployer.createEntry(kind);
    if (thing.workloadId === null) return; // nobody answered
    this.#startContainers(thing);
    // A stack that no writer touches any more.
    if (kind === "stack" && !this.generation.begun) this.generation.begin(thing);
    else things.push(thing);
  }

  #startContainers(thing: Thing): void {
    if (thing.kind === "site") {
      this.#scene.own(thing, { labels: { "tinyforge.workload.id": thing.workloadId! } });
      return;
    }
    for (const service of ["web", "db"]) {
      const labels = {
        "com.docker.compose.project": thing.state!["detail"]!,
        "com.docker.compose.service": service,
      };
      this.#scene.own(thing, { labels });
    }
  }
}

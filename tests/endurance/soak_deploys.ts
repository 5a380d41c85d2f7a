/**
 * What deployers do in a soak: build what is deployed, write to it, replace it, and call webhooks.
 * Never touches the entry that the lag is measured with.
 *
 * @module
 */

import type { FakeContainer } from "../engines/scripted_container.ts";
import { Deployer } from "./deployer.ts";
import type { SoakLoad } from "./soak_load.ts";
import type { Thing } from "./thing.ts";

const SITES = 120;
const SERVICES = 200;
const ROWS = 80;
const UNMANAGED = 100;

/** Sites, a stack of many services, rows, and containers of nobody. */
export class SoakDeploys {
  readonly #load: SoakLoad;
  readonly #deployer: Deployer;
  /** What may be written to. */
  readonly #things = new Set<Thing>();
  #project!: Thing;

  constructor(load: SoakLoad) {
    this.#load = load;
    this.#deployer = new Deployer(load.scene, (...request) => load.daemon.send(...request));
  }

  /** Deploys all that stands before the load begins; the container to measure with. */
  async build(): Promise<FakeContainer> {
    this.#project = await this.#deployer.createEntry("project");
    const stack = await this.#deployer.createEntry("stack");
    for (let i = 0; i < SERVICES; i++) {
      const labels = {
        "com.docker.compose.project": stack.state!["detail"]!,
        "com.docker.compose.service": `service${i}`,
      };
      this.#load.scene.own(stack, { labels });
    }
    for (let i = 0; i < SITES; i++) await this.#deploySite();
    for (let i = 0; i < ROWS; i++) await this.#deployRow();
    for (let i = 0; i < UNMANAGED; i++) this.#load.scene.engine.add();
    return this.#startContainer(await this.#deployer.createEntry("site"));
  }

  /** Writes and calls webhooks until the load ends. */
  loops(): Promise<void>[] {
    return [
      this.#load.every(100, () => this.#deploy()),
      this.#load.every(2000, () => this.#callHook()),
    ];
  }

  async #deploy(): Promise<void> {
    const { scene, chance } = this.#load;
    const thing = chance.any([...this.#things]);
    const dice = chance.below(1);
    if (thing.kind === "row") {
      const there = scene.engine.containers.has(thing.state!["container"]!);
      if (dice < 0.6 || !there) return await this.#deployer.describeRow(thing);
      if (dice < 0.85) return await this.#deployer.replaceContainer(thing);
      await this.#remove(thing);
      return await this.#deployRow();
    }
    if (dice < 0.4) return await this.#deployer.rename(thing);
    if (dice < 0.8) return await this.#deployer.rotateSecret(thing);
    await this.#remove(thing);
    await this.#deploySite();
  }

  async #deploySite(): Promise<void> {
    const site = await this.#deployer.createEntry("site");
    this.#startContainer(site);
    this.#things.add(site);
  }

  async #deployRow(): Promise<void> {
    this.#things.add(await this.#deployer.createRow(this.#project));
  }

  async #remove(thing: Thing): Promise<void> {
    await this.#deployer.remove(thing);
    if (thing.state !== null) return; // it was refused, and is told as such
    this.#things.delete(thing);
    this.#load.scene.ledger.things.delete(thing);
  }

  #startContainer(site: Thing): FakeContainer {
    return this.#load.scene.own(site, { labels: { "tinyforge.workload.id": site.workloadId! } });
  }

  async #callHook(): Promise<void> {
    // Not of one that is being written: its secret may be another by now.
    const things = [...this.#load.scene.ledger.things].filter(({ kind, possible }) =>
      kind === "site" && possible.length === 1 && possible[0] !== null
    );
    if (things.length === 0) return;
    const secret = this.#load.chance.any(things).state?.["secret"];
    // Fails while the Engine does: no matter.
    const response = await this.#load.daemon.send("POST", `/hooks/${secret}`);
    await response.body?.cancel();
    this.#load.count("webhooks");
  }
}

/**
 * Who owns which of a scripted Engine's containers, as the deployer knows it: what the index is
 * held against. Talks to no daemon.
 *
 * @module
 */

import type { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Ledger } from "./ledger.ts";
import type { Thing } from "./thing.ts";

/** An Engine, what was written about it, and whose its containers are. */
export class Scene {
  readonly engine: FakeEngine;
  readonly ledger: Ledger;
  /** By container id; nobody's containers are not in it. */
  readonly owners: Map<string, Thing> = new Map();
  #names = 0;

  constructor(engine: FakeEngine, ledger: Ledger) {
    this.engine = engine;
    this.ledger = ledger;
  }

  /** A name that nothing had before. */
  name(kind: string): string {
    return `${kind}-${++this.#names}`;
  }

  /** A new container of this thing. */
  own(thing: Thing, fields: Partial<FakeContainer>): FakeContainer {
    const container = this.engine.add(fields);
    this.owners.set(container.id, thing);
    return container;
  }

  /** Removes a container, if it is still there. */
  remove(id: string): void {
    this.owners.delete(id);
    const container = this.engine.containers.get(id);
    if (container !== undefined) this.engine.remove(container);
  }

  /** Removes every container of a thing that is gone. */
  forget(thing: Thing): void {
    for (const [id, owner] of this.owners) if (owner === thing) this.remove(id);
  }
}

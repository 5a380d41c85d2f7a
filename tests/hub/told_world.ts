/**
 * A random history on a host that tells a hub of it, over a network that loses some of it.
 *
 * @module
 */

import { Dialer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { idOverHosts } from "../../src/model/hosts.ts";
import type { PastPort } from "../../src/model/past_port.ts";
import { Past } from "../../src/safekeeping/past.ts";
import type { Store } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { BASE, SECOND, World } from "../harness/past_world.ts";
import { type TempStore, tempStore } from "../harness/temp_store.ts";
import { type Fate, hubAt, Network } from "./network.ts";

/** A host of this name, with a history that has not begun. */
export async function toldWorld(sql: Sql, name: string): Promise<ToldWorld> {
  const { token } = await enroll(sql, name);
  const { host: id } = (await admit(sql, token))!;
  const temp = await tempStore();
  const world = new World(temp.path);
  await world.open();
  world.begin();
  world.wait(3);
  return new ToldWorld({ sql, id, name, temp, world });
}

/** The history, and what tells of it. */
export class ToldWorld implements AsyncDisposable {
  readonly world: World;
  readonly name: string;
  readonly network: Network;
  readonly #sql: Sql;
  readonly #id: string;
  readonly #temp: TempStore;
  #dialer: Dialer | null = null;
  #told: Store | null = null;
  #fresh: boolean | null = null;

  constructor(
    { sql, id, name, temp, world }: {
      sql: Sql;
      id: string;
      name: string;
      temp: TempStore;
      world: World;
    },
  ) {
    this.#sql = sql;
    this.#id = id;
    this.name = name;
    this.#temp = temp;
    this.world = world;
    this.network = new Network(hubAt(sql, id));
  }

  /** Sends what is next, which fares as is said. */
  async tell(fate: Fate): Promise<number> {
    const dialer = await this.#dial();
    this.network.fate = fate;
    const waitMs = await dialer.step(new AbortController().signal);
    return dialer.state.up ? waitMs : 0;
  }

  /** Ends the history, and tells all that is not told; what it is then as the host answers. */
  async end({ fresh }: { fresh: boolean }): Promise<PastPort> {
    this.world.wait(1);
    const isFresh = this.#fresh = this.world.end({ fresh });
    for (let i = 0; i < 3; i++) await this.network.arrive(i);
    // The last sign of life says how it is now.
    for (let i = 0; i < 50; i++) {
      if (await this.tell("arrives") > 0) {
        return new Past({ store: this.world.store, now: this.now, isFresh: () => isFresh });
      }
      if (this.#dialer?.state.up === false) await this.#forgetProcesses();
    }
    throw new Error("the host has always more to say");
  }

  /** The end of the history. */
  readonly now = (): number => BASE + this.world.second * SECOND;

  /** What a hub tells, as this host would, without what only a hub says. */
  asOwn<T>(told: T): T {
    return JSON.parse(JSON.stringify(told), (key, value) => {
      if (key === "host" || key === "hosts") return undefined;
      const prefix = idOverHosts(this.name, "");
      return typeof value === "string" && value.startsWith(prefix)
        ? value.slice(prefix.length)
        : value;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.world.store.close();
    await this.#temp[Symbol.asyncDispose]();
  }

  /** Nobody waits whether one that was killed ends. */
  async #forgetProcesses(): Promise<void> {
    await this.#sql`UPDATE tinyforge.host_runs SET heard_at = heard_at - interval '2 minutes'
      WHERE host_id = ${this.#id}`;
  }

  /** A process that was killed is followed by one that tells anew. */
  async #dial(): Promise<Dialer> {
    const { store } = this.world;
    if (this.#dialer !== null && this.#told === store) return this.#dialer;
    await this.#forgetProcesses();
    store.replica.begin(() => {});
    this.#told = store;
    return this.#dialer = new Dialer({
      ...{ replica: store.replica, ask: this.network.ask, version: "1", machine: "m" },
      log: new Log({ level: "error", write: () => {} }),
      isFresh: () => this.#fresh ?? this.world.known,
      clock: { now: this.now, monotonic: this.now, sleep: () => Promise.resolve() },
      random: () => 0.5,
    });
  }
}

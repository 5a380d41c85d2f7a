/**
 * A network between a host and its hub that drops, doubles, delays and cuts.
 *
 * @module
 */

import type { AskHub, HubAnswer } from "../../src/hub/dialer.ts";
import { beat, greet } from "../../src/hub/hub_store.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { readHeartbeat, readHello, readIngest } from "../../src/hub/protocol.ts";
import type { Sql } from "../../src/hub/sql.ts";

/** What can become of a message. */
export const FATES = ["arrives", "dropped", "cut", "doubled", "delayed"] as const;
/** What becomes of a message: one of {@link FATES}. */
export type Fate = (typeof FATES)[number];

/** What a hub does with a message, without the HTTP around it. */
export function hubAt(sql: Sql, hostId: string): AskHub {
  return async (path, body): Promise<HubAnswer> => {
    const value = JSON.parse(JSON.stringify(body));
    const answer = path === "/api/hello"
      ? await greet(sql, hostId, readHello(value))
      : path === "/api/ingest"
      ? await ingest(sql, hostId, readIngest(value))
      : (await beat(sql, [{ hostId, ...readHeartbeat(value) }]))[0]!;
    return { status: 200, body: JSON.parse(JSON.stringify(answer)), retryAfter: null };
  };
}

/** A way to the hub on which messages fare as is said. */
export class Network {
  fate: Fate = "arrives";
  readonly #hub: AskHub;
  readonly #late: (() => Promise<unknown>)[] = [];

  constructor(hub: AskHub) {
    this.#hub = hub;
  }

  readonly ask: AskHub = async (...message) => {
    const copy = structuredClone(message.slice(0, 2)) as [Parameters<AskHub>[0], unknown];
    const send = () => this.#hub(...copy, message[2]);
    switch (this.fate) {
      case "dropped":
        throw new TypeError("dropped");
      case "delayed":
        this.#late.push(send);
        throw new TypeError("timed out");
      case "cut":
        await send();
        throw new TypeError("answer cut");
      case "doubled":
        this.#late.push(send);
        return await send();
      case "arrives":
        return await send();
    }
  };

  /** One of those that are still on their way arrives, and nobody hears the answer. */
  async arrive(which: number): Promise<void> {
    const [send] = this.#late.splice(which % Math.max(1, this.#late.length), 1);
    await send?.();
  }
}

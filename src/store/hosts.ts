/**
 * The `hosts` table: which Engine is accepted, and what the last full pass found. One row today.
 *
 * @module
 */

import { LOCAL_HOST } from "../model/container.ts";
import type { Findings, KeptPass } from "../model/pass.ts";
import type { Connection, Transaction } from "./connection.ts";
import { keptJson } from "./kept_json.ts";
import { WatchedTable } from "./watched.ts";

const MAX_REFUSED = 100;

/** What is remembered of a host. */
export interface HostRecord {
  /** Name of the host, `local`. */
  readonly name: string;
  /** The Engine whose listings may sweep; null before the first pass. */
  readonly engineId: string | null;
  /** Another Engine that answered and waits to be accepted, else null. */
  readonly foundEngineId: string | null;
  /** RFC 3339 UTC, null before the first pass. */
  readonly lastPassAt: string | null;
}

/** The `hosts` table. */
export class HostTable {
  /** When the index was known to be what ran. */
  readonly watched: WatchedTable;
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
    this.watched = new WatchedTable(connection);
  }

  /** The local host. What its passes found is read by whoever shows it: they must be able to mend it. */
  local(): HostRecord {
    const [engineId, foundEngineId, lastPassAt] = this.#c.sql(
      "SELECT engine_id, found_engine_id, last_pass_at FROM hosts WHERE name = ?",
    ).value<[string | null, string | null, string | null]>(LOCAL_HOST)!;
    return { name: LOCAL_HOST, engineId, foundEngineId, lastPassAt };
  }

  /**
   * What the last full pass found, kept current by partial ones; null before the first.
   *
   * @throws {Failure} `corrupt`
   */
  lastPass(): KeptPass | null {
    const [lastPass] = this.#c.sql("SELECT last_pass FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)!;
    if (lastPass === null) return null;
    return {
      // One from before rows were followed has none.
      unclaimed: [],
      ...keptJson<Omit<KeptPass, "unclaimed"> & Partial<KeptPass>>(lastPass, "hosts.last_pass"),
    };
  }

  /** When the last full pass asked for its listing, RFC 3339 UTC; null before the first. */
  lastPassAt(): string | null {
    return this.#c.sql("SELECT last_pass_at FROM hosts WHERE name = ?")
      .value<[string | null]>(LOCAL_HOST)![0];
  }

  /**
   * Records what is known of the Engine's containers, in the transaction that writes the rows.
   *
   * @param pass `at`: when a full pass asked for its listing, RFC 3339 UTC; null of a partial one.
   */
  recordFound(
    tx: Transaction,
    pass: Findings & { listed: number; at: string | null },
  ): void {
    const { at, listed, claimed, refused, unclaimed, unmanaged } = pass;
    const kept: KeptPass = {
      listed,
      claimed,
      unmanaged,
      refused: refused.slice(0, MAX_REFUSED),
      refusedCount: refused.length,
      unclaimed: unclaimed.slice(0, MAX_REFUSED),
    };
    if (at !== null) this.watched.passed(tx, at);
    this.#c.sql(
      "UPDATE hosts SET last_pass_at = coalesce(?, last_pass_at), last_pass = ? WHERE name = ?",
    )
      .run(at, JSON.stringify(kept), LOCAL_HOST);
  }

  /** Remembers the first Engine, or that another one than the accepted answered (null: none). */
  recordEngine(engine: { accepted: string; found: string | null }): void {
    this.#c.write(
      "Cannot record the Engine's id",
      () =>
        this.#c.sql("UPDATE hosts SET engine_id = ?, found_engine_id = ? WHERE name = ?")
          .run(engine.accepted, engine.found, LOCAL_HOST),
    );
  }

  /**
   * Accepts the Engine that was found, so that its listings sweep. Returns its id, or null when
   * none was waiting.
   */
  acceptEngine(): string | null {
    return this.#c.write("Cannot accept the Engine", () => {
      const { foundEngineId } = this.local();
      if (foundEngineId !== null) this.recordEngine({ accepted: foundEngineId, found: null });
      return foundEngineId;
    });
  }
}

/**
 * The `silences` table: of what nobody wants to hear for a while, once or again and again. When one
 * that recurs comes is not this file's to know.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import { Failure } from "../failure.ts";
import { quote } from "../text.ts";
import type { Silence } from "../model/problem.ts";
import type { KeptSilence } from "../model/silence.ts";
import type { Connection } from "./connection.ts";
import { type Reading, unlessDamaged } from "./damage.ts";
import { keptList } from "./kept_json.ts";

/** The `silences` table. */
export class SilenceTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Every silence that may still come, the oldest first; of what is left out people are told. */
  list(now: number, reading: Reading = {}): KeptSilence[] {
    return this.#c.sql(`${SELECT} WHERE ends_at IS NULL OR ends_at > ? ORDER BY created_at, id`)
      .values<Columns>(now)
      .flatMap((row) => unlessDamaged(() => [silence(row)], [], reading));
  }

  /** Keeps one; forgets those that are over. */
  add(asked: Omit<KeptSilence, "id" | "createdAt">, now: number): KeptSilence {
    return this.#c.write("Cannot keep a silence", () => {
      this.#c.sql("DELETE FROM silences WHERE ends_at <= ?").run(now);
      const kept: KeptSilence = { ...asked, id: newId(), createdAt: this.#c.now() };
      this.#c.sql(
        `INSERT INTO silences (id, scope, target_id, kinds, reason, starts_at, ends_at, cron,
           time_zone, lasts_ms, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        kept.id,
        kept.scope,
        kept.targetId,
        kept.kinds === null ? null : JSON.stringify(kept.kinds),
        kept.reason,
        kept.startsAt,
        kept.endsAt,
        kept.cron,
        kept.timeZone,
        kept.lastsMs,
        kept.createdAt,
      );
      return kept;
    });
  }

  /**
   * Ends one.
   *
   * @throws {Failure} `not-found`.
   */
  remove(id: string): void {
    const removed = this.#c.write(
      "Cannot end a silence",
      () => this.#c.sql("DELETE FROM silences WHERE id = ?").run(id),
    );
    if (removed > 0) return;
    throw new Failure("not-found", `Cannot end silence ${quote(id)}: no such silence`, {
      data: { thing: "silence", id },
    });
  }
}

const SELECT = `SELECT id, scope, target_id, kinds, reason, starts_at, ends_at, cron, time_zone,
  lasts_ms, created_at FROM silences`;

type Columns = [
  string,
  Silence["scope"],
  string,
  string | null,
  string,
  number,
  number | null,
  string | null,
  string | null,
  number,
  string,
];

function silence(c: Columns): KeptSilence {
  const [id, scope, targetId, told, reason, startsAt, endsAt, cron, timeZone, lastsMs, createdAt] =
    c;
  const kinds: KeptSilence["kinds"] = told === null
    ? null
    : keptList(told, "silences.kinds", { of: id });
  return {
    ...{ id, scope, targetId, kinds, reason, startsAt, endsAt, cron, timeZone },
    ...{ lastsMs, createdAt },
  };
}

/**
 * Of what nobody wants to hear for a while, of all hosts, in PostgreSQL. One that was ended is kept a
 * little longer: what was over while it lasted is told to nobody afterwards. Tells nobody.
 *
 * @module
 */

import { isAllSilent, isSilenced } from "../core/marks.ts";
import { newId } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { Problem } from "../model/problem.ts";
import type { KeptSilence } from "../model/silence.ts";
import { SilenceWindows } from "../silence_windows.ts";
import { LEFT_OUT, type Reading, unlessDamaged } from "../store/damage.ts";
import { keptList } from "../store/kept_json.ts";
import { quote } from "../text.ts";
import { requireHosts, requireRow, requireWorkloads } from "./known_names.ts";
import type { Sql, TransactionSql } from "./sql.ts";
import { CHANNEL } from "./hub_writes.ts";
import { databaseNow, millis, rfc3339 } from "./sql_times.ts";

/** How long one that is over is known, milliseconds. */
const KNOWN_MS = 86_400_000;

/** Whether a problem, by its ids over all hosts, is silent now, or was when it was over. */
export type Silenced = (problem: Problem, overAt: number | null) => boolean;

/** What is silent, and whether everything is now; times by the database's clock. */
export async function silencedIn(
  sql: Sql,
  reading: Reading = {},
): Promise<{ silenced: Silenced; all: boolean }> {
  const known = await windowsIn(sql, reading);
  if (known === null) return { silenced: () => false, all: false };
  const { windows, now } = known;
  return {
    silenced: (problem, overAt) => {
      if (overAt === null) return isSilenced(problem, windows.at(now), now);
      return isSilenced(problem, windows.on(overAt), overAt);
    },
    all: isAllSilent(windows.at(now), now),
  };
}

/** Tells what is silent now from what was: one text is one state. */
export async function silentNow(sql: Sql): Promise<string> {
  const known = await windowsIn(sql, LEFT_OUT);
  if (known === null) return "[]";
  const { windows, now } = known;
  const lasting = windows.on(now).filter(({ from }) => from <= now);
  return JSON.stringify(lasting.map(({ scope, id, kinds }) => [scope, id, kinds]));
}

/** When it is silent, and what time it is there; null: there are no silences. */
async function windowsIn(
  sql: Sql,
  reading: Reading,
): Promise<{ windows: SilenceWindows; now: number } | null> {
  const kept = await read(sql, reading);
  const [first] = kept;
  if (first === undefined) return null;
  const windows = new SilenceWindows();
  await windows.load(kept);
  return { windows, now: first.now };
}

/** Silences as they are asked for. */
export class HubSilences {
  readonly #sql: Sql;

  /** In this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The database's, milliseconds since the Unix epoch. */
  now(): Promise<number> {
    return databaseNow(this.#sql);
  }

  /** Those that may still come, the oldest first. */
  async list(): Promise<KeptSilence[]> {
    return (await read(this.#sql)).filter(({ endsAt, now }) => endsAt === null || endsAt > now);
  }

  /**
   * Keeps one; forgets those that are long over.
   *
   * @throws {Failure} `not-found`
   */
  async add(asked: Omit<KeptSilence, "id" | "createdAt">, now: number): Promise<KeptSilence> {
    const { scope, targetId, kinds, reason, startsAt, endsAt, cron, timeZone } = asked;
    const id = newId();
    await this.#sql.begin(async (tx) => {
      if (scope === "host") await requireHosts(tx, [targetId], { action: "silence" });
      if (scope === "workload") await requireWorkloads(tx, [targetId], { action: "silence" });
      if (scope === "row") await requireRow(tx, targetId, { action: "silence" });
      await tx`DELETE FROM tinyforge.silences WHERE ends_at <= ${now - KNOWN_MS}`;
      await tx`
        INSERT INTO tinyforge.silences (id, scope, target, kinds, reason, starts_at, ends_at, cron,
          time_zone, lasts_ms)
        VALUES (${id}, ${scope}, ${targetId}, ${kinds === null ? null : JSON.stringify(kinds)},
          ${reason.replaceAll("\0", "").toWellFormed()}, ${startsAt}, ${endsAt}, ${cron},
          ${timeZone}, ${asked.lastsMs})`;
      await said(tx);
    });
    return (await read(this.#sql, LEFT_OUT)).find((each) => each.id === id)!;
  }

  /**
   * Ends one.
   *
   * @throws {Failure} `not-found`
   */
  async remove(id: string): Promise<void> {
    const sql = this.#sql;
    const now = millis(sql, "now()");
    const ended = await sql.begin(async (tx) => {
      const { count } = await tx`UPDATE tinyforge.silences SET ends_at = ${now}
        WHERE id = ${id} AND (ends_at IS NULL OR ends_at > ${now})`;
      await said(tx);
      return count > 0;
    });
    if (ended) return;
    throw new Failure("not-found", `Cannot end silence ${quote(id)}: no such silence`, {
      data: { thing: "silence", id },
    });
  }
}

async function read(sql: Sql, reading: Reading = {}): Promise<(KeptSilence & { now: number })[]> {
  const found = await sql<
    (Omit<KeptSilence, "kinds"> & { kinds: string | null; now: number })[]
  >`
    SELECT id, scope, target AS "targetId", kinds, reason, starts_at::float8 AS "startsAt",
      ends_at::float8 AS "endsAt", cron, time_zone AS "timeZone", lasts_ms::float8 AS "lastsMs",
      ${rfc3339(sql, "s.created_at")} AS "createdAt",
      ${millis(sql, "clock_timestamp()")} AS now
    FROM tinyforge.silences AS s ORDER BY s.created_at, id`;
  return found.flatMap((each) => {
    const { kinds: told, id: of } = each;
    const kinds = (): KeptSilence["kinds"] =>
      told === null ? null : keptList(told, "silences.kinds", { of });
    return unlessDamaged(() => [{ ...each, kinds: kinds() }], [], reading);
  });
}

/** Whoever shows problems or tells of them looks anew. */
async function said(tx: TransactionSql): Promise<void> {
  await tx`SELECT pg_notify(${CHANNEL}, 'silences')`;
}

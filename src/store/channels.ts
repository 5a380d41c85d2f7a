/**
 * The `channels` and `rules` tables: where people are told, and who is told of what. Holds nothing
 * that must not be shown, and does not know what a channel does.
 *
 * @module
 */

import { newId, requirePlainName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { Severity } from "../model/problem.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";
import { LEFT_OUT, type Reading, unlessDamaged } from "./damage.ts";
import { keptJson, keptList } from "./kept_json.ts";

/** Whether a channel is used: `broken` waits for a person, `disabled` is told nothing any more. */
export type ChannelState = "ok" | "broken" | "disabled";

/** A channel as it is kept. Times are milliseconds since the Unix epoch. */
export interface KeptChannel {
  /** Its id. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** The kind of receiver. */
  readonly type: string;
  /** What may be shown of its settings. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The channel that takes over when this one fails for long, or null. */
  readonly fallbackId: string | null;
  /** Whether it is used. */
  readonly state: ChannelState;
  /** Why it is not `ok`; else empty. */
  readonly reason: string;
  /** Since when it is not `ok`; else null. */
  readonly since: number | null;
  /** The first failure after the last success, or null. */
  readonly failingSince: number | null;
  /** How many failures there were since. */
  readonly failures: number;
  /** It is sent nothing before. */
  readonly notBefore: number;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
}

/** Who is told of what. Null means all. */
export interface KeptRule {
  /** Its id. */
  readonly id: string;
  /** Ids of workloads. */
  readonly workloads: readonly string[] | null;
  /** Names of hosts, where there are several; absent: all. */
  readonly hosts?: readonly string[] | null;
  /** Kinds of problems. */
  readonly kinds: readonly string[] | null;
  /** `high` leaves out what is low. */
  readonly minSeverity: Severity;
  /** Ids of channels. */
  readonly channels: readonly string[] | null;
  /** Remind so long after the last delivery, milliseconds; null for never. */
  readonly remindAfterMs: number | null;
}

/** What changes of a channel when something was sent. */
export type ChannelHealth = Pick<
  KeptChannel,
  "state" | "reason" | "since" | "failingSince" | "failures" | "notBefore"
>;

/** The health of a channel that works. */
export const HEALTHY: ChannelHealth = {
  state: "ok",
  reason: "",
  since: null,
  failingSince: null,
  failures: 0,
  notBefore: 0,
};

/** The `channels` and `rules` tables. */
export class ChannelTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Every channel, the oldest first; one whose settings are left out is a broken one. */
  list(reading: Reading = {}): KeptChannel[] {
    return this.#c.sql(`${SELECT} ORDER BY created_at, id`).values<Columns>()
      .map((row) => channel(row, reading));
  }

  /** Whether there is one; asked often. */
  any(): boolean {
    return this.#c.sql("SELECT 1 FROM channels LIMIT 1").value() !== undefined;
  }

  /** The channel with this id or, failing that, this name; read as in {@linkcode list}. */
  find(idOrName: string, reading: Reading = {}): KeptChannel | undefined {
    const found = this.#c.sql(`${SELECT} WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1`)
      .value<Columns>(idOrName);
    return found && channel(found, reading);
  }

  /**
   * The same.
   *
   * @throws {Failure} `not-found`.
   */
  get(idOrName: string, reading: Reading = {}): KeptChannel {
    const found = this.find(idOrName, reading);
    if (found !== undefined) return found;
    throw new Failure("not-found", `Cannot find channel ${quote(idOrName)}`, {
      data: { thing: "channel", id: idOrName },
    });
  }

  /**
   * Keeps one with the rule that says what it is told. `id` is chosen before, because its secrets
   * are kept under it elsewhere.
   *
   * @throws {Failure} `invalid`, `conflict`, `not-found` (its fallback).
   */
  add(
    asked: Pick<KeptChannel, "id" | "name" | "type" | "config" | "fallbackId">,
    rule: Omit<KeptRule, "id" | "channels">,
  ): KeptChannel {
    const { id, name, type, config, fallbackId } = asked;
    requirePlainName(name, "a channel");
    if (fallbackId !== null) this.get(fallbackId, LEFT_OUT);
    return this.#c.write(`Cannot add channel ${quote(name)}`, () => {
      if (this.find(name, LEFT_OUT) !== undefined) {
        throw nameTaken(`Cannot add channel ${quote(name)}`);
      }
      this.#c.sql(
        `INSERT INTO channels (id, name, type, config, fallback_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ).run(id, name, type, JSON.stringify(config), fallbackId, this.#c.now());
      this.addRule({ ...rule, channels: [id] });
      return this.get(id);
    });
  }

  /**
   * Changes one; `mended`: it is tried anew, whatever it was like before. What does not change need
   * not be readable.
   *
   * @throws {Failure} `invalid`, `conflict`, `not-found` (it, or its fallback).
   */
  update(
    idOrName: string,
    changes: Partial<Pick<KeptChannel, "name" | "type" | "config" | "fallbackId">>,
    { mended }: { mended: boolean },
  ): KeptChannel {
    const before = this.get(idOrName, LEFT_OUT);
    const { name, type, fallbackId } = { ...before, ...changes };
    const config = changes.config === undefined ? null : JSON.stringify(changes.config);
    requirePlainName(name, "a channel");
    return this.#c.write(`Cannot change channel ${quote(before.name)}`, () => {
      const other = this.find(name, LEFT_OUT);
      if (other !== undefined && other.id !== before.id) {
        throw nameTaken(`Cannot call channel ${quote(before.name)} ${quote(name)}`);
      }
      requireEnd(before, fallbackId, (id) => this.get(id, LEFT_OUT));
      this.#c.sql(
        `UPDATE channels SET name = ?, type = ?, config = coalesce(?, config), fallback_id = ?
         WHERE id = ?`,
      )
        .run(name, type, config, fallbackId, before.id);
      if (mended) this.setHealth(before.id, HEALTHY);
      return this.get(before.id, LEFT_OUT);
    });
  }

  /** Removes one with what was to be sent to it, and the rules that are about it alone. */
  remove(id: string): void {
    this.#c.write(`Cannot remove channel ${quote(id)}`, () => {
      this.#c.sql("DELETE FROM channels WHERE id = ?").run(id);
      this.#c.sql("DELETE FROM rules WHERE channels = ?").run(JSON.stringify([id]));
      this.#c.sql(
        `DELETE FROM notices WHERE NOT EXISTS (
           SELECT 1 FROM deliveries WHERE notice_id = notices.id)`,
      ).run();
    });
  }

  /** Keeps how a channel is. */
  setHealth(id: string, health: ChannelHealth): void {
    const { state, reason, since, failingSince, failures, notBefore } = health;
    this.#c.write("Cannot keep how a channel is", () =>
      this.#c.sql(
        `UPDATE channels SET state = ?, reason = ?, since = ?, failing_since = ?, failures = ?,
           not_before = ? WHERE id = ?`,
      ).run(state, reason, since, failingSince, failures, notBefore, id));
  }

  /** Every rule, the oldest first; one of which something is left out is about no channel. */
  rules(reading: Reading = {}): KeptRule[] {
    return this.#c.sql(`${SELECT_RULE} ORDER BY created_at, id`).values<RuleColumns>()
      .map((row) => unlessDamaged(() => rule(row), aboutNobody(row), reading));
  }

  /** Makes a rule. */
  addRule(asked: Omit<KeptRule, "id">): KeptRule {
    const kept: KeptRule = { ...asked, id: newId() };
    this.#c.write("Cannot add a rule", () =>
      this.#c.sql(
        `INSERT INTO rules
           (id, workloads, kinds, min_severity, channels, remind_after_ms, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        kept.id,
        jsonOf(kept.workloads),
        jsonOf(kept.kinds),
        kept.minSeverity,
        jsonOf(kept.channels),
        kept.remindAfterMs,
        this.#c.now(),
      ));
    return kept;
  }

  /**
   * Changes a rule. What does not change need be readable, what changes need not.
   *
   * @throws {Failure} `not-found`.
   */
  updateRule(id: string, changes: Partial<Omit<KeptRule, "id">>): KeptRule {
    const before = this.#c.sql(`${SELECT_RULE} WHERE id = ?`).value<RuleColumns>(id);
    if (before === undefined) throw noSuchRule("change", id);
    const kept = rule(before, changes);
    this.#c.write("Cannot change a rule", () =>
      this.#c.sql(
        `UPDATE rules SET workloads = ?, kinds = ?, min_severity = ?, channels = ?,
           remind_after_ms = ? WHERE id = ?`,
      ).run(
        jsonOf(kept.workloads),
        jsonOf(kept.kinds),
        kept.minSeverity,
        jsonOf(kept.channels),
        kept.remindAfterMs,
        id,
      ));
    return kept;
  }

  /**
   * Removes a rule.
   *
   * @throws {Failure} `not-found`.
   */
  removeRule(id: string): void {
    const removed = this.#c.write(
      "Cannot remove a rule",
      () => this.#c.sql("DELETE FROM rules WHERE id = ?").run(id),
    );
    if (removed > 0) return;
    throw noSuchRule("remove", id);
  }
}

/**
 * Refuses a stand-in by which channels would hand over in a circle, without end.
 *
 * @throws {Failure} `invalid`, and what `get` throws.
 */
export function requireEnd(
  { id, name }: Pick<KeptChannel, "id" | "name">,
  fallbackId: string | null,
  get: (id: string) => Pick<KeptChannel, "fallbackId">,
): void {
  for (let next = fallbackId; next !== null; next = get(next).fallbackId) {
    if (next !== id) continue;
    throw new Failure(
      "invalid",
      `Cannot change channel ${quote(name)}: it would stand in for itself`,
      { data: {} },
    );
  }
}

/** Why a channel can't have a name: another has it. */
export function nameTaken(what: string): Failure {
  return new Failure("conflict", `${what}: there is one already`, {
    data: { over: "channel-name" },
  });
}

/** Why a rule can't be changed or removed. */
export function noSuchRule(action: string, id: string): Failure {
  return new Failure("not-found", `Cannot ${action} rule ${quote(id)}: no such rule`, {
    data: { thing: "rule", id },
  });
}

/** A list as it is kept: JSON, or null for all. */
export function jsonOf(list: readonly string[] | null): string | null {
  return list === null ? null : JSON.stringify(list);
}

/** The list that was kept so. */
export function listOf(text: string | null, column: string, of: string): string[] | null {
  return text === null ? null : keptList(text, column, { of });
}

const SELECT_RULE =
  "SELECT id, workloads, kinds, min_severity, channels, remind_after_ms FROM rules";
const SELECT = `SELECT id, name, type, config, fallback_id, state, reason, since, failing_since,
  failures, not_before, created_at FROM channels`;

type Columns = [
  string,
  string,
  string,
  string,
  string | null,
  ChannelState,
  string,
  number | null,
  number | null,
  number,
  number,
  string,
];
type RuleColumns = [string, string | null, string | null, Severity, string | null, number | null];

function channel(c: Columns, reading: Reading): KeptChannel {
  const [id, name, type, config, fallbackId, state, reason, since] = c;
  const [failingSince, failures, notBefore, createdAt] = c.slice(8) as [
    number | null,
    number,
    number,
    string,
  ];
  const kept = {
    ...{ id, name, type, fallbackId, state, reason, since },
    ...{ failingSince, failures, notBefore, createdAt },
  };
  return unlessDamaged(
    () => ({ ...kept, config: keptJson(config, "channels.config", { of: name }) }),
    withoutSettings(kept),
    reading,
  );
}

/** Channel whose settings can't be read; one that wants nothing any more needs none. */
export function withoutSettings<Kept extends Omit<KeptChannel, "config">>(
  kept: Kept,
): Kept & Pick<KeptChannel, "config"> {
  const config = { origin: "" };
  if (kept.state === "disabled") return { ...kept, config };
  return { ...kept, config, state: "broken", reason: "its settings can't be read" };
}

/** With changes, what they change is not read. */
function rule(
  [id, workloads, kinds, minSeverity, channels, remindAfterMs]: RuleColumns,
  changes: Partial<Omit<KeptRule, "id">> = {},
): KeptRule {
  const list = (name: "workloads" | "kinds" | "channels", text: string | null) =>
    changes[name] === undefined ? listOf(text, `rules.${name}`, id) : changes[name];
  return {
    ...{ id, minSeverity, remindAfterMs, ...changes },
    workloads: list("workloads", workloads),
    kinds: list("kinds", kinds),
    channels: list("channels", channels),
  };
}

/** What a rule limits may be for somebody's eyes alone: one that can't be read tells nobody. */
function aboutNobody([id, , , minSeverity, , remindAfterMs]: RuleColumns): KeptRule {
  return { id, workloads: [], kinds: [], minSeverity, channels: [], remindAfterMs };
}

/**
 * Where people are told of what is wrong on all hosts, and who of them of what, in PostgreSQL. What
 * nobody is shown of a channel is read by whoever sends alone. Does not know what a channel does.
 *
 * @module
 */

import { newId, requirePlainName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { Severity } from "../model/problem.ts";
import type { ChannelHealth, KeptChannel, KeptRule } from "../store/channels.ts";
import { quote } from "../text.ts";
import type { Sql } from "./sql.ts";
import { rfc3339 } from "./sql_times.ts";

/** A channel as it is asked for. */
export interface NewHubChannel {
  /** What people call it. */
  readonly name: string;
  /** The kind of receiver. */
  readonly type: string;
  /** What may be shown of its settings. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What may not. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Kinds of problems that it is told of; null: all. */
  readonly kinds: readonly string[] | null;
  /** `high` leaves out what is low. */
  readonly minSeverity: Severity;
  /** Remind so long after the last delivery, milliseconds; null for never. */
  readonly remindAfterMs: number | null;
}

/** Every channel, the oldest first. */
export async function listChannels(sql: Sql): Promise<KeptChannel[]> {
  const found = await sql<(Omit<KeptChannel, "config" | "fallbackId"> & { config: string })[]>`
    SELECT id, name, type, config, state, reason, since::float8 AS since,
      failing_since::float8 AS "failingSince", failures, not_before::float8 AS "notBefore",
      ${rfc3339(sql, "created_at")} AS "createdAt"
    FROM tinyforge.channels ORDER BY created_at, id`;
  return found.map((each) => ({ ...each, config: JSON.parse(each.config), fallbackId: null }));
}

/** For each channel what it is told of. */
export async function listRules(sql: Sql): Promise<KeptRule[]> {
  const found = await sql<
    { id: string; kinds: string | null; minSeverity: Severity; remindAfterMs: number | null }[]
  >`SELECT id, kinds, min_severity AS "minSeverity", remind_after_ms::float8 AS "remindAfterMs"
    FROM tinyforge.channels ORDER BY created_at, id`;
  return found.map(({ id, kinds, minSeverity, remindAfterMs }) => ({
    ...{ id, minSeverity, remindAfterMs, workloads: null, channels: [id] },
    kinds: kinds === null ? null : JSON.parse(kinds),
  }));
}

/**
 * The channel with this id or, failing that, this name.
 *
 * @throws {Failure} `not-found`
 */
export async function channelNamed(sql: Sql, name: string): Promise<KeptChannel> {
  const all = await listChannels(sql);
  const found = all.find(({ id }) => id === name) ?? all.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new Failure("not-found", `Cannot find channel ${quote(name)}`, {
    data: { thing: "channel", id: name },
  });
}

/** What nobody is shown of a channel; to open it. */
export async function secretsOf(sql: Sql, id: string): Promise<Record<string, string>> {
  const [found] = await sql<[{ secrets: string }?]>`
    SELECT secrets FROM tinyforge.channels WHERE id = ${id}`;
  return found === undefined ? {} : JSON.parse(found.secrets);
}

/**
 * Keeps one.
 *
 * @throws {Failure} `invalid`, or `conflict` where there is one of that name.
 */
export async function addChannel(sql: Sql, asked: NewHubChannel): Promise<KeptChannel> {
  const { name, type, config, secrets, kinds, minSeverity, remindAfterMs } = asked;
  requirePlainName(name, "a channel");
  const made = await sql`
    INSERT INTO tinyforge.channels
      (id, name, type, config, secrets, kinds, min_severity, remind_after_ms)
    VALUES (${newId()}, ${name}, ${type}, ${JSON.stringify(config)}, ${JSON.stringify(secrets)},
      ${kinds === null ? null : JSON.stringify(kinds)}, ${minSeverity}, ${remindAfterMs})
    ON CONFLICT (name) DO NOTHING`;
  if (made.count > 0) return await channelNamed(sql, name);
  throw new Failure("conflict", `Cannot add channel ${quote(name)}: there is one already`, {
    data: { over: "name" },
  });
}

/**
 * Removes one with what was to be sent to it; as it was.
 *
 * @throws {Failure} `not-found`
 */
export async function removeChannel(sql: Sql, name: string): Promise<KeptChannel> {
  const channel = await channelNamed(sql, name);
  await sql`DELETE FROM tinyforge.channels WHERE id = ${channel.id}`;
  return channel;
}

/** Keeps how a channel is. */
export async function setHealth(sql: Sql, id: string, health: ChannelHealth): Promise<void> {
  const { state, reason, since, failingSince, failures, notBefore } = health;
  await sql`UPDATE tinyforge.channels SET state = ${state}, reason = ${reason}, since = ${since},
    failing_since = ${failingSince}, failures = ${failures}, not_before = ${notBefore}
    WHERE id = ${id}`;
}

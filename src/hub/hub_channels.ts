/**
 * Where people are told of what is wrong on all hosts, in PostgreSQL. What nobody is shown of a channel
 * is read by whoever sends alone. Does not know what a channel does.
 *
 * @module
 */

import { newId, requirePlainName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import {
  type ChannelHealth,
  HEALTHY,
  type KeptChannel,
  nameTaken,
  requireEnd,
  withoutSettings,
} from "../store/channels.ts";
import { LEFT_OUT, type OnDamage, type Reading, unlessDamaged } from "../store/damage.ts";
import { keptJson } from "../store/kept_json.ts";
import { quote } from "../text.ts";
import { type ChannelSecrets, type ChannelVault, UNSEALED } from "./channel_key.ts";
import { addRule, type NewRule } from "./hub_rules.ts";
import type { AnySql, Sql } from "./sql.ts";
import { rfc3339 } from "./sql_times.ts";

/** A channel as it is asked for. */
export interface NewHubChannel extends Pick<KeptChannel, "name" | "type" | "config"> {
  /** What may not be shown of its settings. */
  readonly secrets: ChannelSecrets;
  /** The channel that stands in for it; none by default. */
  readonly fallbackId?: string | null;
}

/** What changes of one; what is absent stays. */
export interface HubChannelChanges {
  /** Another name. */
  readonly name?: string;
  /** Another channel that stands in for it, or none. */
  readonly fallbackId?: string | null;
  /** Whether `settings` has another address, so that the one before need not be readable. */
  readonly moves?: boolean;
  /** What it is given what is kept of it: it is tried anew then. */
  readonly settings?: (
    before: Pick<KeptChannel, "type" | "config"> & Pick<NewHubChannel, "secrets">,
  ) => Promise<
    { readonly type: string; readonly config: object } & Pick<NewHubChannel, "secrets">
  >;
}

/** A channel as hubs keep it. */
export interface HubChannel extends KeptChannel {
  /** How often its settings or secrets were changed. */
  readonly revision: number;
}

/** Every channel, the oldest first; one whose settings are left out is a broken one. */
export async function listChannels(sql: AnySql, reading: Reading = {}): Promise<HubChannel[]> {
  return (await keptChannels(sql)).map((each) => channelOf(each, reading));
}

/** As it stands there. */
type Kept = Omit<HubChannel, "config"> & { readonly config: string };

async function keptChannels(sql: AnySql): Promise<readonly Kept[]> {
  return await sql<Kept[]>`
    SELECT id, name, type, config, revision, fallback_id AS "fallbackId", state, reason,
      since::float8 AS since, failing_since::float8 AS "failingSince", failures,
      not_before::float8 AS "notBefore", ${rfc3339(sql, "created_at")} AS "createdAt"
    FROM tinyforge.channels ORDER BY tinyforge.channels.created_at, id`;
}

function channelOf(kept: Kept, reading: Reading): HubChannel {
  return unlessDamaged(
    () => ({ ...kept, config: keptJson(kept.config, "channels.config", { of: kept.name }) }),
    withoutSettings(kept),
    reading,
  );
}

/**
 * The channel with this id or, failing that, this name.
 *
 * @throws {Failure} `not-found`
 */
export async function channelNamed(
  sql: AnySql,
  name: string,
  reading: Reading = {},
): Promise<KeptChannel> {
  return channelOf(among(await keptChannels(sql), name), reading);
}

/**
 * Ids of the channels with these ids or names.
 *
 * @throws {Failure} `not-found`
 */
export async function channelIds(sql: AnySql, names: readonly string[]): Promise<string[]> {
  const all = await keptChannels(sql);
  return names.map((name) => among(all, name).id);
}

function among<Each extends Pick<Kept, "id" | "name">>(all: readonly Each[], name: string): Each {
  const found = all.find(({ id }) => id === name) ?? all.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new Failure("not-found", `Cannot find channel ${quote(name)}`, {
    data: { thing: "channel", id: name },
  });
}

/**
 * What nobody is shown of a channel; to open it.
 *
 * @throws {Failure} `hub-database`: it is sealed with another key.
 */
export async function secretsOf(
  sql: AnySql,
  id: string,
  { vault = UNSEALED }: Vaulted = {},
): Promise<ChannelSecrets> {
  const [found] = await sql<[{ secrets: string }?]>`
    SELECT secrets FROM tinyforge.channels WHERE id = ${id}`;
  return found === undefined ? {} : await vault.open(found.secrets);
}

/** With what secrets are sealed; not at all by default. */
export interface Vaulted {
  /** The one that all hubs of the database have. */
  readonly vault?: ChannelVault;
}

/**
 * Seals what was kept without a key, or with another one that is known too.
 *
 * @throws {Failure} `hub-database`: some of it is sealed with none of the keys.
 */
export async function sealChannels(sql: Sql, { vault = UNSEALED }: Vaulted): Promise<void> {
  await sql.begin(async (tx) => {
    const kept = await tx<{ id: string; secrets: string }[]>`
      SELECT id, secrets FROM tinyforge.channels ORDER BY id FOR UPDATE`;
    for (const { id, secrets } of kept) {
      const opened = await vault.open(secrets);
      if (!await vault.isOld(secrets)) continue;
      await tx`UPDATE tinyforge.channels SET secrets = ${await vault.seal(opened)}
        WHERE id = ${id}`;
    }
  });
}

/**
 * Keeps one with the rule that says what it is told.
 *
 * @throws {Failure} `invalid`, or `conflict` where there is one of that name.
 */
export async function addChannel(
  sql: Sql,
  { name, type, config, secrets, fallbackId = null }: NewHubChannel,
  { rule, vault = UNSEALED }: Vaulted & { readonly rule: Omit<NewRule, "channels"> },
): Promise<KeptChannel> {
  requirePlainName(name, "a channel");
  const sealed = await vault.seal(secrets);
  return await sql.begin(async (tx) => {
    const id = newId();
    await tx`SELECT set_config('tinyforge.makes_rule', 'yes', true)`;
    const made = await tx`
      INSERT INTO tinyforge.channels (id, name, type, config, secrets, fallback_id)
      VALUES (${id}, ${name}, ${type}, ${JSON.stringify(config)}, ${sealed}, ${fallbackId})
      ON CONFLICT (name) DO NOTHING`;
    if (made.count === 0) throw nameTaken(`Cannot add channel ${quote(name)}`);
    await addRule(tx, { ...rule, channels: [id] });
    return await channelNamed(tx, id, LEFT_OUT);
  });
}

/**
 * Changes one, alone at a time.
 *
 * @throws {Failure} `not-found`, `invalid`, or `conflict` where there is one of that name.
 */
export async function updateChannel(
  sql: Sql,
  nameOrId: string,
  { vault = UNSEALED, ...changes }: HubChannelChanges & Vaulted,
): Promise<KeptChannel> {
  return await sql.begin(async (tx) => {
    // What stands in for what is looked at as a whole.
    await tx`LOCK TABLE tinyforge.channels IN SHARE ROW EXCLUSIVE MODE`;
    const all = await keptChannels(tx);
    const before = among(all, nameOrId);
    const { name = before.name, fallbackId = before.fallbackId } = changes;
    requirePlainName(name, "a channel");
    if (all.some((each) => each.name === name && each.id !== before.id)) {
      throw nameTaken(`Cannot call channel ${quote(before.name)} ${quote(name)}`);
    }
    requireEnd(before, fallbackId, (id) => among(all, id));
    await tx`UPDATE tinyforge.channels SET name = ${name}, fallback_id = ${fallbackId}
      WHERE id = ${before.id}`;
    if (changes.settings !== undefined) {
      // What a new address takes the place of need not be readable.
      const { config: known } = channelOf(before, changes.moves === true ? LEFT_OUT : {});
      const { type, config, secrets } = await changes.settings({
        ...{ type: before.type, config: known },
        secrets: await secretsOf(tx, before.id, { vault }),
      });
      await tx`UPDATE tinyforge.channels SET type = ${type}, config = ${JSON.stringify(config)},
        secrets = ${await vault.seal(secrets)}, revision = revision + 1
        WHERE id = ${before.id}`;
      await setHealth(tx, before.id, HEALTHY);
    }
    return await channelNamed(tx, before.id, LEFT_OUT);
  });
}

/**
 * Removes one with what was to be sent to it and, by the database, the rules about it alone; as it was.
 *
 * @throws {Failure} `not-found`
 */
export async function removeChannel(sql: Sql, name: string): Promise<KeptChannel> {
  return await sql.begin(async (tx) => {
    const channel = await channelNamed(tx, name, LEFT_OUT);
    await tx`DELETE FROM tinyforge.channels WHERE id = ${channel.id}`;
    return channel;
  });
}

/** Every channel; one that can't be read is broken since that was seen, until somebody mends it. */
export async function usableChannels(
  sql: AnySql,
  { now, onDamage }: { readonly now: number; readonly onDamage: OnDamage },
): Promise<HubChannel[]> {
  const channels = await listChannels(sql, { onDamage });
  const broken = channels.filter(({ state, since }) => state === "broken" && since === null);
  for (const { id, ...health } of broken) await setHealth(sql, id, { ...health, since: now });
  return broken.length === 0 ? channels : await listChannels(sql, { onDamage });
}

/** Keeps how a channel is. */
export async function setHealth(
  sql: AnySql,
  id: string,
  health: ChannelHealth,
): Promise<void> {
  const { state, reason, since, failingSince, failures, notBefore } = health;
  await sql`UPDATE tinyforge.channels SET state = ${state}, reason = ${reason}, since = ${since},
    failing_since = ${failingSince}, failures = ${failures}, not_before = ${notBefore}
    WHERE id = ${id}`;
}

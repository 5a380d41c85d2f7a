/**
 * Who is told of what, of all hosts, in PostgreSQL. Decides nothing.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import type { Severity } from "../model/problem.ts";
import { jsonOf, type KeptRule, listOf, noSuchRule } from "../store/channels.ts";
import { type Reading, unlessDamaged } from "../store/damage.ts";
import type { AnySql, Sql } from "./sql.ts";

/** A rule as it is asked for. */
export type NewRule = Omit<KeptRule, "id">;

/** Every rule, the oldest first; one of which something is left out is about no channel. */
export async function listRules(sql: AnySql, reading: Reading = {}): Promise<KeptRule[]> {
  return (await keptRules(sql)).map((kept) => {
    // What it limits may be for somebody's eyes alone.
    const nobody = { ...kept, workloads: [], hosts: [], kinds: [], channels: [] };
    return unlessDamaged(() => ruleOf(kept), nobody, reading);
  });
}

/** With changes, what they change is not read. */
function ruleOf(kept: Kept, changes: Partial<NewRule> = {}): KeptRule {
  const list = (name: "workloads" | "hosts" | "kinds" | "channels") =>
    changes[name] === undefined ? listOf(kept[name], `rules.${name}`, kept.id) : changes[name];
  return {
    ...{ ...kept, ...changes },
    ...{ workloads: list("workloads"), hosts: list("hosts") },
    ...{ kinds: list("kinds"), channels: list("channels") },
  };
}

async function keptRules(sql: AnySql): Promise<readonly Kept[]> {
  return await sql<Kept[]>`
    SELECT id, workloads, hosts, kinds, min_severity AS "minSeverity", channels,
      remind_after_ms::float8 AS "remindAfterMs"
    FROM tinyforge.rules ORDER BY created_at, id`;
}

/** Makes one. */
export async function addRule(sql: AnySql, asked: NewRule): Promise<KeptRule> {
  const rule: KeptRule = { ...asked, id: newId() };
  const { workloads, hosts = null, kinds, minSeverity, channels, remindAfterMs } = rule;
  await sql`
    INSERT INTO tinyforge.rules
      (id, workloads, hosts, kinds, min_severity, channels, remind_after_ms)
    VALUES (${rule.id}, ${jsonOf(workloads)}, ${jsonOf(hosts)}, ${jsonOf(kinds)}, ${minSeverity},
      ${jsonOf(channels)}, ${remindAfterMs})`;
  return { ...rule, hosts };
}

/**
 * Changes one.
 *
 * @throws {Failure} `not-found`
 */
export async function updateRule(
  sql: Sql,
  id: string,
  changes: Partial<NewRule>,
): Promise<KeptRule> {
  return await sql.begin(async (tx) => {
    await tx`SELECT FROM tinyforge.rules WHERE id = ${id} FOR UPDATE`;
    const before = (await keptRules(tx)).find((each) => each.id === id);
    if (before === undefined) throw noSuchRule("change", id);
    const rule = ruleOf(before, changes);
    const { workloads, hosts = null, kinds, minSeverity, channels, remindAfterMs } = rule;
    await tx`UPDATE tinyforge.rules SET workloads = ${jsonOf(workloads)}, hosts = ${jsonOf(hosts)},
      kinds = ${jsonOf(kinds)}, min_severity = ${minSeverity}, channels = ${jsonOf(channels)},
      remind_after_ms = ${remindAfterMs} WHERE id = ${id}`;
    return rule;
  });
}

/**
 * Removes one.
 *
 * @throws {Failure} `not-found`
 */
export async function removeRule(sql: Sql, id: string): Promise<void> {
  const { count } = await sql`DELETE FROM tinyforge.rules WHERE id = ${id}`;
  if (count === 0) throw noSuchRule("remove", id);
}

interface Kept {
  id: string;
  workloads: string | null;
  hosts: string | null;
  kinds: string | null;
  minSeverity: Severity;
  channels: string | null;
  remindAfterMs: number | null;
}

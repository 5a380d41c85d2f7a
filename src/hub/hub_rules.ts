/**
 * Who is told of what, of all hosts, in PostgreSQL. Decides nothing.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import type { Severity } from "../model/problem.ts";
import { jsonOf, type KeptRule, listOf, noSuchRule } from "../store/channels.ts";
import type { AnySql, Sql } from "./sql.ts";

/** A rule as it is asked for. */
export type NewRule = Omit<KeptRule, "id">;

/** Every rule, the oldest first. */
export async function listRules(sql: AnySql): Promise<KeptRule[]> {
  const found = await sql<Kept[]>`
    SELECT id, workloads, hosts, kinds, min_severity AS "minSeverity", channels,
      remind_after_ms::float8 AS "remindAfterMs"
    FROM tinyforge.rules ORDER BY created_at, id`;
  return found.map(({ workloads, hosts, kinds, channels, ...rule }) => ({
    ...rule,
    ...{ workloads: listOf(workloads, "rules.workloads"), hosts: listOf(hosts, "rules.hosts") },
    ...{ kinds: listOf(kinds, "rules.kinds"), channels: listOf(channels, "rules.channels") },
  }));
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
    const before = (await listRules(tx)).find((each) => each.id === id);
    if (before === undefined) throw noSuchRule("change", id);
    const rule = { ...before, ...changes };
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

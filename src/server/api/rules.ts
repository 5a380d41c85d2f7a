/**
 * `/api/rules`: who is told of what.
 *
 * @module
 */

import * as z from "zod";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { KeptRule } from "../../store/channels.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, type Schema, served, type TellingServices } from "../operation.ts";
import { IdParams, listOf, optional } from "../schema.ts";

/**
 * The least grave that is told.
 *
 * @ignore
 */
export const minSeverity: z.ZodEnum<{ low: "low"; high: "high" }> = z.enum(["low", "high"]);
/**
 * Ids of workloads.
 *
 * @ignore
 */
export const workloads: z.ZodNullable<z.ZodArray<z.ZodString>> = z.array(z.string().max(256)).max(
  // A hub knows a name as one id for each host.
  10_000,
).nullable()
  .meta({ description: "Ids of workloads; null: all." });
/**
 * When to remind.
 *
 * @ignore
 */
export const remindAfterMinutes: z.ZodNullable<z.ZodInt> = z.int().min(5).max(10_080).nullable()
  .meta({ description: "Remind so long after the last delivery; null: never." });
/**
 * Names of hosts.
 *
 * @ignore
 */
export const hosts: z.ZodNullable<z.ZodArray<z.ZodString>> = z.array(z.string().max(256)).max(1000)
  .nullable().meta({ description: "Names of hosts; null: all, and what is no host's." });
/**
 * Kinds of problems.
 *
 * @ignore
 */
const kinds: z.ZodNullable<z.ZodArray<z.ZodEnum>> = z.array(
  z.enum([...PROBLEM_KINDS, "channel-broken"]),
).nullable();
const channels = z.array(z.string().max(256)).max(100).nullable();

const SHOWN = {
  id: z.string(),
  workloads: z.array(z.string()).nullable(),
  kinds: z.array(z.string()).nullable(),
  minSeverity: z.enum(["low", "high"]),
  channels: z.array(z.string()).nullable(),
  remindAfterMs: z.int().nullable(),
};
const FIELDS = {
  workloads: workloads.default(null),
  kinds: kinds.default(null),
  minSeverity: minSeverity.default("high"),
  channels: channels.default(null),
  remindAfterMinutes: remindAfterMinutes.default(null),
};
const CHANGES = {
  workloads: optional(workloads),
  kinds: optional(kinds),
  minSeverity: optional(minSeverity),
  channels: optional(channels),
  remindAfterMinutes: optional(remindAfterMinutes),
};

/** What is asked about rules. */
export interface RuleOperations {
  /** Every rule. */
  readonly list: Operation<TellingServices>;
  /** A new rule. */
  readonly create: Operation<TellingServices>;
  /** Another rule in its place. */
  readonly update: Operation<TellingServices>;
}

/** Of a host. */
export const RULES: RuleOperations = rulesOver({
  shown: z.object(SHOWN).meta({ id: "Rule" }),
  fields: z.strictObject(FIELDS).meta({ id: "RuleFields" }) as Schema<unknown>,
  changes: z.strictObject(CHANGES).meta({ id: "RulePatch" }) as Schema<unknown>,
});

/** Of many hosts. */
export const HUB_RULES: RuleOperations = rulesOver({
  shown: z.object({ ...SHOWN, hosts: z.array(z.string()).nullable() }).meta({ id: "HubRule" }),
  fields: z.strictObject({ ...FIELDS, hosts: hosts.default(null) })
    .meta({ id: "HubRuleFields" }) as Schema<unknown>,
  changes: z.strictObject({ ...CHANGES, hosts: optional(hosts) })
    .meta({ id: "HubRulePatch" }) as Schema<unknown>,
});

interface RuleFields extends Omit<KeptRule, "id" | "remindAfterMs"> {
  readonly remindAfterMinutes: number | null;
}

function rulesOver(
  { shown, fields, changes }: Record<"shown" | "fields" | "changes", Schema<unknown>>,
): RuleOperations {
  return {
    list: served({
      summary: "Who is told of what",
      answers: ok("The rules, the oldest first", listOf(shown)),
    }, async ({ services: { telling } }) => json({ items: await telling.rules() })),
    create: served({
      summary: "Add a rule; who is named by several is told once",
      body: fields as Schema<RuleFields>,
      answers: { 201: { description: "The rule", schema: shown } },
    }, async ({ services: { telling }, body: { remindAfterMinutes, ...asked } }) => {
      const rule = await telling.addRule({ ...asked, remindAfterMs: msOf(remindAfterMinutes) });
      return created(`/api/rules/${rule.id}`, rule);
    }),
    update: served({
      summary: "Change a rule",
      description: "What it says of what was told already does not change.",
      params: IdParams,
      body: changes as Schema<Partial<RuleFields>>,
      answers: ok("The rule as it is now", shown),
    }, async ({ services: { telling }, params, body: { remindAfterMinutes, ...asked } }) =>
      json(
        await telling.updateRule(params.id, {
          ...asked,
          ...(remindAfterMinutes !== undefined && { remindAfterMs: msOf(remindAfterMinutes) }),
        }),
      )),
  };
}

/** No rule any more. */
export const removeRule: Operation<TellingServices> = served({
  summary: "Remove a rule",
  description: "Where there is none left, every channel is told of all that is high.",
  params: IdParams,
  answers: { 204: { description: "It is gone" } },
}, async ({ services: { telling }, params }) => {
  await telling.removeRule(params.id);
  return new Response(null, { status: 204 });
});

/** The same as milliseconds. */
export function msOf(minutes: number | null): number | null {
  return minutes === null ? null : minutes * 60_000;
}

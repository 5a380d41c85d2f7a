/**
 * `/api/rules`: who is told of what.
 *
 * @module
 */

import { z } from "zod";
import { Failure } from "../../failure.ts";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { Store } from "../../store/store.ts";
import { quote } from "../../text.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
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
  1000,
).nullable()
  .meta({ description: "Ids of workloads; null: all." });
/**
 * When to remind.
 *
 * @ignore
 */
export const remindAfterMinutes: z.ZodNullable<z.ZodInt> = z.int().min(5).max(10_080).nullable()
  .meta({ description: "Remind so long after the last delivery; null: never." });
const kinds = z.array(z.enum([...PROBLEM_KINDS, "channel-broken"])).nullable();
const channels = z.array(z.string().max(256)).max(100).nullable();

const RuleSchema = z.object({
  id: z.string(),
  workloads: z.array(z.string()).nullable(),
  kinds: z.array(z.string()).nullable(),
  minSeverity: z.enum(["low", "high"]),
  channels: z.array(z.string()).nullable(),
  remindAfterMs: z.int().nullable(),
}).meta({ id: "Rule" });

/** Every rule. */
export const listRules: Operation = operation({
  summary: "Who is told of what",
  answers: ok("The rules, the oldest first", listOf(RuleSchema)),
}, ({ services: { store } }) => json({ items: store.channels.rules() }));

/** A new rule. */
export const createRule: Operation = operation({
  summary: "Add a rule; who is named by several is told once",
  body: z.strictObject({
    workloads: workloads.default(null),
    kinds: kinds.default(null),
    minSeverity: minSeverity.default("high"),
    channels: channels.default(null),
    remindAfterMinutes: remindAfterMinutes.default(null),
  }).meta({ id: "RuleFields" }),
  answers: { 201: { description: "The rule", schema: RuleSchema } },
}, ({ services: { store, notify }, body: { remindAfterMinutes, ...fields } }) => {
  const rule = store.channels.addRule({
    ...fields,
    workloads: knownWorkloads(store, fields.workloads),
    channels: knownChannels(store, fields.channels),
    remindAfterMs: msOf(remindAfterMinutes),
  });
  notify.changed("");
  return created(`/api/rules/${rule.id}`, rule);
});

/** Another rule in its place. */
export const updateRule: Operation = operation({
  summary: "Change a rule",
  description: "What it says of what was told already does not change.",
  params: IdParams,
  body: z.strictObject({
    workloads: optional(workloads),
    kinds: optional(kinds),
    minSeverity: optional(minSeverity),
    channels: optional(channels),
    remindAfterMinutes: optional(remindAfterMinutes),
  }).meta({ id: "RulePatch" }),
  answers: ok("The rule as it is now", RuleSchema),
}, ({ services: { store, notify }, params, body: { remindAfterMinutes, ...fields } }) => {
  const rule = store.channels.updateRule(params.id, {
    ...fields,
    ...(fields.workloads !== undefined &&
      { workloads: knownWorkloads(store, fields.workloads) }),
    ...(fields.channels !== undefined && { channels: knownChannels(store, fields.channels) }),
    ...(remindAfterMinutes !== undefined && { remindAfterMs: msOf(remindAfterMinutes) }),
  });
  notify.changed("");
  return json(rule);
});

/** No rule any more. */
export const removeRule: Operation = operation({
  summary: "Remove a rule",
  description: "Where there is none left, every channel is told of all that is high.",
  params: IdParams,
  answers: { 204: { description: "It is gone" } },
}, ({ services: { store }, params }) => {
  store.channels.removeRule(params.id);
  return new Response(null, { status: 204 });
});

/** These workloads, all of which there are. */
export function knownWorkloads(
  store: Pick<Store, "workloads">,
  ids: readonly string[] | null,
): readonly string[] | null {
  for (const id of ids ?? []) {
    if (store.workloads.get(id) !== undefined) continue;
    throw new Failure("not-found", `Cannot tell of workload ${quote(id)}: no such workload`, {
      data: { thing: "workload", id },
    });
  }
  return ids;
}

/** The ids of these channels, all of which there are. */
function knownChannels(
  store: Pick<Store, "channels">,
  named: readonly string[] | null,
): readonly string[] | null {
  return named?.map((channel) => store.channels.get(channel).id) ?? null;
}

/** The same as milliseconds. */
export function msOf(minutes: number | null): number | null {
  return minutes === null ? null : minutes * 60_000;
}

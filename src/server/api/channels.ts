/**
 * `/api/channels`, `/api/rules` and `/api/deliveries`: where people are told, who is told of what,
 * and what became of it. Secrets come in here and never go out.
 *
 * @module
 */

import { z } from "zod";
import { newId } from "../../core/names.ts";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { KeptChannel } from "../../store/channels.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
import { IdParams, listOf, optional, wholeNumber } from "../schema.ts";

const time = z.string().meta({ format: "date-time" });
const minSeverity = z.enum(["low", "high"]).default("high");
const remindAfterMinutes = z.int().min(5).max(10_080).nullable().default(null)
  .meta({ description: "Remind so long after the last delivery; null: never." });
const workloads = z.array(z.string().max(256)).max(1000).nullable().default(null)
  .meta({ description: "Ids of workloads; null: all." });

/** A channel as it is shown. */
const ChannelSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  origin: z.string().meta({ description: "Scheme and host of its address." }),
  allowLoopback: z.boolean(),
  fallback: z.string().nullable().meta({ description: "Id of the channel that stands in for it." }),
  state: z.enum(["ok", "broken", "disabled"]),
  reason: z.string(),
  since: time.nullable().meta({ description: "Since when it is not ok." }),
  failingSince: time.nullable(),
  createdAt: time,
}).meta({ id: "Channel" });

const RuleSchema = z.object({
  id: z.string(),
  workloads: z.array(z.string()).nullable(),
  kinds: z.array(z.string()).nullable(),
  minSeverity: z.enum(["low", "high"]),
  channels: z.array(z.string()).nullable(),
  remindAfterMs: z.int().nullable(),
}).meta({ id: "Rule" });

const DeliverySchema = z.object({
  seq: z.int(),
  notice: z.string().meta({ description: "What a receiver can tell a double by." }),
  channel: z.string(),
  kind: z.string(),
  state: z.enum(["queued", "delivered", "dead", "superseded"]),
  attempts: z.int(),
  queuedAt: time,
  nextAt: time.nullable(),
  endedAt: time.nullable(),
  status: z.int().nullable(),
  answer: z.string(),
}).meta({ id: "Delivery" });

const OutcomeSchema = z.object({
  delivered: z.boolean(),
  status: z.int().nullable().meta({ description: "HTTP status or SMTP reply code." }),
  cause: z.string().nullable(),
  answer: z.string().meta({ description: "The beginning of the receiver's answer." }),
}).meta({ id: "TestOutcome" });

/** Every channel. */
export const listChannels: Operation = operation({
  summary: "Where people are told",
  answers: ok("The channels, the oldest first", listOf(ChannelSchema)),
}, ({ services: { store } }) => json({ items: store.channels.list().map(shown) }));

/** A new channel. */
export const createChannel: Operation = operation({
  summary: "Add a channel, with the rule that says what it is told",
  body: z.strictObject({
    name: z.string(),
    url: z.string().meta({ description: "Its address, as people have it; write-only." }),
    secret: optional(z.string().max(4096)).meta({
      description: "A key, password or token that the address does not hold; write-only.",
    }),
    allowLoopback: z.boolean().default(false),
    fallback: z.string().nullable().default(null),
    minSeverity,
    workloads,
    remindAfterMinutes,
  }).meta({ id: "ChannelFields" }),
  answers: { 201: { description: "The channel", schema: ChannelSchema } },
}, async ({ services: { store, notify }, body }) => {
  const { url, secret = null, allowLoopback } = body;
  const { type, config, secrets } = await notify.takeIn({ url, secret, allowLoopback });
  const id = newId();
  // First, so that no channel is ever without; what is left of a channel that was not kept is no harm.
  await notify.keep(id, secrets);
  let channel: KeptChannel;
  try {
    const fallbackId = body.fallback === null ? null : store.channels.get(body.fallback).id;
    channel = store.channels.add({ id, name: body.name, type, config: { ...config }, fallbackId }, {
      workloads: body.workloads,
      kinds: null,
      minSeverity: body.minSeverity,
      remindAfterMs: msOf(body.remindAfterMinutes),
    });
  } catch (error) {
    await notify.keep(id, null);
    throw error;
  }
  notify.changed(id);
  return created(`/api/channels/${id}`, shown(channel));
});

/** No channel any more. */
export const removeChannel: Operation = operation({
  summary: "Remove a channel with what was to be sent to it",
  params: IdParams,
  answers: ok("The channel as it was", ChannelSchema),
}, async ({ services: { store, notify }, params }) => {
  const channel = store.channels.get(params.id);
  store.channels.remove(channel.id);
  await notify.keep(channel.id, null);
  notify.changed(channel.id);
  return json(shown(channel));
});

/** Does it arrive? */
export const testChannel: Operation = operation({
  summary: "Send a test to a channel, and wait for what comes of it",
  description: "A channel that was broken and takes it is used again.",
  params: IdParams,
  answers: ok("What came of it", OutcomeSchema),
}, async ({ services: { store, notify }, params }) => {
  const channel = store.channels.get(params.id);
  const outcome = await notify.test(channel, { signal: new AbortController().signal });
  const { result, status, answer } = outcome;
  const cause = outcome.result === "delivered" ? null : outcome.cause;
  return json({ delivered: result === "delivered", status, cause, answer });
});

/** Again, now. */
export const retryChannel: Operation = operation(
  {
    summary: "Try now whatever waits for a channel or was given up",
    params: IdParams,
    answers: ok("How many", z.object({ queued: z.int() })),
  },
  async ({ services: { store, notify }, params }) =>
    json({ queued: await notify.retry(store.channels.get(params.id)) }),
);

/** Every rule. */
export const listRules: Operation = operation({
  summary: "Who is told of what",
  answers: ok("The rules, the oldest first", listOf(RuleSchema)),
}, ({ services: { store } }) => json({ items: store.channels.rules() }));

/** A new rule. */
export const createRule: Operation = operation({
  summary: "Add a rule; who is named by several is told once",
  body: z.strictObject({
    workloads,
    kinds: z.array(z.enum([...PROBLEM_KINDS, "channel-broken"])).nullable().default(null),
    minSeverity,
    channels: z.array(z.string().max(256)).max(100).nullable().default(null),
    remindAfterMinutes,
  }).meta({ id: "RuleFields" }),
  answers: { 201: { description: "The rule", schema: RuleSchema } },
}, ({ services: { store, notify }, body: { remindAfterMinutes, ...fields } }) => {
  const channels = fields.channels?.map((channel) => store.channels.get(channel).id) ?? null;
  const rule = store.channels.addRule({
    ...fields,
    channels,
    remindAfterMs: msOf(remindAfterMinutes),
  });
  notify.changed("");
  return created(`/api/rules/${rule.id}`, rule);
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

/** What became of what was told. */
export const listDeliveries: Operation = operation({
  summary: "What was told and is to be told",
  query: z.strictObject({
    channel: optional(z.string()),
    state: optional(z.enum(["queued", "delivered", "dead", "superseded"])),
    limit: wholeNumber({ min: 1, max: 1000, fallback: 100 }),
  }),
  answers: ok("The deliveries, the newest first", listOf(DeliverySchema)),
}, ({ services: { store }, query }) => {
  const { state, limit } = query;
  const channelId = query.channel === undefined ? undefined : store.channels.get(query.channel).id;
  const items = store.notices.list({
    limit,
    ...(channelId !== undefined && { channelId }),
    ...(state !== undefined && { state }),
  }).map((each) => ({
    ...{ seq: each.seq, notice: each.noticeId, channel: each.channelId, kind: each.kind },
    ...{ state: each.state, attempts: each.attempts, queuedAt: timeOf(each.queuedAt) },
    nextAt: each.state === "queued" ? timeOf(each.nextAt) : null,
    endedAt: timeOf(each.endedAt),
    ...{ status: each.status, answer: each.answer },
  }));
  return json({ items });
});

function shown(channel: KeptChannel) {
  const { id, name, type, config, fallbackId, state, reason, createdAt } = channel;
  return {
    ...{ id, name, type },
    origin: String(config["origin"]),
    allowLoopback: config["allowLoopback"] === true,
    fallback: fallbackId,
    ...{ state, reason },
    since: timeOf(channel.since),
    failingSince: timeOf(channel.failingSince),
    createdAt,
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function msOf(minutes: number | null): number | null {
  return minutes === null ? null : minutes * 60_000;
}

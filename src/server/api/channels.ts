/**
 * `/api/channels` and `/api/deliveries`: where people are told, and what became of it. Secrets come
 * in here and never go out.
 *
 * @module
 */

import * as z from "zod";
import type { Severity } from "../../model/problem.ts";
import { mayDo } from "../../model/role.ts";
import type { KeptChannel } from "../../store/channels.ts";
import type { DeliveryState, ListedDelivery } from "../../store/notice_rows.ts";
import { created, json, ok } from "../answer.ts";
import type { Principal } from "../credentials.ts";
import { type Operation, type Schema, served, type TellingServices } from "../operation.ts";
import { IdParams, listOf, optional, wholeNumber } from "../schema.ts";
import type { ChannelChanges, NewChannel, TestOutcome } from "../telling_port.ts";
import { hosts, minSeverity, msOf, remindAfterMinutes, workloads } from "./rules.ts";

const time = z.string().meta({ format: "date-time" });
/** A channel as it is shown. */
const ChannelSchema: Schema<unknown> = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  origin: z.string().meta({ description: "Scheme and host of its address." }),
  allowLoopback: z.boolean(),
  fallback: z.string().nullable().meta({ description: "Id of the channel that stands in for it." }),
  state: z.enum(["ok", "broken", "disabled"]),
  reason: z.string().meta({
    description: "Why it is not ok; of what a receiver said only admins see more than the status.",
  }),
  since: time.nullable().meta({ description: "Since when it is not ok." }),
  failingSince: time.nullable(),
  createdAt: time,
}).meta({ id: "Channel" });

/** A delivery as it is shown; times are RFC 3339. */
export interface ShownDelivery
  extends Pick<ListedDelivery, "about" | "attempts" | "seq" | "state"> {
  /** What a receiver can tell a double by. */
  readonly notice: string;
  /** Id of its channel. */
  readonly channel: string;
  /** What kind of notice it is. */
  readonly kind: string;
  /** When it was queued. */
  readonly queuedAt: string;
  /** When it is tried (again); null once it is over. */
  readonly nextAt: string | null;
  /** When it was over, or null. */
  readonly endedAt: string | null;
  /** What the receiver answered last: an HTTP status or SMTP code, or null. */
  readonly status: number | null;
  /** The beginning of that answer, for admins; or what failed. */
  readonly answer: string;
}

const DeliverySchema: Schema<ShownDelivery> = z.object({
  seq: z.int(),
  notice: z.string().meta({ description: "What a receiver can tell a double by." }),
  channel: z.string(),
  kind: z.string(),
  about: z.object({
    total: z.int(),
    kind: z.string(),
    workload: z.string().nullable(),
    row: z.string().nullable(),
  }).nullable().meta({
    description:
      "How many problems it tells of, and the first of them: names as they were then, a " +
      "host's without workload. Null in a test.",
  }),
  state: z.enum(["queued", "delivered", "dead", "superseded"]),
  attempts: z.int(),
  queuedAt: time,
  nextAt: time.nullable(),
  endedAt: time.nullable(),
  status: z.int().nullable(),
  answer: z.string().meta({
    description: "The beginning of the receiver's answer, for admins alone; or why there is none.",
  }),
}).meta({ id: "Delivery" });

/** What came of a test, as it is shown. */
const OutcomeSchema: Schema<unknown> = z.object({
  delivered: z.boolean(),
  status: z.int().nullable().meta({ description: "HTTP status or SMTP reply code." }),
  cause: z.string().nullable(),
  answer: z.string().meta({ description: "The beginning of the receiver's answer." }),
}).meta({ id: "TestOutcome" });

/** Every channel. */
export const listChannels: Operation<TellingServices> = served({
  summary: "Where people are told",
  answers: ok("The channels, the oldest first", listOf(ChannelSchema)),
}, async ({ services: { telling }, principal }) => {
  const items = await telling.list();
  return json({ items: items.map((each) => shownChannel(each, principal)) });
});

/**
 * Why a channel does not work, as far as somebody may see it: of what a receiver said whoever is no
 * admin sees the status. What stands there without a status is this program's own.
 */
export function reasonFor({ role }: Pick<Principal, "role">, reason: string): string {
  return mayDo(role, "admin") ? reason : /^\d{3}(?= |$)/.exec(reason)?.[0] ?? reason;
}

/** A channel as it is asked for, with what it is told. */
interface ChannelFields extends Omit<NewChannel, "secret"> {
  readonly secret?: string;
  readonly minSeverity: Severity;
  readonly workloads: readonly string[] | null;
  readonly hosts?: readonly string[] | null;
  readonly remindAfterMinutes: number | null;
}

const FIELDS = {
  name: z.string(),
  url: z.string().meta({ description: "Its address, as people have it; write-only." }),
  secret: optional(z.string().max(4096)).meta({
    description: "A key, password or token that the address does not hold; write-only.",
  }),
  allowLoopback: z.boolean().default(false),
  fallback: z.string().nullable().default(null),
  minSeverity: minSeverity.default("high"),
  workloads: workloads.default(null),
  remindAfterMinutes: remindAfterMinutes.default(null),
};

/** A new channel. */
export const createChannel: Operation<TellingServices> = creating(
  z.strictObject(FIELDS).meta({ id: "ChannelFields" }) as Schema<unknown>,
);

/** The same of many hosts. */
export const createHubChannel: Operation<TellingServices> = creating(
  z.strictObject({ ...FIELDS, hosts: hosts.default(null) })
    .meta({ id: "HubChannelFields" }) as Schema<unknown>,
);

function creating(fields: Schema<unknown>): Operation<TellingServices> {
  return served({
    summary: "Add a channel, with the rule that says what it is told",
    body: fields as Schema<ChannelFields>,
    answers: { 201: { description: "The channel", schema: ChannelSchema } },
  }, async ({ services: { telling }, principal, body }) => {
    const { name, url, secret = null, allowLoopback, fallback, ...told } = body;
    const { workloads, hosts, minSeverity } = told;
    const channel = await telling.add({ name, url, secret, allowLoopback, fallback }, {
      ...{ workloads, kinds: null, minSeverity },
      ...(hosts !== undefined && { hosts }),
      remindAfterMs: msOf(told.remindAfterMinutes),
    });
    return created(`/api/channels/${channel.id}`, shownChannel(channel, principal));
  });
}

/** Another name, another address, another secret. */
export const updateChannel: Operation<TellingServices> = served({
  summary: "Change a channel",
  description:
    "Another address, secret or permission has a channel that did not work tried anew. " +
    "A webhook's key is used beside the one before it, until there is yet another.",
  params: IdParams,
  body: z.strictObject({
    name: optional(z.string()),
    url: optional(z.string()).meta({ description: "Another address; write-only." }),
    secret: optional(z.string().max(4096)).meta({
      description: "Another key, password or token that the address does not hold; write-only.",
    }),
    allowLoopback: optional(z.boolean()),
    fallback: optional(z.string().nullable()),
  }).meta({ id: "ChannelPatch" }) as Schema<unknown> as Schema<ChannelChanges>,
  answers: ok("The channel as it is now", ChannelSchema),
}, async ({ services: { telling }, principal, params, body }) => {
  return json(shownChannel(await telling.update(params.id, body), principal));
});

/** No channel any more. */
export const removeChannel: Operation<TellingServices> = served({
  summary: "Remove a channel with what was to be sent to it",
  params: IdParams,
  answers: ok("The channel as it was", ChannelSchema),
}, async ({ services: { telling }, principal, params }) => {
  return json(shownChannel(await telling.remove(params.id), principal));
});

/** Does it arrive? */
export const testChannel: Operation<TellingServices> = served({
  summary: "Send a test to a channel, and wait for what comes of it",
  description: "A channel that was broken and takes it is used again.",
  params: IdParams,
  answers: ok("What came of it", OutcomeSchema),
}, async ({ services: { telling }, params }) => json(shownOutcome(await telling.test(params.id))));

/** Again, now. */
export const retryChannel: Operation<TellingServices> = served({
  summary: "Try now whatever waits for a channel or was given up",
  params: IdParams,
  answers: ok("How many", z.object({ queued: z.int() })),
}, async ({ services: { telling }, params }) => {
  return json({ queued: await telling.retry(params.id) });
});

/** Which deliveries are asked for. */
const DeliveriesQuery: Schema<{ channel?: string; state?: DeliveryState; limit: number }> = z
  .strictObject({
    channel: optional(z.string()),
    state: optional(z.enum(["queued", "delivered", "dead", "superseded"])),
    limit: wholeNumber({ min: 1, max: 1000, fallback: 100 }),
  }) as Schema<unknown> as Schema<{ channel?: string; state?: DeliveryState; limit: number }>;

/** What became of what was told. */
export const listDeliveries: Operation<TellingServices> = served({
  summary: "What was told and is to be told",
  query: DeliveriesQuery,
  answers: ok("The deliveries, the newest first", listOf(DeliverySchema)),
}, async ({ services: { telling }, principal, query }) => {
  const items = await telling.deliveries(query);
  return json({ items: items.map((each) => shownDelivery(each, principal)) });
});

/** What came of a test as it is shown. */
function shownOutcome(outcome: TestOutcome): Record<string, unknown> {
  const { result, status, answer } = outcome;
  const cause = outcome.result === "delivered" ? null : outcome.cause;
  return { delivered: result === "delivered", status, cause, answer };
}

/** A delivery as it is shown to somebody. */
function shownDelivery(
  each: ListedDelivery,
  { role }: Pick<Principal, "role">,
): ShownDelivery {
  return {
    ...{ seq: each.seq, notice: each.noticeId, channel: each.channelId, kind: each.kind },
    ...{
      about: each.about,
      state: each.state,
      attempts: each.attempts,
      queuedAt: new Date(each.queuedAt).toISOString(),
    },
    nextAt: each.state === "queued" ? timeOf(each.nextAt) : null,
    endedAt: timeOf(each.endedAt),
    status: each.status,
    answer: each.status === null || mayDo(role, "admin") ? each.answer : "",
  };
}

/** A channel as it is shown to somebody. */
function shownChannel(
  channel: KeptChannel,
  to: Pick<Principal, "role">,
): Record<string, unknown> {
  const { id, name, type, config, fallbackId, state, reason, createdAt } = channel;
  return {
    ...{ id, name, type },
    origin: String(config["origin"]),
    allowLoopback: config["allowLoopback"] === true,
    fallback: fallbackId,
    ...{ state, reason: reasonFor(to, reason) },
    since: timeOf(channel.since),
    failingSince: timeOf(channel.failingSince),
    createdAt,
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

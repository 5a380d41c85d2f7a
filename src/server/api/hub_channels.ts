/**
 * `/api/channels` and `/api/deliveries` of a hub: where people are told of what is wrong on all hosts.
 * The same shapes as a host's; secrets come in here and never go out.
 *
 * @module
 */

import { z } from "zod";
import type { Severity } from "../../model/problem.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, type Schema, served } from "../operation.ts";
import { IdParams, listOf } from "../schema.ts";
import {
  addressFields,
  ChannelSchema,
  DeliveriesQuery,
  DeliverySchema,
  OutcomeSchema,
  shownChannel,
  shownDelivery,
  shownOutcome,
} from "./channels.ts";
import type { HubServices } from "./hosts.ts";
import { minSeverity, msOf, remindAfterMinutes } from "./rules.ts";

/** Every channel. */
export const listHubChannels: Operation<HubServices> = served({
  summary: "Where people are told",
  answers: ok("The channels, the oldest first", listOf(ChannelSchema)),
}, async ({ services: { channels }, principal }) => {
  const items = await channels.list();
  return json({ items: items.map((each) => shownChannel(each, principal)) });
});

interface Fields {
  name: string;
  url: string;
  secret?: string;
  allowLoopback: boolean;
  fallback: null;
  minSeverity: Severity;
  workloads: null;
  remindAfterMinutes: number | null;
}

/** A new channel. */
export const createHubChannel: Operation<HubServices> = served({
  summary: "Add a channel, and what it is told",
  description: "It is told of all hosts. A channel that stands in for another, and one that is " +
    "told of some workloads alone, only a host has.",
  body: z.strictObject({
    ...addressFields,
    fallback: z.null().default(null),
    minSeverity: minSeverity.default("high"),
    workloads: z.null().default(null),
    remindAfterMinutes: remindAfterMinutes.default(null),
  }).meta({ id: "HubChannelFields" }) as Schema<unknown> as Schema<Fields>,
  answers: { 201: { description: "The channel", schema: ChannelSchema } },
}, async ({ services: { channels }, principal, body }) => {
  const { name, url, secret = null, allowLoopback, minSeverity } = body;
  const channel = await channels.add({
    ...{ name, url, secret, allowLoopback, minSeverity },
    remindAfterMs: msOf(body.remindAfterMinutes),
  });
  return created(`/api/channels/${channel.id}`, shownChannel(channel, principal));
});

/** No channel any more. */
export const removeHubChannel: Operation<HubServices> = served({
  summary: "Remove a channel with what was to be sent to it",
  params: IdParams,
  answers: ok("The channel as it was", ChannelSchema),
}, async ({ services: { channels }, principal, params }) => {
  return json(shownChannel(await channels.remove(params.id), principal));
});

/** Does it arrive? */
export const testHubChannel: Operation<HubServices> = served(
  {
    summary: "Send a test to a channel, and wait for what comes of it",
    description: "A channel that was broken and takes it is used again.",
    params: IdParams,
    answers: ok("What came of it", OutcomeSchema),
  },
  async ({ services: { channels }, params }) => json(shownOutcome(await channels.test(params.id))),
);

/** Again, now. */
export const retryHubChannel: Operation<HubServices> = served({
  summary: "Try now whatever waits for a channel or was given up",
  params: IdParams,
  answers: ok("How many", z.object({ queued: z.int() })),
}, async ({ services: { channels }, params }) => {
  return json({ queued: await channels.retry(params.id) });
});

/** What became of what was told. */
export const listHubDeliveries: Operation<HubServices> = served({
  summary: "What was told and is to be told",
  query: DeliveriesQuery,
  answers: ok("The deliveries, the newest first", listOf(DeliverySchema)),
}, async ({ services: { channels }, principal, query }) => {
  const items = await channels.deliveries(query);
  return json({ items: items.map((each) => shownDelivery(each, principal)) });
});

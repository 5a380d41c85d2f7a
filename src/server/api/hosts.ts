/**
 * `/api/hosts` of a hub, and whether it can be used: which hosts it has. Letting one in and forgetting
 * one is for whoever reaches the hub's socket.
 *
 * @module
 */

import * as z from "zod";
import { HOST_STATES, type HostView, type Invitation } from "../../model/hosts.ts";
import { json, ok } from "../answer.ts";
import type { Entrance } from "../access.ts";
import { type Operation, type Schema, served, type TellingServices } from "../operation.ts";
import { ProblemDetails } from "../problem_details.ts";
import { optional } from "../schema.ts";

/** What is asked of a hub about its hosts. */
export interface HostsPort {
  /** Makes a token with which one host can be let in. Throws a Failure, `invalid`, `conflict`. */
  enroll(name: string): Promise<{ token: string; expiresAt: string }>;
  /** Forgets a host with all that it told. Throws a Failure, `not-found`. */
  expel(name: string): Promise<void>;
  /** Every host, by name. */
  list(): Promise<readonly HostView[]>;
  /** Those that were made a token for and have not come yet, by name. */
  invitations(): Promise<readonly Invitation[]>;
  /** Whether the database takes nothing new; rejects where it can't be had. */
  isReadOnly(): Promise<boolean>;
}

/** What handlers of a hub have at hand. */
export interface HubServices extends TellingServices {
  /** The hosts. */
  readonly hosts: HostsPort;
}

const time = z.string().meta({ format: "date-time" });

const HostSchema: Schema<HostView> = z.object({
  name: z.string(),
  state: z.enum(HOST_STATES).meta({
    description: "`unknown`: not heard of for 45 s; `contested`: two speak for it; `new`: never " +
      "heard of yet.",
  }),
  heardAt: time.nullable(),
  ageSeconds: z.int().nullable(),
  fresh: z.boolean().nullable().meta({ description: "Whether its index is what runs there." }),
  lastPassAt: time.nullable(),
  rows: z.int(),
  version: z.string().nullable(),
  machines: z.array(z.string()),
}).meta({ id: "Host" });

const InvitationSchema: Schema<Invitation> = z.object({
  name: z.string(),
  invitedAt: time,
  expiresAt: time,
  expired: z.boolean(),
}).meta({ id: "Invitation" });

/** The hosts. */
export const listHosts: Operation<HubServices> = served({
  summary: "The hosts, and how long ago each was heard of",
  answers: ok(
    "The hosts by name, and those that were made a token for and have not come yet",
    z.object({
      items: z.array(HostSchema as z.ZodType<HostView>),
      invited: z.array(InvitationSchema as z.ZodType<Invitation>),
    }),
  ),
}, async ({ services: { hosts } }) => {
  const [items, invited] = await Promise.all([hosts.list(), hosts.invitations()]);
  return json({ items, invited });
});

/** A token for one. */
export const enrollHost: Operation<HubServices> = served({
  summary: "Make a token that lets one host in, once and within an hour",
  description: "Over the socket alone.",
  body: z.strictObject({ name: z.string() }).meta({ id: "NewHost" }) as Schema<{ name: string }>,
  answers: {
    201: {
      description: "The token, told this once",
      schema: z.object({ token: z.string(), expiresAt: time }).meta({ id: "Enrolment" }),
    },
  },
}, async ({ services: { hosts }, body, entrance }) => {
  requireSocket(entrance);
  return json(await hosts.enroll(body.name), { status: 201 });
});

/** No more. */
export const expelHost: Operation<HubServices> = served({
  summary: "Forget a host with all its rows; its secret opens nothing any more",
  description: "Over the socket alone.",
  params: z.strictObject({ name: z.string() }) as Schema<{ name: string }>,
  answers: { 204: { description: "It is forgotten" } },
}, async ({ services: { hosts }, params, entrance }) => {
  requireSocket(entrance);
  await hosts.expel(params.name);
  return new Response(null, { status: 204 });
});

const HubReadiness = z.object({
  ready: z.boolean(),
  detail: optional(z.string().meta({ description: "Why it is not." })),
});

/** The database can be had and written to: what hosts say can be kept. */
export const hubReady: Operation<HubServices> = served({
  summary: "Whether the database can be had and written to",
  query: z.looseObject({}),
  answers: {
    ...ok("It can", HubReadiness),
    503: { description: "It can't", schema: HubReadiness },
  },
}, async ({ services: { hosts, log } }) => {
  // Anybody may ask: what the database says is for the log.
  const detail = await hosts.isReadOnly().then((is) => is ? READ_ONLY : null, (error) => {
    log.debug("database not ready", { error });
    return "the database can't be reached";
  });
  return detail === null ? json({ ready: true }) : json({ ready: false, detail }, { status: 503 });
});

const READ_ONLY = "the database can only be read: it is a standby, or made read-only; " +
  "what hosts tell is not kept";

function requireSocket({ rules }: Entrance): void {
  if (rules === null) return;
  throw new ProblemDetails(
    "forbidden",
    "Cannot do this over the network: only over the hub's socket",
    {
      data: { needs: "socket" },
    },
  );
}

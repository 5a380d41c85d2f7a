/**
 * `/api/tokens`: who may ask over TCP. A token is told once, when it is made.
 *
 * @module
 */

import * as z from "zod";
import { type Role, ROLES } from "../../model/role.ts";
import { Failure } from "../../failure.ts";
import type { KeptToken } from "../../store/tokens.ts";
import { created, json, ok } from "../answer.ts";
import { type Reading, reading, type Schema } from "../operation.ts";
import { IdParams, listOf, optional } from "../schema.ts";

/** A token as it is shown. Times are RFC 3339 UTC. */
export interface ShownToken {
  /** Its id, which opens nothing. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** What it opens. */
  readonly role: Role;
  /** The moment from which on it opens nothing; null: it has no end. */
  readonly expiresAt: string | null;
  /** When it was made. */
  readonly createdAt: string;
}

/** The same with the token itself. */
export interface MadeToken extends ShownToken {
  /** To be sent as `Authorization: Bearer …`. */
  readonly token: string;
}

/** What is asked for. */
export interface NewToken {
  /** What people call it. */
  name: string;
  /** What it opens. */
  role: Role;
  /** RFC 3339; it has no end when absent. */
  expiresAt?: string;
}

/** What is asked for of one that there is. */
export interface TokenRenewal {
  /** RFC 3339; null: it has no end. */
  expiresAt: string | null;
}

const time = z.string().meta({ format: "date-time" });
const shape = {
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  expiresAt: time.nullable().meta({ description: "Null: it has no end." }),
  createdAt: time,
};
const ShownTokenSchema: Schema<ShownToken> = z.object(shape).meta({ id: "Token" });
const MadeTokenSchema: Schema<MadeToken> = z.object({ ...shape, token: z.string() })
  .meta({ id: "MadeToken" });
const NewTokenSchema: Schema<NewToken> = z.strictObject({
  name: z.string().meta({ description: "1–64 letters, digits, dots, dashes, underscores." }),
  role: z.enum(ROLES),
  expiresAt: optional(time),
}).meta({ id: "NewToken" });

const RenewalSchema: Schema<TokenRenewal> = z.strictObject({
  expiresAt: time.nullable().meta({ description: "Null: it has no end." }),
}).meta({ id: "TokenRenewal" });

/** Every token. */
export const listTokens: Reading = reading({
  summary: "Tokens by name; what they are is not kept",
  answers: ok("The tokens", listOf(ShownTokenSchema)),
}, async ({ services: { access } }) => json({ items: (await access.tokens.list()).map(shown) }));

/** Another one. */
export const createToken: Reading = reading({
  summary: "Make a token",
  description: "The token is told this once.",
  body: NewTokenSchema,
  answers: { 201: { description: "The token", schema: MadeTokenSchema } },
}, async ({ services: { access, now }, body: { name, role, expiresAt } }) => {
  const ends = endOf(expiresAt ?? null, { action: "make", now: now().getTime() });
  const { kept, secret } = await access.tokens.add({ name, role, expiresAt: ends });
  return created(`/api/tokens/${kept.id}`, { ...shown(kept), token: secret });
});

/** Another end. */
export const renewToken: Reading = reading({
  summary: "Have a token open things until another moment",
  description:
    "The token stays what it is. One that is over stays over; sessions that were opened " +
    "with it end with it.",
  params: IdParams,
  body: RenewalSchema,
  answers: ok("The token as it is now", ShownTokenSchema),
}, async ({ services: { access, live, now: clock }, params, body }) => {
  const now = clock().getTime();
  const expiresAt = endOf(body.expiresAt, { action: "renew", now });
  const kept = await access.tokens.renew(params.id, { expiresAt, now });
  await live.recheck();
  return json(shown(kept));
});

/** No more. */
export const removeToken: Reading = reading({
  summary: "Remove a token, and end the sessions that were opened with it",
  params: IdParams,
  answers: { 204: { description: "It opens nothing any more" } },
}, async ({ services: { access, live }, params }) => {
  await access.tokens.remove(params.id);
  await live.recheck();
  return new Response(null, { status: 204 });
});

function endOf(
  text: string | null,
  { action, now }: { action: "make" | "renew"; now: number },
): number | null {
  if (text === null) return null;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw refused("`expiresAt` is no RFC 3339 time");
  if (ms <= now) throw refused(`it would be over (${text})`);
  return ms;

  function refused(why: string): Failure {
    return new Failure("invalid", `Cannot ${action} this token: ${why}`, { data: {} });
  }
}

function shown({ id, name, role, expiresAt, createdAt }: KeptToken): ShownToken {
  const ends = expiresAt === null ? null : new Date(expiresAt).toISOString();
  return { id, name, role, expiresAt: ends, createdAt };
}

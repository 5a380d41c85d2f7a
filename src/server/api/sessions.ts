/**
 * `/api/session` and `/api/sessions`: how a browser logs in and out, and which ones are in. A browser
 * shows a code of a link, or a token, and is given a cookie.
 *
 * @module
 */

import * as z from "zod";
import { WAYS_IN } from "../../model/access.ts";
import { type Role, ROLES } from "../../model/role.ts";
import type { KeptSession } from "../../store/sessions.ts";
import { json, ok } from "../answer.ts";
import { SESSION_SECONDS, sessionCookie } from "../cookie.ts";
import type { Opener } from "../access_port.ts";
import { type Call, type Reading, reading, type ReadServices, type Schema } from "../operation.ts";
import { noDaemon } from "../pass_now.ts";
import { ProblemDetails } from "../problem_details.ts";
import { IdParams, listOf, optional } from "../schema.ts";

/** A session as it is shown. Times are RFC 3339 UTC. */
export interface ShownSession {
  /** Its id, which opens nothing. */
  readonly id: string;
  /** Who opened it: a token's name, or a user of this host. */
  readonly name: string;
  /** What it opens. */
  readonly role: Role;
  /** IP address that it was opened from. */
  readonly remote: string | null;
  /** What the browser called itself. */
  readonly userAgent: string;
  /** When it was opened. */
  readonly createdAt: string;
  /** The moment from which on it opens nothing. */
  readonly expiresAt: string;
  /** Whether it is the one of who asks. */
  readonly current: boolean;
}

/** A code and the link that holds it. */
export interface LoginCode {
  /** Opens one session. */
  readonly code: string;
  /** Opens the dashboard with it. */
  readonly url: string;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
}

const time = z.string().meta({ format: "date-time" });
const ShownSessionSchema: Schema<ShownSession> = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  remote: z.string().nullable(),
  userAgent: z.string(),
  createdAt: time,
  expiresAt: time,
  current: z.boolean(),
}).meta({ id: "Session" });

const WhoSchema = z.object({
  who: z.string(),
  via: z.enum(WAYS_IN),
  role: z.enum(ROLES),
  session: (ShownSessionSchema as z.ZodType<ShownSession>).nullable(),
  manyHosts: z.boolean().meta({ description: "Whether a hub answers." }),
}).meta({ id: "Who" });

const LoginSchema: Schema<{ code?: string; token?: string }> = z.strictObject({
  code: optional(z.string().max(256).meta({ description: "Of a link; works once." })),
  token: optional(z.string().max(4096).meta({ description: "This or `code`." })),
}).meta({ id: "Login" });

/** A code for a browser. */
export const createCode: Reading = reading({
  summary: "A code, and the link to the dashboard with it, that opens one session within a minute",
  answers: ok(
    "The code",
    z.object({ code: z.string(), url: z.string(), expiresAt: time }).meta({ id: "LoginCode" }),
  ),
}, async ({ services, principal, entrance }) => {
  // Without one nobody would take the code.
  if (services.tcp === null) throw noDaemon("Cannot make a link to the dashboard");
  const address = services.baseUrl?.href.replace(/\/*$/, "/") ??
    addressOf(services.tcp(), entrance.secure || services.encrypted);
  // What is told of a socket's user is so now, and not when the code is used.
  const { code, expiresAt } = await services.access.codes.make({
    ...principal,
    who: principal.who,
  });
  const answer: LoginCode = {
    code,
    // A fragment stays in the browser: no proxy or log gets to see it.
    url: `${address}#code=${code}`,
    expiresAt: new Date(expiresAt).toISOString(),
  };
  return json(answer);
});

/** Log in. */
export const openSession: Reading = reading({
  summary: "Log a browser in, by a code or a token: it is given a cookie",
  body: LoginSchema,
  answers: { 201: { description: "The session", schema: ShownSessionSchema } },
}, async (call) => {
  const { services, body, headers, entrance, actAs } = call;
  const { access: { sessions, tokens }, baseUrl } = services;
  const opener = await whoOpens(call, body);
  const { who: name, role, tokenId, fileHash } = opener;
  if (role === "metrics") {
    throw new ProblemDetails("forbidden", "Cannot log in: this token is for /metrics alone", {
      data: { needs: "read" },
    });
  }
  const now = services.now().getTime();
  const expiresAt = Math.min(
    now + SESSION_SECONDS * 1000,
    ...(tokenId === null ? [] : [(await tokens.find(tokenId))?.expiresAt ?? Infinity]),
  );
  const { remote } = entrance;
  actAs({ who: name, via: "session", remote });
  // Always another one: whatever cookie the browser brought may be known to somebody else.
  const { kept, secret } = await sessions.open({
    ...{ tokenId, fileHash, name, role, remote, expiresAt },
    userAgent: (headers.get("user-agent") ?? "").slice(0, 256),
  }, { now, replaces: (await services.credentials.sessionOf(call, entrance))?.id ?? null });
  await services.live.recheck();
  return json({ ...shown(kept), current: true }, {
    status: 201,
    headers: { "set-cookie": sessionCookie(secret, { headers }, { ...entrance, baseUrl }) },
  });
});

/** Who asks. */
export const getSession: Reading = reading(
  {
    summary: "Who asks, and what they may do",
    answers: ok("Who", WhoSchema),
  },
  ({ services: { reader }, principal: { who, via, role, session } }) =>
    json({
      ...{ who, via, role, session: session && { ...shown(session), current: true } },
      manyHosts: reader.hosts !== null,
    }),
);

/** Log out. */
export const closeSession: Reading = reading({
  summary: "Log out: the session of who asks ends",
  answers: { 204: { description: "It opens nothing any more" } },
}, async ({ services, principal: { session }, headers, entrance }) => {
  if (session === null) {
    throw new ProblemDetails("conflict", "Cannot log out: this request comes without a session");
  }
  await services.access.sessions.end(session.id);
  await services.live.recheck();
  const reached = { ...entrance, baseUrl: services.baseUrl };
  return new Response(null, {
    status: 204,
    headers: { "set-cookie": sessionCookie(null, { headers }, reached) },
  });
});

/** Every session. */
export const listSessions: Reading = reading({
  summary: "Browsers that are logged in",
  answers: ok("The sessions, the newest first", listOf(ShownSessionSchema)),
}, async ({ services: { access, now }, principal }) =>
  json({
    items: (await access.sessions.list(now().getTime())).map((kept) => ({
      ...shown(kept),
      current: kept.id === principal.session?.id,
    })),
  }));

/** No more. */
export const removeSession: Reading = reading({
  summary: "End a session",
  params: IdParams,
  answers: { 204: { description: "It opens nothing any more" } },
}, async ({ services: { access, live }, params }) => {
  await access.sessions.end(params.id);
  await live.recheck();
  return new Response(null, { status: 204 });
});

/** @throws {ProblemDetails} `invalid`, `unauthorized`, `too-many-requests`. */
async function whoOpens(
  { services, entrance: { rules, remote } }: Call<unknown, unknown, unknown, ReadServices>,
  { code, token }: { code?: string; token?: string },
): Promise<Opener> {
  if ((code === undefined) === (token === undefined)) {
    throw new ProblemDetails("invalid", "Cannot log in: either a code or a token is needed");
  }
  if (rules === null) {
    throw new ProblemDetails("conflict", "Cannot log in over the socket: it asks for nothing", {
      hint: "browsers come over TCP",
    });
  }
  const opener = code !== undefined
    ? await services.access.codes.use(code)
    : await services.credentials.byToken(token!, rules, remote);
  if (opener !== null) return opener;
  services.logins.record("login", remote);
  const wait = services.loginLimit.fail(remote);
  if (wait > 0) {
    throw new ProblemDetails("too-many-requests", "Cannot log in: too many attempts failed", {
      headers: { "retry-after": String(wait) },
    });
  }
  const why = code === undefined
    ? "wrong token, or one that is over"
    : "the code is wrong, was used already, or is older than a minute";
  throw new ProblemDetails("unauthorized", `Cannot log in: ${why}`, {
    hint: code === undefined ? "" : "have another link made",
  });
}

function addressOf({ address }: { address: string | null }, secure: boolean): string {
  if (address === null) {
    throw new ProblemDetails("conflict", "Cannot make a link: nothing listens over TCP", {
      hint: "have the daemon listen on an address",
    });
  }
  const reachable = address.replace(/^0\.0\.0\.0(?=:)/, "127.0.0.1").replace(/^\[::\]/, "[::1]");
  return `${secure ? "https" : "http"}://${reachable}/`;
}

function shown(kept: KeptSession): Omit<ShownSession, "current"> {
  const { id, name, role, remote, userAgent, createdAt, expiresAt } = kept;
  const ends = new Date(expiresAt).toISOString();
  return { id, name, role, remote, userAgent, createdAt, expiresAt: ends };
}

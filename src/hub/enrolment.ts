/**
 * Who is let in: tokens that work once and for an hour, and the secrets that hosts get for them. Of
 * either only a hash is kept.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { hashSecret, makeSecret } from "../secret.ts";
import type { Invitation } from "../model/hosts.ts";
import { quote } from "../text.ts";
import { Gathered } from "./gathered.ts";
import type { Sql, TransactionSql } from "./sql.ts";
import { CHANNEL } from "./hub_writes.ts";

/** How long a token can be used, seconds. */
const TOKEN_SECONDS = 3600;

/** What a host is called: up to 63 letters, digits, dots, dashes and underscores. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** What a host was let in with. */
export interface Membership {
  /** Its id here, at random. */
  readonly host: string;
  /** What it is called here. */
  readonly name: string;
  /** What it shows from now on; told this once. */
  readonly secret: string;
}

/**
 * Makes a token with which one host can be let in under this name; one that was made for it before
 * is no more.
 *
 * @throws {Failure} `invalid`, or `conflict` when there is a host of that name.
 */
export async function enroll(
  sql: Sql,
  name: string,
): Promise<{ token: string; expiresAt: string }> {
  if (!NAME.test(name)) {
    throw new Failure(
      "invalid",
      `Cannot enroll ${quote(name)}: a name has 1 to 63 letters, digits, ".", "-" and "_"`,
      { data: {} },
    );
  }
  return await sql.begin(async (tx) => {
    const [host] = await tx`SELECT id FROM tinyforge.hosts WHERE name = ${name}`;
    if (host !== undefined) {
      throw new Failure("conflict", `Cannot enroll ${quote(name)}: there is such a host already`, {
        data: { over: "host-name" },
      });
    }
    await tx`DELETE FROM tinyforge.enrolments WHERE name = ${name} OR expires_at < now()`;
    // A command line takes what begins with a dash for a flag.
    const token = `tf_${makeSecret()}`;
    const [{ expires }] = await tx<[{ expires: Date }]>`
      INSERT INTO tinyforge.enrolments (token_hash, name, expires_at)
      VALUES (${hashSecret(token)}, ${name}, now() + ${TOKEN_SECONDS} * interval '1 second')
      RETURNING expires_at AS expires`;
    await said(tx);
    return { token, expiresAt: expires.toISOString() };
  });
}

/** Who was made a token and has not come yet, by name. */
export async function invitations(sql: Sql): Promise<Invitation[]> {
  const found = await sql<{ name: string; expires: Date; expired: boolean }[]>`
    SELECT name, expires_at AS expires, expires_at <= now() AS expired
    FROM tinyforge.enrolments ORDER BY name`;
  return found.map(({ name, expires, expired }) => ({
    name,
    // Each is valid for as long as every other.
    invitedAt: new Date(expires.getTime() - TOKEN_SECONDS * 1000).toISOString(),
    expiresAt: expires.toISOString(),
    expired,
  }));
}

/** Whoever shows who is awaited looks anew. */
async function said(tx: TransactionSql): Promise<void> {
  await tx`SELECT pg_notify(${CHANNEL}, 'invitations')`;
}

/** Lets a host in; null: the token is none, or no more. */
export function admit(sql: Sql, token: string): Promise<Membership | null> {
  return sql.begin(async (tx) => {
    const [used] = await tx<[{ name: string; expired: boolean }?]>`
      DELETE FROM tinyforge.enrolments WHERE token_hash = ${hashSecret(token)}
      RETURNING name, expires_at < now() AS expired`;
    if (used === undefined || used.expired) return null;
    const { name } = used;
    const host = crypto.randomUUID();
    const secret = makeSecret();
    await tx`INSERT INTO tinyforge.hosts (id, name, secret_hash)
      VALUES (${host}, ${name}, ${hashSecret(secret)})`;
    await said(tx);
    return { host, name, secret };
  });
}

/** Who has which secret, asked for many hosts at once. Remembers nothing of it. */
export class HostSecrets {
  readonly #asked: Gathered<string, string | null>;

  /** Of this database. */
  constructor(sql: Sql) {
    this.#asked = new Gathered((hashes) => hostsWith(sql, hashes), {
      ...{ keyOf: (hash) => hash, turns: 2, most: 1000 },
    });
  }

  /** Id of the host that has this secret; null: none has. */
  hostWith(secret: string): Promise<string | null> {
    return this.#asked.ask(hashSecret(secret));
  }
}

async function hostsWith(sql: Sql, hashes: readonly string[]): Promise<(string | null)[]> {
  const found = await sql<{ id: string; hash: string }[]>`
    SELECT id, secret_hash AS hash FROM tinyforge.hosts
    WHERE secret_hash = ANY(${[...hashes]}::text[])`;
  const ids = new Map(found.map(({ id, hash }) => [hash, id]));
  return hashes.map((hash) => ids.get(hash) ?? null);
}

/**
 * Forgets a host with all that it told, or a token for one that never came.
 *
 * @throws {Failure} `not-found`
 */
export async function expel(sql: Sql, name: string): Promise<void> {
  const found = await sql.begin(async (tx) => {
    const tokens = await tx`DELETE FROM tinyforge.enrolments WHERE name = ${name}`;
    const [host] = await tx<[{ id: string }?]>`
      DELETE FROM tinyforge.hosts WHERE name = ${name} RETURNING id`;
    // After the host: whoever was telling of it has ended.
    if (host !== undefined) {
      await tx`DELETE FROM tinyforge.transitions WHERE host_id = ${host.id}`;
      await tx`SELECT pg_notify(${CHANNEL}, ${host.id})`;
    }
    if (tokens.count > 0) await said(tx);
    return host !== undefined || tokens.count > 0;
  });
  if (found) return;
  throw new Failure("not-found", `Cannot find host ${quote(name)}: no such host`, {
    data: { thing: "host", id: name },
  });
}

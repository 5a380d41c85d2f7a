/**
 * Who may ask the hubs of a database, shared by all of them: tokens, sessions, codes that open one,
 * and who changed what. Of secrets it keeps hashes alone; which time it is, the database says.
 *
 * @module
 */

import { newId, requirePlainName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { AuditEntry, NewAuditEntry, WayIn } from "../model/access.ts";
import { hashSecret, makeSecret } from "../secret.ts";
import { keptJson } from "../store/kept_json.ts";
import type { KeptSession } from "../store/sessions.ts";
import { type KeptToken, requireRenewable, type TokenEnd } from "../store/tokens.ts";
import { quote } from "../text.ts";
import type { Fragment, Sql } from "./sql.ts";

/** How long a code can be used, seconds. */
const CODE_SECONDS = 60;

/** So many browsers nobody has; the oldest give way. */
const MAX_SESSIONS = 5000;

/** Entries of the audit log that are kept. */
const MAX_ENTRIES = 10_000;

/** The tokens. */
export class HubTokens {
  readonly #sql: Sql;

  /** In this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Every token by name, those that are over among them. */
  async list(): Promise<KeptToken[]> {
    const rows = await this.#select(this.#sql`ORDER BY name`);
    return rows;
  }

  /** The one with this id or, failing that, this name. */
  async find(idOrName: string): Promise<KeptToken | undefined> {
    const [found] = await this.#select(
      this
        .#sql`WHERE id = ${idOrName} OR name = ${idOrName} ORDER BY id = ${idOrName} DESC LIMIT 1`,
    );
    return found;
  }

  /** The one that this is, also when it is over. */
  async bySecret(secret: string): Promise<KeptToken | undefined> {
    const [found] = await this.#select(this.#sql`WHERE hash = ${hashSecret(secret)}`);
    return found;
  }

  /**
   * Makes one; the token itself is told this once.
   *
   * @throws {Failure} `invalid`, `conflict`.
   */
  async add(
    { name, role, expiresAt }: Pick<KeptToken, "name" | "role" | "expiresAt">,
  ): Promise<{ kept: KeptToken; secret: string }> {
    requirePlainName(name, "a token");
    const secret = makeSecret();
    const id = newId();
    const made = await this.#sql`
      INSERT INTO tinyforge.tokens (id, name, role, hash, expires_at)
      VALUES (${id}, ${name}, ${role}, ${hashSecret(secret)}, ${timeOf(expiresAt)})
      ON CONFLICT (name) DO NOTHING`;
    if (made.count === 0) {
      throw new Failure("conflict", `Cannot add token ${quote(name)}: there is one already`, {
        data: { over: "token-name" },
      });
    }
    return { kept: (await this.find(id))!, secret };
  }

  /**
   * Has one open things until another moment, later or earlier; sessions that were opened with it
   * end with it. One that is over stays over.
   *
   * @throws {Failure} `not-found`, `invalid`.
   */
  async renew(idOrName: string, { expiresAt, now }: TokenEnd): Promise<KeptToken> {
    const { id } = requireRenewable(await this.find(idOrName), { idOrName, now });
    await this.#sql.begin(async (tx) => {
      // Another hub may have removed it meanwhile, or its end may have come.
      await tx`UPDATE tinyforge.tokens SET expires_at = ${timeOf(expiresAt)}
        WHERE id = ${id} AND (expires_at IS NULL OR expires_at > ${timeOf(now)})`;
      if (expiresAt === null) return;
      await tx`UPDATE tinyforge.sessions SET expires_at = ${timeOf(expiresAt)}
        WHERE token_id = ${id} AND expires_at > ${timeOf(expiresAt)}`;
    });
    return requireRenewable(await this.find(id), { idOrName, now });
  }

  /**
   * Removes one, and the sessions that were opened with it.
   *
   * @throws {Failure} `not-found`.
   */
  async remove(idOrName: string): Promise<void> {
    const found = await this.find(idOrName);
    const removed = found && await this.#sql`DELETE FROM tinyforge.tokens WHERE id = ${found.id}`;
    if (removed !== undefined && removed.count > 0) return;
    throw new Failure("not-found", `Cannot remove token ${quote(idOrName)}: no such token`, {
      data: { thing: "token", id: idOrName },
    });
  }

  async #select(rest: Fragment): Promise<KeptToken[]> {
    const rows = await this.#sql<(Omit<KeptToken, "expiresAt" | "createdAt"> & Times)[]>`
      SELECT id, name, role, expires_at AS expires, created_at AS created
      FROM tinyforge.tokens ${rest}`;
    return rows.map(({ expires, created, ...token }) => ({
      ...token,
      expiresAt: expires?.getTime() ?? null,
      createdAt: created.toISOString(),
    }));
  }
}

/** The sessions. */
export class HubSessions {
  readonly #sql: Sql;

  /** In this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Those that are not over, the newest first. */
  list(now: number): Promise<KeptSession[]> {
    return this.#select(
      this.#sql`WHERE expires_at > ${timeOf(now)} ORDER BY created_at DESC, id`,
    );
  }

  /** The one that this secret belongs to, also when it is over. */
  async bySecret(secret: string): Promise<KeptSession | undefined> {
    const [found] = await this.#select(this.#sql`WHERE hash = ${hashSecret(secret)}`);
    return found;
  }

  /** The one with this id. */
  async find(id: string): Promise<KeptSession | undefined> {
    const [found] = await this.#select(this.#sql`WHERE id = ${id}`);
    return found;
  }

  /** Opens one and forgets those that are over, and the one that it takes the place of. */
  async open(
    asked: Omit<KeptSession, "id" | "createdAt">,
    { now, replaces = null }: { now: number; replaces?: string | null },
  ): Promise<{ kept: KeptSession; secret: string }> {
    const secret = makeSecret();
    const id = newId();
    const { tokenId, fileHash, name, role, remote, userAgent, expiresAt } = asked;
    await this.#sql.begin(async (tx) => {
      await tx`DELETE FROM tinyforge.sessions
        WHERE expires_at <= ${timeOf(now)} OR id = ${replaces}`;
      await tx`DELETE FROM tinyforge.sessions WHERE id IN (
        SELECT id FROM tinyforge.sessions ORDER BY created_at DESC, id OFFSET ${MAX_SESSIONS - 1})`;
      await tx`
        INSERT INTO tinyforge.sessions
          (id, hash, token_id, file_hash, name, role, remote, user_agent, expires_at)
        VALUES (${id}, ${hashSecret(secret)}, ${tokenId}, ${fileHash}, ${name}, ${role}, ${remote},
          ${plain(userAgent)}, ${timeOf(expiresAt)})`;
    });
    return { kept: (await this.find(id))!, secret };
  }

  /**
   * Ends one.
   *
   * @throws {Failure} `not-found`.
   */
  async end(id: string): Promise<void> {
    const removed = await this.#sql`DELETE FROM tinyforge.sessions WHERE id = ${id}`;
    if (removed.count > 0) return;
    throw new Failure("not-found", `Cannot end session ${quote(id)}: no such session`, {
      data: { thing: "session", id },
    });
  }

  async #select(rest: Fragment): Promise<KeptSession[]> {
    const rows = await this.#sql<
      (Omit<KeptSession, "expiresAt" | "createdAt"> & Times & { expires: Date })[]
    >`
      SELECT id, token_id AS "tokenId", file_hash AS "fileHash", name, role, remote,
        user_agent AS "userAgent", expires_at AS expires, created_at AS created
      FROM tinyforge.sessions ${rest}`;
    return rows.map(({ expires, created, ...session }) => ({
      ...session,
      expiresAt: expires.getTime(),
      createdAt: created.toISOString(),
    }));
  }
}

/** Who has a code made, and what the session that it opens ends with. */
export interface Maker {
  /** A token's name, or a user of the hub's machine. */
  readonly who: string;
  /** What they may do. */
  readonly role: KeptToken["role"];
  /** Id of the token that they come with; null: another credential. */
  readonly tokenId: string | null;
  /** SHA-256 of the token in the hub's file, where they come with that. */
  readonly fileHash: string | null;
  /** The session that they ask with; null without one. */
  readonly session: { readonly id: string } | null;
}

/** The codes. One that a hub made opens a session at any other. */
export class HubCodes {
  readonly #sql: Sql;

  /** In this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** A new one, and the moment from which on it opens nothing, milliseconds since the Unix epoch. */
  async make(maker: Maker): Promise<{ code: string; expiresAt: number }> {
    const code = makeSecret();
    const { who, role, tokenId, fileHash, session } = maker;
    await this.#sql`DELETE FROM tinyforge.login_codes WHERE expires_at <= now()`;
    const [{ expires }] = await this.#sql<[{ expires: Date }]>`
      INSERT INTO tinyforge.login_codes
        (hash, name, role, token_id, session_id, file_hash, expires_at)
      VALUES (${hashSecret(code)}, ${plain(who)}, ${role}, ${tokenId}, ${session?.id ?? null},
        ${fileHash}, now() + ${CODE_SECONDS} * interval '1 second')
      RETURNING expires_at AS expires`;
    return { code, expiresAt: expires.getTime() };
  }

  /** Who made it, this once; it went with its maker's token or session, if those did. */
  async use(code: string): Promise<Omit<Maker, "session"> | null> {
    const [used] = await this.#sql<[(Omit<Maker, "session"> & { good: boolean })?]>`
      DELETE FROM tinyforge.login_codes AS c WHERE hash = ${hashSecret(code)}
      RETURNING name AS who, role, token_id AS "tokenId", file_hash AS "fileHash",
        expires_at > now()
          AND NOT EXISTS (SELECT FROM tinyforge.tokens AS t
            WHERE t.id = c.token_id AND t.expires_at <= now())
          AND NOT EXISTS (SELECT FROM tinyforge.sessions AS s
            WHERE s.id = c.session_id AND s.expires_at <= now()) AS good`;
    if (used === undefined || !used.good) return null;
    const { good: _, ...maker } = used;
    return maker;
  }
}

/** Who changed what. */
export class HubAudit {
  readonly #sql: Sql;

  /** In this database. */
  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The newest ones before `before` (all when null), the newest first. */
  newest({ before, limit }: { before: number | null; limit: number }): Promise<AuditEntry[]> {
    return this.#select(
      this.#sql`WHERE ${before}::bigint IS NULL OR seq < ${before}::bigint
        ORDER BY seq DESC LIMIT ${limit}`,
    );
  }

  /** Those after `after`, the oldest first. */
  since(after: number, { limit }: { limit: number }): Promise<AuditEntry[]> {
    return this.#select(this.#sql`WHERE seq > ${after} ORDER BY seq LIMIT ${limit}`);
  }

  /** Writes one. */
  async add({ who, via, remote, action, path, details }: NewAuditEntry): Promise<void> {
    await this.#sql`
      WITH added AS (
        INSERT INTO tinyforge.audit (who, via, remote, action, path, details)
        VALUES (${plain(who)}, ${via}, ${remote}, ${action}, ${plain(path)},
          ${JSON.stringify(details)}) RETURNING seq
      ) DELETE FROM tinyforge.audit WHERE seq <= (SELECT seq FROM added) - ${MAX_ENTRIES}`;
  }

  async #select(rest: Fragment): Promise<AuditEntry[]> {
    const rows = await this.#sql<
      (Omit<NewAuditEntry, "details"> & { seq: string; at: Date; via: WayIn; details: string })[]
    >`SELECT seq, at, who, via, remote, action, path, details FROM tinyforge.audit ${rest}`;
    return rows.map(({ seq, at, details, ...entry }) => ({
      ...entry,
      seq: Number(seq),
      at: at.toISOString(),
      details: keptJson(details, "audit.details", { of: seq }),
    }));
  }
}

interface Times {
  readonly expires: Date | null;
  readonly created: Date;
}

function timeOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

/** PostgreSQL keeps no zero byte in a text. */
function plain(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

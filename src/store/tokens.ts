/**
 * The `tokens` table: who may ask over TCP besides whoever has the token in the file. Knows of a
 * token what it is found by, and not the token.
 *
 * @module
 */

import { newId, requirePlainName } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { Role } from "../model/role.ts";
import { hashSecret, makeSecret } from "../secret.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";

/** A token as it is kept. Times are milliseconds since the Unix epoch. */
export interface KeptToken {
  /** Its id. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** What it opens. */
  readonly role: Role;
  /** The moment from which on it opens nothing; null: it has no end. */
  readonly expiresAt: number | null;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
}

/** Another end. Times are milliseconds since the Unix epoch. */
export interface TokenEnd {
  /** The moment from which on it opens nothing; null: it has no end. */
  readonly expiresAt: number | null;
  /** The time. */
  readonly now: number;
}

/** The `tokens` table. */
export class TokenTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Every token by name, those that are over among them. */
  list(): KeptToken[] {
    return this.#c.sql(`${SELECT} ORDER BY name`).values<Columns>().map(token);
  }

  /** The one with this id or, failing that, this name. */
  find(idOrName: string): KeptToken | undefined {
    const found = this.#c.sql(`${SELECT} WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1`)
      .value<Columns>(idOrName);
    return found && token(found);
  }

  /** The one that this is, also when it is over. Found by its hash, of which a guess controls no part. */
  bySecret(secret: string): KeptToken | undefined {
    const found = this.#c.sql(`${SELECT} WHERE hash = ?`).value<Columns>(hashSecret(secret));
    return found && token(found);
  }

  /**
   * Makes one; the token itself is told this once.
   *
   * @throws {Failure} `invalid`, `conflict`.
   */
  add(
    { name, role, expiresAt }: Pick<KeptToken, "name" | "role" | "expiresAt">,
  ): { kept: KeptToken; secret: string } {
    requirePlainName(name, "a token");
    const secret = makeSecret();
    return this.#c.write(`Cannot add token ${quote(name)}`, () => {
      if (this.#c.sql("SELECT 1 FROM tokens WHERE name = ?").value(name) !== undefined) {
        throw new Failure("conflict", `Cannot add token ${quote(name)}: there is one already`, {
          data: { over: "token-name" },
        });
      }
      const kept: KeptToken = { id: newId(), name, role, expiresAt, createdAt: this.#c.now() };
      this.#c.sql(
        `INSERT INTO tokens (id, name, role, hash, expires_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ).run(kept.id, name, role, hashSecret(secret), expiresAt, kept.createdAt);
      return { kept, secret };
    });
  }

  /**
   * Has one open things until another moment, later or earlier; sessions that were opened with it
   * end with it. One that is over stays over: who kept it may not be who is meant.
   *
   * @throws {Failure} `not-found`, `invalid`.
   */
  renew(idOrName: string, { expiresAt, now }: TokenEnd): KeptToken {
    return this.#c.write(`Cannot renew token ${quote(idOrName)}`, () => {
      const found = requireRenewable(this.find(idOrName), { idOrName, now });
      this.#c.sql("UPDATE tokens SET expires_at = ? WHERE id = ?").run(expiresAt, found.id);
      this.#c.sql("UPDATE sessions SET expires_at = ?2 WHERE token_id = ?1 AND expires_at > ?2")
        .run(found.id, expiresAt);
      return { ...found, expiresAt };
    });
  }

  /**
   * Removes one, and the sessions that were opened with it.
   *
   * @throws {Failure} `not-found`.
   */
  remove(idOrName: string): KeptToken {
    return this.#c.write(`Cannot remove token ${quote(idOrName)}`, () => {
      const found = this.find(idOrName);
      if (found === undefined) {
        throw new Failure("not-found", `Cannot remove token ${quote(idOrName)}: no such token`, {
          data: { thing: "token", id: idOrName },
        });
      }
      this.#c.sql("DELETE FROM tokens WHERE id = ?").run(found.id);
      return found;
    });
  }
}

/**
 * The token, if its end can be another.
 *
 * @throws {Failure} `not-found`, or `invalid` when it is over.
 */
export function requireRenewable(
  found: KeptToken | undefined,
  { idOrName, now }: { idOrName: string; now: number },
): KeptToken {
  const action = `Cannot renew token ${quote(idOrName)}`;
  if (found === undefined) {
    throw new Failure("not-found", `${action}: no such token`, {
      data: { thing: "token", id: idOrName },
    });
  }
  if (found.expiresAt === null || found.expiresAt > now) return found;
  const since = new Date(found.expiresAt).toISOString();
  throw new Failure("invalid", `${action}: it is over since ${since} and stays so`, {
    data: { need: "new-token" },
  });
}

const SELECT = "SELECT id, name, role, expires_at, created_at FROM tokens";

type Columns = [string, string, Role, number | null, string];

function token([id, name, role, expiresAt, createdAt]: Columns): KeptToken {
  return { id, name, role, expiresAt, createdAt };
}

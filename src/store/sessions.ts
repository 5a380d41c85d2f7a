/**
 * The `sessions` table: browsers that logged in. Knows of a session what it is found by, and not
 * what the browser keeps.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { Role } from "../model/role.ts";
import { hashSecret, makeSecret } from "../secret.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";

/** A session as it is kept. Times are milliseconds since the Unix epoch. */
export interface KeptSession {
  /** Its id, which opens nothing. */
  readonly id: string;
  /** Id of the token that it was opened with, and ends with; null: another credential. */
  readonly tokenId: string | null;
  /** SHA-256 of the token in the file, if it was opened with that; it ends when that is replaced. */
  readonly fileHash: string | null;
  /** Who opened it. */
  readonly name: string;
  /** What it opens. */
  readonly role: Exclude<Role, "metrics">;
  /** IP address that it was opened from. */
  readonly remote: string | null;
  /** What the browser called itself. */
  readonly userAgent: string;
  /** The moment from which on it opens nothing. */
  readonly expiresAt: number;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
}

/** So many browsers nobody has; the oldest give way. */
const MAX_SESSIONS = 500;

/** The `sessions` table. */
export class SessionTable {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /** Those that are not over, the newest first. */
  list(now: number): KeptSession[] {
    return this.#c.sql(`${SELECT} WHERE expires_at > ? ORDER BY created_at DESC, id`)
      .values<Columns>(now).map(session);
  }

  /** The one that this secret belongs to, also when it is over; found by its hash. */
  bySecret(secret: string): KeptSession | undefined {
    const found = this.#c.sql(`${SELECT} WHERE hash = ?`).value<Columns>(hashSecret(secret));
    return found && session(found);
  }

  /** The one with this id. */
  find(id: string): KeptSession | undefined {
    const found = this.#c.sql(`${SELECT} WHERE id = ?`).value<Columns>(id);
    return found && session(found);
  }

  /**
   * Opens one and forgets those that are over, and the one that it takes the place of. What the
   * browser is to keep is told this once.
   */
  open(
    asked: Omit<KeptSession, "id" | "createdAt">,
    { now, replaces = null }: { now: number; replaces?: string | null },
  ): { kept: KeptSession; secret: string } {
    const secret = makeSecret();
    const kept: KeptSession = { ...asked, id: newId(), createdAt: this.#c.now() };
    this.#c.write("Cannot open a session", () => {
      this.#c.sql("DELETE FROM sessions WHERE expires_at <= ? OR id = ?").run(now, replaces);
      this.#c.sql(
        `DELETE FROM sessions WHERE id IN (
           SELECT id FROM sessions ORDER BY created_at DESC, id LIMIT -1 OFFSET ?)`,
      ).run(MAX_SESSIONS - 1);
      this.#c.sql(
        `INSERT INTO sessions (id, hash, token_id, file_hash, name, role, remote, user_agent,
           expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        kept.id,
        hashSecret(secret),
        kept.tokenId,
        kept.fileHash,
        kept.name,
        kept.role,
        kept.remote,
        kept.userAgent,
        kept.expiresAt,
        kept.createdAt,
      );
    });
    return { kept, secret };
  }

  /**
   * Ends one.
   *
   * @throws {Failure} `not-found`.
   */
  end(id: string): void {
    const removed = this.#c.write(
      "Cannot end a session",
      () => this.#c.sql("DELETE FROM sessions WHERE id = ?").run(id),
    );
    if (removed > 0) return;
    throw new Failure("not-found", `Cannot end session ${quote(id)}: no such session`, {
      data: { thing: "session", id },
    });
  }
}

const SELECT = `SELECT id, token_id, file_hash, name, role, remote, user_agent, expires_at,
  created_at FROM sessions`;

type Columns = [
  string,
  string | null,
  string | null,
  string,
  KeptSession["role"],
  string | null,
  string,
  number,
  string,
];

function session(c: Columns): KeptSession {
  const [id, tokenId, fileHash, name, role, remote, userAgent, expiresAt, createdAt] = c;
  return { id, tokenId, fileHash, name, role, remote, userAgent, expiresAt, createdAt };
}

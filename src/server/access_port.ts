/**
 * Where it is kept who may ask: tokens, sessions, codes that open one, and who changed what. Each may
 * answer at once or later; a host keeps them in its store, hubs share them in their database.
 *
 * @module
 */

import type { AuditEntry, NewAuditEntry, Who } from "../model/access.ts";
import type { Soon } from "../model/index_reader.ts";
import type { Role } from "../model/role.ts";
import type { KeptSession } from "../store/sessions.ts";
import type { KeptToken, TokenEnd } from "../store/tokens.ts";

/** Tokens besides the one in the file. */
export interface TokensPort {
  /** Every token by name, those that are over among them. */
  list(): Soon<readonly KeptToken[]>;
  /** The one with this id or, failing that, this name. */
  find(idOrName: string): Soon<KeptToken | undefined>;
  /** The one that this is, also when it is over. */
  bySecret(secret: string): Soon<KeptToken | undefined>;
  /** Makes one; the token itself is told this once. Throws a Failure, `invalid`, `conflict`. */
  add(
    asked: Pick<KeptToken, "name" | "role" | "expiresAt">,
  ): Soon<{ kept: KeptToken; secret: string }>;
  /**
   * Has one open things until another moment, and sessions that were opened with it no longer.
   * Throws a Failure, `not-found`, `invalid` when it is over.
   */
  renew(idOrName: string, end: TokenEnd): Soon<KeptToken>;
  /** Removes one, and the sessions that were opened with it. Throws a Failure, `not-found`. */
  remove(idOrName: string): Soon<unknown>;
}

/** Browsers that logged in. */
export interface SessionsPort {
  /** Those that are not over, the newest first. `now` in milliseconds since the Unix epoch. */
  list(now: number): Soon<readonly KeptSession[]>;
  /** The one that this secret belongs to, also when it is over. */
  bySecret(secret: string): Soon<KeptSession | undefined>;
  /** The one with this id. */
  find(id: string): Soon<KeptSession | undefined>;
  /** Opens one in the place of another; what the browser is to keep is told this once. */
  open(
    asked: Omit<KeptSession, "id" | "createdAt">,
    options: { now: number; replaces?: string | null },
  ): Soon<{ kept: KeptSession; secret: string }>;
  /** Ends one. Throws a Failure, `not-found`. */
  end(id: string): Soon<unknown>;
}

/** Who changed what. */
export interface AuditPort {
  /** The newest ones before `before` (all when null), the newest first. */
  newest(which: { before: number | null; limit: number }): Soon<readonly AuditEntry[]>;
  /** Those after `after`, the oldest first. */
  since(after: number, options: { limit: number }): Soon<readonly AuditEntry[]>;
  /** Writes one that tells of no transaction. */
  add(entry: NewAuditEntry): Soon<unknown>;
}

/** Who opens a session, and what it ends with. */
export interface Opener extends Pick<Who, "who"> {
  /** What they may do. */
  readonly role: Role;
  /** Id of the token that it comes from in the end; null where that is none of the table. */
  readonly tokenId: string | null;
  /** SHA-256 of the token in the file, where it comes from that one. */
  readonly fileHash: string | null;
}

/** Who has a code made. */
export interface CodeMaker extends Opener {
  /** The session that it asks with; null without one. */
  readonly session: Pick<KeptSession, "id"> | null;
  /** Whether what was shown would still do. */
  isGood(): Soon<boolean>;
}

/** Codes that open one session each, within a minute. */
export interface CodesPort {
  /** A new one, and the moment from which on it opens nothing, milliseconds since the Unix epoch. */
  make(maker: CodeMaker): Soon<{ code: string; expiresAt: number }>;
  /** Who made it, this once; null: nobody, it is over, or was used, or its maker may no more. */
  use(code: string): Soon<Opener | null>;
}

/** All of it. */
export interface AccessPort {
  /** Tokens. */
  readonly tokens: TokensPort;
  /** Sessions. */
  readonly sessions: SessionsPort;
  /** The audit log. */
  readonly audit: AuditPort;
  /** Codes. */
  readonly codes: CodesPort;
}

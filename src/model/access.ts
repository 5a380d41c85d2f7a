/**
 * Who asks, and what is written down of it.
 *
 * @module
 */

/** How somebody asked: what was shown for it, or what had to be reached. */
export const WAYS_IN = ["token", "session", "socket", "command", "webhook"] as const;

/** One of them. */
export type WayIn = (typeof WAYS_IN)[number];

/** Somebody, as far as it is known. */
export interface Who {
  /** A token's name, `token file`, a user of this host, a workload whose secret was shown. */
  readonly who: string;
  /** How. */
  readonly via: WayIn;
  /** IP address, `… via …` where a proxy tells of it; null where it came over the socket or within a command. */
  readonly remote: string | null;
}

/** The action of a restore, which no route makes. */
export const RESTORED = "restore";

/** That somebody changed something. */
export interface AuditEntry extends Who {
  /** Numbers grow. */
  readonly seq: number;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** Method and path of the route, as `POST /api/projects`; or {@link RESTORED}. */
  readonly action: string;
  /** The path that was asked, secrets left out; empty where none was. */
  readonly path: string;
  /** What of the request may be shown. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** What an entry is made of. */
export type NewAuditEntry = Omit<AuditEntry, "seq" | "at">;

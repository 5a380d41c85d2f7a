/**
 * Hosts as readers of many are shown them, and what is shown of a row besides. Does no I/O.
 *
 * @module
 */

/** The state of a row whose host is not heard of. */
export const UNKNOWN = "unknown";

/** `known`: it is heard of; `unknown`: it is not; `contested`: two speak for it; `new`: never yet. */
export type HostState = "known" | "unknown" | "contested" | "new";

/** Every {@link HostState}. */
export const HOST_STATES: readonly HostState[] = ["known", "unknown", "contested", "new"];

/** A host as readers see it. Times are RFC 3339 UTC. */
export interface HostView {
  /** Unique. */
  readonly name: string;
  /** Whether it is heard of. */
  readonly state: HostState;
  /** When it was heard of last, by the database's clock. */
  readonly heardAt: string | null;
  /** Whole seconds since then. */
  readonly ageSeconds: number | null;
  /** Whether its index was what ran there when it was heard of; null when that is not known now. */
  readonly fresh: boolean | null;
  /** Its last good full pass, by its own clock. */
  readonly lastPassAt: string | null;
  /** Number of its rows. */
  readonly rows: number;
  /** The program's version there. */
  readonly version: string | null;
  /** What the machines are called that spoke for it lately, where it is contested; else the one. */
  readonly machines: readonly string[];
}

/** A host that was made a token for and has not come yet. */
export interface Invitation {
  /** What it is to be called. */
  readonly name: string;
  /** When it was made the token, RFC 3339 UTC. */
  readonly invitedAt: string;
  /** Until when the token can be used, RFC 3339 UTC. */
  readonly expiresAt: string;
  /** Whether that is over, by the database's clock. */
  readonly expired: boolean;
}

/** What is shown of a row where the index is of many hosts. */
export interface Hosted {
  /** What its host said last; its state is `unknown` while its host is. */
  readonly lastState: string;
  /** When its host was heard of last, RFC 3339 UTC; null: never. */
  readonly heardAt: string | null;
}

/** Whether a row is of an index of many hosts. */
export function isHosted<Row extends object>(row: Row): row is Row & Hosted {
  return "lastState" in row;
}

/** Parts the name of a host, which has none of it, from what is unique there alone. */
const SEPARATOR = ":";

/** What is unique among all hosts, of what is unique on one. */
export function idOverHosts(host: string, id: string): string {
  return host + SEPARATOR + id;
}

/** The same taken apart; null where it is none. */
export function partsOfId(id: string): { host: string; id: string } | null {
  const at = id.indexOf(SEPARATOR);
  return at <= 0 ? null : { host: id.slice(0, at), id: id.slice(at + 1) };
}

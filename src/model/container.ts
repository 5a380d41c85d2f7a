/**
 * A container as the Engine lists it and as its row says. Knows neither Docker's wire format nor SQL.
 *
 * @module
 */

import type { ListedField, OBSERVED_COLUMNS, RowOf } from "./columns.ts";

/**
 * State of a container row. The Engine's own words, with `exited` and `dead` folded into
 * `stopped`, plus some of ours: `missing` (bound to a container the Engine no longer lists),
 * `pending` (a deployer's row that no listing has confirmed yet), `absent` (expected and never
 * seen) and `completed` (ended with 0, as it should). Unknown Engine states pass as they are, hence
 * a string.
 */
export type ContainerState = string;

/** States that an Engine's containers are known to be in, as rows show them. */
export const ENGINE_STATES: readonly ContainerState[] = [
  "running",
  "stopped",
  "created",
  "restarting",
  "paused",
  "removing",
];

/** The state of a row whose container is gone. */
export const MISSING = "missing";

/** The state of a deployer's row that no listing has confirmed yet. */
export const PENDING = "pending";

/** The state that a row which is no more is said to have. */
export const REMOVED = "removed";

/** The same of a row whose container vanished and that nobody expected any more. */
export const RETIRED = "retired";

/** Whether what became this is no row any more. */
export function endsRow(state: string): boolean {
  return state === REMOVED || state === RETIRED;
}

/** The state of a row whose container ended with 0, as it should. */
export const COMPLETED = "completed";

/** Name of the only host today. */
export const LOCAL_HOST = "local";

/** A row's role and replica, as every table and message has them: `worker`, `worker #2`. */
export function roleText(
  { role, replica }: { readonly role: string | null; readonly replica: number },
): string {
  return replica > 1 ? `${role ?? ""} #${replica}`.trimStart() : role ?? "";
}

/** A port of a container as the Engine lists it. */
export interface ListedPort {
  /** Port inside the container, 1–65535. */
  readonly privatePort: number;
  /** Port on the host, or null when it is not published. */
  readonly publicPort: number | null;
  /** Address of the host that it is published at, null when it is not published. */
  readonly hostIp: string | null;
  /** `tcp`, `udp` or `sctp`. */
  readonly protocol: string;
}

/**
 * One container of a listing: the fields that are read, decoded and validated, those among them
 * that a row has as they are.
 */
export interface ListedContainer extends Pick<ObservedColumns, ListedField> {
  /** The Engine's full container id. */
  readonly id: string;
  /** First name without the leading slash, or empty. */
  readonly name: string;
  /** Image reference as the Engine shows it. */
  readonly image: string;
  /** The Engine's own state word, lower case: `running`, `exited`, … */
  readonly state: string;
  /** Labels; values are data from anyone who has the socket. */
  readonly labels: Readonly<Record<string, string>>;
  /** Ports in the Engine's (unstable) order. */
  readonly ports: readonly ListedPort[];
  /** Creation time, seconds since the Unix epoch. */
  readonly createdAt: number;
}

/** A complete answer of the Engine to one question. */
export interface Listing {
  /** `all`: every container of the Engine. A set: exactly these ids were asked for. */
  readonly scope: "all" | ReadonlySet<string>;
  /** What the Engine answered. */
  readonly containers: readonly ListedContainer[];
}

/** The columns of `containers` that the reconciler owns. */
export type ObservedColumns = RowOf<typeof OBSERVED_COLUMNS>;

/** A row as the reconciler sees it: its own columns and two marks of the store. */
export interface IndexRow extends ObservedColumns {
  /** Unique id of the row. */
  readonly id: string;
  /**
   * Whether the last pass confirmed this row. A confirmed row is as fresh as its host's last
   * pass; any other row carries its own `last_seen_at`.
   */
  readonly confirmed: boolean;
}

/** The container index as a pass reads it. */
export interface ContainerIndex {
  /** Number of rows. */
  readonly size: number;
  /** Stays the same for as long as no row changes. */
  readonly revision: number;
  /** The row with this id. */
  row(id: string): IndexRow | undefined;
  /** Rows bound to this container id, ordered by row id. */
  boundTo(containerId: string): readonly IndexRow[];
  /** Every row. */
  rows(): Iterable<IndexRow>;
}

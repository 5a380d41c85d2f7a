/**
 * What a host and a hub say to each other, as data: messages of the host, answers of the hub, and
 * the bounds of both. Additive: what a side does not know of a message it leaves out. Does no I/O.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { type HubRow, hubRow, isObject } from "./row.ts";

/** Version of the protocol; hosts and hubs that differ by one understand each other. */
export const PROTOCOL = 1;

/** Most rows of one message. */
export const MAX_ROWS = 5000;

/** A host that was not heard of for so long, milliseconds, is unknown. */
export const LEASE_MS = 45_000;

/** How often a host is heard of, milliseconds, give or take a fifth. */
export const HEARTBEAT_MS = 15_000;

/** How often both sides compare all rows, milliseconds. */
export const DIGEST_MS = 600_000;

/** A process of a host begins to speak; whoever spoke for it before is not listened to any more. */
export interface Hello {
  /** See {@link PROTOCOL}; of the program that says it. */
  readonly protocol: number;
  /** Life of the data directory. */
  readonly epoch: string;
  /** The state that the host is in. */
  readonly seq: number;
  /** This process, at random. */
  readonly run: string;
  /** How often it said this, from 1. */
  readonly attempt: number;
  /** The program's version. */
  readonly version: string;
  /** What the machine is called; a label. */
  readonly machine: string;
}

/** What became of a {@link Hello}. */
export type HelloAnswer =
  /** Its messages carry this number from now on. `seq`: the state of this epoch that the hub has. */
  | { readonly result: "accepted"; readonly session: number; readonly seq: number | null }
  /** It was said before, or something newer was. */
  | { readonly result: "stale" }
  /** Two processes speak for this host; neither is listened to until one falls silent. */
  | { readonly result: "contested" };

/** Which state of which index, as the process with this session number says. */
export interface Said {
  /** As the hub gave it. */
  readonly session: number;
  /** Life of the data directory. */
  readonly epoch: string;
}

/** The rows that changed between two states. */
export interface Batch extends Said {
  /** Tells it from a snapshot. */
  readonly kind: "batch";
  /** The state before. */
  readonly from: number;
  /** The state after. */
  readonly to: number;
  /** As they are in the state `to`. */
  readonly rows: readonly HubRow[];
  /** Ids of those that are no more. */
  readonly gone: readonly string[];
}

/** All rows of a state whose ids follow `after`, up to `upTo`; null: to the end. */
export interface SnapshotPart extends Said {
  /** Tells it from a batch. */
  readonly kind: "snapshot";
  /** The state. */
  readonly to: number;
  /** Null: it is the first part. */
  readonly after: string | null;
  /** Null: it is the last part. */
  readonly upTo: string | null;
  /** In the order of their ids. */
  readonly rows: readonly HubRow[];
}

/** A sign of life. */
export interface Heartbeat extends Said {
  /** The state that the hub should have. */
  readonly seq: number;
  /** Of all rows in that state; null: not told this time. */
  readonly digest: string | null;
  /** The last good full pass, RFC 3339 UTC. */
  readonly lastPassAt: string | null;
  /** Whether the host's index is what runs there. */
  readonly fresh: boolean;
}

/** What the hub says to everything but a {@link Hello}. */
export type Told =
  /** It has the state `seq`. */
  | { readonly result: "ok"; readonly seq: number }
  /** Something is missing: it needs all rows. */
  | { readonly result: "snapshot" }
  /** Somebody else speaks for this host by now. */
  | { readonly result: "superseded" };

/**
 * A {@link Hello} from JSON, checked.
 *
 * @throws {Failure} `invalid`
 */
export function readHello(value: unknown): Hello {
  const told = object(value);
  return {
    protocol: count(told, "protocol"),
    epoch: word(told, "epoch"),
    seq: count(told, "seq"),
    run: word(told, "run"),
    attempt: count(told, "attempt"),
    version: word(told, "version"),
    machine: told.machine === "" ? "" : word(told, "machine"),
  };
}

/**
 * A {@link Batch}, or a {@link SnapshotPart} where no `from` is told, from JSON, checked.
 *
 * @throws {Failure} `invalid`
 */
export function readIngest(value: unknown): Batch | SnapshotPart {
  const told = object(value);
  const rows = list(told.rows, "rows").map(hubRow);
  const said = { session: count(told, "session"), epoch: word(told, "epoch") };
  requireOnce(rows.map(({ id }) => id));
  const to = count(told, "to");
  if (told.from !== null && told.from !== undefined) {
    const from = count(told, "from");
    const gone = list(told.gone ?? [], "gone").map(id);
    requireOnce([...rows.map(({ id }) => id), ...gone]);
    if (to < from) throw invalid("it ends before it begins");
    return { kind: "batch", ...said, from, to, rows, gone };
  }
  const { after = null, upTo = null } = told;
  return {
    kind: "snapshot",
    ...said,
    to,
    after: after === null ? null : id(after),
    upTo: upTo === null ? null : id(upTo),
    rows,
  };
}

/**
 * A {@link Heartbeat} from JSON, checked.
 *
 * @throws {Failure} `invalid`
 */
export function readHeartbeat(value: unknown): Heartbeat {
  const told = object(value);
  const { digest = null, lastPassAt = null } = told;
  return {
    session: count(told, "session"),
    epoch: word(told, "epoch"),
    seq: count(told, "seq"),
    digest: digest === null ? null : word(told, "digest"),
    lastPassAt: lastPassAt === null ? null : time(told, "lastPassAt"),
    fresh: told.fresh === true,
  };
}

const MAX_WORD = 200;
const MAX_ID = 1024;

function object(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value;
  throw invalid("it is no object");
}

function word(told: Record<string, unknown>, field: string): string {
  const value = told[field];
  if (
    typeof value === "string" && value !== "" && value.length <= MAX_WORD && !value.includes("\0")
  ) return value.toWellFormed();
  throw invalid(`its ${field} is no text of 1 to ${MAX_WORD} characters`);
}

function time(told: Record<string, unknown>, field: string): string {
  const value = word(told, field);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value)) return value;
  throw invalid(`its ${field} is no time`);
}

function count(told: Record<string, unknown>, field: string): number {
  const value = told[field];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`its ${field} is no whole number`);
}

function list(value: unknown, field: string): unknown[] {
  if (Array.isArray(value) && value.length <= MAX_ROWS) return value;
  throw invalid(`its ${field} are no list of at most ${MAX_ROWS}`);
}

function id(value: unknown): string {
  if (
    typeof value === "string" && value !== "" && value.length <= MAX_ID && !value.includes("\0")
  ) return value.toWellFormed();
  throw invalid("an id of it is none");
}

function requireOnce(ids: readonly string[]): void {
  if (new Set(ids).size !== ids.length) throw invalid("an id is in it twice");
}

function invalid(reason: string): Failure {
  return new Failure("invalid", `Cannot take the message: ${reason}`, { data: {} });
}

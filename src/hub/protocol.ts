/**
 * What a host and a hub say to each other, as data: messages of the host, answers of the hub, and
 * the bounds of both. Additive: what a side does not know of a message it leaves out. Does no I/O.
 *
 * @module
 */

import { type HubProblem, hubProblem } from "./hub_problem.ts";
import { type HubTransition, hubTransition } from "./hub_transition.ts";
import { type HubWorkload, hubWorkload } from "./hub_workload.ts";
import { type HubRow, hubRow } from "./row.ts";
import { rowsRead, type SnapshotRows } from "./snapshot_rows.ts";
import { readPast, type ToldPast } from "./told_past.ts";
import { invalid } from "./told_fields.ts";
import { count, id, list, object, requireOnce, time, word } from "./told_values.ts";

/** Version of the protocol; hosts and hubs that differ by one understand each other. */
export const PROTOCOL = 1;

/** Most rows that a host may have: ten times as many as a large one has. */
export const MAX_HOST_ROWS = 200_000;

/** Most of a message, UTF-16 units, that a host sends: a hub takes eight times as many bytes. */
export const MAX_TOLD = 8 << 20;

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
  /** Number of its last transition; null: it tells of rows alone, as older ones do. */
  readonly transitionSeq: number | null;
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
  /**
   * Its messages carry this number from now on. `seq`: the state of this epoch that the hub has;
   * `transitions`: number of the last transition that it has, absent where it takes rows alone;
   * `lastTransition`: when that was and of which row, as far as it is kept. `tells`: whether it tells
   * people what is wrong, so that the host need not. `watched`: see {@link Told}.
   */
  | {
    readonly result: "accepted";
    readonly session: number;
    readonly seq: number | null;
    readonly transitions?: number;
    readonly lastTransition?: { readonly at: string; readonly rowId: string } | null;
    readonly tells?: boolean;
    readonly watched?: number;
  }
  /** It was said before, or something newer was. */
  | { readonly result: "stale" }
  /** Another process was heard of just now: this one is listened to if that one falls silent. */
  | { readonly result: "waits"; readonly seconds: number }
  /** Two processes speak for this host; neither is listened to until one falls silent. */
  | { readonly result: "contested" };

/** Which state of which index, as the process with this session number says. */
export interface Said {
  /** As the hub gave it. */
  readonly session: number;
  /** Life of the data directory. */
  readonly epoch: string;
}

/** What every message that takes something in may tell besides. */
export interface Telling extends Said {
  /** What happened: all that did after another one that the hub may have; null: not told this time. */
  readonly happened: {
    /** Number of that one; 0: there was none. */
    readonly after: number;
    /** Whether what the hub has is of another past: the disk was set back. */
    readonly anew: boolean;
    /** By their number. */
    readonly transitions: readonly HubTransition[];
  } | null;
}

/** What changed between two states. */
export interface Batch extends Telling {
  /** Tells it from a snapshot. */
  readonly kind: "batch";
  /** The state before. */
  readonly from: number;
  /** The state after. */
  readonly to: number;
  /** Rows as they are in the state `to`. */
  readonly rows: readonly HubRow[];
  /** Ids of those that are no more. */
  readonly gone: readonly string[];
  /** Problems that opened, changed or closed. */
  readonly problems: readonly HubProblem[];
  /** Keys of which nothing is open any more that is not among these. */
  readonly problemsGone: readonly string[];
  /** All workloads; null: as they were. */
  readonly workloads: readonly HubWorkload[] | null;
}

/** What a snapshot is of, in the order in which it is told: with the rows it is whole. */
export const SNAPSHOT_ORDER = ["workloads", "problems", "rows"] as const;

/** One of {@link SNAPSHOT_ORDER}. */
export type SnapshotOf = (typeof SNAPSHOT_ORDER)[number];

/** All of one kind in a state whose ids follow `after`, up to `upTo`; null: to the end. */
export interface SnapshotPart extends Telling {
  /** Tells it from a batch. */
  readonly kind: "snapshot";
  /** The state. */
  readonly to: number;
  /** What these are; null: rows, of a host that tells of nothing else. */
  readonly of: SnapshotOf | null;
  /** Null: it is the first part. */
  readonly after: string | null;
  /** Null: it is the last part. */
  readonly upTo: string | null;
  /** In the order of their ids. */
  readonly rows: SnapshotRows;
  /** In the order of their keys, of each key the open one first. */
  readonly problems: readonly HubProblem[];
  /** In the order of their ids. */
  readonly workloads: readonly HubWorkload[];
}

/** A sign of life. */
export interface Heartbeat extends Said {
  /** The state that the hub should have. */
  readonly seq: number;
  /** Of all rows in that state; null: not told this time. */
  readonly digest: string | null;
  /** Of all workloads and open problems; null: not told this time, or not told of at all. */
  readonly besideDigest: string | null;
  /** The last good full pass, RFC 3339 UTC. */
  readonly lastPassAt: string | null;
  /** Whether the host's index is what runs there. */
  readonly fresh: boolean;
  /** How far what was is known there; null: not told, as by older programs. */
  readonly past: ToldPast | null;
  /** Whether this process says nothing more: the next one need not wait. */
  readonly ending: boolean;
}

/**
 * What the hub says to everything but a {@link Hello}. `transitions`: number of the last transition
 * that it has; absent where it takes rows alone. To signs of life: `tells`, see {@link HelloAnswer};
 * `watched`: number of the last stretch that was watched which it has; absent where it takes none.
 */
export type Told =
  /** It has the state `seq`. */
  | {
    readonly result: "ok";
    readonly seq: number;
    readonly transitions?: number;
    readonly tells?: boolean;
    readonly watched?: number;
  }
  /** Something is missing: it needs all of it. */
  | { readonly result: "snapshot"; readonly transitions?: number }
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
    transitionSeq: (told.transitionSeq ?? null) === null ? null : count(told, "transitionSeq"),
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
  const rows = list(told.rows ?? [], "rows").map((row) => hubRow(row));
  const problems = list(told.problems ?? [], "problems").map(hubProblem);
  const workloads = (told.workloads ?? null) === null
    ? null
    : list(told.workloads, "workloads").map(hubWorkload);
  const ids = rows.map(({ id }) => id);
  const open = problems.filter(({ status }) => status === "open").map(({ key }) => key);
  requireOnce(ids);
  requireOnce(open);
  requireOnce(problems.map(({ key, openedAt }) => `${openedAt} ${key}`));
  requireOnce(workloads?.map(({ id }) => id) ?? []);
  const said = {
    session: count(told, "session"),
    epoch: word(told, "epoch"),
    happened: happened(told),
  };
  const to = count(told, "to");
  if (told.from !== null && told.from !== undefined) {
    const from = count(told, "from");
    const gone = list(told.gone ?? [], "gone").map(id);
    const problemsGone = list(told.problemsGone ?? [], "problemsGone").map(id);
    requireOnce([...ids, ...gone]);
    requireOnce([...open, ...problemsGone]);
    if (to < from) throw invalid("it ends before it begins");
    return {
      ...{ kind: "batch", ...said, from, to, rows, gone },
      ...{ problems, problemsGone, workloads },
    };
  }
  const { after = null, upTo = null } = told;
  return {
    ...{ kind: "snapshot", ...said, to, of: snapshotOf(told), rows: rowsRead(rows), problems },
    after: after === null ? null : id(after),
    upTo: upTo === null ? null : id(upTo),
    workloads: workloads ?? [],
  };
}

function snapshotOf({ of = null }: Record<string, unknown>): SnapshotOf | null {
  const known = SNAPSHOT_ORDER.find((each) => each === of);
  if (known === undefined && of !== null) throw invalid("it is of nothing that is known");
  return known ?? null;
}

function happened(told: Record<string, unknown>): Telling["happened"] {
  if ((told.transitions ?? null) === null) return null;
  const after = count(told, "transitionsAfter");
  const transitions = list(told.transitions, "transitions").map(hubTransition);
  let last = after;
  for (const { seq } of transitions) {
    if (seq <= last) throw invalid("its transitions are not in their order");
    last = seq;
  }
  return { after, anew: told.transitionsAnew === true, transitions };
}

/**
 * A {@link Heartbeat} from JSON, checked.
 *
 * @throws {Failure} `invalid`
 */
export function readHeartbeat(value: unknown): Heartbeat {
  const told = object(value);
  const { digest = null, besideDigest = null, lastPassAt = null } = told;
  return {
    session: count(told, "session"),
    epoch: word(told, "epoch"),
    seq: count(told, "seq"),
    digest: digest === null ? null : word(told, "digest"),
    besideDigest: besideDigest === null ? null : word(told, "besideDigest"),
    lastPassAt: lastPassAt === null ? null : time(told, "lastPassAt"),
    fresh: told.fresh === true,
    past: (told.past ?? null) === null ? null : readPast(told.past),
    ending: told.ending === true,
  };
}

/**
 * What happened, of every kind, in one order. Pure; each kind is a source, and who adds one adds
 * nothing else here.
 *
 * @module
 */

import { originText } from "../core/origin.ts";
import { Failure } from "../failure.ts";
import { type AuditEntry, RESTORED } from "../model/access.ts";
import type { HistoryEntry, PastSubject } from "../model/past.ts";
import type { HistoryQuery } from "../model/past_port.ts";
import type { Deaths, Problem } from "../model/problem.ts";
import type { Transition } from "../model/views.ts";
import type { Workload } from "../model/workload.ts";

/** A place in the order of what happened: by time, then by kind, then by number. */
export interface Place {
  /** RFC 3339 UTC. */
  readonly at: string;
  /** Of the kind, the same for all of one source. */
  readonly rank: number;
  /** Within the source, rising with time or not. */
  readonly number: number;
}

/** An entry and its place. */
export interface Placed extends Place {
  /** What is told. Who it is about is looked up only here: few of all that happened make a page. */
  readonly entry: () => HistoryEntry;
}

/** What an entry of a source is told by; the rest is null. */
export interface Known {
  /** The row with this id; undefined: nobody remembers it. */
  readonly subject: (rowId: string) => PastSubject | undefined;
  /** The workload with this id. */
  readonly workload: (id: string) => Pick<Workload, "id" | "kind" | "name"> | undefined;
  /** Whether each entry is told with the name of its host; not by default. */
  readonly hosted?: boolean;
}

/** Ranks of sources: what follows from another thing at the same moment is told after it. */
export const RANKS = { watch: 0, death: 1, audit: 2, transition: 3, problem: 4 } as const;

const NOTHING = {
  workload: null,
  row: null,
  role: null,
  replica: null,
  from: null,
  to: null,
  containerId: null,
  containerName: null,
  imageRef: null,
  exitCode: null,
  problem: null,
  cause: null,
  origin: null,
  audit: null,
  detail: "",
} as const satisfies Omit<HistoryEntry, "key" | "at" | "what">;

/** Changes of rows; of many hosts each with the name of its own. */
export function transitionEntries(
  transitions: readonly (Transition & { readonly host?: string })[],
  known: Known,
): Placed[] {
  return transitions.map((t) => ({
    at: t.at,
    rank: RANKS.transition,
    number: t.seq,
    entry: () => ({
      ...NOTHING,
      key: `transition-${t.seq}`,
      at: t.at,
      what: "transition",
      ...hostOf(t),
      ...ofRow(t.rowId, known),
      from: t.from,
      to: t.to,
      containerId: t.containerId,
      containerName: t.containerName,
      imageRef: t.imageRef,
      exitCode: t.exitCode,
      cause: t.cause,
      origin: t.origin,
      detail: originText(t),
    }),
  }));
}

/** Ends of containers, of those that are remembered; at or after `from`, RFC 3339 UTC. */
export function deathEntries(
  deaths: ReadonlyMap<string, Deaths>,
  { from, ...known }: Known & { readonly from?: string | undefined },
): Placed[] {
  const oldest = from === undefined ? -Infinity : Date.parse(from);
  const entries = [...deaths].flatMap(([rowId, { ring }]) =>
    ring.filter(({ at }) => at >= oldest).map(
      ({ at: ms, exitCode, how, containerId }): Unnumbered => {
        const key = `death-${rowId}-${ms}-${containerId}`;
        const at = timeText(ms);
        const entry = (): HistoryEntry => ({
          ...NOTHING,
          key,
          at,
          what: "death",
          ...ofRow(rowId, known),
          containerId,
          exitCode,
          detail: how,
        });
        return { at, key, entry };
      },
    )
  );
  return inOrder(entries, RANKS.death);
}

/** What of an audit entry's subject is known. */
export interface Changed {
  /** The entry. */
  readonly entry: AuditEntry;
  /** The row that was changed; null: none, or several. */
  readonly rowId: string | null;
  /** The workload; null: none, or several. */
  readonly workloadId: string | null;
}

/** What somebody changed; that an index was restored is told to everyone, by whom only with `audit`. */
export function auditEntries(
  changed: readonly Changed[],
  { audit, ...known }: Known & Pick<HistoryQuery, "audit">,
): Placed[] {
  return changed.map(({ entry: { seq, at, ...told }, rowId, workloadId }) => ({
    at,
    rank: RANKS.audit,
    number: seq,
    entry: () => ({
      ...NOTHING,
      ...(workloadId !== null && { workload: workloadOf(workloadId, { rowId, known }) }),
      ...(rowId !== null && ofRow(rowId, known)),
      key: `audit-${seq}`,
      at,
      what: told.action === RESTORED ? "restored" : "audit",
      audit: audit ? told : null,
      detail: told.action === RESTORED ? `${told.details["backup"]}` : "",
    }),
  }));
}

/** What was wrong, and what is no more. */
export function problemEntries(problems: readonly Problem[], known: Known): Placed[] {
  const entries = problems.flatMap((problem): Unnumbered[] => {
    const { key: of, kind, severity, host, workloadId, rowId, containerId, containerName } =
      problem;
    const { openedAt, closedAt, outcome } = problem;
    // What closed without having opened was no problem.
    if (openedAt === null) return [];
    const told = (what: "problem-opened" | "problem-closed", ms: number): Unnumbered => {
      const key = `${what}-${of}-${ms}`;
      const at = timeText(ms);
      const entry = (): HistoryEntry => ({
        ...NOTHING,
        ...(known.hosted === true && { host }),
        ...(rowId !== null && ofRow(rowId, known)),
        ...(workloadId !== null && { workload: workloadOf(workloadId, { rowId, known }) }),
        key,
        at,
        what,
        containerId,
        containerName: containerName || null,
        problem: { kind, severity },
        detail: what === "problem-closed" ? outcome ?? "" : "",
      });
      return { at, key, entry };
    };
    const opened = told("problem-opened", openedAt);
    return closedAt === null ? [opened] : [opened, told("problem-closed", closedAt)];
  });
  return inOrder(entries, RANKS.problem);
}

/** A stretch that somebody watched, RFC 3339 UTC. */
export interface WatchedSpan {
  /** Its host, where there are many. */
  readonly host?: string;
  /** From here. */
  readonly from: string;
  /** Up to here; null: it goes on. */
  readonly to: string | null;
}

/** When somebody began and ceased to watch; what goes on has no end. */
export function watchEntries(watched: readonly WatchedSpan[]): Placed[] {
  const entry = (span: WatchedSpan, what: "watch-began" | "watch-ended", at: string) => ({
    at,
    // Of two that touch the one that ends is told first.
    key: `${what === "watch-ended" ? 0 : 1} ${span.host ?? ""}`,
    entry: () => {
      const host = hostOf(span);
      return { ...NOTHING, ...host, key: [what, ...Object.values(host), at].join("-"), at, what };
    },
  });
  return inOrder(
    watched.flatMap((span) => [
      entry(span, "watch-began", span.from),
      ...span.to === null ? [] : [entry(span, "watch-ended", span.to)],
    ]),
    RANKS.watch,
  );
}

/**
 * The newest of all sources that come before `place`, within the window, oldest first; and where what
 * happened before them begins, null when nothing did.
 */
export function newest(
  placed: readonly Placed[],
  { from = "", until = "~", before, limit }: Pick<HistoryQuery, "from" | "until" | "limit"> & {
    readonly before: Place | null;
  },
): { items: HistoryEntry[]; before: string | null } {
  const found = placed
    .filter((each) =>
      each.at >= from && each.at < until && (before === null || order(each, before) < 0)
    )
    .sort(order);
  const kept = found.slice(-limit);
  return {
    items: kept.map(({ entry }) => entry()),
    before: found.length > limit ? placeText(kept[0]!) : null,
  };
}

/** A place as clients hand it back. */
function placeText({ at, rank, number }: Place): string {
  return `${at}.${rank}.${number}`;
}

/**
 * The place that a client hands back.
 *
 * @throws {Failure} `invalid`
 */
export function readPlace(text: string): Place {
  const [, at, rank, number] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\.(\d)\.(\d{1,15})$/.exec(text) ?? [];
  if (at !== undefined) return { at, rank: Number(rank), number: Number(number) };
  throw new Failure("invalid", "Cannot read the history before this place: it is none", {
    data: {},
  });
}

/**
 * The number before which those of a source come that come before a place, in that source's order;
 * undefined: all of them do.
 */
export function numberBefore(
  before: Place | null,
  rank: number,
): { at: string; seq: number } | undefined {
  if (before === null) return undefined;
  const { at, rank: its, number } = before;
  // What comes before a place of another kind at the same moment is all of it or nothing.
  return { at, seq: its === rank ? number : its > rank ? Number.MAX_SAFE_INTEGER : 0 };
}

function order(a: Place, b: Place): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.rank - b.rank || a.number - b.number;
}

/** An entry of a source that has no numbers of its own. */
interface Unnumbered extends Pick<Placed, "at" | "entry"> {
  /** What tells it from others of its moment. */
  readonly key: string;
}

/** Numbers within each moment: they stay the same whichever other moments are read. */
function inOrder(entries: readonly Unnumbered[], rank: number): Placed[] {
  let last = "";
  let number = 0;
  return entries
    .toSorted((a, b) => a.at !== b.at ? (a.at < b.at ? -1 : 1) : a.key < b.key ? -1 : 1)
    .map(({ at, entry }) => {
      number = at === last ? number + 1 : 0;
      last = at;
      return { at, rank, number, entry };
    });
}

function hostOf({ host }: { readonly host?: string }): { host?: string } {
  return host === undefined ? {} : { host };
}

function ofRow(
  rowId: string,
  known: Known,
): Pick<HistoryEntry, "row" | "role" | "replica" | "workload"> {
  const subject = known.subject(rowId);
  return {
    row: rowId,
    role: subject?.role ?? null,
    replica: subject?.replica ?? null,
    workload: subject === undefined || subject.workloadId === null ? null : {
      id: subject.workloadId,
      name: subject.workloadName,
      kind: subject.workloadKind,
    },
  };
}

/** What it is called; where it was removed as its row, if that is remembered, has it. */
function workloadOf(
  id: string,
  { rowId, known }: { rowId: string | null; known: Known },
): HistoryEntry["workload"] {
  const { name = null, kind = null } = known.workload(id) ?? {};
  const { workload: told = null } = rowId === null || name !== null ? {} : ofRow(rowId, known);
  return told?.id === id ? told : { id, name, kind };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

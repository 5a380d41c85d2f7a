/**
 * Takes in what hosts tell of their index: in one transaction what one of them tells, or what many
 * tell that is little. Decides no state, and of no host by what another says.
 *
 * @module
 */

import { type Announcement, Announcements } from "./announcements.ts";
import { requireFew } from "./host_bounds.ts";
import {
  type HostState,
  keepStates,
  writeBatches,
  writePart,
  writeTransitions,
} from "./hub_writes.ts";
import {
  type Batch,
  MAX_HOST_ROWS,
  SNAPSHOT_ORDER,
  type SnapshotPart,
  type Telling,
  type Told,
} from "./protocol.ts";
import type { Sql, TransactionSql } from "./sql.ts";
import { invalid } from "./told_fields.ts";

/** What a host tells. */
export interface Message {
  /** Id of the host, which is not told by it but by its secret. */
  readonly hostId: string;
  /** What it says. */
  readonly told: Batch | SnapshotPart;
}

/** Takes in what a host tells, of this host alone, whatever it says; and announces it. */
export async function ingest(
  sql: Sql,
  hostId: string,
  told: Batch | SnapshotPart,
  announcements: Announcements = new Announcements(sql),
): Promise<Told> {
  const [answer] = await take(sql, [{ hostId, told }], { announcements, waits: true });
  // Of a host that is no more nothing is found, and whoever else is at it was waited for.
  return answer ?? { result: "superseded" };
}

/**
 * Takes in what several hosts tell, one message of each, all of it or nothing. Answers in their order;
 * null where somebody else is at that host or it is no more, of which nothing was taken in.
 *
 * @throws {Failure} `invalid` when any of them can't be taken; which, {@link ingest} says.
 */
export function ingestTogether(
  sql: Sql,
  messages: readonly Message[],
  announcements: Announcements,
): Promise<(Told | null)[]> {
  return take(sql, messages, { announcements, waits: false });
}

async function take(
  sql: Sql,
  messages: readonly Message[],
  { announcements, waits }: { announcements: Announcements; waits: boolean },
): Promise<(Told | null)[]> {
  let untold: readonly Announcement[] = [];
  const answers = await sql.begin(async (tx) => {
    const hosts = await lockHosts(tx, messages.map(({ hostId }) => hostId), { waits });
    const decided = messages.map((message): Decided | null => {
      const host = hosts.get(message.hostId);
      return host === undefined ? null : decide(host, message);
    });
    const taken = decided.filter((each) => each !== null && each.state !== null) as Taken[];
    if (taken.length === 0) return decided;
    const news = taken.filter(({ isNew }) => isNew);
    const rows = await write(tx, news);
    await requireFew(tx, news.filter(tellsBesides).map(({ hostId }) => hostId));
    await keepStates(
      tx,
      taken.map(({ hostId, state }) => {
        const rowCount = Number(hosts.get(hostId)!.row_count) + (rows.get(hostId) ?? 0);
        if (rowCount <= MAX_HOST_ROWS) return { ...state, hostId, rowCount };
        throw invalid(`its host would have more than ${MAX_HOST_ROWS} rows`);
      }),
    );
    // Between the parts of a snapshot there is nothing to be seen.
    const seen = taken.filter(({ isNew, state }) => isNew && state.seq !== null);
    untold = await announcements.within(tx, seen.map(announcementOf));
    await writeTransitions(
      tx,
      taken.map(({ hostId, told: { epoch }, news }) => ({ hostId, epoch, transitions: news })),
    );
    return decided;
  });
  for (const each of untold) announcements.later(each);
  return answers.map((decided) => decided?.answer ?? null);
}

/** Hosts by id that nobody else can write to until the end. Who does not wait passes over others. */
async function lockHosts(
  tx: TransactionSql,
  ids: readonly string[],
  { waits }: { waits: boolean },
): Promise<Map<string, Kept>> {
  const hosts = await tx<Kept[]>`
    SELECT id, session, epoch, seq, snapshot_to, snapshot_of, snapshot_up_to, transition_seq,
      row_count
    FROM tinyforge.hosts WHERE id = ANY(${[...ids]}::text[])
    FOR UPDATE ${waits ? tx`` : tx`SKIP LOCKED`}`;
  return new Map(hosts.map((host) => [host.id, host]));
}

/** Whether it tells of something else than rows. */
function tellsBesides({ told: { problems, workloads } }: Message): boolean {
  return problems.length > 0 || (workloads ?? []).length > 0;
}

/** How many rows there are more of each host. */
async function write(tx: TransactionSql, taken: readonly Taken[]): Promise<Map<string, number>> {
  const batches: { hostId: string; told: Batch }[] = [];
  const parts: { hostId: string; told: SnapshotPart }[] = [];
  for (const { hostId, told } of taken) {
    if (told.kind === "batch") batches.push({ hostId, told });
    else parts.push({ hostId, told });
  }
  const more = await writeBatches(tx, batches);
  for (const { hostId, told } of parts) more.set(hostId, await writePart(tx, hostId, told));
  return more;
}

interface Decided extends Message {
  readonly answer: Told;
  /** What the host has afterwards; null: nothing is written. */
  readonly state: Omit<HostState, "hostId" | "rowCount"> | null;
  /** Whether what was told besides transitions is to be written. */
  readonly isNew: boolean;
  /** Transitions to be written. */
  readonly news: readonly Transition[];
}

interface Taken extends Decided {
  readonly state: Omit<HostState, "hostId" | "rowCount">;
}

type Transition = NonNullable<Telling["happened"]>["transitions"][number];

function decide(host: Kept, { hostId, told }: Message): Decided {
  const nothing = { hostId, told, state: null, isNew: false, news: [] };
  if (Number(host.session) !== told.session) {
    return { ...nothing, answer: { result: "superseded" } };
  }
  const had = Number(host.transition_seq);
  if (host.epoch !== told.epoch) {
    return { ...nothing, answer: { result: "snapshot", transitions: had } };
  }
  const news = newTransitions(told.happened, had);
  const transitions = news.at(-1)?.seq ?? had;
  const seq = numberOrNull(host.seq);
  const isReplay = seq !== null && told.to <= seq;
  const next = isReplay ? null : told.kind === "batch" ? batchEnd(seq, told) : partEnd(host, told);
  const answer: Told = isReplay
    ? { result: "ok", seq, transitions }
    : next === null
    ? { result: "snapshot", transitions }
    : { result: "ok", seq: told.to, transitions };
  if (next === null && news.length === 0) return { ...nothing, answer };
  const stays = {
    ...{ seq, snapshotTo: numberOrNull(host.snapshot_to), snapshotOf: host.snapshot_of },
    snapshotUpTo: host.snapshot_up_to,
  };
  return {
    hostId,
    told,
    answer,
    isNew: next !== null,
    news,
    state: { ...next ?? stays, transitions },
  };
}

function announcementOf({ hostId, told }: Message): Announcement {
  const { epoch, to } = told;
  if (told.kind === "snapshot") {
    return { hostId, epoch, from: null, to, ids: null, problems: null };
  }
  const { from, rows, gone, problems, problemsGone } = told;
  return {
    ...{ hostId, epoch, from, to },
    ids: [...rows.map(({ id }) => id), ...gone],
    problems: [...new Set([...problems.map(({ key }) => key), ...problemsGone])],
  };
}

/** What of it is not kept; nothing where something between is missing. */
function newTransitions(happened: Telling["happened"], had: number): readonly Transition[] {
  if (happened === null || happened.after > had) return [];
  return happened.anew ? happened.transitions : happened.transitions.filter(({ seq }) => seq > had);
}

interface Kept {
  id: string;
  session: string;
  epoch: string | null;
  seq: string | null;
  snapshot_to: string | null;
  snapshot_of: string | null;
  snapshot_up_to: string | null;
  transition_seq: string;
  row_count: string;
}

/** What a host has taken in afterwards. */
type Next = Pick<HostState, "seq" | "snapshotTo" | "snapshotOf" | "snapshotUpTo">;

const NO_SNAPSHOT = { snapshotTo: null, snapshotOf: null, snapshotUpTo: null };

function batchEnd(seq: number | null, { from, to }: Batch): Next | null {
  return seq === null || from !== seq ? null : { seq: to, ...NO_SNAPSHOT };
}

function partEnd(host: Kept, { to, of, after, upTo }: SnapshotPart): Next | null {
  if (!follows(host, { to, of, after })) return null;
  // Until the last part has come what is kept is of two states, which is none.
  if (upTo === null && (of === null || of === SNAPSHOT_ORDER.at(-1))) {
    return { seq: to, ...NO_SNAPSHOT };
  }
  return { seq: null, snapshotTo: to, snapshotOf: of, snapshotUpTo: upTo };
}

/** Whether a part begins where the one that was kept last ended. */
function follows(
  { snapshot_to: lastTo, snapshot_of: lastOf, snapshot_up_to: lastUpTo }: Kept,
  { to, of, after }: Pick<SnapshotPart, "to" | "of" | "after">,
): boolean {
  const goesOn = numberOrNull(lastTo) === to;
  if (after !== null) return goesOn && lastOf === of && lastUpTo === after;
  const before = of === null ? undefined : SNAPSHOT_ORDER[SNAPSHOT_ORDER.indexOf(of) - 1];
  return before === undefined || (goesOn && lastOf === before && lastUpTo === null);
}

function numberOrNull(value: string | null): number | null {
  return value === null ? null : Number(value);
}

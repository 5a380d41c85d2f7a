/**
 * What the outbox holds: the shapes of notices, deliveries and of who was told, and how they are read
 * from their tables. Writes nothing.
 *
 * @module
 */

/** What became of a delivery. */
export type DeliveryState = "queued" | "delivered" | "dead" | "superseded";

/** One notice on its way to one channel. Times are milliseconds since the Unix epoch. */
export interface KeptDelivery {
  /** Grows with each delivery. */
  readonly seq: number;
  /** What the receiver can tell a double by. */
  readonly noticeId: string;
  /** Where to. */
  readonly channelId: string;
  /** Why it is told: `opened`, `recovered` … */
  readonly kind: string;
  /** What became of it. */
  readonly state: DeliveryState;
  /** How often it was tried. */
  readonly attempts: number;
  /** When it was queued. */
  readonly queuedAt: number;
  /** When to try (again); of no meaning once it is over. */
  readonly nextAt: number;
  /** When it was over, or null. */
  readonly endedAt: number | null;
  /** What the receiver answered last: an HTTP status or SMTP code, or null. */
  readonly status: number | null;
  /** The beginning of that answer, or what failed; harmless and bounded. */
  readonly answer: string;
}

/** What a notice is about: how many problems, and the first of them. */
export interface ToldAbout {
  /** How many. */
  readonly total: number;
  /** What is or was wrong. */
  readonly kind: string;
  /** Name of its workload; null: it is about a host. */
  readonly workload: string | null;
  /** Name of its row within that, or null. */
  readonly row: string | null;
}

/** A delivery with what it tells of; null where there is no problem in it, as in a test. */
export interface ListedDelivery extends KeptDelivery {
  /** The first of it. */
  readonly about: ToldAbout | null;
}

/** A delivery with what is to be sent. */
export interface DueDelivery extends KeptDelivery {
  /** The notice's content, JSON. */
  readonly content: string;
}

/** A problem that somebody was to be told of. */
export interface Notified {
  /** Key of the problem. */
  readonly key: string;
  /** When it opened; with the key it means this one and no later one. */
  readonly openedAt: number;
  /** As it was told, JSON. */
  readonly problem: string;
  /** When it was over, or null. */
  readonly closedAt: number | null;
}

/** A problem that is over. */
export interface Ended extends Notified {
  /** When. */
  readonly closedAt: number;
  /** Whether another problem of that row took its place. */
  readonly superseded: boolean;
}

/** A channel that was or is to be told of a problem. */
export interface Told extends Notified {
  /** Whether it is over because another problem of that row took its place. */
  readonly superseded: boolean;
  /** The channel. */
  readonly channelId: string;
  /** The delivery that told, or is to tell, that it opened. */
  readonly delivery: number;
  /** What became of that. */
  readonly deliveryState: DeliveryState;
  /** When that was over, or null. */
  readonly deliveredAt: number | null;
  /** The last reminder's delivery, or null. */
  readonly reminder: number | null;
  /** What became of that, or null. */
  readonly reminderState: DeliveryState | null;
  /** When that was over, or null. */
  readonly remindedAt: number | null;
  /** Remind so long after the last delivery, milliseconds; null for never. */
  readonly remindAfterMs: number | null;
}

/** Who need not be told that something began, because another delivery told the like. */
export type Carried = Pick<
  Told,
  "key" | "openedAt" | "channelId" | "delivery" | "reminder" | "remindAfterMs"
>;

/** Which problem, for whom. */
export type ToldKey = Pick<Told, "key" | "openedAt" | "channelId">;

/** A delivery to make. */
export interface NewDelivery {
  /** Where to. */
  readonly channelId: string;
  /** When it was queued first; later for what takes the place of another. */
  readonly queuedAt: number;
  /** When to try; now unless it takes the place of one that waits. */
  readonly nextAt?: number;
  /** Problems of which this tells that they opened. */
  readonly opens?: readonly (Pick<Told, "key" | "openedAt" | "remindAfterMs">)[];
  /** Problems that this reminds of. */
  readonly reminds?: readonly Pick<Told, "key" | "openedAt">[];
  /** Deliveries whose place it takes; whoever was to be told by them is told by it. */
  readonly supersedes?: readonly number[];
}

/** A notice to make, with its deliveries. */
export interface NewNotice {
  /** Unique. */
  readonly id: string;
  /** Why it is told. */
  readonly kind: string;
  /** JSON. */
  readonly content: string;
  /** Key of its only problem, or null. */
  readonly subject: string | null;
  /** When it came up. */
  readonly at: number;
  /** To whom. */
  readonly deliveries: readonly NewDelivery[];
}

/** One step of telling. */
export interface NoticeWrite {
  /** How far problems were looked at: now. */
  readonly lookedAt: number;
  /** Problems that are dealt with from now on. */
  readonly notified?: readonly Notified[];
  /** Those that are over. */
  readonly ended?: readonly Pick<Ended, "key" | "openedAt" | "closedAt" | "superseded">[];
  /** What to tell. */
  readonly notices?: readonly NewNotice[];
  /** Who is to be told of an end, though not by a notice of its own that it began. */
  readonly carried?: readonly Carried[];
  /** Who needs to be told nothing more of it. */
  readonly settled?: readonly ToldKey[];
  /** Deliveries that nobody needs any more. */
  readonly superseded?: readonly number[];
  /** Deliveries of which nobody knows any more what they were to tell. */
  readonly dead?: readonly number[];
  /** Problems of which it was not known any more how they were told, told as they are now. */
  readonly mended?: readonly Pick<Notified, "key" | "openedAt" | "problem">[];
}

/** What is shown of a delivery of which nobody knows any more what it was to tell. */
export const UNREADABLE = "what it was to tell can't be read";

const COLUMNS = `d.seq, d.notice_id, d.channel_id, n.kind, d.state, d.attempts, d.queued_at,
  d.next_at, d.ended_at, d.status, d.answer`;
const FROM = "FROM deliveries d JOIN notices n ON n.id = d.notice_id";
/** Reads deliveries with their content, see {@link dueOf}. */
export const SELECT_DUE: string = `SELECT ${COLUMNS}, n.content ${FROM}`;

/** Reads deliveries with what they tell of, see {@link listedOf}; as text, whatever reads it. */
export const SELECT_LISTED: string = `SELECT ${COLUMNS},
  json_extract(iif(json_valid(n.content), n.content, '{}'), '$.total', '$.problems[0].kind',
    '$.problems[0].workload', '$.problems[0].row') || '' ${FROM}`;

/** What {@link SELECT_DUE} and {@link SELECT_LISTED} read. */
export type DueColumns = [
  number,
  string,
  string,
  string,
  DeliveryState,
  number,
  number,
  number,
  number | null,
  number | null,
  string,
  string,
];

function deliveryOf(c: DueColumns): KeptDelivery {
  const [seq, noticeId, channelId, kind, state, attempts, queuedAt, nextAt, endedAt] = c;
  return {
    ...{ seq, noticeId, channelId, kind, state, attempts, queuedAt, nextAt, endedAt },
    status: c[9],
    answer: c[10],
  };
}

/** A delivery with what it tells of. */
export function listedOf(c: DueColumns): ListedDelivery {
  return { ...deliveryOf(c), about: aboutOf(c[11]) };
}

/** Of a JSON list of how many there are and, of the first, its kind, workload and row. */
function aboutOf(json: string): ToldAbout | null {
  const [total, kind, workload, row] = JSON.parse(json);
  return typeof kind !== "string" ? null : { total: total ?? 1, kind, workload, row };
}

/** A delivery with its content. */
export function dueOf(c: DueColumns): DueDelivery {
  return { ...deliveryOf(c), content: c[11] };
}

/** Reads who was or is to be told, see {@link toldOf}. */
export const SELECT_TOLD: string = `
  SELECT t.key, t.opened_at, p.problem, p.closed_at, p.superseded, t.channel_id, t.delivery,
    d.state, d.ended_at, t.reminder, r.state, r.ended_at, t.remind_after_ms
  FROM told t JOIN notified p ON p.key = t.key AND p.opened_at = t.opened_at
    JOIN deliveries d ON d.seq = t.delivery LEFT JOIN deliveries r ON r.seq = t.reminder`;

/** What {@link SELECT_TOLD} reads. */
export type ToldColumns = [
  string,
  number,
  string,
  number | null,
  number,
  string,
  number,
  DeliveryState,
  number | null,
  number | null,
  DeliveryState | null,
  number | null,
  number | null,
];

/** A channel that was or is to be told. */
export function toldOf(c: ToldColumns): Told {
  const [key, openedAt, problem, closedAt, superseded, channelId, delivery, deliveryState] = c;
  return {
    ...{ key, openedAt, problem, closedAt, channelId, delivery, deliveryState },
    superseded: superseded === 1,
    deliveredAt: c[8],
    reminder: c[9],
    reminderState: c[10],
    remindedAt: c[11],
    remindAfterMs: c[12],
  };
}

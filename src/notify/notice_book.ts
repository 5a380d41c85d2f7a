/**
 * The outbox in memory, for a step of telling over tables that can't be asked in between: what was
 * read of them before, what the step makes of it, and what is to be written of that afterwards. Does
 * no I/O.
 *
 * @module
 */

import {
  type Carried,
  type DueDelivery,
  type NewNotice,
  type NoticeWrite,
  type Notified,
  type Told,
  type ToldKey,
  UNREADABLE,
} from "../store/notice_rows.ts";
import { idOf } from "./telling.ts";

/** A problem that was dealt with, as it is kept. */
export type BookedProblem = Notified & Pick<Told, "superseded">;

/** A delivery that waits, or that somebody was told by. */
export interface BookedDelivery extends DueDelivery {
  /** Key of its only problem, or null. */
  readonly subject: string | null;
}

/** What was read. */
export interface NoticePages {
  /** How far problems were looked at; null: never. */
  readonly lookedAt: number | null;
  /** Problems that were dealt with. */
  readonly notified: readonly BookedProblem[];
  /** Who is still to be told of ends. */
  readonly told: readonly Carried[];
  /** Deliveries that wait, and those of `told`. */
  readonly deliveries: readonly BookedDelivery[];
  /** Number of the last delivery that there is. */
  readonly lastSeq: number;
}

/** What is to be written. */
export interface NoticeChanges {
  /** Null: as it was. */
  readonly lookedAt: number | null;
  /** New or changed. */
  readonly notified: readonly BookedProblem[];
  /** New or changed. */
  readonly told: readonly Carried[];
  /** No more. */
  readonly settled: readonly ToldKey[];
  /** New. */
  readonly notices: readonly Pick<NewNotice, "id" | "kind" | "content" | "at">[];
  /** New. */
  readonly deliveries: readonly BookedDelivery[];
  /** Numbers of those whose place others took, and when. */
  readonly superseded: ReadonlyMap<number, number>;
  /** Numbers of those of which nobody knows any more what they were to tell, and since when. */
  readonly dead: ReadonlyMap<number, number>;
}

/** Reads and writes as the tables do. */
export class NoticeBook {
  readonly #notified: Map<string, BookedProblem>;
  readonly #told: Map<string, Carried>;
  readonly #deliveries: Map<number, BookedDelivery>;
  #lookedAt: number | null;
  #lastSeq: number;
  #looked = false;
  readonly #changedProblems = new Set<string>();
  readonly #changedTold = new Set<string>();
  readonly #settled = new Map<string, ToldKey>();
  readonly #notices: NewNotice[] = [];
  readonly #made: number[] = [];
  readonly #superseded = new Map<number, number>();
  readonly #dead = new Map<number, number>();

  /** Over what was read. */
  constructor({ lookedAt, notified, told, deliveries, lastSeq }: NoticePages) {
    this.#lookedAt = lookedAt;
    this.#notified = new Map(notified.map((each) => [idOf(each), each]));
    this.#told = new Map(told.map((each) => [idOfTold(each), each]));
    this.#deliveries = new Map(deliveries.map((each) => [each.seq, each]));
    this.#lastSeq = lastSeq;
  }

  /** How far problems were looked at; null before the first time. */
  lookedAt(): number | null {
    return this.#lookedAt;
  }

  /** Every problem that is or lately was dealt with. */
  notified(): Notified[] {
    return [...this.#notified.values()];
  }

  /** Who is still to be told of the end of what is over. */
  unsettled(): Told[] {
    return this.told().filter(({ closedAt }) => closedAt !== null);
  }

  /** Who may be reminded of what is not over. */
  remindable(): Told[] {
    return this.told().filter(({ closedAt, remindAfterMs }) =>
      closedAt === null && remindAfterMs !== null
    );
  }

  /** Who was or is to be told of anything whose end they were not told yet. */
  told(): Told[] {
    return [...this.#told.values()].flatMap((each): Told[] => {
      const problem = this.#notified.get(idOf(each));
      const delivery = this.#deliveries.get(each.delivery);
      if (problem === undefined || delivery === undefined) return [];
      const reminder = each.reminder === null ? undefined : this.#deliveries.get(each.reminder);
      return [{
        ...problem,
        ...each,
        deliveryState: delivery.state,
        deliveredAt: delivery.endedAt,
        reminderState: reminder?.state ?? null,
        remindedAt: reminder?.endedAt ?? null,
      }];
    }).sort((a, b) => a.delivery - b.delivery || (a.key < b.key ? -1 : 1));
  }

  /** One delivery; undefined when it is not known any more. */
  get(seq: number): DueDelivery | undefined {
    return this.#deliveries.get(seq);
  }

  /** What waits for a channel, the oldest first, at most so many. */
  queuedFor(channelId: string, limit: number): DueDelivery[] {
    return [...this.#deliveries.values()]
      .filter((each) => each.channelId === channelId && each.state === "queued")
      .sort((a, b) => a.seq - b.seq).slice(0, limit);
  }

  /** Writes a step. */
  write(step: NoticeWrite): void {
    this.#lookedAt = step.lookedAt;
    this.#looked = true;
    for (const each of step.notified ?? []) {
      if (!this.#notified.has(idOf(each))) this.#keepProblem({ ...each, superseded: false });
    }
    for (const { key, openedAt, closedAt, superseded } of step.ended ?? []) {
      const before = this.#notified.get(idOf({ key, openedAt }));
      if (before !== undefined) this.#keepProblem({ ...before, closedAt, superseded });
    }
    for (const notice of step.notices ?? []) this.#add(notice);
    for (const one of step.carried ?? []) {
      if (!this.#told.has(idOfTold(one))) this.#keepTold(one);
    }
    for (const one of step.settled ?? []) this.#settle(one);
    for (const seq of step.superseded ?? []) this.#supersede(seq, step.lookedAt);
    for (const seq of step.dead ?? []) this.#give(seq, step.lookedAt);
    for (const { key, openedAt, problem } of step.mended ?? []) {
      const before = this.#notified.get(idOf({ key, openedAt }));
      if (before !== undefined) this.#keepProblem({ ...before, problem });
    }
  }

  /** What is to be written of all that was. */
  changes(): NoticeChanges {
    return {
      lookedAt: this.#looked ? this.#lookedAt : null,
      notified: [...this.#changedProblems].map((id) => this.#notified.get(id)!),
      told: [...this.#changedTold].flatMap((id) => this.#told.get(id) ?? []),
      settled: [...this.#settled.values()],
      notices: this.#notices,
      deliveries: this.#made.map((seq) => this.#deliveries.get(seq)!),
      superseded: this.#superseded,
      dead: this.#dead,
    };
  }

  #add(notice: NewNotice): void {
    this.#notices.push(notice);
    const { id: noticeId, kind, content, subject, at } = notice;
    for (const delivery of notice.deliveries) {
      const { channelId, queuedAt, nextAt = queuedAt } = delivery;
      const seq = ++this.#lastSeq;
      this.#deliveries.set(seq, {
        ...{ seq, noticeId, channelId, kind, content, subject, queuedAt, nextAt },
        ...{ state: "queued", attempts: 0, endedAt: null, status: null, answer: "" },
      });
      this.#made.push(seq);
      for (const { key, openedAt, remindAfterMs } of delivery.opens ?? []) {
        const id = { key, openedAt, channelId };
        const before = this.#told.get(idOfTold(id));
        this.#keepTold({ ...id, reminder: null, remindAfterMs, ...before, delivery: seq });
      }
      for (const { key, openedAt } of delivery.reminds ?? []) {
        const before = this.#told.get(idOfTold({ key, openedAt, channelId }));
        if (before !== undefined) this.#keepTold({ ...before, reminder: seq });
      }
      for (const old of delivery.supersedes ?? []) {
        this.#supersede(old, at);
        for (const one of [...this.#told.values()].filter(({ delivery }) => delivery === old)) {
          this.#settle(one);
          this.#keepTold({ ...one, delivery: seq, channelId });
        }
      }
    }
  }

  #supersede(seq: number, at: number): void {
    const before = this.#deliveries.get(seq);
    if (before?.state !== "queued") return;
    this.#deliveries.set(seq, { ...before, state: "superseded", endedAt: at });
    this.#superseded.set(seq, at);
  }

  #give(seq: number, at: number): void {
    const before = this.#deliveries.get(seq);
    if (before?.state !== "queued") return;
    this.#deliveries.set(seq, { ...before, state: "dead", endedAt: at, answer: UNREADABLE });
    this.#dead.set(seq, at);
  }

  #keepProblem(problem: BookedProblem): void {
    this.#notified.set(idOf(problem), problem);
    this.#changedProblems.add(idOf(problem));
  }

  #keepTold(one: Carried): void {
    const id = idOfTold(one);
    this.#told.set(id, one);
    this.#changedTold.add(id);
    this.#settled.delete(id);
  }

  #settle({ key, openedAt, channelId }: ToldKey): void {
    const id = idOfTold({ key, openedAt, channelId });
    if (!this.#told.delete(id)) return;
    this.#changedTold.delete(id);
    this.#settled.set(id, { key, openedAt, channelId });
  }
}

function idOfTold(one: ToldKey): string {
  return `${one.channelId} ${idOf(one)}`;
}

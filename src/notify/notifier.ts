/**
 * Decides with what was kept whom to tell now: compares the problems that are with those that were
 * dealt with, and puts what is to be told into the outbox, in one transaction with how far it
 * looked. Sends nothing. Silences and flapping keep what begins from being told; whoever was told
 * that something began is told that it is over in any case.
 *
 * @module
 */

import { allOf } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import type { Problem } from "../model/problem.ts";
import type { RestartAccount } from "../model/restart.ts";
import { type OnDamage, unlessDamaged } from "../store/damage.ts";
import type { Carried, NewNotice, Notified, ToldKey } from "../store/notice_rows.ts";
import { brokenOf } from "./broken_channels.ts";
import type { Language } from "./channel.ts";
import { endedOf, endingsOf } from "./endings.ts";
import { handOver } from "./hand_over.ts";
import { keptContent } from "./kept_notice.ts";
import { type Back, backOf } from "./notice.ts";
import type { NotifierStore } from "./notifier_store.ts";
import { ReadableTold } from "./readable_told.ts";
import {
  baselineAt,
  BURST_LIMIT,
  gather,
  gatheredAt,
  type Gathering,
  NOTHING_GATHERED,
  remindAt,
  tellGathered,
} from "./schedule.ts";
import { carriedId, closingsOf, continuing } from "./stories.ts";
import {
  type Audience,
  idOf,
  idOfSubject,
  lastOfRows,
  notifiedOf,
  type Subject,
  tellCombined,
  tellEndings,
  tellOpenings,
  tellReminders,
} from "./telling.ts";
import { wordsOf } from "./texts.ts";
import { type Names, remembered, tellable } from "./told_problem.ts";

/** What a {@link Notifier} works with. */
export interface NotifierOptions {
  /** Channels, rules and the outbox. */
  readonly store: NotifierStore;
  /** Problems that are not closed, and those that closed at or after a time. */
  readonly problems: (since: number) => readonly Problem[];
  /** What things are called. */
  readonly names: Names;
  /** The time. */
  readonly clock: Clock;
  /** Name of the host, or null. */
  readonly host: string | null;
  /** The account of the last restart, or null. */
  readonly account: () => RestartAccount | null;
  /** What evidence is told in. */
  readonly language: Language;
  /** Whether a delivery is on its way at this moment. */
  readonly isSending: (seq: number) => boolean;
  /** Is told of what is kept and can't be read, without which everything else is told. */
  readonly onDamage: OnDamage;
  /** Whether somebody else tells what begins now; what was told here is ended here. */
  readonly isQuiet?: () => boolean;
  /** Whether nobody wants to hear of anything now, not even that a channel does not work. */
  readonly isAllSilent?: () => boolean;
}

/** How far was looked is kept so often where there was nothing to tell, milliseconds. */
const LOOKED_EVERY_MS = 60_000;

/** Looks at what is wrong, and has it told. */
export class Notifier {
  readonly #options: NotifierOptions;
  #openings: Gathering = NOTHING_GATHERED;
  #endings: Gathering = NOTHING_GATHERED;
  /** What is counted in the gatherings. */
  #counted: ReadonlySet<string> = new Set();
  readonly #readable: ReadableTold;

  /** Over these. */
  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#readable = new ReadableTold({
      ...options,
      known: (one) => {
        const same = ({ key, openedAt }: Problem) => key === one.key && openedAt === one.openedAt;
        const found = options.problems(one.openedAt).filter(same);
        return found.flatMap((each) => this.#subject(each, options.names)).map(notifiedOf)[0] ??
          null;
      },
    });
  }

  /**
   * Looks once. Returns when to look again though nothing changed, milliseconds since the Unix
   * epoch, or null. Without a channel nothing is looked at.
   */
  step(): number | null {
    return allOf(this.steps()).end;
  }

  /**
   * The same in steps between which others may be let go first, each time it is said how many problems
   * there are to look at: of thousands each takes long. What changes meanwhile is seen the next time.
   */
  *steps(): Generator<number, number | null, undefined> {
    const { store: { channels, notices }, language, isAllSilent = () => false } = this.#options;
    if (!channels.any()) return null;
    const now = this.#options.clock.now();
    const lookedAt = notices.lookedAt();
    const problems = this.#options.problems(lookedAt ?? now);
    const known = new Map(notices.notified().map((each) => [idOf(each), each]));
    yield problems.length + known.size;
    const names = remembered(this.#options.names);
    const subjects = [
      ...problems.flatMap((each) => this.#subject(each, names)),
      ...brokenOf(channels.list(this.#options), { words: wordsOf(language), quiet: isAllSilent() }),
    ];
    const open = new Map(
      subjects.filter(({ told }) => told.closedAt === null).map((
        each,
      ) => [idOfSubject(each), each]),
    );
    const counted = new Set<string>();
    const waits: (number | null)[] = [];
    for (
      const act of [
        (audience: Audience) => this.#end(known, { open, problems, audience, counted }),
        (audience: Audience) =>
          this.#begin(subjects, { known, problems, audience, counted, lookedAt }),
        (audience: Audience) => this.#remind({ open, audience }),
        (audience: Audience) => handOver(audience, this.#options),
      ]
    ) {
      yield problems.length + known.size;
      // Channels may have come and gone meanwhile.
      waits.push(act(this.#audience(now)));
    }
    this.#counted = counted;
    const times = waits.filter((at) => at !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  #audience(now: number): Audience {
    const { store: { channels }, host } = this.#options;
    const heard = channels.list(this.#options).filter(({ state }) => state !== "disabled");
    return { rules: channels.rules(this.#options), channels: heard, now, host };
  }

  #subject(problem: Problem, names: Names): Subject[] {
    const { openedAt, workloadId, rowId, batch, muted, silenced } = problem;
    if (openedAt === null) return [];
    const { language, onDamage, isQuiet = () => false } = this.#options;
    const told = tellable(problem, { names, words: wordsOf(language), onDamage });
    return [{ told, openedAt, workloadId, rowId, batch, quiet: muted || silenced || isQuiet() }];
  }

  /** How many came back of the restart whose account has these; null when another one has. */
  #back(part: readonly Subject[]): Back | null {
    const account = this.#options.account();
    // Kept in whole milliseconds.
    const itsOwn = part.some(({ openedAt }) => Math.abs(openedAt - (account?.at ?? 0)) <= 1);
    return account !== null && itsOwn ? backOf(account) : null;
  }

  /** What was dealt with and is over: whoever was told is told so, or both as one. */
  #end(
    known: ReadonlyMap<string, Notified>,
    { open, problems, audience, counted }: {
      open: ReadonlyMap<string, Subject>;
      problems: readonly Problem[];
      audience: Audience;
      counted: Set<string>;
    },
  ): number | null {
    const { notices } = this.#options.store;
    const { now } = audience;
    const ended = endedOf(known.values(), { open, problems, now });
    if (ended.length > 0) notices.write({ lookedAt: now, ended });

    const superseded: number[] = [];
    const { arrived, waiting, carried, settled } = endingsOf(
      this.#readable.of(notices.unsettled()),
      {
        open: open.values(),
        isKnown: (id) => known.has(id),
        heard: new Set(audience.channels.map(({ id }) => id)),
        isSending: this.#options.isSending,
      },
    );
    const made: NewNotice[] = [];
    const dead: number[] = [];
    for (const [seq, closings] of waiting) {
      const old = notices.get(seq)!;
      const { channelId, queuedAt, nextAt } = old;
      const content = unlessDamaged(() => keptContent(old), null, this.#options);
      if (content === null) {
        // By this nobody is told that it began; that it was is told by its end.
        dead.push(seq);
        made.push(...tellEndings(closings, { ...audience, as: "list" }));
        for (const one of closings) settled.push(one);
        continue;
      }
      const notice = tellCombined(
        { content, delivery: { channelId, queuedAt, nextAt, supersedes: [seq] } },
        closingsOf(closings),
        audience,
      );
      if (notice !== null) made.push(notice);
      for (const one of closings) settled.push(one);
    }
    const { tell, drop } = lastOfRows(arrived);
    for (const one of drop) settled.push(one);
    this.#endings = this.#gathered(
      this.#endings,
      tell.map((one) => `${one.channelId} ${idOf(one)}`),
      { now, counted },
    );
    const at = tell.length === 0 ? null : gatheredAt(this.#endings);
    if (at !== null && at <= now) {
      const { as, gathering } = tellGathered(this.#endings, { now });
      this.#endings = gathering;
      made.push(...tellEndings(tell, { ...audience, as }));
      for (const one of tell) settled.push(one);
      for (const { reminder, reminderState } of tell) {
        if (reminderState === "queued" && !this.#options.isSending(reminder!)) {
          superseded.push(reminder!);
        }
      }
    }
    if (made.length + settled.length + dead.length > 0) {
      notices.write({ lookedAt: now, notices: made, carried, settled, superseded, dead });
    }
    return at !== null && at > now ? at : null;
  }

  /** What nobody was told of yet. */
  #begin(
    subjects: readonly Subject[],
    { known, problems, audience, counted, lookedAt }: {
      known: ReadonlyMap<string, Notified>;
      problems: readonly Problem[];
      audience: Audience;
      counted: Set<string>;
      lookedAt: number | null;
    },
  ): number | null {
    const { notices } = this.#options.store;
    const { now } = audience;
    const first = lookedAt === null;
    // Somebody else may have begun to tell since they were looked at; of channels nobody else knows.
    const hushed = this.#options.isQuiet?.() === true;
    const news = subjects.filter((each) => {
      return !each.quiet && !(hushed && each.channelId === undefined) &&
        !known.has(idOfSubject(each));
    });
    const made: NewNotice[] = [];
    // Put together, not pushed: of a hundred thousand hosts' rows there are more than a call can take.
    let dealt: readonly Subject[] = [];
    const carried: Carried[] = [];
    const settled: ToldKey[] = [];
    let baseline = now;
    for (
      const [batch, all] of Map.groupBy(news, ({ batch }) => first ? "baseline" as const : batch)
    ) {
      // What was over before anybody looked for the first time concerns nobody.
      const part = batch === "baseline" ? all.filter(({ told }) => told.closedAt === null) : all;
      if (first) dealt = [...dealt, ...all.filter(({ told }) => told.closedAt !== null)];
      if (batch === null || part.length === 0) continue;
      if (batch === "baseline" && !first) {
        baseline = baselineAt(part.map(({ openedAt }) => openedAt), {
          dueAt: problems.flatMap((each) => each.batch === batch ? each.dueAt ?? [] : []),
          now,
        });
        if (baseline > now) continue;
      }
      made.push(...tellOpenings(part, {
        ...audience,
        ...{ as: batch, back: batch === "restart" ? this.#back(part) : null },
      }));
      dealt = [...dealt, ...part];
    }
    const waits = baseline > now;
    const single = first ? [] : news.filter(({ batch }) => batch === null);
    this.#openings = this.#gathered(this.#openings, single.map(idOfSubject), { now, counted });
    const at = single.length === 0 ? null : gatheredAt(this.#openings);
    if (at !== null && at <= now) {
      const { as, gathering } = tellGathered(this.#openings, { now });
      this.#openings = gathering;
      const continued = continuing(single, () => this.#readable.of(notices.told()));
      const told = new Set(continued.carried.map(carriedId));
      made.push(...tellOpenings(continued.subjects, {
        ...audience,
        as: as === "list" ? "burst" : "each",
        wasTold: (channelId, { told: { key }, openedAt }) =>
          told.has(carriedId({ channelId, key, openedAt })),
      }));
      dealt = [...dealt, ...continued.subjects];
      for (const one of continued.carried) carried.push(one);
      for (const one of continued.settled) settled.push(one);
    }
    // While something is waited for, how far was looked stays where it was: what is over meanwhile
    // would not be found again after a crash.
    const stale = single.length === 0 && !waits && now - lookedAt! >= LOOKED_EVERY_MS;
    if (dealt.length > 0 || first || stale) {
      const notified = dealt.map(notifiedOf);
      notices.write({ lookedAt: now, notified, notices: made, carried, settled });
    }
    const later = [at ?? now, baseline].filter((each) => each > now);
    return later.length === 0 ? null : Math.min(...later);
  }

  #gathered(
    gathering: Gathering,
    ids: readonly string[],
    { now, counted }: { now: number; counted: Set<string> },
  ): Gathering {
    const came = ids.filter((id) => !this.#counted.has(id)).length;
    for (const id of ids) counted.add(id);
    const held = ids.length - came;
    // What was counted may be gone again.
    return gather({ ...gathering, held: Math.min(gathering.held, held) }, { count: came, now });
  }

  #remind(
    { open, audience }: { open: ReadonlyMap<string, Subject>; audience: Audience },
  ): number | null {
    const { notices } = this.#options.store;
    const { now } = audience;
    let next: number | null = null;
    const heard = new Set(audience.channels.map(({ id }) => id));
    const due = notices.remindable().filter((told) => {
      if (!heard.has(told.channelId)) return false;
      const subject = open.get(idOf(told));
      if (subject === undefined || subject.quiet || told.deliveryState !== "delivered") {
        return false;
      }
      if (told.reminderState === "queued") return false;
      const last = Math.max(told.deliveredAt ?? 0, told.remindedAt ?? 0);
      const at = remindAt(last, told)!;
      if (at > now) next = Math.min(next ?? at, at);
      return at <= now;
    });
    if (due.length > 0) {
      const options = { ...audience, subjects: open, limit: BURST_LIMIT };
      notices.write({ lookedAt: now, notices: tellReminders(due, options) });
    }
    return next;
  }
}

/**
 * Makes notices of what came up: who gets which of it, each by itself or as a list. Pure but for the
 * ids that it gives; must not know when.
 *
 * @module
 */

import { newId } from "../core/names.ts";
import type { Problem } from "../model/problem.ts";
import type { KeptChannel, KeptRule } from "../store/channels.ts";
import type { NewDelivery, NewNotice, Notified, Told, ToldKey } from "../store/notice_rows.ts";
import { type Closing, withClosings } from "./combine.ts";
import type { KeptSubject, KeptTold } from "./kept_notice.ts";
import { type Back, digestOf, type DigestReason, type NoticeContent, noticeOf } from "./notice.ts";
import type { NoticeProblem } from "./notice.ts";
import { recipientsOf } from "./rules.ts";

/** Something that may be told: a problem of the index, or of a channel. */
export interface Subject {
  /** As it is told. */
  readonly told: NoticeProblem;
  /** When it opened. */
  readonly openedAt: number;
  /** Null for what belongs to none. */
  readonly workloadId: string | null;
  /** Null for what is not about one row. */
  readonly rowId: string | null;
  /** The channel that it is about, if it is about one. */
  readonly channelId?: string;
  /** What it is told together with. */
  readonly batch: Problem["batch"];
  /** Whether nobody is told of it now. */
  readonly quiet: boolean;
}

/** Whom there is to tell, and when. */
export interface Audience {
  /** Who is told of what. */
  readonly rules: readonly KeptRule[];
  /** Those that are told anything. */
  readonly channels: readonly KeptChannel[];
  /** Now. */
  readonly now: number;
  /** Name of the host, or null. */
  readonly host: string | null;
}

/** Tells one problem from an earlier one with its key. */
export function idOf({ key, openedAt }: { key: string; openedAt: number }): string {
  return `${openedAt} ${key}`;
}

/** The same of what may be told. */
export function idOfSubject({ told, openedAt }: Pick<Subject, "told" | "openedAt">): string {
  return idOf({ key: told.key, openedAt });
}

/** What is kept of a subject from now on. */
export function notifiedOf({ told, openedAt, rowId, workloadId }: Subject): Notified {
  const kept: KeptSubject = { told, rowId, workloadId };
  return { key: told.key, openedAt, problem: JSON.stringify(kept), closedAt: told.closedAt };
}

/** The notices of what opened, some of which may be over already. */
export function tellOpenings(
  subjects: readonly Subject[],
  options: Audience & {
    readonly as: "each" | DigestReason;
    /** What came back, where it is the account of a restart. */
    readonly back?: Back | null;
    /** Whether a channel was told already. */
    readonly wasTold?: (channelId: string, subject: Subject) => boolean;
  },
): NewNotice[] {
  const { as, rules, now, wasTold = () => false } = options;
  const channels = options.channels.map(({ id }) => id);
  const shares = new Map<string, { subject: Subject; remindAfterMs: number | null }[]>();
  for (const subject of subjects) {
    const { channelId, workloadId, told: { kind, severity, host = null } } = subject;
    const about = {
      ...{ workloadId, host, kind, severity },
      ...(channelId !== undefined && { channelId }),
    };
    for (const { channel, remindAfterMs } of recipientsOf(about, { rules, channels })) {
      if (wasTold(channel, subject)) continue;
      const share = shares.get(channel) ?? [];
      share.push({ subject, remindAfterMs });
      shares.set(channel, share);
    }
  }
  const notices = new Notices(options);
  for (const [channelId, share] of shares) {
    const parts = as === "each" ? share.map((one) => [one]) : [share];
    for (const part of parts) {
      const about = part.map(({ subject }) => subject);
      notices.add(contentOf(about, { ...options, reason: as === "each" ? "burst" : as }), {
        channelId,
        queuedAt: now,
        opens: part.filter(({ subject }) => subject.told.closedAt === null)
          .map(({ subject: { told: { key }, openedAt }, remindAfterMs }) => ({
            key,
            openedAt,
            remindAfterMs,
          })),
      });
    }
  }
  return notices.all();
}

/** The notices that these are over, for those who were told that they began. */
export function tellEndings(
  ended: readonly KeptTold[],
  options: Audience & { readonly as: "each" | "list" },
): NewNotice[] {
  const notices = new Notices(options);
  for (const [channelId, all] of Map.groupBy(ended, (told) => told.channelId)) {
    const parts = options.as === "each" ? all.map((one) => [one]) : [all];
    for (const part of parts) {
      const problems = part.map(({ kept, closedAt }) => ({ ...kept.told, closedAt }));
      const content = problems.length === 1
        ? noticeOf("recovered", problems[0]!, about(problems, options, part[0]!.kept))
        : {
          ...digestOf(problems, { ...about(problems, options), reason: "burst" }),
          kind: "combined",
        } as const;
      notices.add(content, { channelId, queuedAt: options.now });
    }
  }
  return notices.all();
}

/** The notices that these are not over yet; `subjects` by {@linkcode idOf}, as they are now. */
export function tellReminders(
  due: readonly Told[],
  options: Audience & { readonly subjects: ReadonlyMap<string, Subject>; readonly limit: number },
): NewNotice[] {
  const notices = new Notices(options);
  for (const [channelId, all] of Map.groupBy(due, (told) => told.channelId)) {
    const parts = all.length <= options.limit ? all.map((one) => [one]) : [all];
    for (const part of parts) {
      const subjects = part.map((one) => options.subjects.get(idOf(one))!);
      const problems = subjects.map(({ told }) => told);
      const content = problems.length === 1
        ? noticeOf("reminder", problems[0]!, about(problems, options, subjects[0]))
        : digestOf(problems, { ...about(problems, options), reason: "burst" });
      notices.add(content, { channelId, queuedAt: options.now, reminds: part });
    }
  }
  return notices.all();
}

/** What waits to be told, told as what is known now; null when nothing of it changed. */
export function tellCombined(
  waiting: { readonly content: NoticeContent; readonly delivery: NewDelivery },
  closings: readonly Closing[],
  options: Audience,
): NewNotice | null {
  const content = withClosings(waiting.content, closings);
  if (content === waiting.content) return null;
  const notices = new Notices(options);
  notices.add(content, waiting.delivery);
  return notices.all()[0]!;
}

/** A notice of its own of something that was made before. */
export function tellAgain(
  content: NoticeContent,
  delivery: NewDelivery,
  options: Audience,
): NewNotice {
  const notices = new Notices(options);
  notices.add(content, delivery);
  return notices.all()[0]!;
}

/** Which are told as the end of a row's trouble, and which of them need not be told themselves. */
export function lastOfRows(ended: readonly KeptTold[]): { tell: KeptTold[]; drop: ToldKey[] } {
  const tell: KeptTold[] = [];
  const drop: ToldKey[] = [];
  const groups = Map.groupBy(ended, (one) => `${one.channelId} ${one.kept.rowId}`);
  for (const group of groups.values()) {
    const last = group.reduce((a, b) => b.openedAt >= a.openedAt ? b : a);
    for (const one of group) {
      if (one !== last && one.superseded) drop.push(one);
      else tell.push(one);
    }
  }
  return { tell, drop };
}

function contentOf(
  subjects: readonly Subject[],
  options: Audience & { readonly reason: DigestReason; readonly back?: Back | null },
): NoticeContent {
  const problems = subjects.map(({ told }) => told);
  const over = problems.every(({ closedAt }) => closedAt !== null);
  if (problems.length === 1 && options.reason === "burst") {
    const of = about(problems, options, subjects[0]);
    return noticeOf(over ? "combined" : "opened", problems[0]!, of);
  }
  const { reason, back = null } = options;
  const digest = digestOf(problems, {
    ...{ ...about(problems, options), reason },
    ...(back !== null && { back }),
  });
  return over ? { ...digest, kind: "combined" } : digest;
}

/** When and where, and of one problem where the dashboard has more of it; of a list its begin has. */
function about(
  problems: readonly NoticeProblem[],
  { now, host }: Audience,
  { workloadId = null, rowId }: Pick<KeptSubject, "workloadId" | "rowId"> = { rowId: null },
) {
  const hosts = new Set(problems.map((problem) => problem.host ?? host));
  const [only = null] = hosts;
  const row = rowId === null ? "" : `?row=${encodeURIComponent(rowId)}`;
  const path = workloadId === null ? null : `/workloads/${encodeURIComponent(workloadId)}${row}`;
  return { at: now, host: hosts.size === 1 ? only : null, path };
}

/** Notices in the making: what says the same is one notice with several deliveries. */
class Notices {
  readonly #now: number;
  readonly #made = new Map<string, { content: NoticeContent; deliveries: NewDelivery[] }>();

  constructor({ now }: Audience) {
    this.#now = now;
  }

  add(content: NoticeContent, delivery: NewDelivery): void {
    const text = JSON.stringify(content);
    const made = this.#made.get(text);
    if (made === undefined) this.#made.set(text, { content, deliveries: [delivery] });
    else made.deliveries.push(delivery);
  }

  all(): NewNotice[] {
    return [...this.#made].map(([text, { content, deliveries }]) => ({
      id: `msg_${newId()}${newId()}`,
      kind: content.kind,
      content: text,
      subject: content.total === 1 ? content.problems[0]!.key : null,
      at: this.#now,
      deliveries,
    }));
  }
}

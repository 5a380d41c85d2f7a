/**
 * What there is to tell, before anyone has chosen words for it. Plain data that survives JSON, so
 * that a notice can be kept and told later; must not know who is told or how.
 *
 * @module
 */

import type { Batch, Severity } from "../model/problem.ts";
import type { RestartAccount } from "../model/restart.ts";

/**
 * Why something is told: a problem opened, is still open, is over; opened and was over before
 * anyone could be told (`combined`); many at once (`digest`); or somebody wants to see whether it
 * arrives (`test`).
 */
export type NoticeKind = "opened" | "reminder" | "recovered" | "combined" | "digest" | "test";

/** Why many problems are told at once: too many in a short time, a restart, or the first look. */
export type DigestReason = "burst" | Batch;

/** How many of what should run came back after a restart. */
export interface Back {
  /** As they should be. */
  readonly right: number;
  /** All that are expected. */
  readonly expected: number;
}

/** What of an account is told. */
export function backOf({ expected, wrong }: Pick<RestartAccount, "expected" | "wrong">): Back {
  return { right: expected - wrong, expected };
}

/** One problem as it is told. Texts are whatever others wrote: neither bounded nor escaped here. */
export interface NoticeProblem {
  /** What it is known by; the same from its opening to its closing. */
  readonly key: string;
  /** What is wrong, as `missing`; kinds without words of their own are shown as they are. */
  readonly kind: string;
  /** How much it matters. */
  readonly severity: Severity;
  /** Name of its host, where problems of several are told. */
  readonly host?: string;
  /** Name of the workload, or null for a host's problem. */
  readonly workload: string | null;
  /** Name of the row within it, as `web #2`; null when it has one row or none is meant. */
  readonly row: string | null;
  /** Name of the container, or null. */
  readonly container: string | null;
  /** When its cause began, milliseconds since the Unix epoch. */
  readonly since: number;
  /** When it was over, milliseconds since the Unix epoch; null while it is not. */
  readonly closedAt: number | null;
  /** What was seen; the first two lines are told. */
  readonly evidence: readonly string[];
  /** What to do about it, a command as a rule; null when nothing is known. */
  readonly do: string | null;
}

/** What there is to tell. */
export interface NoticeContent {
  /** Why it is told. */
  readonly kind: NoticeKind;
  /** When it came up, milliseconds since the Unix epoch. */
  readonly at: number;
  /** Name of the host, or null when there is only one and nobody named it. */
  readonly host: string | null;
  /** One, or for a digest the first of many; none for a test. */
  readonly problems: readonly NoticeProblem[];
  /** How many there are altogether, at least as many as are listed. */
  readonly total: number;
  /** Why there are many; null for everything but a digest. */
  readonly reason: DigestReason | null;
  /** What came back, where it is the account of a restart; also absent or null where not. */
  readonly back?: Back | null;
  /** The dashboard's page about it, as `/problems`, or null for its first. */
  readonly path: string | null;
}

/** So many problems are kept in a notice; the rest is counted. */
export const MAX_LISTED = 100;

/** The notice of one problem. */
export function noticeOf(
  kind: Exclude<NoticeKind, "digest" | "test">,
  problem: NoticeProblem,
  about: { readonly at: number; readonly host: string | null; readonly path: string | null },
): NoticeContent {
  return { kind, ...about, problems: [problem], total: 1, reason: null };
}

/** The notice of many problems: the grave ones first, else in the order given. */
export function digestOf(
  problems: readonly NoticeProblem[],
  about: {
    readonly at: number;
    readonly host: string | null;
    readonly path: string | null;
    readonly reason: DigestReason;
    readonly back?: Back | null;
  },
): NoticeContent {
  const grave = problems.filter(({ severity }) => severity === "high");
  const listed = [...grave, ...problems.filter(({ severity }) => severity !== "high")];
  return {
    kind: "digest",
    ...about,
    problems: listed.slice(0, MAX_LISTED),
    total: problems.length,
  };
}

/** The notice by which a person sees whether a channel works. */
export function testNotice(at: number, host: string | null): NoticeContent {
  return { kind: "test", at, host, problems: [], total: 0, reason: null, path: null };
}

/** The gravest severity of what is told; `low` for nothing. */
export function severityOf(content: NoticeContent): Severity {
  return content.problems.some(({ severity }) => severity === "high") ? "high" : "low";
}

/** Whether it says that everything in it is over. */
export function isOver(content: NoticeContent): boolean {
  return content.kind === "recovered" || content.kind === "combined";
}

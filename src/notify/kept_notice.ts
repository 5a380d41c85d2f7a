/**
 * What there was to tell, read again from where it was kept, and held against its shape: what another
 * hand wrote over one of them must not keep the others from being told. Must not quote what is kept.
 *
 * @module
 */

import type { Severity } from "../model/problem.ts";
import { notJson } from "../store/error.ts";
import { keptJson } from "../store/kept_json.ts";
import type { DueDelivery, Notified, Told } from "../store/notice_rows.ts";
import type { NoticeContent, NoticeKind, NoticeProblem } from "./notice.ts";

/** What is kept of a problem that was dealt with. */
export interface KeptSubject {
  /** As it was told. */
  readonly told: NoticeProblem;
  /** Its row, or null. */
  readonly rowId: string | null;
  /** Its workload; not kept by earlier versions. */
  readonly workloadId?: string | null;
}

/** A channel that was or is to be told, with what. */
export interface KeptTold extends Told {
  /** The problem. */
  readonly kept: KeptSubject;
}

type Fits = (value: unknown) => boolean;

/** What each field of a type may hold; one that is not there is nothing. */
type Shape<Type> = { readonly [Field in keyof Required<Type>]: Fits };

const text: Fits = (value) => typeof value === "string";
const number: Fits = (value) => Number.isFinite(value);
const orNothing = (fits: Fits): Fits => (value) =>
  value === undefined || value === null || fits(value);
const listOf = (fits: Fits): Fits => (value) => Array.isArray(value) && value.every(fits);
const oneOf = <Word extends string>(words: Readonly<Record<Word, true>>): Fits => (value) =>
  typeof value === "string" && Object.hasOwn(words, value);
const all = <Type>(shape: Shape<Type>): Fits => (value) =>
  typeof value === "object" && value !== null &&
  Object.entries<Fits>(shape).every(([field, fits]) =>
    fits((value as Readonly<Record<string, unknown>>)[field])
  );

const PROBLEM = all<NoticeProblem>({
  key: text,
  kind: text,
  severity: oneOf<Severity>({ low: true, high: true }),
  host: orNothing(text),
  workload: orNothing(text),
  row: orNothing(text),
  container: orNothing(text),
  since: number,
  closedAt: orNothing(number),
  evidence: listOf(text),
  do: orNothing(text),
});

const SUBJECT = all<KeptSubject>({
  told: PROBLEM,
  rowId: orNothing(text),
  workloadId: orNothing(text),
});

const CONTENT = all<NoticeContent>({
  kind: oneOf<NoticeKind>({
    ...{ opened: true, reminder: true, recovered: true },
    ...{ combined: true, digest: true, test: true },
  }),
  at: number,
  host: orNothing(text),
  problems: listOf(PROBLEM),
  total: number,
  reason: orNothing(text),
  back: orNothing(all<NonNullable<NoticeContent["back"]>>({ right: number, expected: number })),
  path: orNothing(text),
});

/**
 * What was kept of a problem.
 *
 * @throws {Failure} `corrupt`
 */
export function keptSubject({ key, problem }: Pick<Notified, "key" | "problem">): KeptSubject {
  return fitting(problem, SUBJECT, { column: "notified.problem", of: key });
}

/**
 * What a delivery is to tell.
 *
 * @throws {Failure} `corrupt`
 */
export function keptContent(
  { content, noticeId }: Pick<DueDelivery, "content" | "noticeId">,
): NoticeContent {
  return fitting(content, CONTENT, { column: "notices.content", of: noticeId });
}

function fitting<Kept extends object>(
  kept: string,
  fits: Fits,
  { column, of }: { readonly column: string; readonly of: string },
): Kept {
  const value = keptJson<Kept>(kept, column, { of });
  if (fits(value)) return value;
  throw notJson(column, { of });
}

/**
 * Entity tags of single rows, entries and stages, and what `If-Match` and `If-None-Match` demand before one is written.
 *
 * @module
 */

import { DETAIL_COLUMNS } from "../model/columns.ts";
import type { ContainerView } from "../model/views.ts";
import { hashSecret } from "../secret.ts";
import { quote } from "../text.ts";
import { ProblemDetails } from "./problem_details.ts";

/** Each pass moves the first though nothing happened; the others are told of when there is time. */
const COMES_BY_ITSELF: readonly (keyof ContainerView)[] = [
  "lastSeenAt",
  ...Object.keys(DETAIL_COLUMNS) as (keyof typeof DETAIL_COLUMNS)[],
];

/**
 * The entity tag of a row: changes with everything that it says but what comes by itself though
 * nothing happened.
 */
export function rowTag(row: ContainerView): string {
  const rest: Record<string, unknown> = { ...row };
  for (const field of COMES_BY_ITSELF) delete rest[field];
  return entityTag(rest);
}

/** The entity tag of what is shown so: changes with everything that it says. */
export function entityTag(shown: object): string {
  return `"${hashSecret(JSON.stringify(shown)).slice(0, 22)}"`;
}

/** The header that tells a row's tag. */
export function tagged(row: ContainerView): { etag: string } {
  return { etag: rowTag(row) };
}

/**
 * What a request's headers demand of a row before it is written, as a check for the store; none where
 * they demand nothing.
 *
 * @throws {ProblemDetails} `precondition-failed`, from the check.
 */
export function demanded(headers: Headers): (before: ContainerView | null) => void {
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")];
  return (before) => {
    if (match !== null) requireTag(match, before);
    if (noneMatch !== null && before !== null && holds(noneMatch, before)) {
      throw new ProblemDetails(
        "precondition-failed",
        `Cannot write container row ${quote(before.id)}: it is there already`,
        { headers: tagged(before) },
      );
    }
  };
}

/**
 * Refuses to write an entry or a stage when the request demands another than the one that is there
 * now. Nothing may be awaited between this and the write.
 *
 * @throws {ProblemDetails} `precondition-failed`, with the tag that it has now.
 */
export function requireUnchanged(headers: Headers, before: { readonly name: string }): void {
  const match = headers.get("if-match");
  const etag = entityTag(before);
  if (match === null || names(match, etag)) return;
  throw new ProblemDetails(
    "precondition-failed",
    `Cannot write ${quote(before.name)}: it is not as it was read`,
    { headers: { etag } },
  );
}

/**
 * Refuses to write a row that is not the one that was read.
 *
 * @throws {ProblemDetails} `precondition-failed`, with the tag that it has now.
 */
export function requireTag(wanted: string, before: ContainerView | null): void {
  if (before !== null && holds(wanted, before)) return;
  throw new ProblemDetails(
    "precondition-failed",
    before === null
      ? "Cannot write the container row: it is not there"
      : `Cannot write container row ${quote(before.id)}: it is not as it was read`,
    before === null ? {} : { headers: tagged(before) },
  );
}

function holds(tags: string, row: ContainerView): boolean {
  return names(tags, rowTag(row));
}

/** A weak tag is none that one may rely on before writing. */
function names(tags: string, own: string): boolean {
  return tags.split(",").some((tag) => tag.trim() === "*" || tag.trim() === own);
}

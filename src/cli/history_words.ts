/**
 * What happened, in words for a terminal. Pure.
 *
 * @module
 */

import type { AuditEntry } from "../model/access.ts";
import { roleText } from "../model/container.ts";
import type { HistoryEntry, PastSubject } from "../model/past.ts";
import { changeText } from "./change_words.ts";
import { fullTimeText, shortText, withLocalTimes } from "./moments.ts";
import { shortId, stateCell } from "./phrases.ts";
import type { Cell, Fit } from "./table.ts";

/** Titles of {@link historyCells}. */
export const HISTORY_HEADER: readonly string[] = ["TIME", "WORKLOAD", "WHAT", "CONTAINER", "WHY"];

/** What of it gives way on a narrow terminal. */
export const HISTORY_FIT: Fit = {
  keep: ["TIME", "WORKLOAD", "WHAT"],
  drop: ["CONTAINER", "WHY"],
};

/** One line of history; today is `now`'s. */
export function historyCells(entry: HistoryEntry, now: number): Cell[] {
  const { at, containerName, containerId } = entry;
  return [
    shortText(Date.parse(at), now),
    whoseText(entry),
    whatCell(entry),
    containerName ?? shortId(containerId),
    whyText(entry),
  ];
}

/** `site/blog`, `stack/shop web #2`; of a row that nobody remembers its id. */
export function subjectText(
  { id, workloadKind, workloadName, workloadId, role, replica }: Pick<
    PastSubject,
    "id" | "workloadKind" | "workloadName" | "workloadId" | "role" | "replica"
  >,
): string {
  const name = nameText({ kind: workloadKind, name: workloadName, id: workloadId });
  return name === null ? id : `${name}${whichText({ role, replica })}`;
}

/** ` web #2`; empty of the only one. A daemon of another version may tell of no replica. */
function whichText({ role, replica }: Pick<PastSubject, "role" | "replica">): string {
  const which = roleText({ role, replica: replica ?? 1 });
  return which === "" ? "" : ` ${which}`;
}

/** `site/blog`; null where nobody remembers it. */
export function nameText(
  { kind, name, id }: { kind: string | null; name: string | null; id: string | null },
): string | null {
  if (name === null) return id;
  return kind === null ? name : `${kind}/${name}`;
}

function whoseText({ host, workload, row, role, replica }: HistoryEntry): string {
  if (workload === null) return row ?? (host === undefined ? "this host" : "the host");
  return `${nameText(workload) ?? workload.id}${whichText({ role, replica })}`;
}

function whatCell(entry: HistoryEntry): Cell {
  const { what, problem } = entry;
  switch (what) {
    case "transition":
      return changeCell(entry);
    case "death":
      return {
        text: `† ended${entry.exitCode === null ? "" : ` (${entry.exitCode})`}`,
        style: entry.detail === "stop" || entry.exitCode === 0 ? "faint" : "warn",
      };
    case "problem-opened":
      return { text: `✗ ${problem?.kind}`, style: problem?.severity === "high" ? "bad" : "warn" };
    case "problem-closed":
      return { text: `✓ ${problem?.kind} is over`, style: "good" };
    case "audit":
      return { text: changeText(entry.audit), style: "faint" };
    case "restored":
      return { text: "restored from a backup", style: "warn" };
    case "watch-began":
      return { text: "watched from here on", style: "faint" };
    case "watch-ended":
      return { text: "not watched from here on", style: "faint" };
  }
}

function changeCell({ from, to, exitCode }: HistoryEntry): Cell {
  const { text, style } = stateCell(to ?? "", exitCode) as Exclude<Cell, string | number | null>;
  const before = from === null ? "new: " : from === to ? "" : `${from} → `;
  const after = from === to ? `${text}, other container` : text;
  return { text: `${before}${after}`, ...(style !== undefined && { style }) };
}

const ENDS: Readonly<Record<string, string>> = {
  stop: "stopped by an operator",
  kill: "killed by an operator",
  oom: "out of memory",
  crash: "crashed",
  exit: "ended by itself",
};
const OUTCOMES: Readonly<Record<string, string>> = {
  recovered: "it recovered",
  superseded: "another one took its place",
  gone: "what it was about is gone",
};

/** With what they did it. */
export function withText({ details }: Pick<AuditEntry, "details">): string {
  return Object.entries(details).map(([key, value]) => `${key}=${withLocalTimes(String(value))}`)
    .join(" ");
}

function whyText({ what, detail, cause, origin, audit }: HistoryEntry): string {
  if (what === "audit" && audit !== null) {
    const from = audit.remote === null ? audit.via : `${audit.via} from ${audit.remote}`;
    return `${audit.who} (${from}) ${withText(audit)}`.trimEnd();
  }
  if (what === "restored") {
    const by = audit === null ? "" : `, by ${audit.who}`;
    return `made ${fullTimeText(detail)}${by}`;
  }
  if (what === "death") return ENDS[detail] ?? detail;
  if (what === "problem-closed") return OUTCOMES[detail] ?? detail;
  // When it was seen stands in front already.
  if (origin?.by === "event") return origin.action;
  if (origin?.by === "listing") return cause === "sweep" ? "not listed any more" : "listed so";
  return detail;
}

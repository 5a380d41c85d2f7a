/**
 * In which order rows stand. What was sorted stays sorted at little cost, and while somebody is in the
 * list its order is held. Does no I/O.
 *
 * @module
 */

import type { Row } from "./live/rows.ts";

/** What can be sorted by. */
export type SortKey = "workload" | "host" | "name" | "state" | "image" | "since";

/** A key, and which end comes first. */
export interface Sort {
  /** What is compared. */
  readonly key: SortKey;
  /** The other way round. */
  readonly descending: boolean;
}

const KEYS: ReadonlySet<string> = new Set(["workload", "host", "name", "state", "image", "since"]);

/** States from the one that needs somebody to the one that needs nobody. */
const URGENCY: readonly string[] = [
  "missing",
  "absent",
  "restarting",
  "removing",
  "paused",
  "created",
  "pending",
  "stopped",
  "running",
  "completed",
];

/** The sorting of an address: `name`, or `-name` for the other way round. */
export function sortOf(query: URLSearchParams): Sort {
  const text = query.get("sort") ?? "workload";
  const key = text.replace(/^-/, "");
  if (!KEYS.has(key)) return { key: "workload", descending: false };
  return { key: key as SortKey, descending: text.startsWith("-") };
}

/** What `sort=` is after a column was chosen: once more turns it round. */
export function resorted({ key, descending }: Sort, chosen: SortKey): string {
  if (key !== chosen) return chosen === "workload" ? "" : chosen;
  if (descending) return chosen === "workload" ? "" : chosen;
  return `-${chosen}`;
}

/** Where a state stands, the most urgent first; one of the future among those that want a look. */
export function urgencyOf(state: string): number {
  const at = URGENCY.indexOf(state);
  return at < 0 ? 2.5 : at;
}

/** Keeps rows in order. */
export class Ordering {
  #ids: readonly string[] = [];

  /** The rows that `matches`, in order; as they stood when `held`, new ones behind. */
  order(
    rows: ReadonlyMap<string, Row>,
    { matches, compare, held, keep }: {
      matches: (row: Row) => boolean;
      compare: (a: Row, b: Row) => number;
      held: boolean;
      /** Id of a row that stays though it matches no more, or null. */
      keep: string | null;
    },
  ): Row[] {
    const ordered: Row[] = [];
    const seen = new Set<string>();
    for (const id of this.#ids) {
      const row = rows.get(id);
      if (row === undefined || !matches(row) && !(held && id === keep)) continue;
      ordered.push(row);
      seen.add(id);
    }
    for (const row of rows.values()) if (!seen.has(row.id) && matches(row)) ordered.push(row);
    // Nearly sorted is nearly free.
    if (!held) ordered.sort(compare);
    this.#ids = ordered.map(({ id }) => id);
    return ordered;
  }
}

/** Compares rows by a key; what is equal by workload, role, replica and id. */
export function comparator({ key, descending }: Sort, locale: string): (a: Row, b: Row) => number {
  const { compare: text } = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  const place = (a: Row, b: Row) =>
    (a.workloadName === b.workloadName ? 0 : text(a.workloadName, b.workloadName)) ||
    (a.workloadId < b.workloadId ? -1 : a.workloadId > b.workloadId ? 1 : 0) ||
    (a.role === b.role ? 0 : text(a.role, b.role)) ||
    a.replica - b.replica || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  const by: Readonly<Record<SortKey, (a: Row, b: Row) => number>> = {
    workload: place,
    host: (a, b) => a.host === b.host ? 0 : text(a.host, b.host),
    name: (a, b) => text(a.name, b.name),
    state: (a, b) =>
      urgencyOf(a.state) - urgencyOf(b.state) ||
      Number(b.health === "unhealthy") - Number(a.health === "unhealthy"),
    image: (a, b) => a.image === b.image ? 0 : text(a.image, b.image),
    since: (a, b) => b.since - a.since,
  };
  const turn = descending ? -1 : 1;
  return (a, b) => turn * by[key](a, b) || place(a, b);
}

/** The same within workloads, which stand by name. */
export function grouped(
  compare: (a: Row, b: Row) => number,
  locale: string,
): (a: Row, b: Row) => number {
  const { compare: text } = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  return (a, b) =>
    a.workloadId === b.workloadId
      ? compare(a, b)
      : text(a.workloadName, b.workloadName) || (a.workloadId < b.workloadId ? -1 : 1);
}

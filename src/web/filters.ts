/**
 * Which rows are shown: filters as they stand in the address, and what they let through. Pure.
 *
 * @module
 */

import type { Row } from "./live/rows.ts";

/** What can be chosen of several values. */
export type Facet = "kind" | "state" | "health";

/** In the order in which they are shown. */
export const FACETS: readonly Facet[] = ["kind", "state", "health"];

/** What is asked for. An empty set lets everything through. */
export interface Filters extends Readonly<Record<Facet, ReadonlySet<string>>> {
  /** Lower case; every word must be found in the row. */
  readonly search: string;
  /** Only rows with an open problem. */
  readonly problem: boolean;
  /** Only rows of this host of a hub; empty: of all. */
  readonly host: string;
}

/** How a row without a health check is chosen. */
export const NO_HEALTH = "none";

/** The filters of an address. Values that nothing has are kept: they may come. */
export function filtersOf(query: URLSearchParams): Filters {
  const set = (name: string) => new Set((query.get(name) ?? "").split(",").filter(Boolean));
  return {
    kind: set("kind"),
    state: set("state"),
    health: set("health"),
    problem: query.get("problem") === "yes",
    host: query.get("host") ?? "",
    search: (query.get("q") ?? "").trim().toLowerCase(),
  };
}

/** Whether any row could be hidden. */
export function filtersAnything(filters: Filters): boolean {
  return filters.search !== "" || filters.problem || filters.host !== "" ||
    FACETS.some((facet) => filters[facet].size > 0);
}

/** A row's value of a facet. */
function valueOf(row: Row, facet: Facet): string {
  if (facet === "kind") return row.workloadKind;
  return facet === "state" ? row.state : row.health ?? NO_HEALTH;
}

/** What lets a row through; `except` one facet, to count what choosing there would give. */
export function matcher(
  filters: Filters,
  { troubled, except }: { troubled: ReadonlySet<string>; except?: Facet },
): (row: Row) => boolean {
  const facets = FACETS.filter((facet) => facet !== except && filters[facet].size > 0);
  const words = filters.search.split(/\s+/).filter(Boolean);
  return (row) =>
    facets.every((facet) => filters[facet].has(valueOf(row, facet))) &&
    (!filters.problem || troubled.has(row.id)) &&
    (filters.host === "" || filters.host === row.host) &&
    (words.length === 0 || hasAll(row, words));
}

/** How many rows have which value, of those that the other filters let through. */
export function countValues(
  rows: Iterable<Row>,
  facet: Facet,
  options: { filters: Filters; troubled: ReadonlySet<string> },
): Map<string, number> {
  const matches = matcher(options.filters, { troubled: options.troubled, except: facet });
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = valueOf(row, facet);
    counts.set(value, (counts.get(value) ?? 0) + (matches(row) ? 1 : 0));
  }
  // What was chosen must be seen to be un-chosen.
  for (const value of options.filters[facet]) if (!counts.has(value)) counts.set(value, 0);
  return counts;
}

/** What `facet=` is in the address after a value was chosen or un-chosen; empty: nothing chosen. */
export function toggled(chosen: ReadonlySet<string>, value: string): string {
  const next = new Set(chosen);
  if (!next.delete(value)) next.add(value);
  return [...next].join(",");
}

function hasAll(row: Row, words: readonly string[]): boolean {
  const { id, workloadId, name, workloadName, role, image, stageName, subdomain, hostPort } = row;
  const text = [name, workloadName, role, image, stageName, subdomain, hostPort].join("\n")
    .toLowerCase();
  // Ids are made of chance: a letter of one says nothing, only the whole beginning does.
  return words.every((word) =>
    text.includes(word) ||
    word.length >= 6 && (id.toLowerCase().startsWith(word) || workloadId.startsWith(word))
  );
}

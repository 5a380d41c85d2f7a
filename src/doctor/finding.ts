/**
 * What a check of the whole finds: something that is wrong or could be better, in words, with what to
 * do about it. Does no I/O.
 *
 * @module
 */

/** `failure`: it does not work. `warning`: it will not, some day. `info`: worth knowing. */
export type FindingSeverity = "failure" | "warning" | "info";

/** Every severity, the worst first. */
export const SEVERITIES: readonly FindingSeverity[] = ["failure", "warning", "info"];

/** What a finding is about. */
export type FindingGroup =
  | "engine"
  | "daemon"
  | "data"
  | "host"
  | "containers"
  | "notifications";

/** Every group, in the order in which they are shown. */
export const GROUPS: readonly FindingGroup[] = [
  "engine",
  "daemon",
  "data",
  "host",
  "containers",
  "notifications",
];

/** Something that was found. */
export interface Finding {
  /** What programs tell findings apart by. */
  readonly code: string;
  /** How much it matters. */
  readonly severity: FindingSeverity;
  /** What it is about. */
  readonly group: FindingGroup;
  /** What was found, one line; values are quoted. */
  readonly what: string;
  /** Why it matters, one line. */
  readonly why: string;
  /** What to do, one line: the command that helps, where there is one. */
  readonly do: string;
}

/** Findings in the order in which they are shown: by group, the worst first in each. */
export function inShownOrder(findings: readonly Finding[]): Finding[] {
  const rank = ({ group, severity }: Finding) =>
    GROUPS.indexOf(group) * SEVERITIES.length + SEVERITIES.indexOf(severity);
  return findings.toSorted((a, b) => rank(a) - rank(b)).map(
    // As they are documented, whoever made them.
    ({ code, severity, group, what, why, do: remedy }) => ({
      ...{ code, severity, group, what, why, do: remedy },
    }),
  );
}

/** Names in a line: the first five, and how many more there are. */
export function named(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/**
 * Who is told of what: which workloads, kinds and severities go to which channels. Pure; must not
 * know what a channel is beyond its name.
 *
 * @module
 */

import type { Severity } from "../model/problem.ts";
import type { KeptRule } from "../store/channels.ts";

/** What a rule looks at. */
export interface RuledProblem {
  /** Null for a host's problem. */
  readonly workloadId: string | null;
  /** Name of its host, where there are several and it is one's. */
  readonly host?: string | null;
  /** Kind of problem. */
  readonly kind: string;
  /** How much it matters. */
  readonly severity: Severity;
  /** A channel that the problem is about: it can't be told of itself. */
  readonly channelId?: string;
}

/** A channel that is told. */
export interface Recipient {
  /** Id of the channel. */
  readonly channel: string;
  /** Remind so long after the last delivery, milliseconds; null for never. */
  readonly remindAfterMs: number | null;
}

/** Reminders come no closer than this, milliseconds. */
export const MIN_REMIND_MS = 5 * 60_000;

/** What holds where no rule was made. */
export const DEFAULT_RULE: KeptRule = {
  id: "default",
  workloads: null,
  kinds: null,
  minSeverity: "high",
  channels: null,
  remindAfterMs: null,
};

/** Who is told of a problem, each channel once, in the order of `channels`. */
export function recipientsOf(
  problem: RuledProblem,
  known: { readonly rules: readonly KeptRule[]; readonly channels: readonly string[] },
): Recipient[] {
  const rules = (known.rules.length === 0 ? [DEFAULT_RULE] : known.rules)
    .filter((rule) => covers(rule, problem));
  return known.channels.filter((channel) => channel !== problem.channelId).flatMap((channel) => {
    const naming = rules.filter(({ channels }) => channels?.includes(channel) ?? true);
    if (naming.length === 0) return [];
    const reminders = naming.map(remindAfter).filter((ms) => ms !== null);
    return [{ channel, remindAfterMs: reminders.length === 0 ? null : Math.min(...reminders) }];
  });
}

function covers(rule: KeptRule, { workloadId, host, kind, severity }: RuledProblem): boolean {
  const { hosts = null } = rule;
  if (hosts !== null && !(host && hosts.includes(host))) return false;
  if (rule.minSeverity === "high" && severity !== "high") return false;
  if (rule.kinds !== null && !rule.kinds.includes(kind)) return false;
  return rule.workloads === null || (workloadId !== null && rule.workloads.includes(workloadId));
}

function remindAfter({ remindAfterMs }: KeptRule): number | null {
  return remindAfterMs === null ? null : Math.max(MIN_REMIND_MS, remindAfterMs);
}

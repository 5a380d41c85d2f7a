/**
 * A problem as it is told: names in place of ids, evidence in lines, the command that helps. Pure;
 * must not bound or escape what others wrote, which is done where it is put into words.
 *
 * @module
 */

import { roleText } from "../model/container.ts";
import { type Evidence, type Problem, storyRemedy } from "../model/problem.ts";
import type { OnDamage } from "../store/damage.ts";
import { remedyCommand } from "../remedy_command.ts";
import { notJson } from "../store/error.ts";
import type { NoticeProblem } from "./notice.ts";
import { type EvidenceWords, wordFor, type Words } from "./words.ts";

/** Knows what things are called. */
export interface Names {
  /** Of a workload, as a command takes it; null for one that is not known any more. */
  readonly workload: (id: string) => string | null;
  /** Of a row within its workload, as {@linkcode rowName} has it; null where it needs none. */
  readonly row: (id: string) => string | null;
  /** Of the host that a problem is on, where there are several. */
  readonly host?: (problem: Problem) => string;
}

/** A row's name within its workload, as every table has it: `web`, `web #2`; null for a site's row. */
export function rowName(
  { role, replica }: { readonly role: string | null; readonly replica: number },
): string | null {
  if (role === null || role === "") return null;
  return roleText({ role, replica });
}

/** The same names, each workload's asked for once. */
export function remembered(names: Names): Names {
  const known = new Map<string, string | null>();
  const workload = (id: string): string | null => {
    let name = known.get(id);
    if (name === undefined) known.set(id, name = names.workload(id));
    return name;
  };
  return { ...names, workload };
}

/** A problem with names and words of its evidence. */
export function toldProblem(
  problem: Problem,
  { names, words }: { readonly names: Names; readonly words: Words },
): NoticeProblem {
  const { workloadId, rowId, containerName } = problem;
  return {
    ...(names.host !== undefined && { host: names.host(problem) }),
    key: problem.key,
    kind: problem.kind,
    severity: problem.severity,
    workload: workloadId === null ? null : names.workload(workloadId) ?? workloadId,
    row: rowId === null ? null : names.row(rowId),
    container: containerName === "" ? null : containerName,
    since: problem.since,
    closedAt: problem.closedAt,
    evidence: evidenceLines(problem.evidence, words.evidence),
    do: commandOf(problem, names),
  };
}

/** The same; where what was seen of it can't be put into words, it is what it is without that. */
export function tellable(
  problem: Problem,
  { onDamage, ...options }: {
    readonly names: Names;
    readonly words: Words;
    readonly onDamage: OnDamage;
  },
): NoticeProblem {
  try {
    return toldProblem(problem, options);
  } catch {
    onDamage(notJson("problems.evidence", { of: problem.key }));
    return toldProblem({ ...problem, evidence: {}, do: storyRemedy(problem) }, options);
  }
}

/** What was seen, the most telling first: of these two are told. */
function evidenceLines(evidence: Evidence, words: EvidenceWords): string[] {
  const { inspected, exitCode, how, count, atLeast, health, containers = [] } = evidence;
  const lines = [
    inspected?.error,
    inspected?.healthOutput,
    evidence.error,
    evidence.reason !== undefined && wordFor(words.refused, evidence.reason),
    evidence.found !== undefined && words.found(evidence.found, evidence.accepted ?? ""),
    containers.length > 0 && containers.map(({ name }) => name).join(", "),
    (inspected?.oomKilled || how === "oom") && words.outOfMemory,
    count !== undefined && words.times(count, atLeast ?? false),
    exitCode !== undefined && exitCode !== null && words.exitCode(exitCode),
    inspected !== undefined && inspected.restartCount > 0 &&
    words.restarted(inspected.restartCount, inspected.restartPolicy),
    typeof health === "string" && health !== "" && words.health(health),
    evidence.state !== undefined && words.state(evidence.state),
  ];
  return lines.filter((line) => typeof line === "string").map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The command that a person would type; null where none helps, or none can be shown safely. */
function commandOf({ do: remedy, workloadId }: Problem, { workload }: Names): string | null {
  // Nothing stands around it here: that to accept is for what is meant to be gone. The row's story
  // tells both ways.
  if (remedy.code === "bring-back") {
    return remedyCommand({ code: "explain", rowId: remedy.rowId }, null);
  }
  return remedyCommand(remedy, workloadId === null ? null : workload(workloadId) ?? workloadId);
}

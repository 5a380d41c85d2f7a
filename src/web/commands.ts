/**
 * Commands as they can be pasted into a shell: what helps with a problem, and what undoes what was
 * done here; words around them are the dictionaries'. Pure.
 *
 * @module
 */

import { remedyCommand } from "../remedy_command.ts";
import { shellCommand } from "../shell_word.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { ShownProblem } from "../server/problem_views.ts";

/** The command for a problem; null where no single command helps, or none can be shown safely. */
export function commandOf(
  { do: remedy, workload }: Pick<ShownProblem, "do" | "workload">,
): string | null {
  return remedyCommand(remedy, workload && nameOf(workload));
}

/** As a command understands it, whatever else has that name. */
function nameOf({ kind, name }: NonNullable<ShownProblem["workload"]>): string {
  return kind === null ? name : `${kind}/${name}`;
}

/** Forgets what was taken in and touches no container; null where it can't be shown safely. */
export function undoOf({ kind, name }: { kind: WorkloadKind; name: string }): string | null {
  return shellCommand(["tinyforge", "rm", "--force"], [kind, name]);
}

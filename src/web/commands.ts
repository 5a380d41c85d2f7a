/**
 * The command that helps, as it can be pasted into a shell. Which one is chosen by the problem's
 * code, or undoes what was done here; words around it are the dictionaries'. Pure.
 *
 * @module
 */

import { shellCommand } from "../shell_word.ts";
import type { WorkloadKind } from "../model/workload.ts";
import type { ShownProblem } from "../server/problem_views.ts";

/** The command for a problem; null where no single command helps, or none can be shown safely. */
export function commandOf(
  { do: remedy, workload }: Pick<ShownProblem, "do" | "workload">,
): string | null {
  const ofWorkload = (command: string) =>
    workload === null ? null : shellCommand(["tinyforge", command], [nameOf(workload)]);
  switch (remedy.code) {
    case "read-log":
      return shellCommand(["docker", "logs", "--tail", "50"], [remedy.container]);
    case "start":
      return shellCommand(["docker", "start"], [remedy.container]);
    case "raise-memory":
      return shellCommand(["docker", "stats", "--no-stream"], [remedy.container]);
    case "read-health":
      return shellCommand(["docker", "inspect", "--format", "'{{json .State.Health}}'"], [
        remedy.container,
      ]);
    case "bring-back":
      // To start it again is the other way, and nobody knows how: its container is gone.
      return ofWorkload("accept");
    case "explain":
      return shellCommand(["tinyforge", "explain"], [remedy.rowId]);
    case "unpause":
      return shellCommand(["docker", "unpause"], [remedy.container]);
    case "remove":
      return shellCommand(["docker", "rm", "--force"], remedy.containers.slice(0, 5));
    case "start-engine":
      return "sudo systemctl start docker";
    case "read-own-log":
      return "journalctl -u tinyforge -n 50";
    case "back-up":
      return "tinyforge backup";
    case "reach-host":
      return "tinyforge hub list";
    case "accept-engine":
      return "tinyforge engine accept";
    case "deploy":
    case "mend-labels":
      return ofWorkload("labels");
    default:
      // A daemon that is newer than this page may know others.
      return null;
  }
}

/** As a command understands it, whatever else has that name. */
function nameOf({ kind, name }: NonNullable<ShownProblem["workload"]>): string {
  return kind === null ? name : `${kind}/${name}`;
}

/** Forgets what was taken in and touches no container; null where it can't be shown safely. */
export function undoOf({ kind, name }: { kind: WorkloadKind; name: string }): string | null {
  return shellCommand(["tinyforge", "rm", "--force"], [kind, name]);
}

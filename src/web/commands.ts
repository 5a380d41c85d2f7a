/**
 * The command that helps, as it can be pasted into a shell. Which one is chosen by the problem's
 * code, or undoes what was done here; words around it are the dictionaries'. Pure.
 *
 * @module
 */

import { shellCommand } from "../shell_word.ts";
import type { Remedy } from "../model/problem.ts";
import type { WorkloadKind } from "../model/workload.ts";

/** The command for a problem; null where no single command helps, or none can be shown safely. */
export function commandOf(remedy: Remedy): string | null {
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
    case "accept-engine":
      return "tinyforge engine accept";
    case "deploy":
      return shellCommand(["tinyforge", "labels"], [remedy.workloadId]);
    case "mend-labels":
      return "tinyforge status";
    default:
      // A daemon that is newer than this page may know others.
      return null;
  }
}

/** Forgets what was taken in and touches no container; null where it can't be shown safely. */
export function undoOf({ kind, name }: { kind: WorkloadKind; name: string }): string | null {
  return shellCommand(["tinyforge", "rm", "--force"], [kind, name]);
}

/**
 * The command that helps with a problem, as it can be pasted into a shell: the same for a terminal, a
 * notification and the dashboard, which have words of their own around it. Pure.
 *
 * @module
 */

import type { Remedy } from "./model/problem.ts";
import { shellCommand } from "./shell_word.ts";

/**
 * The command for a remedy; null where no single command helps, or none can be shown safely.
 * `workload`: the problem's, as commands take it; null where it has none.
 */
export function remedyCommand(remedy: Remedy, workload: string | null): string | null {
  const ofWorkload = (command: string) =>
    workload === null ? null : shellCommand(["tinyforge", command], [workload]);
  switch (remedy.code) {
    case "read-log":
      return shellCommand(["docker", "logs", "--tail", "50"], [remedy.container]);
    case "start":
      return shellCommand(["docker", "start"], [remedy.container]);
    case "raise-memory":
      // How much is for a person to say: as it stands here Docker refuses it.
      return shellCommand(["docker", "update", "--memory", "SIZE"], [remedy.container]);
    case "read-health":
      return shellCommand(["docker", "inspect", "--format", "'{{json .State.Health}}'"], [
        remedy.container,
      ]);
    case "bring-back":
      // To start it again is the other way, and nobody knows how: its container is gone. To remove
      // the row alone does not help where one is expected: then it is absent.
      return ofWorkload("accept");
    case "explain":
      return shellCommand(["tinyforge", "explain"], [remedy.rowId]);
    case "unpause":
      return shellCommand(["docker", "unpause"], [remedy.container]);
    case "remove":
      return shellCommand(["docker", "rm", "--force"], remedy.containers.slice(0, 5));
    case "start-engine":
      return "systemctl start docker";
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
      // A daemon that is newer than who tells it may know others.
      return null;
  }
}

/**
 * Problems in words for a terminal: what was seen, and the command that helps. The judge knows codes
 * only. Pure.
 *
 * @module
 */

import type { Evidence } from "../model/problem.ts";
import type { ShownProblem } from "../server/problem_views.ts";
import { remedyCommand } from "../remedy_command.ts";
import { onOneLine, quote } from "../text.ts";
import { fullLocalText } from "./moments.ts";
import { shortId } from "./phrases.ts";
import { shellCommand, shellWord } from "../shell_word.ts";

/** What it is about: a row's container, a workload, or the host. */
export function subjectOf({ workload, container, row }: ShownProblem): string {
  if (workload === null) return "this host";
  const name = workloadOf({ workload });
  const which = container?.name || row;
  return which === null || which === workload.name ? name : `${name}, ${which}`;
}

/** The workload that it is about, as commands take it; empty for the host's. */
export function workloadOf({ workload }: Pick<ShownProblem, "workload">): string {
  if (workload === null) return "";
  const { kind, name } = workload;
  return kind === null ? name : `${kind}/${name}`;
}

/** What it was seen by, one line; may be empty. */
export function evidenceText({ kind, evidence }: Pick<ShownProblem, "kind" | "evidence">): string {
  const parts = [countText(kind, evidence), exitText(evidence)];
  if (evidence.state !== undefined && kind === "stuck") parts.push(evidence.state);
  if (evidence.reason !== undefined) parts.push(evidence.reason);
  if (evidence.error !== undefined && evidence.error !== "") parts.push(evidence.error);
  if (evidence.heardAt !== undefined) {
    parts.push(`heard of last at ${fullLocalText(evidence.heardAt)}`);
  }
  if (evidence.machines !== undefined) {
    parts.push(`several speak for it: ${evidence.machines.join(", ")}`);
  }
  if (evidence.found !== undefined) parts.push(`${evidence.found} answers`);
  if (evidence.containers !== undefined) {
    parts.push(
      `claimed by ${evidence.containers.map(({ id, name }) => name || shortId(id)).join(", ")}`,
    );
  }
  const { inspected } = evidence;
  if (inspected !== undefined) {
    if (inspected.error !== "") parts.push(quote(onOneLine(inspected.error), 200));
    if (inspected.oomKilled) parts.push("memory ran out");
    if (inspected.restartCount > 0) {
      const { restartCount } = inspected;
      parts.push(`restarted ${restartCount === 1 ? "once" : `${restartCount} times`}`);
    }
    if (inspected.healthOutput !== null && inspected.healthOutput !== "" && kind === "unhealthy") {
      parts.push(`the check said ${quote(onOneLine(inspected.healthOutput), 200)}`);
    }
  }
  return parts.filter((part) => part !== "").join("; ");
}

function countText(kind: ShownProblem["kind"], { count, atLeast }: Evidence): string {
  if (count === undefined) return "";
  const number = atLeast ? `at least ${count}` : `${count}`;
  return `${number} ${kind === "flapping" ? "change" : "death"}${count === 1 ? "" : "s"}`;
}

function exitText({ exitCode, how }: Evidence): string {
  const code = exitCode === undefined || exitCode === null ? "" : `exit code ${exitCode}`;
  const by = how === "stop" || how === "kill" ? "by an operator" : "";
  return [code, by].filter((part) => part !== "").join(", ");
}

/** The command that helps, as every surface has it, and what else does. */
export function remedyText(
  { do: remedy, workload }: Pick<ShownProblem, "do" | "workload">,
): string {
  const line = remedyCommand(remedy, workload === null ? null : workloadOf({ workload }));
  if (line === null) return UNTOLD;
  const it = `\`${line}\``;
  switch (remedy.code) {
    case "bring-back":
      return `start it again, or ${it} if it is meant to be gone`;
    case "deploy":
      return `start its container; ${it} tells how they are tied together`;
    case "raise-memory":
      return `raise its memory limit (${it}), or find out where it goes`;
    case "start-engine":
      return `${it}, then \`tinyforge status\``;
    case "read-own-log":
      return `${it}, then \`tinyforge reconcile --once\``;
    case "accept-engine":
      return `${it} if this is meant`;
    case "back-up":
      return `${it} says what is in its way`;
    case "reach-host":
      return `see that ${
        shellWord(remedy.host)
      } runs, and that \`tinyforge status\` there reaches the hub; ${it} shows ` +
        `since when it is silent; if it is gone for good, ${forgetHost(remedy.host)}`;
    case "mend-labels":
      return `correct its labels; ${it} prints them`;
    default:
      return it;
  }
}

/** What a name hides would be pasted with it. */
const UNTOLD = "no command can be shown for it; `tinyforge explain` tells its story";

function forgetHost(host: string): string {
  const line = shellCommand(["tinyforge", "hub", "rm"], [host]);
  return line === null ? "`tinyforge hub rm`" : `\`${line}\``;
}

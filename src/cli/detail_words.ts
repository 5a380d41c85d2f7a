/**
 * What is known of a row's container, in words for a terminal: since when it runs, how often it was
 * restarted, how it ended, what its health check says. Pure.
 *
 * @module
 */

import { MISSING } from "../model/container.ts";
import type { RowChange } from "../model/details.ts";
import type { DeathHow } from "../model/problem.ts";
import type { ContainerView } from "../model/views.ts";
import type { RowDetails, ShownDeath } from "../server/api/details.ts";
import { onOneLine, quote } from "../text.ts";
import { timeText } from "./moments.ts";
import { ago, counted, largestUnit, shortId } from "./phrases.ts";
import type { Cell } from "./table.ts";

/** Longest text of the container's own that is shown. */
const MAX_TOLD = 200;

/** How many ends are told of. */
const MAX_DEATHS = 3;

const HOW: Readonly<Record<DeathHow, string>> = {
  stop: "stopped by an operator",
  kill: "killed by an operator",
  oom: "memory ran out",
  crash: "crashed",
  exit: "ended by itself",
};

/** Titled lines about a row's container. */
export function detailCells(
  row: ContainerView,
  { details, deaths }: RowDetails,
  now: Date,
): Cell[][] {
  const cells: Cell[][] = [];
  if (details !== null) {
    const { startedAt, finishedAt, restartCount, restartPolicy, oomKilled, error } = details;
    if (row.state === "running" && startedAt !== null) {
      const span = largestUnit((now.getTime() - Date.parse(startedAt)) / 1000);
      cells.push(["up", `${span}, since ${timeText(startedAt, now)}`]);
    } else if (row.state !== MISSING && finishedAt !== null) {
      cells.push(["ended", `${timeText(finishedAt, now)}, ${ago(finishedAt, now)}`]);
    }
    const restarts = restartCount === 0 ? "none yet" : counted(restartCount, "restart");
    cells.push(["restarts", `${restarts}, policy ${quote(restartPolicy)}`]);
    if (oomKilled) cells.push(["memory", { text: "it ran out", style: "bad" }]);
    if (error !== "") cells.push(["error", quote(onOneLine(error), MAX_TOLD)]);
  }
  if (row.health !== null) {
    const text = `${row.health}, since ${ago(row.healthSince, now)}`;
    cells.push(["health", row.health === "unhealthy" ? { text, style: "bad" } : text]);
    const said = details?.healthOutput ?? "";
    if (said !== "") cells.push(["check said", quote(onOneLine(said), MAX_TOLD)]);
  }
  if (deaths.count > 0) {
    cells.push(["deaths", `${deaths.atLeast ? "at least " : ""}${deaths.count}`]);
    for (const death of deaths.last.slice(-MAX_DEATHS)) cells.push([" ", deathText(death, now)]);
  }
  return cells;
}

function deathText({ at, how, exitCode, ranSeconds, containerId }: ShownDeath, now: Date): string {
  const code = exitCode === null ? "" : ` (${exitCode})`;
  const ran = ranSeconds === null ? "" : ` after ${largestUnit(ranSeconds)}`;
  return `${ago(at, now)}: ${shortId(containerId)} ${HOW[how]}${code}${ran}`;
}

/** A row's story with what happened beside its states; each line begins with its time (RFC 3339). */
export function storyCells(
  story: readonly [at: string, ...Cell[]][],
  { changes, now }: { changes: readonly RowChange[]; now: Date },
): Cell[][] {
  const others = changes.map(({ at, field, from, to, containerId }): [string, ...Cell[]] => [
    at,
    from,
    "→",
    to ?? "none",
    shortId(containerId),
    field,
  ]);
  return [...story, ...others].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
    .map(([at, ...rest]) => [timeText(at, now), ...rest]);
}

/**
 * `tinyforge availability`: how much of the time workloads and rows ran.
 *
 * @module
 */

import type { RunningTime, WorkloadAvailability } from "../../model/past.ts";
import { partsOfId } from "../../model/hosts.ts";
import { quote } from "../../text.ts";
import { requireIndex } from "../client.ts";
import { EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { nameText, subjectText } from "../history_words.ts";
import { fullTimeText } from "../moments.ts";
import { hostAsked } from "../of_host.ts";
import { resolvePast } from "../past_name.ts";
import { readAvailability } from "../past_pages.ts";
import { noteUnheard } from "../past_words.ts";
import { type Cell, printTable } from "../table.ts";

const MAX_DAYS = 3650;

/** Prints it. */
export async function run(invocation: InvocationOf<"availability">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const days = readDays(invocation.flag("days"));
  const action = "tell the availability";
  const { found, row, many } = await requireIndex(invocation, async (api) => {
    const query = new URLSearchParams({ days: `${days}` });
    const host = await hostAsked(api, invocation.flag("host"), { action });
    const meant = name === undefined ? null : await resolvePast(api, name, { action, host });
    if (meant?.key === "workload") query.set("workload", meant.id);
    // A row's host is told by its id.
    const of = host ?? (meant?.key === "row" ? partsOfId(meant.id)?.host : undefined);
    if (api.many && of !== undefined) query.set("host", of);
    const found = await readAvailability(api, query);
    return { found, row: meant?.key === "row" ? meant.id : null, many: api.many };
  });
  const workloads = row === null ? found.workloads : ofRow(found.workloads, row);
  if (invocation.on("json")) {
    const { forgottenUntil, resolutionMs: _, ...window } = found;
    out.json({ ...window, forgottenUntil, workloads: workloads.map(withoutSpans) });
    return EXIT.done;
  }
  const one = name !== undefined;
  const lines = workloads.flatMap((workload): Cell[][] => [
    ...row === null ? [[...hostCells(workload), ...workloadCells(workload)]] : [],
    ...one
      ? workload.rows.map((each) => [
        ...hostCells(each),
        ...[`  ${subjectText(each)}`, ...timeCells(each), each.id],
      ])
      : [],
  ]);
  const header = [...many ? ["HOST"] : [], ...HEADER, ...one ? ["ROW"] : []];
  if (lines.length > 0) printTable(out, lines, { header, fit: FIT });
  const { from, forgottenUntil } = found;
  out.notes(
    lines.length === 0
      ? `Nothing was there since ${fullTimeText(from)}.`
      : `Since ${fullTimeText(from)}. Unknown time counts neither way.`,
  );
  if (forgottenUntil !== null && forgottenUntil > from) {
    const until = fullTimeText(forgottenUntil);
    out.notes(`What happened up to ${until} is forgotten${many ? ", of some hosts" : ""}.`);
  }
  noteUnheard(out, found.hosts ?? [], Date.now());
  return EXIT.done;
}

function hostCells({ host }: { readonly host?: string }): Cell[] {
  return host === undefined ? [] : [host];
}

const HEADER = ["WORKLOAD", "RUNNING", "PARTLY", "DOWN", "UNKNOWN"];
const FIT = { keep: ["RUNNING", "PARTLY", "DOWN", "UNKNOWN"], drop: ["ROW"] };

function readDays(text: string | undefined): number {
  if (text === undefined) return 30;
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MAX_DAYS) return days;
  throw usageError(
    `Cannot use --days ${quote(text)}: not a whole number from 1 to ${MAX_DAYS}`,
    "",
  );
}

function ofRow(workloads: readonly WorkloadAvailability[], row: string): WorkloadAvailability[] {
  return workloads.flatMap((workload) => {
    const rows = workload.rows.filter(({ id }) => id === row);
    return rows.length === 0 ? [] : [{ ...workload, rows }];
  });
}

function workloadCells(workload: WorkloadAvailability): Cell[] {
  const name = nameText(workload) ?? "not remembered";
  return [workload.removed ? `${name} (removed)` : name, ...timeCells(workload)];
}

function timeCells({ share, partlyMs, downMs, unknownMs }: RunningTime): Cell[] {
  return [shareCell(share), twoUnits(partlyMs), twoUnits(downMs), twoUnits(unknownMs)];
}

/** Never rounded up to all of it. */
function shareCell(share: number | null): Cell {
  if (share === null) return null;
  const text = `${share === 1 ? "100" : (Math.floor(share * 10_000) / 100).toFixed(2)} %`;
  return { text, style: share >= 0.999 ? "good" : share >= 0.99 ? "warn" : "bad" };
}

/** A span in its two largest units: `3d 4h`, `21m 3s`; `0` for none. */
function twoUnits(ms: number): string {
  let left = Math.ceil(ms / 1000);
  if (left === 0) return "0";
  const parts: string[] = [];
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]] as const) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || parts.length === 1) parts.push(count > 0 ? `${count}${unit}` : "");
    if (parts.length === 2) break;
  }
  return parts.filter((part) => part !== "").join(" ");
}

/** None was asked for. */
function withoutSpans({ spans: _, rows, ...workload }: WorkloadAvailability) {
  return { ...workload, rows: rows.map(({ spans: __, ...row }) => row) };
}

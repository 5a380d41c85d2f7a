/**
 * `tinyforge problems`: what is wrong, and what to do about it.
 *
 * @module
 */

import type { ShownProblem } from "../../server/problem_views.ts";
import { requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import type { Freshness } from "../../model/views.ts";
import { noteFreshness } from "../freshness.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { ago, largestUnit } from "../phrases.ts";
import { evidenceText, remedyText, subjectOf } from "../problem_words.ts";
import { type Cell, tableLines } from "../table.ts";
import { escapeControls, onOneLine } from "../../text.ts";

/** Prints them. */
export async function run(invocation: InvocationOf<"problems">): Promise<number> {
  const { out } = invocation;
  const all = invocation.on("all");
  const { index, problems } = await requireIndex(invocation, async (api) => {
    const host = await hostAsked(api, invocation.flag("host"), { action: "list problems" });
    const query = hostQuery(host, { all: all ? "true" : undefined });
    return await api.get<Answer>(`/api/problems${query}`);
  });
  if (invocation.on("json")) {
    out.json({ index, problems });
    noteFreshness(out, index);
    return EXIT.done;
  }
  if (problems.length === 0) {
    // What nobody looks at may be wrong.
    const known = index?.fresh ?? true;
    out.notes(!known ? "No problem is known." : all ? "Nothing was wrong." : "Nothing is wrong.");
    noteFreshness(out, index);
    return EXIT.done;
  }
  const now = new Date();
  const options = { width: out.size()?.columns ?? null, paint: out.paint.bind(out) };
  const lines = problems.toSorted(byGravity).flatMap((problem) => [
    tableLines([headOf(problem, now)], options).join(""),
    ...details(problem),
  ]);
  out.raw(lines.map((line) => `${line}\n`).join(""));
  noteFreshness(out, index);
  return EXIT.done;
}

/** What the API answers. */
interface Answer {
  /** A daemon of an older version says nothing of it. */
  readonly index?: Freshness;
  readonly problems: ShownProblem[];
}

/** What is open and grave first; among those alike the newest first, as they come. */
function byGravity(a: ShownProblem, b: ShownProblem): number {
  return rankOf(a) - rankOf(b);
}

function rankOf({ status, severity, silenced, muted }: ShownProblem): number {
  if (status !== "open") return status === "holding" ? 4 : 5;
  return (silenced || muted ? 2 : 0) + (severity === "high" ? 0 : 1);
}

/** Kind, what it is about, how long it has lasted. */
function headOf(problem: ShownProblem, now: Date): Cell[] {
  const { host, kind, severity, status, since, closedAt, silenced, muted } = problem;
  const end = closedAt === null ? now : new Date(closedAt);
  const lasted = largestUnit((end.getTime() - Date.parse(since)) / 1000);
  const style = status !== "open" ? "faint" : severity === "high" ? "bad" : "warn";
  const marks = [
    severity === "low" && status === "open" ? "low" : "",
    status === "holding" ? "may pass" : "",
    status === "closed" ? `over ${ago(closedAt, now)}` : "",
    silenced ? "silenced" : "",
    muted ? "muted: it flaps" : "",
  ].filter((mark) => mark !== "");
  return [
    { text: `${status === "open" ? "✗" : "○"} ${kind}`, style },
    ...host === undefined ? [] : [host],
    subjectOf(problem),
    `for ${lasted}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}`,
  ];
}

function details(problem: ShownProblem): string[] {
  const seen = evidenceText(problem);
  return [
    ...seen === "" ? [] : [`    ${shown(seen)}`],
    ...problem.status === "closed" ? [] : [`    do: ${shown(remedyText(problem))}`],
  ];
}

/** On one line, and as it is: what reorders or hides text is shown. */
function shown(text: string): string {
  return escapeControls(onOneLine(text));
}

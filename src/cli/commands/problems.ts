/**
 * `tinyforge problems`: what is wrong, and what to do about it.
 *
 * @module
 */

import type { ShownProblem } from "../../server/problem_views.ts";
import { requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { ago, spanText } from "../phrases.ts";
import { evidenceText, remedyText, subjectOf } from "../problem_words.ts";
import { type Cell, tableLines } from "../table.ts";
import { onOneLine } from "../../text.ts";

/** Prints them. */
export async function run(invocation: InvocationOf<"problems">): Promise<number> {
  const { out } = invocation;
  const all = invocation.on("all");
  const { problems } = await requireIndex(invocation, async (api) => {
    const host = await hostAsked(api, invocation.flag("host"), { action: "list problems" });
    const query = hostQuery(host, { all: all ? "true" : undefined });
    return await api.get<{ problems: ShownProblem[] }>(`/api/problems${query}`);
  });
  if (invocation.on("json")) {
    out.json({ problems });
    return EXIT.done;
  }
  if (problems.length === 0) {
    out.notes(all ? "Nothing was wrong." : "Nothing is wrong.");
    return EXIT.done;
  }
  const now = new Date();
  const options = { width: out.size()?.columns ?? null, paint: out.paint.bind(out) };
  const lines = problems.flatMap((problem) => [
    tableLines([headOf(problem, now)], options).join(""),
    ...details(problem),
  ]);
  out.raw(lines.map((line) => `${line}\n`).join(""));
  return EXIT.done;
}

/** Kind, what it is about, how long it has lasted. */
export function headOf(problem: ShownProblem, now: Date): Cell[] {
  const { host, kind, severity, status, since, closedAt, silenced, muted } = problem;
  const end = closedAt === null ? now : new Date(closedAt);
  const lasted = spanText((end.getTime() - Date.parse(since)) / 1000);
  const style = status !== "open" ? "faint" : severity === "high" ? "bad" : "warn";
  const marks = [
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
    ...seen === "" ? [] : [`    ${onOneLine(seen)}`],
    ...problem.status === "closed" ? [] : [`    do: ${onOneLine(remedyText(problem))}`],
  ];
}

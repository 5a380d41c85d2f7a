/**
 * `tinyforge problems`: what is wrong, and what to do about it.
 *
 * @module
 */

import { byName, firstNames, together } from "../../alike.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import type { Freshness } from "../../model/views.ts";
import { noteFreshness } from "../freshness.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { ago, largestUnit } from "../phrases.ts";
import { evidenceText, remedyText, subjectOf, workloadOf } from "../problem_words.ts";
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
  const each = invocation.on("each");
  const entries = together(problems.toSorted(byGravity), each ? () => null : alikeKey);
  const lines = entries.flatMap((alike) => [
    tableLines([headOf(alike, now)], options).join(""),
    ...details(alike),
  ]);
  out.raw(lines.map((line) => `${line}\n`).join(""));
  if (entries.length < problems.length) {
    out.notes("Alike ones are told as one: `tinyforge problems --each` tells of each.");
  }
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

/** By what problems are told as one: all but rows, containers and times is the same. */
function alikeKey(problem: ShownProblem): string | null {
  const { host, kind, severity, status, workload, silenced, muted } = problem;
  return workload === null
    ? null
    : JSON.stringify([host, kind, severity, status, workload.id, silenced, muted]);
}

/** Kind, what it is about, how long it has lasted; of several that are alike. */
function headOf(alike: readonly ShownProblem[], now: Date): Cell[] {
  const [{ host, kind, severity, status, silenced, muted }] = alike as [ShownProblem];
  const lasted = alike.map(({ since, closedAt }) =>
    ((closedAt === null ? now.getTime() : Date.parse(closedAt)) - Date.parse(since)) / 1000
  );
  const spans = [Math.min(...lasted), Math.max(...lasted)].map(largestUnit);
  const ends = alike.map(({ closedAt }) => closedAt ?? "").sort();
  const style = status !== "open" ? "faint" : severity === "high" ? "bad" : "warn";
  const marks = [
    severity === "low" && status === "open" ? "low" : "",
    status === "holding" ? "may pass" : "",
    status === "closed" ? `over ${ago(ends.at(-1)!, now)}` : "",
    silenced ? "silenced" : "",
    muted ? "muted: it flaps" : "",
  ].filter((mark) => mark !== "");
  return [
    { text: `${status === "open" ? "✗" : "○"} ${kind}`, style },
    ...host === undefined ? [] : [host],
    alike.length === 1 ? subjectOf(alike[0]!) : `${workloadOf(alike[0]!)}, ${alike.length} alike`,
    `for ${[...new Set(spans)].join(" to ")}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}`,
  ];
}

function details(alike: readonly ShownProblem[]): string[] {
  const ordered = byName(alike, whichOf);
  const [first] = ordered as [ShownProblem];
  const seen = oneOf(alike.map(evidenceText));
  const remedy = oneOf(alike.map(remedyText));
  return [
    ...alike.length === 1 ? [] : [`    ${shown(namesOf(ordered))}`],
    ...seen === null || seen === "" ? [] : [`    ${shown(seen)}`],
    ...first.status === "closed" ? [] : [
      remedy === null
        ? `    do, as for one of them: ${shown(remedyText(first))}`
        : `    do: ${shown(remedy)}`,
    ],
  ];
}

function namesOf(ordered: readonly ShownProblem[]): string {
  const { named, more } = firstNames(ordered, whichOf);
  return `${named.join(", ")} and ${more} more`;
}

function whichOf({ container, row }: ShownProblem): string {
  return container?.name || row || "";
}

/** What all of them say, or null. */
function oneOf(texts: readonly string[]): string | null {
  return new Set(texts).size === 1 ? texts[0]! : null;
}

/** On one line, and as it is: what reorders or hides text is shown. */
function shown(text: string): string {
  return escapeControls(onOneLine(text));
}

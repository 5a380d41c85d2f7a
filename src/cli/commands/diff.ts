/**
 * `tinyforge diff`: what differs between then and now, row by row.
 *
 * @module
 */

import type { PastRow } from "../../model/past.ts";
import { requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { subjectText } from "../history_words.ts";
import { fullLocalText, readMoment } from "../moments.ts";
import type { Freshness } from "../../model/views.ts";
import { noteFreshness } from "../freshness.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { readIndexThen } from "../past_pages.ts";
import { notePast, pastStateCell } from "../past_words.ts";
import { shortId } from "../phrases.ts";
import { type Cell, printTable } from "../table.ts";

/** What of a row can differ. */
type Differs = "state" | "container" | "image";

/** A row that is not as it was. */
interface Difference {
  readonly id: string;
  /** Null: it was not there. */
  readonly then: PastRow | null;
  /** Null: it is not there. */
  readonly now: PastRow | null;
  /** In what; all of it where it is new or gone. */
  readonly differs: readonly Differs[];
}

/** Prints what differs. */
export async function run(invocation: InvocationOf<"diff">): Promise<number> {
  const { out } = invocation;
  const since = invocation.flag("since") ?? "24h";
  const { ms, note } = readMoment(since, { flag: "since", now: Date.now() });
  if (note !== null) out.notes(note);
  const { then, now, index, many } = await requireIndex(invocation, async (api) => {
    const host = await hostAsked(api, invocation.flag("host"), { action: "compare" });
    const at = (moment: number) => {
      const query = new URLSearchParams({ at: new Date(moment).toISOString() });
      if (host !== undefined) query.set("host", host);
      return readIndexThen(api, query);
    };
    const index = await api.get<Freshness>(`/api/index${hostQuery(host)}`);
    return { then: await at(ms), now: await at(Date.now()), index, many: api.many };
  });
  const differences = differencesOf(then.items, now.items);
  if (invocation.on("json")) {
    const { items: _, ...thenOnly } = then;
    const { items: __, ...nowOnly } = now;
    out.json({ then: thenOnly, now: nowOnly, items: differences });
    return EXIT.done;
  }
  if (differences.length > 0) {
    const lines = differences.map((each) => [
      ...many ? [(each.now ?? each.then)?.host ?? ""] : [],
      ...cells(each),
    ]);
    printTable(out, lines, { header: many ? ["HOST", ...HEADER] : HEADER, fit: FIT });
  }
  const nothing = differences.length === 0 ? "Nothing differs between" : "Between";
  out.notes(`${nothing} ${fullLocalText(ms)} and now.`);
  notePast(out, then);
  noteFreshness(out, index);
  return EXIT.done;
}

const HEADER = ["WORKLOAD", "THEN", "NOW", "WHAT", "ROW"];
const FIT = { keep: ["THEN", "NOW", "WHAT", "ROW"], drop: ["ROW"] };

function differencesOf(then: readonly PastRow[], now: readonly PastRow[]): Difference[] {
  const before = new Map(then.map((row) => [row.id, row]));
  const after = new Map(now.map((row) => [row.id, row]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((id): Difference[] => {
    const [was, is] = [before.get(id) ?? null, after.get(id) ?? null];
    const differs = differsIn(was, is);
    return differs.length === 0 ? [] : [{ id, then: was, now: is, differs }];
  });
}

/** What nobody knows any more is not told to be another. */
function differsIn(was: PastRow | null, is: PastRow | null): Differs[] {
  if (was === null || is === null) return ["state", "container", "image"];
  const other = (a: string | null, b: string | null) => a !== null && b !== null && a !== b;
  return [
    ...was.state !== is.state || was.exitCode !== is.exitCode ? ["state" as const] : [],
    ...other(was.containerId, is.containerId) ? ["container" as const] : [],
    ...other(was.imageRef, is.imageRef) ? ["image" as const] : [],
  ];
}

function cells({ id, then, now, differs }: Difference): Cell[] {
  return [
    subjectText((now ?? then)!),
    then === null ? "not there" : pastStateCell(then),
    now === null ? "not there" : pastStateCell(now),
    whatText({ then, now, differs }),
    id,
  ];
}

function whatText({ then, now, differs }: Omit<Difference, "id">): string {
  if (then === null) return `new${now!.imageRef === null ? "" : `, of ${now!.imageRef}`}`;
  if (now === null) return "removed";
  if (differs.includes("image")) return `${then.imageRef} → ${now.imageRef}`;
  if (differs.includes("container")) return `other container, ${shortId(now.containerId)}`;
  return now.containerName ?? "";
}

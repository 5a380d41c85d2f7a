/**
 * `tinyforge ps --at`: the index as it was.
 *
 * @module
 */

import { roleText } from "../../model/container.ts";
import type { PastRow } from "../../model/past.ts";
import { requireIndex } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { fullLocalText, readMoment, shortText } from "../moments.ts";
import { hostAsked } from "../of_host.ts";
import { readIndexThen } from "../past_pages.ts";
import { notePast, pastStateCell } from "../past_words.ts";
import { resolvePast } from "../past_name.ts";
import { KNOWN_STATES, shortId } from "../phrases.ts";
import { type Cell, printTable } from "../table.ts";
import { nearest } from "../nearest.ts";
import { quote } from "../../text.ts";

/** Prints it. */
export async function run(invocation: InvocationOf<"ps">): Promise<number> {
  const { out } = invocation;
  const other = (["watch", "fresh"] as const).find((name) => invocation.on(name));
  if (other !== undefined) {
    throw usageError(`Cannot show what was: --at goes without --${other}`, "");
  }
  const { ms, note } = readMoment(invocation.flag("at")!, { flag: "at", now: Date.now() });
  if (note !== null) out.notes(note);
  const [kind, state, name] = (["kind", "state", "workload"] as const)
    .map((flag) => invocation.flag(flag));
  if (state !== undefined) checkState(state);
  const action = "list rows";
  const { past, many } = await requireIndex(invocation, async (api) => {
    const host = await hostAsked(api, invocation.flag("host"), { action });
    const query = new URLSearchParams({ at: new Date(ms).toISOString() });
    if (host !== undefined) query.set("host", host);
    if (kind !== undefined) query.set("kind", kind);
    if (state !== undefined) query.set("state", state);
    if (name !== undefined) {
      const { key, id } = await resolvePast(api, name, { action, host });
      if (key === "row") {
        throw new CommandError(`Cannot list rows: ${quote(name)} is a row and no workload`, {
          code: "not-found",
        });
      }
      query.set("workload", id);
    }
    return { past: await readIndexThen(api, query), many: api.many };
  });
  if (invocation.on("json")) {
    out.json(past);
    return EXIT.done;
  }
  const lines = past.items.toSorted(byName)
    .map((row) => [...many ? [row.host ?? ""] : [], ...cells(row)]);
  printTable(out, lines, { header: many ? ["HOST", ...HEADER] : HEADER, fit: FIT });
  out.notes(`As of ${fullLocalText(ms)}.`);
  notePast(out, past);
  return EXIT.done;
}

const HEADER = ["WORKLOAD", "KIND", "ROLE/STAGE", "STATE", "SINCE", "CONTAINER", "IMAGE", "ROW"];
const FIT = { keep: ["STATE", "SINCE", "ROW"], drop: ["IMAGE", "KIND", "SINCE"] };

function cells(row: PastRow): Cell[] {
  const name = row.workloadName ?? row.workloadId;
  const role = roleText({ role: row.role, replica: row.replica ?? 1 });
  return [
    row.removed && name !== null ? `${name} (removed)` : name,
    row.workloadKind,
    role || row.stageName,
    pastStateCell(row),
    row.since === null ? null : shortText(Date.parse(row.since), Date.now()),
    row.containerName ?? shortId(row.containerId),
    row.imageRef,
    row.id,
  ];
}

function checkState(state: string): void {
  const meant = nearest(state, KNOWN_STATES);
  // An Engine of another time may have had states that nobody knows here.
  if (KNOWN_STATES.includes(state) || meant === null) return;
  throw usageError(
    `Cannot use --state ${quote(state)}: no row was in it`,
    `did you mean ${quote(meant)}?`,
  );
}

function byName(a: PastRow, b: PastRow): number {
  const key = ({ host = "", workloadName, role, id }: PastRow) =>
    `${host} ${workloadName} ${role} ${id}`;
  return key(a) < key(b) ? -1 : 1;
}

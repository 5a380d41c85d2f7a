/**
 * `tinyforge ps`: the index as a table, once or again at each change.
 *
 * @module
 */

import { roleText } from "../../model/container.ts";
import { utf8 } from "../../bytes.ts";
import { isHosted, UNKNOWN } from "../../model/hosts.ts";
import type { ContainerView, Freshness } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import type { IndexSummary } from "../../server/schema.ts";
import { type ReadApi, withIndex } from "../client.ts";
import { EXIT, usageError } from "../command.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";
import { noteFreshness } from "../freshness.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { nearest } from "../nearest.ts";
import {
  ago,
  healthCell,
  KNOWN_STATES,
  shortId,
  stateCell,
  unclaimedCell,
  uptimeCell,
} from "../phrases.ts";
import { readRows, readRowsInPieces, type RowFilter } from "../rows.ts";
import { type Cell, tableLines } from "../table.ts";
import { resolveWorkload, resolveWorkloads } from "../workload_name.ts";

/** Prints the index; with `--watch` until it is interrupted. */
export async function run(invocation: InvocationOf<"ps">): Promise<number> {
  const { out } = invocation;
  const paint = out.paint.bind(out);
  if (invocation.flag("at") !== undefined) {
    return await (await import("./ps_at.ts")).run(invocation);
  }
  if (invocation.on("watch")) {
    if (invocation.on("json")) {
      throw usageError(
        "Cannot watch as JSON: --json prints one document",
        "the daemon's GET /api/events streams changes as JSON",
      );
    }
    return await (await import("../watch.ts")).watch(invocation, {
      read: async (api) => sorted((await readRowsOrNone(api, await filter(api, invocation))).items),
      fingerprint: (rows) => JSON.stringify(rows.map((row) => ({ ...row, lastSeenAt: null }))),
      draw: (rows, width) => psLines(rows, { width, now: new Date(), paint }),
    });
  }
  if (invocation.on("json")) {
    const { items, index, note } = await withIndex(invocation, async (api) => {
      const { note, many: _, ...wanted } = await filter(api, invocation);
      const read = api === null ? NO_INDEX : await readRowsInPieces(api, wanted);
      return { ...read, note };
    }, { fresh: invocation.on("fresh") });
    out.jsonPieces([utf8(`{"index":${JSON.stringify(index)},"items":[`), ...items, utf8("]}")]);
    noteFreshness(out, index);
    if (note !== null) out.notes(note);
    return EXIT.done;
  }
  const { rows, note, index, age, many } = await withIndex(invocation, async (api) => {
    const { note, many, ...wanted } = await filter(api, invocation);
    const { items, index: age } = await readRowsOrNone(api, wanted);
    const rows = sorted(items);
    const index = rows.length > 0 ? null : await readSummary(api);
    return { rows, note, index, age, many };
  }, { fresh: invocation.on("fresh") });
  const width = out.size()?.columns ?? null;
  const lines = psLines(rows, { width, now: new Date(), paint, many });
  out.raw(lines.map((line) => `${line}\n`).join(""));
  noteFreshness(out, age);
  if (rows.length > 0) return EXIT.done;
  if (note !== null) out.notes(note);
  if (many) {
    const asked = (["host", "kind", "state", "workload"] as const)
      .some((name) => invocation.flag(name) !== undefined);
    const none = asked ? "No host has such a row" : "No host has any row";
    if (note === null) out.notes(`${none}; \`tinyforge hub list\` shows the hosts.`);
    return EXIT.done;
  }
  const { firstRun, firstRunLines } = await import("../first_run.ts");
  const first = await firstRun(index, invocation.config());
  if (first !== null) out.notes(...firstRunLines(first));
  return EXIT.done;
}

/** What there is where no index is yet. */
const NO_INDEX = { items: [], index: null };

async function readRowsOrNone(
  api: ReadApi | null,
  wanted: RowFilter,
): Promise<{ items: ContainerView[]; index: Freshness | null }> {
  return api === null ? { items: [], index: null } : await readRows(api, wanted);
}

async function readSummary(api: ReadApi | null): Promise<IndexSummary | null> {
  return await api?.get<IndexSummary>("/api/index") ?? null;
}

/**
 * What was asked for, as the API takes it, and what to say when that is a state which no row is in.
 *
 * @throws {CommandError} There is no such workload, or no row can be in that state.
 */
async function filter(
  api: ReadApi | null,
  { flag, on }: InvocationOf<"ps">,
): Promise<RowFilter & { note: string | null; many: boolean }> {
  const [state, name] = [flag("state"), flag("workload")];
  const host = await hostAsked(api, flag("host"), { action: "list rows" });
  const many = api?.many ?? false;
  const note = state === undefined || many && state === UNKNOWN
    ? null
    : checkState(state, await readSummary(api));
  const wanted = { host, kind: flag("kind"), state, fresh: on("fresh"), note, many };
  if (name === undefined || api === null) return wanted;
  const { items } = await api.get<{ items: Workload[] }>(`/api/workloads${hostQuery(host)}`);
  return { ...wanted, ...meantBy(items, name, { many, kind: wanted.kind }) };
}

/** Which workload's rows; several hosts may have one of the same kind and name. */
function meantBy(
  items: readonly Workload[],
  name: string,
  { many, kind }: { many: boolean; kind: string | undefined },
): Pick<RowFilter, "workload" | "kind"> {
  if (!many) return { workload: resolveWorkload(items, name, { action: "list rows" }).id, kind };
  const [one] = resolveWorkloads(items, name, { action: "list rows" });
  return one!.id === name
    ? { workload: one!.id, kind }
    : { workload: one!.name, kind: kind ?? one!.kind };
}

/**
 * An empty table looks the same for a state that no row is in and for one that is misspelt. The
 * Engine may make up states, so one that a row is in can be asked for whatever it is.
 */
function checkState(state: string, index: IndexSummary | null): string | null {
  const present = [...new Set(index?.counts.map((counted) => counted.state))].sort();
  if (present.includes(state)) return null;
  if (!KNOWN_STATES.includes(state)) {
    const possible = [...new Set([...KNOWN_STATES, ...present])];
    const meant = nearest(state, possible);
    throw usageError(
      `Cannot use --state ${quote(state)}: no row can be in it`,
      meant === null ? `states are ${possible.join(", ")}` : `did you mean ${quote(meant)}?`,
    );
  }
  return present.length === 0
    ? null
    : `No row is in state ${quote(state)}; there are: ${present.join(", ")}.`;
}

/** The table of these rows, the header first, at most `width` wide. */
export function psLines(
  rows: readonly ContainerView[],
  options: {
    width: number | null;
    now: Date;
    paint: NonNullable<Parameters<typeof tableLines>[1]>["paint"];
    /** Whether they can be of several hosts; as they are by default. */
    many?: boolean;
  },
): string[] {
  const { width, now, paint, many = rows.some(isHosted) } = options;
  const cells = rows.map((row): Cell[] => [
    ...many ? [row.host] : [],
    row.workloadName,
    row.workloadKind,
    roleText(row) || row.stageName,
    row.claimed ? stateOf(row) : unclaimedCell(stateOf(row)),
    healthCell(row.health),
    uptimeCell(row, now),
    row.containerName || shortId(row.containerId),
    row.imageRef,
    row.port,
    ago(isHosted(row) && row.state === UNKNOWN ? row.heardAt : row.lastSeenAt, now),
    row.id,
  ]);
  return tableLines(cells, {
    header: [...many ? ["HOST"] : [], ...HEADER],
    width,
    fit: FIT,
    ...(paint !== undefined && { paint }),
  });
}

/** Of a host that is not heard of with what it said last. */
function stateOf(row: ContainerView): Cell {
  const cell = stateCell(row.state, row.state === UNKNOWN ? null : row.exitCode);
  if (!isHosted(row) || row.state !== UNKNOWN) return cell;
  return { ...cell as object, text: `? ${UNKNOWN}, was ${row.lastState}` } as Cell;
}

const HEADER = [
  "WORKLOAD",
  "KIND",
  "ROLE/STAGE",
  "STATE",
  "HEALTH",
  "UP",
  "CONTAINER",
  "IMAGE",
  "PORT",
  "SEEN",
  "ROW",
];

const FIT = {
  keep: ["HOST", "STATE", "ROW"],
  drop: ["IMAGE", "KIND", "PORT", "SEEN", "UP", "HEALTH"],
};

/** People look for a name, not for an id. */
function sorted(rows: ContainerView[]): ContainerView[] {
  return rows.sort((a, b) =>
    compare(a.workloadName, b.workloadName) || compare(a.workloadKind, b.workloadKind) ||
    compare(a.host, b.host) || compare(a.role ?? "", b.role ?? "") || a.replica - b.replica ||
    compare(a.id, b.id)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

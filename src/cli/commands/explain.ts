/**
 * `tinyforge explain ROW`: what happened to a row, and what set its present state.
 *
 * @module
 */

import { MISSING } from "../../model/container.ts";
import type { UnclaimedReason } from "../../model/pass.ts";
import type { ContainerView, Freshness, ShownTransition } from "../../model/views.ts";
import { type ReadApi, requireIndex } from "../client.ts";
import { CommandError, EXIT } from "../command.ts";
import { quote } from "../../text.ts";
import type { DiscoverAnswer } from "../../server/adopt_schema.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { evidenceText, remedyText } from "../problem_words.ts";
import type { InvocationOf } from "../commands.ts";
import { readRows } from "../rows.ts";
import { noteFreshness } from "../freshness.ts";
import { nearest } from "../nearest.ts";
import { wayOut } from "../way_out.ts";
import type { RowDetails } from "../../server/api/details.ts";
import { detailCells, storyCells } from "../detail_words.ts";
import { ago, roleText, shortId, stateCell } from "../phrases.ts";
import { shellCommand } from "../../shell_word.ts";
import { type Cell, tableLines } from "../table.ts";

/** Prints a row's story, oldest first. */
export async function run(invocation: InvocationOf<"explain">): Promise<number> {
  const { out, operands } = invocation;
  const { rowId, row, transitions, problems, details, index, changed } = await requireIndex(
    invocation,
    async (api) => {
      const found = await findRow(api, operands[0]);
      const path = `/api/problems?row=${encodeURIComponent(found.rowId)}`;
      const { problems } = await api.get<{ problems: ShownProblem[] }>(path);
      const details = await api.get<RowDetails>(
        `/api/containers/${encodeURIComponent(found.rowId)}/details`,
      );
      const index = await api.get<Freshness>("/api/index");
      const changed = await isChanged(api, found.row, index);
      return { ...found, problems, details, index, changed };
    },
  );
  noteFreshness(out, index);
  // A deployer who binds a row to another container leaves the state as it was.
  const setBy =
    transitions.findLast((t) =>
      t.to === row?.state && !(t.cause === "deployer" && t.from === t.to)
    ) ?? null;
  if (invocation.on("json")) {
    const { fresh, asOf, reason } = index;
    out.json({
      ...{ id: rowId, index: { fresh, asOf, reason }, row, setBy, configChanged: changed },
      ...{ transitions, problems },
      ...details,
    });
    return EXIT.done;
  }
  const now = new Date();
  const draw = (rows: Cell[][]) =>
    tableLines(rows, { width: out.size()?.columns ?? null, paint: out.paint.bind(out) })
      .map((line) => `${line}\n`).join("");
  out.raw(draw(
    row === null ? [["row", rowId], ["state", REMOVED]] : [
      ...facts(row, setBy, now),
      ...detailCells(row, details, now),
    ],
  ));
  if (row !== null && changed === true) {
    const again = shellCommand(["tinyforge", "adopt"], [row.workloadName]);
    out.raw(draw([
      ["file", { text: "its configuration changed since it was taken in", style: "warn" }],
      ["to do", again === null ? "adopt it again" : `\`${again}\` takes it in as it is now`],
    ]));
  }
  for (const problem of problems) {
    const seen = evidenceText(problem);
    out.raw(draw([
      ["problem", {
        text: `✗ ${problem.kind}, since ${ago(problem.since, now)}${
          seen === "" ? "" : `: ${seen}`
        }`,
        style: problem.severity === "high" ? "bad" : "warn",
      }],
      ["do", remedyText(problem.do)],
    ]));
  }
  if (transitions.length === 0) {
    out.notes("Nothing is recorded: its transitions are older than what is kept.");
    return EXIT.done;
  }
  out.raw(`\n${draw(storyCells(transitions.map(event), details.changes))}`);
  return EXIT.done;
}

/** Whether Compose gave the row's service another configuration than was taken in; null: unknown. */
async function isChanged(
  api: ReadApi,
  row: ContainerView | null,
  { fresh }: Freshness,
): Promise<boolean | null> {
  // Only labels tell, and where the index is old the Engine may take long not to answer.
  if (row?.workloadKind !== "stack" || !fresh) return null;
  const found = await api.get<DiscoverAnswer>("/api/discover").catch(() => null);
  if (found === null) return null;
  const stack = found.registered.find(({ workloadId }) => workloadId === row.workloadId);
  return stack?.changed.includes(row.role ?? "") ?? false;
}

const REMOVED = "removed: the row is no longer in the index";

function facts(row: ContainerView, setBy: ShownTransition | null, now: Date): Cell[][] {
  const role = roleText(row);
  return [
    ["row", row.id],
    ["workload", `${row.workloadKind}/${row.workloadName}${role === "" ? "" : `, role ${role}`}`],
    ["state", stateCell(row.state, row.exitCode)],
    [
      "set by",
      setBy === null ? "not recorded any more" : `${causeText(setBy)}, ${ago(setBy.at, now)}`,
    ],
    ["container", containerText(row)],
    ...row.claimed ? [] : claimCells(row),
    [
      "last seen",
      row.lastSeenAt === null ? "never" : `${row.lastSeenAt}, ${ago(row.lastSeenAt, now)}`,
    ],
  ];
}

/** Why the container does not claim the row, and what to do. */
function claimCells({ unclaimedReason, unclaimedValue }: ContainerView): Cell[][] {
  const reason = unclaimedReason as UnclaimedReason;
  const value = unclaimedValue === null || unclaimedValue === "" ? "" : ` ${quote(unclaimedValue)}`;
  return [
    ["claim", { text: `none: ${reason}${value}, followed all the same`, style: "warn" }],
    ["to do", wayOut(reason, unclaimedValue ?? "")],
  ];
}

function containerText({ containerId, containerName, imageRef, state }: ContainerView): string {
  if (containerId === null) return "none bound";
  const gone = state === MISSING ? ", which the Engine no longer lists" : "";
  const name = containerName === "" ? "" : ` ${containerName}`;
  return `${shortId(containerId)}${name}${imageRef === "" ? "" : ` (${imageRef})`}${gone}`;
}

/** One line of the story: when, from what to what, which container, by whom. */
function event(t: ShownTransition, i: number, all: readonly ShownTransition[]): Cell[] {
  const bound = t.containerId !== (all[i - 1]?.containerId ?? null) && t.containerId !== null;
  return [
    t.at,
    t.from === null || t.from === t.to ? null : t.from,
    "→",
    stateCell(t.to, t.exitCode),
    bound ? `bound to ${shortId(t.containerId)}` : shortId(t.containerId),
    causeText(t),
  ];
}

function causeText({ cause, detail }: ShownTransition): string {
  const by = { event: "event", pass: "pass", sweep: "sweep", deployer: "deployer" }[cause];
  return detail === "" ? by : `${by}: ${detail}`;
}

interface Found {
  readonly rowId: string;
  /** Null: it was removed, and its story is still kept. */
  readonly row: ContainerView | null;
  readonly transitions: readonly ShownTransition[];
}

/** The row that `text` means: its id, or the one row whose container or workload it names. */
async function findRow(api: ReadApi, text: string): Promise<Found> {
  const transitions = await storyOf(api, text);
  // A removed row's story stays, so an id is an id even where no row has it.
  if (transitions !== null) {
    const row = await orNull(api.get<ContainerView>(`/api/containers/${encodeURIComponent(text)}`));
    return { rowId: text, row, transitions };
  }
  const { items: all } = await readRows(api);
  const meant = all.filter((row) =>
    row.containerName === text || row.workloadName === text ||
    `${row.workloadKind}/${row.workloadName}` === text ||
    (text.length >= 8 && row.containerId?.startsWith(text))
  );
  const [row] = meant;
  if (row !== undefined && meant.length === 1) {
    return { rowId: row.id, row, transitions: await storyOf(api, row.id) ?? [] };
  }
  if (row !== undefined) {
    throw new CommandError(`Cannot explain ${quote(text)}: it means ${meant.length} rows`, {
      hint: `say which: ${meant.slice(0, 8).map((row) => row.id).join(", ")}`,
    });
  }
  const names = all.flatMap((row) => [row.id, row.containerName ?? "", row.workloadName]);
  const near = nearest(text, names);
  throw new CommandError(`Cannot explain ${quote(text)}: no such row`, {
    code: "not-found",
    hint: near === null ? "`tinyforge ps` shows the rows" : `did you mean ${quote(near)}?`,
  });
}

/** Null: there is no row with this id, and there was none. */
async function storyOf(api: ReadApi, rowId: string): Promise<readonly ShownTransition[] | null> {
  const path = `/api/containers/${encodeURIComponent(rowId)}/transitions`;
  return (await orNull(api.get<{ items: ShownTransition[] }>(path)))?.items ?? null;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CommandError && error.code === "not-found") return null;
    throw error;
  }
}

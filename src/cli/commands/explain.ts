/**
 * `tinyforge explain ROW|CONTAINER`: what happened to a row and what set its present state, or why
 * a container has none.
 *
 * @module
 */

import { MISSING } from "../../model/container.ts";
import type { Dispatched, UnclaimedReason } from "../../model/pass.ts";
import type { ContainerView, Freshness, ShownTransition } from "../../model/views.ts";
import { type ReadApi, requireIndex } from "../client.ts";
import { CommandError, EXIT } from "../command.ts";
import { quote } from "../../text.ts";
import type { DiscoverAnswer } from "../../server/adopt_schema.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { evidenceText, remedyText } from "../problem_words.ts";
import type { InvocationOf } from "../commands.ts";
import { readRows } from "../rows.ts";
import { dispatchedCells, findContainer, ruleText } from "../dispatched.ts";
import { noteFreshness } from "../freshness.ts";
import { nearest } from "../nearest.ts";
import { wayOut } from "../way_out.ts";
import type { RowDetails } from "../../server/api/details.ts";
import { detailCells, storyCells } from "../detail_words.ts";
import { ago, roleText, shortId, stateCell } from "../phrases.ts";
import { shellCommand } from "../../shell_word.ts";
import { type Cell, printTable } from "../table.ts";

/** Prints a row's story, oldest first; of a container without a row, why it has none. */
export async function run(invocation: InvocationOf<"explain">): Promise<number> {
  const { out, operands } = invocation;
  const { found, container, problems, details, index, changed } = await requireIndex(
    invocation,
    async (api) => {
      const index = await api.get<Freshness>("/api/index");
      const { found, container } = await find(api, operands[0], index);
      if (found === null) {
        return { found, container, problems: [], details: NO_DETAILS, index, changed: null };
      }
      const id = encodeURIComponent(found.rowId);
      const { problems } = await api.get<{ problems: ShownProblem[] }>(`/api/problems?row=${id}`);
      const details = await api.get<RowDetails>(`/api/containers/${id}/details`);
      const changed = await isChanged(api, found.row, index);
      return { found, container, problems, details, index, changed };
    },
  );
  noteFreshness(out, index);
  const { fresh, asOf, reason } = index;
  const age = { index: { fresh, asOf, reason } };
  if (found === null) {
    const none = { row: null, setBy: null, transitions: [], problems: [], ...NO_DETAILS };
    if (invocation.on("json")) out.json({ id: null, ...age, container, ...none });
    else printTable(out, dispatchedCells(container));
    return EXIT.done;
  }
  const { rowId, row, transitions } = found;
  // A deployer who binds a row to another container leaves the state as it was.
  const setBy =
    transitions.findLast((t) =>
      t.to === row?.state && !(t.cause === "deployer" && t.from === t.to)
    ) ?? null;
  if (invocation.on("json")) {
    out.json({
      ...{ id: rowId, ...age, container, row, setBy, configChanged: changed },
      ...{ transitions, problems, ...details },
    });
    return EXIT.done;
  }
  const now = new Date();
  printTable(
    out,
    row === null ? [["row", rowId], ["state", REMOVED]] : [
      ...facts(row, { setBy, container, now }),
      ...detailCells(row, details, now),
    ],
  );
  if (row !== null && changed === true) {
    const again = shellCommand(["tinyforge", "adopt"], [row.workloadName]);
    printTable(out, [
      ["file", { text: "its configuration changed since it was taken in", style: "warn" }],
      ["to do", again === null ? "adopt it again" : `\`${again}\` takes it in as it is now`],
    ]);
  }
  for (const problem of problems) {
    const seen = evidenceText(problem);
    printTable(out, [
      ["problem", {
        text: `✗ ${problem.kind}, since ${problem.since}, ${ago(problem.since, now)}${
          seen === "" ? "" : `: ${seen}`
        }`,
        style: problem.severity === "high" ? "bad" : "warn",
      }],
      ["do", remedyText(problem)],
    ]);
  }
  if (transitions.length === 0) {
    out.notes("Nothing is recorded: its transitions are older than what is kept.");
    return EXIT.done;
  }
  out.lines("");
  printTable(out, storyCells(transitions.map(event), details.changes));
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

/** What there is of a container that has no row. */
const NO_DETAILS: RowDetails = {
  details: null,
  deaths: { count: 0, atLeast: false, last: [] },
  changes: [],
};

const REMOVED = "removed: the row is no longer in the index";

function facts(
  row: ContainerView,
  { setBy, container, now }: {
    setBy: ShownTransition | null;
    container: Dispatched | null;
    now: Date;
  },
): Cell[][] {
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
    ...(container === null ? [] : [["rule", ruleText(container)]]),
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

/** The row that `text` means and, where it can be told, its container; or a container without one. */
async function find(
  api: ReadApi,
  text: string,
  { reason }: Freshness,
): Promise<
  { found: Found; container: Dispatched | null } | { found: null; container: Dispatched }
> {
  const found = await findRow(api, text);
  const named = found?.row?.state === MISSING && found.row.containerName === text;
  if (found !== null && !named) {
    const { containerId, state } = found.row ?? { containerId: null, state: MISSING };
    // Without a daemon the Engine would have to be asked for what is only good to know.
    const asks = containerId !== null && state !== MISSING && reason !== "no-daemon";
    return { found, container: asks ? await containerOf(api, containerId) : null };
  }
  // One that has the name of a row's container that is gone, or no row at all.
  let untold = "";
  const container = await containerOf(api, text).catch((error: unknown) => {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.unreachable) throw error;
    untold = error.message;
    return null;
  });
  if (container !== null && container.rowId === null) return { found: null, container };
  if (found !== null) return { found, container: null };
  if (container !== null) return { found: null, container };
  throw await noSuch(api, text, untold);
}

function containerOf(api: ReadApi, reference: string): Promise<Dispatched | null> {
  return findContainer(api, reference, { action: "explain" });
}

/** @param untold Why the Engine did not tell whether a container is called so; empty: it did. */
async function noSuch(api: ReadApi, text: string, untold: string): Promise<CommandError> {
  const { items } = await readRows(api);
  const names = items.flatMap((row) => [row.id, row.containerName ?? "", row.workloadName]);
  const near = nearest(text, names);
  const what = untold === "" ? "row or container" : "row";
  return new CommandError(`Cannot explain ${quote(text)}: no such ${what}`, {
    code: "not-found",
    hint: near !== null
      ? `did you mean ${quote(near)}?`
      : untold === ""
      ? "`tinyforge ps` shows the rows"
      : `\`tinyforge ps\` shows the rows; of a container nothing is known: ${untold}`,
  });
}

/** The row that `text` means: its id, or the one row whose container or workload it names. */
async function findRow(api: ReadApi, text: string): Promise<Found | null> {
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
  return null;
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

/**
 * `tinyforge explain ROW|CONTAINER`: what happened to a row and what set its present state, or why
 * a container has none.
 *
 * @module
 */

import { isHosted, UNKNOWN } from "../../model/hosts.ts";
import { originText } from "../../core/origin.ts";
import { MISSING, RETIRED, roleText } from "../../model/container.ts";
import type { Dispatched, UnclaimedReason } from "../../model/pass.ts";
import type { ContainerView, Freshness, ShownTransition } from "../../model/views.ts";
import { type ReadApi, requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import { quote } from "../../text.ts";
import type { DiscoverAnswer } from "../../server/adopt_schema.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { evidenceText, remedyText } from "../problem_words.ts";
import type { InvocationOf } from "../commands.ts";
import { dispatchedCells, ruleText } from "../dispatched.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { find, findAtHub } from "../explained_row.ts";
import { noteFreshness } from "../freshness.ts";
import { wayOut } from "../way_out.ts";
import type { RowDetails } from "../../server/api/details.ts";
import { detailCells, storyCells } from "../detail_words.ts";
import { timeText } from "../moments.ts";
import { ago, shortId, stateCell } from "../phrases.ts";
import { shellCommand } from "../../shell_word.ts";
import { type Cell, printTable } from "../table.ts";

/** Prints a row's story, oldest first; of a container without a row, why it has none. */
export async function run(invocation: InvocationOf<"explain">): Promise<number> {
  const { out, operands } = invocation;
  const { found, container, problems, details, index, changed } = await requireIndex(
    invocation,
    async (api) => {
      const host = await hostAsked(api, invocation.flag("host"), { action: "explain" });
      const index = await api.get<Freshness>(`/api/index${hostQuery(host)}`);
      const { found, container } = api.many
        ? await findAtHub(api, operands[0], host)
        : await find(api, operands[0], index);
      if (found === null) {
        return { found, container, problems: [], details: NO_DETAILS, index, changed: null };
      }
      const id = encodeURIComponent(found.rowId);
      const { problems } = await api.get<{ problems: ShownProblem[] }>(`/api/problems?row=${id}`);
      // What inspects tell stays with the host.
      const details = api.many
        ? NO_DETAILS
        : await api.get<RowDetails>(`/api/containers/${id}/details`);
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
        text: `✗ ${problem.kind}, since ${timeText(problem.since, now)}, ${
          ago(problem.since, now)
        }${seen === "" ? "" : `: ${seen}`}`,
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
  const story = transitions.map((t, i) => event(t, { before: transitions[i - 1], now }));
  printTable(out, storyCells(story, { changes: details.changes, now }));
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
    ...isHosted(row) ? [["host", row.host]] : [],
    ["workload", `${row.workloadKind}/${row.workloadName}${role === "" ? "" : `, role ${role}`}`],
    [
      "state",
      isHosted(row) && row.state === UNKNOWN
        ? {
          text: `? unknown: its host was heard of ${ago(row.heardAt, now)}; was ${row.lastState}`,
          style: "warn",
        }
        : stateCell(row.state, row.exitCode),
    ],
    [
      "set by",
      setBy === null
        ? "not recorded any more"
        : `${causeText(setBy, (at) => timeText(at, now))}, ${ago(setBy.at, now)}`,
    ],
    ["container", containerText(row)],
    ...(container === null ? [] : [["rule", ruleText(container)]]),
    ...row.claimed ? [] : claimCells(row),
    [
      "last seen",
      row.lastSeenAt === null
        ? "never"
        : `${timeText(row.lastSeenAt, now)}, ${ago(row.lastSeenAt, now)}`,
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
  // A listing tells them; a row may be bound before there was one.
  const name = containerName === null ? "" : ` ${containerName}`;
  return `${shortId(containerId)}${name}${imageRef === null ? "" : ` (${imageRef})`}${gone}`;
}

/** One line of the story: when, from what to what, which container, by whom. */
function event(
  t: ShownTransition,
  { before, now }: { before: ShownTransition | undefined; now: Date },
): [string, ...Cell[]] {
  const bound = t.containerId !== (before?.containerId ?? null) && t.containerId !== null;
  return [
    t.at,
    t.from === null || t.from === t.to ? null : t.from,
    "→",
    stateCell(t.to, t.exitCode),
    bound ? `bound to ${shortId(t.containerId)}` : shortId(t.containerId),
    // When it was stands in front.
    causeText(t, (at) => timeText(at, now) === timeText(t.at, now) ? null : timeText(at, now)),
  ];
}

function causeText(transition: ShownTransition, told: (at: string) => string | null): string {
  const { cause, to } = transition;
  const by = cause === "deployer" && to === RETIRED ? "accept" : cause;
  const detail = originText(transition, told);
  return detail === "" ? by : `${by}: ${detail}`;
}

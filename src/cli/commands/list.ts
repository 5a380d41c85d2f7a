/**
 * `tinyforge list`: what should exist, and what serves it.
 *
 * @module
 */

import { WORKLOAD_KINDS, type WorkloadKind } from "../../model/workload.ts";
import type { CountedWorkload } from "../../model/index_reader.ts";
import type { Counts } from "../../server/schema.ts";
import type { NamedStage, Preview } from "../../server/stage_schemas.ts";
import type { Entry } from "../../store/registry.ts";
import type { Freshness } from "../../model/views.ts";
import { noteFreshness } from "../freshness.ts";
import { withIndex } from "../client.ts";
import { EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { localText } from "../moments.ts";
import { inOrder, symbolOf } from "../phrases.ts";
import { quote } from "../../text.ts";
import { type Cell, printTable } from "../table.ts";

/** An entry with what serves it, as `--json` prints it. */
type ListedEntry = Entry & Counts;

/** Prints workloads, or entries of one kind, stages, or previews. */
export async function run(invocation: InvocationOf<"list">): Promise<number> {
  const { out, operands: [what = "workloads", project] } = invocation;
  if (project !== undefined && what !== "previews") {
    throw usageError(
      `Cannot list ${what} of ${quote(project)}: only previews are listed by project`,
      "leave the name out, or write `tinyforge list previews PROJECT`",
    );
  }
  const kind = WORKLOAD_KINDS.find((kind) => `${kind}s` === what);
  const ofHubs = what === "workloads" || kind !== undefined;
  const query = project === undefined ? "" : `?project=${encodeURIComponent(project)}`;
  const paths = what === "workloads" ? WORKLOAD_KINDS.map((kind) => `${kind}s`) : [what + query];
  const { items, index, many } = await withIndex(invocation, async (api) => {
    const host = await hostAsked(api, invocation.flag("host"), { action: `list ${what}` });
    if (api?.many && ofHubs) {
      const all = await api.get<{ items: CountedWorkload[]; index: Freshness }>(
        `/api/workloads${hostQuery(host)}`,
      );
      const items = all.items.filter((each) => kind === undefined || each.kind === kind);
      return { items, index: all.index, many: true };
    }
    const lists = await Promise.all(
      paths.map(async (path) => await api?.get<Listed>(`/api/${path}`)),
    );
    const [first] = lists;
    return {
      items: lists.flatMap((list) => list?.items ?? []),
      index: first?.index ?? null,
      many: false,
    };
  });
  // Stages are what was registered, whatever runs.
  noteFreshness(out, index);
  if (invocation.on("json")) {
    out.json(what === "stages" ? { items } : { index, items });
    return EXIT.done;
  }
  const table = many
    ? HOSTS_TABLE
    : what === "stages"
    ? STAGE_TABLE
    : what === "previews"
    ? PREVIEW_TABLE
    : TABLES[kind ?? "all"];
  const { header, row } = table as Table;
  printTable(out, items.map((item) => row(item)), {
    header,
    fit: { keep: ["WORKLOAD", "ID", "URL"], drop: ["DOMAIN", "COMPOSE-PROJECT", "SINCE"] },
  });
  if (items.length === 0) {
    if (many) out.notes(`No host has any ${what}; \`tinyforge hub list\` shows the hosts.`);
    const none = what === "workloads" ? "Nothing is registered" : `There are no ${what}`;
    if (!many) out.notes(`${none}; \`tinyforge help add\` shows how to add one.`);
  }
  return EXIT.done;
}

interface Listed {
  readonly items: readonly unknown[];
  /** Absent where nothing of the index is shown. */
  readonly index?: Freshness;
}

interface Table<Item = unknown> {
  readonly header: readonly string[];
  readonly row: (item: Item) => Cell[];
}

const TABLES: Readonly<Record<WorkloadKind | "all", Table<ListedEntry>>> = {
  all: {
    header: ["NAME", "KIND", "CONTAINERS", "WORKLOAD"],
    row: (entry) => [entry.name, entry.kind, serving(entry), entry.workloadId],
  },
  project: {
    header: ["NAME", "CONTAINERS", "WORKLOAD", "ID"],
    row: (entry) => [entry.name, serving(entry), entry.workloadId, entry.id],
  },
  stack: {
    header: ["NAME", "CONTAINERS", "COMPOSE-PROJECT", "WORKLOAD", "ID"],
    row: (entry) => [
      entry.name,
      serving(entry),
      entry.composeProjectName,
      entry.workloadId,
      entry.id,
    ],
  },
  site: {
    header: ["NAME", "CONTAINERS", "DOMAIN", "WORKLOAD", "ID"],
    row: (entry) => [entry.name, serving(entry), entry.domain, entry.workloadId, entry.id],
  },
};

const HOSTS_TABLE: Table<CountedWorkload> = {
  header: ["HOST", "NAME", "KIND", "CONTAINERS", "WORKLOAD"],
  row: (entry) => [entry.host ?? "", entry.name, entry.kind, serving(entry), entry.id],
};

const STAGE_TABLE: Table<NamedStage> = {
  header: ["STAGE", "MAX-INSTANCES", "BRANCH", "ID"],
  row: (stage) => [
    `${stage.project}/${stage.name}`,
    stage.maxInstances,
    stage.branch,
    stage.id,
  ],
};

const PREVIEW_TABLE: Table<Preview> = {
  header: ["STAGE", "BRANCH", "CONTAINERS", "SINCE", "URL"],
  row: ({ project, name, branch, states, createdAt, urls }) => [
    `${project}/${name}`,
    branch,
    serving(countsOf(states)),
    localText(Date.parse(createdAt)).slice(0, 16),
    urls.join(" "),
  ],
};

/** What {@linkcode serving} shows. */
type Serving = Pick<Counts, "running" | "missing" | "unhealthy" | "total" | "states">;

function countsOf(states: Readonly<Record<string, number>>): Serving {
  const { running = 0, missing = 0 } = states;
  const total = Object.values(states).reduce((sum, count) => sum + count, 0);
  return { running, missing, unhealthy: 0, total, states };
}

/** `● 2 running ✗ 1 missing, 1 unhealthy`, or `none`. */
function serving({ running, missing, unhealthy, total, states }: Serving): Cell {
  if (total === 0) return { text: "none", style: "warn" };
  const sick = unhealthy > 0 ? `, ${unhealthy} unhealthy` : "";
  return {
    text: inOrder(states).map(([state, count]) => `${symbolOf(state)} ${count} ${state}`)
      .join(" ") + sick,
    style: missing + unhealthy > 0 ? "bad" : running === total ? "good" : "warn",
  };
}

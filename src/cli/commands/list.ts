/**
 * `tinyforge list`: what should exist, and what serves it.
 *
 * @module
 */

import { WORKLOAD_KINDS, type WorkloadKind } from "../../model/workload.ts";
import type { Entry } from "../../store/registry.ts";
import type { Stage } from "../../store/stages.ts";
import type { Store } from "../../store/store.ts";
import { EXIT, type Invocation } from "../command.ts";
import { openIndex } from "../data_dir.ts";
import { type Cell, tableLines } from "../table.ts";

/** An entry with what serves it, as `--json` prints it. */
interface ListedEntry extends Entry {
  readonly running: number;
  readonly stopped: number;
  readonly missing: number;
  /** Every row, whatever its state. */
  readonly total: number;
}

/** A stage with its project's name, as `--json` prints it. */
interface ListedStage extends Stage {
  readonly project: string;
}

/** Prints workloads, or entries of one kind, or stages. */
export async function run(invocation: Invocation): Promise<number> {
  const { out, operands: [what = "workloads"] } = invocation;
  using store = await openIndex(invocation.config().dataDir);
  const kind = WORKLOAD_KINDS.find((kind) => `${kind}s` === what);
  const items = store === null
    ? []
    : what === "stages"
    ? listStages(store)
    : listEntries(store, kind === undefined ? WORKLOAD_KINDS : [kind]);
  if (invocation.on("json")) {
    out.json({ items });
    return EXIT.done;
  }
  const { header, row } = (what === "stages" ? STAGE_TABLE : TABLES[kind ?? "all"]) as Table;
  const lines = tableLines(items.map((item) => row(item)), {
    header,
    width: out.size()?.columns ?? null,
    paint: out.paint.bind(out),
  });
  out.raw(lines.map((line) => `${line}\n`).join(""));
  if (items.length === 0) {
    const none = what === "workloads" ? "Nothing is registered" : `There are no ${what}`;
    out.notes(`${none}; \`tinyforge help add\` shows how to add one.`);
  }
  return EXIT.done;
}

function listEntries(store: Store, kinds: readonly WorkloadKind[]): ListedEntry[] {
  const counts = store.views.countsByWorkload();
  return kinds.flatMap((kind) => store.registry.list(kind)).map((entry) => {
    const { running = 0, stopped = 0, missing = 0, total = 0 } = counts.get(entry.workloadId) ?? {};
    return { ...entry, running, stopped, missing, total };
  });
}

function listStages(store: Store): ListedStage[] {
  return store.registry.list("project").flatMap((project) =>
    store.stages.list(project.id).map((stage) => ({ ...stage, project: project.name }))
  );
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

const STAGE_TABLE: Table<ListedStage> = {
  header: ["STAGE", "MAX-INSTANCES", "ID"],
  row: (stage) => [`${stage.project}/${stage.name}`, stage.maxInstances, stage.id],
};

/** `● 2 running ✗ 1 missing`, or `none`. */
function serving({ running, stopped, missing, total }: ListedEntry): Cell {
  if (total === 0) return { text: "none", style: "warn" };
  const parts = [
    running > 0 && `● ${running} running`,
    stopped > 0 && `○ ${stopped} stopped`,
    missing > 0 && `✗ ${missing} missing`,
    total > running + stopped + missing && `◌ ${total - running - stopped - missing} other`,
  ].filter((part) => part !== false);
  return {
    text: parts.join(" "),
    style: missing > 0 ? "bad" : running === total ? "good" : "warn",
  };
}

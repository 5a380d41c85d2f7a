/**
 * `tinyforge labels NAME`: the flags that tie a container to a workload, for a `docker run` line.
 *
 * @module
 */

import type { ContainerView } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import { LABEL } from "../../core/dispatch.ts";
import type { Entry } from "../../store/registry.ts";
import { type ReadApi, requireIndex } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";
import { shellWord } from "../../shell_word.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Prints `--label key=value …` on one line, made of words that no shell takes apart. */
export async function run(invocation: InvocationOf<"labels">): Promise<number> {
  const { out, operands } = invocation;
  const name = operands[0];
  const role = invocation.flag("role");
  const rowId = invocation.flag("row");
  const { workload, composeProject } = await requireIndex(invocation, async (api) => {
    const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
    const { id, kind, refId, name: found } = resolveWorkload(items, name, {
      action: "print labels",
    });
    const workload: Workload = { id, kind, refId, name: found };
    if (rowId !== undefined) await requireOwnRow(api, { rowId, workload });
    return { workload, composeProject: await composeProjectOf(api, workload) };
  });
  if (role !== undefined && workload.kind === "site") {
    throw usageError(
      `Cannot give site ${quote(workload.name)} a role: one container serves a site`,
      "leave --role out",
    );
  }
  const labels = labelsOf(workload, { role, rowId });
  if (invocation.on("json")) {
    out.json({ workload, labels, composeProject });
    return EXIT.done;
  }
  if (role !== undefined && !/^[A-Za-z0-9_.:@%+,-]+$/.test(role)) {
    throw new CommandError(`Cannot put role ${quote(role)} on a command line as it is`, {
      exitCode: EXIT.usage,
      hint: "use letters, digits, dots and dashes, or take the labels from --json",
    });
  }
  out.lines(Object.entries(labels).map(([key, value]) => `--label ${key}=${value}`).join(" "));
  if (composeProject !== null) {
    out.notes(
      `Containers of Compose project ${quote(composeProject)} need no labels: ` +
        `docker compose -p ${shellWord(composeProject)} up -d`,
    );
  }
  if (workload.kind === "project" && rowId === undefined) {
    out.notes(
      "A project's rows are the deployer's to make; until there is one for it, the container is",
      `reported as awaiting-deployer: tinyforge container add ${
        shellWord(workload.id)
      } --container ID,`,
      "or make the row first and name it here with --row",
    );
  }
  return EXIT.done;
}

function labelsOf(
  workload: Workload,
  { role, rowId }: { role: string | undefined; rowId: string | undefined },
): Record<string, string> {
  return {
    [LABEL.workloadId]: workload.id,
    [LABEL.workloadKind]: workload.kind,
    ...(role !== undefined && { [LABEL.workloadRole]: role }),
    ...(rowId !== undefined && { [LABEL.rowId]: rowId }),
  };
}

/** A label that names another workload's row would say nothing. */
async function requireOwnRow(
  api: ReadApi,
  { rowId, workload }: { rowId: string; workload: Workload },
): Promise<void> {
  const row = await api.get<ContainerView>(`/api/containers/${encodeURIComponent(rowId)}`);
  if (row.workloadId === workload.id) return;
  throw usageError(
    `Cannot print labels of ${workload.kind} ${quote(workload.name)} for row ${quote(rowId)}: ` +
      `it belongs to ${row.workloadKind} ${quote(row.workloadName)}`,
    `\`tinyforge ps --workload ${shellWord(workload.id)}\` shows the rows that it has`,
  );
}

async function composeProjectOf(api: ReadApi, workload: Workload): Promise<string | null> {
  if (workload.kind !== "stack") return null;
  const stack = await api.get<Entry>(`/api/stacks/${encodeURIComponent(workload.refId)}`);
  return stack.composeProjectName;
}

/**
 * `tinyforge labels NAME`: the flags that tie a container to a workload, for a `docker run` line.
 *
 * @module
 */

import type { Workload } from "../../model/workload.ts";
import { LABEL } from "../../core/dispatch.ts";
import type { Store } from "../../store/store.ts";
import { CommandError, EXIT, type Invocation, usageError } from "../command.ts";
import { quote } from "../../text.ts";
import { requireIndex } from "../data_dir.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Prints `--label key=value …` on one line, made of words that no shell takes apart. */
export async function run(invocation: Invocation): Promise<number> {
  const { out, operands } = invocation;
  const name = operands[0]!;
  const role = invocation.flag("role");
  using store = await requireIndex(invocation.config().dataDir);
  const workload = resolveWorkload(store.workloads.list(), name, { action: "print labels" });
  if (role !== undefined && workload.kind === "site") {
    throw usageError(
      `Cannot give site ${quote(workload.name)} a role: one container serves a site`,
      "leave --role out",
    );
  }
  const labels = labelsOf(workload, role);
  const composeProject = composeProjectOf(store, workload);
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
        `docker compose -p ${composeProject} up -d`,
    );
  }
  if (workload.kind === "project") {
    out.notes(
      "A project's rows are the deployer's to make; until there is one for it, the container is",
      `reported as awaiting-deployer: tinyforge container add ${workload.id} --container ID`,
    );
  }
  return EXIT.done;
}

function labelsOf(workload: Workload, role: string | undefined): Record<string, string> {
  return {
    [LABEL.workloadId]: workload.id,
    [LABEL.workloadKind]: workload.kind,
    ...(role !== undefined && { [LABEL.workloadRole]: role }),
  };
}

function composeProjectOf(store: Store, workload: Workload): string | null {
  if (workload.kind !== "stack") return null;
  return store.registry.get("stack", workload.refId).composeProjectName;
}

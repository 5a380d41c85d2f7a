/**
 * `tinyforge secret show|rotate NAME`: a workload's webhook secret.
 *
 * @module
 */

import type { Workload } from "../../model/workload.ts";
import { withApi } from "../client.ts";
import { EXIT, type Invocation } from "../command.ts";
import { quote } from "../../text.ts";
import { requireIndex } from "../data_dir.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Prints the secret. */
export async function show(invocation: Invocation): Promise<number> {
  using store = await requireIndex(invocation.config().dataDir);
  const workload = resolveWorkload(store.workloads.list(), invocation.operands[0]!, {
    action: "show a secret",
  });
  return print(invocation, { id: workload.id, secret: store.workloads.secret(workload.id) });
}

/** Replaces the secret and prints the new one. */
export async function rotate(invocation: Invocation): Promise<number> {
  const { workload, rotated } = await withApi(invocation.config(), async (api) => {
    const { items } = await api.request<{ items: Workload[] }>("GET", "/api/workloads");
    const workload = resolveWorkload(items, invocation.operands[0]!, { action: "rotate a secret" });
    const path = `/api/workloads/${encodeURIComponent(workload.id)}/secret`;
    const rotated = await api.request<{ id: string; secret: string }>("POST", path);
    return { workload, rotated };
  });
  print(invocation, rotated);
  if (!invocation.on("json")) {
    invocation.out.notes(
      `Rotated the secret of ${workload.kind} ${quote(workload.name)}; the old one is void.`,
    );
  }
  return EXIT.done;
}

function print({ out, on }: Invocation, { id, secret }: { id: string; secret: string }): number {
  if (on("json")) out.json({ id, secret });
  else out.lines(secret);
  return EXIT.done;
}

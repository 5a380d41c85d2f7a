/**
 * `tinyforge secret show|rotate NAME`: a workload's webhook secret.
 *
 * @module
 */

import type { Workload } from "../../model/workload.ts";
import { requireIndex, withApi } from "../client.ts";
import { EXIT } from "../command.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Prints the secret. */
export async function show(invocation: InvocationOf<"secret show">): Promise<number> {
  const secret = await requireIndex(invocation, async (api) => {
    const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
    const workload = resolveWorkload(items, invocation.operands[0], { action: "show a secret" });
    return await api.get<Secret>(secretPath(workload));
  });
  return print(invocation, secret);
}

/** Replaces the secret and prints the new one. */
export async function rotate(invocation: InvocationOf<"secret rotate">): Promise<number> {
  const { workload, rotated } = await withApi(invocation.config(), async (api) => {
    const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
    const workload = resolveWorkload(items, invocation.operands[0], { action: "rotate a secret" });
    return { workload, rotated: await api.request<Secret>("POST", secretPath(workload)) };
  });
  print(invocation, rotated);
  if (!invocation.on("json")) {
    invocation.out.notes(
      `Rotated the secret of ${workload.kind} ${quote(workload.name)}; the old one is void.`,
    );
  }
  return EXIT.done;
}

interface Secret {
  readonly id: string;
  readonly secret: string;
}

function secretPath({ id }: Workload): string {
  return `/api/workloads/${encodeURIComponent(id)}/secret`;
}

function print(
  { out, on }: InvocationOf<"secret show" | "secret rotate">,
  { id, secret }: Secret,
): number {
  if (on("json")) out.json({ id, secret });
  else out.lines(secret);
  return EXIT.done;
}

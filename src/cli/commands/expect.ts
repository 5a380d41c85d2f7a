/**
 * `tinyforge accept` and `tinyforge expect`: what should run.
 *
 * @module
 */

import type { Workload } from "../../model/workload.ts";
import type { AcceptAnswer, Expectations, ShownExpectation } from "../../server/adopt_schema.ts";
import { quote } from "../../text.ts";
import { type ReadApi, requireIndex, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { wholeNumber } from "../numbers.ts";
import { ago, counted } from "../phrases.ts";
import { readRows } from "../rows.ts";
import { printTable } from "../table.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Takes what runs now for what should run. */
export async function accept(invocation: InvocationOf<"accept">): Promise<number> {
  const { out, operands: [name] } = invocation;
  if (invocation.on("all") === (name !== undefined)) {
    // As `accept $NAME` is without the variable: what is missing would be forgotten everywhere.
    throw usageError(
      name === undefined ? "Cannot accept: say of which workload" : "Cannot accept all and one",
      "`tinyforge list` shows them; --all is all of them",
    );
  }
  const accepted = await withApi(invocation.config(), async (api) => {
    if (name === undefined) {
      return (await api.request<AcceptAnswer>("POST", "/api/accept")).accepted;
    }
    const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
    const workload = resolveWorkload(items, name, { action: "accept it" });
    const path = `/api/workloads/${encodeURIComponent(workload.id)}/accept`;
    const { items: expectations, retired } = await api.request<Expectations>("POST", path);
    const { id: workloadId, kind } = workload;
    return [{ name: workload.name, kind, workloadId, expectations, retired }];
  });
  if (invocation.on("json")) {
    out.json({ accepted });
    return EXIT.done;
  }
  for (const { kind, name, expectations, retired } of accepted) {
    const count = expectations.reduce((sum, { replicas }) => sum + replicas, 0);
    const gone = retired.length === 0 ? "" : `; ${counted(retired.length, "row")} retired`;
    out.notes(`Accepted ${kind} ${quote(name)}: ${counted(count, "container")} expected${gone}.`);
  }
  if (accepted.length === 0) out.notes("Nothing is registered, so there was nothing to accept.");
  return EXIT.done;
}

/** Shows what is expected of a workload, or sets it for one role. */
export async function expect(invocation: InvocationOf<"expect">): Promise<number> {
  const { out, operands: [name, role] } = invocation;
  const replicas = invocation.flag("replicas");
  const mode = invocation.flag("mode");
  const count = replicas === undefined ? undefined : wholeNumber("replicas", replicas);
  const sets = count !== undefined || mode !== undefined;
  const find = (items: Workload[]) =>
    resolveWorkload(items, name, {
      action: sets ? "set what is expected" : "show what is expected",
    });
  const pathOf = ({ id }: Workload) => `/api/workloads/${encodeURIComponent(id)}/expectations`;
  if (!sets) {
    const shown = await requireIndex(invocation, async (api) => {
      const workload = find((await api.get<{ items: Workload[] }>("/api/workloads")).items);
      const { items } = await api.get<Expectations>(pathOf(workload));
      if (role === undefined) return { workload, items };
      const its = items.filter((each) => each.role === role);
      if (its.length === 0) await requireRole(api, workload, { role, items });
      return { workload, items: its };
    });
    return show(invocation, shown);
  }
  const set = await withApi(invocation.config(), async (api) => {
    const workload = find((await api.get<{ items: Workload[] }>("/api/workloads")).items);
    if (role === undefined && workload.kind !== "site") {
      throw usageError(
        `Cannot set what is expected of ${workload.kind} ${
          quote(workload.name)
        }: say of which role`,
        "`tinyforge ps --workload NAME` shows its roles",
      );
    }
    const wanted = role ?? "";
    const before = (await api.get<Expectations>(pathOf(workload))).items;
    const kept = before.filter((each) => each.role !== wanted)
      .map(({ role, mode, replicas, image }) => ({ role, mode, replicas, image }));
    const changed = {
      role: wanted,
      ...(mode !== undefined && { mode }),
      ...(count !== undefined && { replicas: count }),
    };
    const answer = await api.request<Expectations>("PUT", pathOf(workload), {
      items: [...kept, changed],
    });
    return { workload, items: answer.items.filter((each) => each.role === wanted) };
  });
  return show(invocation, set);

  function show(
    { on }: InvocationOf<"expect">,
    { workload, items }: { workload: Workload; items: readonly ShownExpectation[] },
  ): number {
    if (on("json")) {
      out.json({ items });
      return EXIT.done;
    }
    const now = new Date();
    const rows = items.map(({ role, mode, replicas, image, source, setAt }) => [
      role,
      mode,
      replicas,
      image,
      source,
      ago(setAt, now),
    ]);
    printTable(out, rows, {
      header: ["ROLE", "MODE", "REPLICAS", "IMAGE", "SOURCE", "SET"],
      fit: { keep: ["ROLE", "MODE", "REPLICAS"], drop: ["SET", "SOURCE", "IMAGE"] },
    });
    if (items.length === 0) {
      out.notes(
        `Nobody said what is expected: ${
          workload.kind === "site"
            ? "one container that runs"
            : "every row that was ever bound should run"
        }.`,
      );
    }
    return EXIT.done;
  }
}

/** Throws where neither an expectation nor a row has this role: it may be mistyped. */
async function requireRole(
  api: ReadApi,
  { id, kind, name }: Workload,
  { role, items }: { role: string; items: readonly ShownExpectation[] },
): Promise<void> {
  const rows = (await readRows(api, { workload: id })).items;
  const roles = new Set([...items, ...rows].map((each) => each.role ?? ""));
  if (roles.has(role)) return;
  throw new CommandError(
    `Cannot show what is expected of ${kind} ${quote(name)}: it has no role ${quote(role)}`,
    {
      code: "not-found",
      hint: roles.size === 0
        ? "it has no rows yet"
        : `its roles are ${
          [...roles].sort().slice(0, MAX_NAMED).map((each) => quote(each)).join(", ")
        }`,
    },
  );
}

/** Roles that an error names. */
const MAX_NAMED = 20;

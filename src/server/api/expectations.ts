/**
 * `/api/accept` and what is expected of a workload: taken from what runs, or set by hand.
 *
 * @module
 */

import * as z from "zod";
import { withHashes } from "../../core/taking_in.ts";
import { MODES } from "../../model/problem.ts";
import type { Accepted, KeptExpectation } from "../../store/expectations.ts";
import { AcceptedSchema, ExpectationsSchema, type ShownExpectation } from "../adopt_schema.ts";
import { json, ok } from "../answer.ts";
import { endedRows, look, restartPolicies } from "../discovery.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { IdParams, optional } from "../schema.ts";

const mode = z.enum(MODES);
const role = z.string().max(256);
const replicas = z.int().min(0).max(1_000_000);

/** What runs now is what should run. */
export const acceptWorkload: Operation = operation({
  summary: "Take what runs now of a workload for what should run",
  description: "Rows whose container is gone are retired.",
  params: IdParams,
  answers: ok("What is expected now, and the rows that went", ExpectationsSchema),
}, async ({ services, params }) => {
  const [{ expectations, retired } = NOTHING] = await acceptAll(services, [params.id]);
  return json({ items: expectations.map(shown), retired });
});

const NOTHING: Accepted = { expectations: [], retired: [] };

/** The same of everything that is registered. */
export const acceptEverything: Operation = operation({
  summary: "Take what runs now of every workload for what should run",
  description: "Rows whose container is gone are retired. All in one transaction.",
  answers: ok("By workload", AcceptedSchema),
}, async ({ services }) => {
  const workloads = services.store.workloads.list();
  const accepted = await acceptAll(services, workloads.map(({ id }) => id));
  return json({
    accepted: workloads.map(({ id, kind, name }, i) => ({
      ...{ workloadId: id, kind, name },
      expectations: accepted[i]!.expectations.map(shown),
      retired: accepted[i]!.retired,
    })),
  });
});

/** Accepts these, all or none; what Compose hashes them to now is taken in where that can be asked. */
async function acceptAll(services: Services, ids: readonly string[]): Promise<Accepted[]> {
  const { store } = services;
  // What runs is known to the index: that the Engine is away is no reason to refuse.
  const seen = await look(services).catch(() => null);
  const stacks = new Map(seen?.stacks.map(({ workload, hashes }) => [workload.id, hashes]));
  // One that gave no listing is not asked about each container in turn.
  const ended = seen === null ? [] : endedRows(store, new Set(ids));
  const policies = await restartPolicies(services, ended);
  const accepted = store.atOnce("Cannot accept", () =>
    ids.map((id) => {
      const { expectations, retired } = store.expectations.accept(id, policies);
      const hashes = stacks.get(id);
      if (hashes === undefined) return { expectations, retired };
      const hashed = withHashes(expectations, hashes);
      store.expectations.set(id, hashed);
      return { expectations: hashed, retired };
    }));
  expectedAnew(services, ids);
  return accepted;
}

/** What is expected of a workload. */
export const getExpectations: Operation = operation({
  summary: "What is expected of a workload",
  description: "Without an entry for a role, every row of it that was ever bound.",
  params: IdParams,
  answers: ok("By role", ExpectationsSchema),
}, ({ services: { store }, params }) => {
  const { id } = store.workloads.known(params.id);
  return json({ items: store.expectations.of(id).map(shown), retired: [] });
});

interface ExpectBody {
  items: {
    role: string;
    mode?: (typeof MODES)[number];
    replicas?: number;
    image?: string | null;
  }[];
}

const ExpectSchema: Schema<ExpectBody> = z.strictObject({
  items: z.array(z.strictObject({
    role,
    mode: optional(mode),
    replicas: optional(replicas),
    image: optional(z.string().max(512).nullable()),
  })).max(1000),
}).meta({ id: "ExpectationsFields" });

/** Says by hand what is expected. */
export const putExpectations: Operation = operation({
  summary: "Set what is expected of a workload",
  description:
    "Roles that are not named are expected by default from then on. What is left out of " +
    "a role stays as it is.",
  params: IdParams,
  body: ExpectSchema,
  answers: ok("By role, as it is now", ExpectationsSchema),
}, ({ services, params, body }) => {
  const { store } = services;
  const before = new Map(store.expectations.of(params.id).map((kept) => [kept.role, kept]));
  const rows = store.views.list({ workload: params.id });
  const items = store.expectations.replace(
    params.id,
    body.items.map((item) => {
      const kept = before.get(item.role);
      const merged = {
        role: item.role,
        mode: item.mode ?? kept?.mode ?? "running",
        replicas: item.replicas ?? kept?.replicas ??
          Math.max(1, rows.filter((row) => row.role === item.role).length),
        // What a file told is no word of whoever sets the rest by hand.
        image: item.image === undefined
          ? (item.mode === undefined && item.replicas === undefined || kept?.source === "manual"
            ? kept?.image ?? null
            : null)
          : item.image,
      };
      const same = kept !== undefined && kept.mode === merged.mode &&
        kept.replicas === merged.replicas && kept.image === merged.image;
      return { ...merged, source: same ? kept.source : "manual" as const };
    }),
  );
  expectedAnew(services, [params.id]);
  return json({ items: items.map(shown), retired: [] });
});

/** Something else is expected of these: their rows are judged anew, and made or retired. */
function expectedAnew(
  { store, problems, requestPass }: Services,
  workloadIds: readonly string[],
): void {
  if (workloadIds.length === 0) return;
  const named = new Set(workloadIds);
  const rowIds: string[] = [];
  for (const row of store.containers.index().rows()) {
    if (named.has(row.workloadId)) rowIds.push(row.id);
  }
  problems.wantedChanged(rowIds);
  requestPass();
}

function shown({ role, mode, replicas, image, source, setAt }: KeptExpectation): ShownExpectation {
  return { role, mode, replicas, image, source, setAt: new Date(setAt).toISOString() };
}

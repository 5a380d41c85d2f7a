/**
 * `/api/discover` and `/api/adopt`: taking in what runs.
 *
 * @module
 */

import * as z from "zod";
import type { Candidate } from "../../core/discover.ts";
import { endedWithZero } from "../../core/listed.ts";
import { expectedOf, type ToldRole, withHashes, withTold } from "../../core/taking_in.ts";
import { Failure, isFailure } from "../../failure.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import { MODES } from "../../model/problem.ts";
import type { KeptExpectation } from "../../store/expectations.ts";
import { quote } from "../../text.ts";
import { json, ok } from "../answer.ts";
import { endedRows, look, restartPolicies, type Seen } from "../discovery.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { passNow } from "../pass_now.ts";
import {
  type AdoptAnswer,
  AdoptAnswerSchema,
  type DiscoverAnswer,
  DiscoverSchema,
} from "../adopt_schema.ts";
import { optional } from "../schema.ts";

/** What runs unmanaged. */
export const getDiscover: Operation = operation({
  summary: "What runs unmanaged, grouped into what could be registered",
  description: "Asks the Engine now; writes nothing.",
  answers: ok("Candidates, and what is left out and why", DiscoverSchema),
}, async ({ services }) => {
  const { candidates, leftOut, stacks } = await look(services);
  const registered = stacks.map(({ workload, files, changed }) => ({
    workloadId: workload.id,
    name: workload.name,
    files,
    changed,
  }));
  return json({ candidates, leftOut, registered } satisfies DiscoverAnswer);
});

const mode = z.enum(MODES);
const role = z.string().max(256);
const replicas = z.int().min(0).max(1_000_000);

const ToldSchema = z.strictObject({ role, mode, replicas, image: z.string().nullable() });

interface Adoption {
  name: string;
  as?: string;
  told?: ToldRole[];
}

interface AdoptBody {
  items?: Adoption[];
  all?: boolean;
  dryRun?: boolean;
}

const AdoptSchema: Schema<AdoptBody> = z.strictObject({
  items: optional(
    z.array(z.strictObject({
      name: z.string().meta({ description: "A candidate's name, or a registered stack's." }),
      as: optional(z.string().meta({ description: "The name to register it under." })),
      told: optional(z.array(ToldSchema).meta({ description: "What its Compose files say." })),
    })).max(20_000),
  ),
  all: optional(z.boolean().meta({ description: "Every candidate, those of `items` as told." })),
  dryRun: optional(z.boolean()),
}).meta({ id: "Adoption" });

/** Registers and accepts, all of it or nothing. */
export const adopt: Operation = operation({
  summary: "Take in what runs: register it and expect it from now on",
  description: "No container is touched. All in one transaction.",
  body: AdoptSchema,
  answers: ok("What was taken in", AdoptAnswerSchema),
}, async ({ services, body, changesNothing }) => {
  if (body.dryRun === true) changesNothing();
  const seen = await look(services);
  const policies = body.dryRun === true
    ? new Map<string, string>()
    : await restartPolicies(services, ended(services, seen, body));
  const answer = takeIn(services, { ...seen, policies }, body);
  if (body.dryRun === true) return json(answer);
  services.problems.wantedChanged("all");
  services.requestPass();
  // So that whoever reads next sees the rows. What is registered stays so whatever comes of it.
  if (services.reconcileNow !== null) await passNow(services).catch(() => {});
  return json(answer);
});

/** What runs, with the restart policies of what ended with 0: a job, or a service that was stopped. */
interface Known extends Seen {
  readonly policies: ReadonlyMap<string, string>;
}

/** Ids of the containers of what is taken in that ended with 0. */
function* ended(
  { store }: Services,
  { candidates, containers, stacks }: Seen,
  { items = [], all = false }: AdoptBody,
): Iterable<string> {
  const named = new Set(items.map(({ name }) => name));
  for (const { name, containers: those } of candidates) {
    if (!all && !named.has(name)) continue;
    for (const { id } of those) if (endedWithZero(containers.get(id)!)) yield id;
  }
  const again = stacks.filter(({ workload }) => named.has(workload.name));
  yield* endedRows(store, new Set(again.map(({ workload }) => workload.id)));
}

function takeIn(
  { store }: Services,
  seen: Known,
  { items = [], all = false, dryRun = false }: AdoptBody,
): AdoptAnswer {
  const answer: {
    adopted: AdoptAnswer["adopted"][number][];
    skipped: AdoptAnswer["skipped"][number][];
  } = {
    adopted: [],
    skipped: [],
  };
  const candidates = new Map(seen.candidates.map((candidate) => [candidate.name, candidate]));
  const named = new Map(items.map((item) => [item.name, item]));
  const wanted = all
    ? [...new Map([...seen.candidates.map(({ name }) => [name, { name }] as const), ...named])
      .values()]
    : items;
  try {
    store.atOnce("Cannot adopt", () => {
      for (const item of wanted) {
        const candidate = candidates.get(item.name);
        try {
          answer.adopted.push(
            candidate === undefined
              ? again(store, seen, item)
              : register(store, seen, { candidate, item }),
          );
        } catch (error) {
          // Of all, one that can't be registered is no reason to leave the others.
          if (!all || named.has(item.name) || !isFailure(error, "invalid", "conflict")) throw error;
          answer.skipped.push({ name: item.name, reason: error.message });
        }
      }
      if (dryRun) throw DRY_RUN;
    });
  } catch (error) {
    if (error !== DRY_RUN) throw error;
    return {
      adopted: answer.adopted.map((each) => ({
        ...each,
        workloadId: each.again ? each.workloadId : null,
      })),
      skipped: answer.skipped,
    };
  }
  return answer;
}

/** Undoes what was written to see whether it can be. */
const DRY_RUN = new Error("a dry run");

type Store = Services["store"];

function register(
  store: Store,
  { containers, policies }: Known,
  { candidate, item }: { candidate: Candidate; item: Adoption },
): AdoptAnswer["adopted"][number] {
  const { kind, claim } = candidate;
  const name = item.as ?? candidate.name;
  const { entry } = store.registry.create(kind, {
    name,
    ...(claim.by === "compose" && { composeProjectName: claim.project }),
    ...(claim.by === "swarm" && { composeProjectName: claim.namespace }),
    ...(claim.by === "name" && { containerName: claim.containerName }),
  });
  const members = candidate.containers.map((place) => ({
    place,
    container: containers.get(place.id)!,
    restartPolicy: policies.get(place.id) ?? null,
  }));
  const expected = expectedOf(members, item.told ?? []);
  store.expectations.set(entry.workloadId, expected);
  const rows = expected.reduce((sum, { replicas }) => sum + replicas, 0);
  return { name, kind, workloadId: entry.workloadId, rows, again: false };
}

/** A stack that is registered is taken in again by what its files say now, or its containers. */
function again(
  store: Store,
  { stacks, policies }: Known,
  { name, as, told }: Adoption,
): AdoptAnswer["adopted"][number] {
  const stack = stacks.find(({ workload }) => workload.name === name);
  const taken = stack?.workload ?? store.workloads.named(name)[0];
  if (taken === undefined) {
    const site = store.workloads.directory().byContainerName(name);
    if (site !== undefined) {
      throw new Failure(
        "conflict",
        `Cannot adopt ${quote(name)}: container ${quote(name)} belongs to site ${
          quote(site.name)
        } already`,
        { data: { over: "container-name" } },
      );
    }
    throw new Failure("not-found", `Cannot adopt ${quote(name)}: nothing unmanaged has this name`, {
      data: { thing: "candidate", id: name },
    });
  }
  const kind: WorkloadKind = taken.kind;
  const before = store.expectations.of(taken.id);
  // Where nobody may read its files, what runs of it is all there is to go by.
  const changed = told !== undefined || (stack?.changed.length ?? 0) > 0;
  if (as === undefined && changed && kind === "stack") {
    const { expectations } = store.expectations.accept(taken.id, policies);
    const expected = withTold(withHashes(expectations, stack?.hashes ?? new Map()), told ?? []);
    store.expectations.set(taken.id, expected);
    if (summary(store.expectations.of(taken.id)) !== summary(before)) {
      const rows = expected.reduce((sum, { replicas }) => sum + replicas, 0);
      return { name, kind, workloadId: taken.id, rows, again: true };
    }
  }
  throw new Failure(
    "conflict",
    `Cannot adopt ${quote(name)}: ${kind} ${quote(taken.name)} is adopted already`,
    {
      data: { over: "adopted" },
    },
  );
}

function summary(expectations: readonly KeptExpectation[]): string {
  return JSON.stringify(
    expectations.map(({ role, mode, replicas, image, configHash }) => [
      role,
      mode,
      replicas,
      image,
      configHash,
    ]),
  );
}

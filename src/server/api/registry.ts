/**
 * `/api/projects`, `/api/stacks`, `/api/sites`: what should exist.
 *
 * @module
 */

import * as z from "zod";
import { defaultComposeProject } from "../../core/names.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import type { Entry, EntryPatch, NewEntry } from "../../store/registry.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { entityTag, requireUnchanged } from "../precondition.ts";
import { ProblemDetails } from "../problem_details.ts";
import { quote } from "../../text.ts";
import { countsOf } from "../store_reader.ts";
import {
  CountedEntrySchema,
  EntrySchema,
  ForceQuery,
  IdParams,
  indexed,
  NewEntrySchema,
  optional,
} from "../schema.ts";

/** The routes of one kind. */
export interface RegistryRoutes {
  /** Entries by name. */
  readonly list: Operation;
  /** Creates an entry and its workload. */
  readonly create: Operation;
  /** One entry. */
  readonly get: Operation;
  /** Changes an entry. */
  readonly update: Operation;
  /** Removes an entry. */
  readonly remove: Operation;
}

/** What comes in differs by kind. */
interface KindSchemas {
  readonly path: string;
  readonly create: Schema<NewEntry>;
  readonly update: Schema<EntryPatch>;
}

const name = z.string().meta({ description: "Unique within its kind, 1–128 characters." });
const composeProjectName = z.string().meta({
  description: "Absent: the daemon's prefix and the name, as Compose accepts it.",
});
const domain = z.string().nullable();
const id = optional(
  z.string().meta({
    description: "Of the entry and its workload: takes back what containers still carry.",
  }),
);
const containerName = z.string().nullable().meta({
  description: "Claims the container of this name, unless its labels say otherwise.",
});

/** `/api/projects`. */
export const projects: RegistryRoutes = registryRoutes("project", {
  path: "/api/projects",
  create: z.strictObject({ id, name }).meta({ id: "ProjectFields" }),
  update: z.strictObject({ name: optional(name) }).meta({ id: "ProjectPatch" }),
});

/** `/api/stacks`. */
export const stacks: RegistryRoutes = registryRoutes("stack", {
  path: "/api/stacks",
  create: z.strictObject({ id, name, composeProjectName: optional(composeProjectName) })
    .meta({ id: "StackFields" }),
  update: z.strictObject({ name: optional(name), composeProjectName: optional(z.string()) })
    .meta({ id: "StackPatch" }),
});

/** `/api/sites`. */
export const sites: RegistryRoutes = registryRoutes("site", {
  path: "/api/sites",
  create: z.strictObject({
    id,
    name,
    domain: optional(domain),
    containerName: optional(containerName),
  }).meta({ id: "SiteFields" }),
  update: z.strictObject({
    name: optional(name),
    domain: optional(domain),
    containerName: optional(containerName),
  })
    .meta({ id: "SitePatch" }),
});

function registryRoutes(kind: WorkloadKind, schemas: KindSchemas): RegistryRoutes {
  return {
    list: operation({
      summary: `The ${kind}s by name`,
      query: z.strictObject({ name: optional(z.string()) }),
      answers: ok(
        `The ${kind}s with their containers counted, or the one that was asked for by name`,
        indexed(CountedEntrySchema),
      ),
    }, ({ services, query }) => {
      const { store } = services;
      const found = query.name === undefined
        ? store.registry.list(kind)
        : [store.registry.named(kind, query.name)].filter((entry) => entry !== undefined);
      const counts = store.views.countsByWorkload();
      const items = found.map((entry) => ({ ...entry, ...countsOf(entry.workloadId, counts) }));
      return json({ index: services.readiness().index, items });
    }),

    create: operation({
      summary: `Add a ${kind}`,
      body: schemas.create,
      answers: { 201: { description: "With its workload's secret", schema: NewEntrySchema } },
    }, ({ services, body }) => {
      const fields = kind === "stack" ? withComposeProject(services.composePrefix, body) : body;
      const { entry, secret } = services.store.registry.create(kind, fields);
      services.requestPass();
      return created(`${schemas.path}/${encodeURIComponent(entry.id)}`, { ...entry, secret });
    }),

    get: operation({
      summary: `One ${kind}`,
      params: IdParams,
      description: "Its entity tag is what `If-Match` takes when it is changed or removed.",
      answers: ok(`The ${kind}`, EntrySchema),
    }, ({ services: { store }, params }) => entryAnswer(store.registry.get(kind, params.id))),

    update: operation({
      summary: `Change a ${kind}`,
      params: IdParams,
      body: schemas.update,
      answers: ok(`The ${kind} as it is now`, EntrySchema),
    }, ({ services, params, body, headers }) => {
      const { registry } = services.store;
      requireUnchanged(headers, registry.get(kind, params.id));
      const entry = registry.update(kind, params.id, body);
      services.requestPass();
      return entryAnswer(entry);
    }),

    remove: operation({
      summary: `Remove a ${kind}`,
      description: "Containers in the Engine are left alone.",
      params: IdParams,
      query: ForceQuery,
      answers: ok(`The ${kind} as it was`, EntrySchema),
    }, ({ services, params, query, headers }) => {
      const { registry } = services.store;
      requireUnchanged(headers, registry.get(kind, params.id));
      const entry = registry.remove(kind, params.id, {
        force: query.force === "true",
      });
      services.requestPass();
      return json(entry);
    }),
  };
}

function entryAnswer(entry: Entry): Response {
  return json(entry, { headers: { etag: entityTag(entry) } });
}

function withComposeProject(prefix: string, fields: NewEntry): NewEntry {
  if (fields.composeProjectName !== undefined) return fields;
  const composeProjectName = defaultComposeProject(prefix, fields.name);
  if (composeProjectName !== null) return { ...fields, composeProjectName };
  throw new ProblemDetails(
    "invalid",
    `Cannot add stack ${quote(fields.name)}: no Compose project name can be made of it`,
    {
      data: { need: "compose-project" },
      errors: [{ path: "composeProjectName", message: "needed for a name without a-z and 0-9" }],
    },
  );
}

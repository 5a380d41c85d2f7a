/**
 * `/api/projects/{id}/stages`, `/api/stages` and `/api/stages/{id}`.
 *
 * @module
 */

import * as z from "zod";
import type { Stage } from "../../store/stages.ts";
import { urlOf } from "../../exports/dashboards.ts";
import { hostnameOf } from "../../exports/routes.ts";
import { created, json, ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { entityTag, requireUnchanged } from "../precondition.ts";
import { ContainerSchema, ForceQuery, IdParams, indexed, listOf, optional } from "../schema.ts";
import {
  type NamedStage,
  NamedStageSchema,
  type Preview,
  PreviewSchema,
  StageSchema,
} from "../stage_schemas.ts";
import { invalidFields } from "../validation.ts";

const name = z.string().meta({ description: "Unique within its project." });
const maxInstances = z.int().min(1).max(10_000)
  .meta({ description: "How many instances a deployer may run at once." });

const branch = z.string().nullable().meta({ description: "The branch that it shows." });
const preview = z.boolean()
  .meta({ description: "Made to look at a branch for a while: listed with its URLs." });

/** The stages of a project. */
export const listStages: Operation = operation({
  summary: "The stages of a project by name",
  params: IdParams,
  answers: ok("The stages", listOf(StageSchema)),
}, ({ services: { store }, params }) => {
  const project = store.registry.get("project", params.id);
  return json({ items: store.stages.list(project.id) });
});

/** The stages of every project. */
export const listAllStages: Operation = operation({
  summary: "The stages of every project, by project and name",
  answers: ok("The stages", listOf(NamedStageSchema)),
}, ({ services: { store } }) => {
  const items = store.registry.list("project").flatMap(({ id, name }) =>
    store.stages.list(id).map((stage): NamedStage => ({ ...stage, project: name }))
  );
  return json({ items });
});

/** What was made to look at branches. */
export const listPreviews: Operation = operation({
  summary: "The previews of a project, or of all, with their URLs",
  query: z.strictObject({
    project: optional(z.string().meta({ description: "Id or name." })),
  }) as Schema<{ project?: string }>,
  answers: ok("The previews by project and name", indexed(PreviewSchema)),
}, ({ services, query }) => {
  const { store, routes } = services;
  const projects = store.registry.list("project");
  const { project } = query;
  const only = project === undefined
    ? projects
    : projects.filter(({ id, name }) => id === project || name === project.normalize("NFC"))
      .slice(0, 1);
  if (project !== undefined && only.length === 0) {
    throw invalidFields([{ path: "project", message: "No project has this id or name" }]);
  }
  const items = only.flatMap(({ id, name }) =>
    store.stages.previews(id).map((stage): Preview => {
      const rows = store.views.listContainersByStage(stage.id);
      const hostnames = rows.map(({ subdomain }) => hostnameOf(subdomain, routes))
        .filter((hostname) => hostname !== null);
      const states = Object.fromEntries(
        [...Map.groupBy(rows, ({ state }) => state)].map(([state, its]) => [state, its.length]),
      );
      const urls = [...new Set(hostnames)].map((hostname) => urlOf(hostname, routes.scheme));
      return { ...stage, project: name, urls, states };
    })
  );
  return json({ index: services.readiness().index, items });
});

/** One stage. */
export const getStage: Operation = operation({
  summary: "One stage",
  description: "Its entity tag is what `If-Match` takes when it is changed or removed.",
  params: IdParams,
  answers: ok("The stage", StageSchema),
}, ({ services: { store }, params }) => stageAnswer(store.stages.get(params.id)));

/** What serves a stage. */
export const listStageContainers: Operation = operation({
  summary: "The rows of a stage",
  description: "Those that name it, and from before stages had ids those whose role is its name.",
  params: IdParams,
  answers: ok("The rows by id", indexed(ContainerSchema)),
}, ({ services, params }) => {
  const { store } = services;
  const stage = store.stages.get(params.id);
  const { index } = services.readiness();
  return json({ index, items: store.views.listContainersByStage(stage.id) });
});

/** A new stage. */
export const createStage: Operation = operation({
  summary: "Add a stage to a project",
  params: IdParams,
  body: z.strictObject({
    name,
    maxInstances: optional(maxInstances),
    branch: optional(branch),
    preview: optional(preview),
  }).meta({ id: "StageFields" }),
  answers: { 201: { description: "The stage", schema: StageSchema } },
}, ({ services: { store }, params, body }) => {
  const stage = store.stages.create(params.id, body);
  return created(`/api/stages/${encodeURIComponent(stage.id)}`, stage);
});

/** Another name, number or branch. */
export const updateStage: Operation = operation({
  summary: "Change a stage",
  params: IdParams,
  body: z.strictObject({
    name: optional(name),
    maxInstances: optional(maxInstances),
    branch: optional(branch),
    preview: optional(preview),
  }).meta({ id: "StagePatch" }),
  answers: ok("The stage as it is now", StageSchema),
}, ({ services: { store }, params, body, headers }) => {
  requireUnchanged(headers, store.stages.get(params.id));
  return stageAnswer(store.stages.update(params.id, body));
});

/** No more. */
export const removeStage: Operation = operation(
  {
    summary: "Remove a stage",
    description: "With `force`, rows that refer to it have none from then on.",
    params: IdParams,
    query: ForceQuery,
    answers: ok("The stage as it was", StageSchema),
  },
  ({ services: { store }, params, query, headers }) => {
    requireUnchanged(headers, store.stages.get(params.id));
    return json(store.stages.remove(params.id, { force: query.force === "true" }));
  },
);

function stageAnswer(stage: Stage): Response {
  return json(stage, { headers: { etag: entityTag(stage) } });
}

/**
 * `/api/instances/{project}/{stage}/{id}`: a row addressed through its project and stage, so that
 * a deployer of one stage can't reach another's by mistake.
 *
 * @module
 */

import * as z from "zod";
import type { ContainerView } from "../../model/views.ts";
import { Failure } from "../../failure.ts";
import type { Store } from "../../store/store.ts";
import { ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { ContainerSchema } from "../schema.ts";
import { changeRow, ContainerPatchSchema, noSuchRow, removeRow, rowAnswer } from "./containers.ts";

interface InstanceParams {
  project: string;
  stage: string;
  id: string;
}

const InstanceParams: Schema<InstanceParams> = z.strictObject({
  project: z.string().meta({ description: "Id or name." }),
  stage: z.string().meta({ description: "Id or name." }),
  id: z.string(),
});

/** One instance. */
export const getInstance: Operation = operation({
  summary: "An instance of a stage",
  params: InstanceParams,
  answers: ok("The row", ContainerSchema),
}, ({ services: { store }, params }) => rowAnswer(findInstance(store, params)));

/** Changes it. */
export const updateInstance: Operation = operation(
  {
    summary: "Change an instance of a stage",
    params: InstanceParams,
    body: ContainerPatchSchema,
    answers: ok("The row as it is now", ContainerSchema),
    // Nothing is awaited between the look and the change, so nothing comes in between.
  },
  ({ services, params, body, headers }) =>
    changeRow(services, findInstance(services.store, params).id, { patch: body, headers }),
);

/** Removes it. */
export const removeInstance: Operation = operation(
  {
    summary: "Remove an instance of a stage",
    params: InstanceParams,
    answers: { 204: { description: "It is gone" } },
  },
  ({ services, params, headers }) =>
    removeRow(services, findInstance(services.store, params).id, { headers }),
);

/** The row, when its workload is the project's and its stage, or a legacy row's role, the stage. */
function findInstance(store: Store, { project, stage, id }: InstanceParams): ContainerView {
  const entry = store.registry.list("project").find((entry) => entry.id === project) ??
    store.registry.named("project", project);
  if (entry === undefined) {
    throw new Failure("not-found", `Cannot find project "${project}": no such project`, {
      data: { thing: "project", id: project },
    });
  }
  const stages = store.stages.list(entry.id);
  const found = stages.find((s) => s.id === stage) ?? stages.find((s) => s.name === stage);
  if (found === undefined) {
    throw new Failure(
      "not-found",
      `Cannot find stage "${stage}": project "${entry.name}" has no such stage`,
      { data: { thing: "stage", id: stage } },
    );
  }
  const [row] = store.views.list({ ids: [id] });
  const belongs = row?.workloadId === entry.workloadId &&
    (row.stageId === null ? row.role === found.name : row.stageId === found.id);
  if (row === undefined || !belongs) {
    throw noSuchRow(id, `in stage "${found.name}" of project "${entry.name}"`);
  }
  return row;
}

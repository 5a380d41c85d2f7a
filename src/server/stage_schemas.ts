/**
 * The JSON of stages, as {@link Stage} and what others know of it demand.
 *
 * @module
 */

import * as z from "zod";
import type { Stage } from "../store/stages.ts";
import type { Schema } from "./operation.ts";

const stageFields = {
  id: z.string(),
  projectId: z.string(),
  name: z.string(),
  maxInstances: z.int(),
  branch: z.string().nullable(),
  preview: z.boolean(),
  createdAt: z.string().meta({ format: "date-time" }),
};

/** {@link Stage}. */
export const StageSchema: Schema<Stage> = z.object(stageFields).meta({ id: "Stage" });

/** A stage and the name of its project. */
export interface NamedStage extends Stage {
  /** Name of the project. */
  readonly project: string;
}

/** {@link NamedStage}. */
export const NamedStageSchema: Schema<NamedStage> = z.object({
  ...stageFields,
  project: z.string(),
}).meta({ id: "NamedStage" });

/** A stage that is a preview, and what it shows. */
export interface Preview extends NamedStage {
  /** Where people look at it. */
  readonly urls: string[];
  /** Its rows by state. */
  readonly states: Record<string, number>;
}

/** {@link Preview}. */
export const PreviewSchema: Schema<Preview> = z.object({
  ...stageFields,
  project: z.string(),
  urls: z.array(z.string()),
  states: z.record(z.string(), z.int()),
}).meta({ id: "Preview" });

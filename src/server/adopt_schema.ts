/**
 * The JSON that discovery, adoption and expectations are answered with. Held to the core's types.
 *
 * @module
 */

import * as z from "zod";
import type { ComposeFiles, Discovery } from "../core/discover.ts";
import type { Expectation } from "../model/problem.ts";
import { MODES } from "../model/problem.ts";
import { WORKLOAD_KINDS, type WorkloadKind } from "../model/workload.ts";
import type { Schema } from "./operation.ts";

const timestamp = z.string().meta({ format: "date-time" });
const kind = z.enum(WORKLOAD_KINDS);

const composeFiles = z.object({
  workingDirs: z.array(z.string()),
  configFiles: z.array(z.string()),
});

/** What runs unmanaged, and what is told of what is registered. */
export interface DiscoverAnswer extends Discovery {
  /** Stacks of which a container is there. */
  readonly registered: readonly {
    readonly workloadId: string;
    readonly name: string;
    readonly files: ComposeFiles;
    /** Roles whose configuration changed since it was taken in. */
    readonly changed: readonly string[];
  }[];
}

/** {@link DiscoverAnswer}. */
export const DiscoverSchema: Schema<DiscoverAnswer> = z.object({
  candidates: z.array(z.object({
    name: z.string(),
    kind: z.enum(["stack", "site"]),
    by: z.string(),
    claim: z.discriminatedUnion("by", [
      z.object({ by: z.literal("compose"), project: z.string(), files: composeFiles }),
      z.object({ by: z.literal("swarm"), namespace: z.string() }),
      z.object({ by: z.literal("name"), containerName: z.string() }),
    ]),
    containers: z.array(z.object({
      id: z.string(),
      name: z.string(),
      role: z.string(),
      replica: z.int(),
      state: z.string(),
    })),
    notes: z.array(z.looseObject({ code: z.string() })),
  })),
  leftOut: z.array(z.object({ container: z.string(), reason: z.string() })),
  registered: z.array(z.object({
    workloadId: z.string(),
    name: z.string(),
    files: composeFiles,
    changed: z.array(z.string()),
  })),
}).meta({ id: "Discovery" }) as Schema<unknown> as Schema<DiscoverAnswer>;

/** What was taken in. */
export interface AdoptAnswer {
  /** By name, in the order in which it was asked for. */
  readonly adopted: readonly {
    readonly name: string;
    readonly kind: WorkloadKind;
    /** Null in a dry run. */
    readonly workloadId: string | null;
    /** Rows that are expected of it. */
    readonly rows: number;
    /** It was registered before. */
    readonly again: boolean;
  }[];
  /** What could not be. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** {@link AdoptAnswer}. */
export const AdoptAnswerSchema: Schema<AdoptAnswer> = z.object({
  adopted: z.array(z.object({
    name: z.string(),
    kind,
    workloadId: z.string().nullable(),
    rows: z.int(),
    again: z.boolean(),
  })),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
}).meta({ id: "Adopted" });

/** What is expected of a role, as readers are shown it. */
export interface ShownExpectation extends Omit<Expectation, "workloadId" | "setAt"> {
  /** RFC 3339 UTC. */
  readonly setAt: string;
}

/** What is expected of a workload. */
export interface Expectations {
  /** By role. */
  readonly items: readonly ShownExpectation[];
  /** Ids of rows that went, when it was accepted. */
  readonly retired: readonly string[];
}

const expectation = z.object({
  role: z.string(),
  mode: z.enum(MODES),
  replicas: z.int(),
  image: z.string().nullable(),
  source: z.enum(["accepted", "compose", "manual"]),
  setAt: timestamp,
});

/** {@link Expectations}. */
export const ExpectationsSchema: Schema<Expectations> = z.object({
  items: z.array(expectation),
  retired: z.array(z.string()),
}).meta({ id: "Expectations" });

/** What everything was accepted as. */
export interface AcceptAnswer {
  /** By workload. */
  readonly accepted: readonly {
    readonly name: string;
    readonly kind: WorkloadKind;
    readonly workloadId: string;
    /** By role. */
    readonly expectations: readonly ShownExpectation[];
    /** Ids of rows that went. */
    readonly retired: readonly string[];
  }[];
}

/** {@link AcceptAnswer}. */
export const AcceptedSchema: Schema<AcceptAnswer> = z.object({
  accepted: z.array(z.object({
    name: z.string(),
    kind,
    workloadId: z.string(),
    expectations: z.array(expectation),
    retired: z.array(z.string()),
  })),
}).meta({ id: "Accepted" });

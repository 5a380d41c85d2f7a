/**
 * `POST /api/containers/batch`: several writes of a deployer as one, all of them or none.
 *
 * @module
 */

import * as z from "zod";
import type { ContainerView } from "../../model/views.ts";
import type { DeployedOperation } from "../../store/deployed_containers.ts";
import { isFailure } from "../../failure.ts";
import { json, ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { requireTag } from "../precondition.ts";
import { ProblemDetails } from "../problem_details.ts";
import { ContainerSchema, optional } from "../schema.ts";
import { ContainerPatchSchema, NewContainerSchema } from "./containers.ts";

/** Most operations in one batch. */
const MAX_OPERATIONS = 1000;

/** An operation, and the tag that its row must have before it. */
type BatchedOperation = DeployedOperation & { readonly ifMatch?: string };

interface Batch {
  operations: BatchedOperation[];
}

interface BatchAnswer {
  items: (ContainerView | null)[];
}

const ifMatch = optional(
  z.string().meta({ description: "Entity tag that the row must have before the operation." }),
);

const BatchSchema = z.strictObject({
  operations: z.array(z.discriminatedUnion("op", [
    z.strictObject({ op: z.literal("create"), row: NewContainerSchema as z.ZodType }),
    z.strictObject({
      op: z.literal("update"),
      id: z.string(),
      patch: ContainerPatchSchema as z.ZodType,
      ifMatch,
    }),
    z.strictObject({ op: z.literal("delete"), id: z.string(), ifMatch }),
  ])).min(1).max(MAX_OPERATIONS),
}).meta({ id: "ContainerBatch" }) as Schema<unknown> as Schema<Batch>;

const BatchAnswerSchema: Schema<BatchAnswer> = z.object({
  items: z.array((ContainerSchema as z.ZodType<ContainerView>).nullable()),
}).meta({ id: "ContainerBatchAnswer" });

/** All or nothing. */
export const writeBatch: Operation = operation({
  summary: "Create, change and remove rows as one",
  description:
    "In order, in one transaction: all of it is done or nothing, and nobody sees a part. " +
    "Who holds a container, a subdomain or a place in a stage is looked at when all is done, so " +
    "that rows can change places. An error tells the operation in `data.operation`, counted from 0.",
  body: BatchSchema,
  answers: ok(
    "The rows as they are now, one for each operation; null where it was removed",
    BatchAnswerSchema,
  ),
}, ({ services, body: { operations } }) => {
  const items = told(() =>
    services.store.deployed.batch(operations, {
      check: (index, before) => {
        const { ifMatch } = operations[index]!;
        if (ifMatch === undefined) return;
        try {
          requireTag(ifMatch, before);
        } catch (error) {
          throw error instanceof ProblemDetails ? inBatch(error, index) : error;
        }
      },
    })
  );
  services.requestPass();
  return json({ items });
});

/** Runs the batch; of an operation that fails, `errors` says where it stands in the request. */
function told<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const index = isFailure(error) ? (error.data as { operation?: number }).operation : undefined;
    if (!isFailure(error, "not-found", "conflict", "invalid") || index === undefined) throw error;
    throw inBatch(
      new ProblemDetails(error.code, error.message, { data: { ...error.data } }),
      index,
    );
  }
}

function inBatch(problem: ProblemDetails, index: number): ProblemDetails {
  const { code, message, headers, data } = problem;
  return new ProblemDetails(code, message, {
    headers,
    data: { ...data, operation: index },
    errors: [{ path: `operations.${index}`, message }],
    cause: problem,
  });
}

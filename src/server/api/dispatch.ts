/**
 * `/api/dispatch`: what became of a container of the Engine, whether it has a row or not.
 *
 * @module
 */

import * as z from "zod";
import { type Dispatched, REFUSAL_REASONS } from "../../model/pass.ts";
import { json, ok } from "../answer.ts";
import { type Operation, operation, type Schema } from "../operation.ts";
import { passError, passNow } from "../pass_now.ts";
import { fresh, indexed } from "../schema.ts";

/** {@link Dispatched}. */
const DispatchedSchema: Schema<Dispatched> = z.object({
  containerId: z.string(),
  containerName: z.string(),
  rowId: z.string().nullable().meta({
    description: "The row that shows it; of a `contended` one the row that it asks for.",
  }),
  reason: z.enum([...REFUSAL_REASONS, "contended", "other-row"]).nullable().meta({
    description:
      "Why it has no row, or does not claim the one that follows it; null: it has its row.",
  }),
  label: z.string().nullable().meta({ description: "The label that decided, if one did." }),
  value: z.string().meta({ description: "What decided: the label's value, a row's id, a name." }),
}).meta({ id: "Dispatched" });

/** Of one container, as passes saw it; without a daemon, as the Engine lists it now. */
export const getDispatch: Operation = operation({
  summary: "What became of a container: its row, or why it has none",
  description: "Empty when there is no such container; several when an id's beginning means them.",
  query: z.strictObject({
    container: z.string().min(1).meta({
      description: "Its id, the beginning of it, or its name.",
    }),
    fresh,
  }),
  answers: ok("The containers that are meant", indexed(DispatchedSchema)),
}, async ({ services, query }) => {
  // Where no daemon runs, nobody passes: the Engine is asked in any case.
  if (query.fresh !== undefined && services.reconcileNow !== null) await passNow(services);
  try {
    const items = await services.dispatched(query.container);
    return json({ index: services.readiness().index, items });
  } catch (error) {
    throw passError(error);
  }
});

/**
 * `/api/status`, `/api/reconcile`, `/api/engine/accept`: the daemon itself.
 *
 * @module
 */

import * as z from "zod";
import { json, ok } from "../answer.ts";
import { type Operation, operation } from "../operation.ts";
import { noDaemon, passNow } from "../pass_now.ts";
import { PassReportSchema, StatusSchema } from "../schema.ts";

/** What the daemon says of itself. */
export const getStatus: Operation = operation({
  summary: "What the daemon says of itself",
  answers: ok("Its status", StatusSchema),
}, async ({ services: { status, backups } }) => {
  if (status === null) throw noDaemon("Cannot tell a daemon's status");
  const daily = await backups();
  return json({
    ...status(),
    backups: daily === null ? null : {
      folder: daily.folder,
      lastAt: daily.lastAt === null ? null : new Date(daily.lastAt).toISOString(),
    },
  });
});

/** A pass now. */
export const reconcile: Operation = operation({
  summary: "A full pass now",
  answers: ok("What it found and did", PassReportSchema),
}, async ({ services }) => json(await passNow(services)));

/** Sweep after this Engine's listings from now on. */
export const acceptEngine: Operation = operation({
  summary: "Accept the Engine that answers now",
  description: "After its id changed: from then on, containers that it does not list go missing.",
  answers: ok(
    "The Engine's id; null when none was waiting",
    z.object({ engineId: z.string().nullable() }),
  ),
}, ({ services }) => {
  const engineId = services.store.hosts.acceptEngine();
  services.requestPass();
  return json({ engineId });
});

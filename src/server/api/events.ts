/**
 * `GET /api/events`: the index as server-sent events.
 *
 * @module
 */

import type { IndexReader } from "../../model/index_reader.ts";
import { ProblemDetails } from "../problem_details.ts";
import { requireKnown } from "../known_filters.ts";
import { HostQuery } from "../schema.ts";
import { type Reading, reading } from "../operation.ts";

const HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  // Some proxies would collect what is to be seen at once.
  "x-accel-buffering": "no",
};

/** A snapshot, then changes. */
export const listen: Reading = reading(
  {
    summary: "The index as server-sent events: a snapshot, then what changes",
    description: [
      '`event: snapshot` with `{"first": bool, "last": bool, "items": [Container]}`: a part of the ' +
      "whole index; forget what you have at `first`, it is complete at `last`.",
      '`event: change` with `{"items": [Container], "removed": [id]}`: rows as they are now.',
      '`event: problems` with `{"keys": [key]}`: these opened, changed or closed; ' +
      "GET /api/problems tells how they are now.",
      '`event: hosts` of a hub with `{"items": [Host], "removed": [name]}`: hosts as they are now; ' +
      "of a host whose rows may all be others a snapshot with its name as `host` comes before: forget " +
      "what you have of that host at `first`.",
      "Reconnect with `Last-Event-ID` to go on where you were; where that can't be told, a new " +
      "snapshot comes. A new pass time alone, which moves `lastSeenAt` of every confirmed row, is " +
      "no change. Who does not read is disconnected.",
    ].join("\n\n"),
    query: HostQuery,
    answers: {
      200: { description: "Endless", mediaType: "text/event-stream" },
    },
  },
  async (
    { services: { live, reader }, query: { host }, headers, headOnly, entrance, principal },
  ) => {
    if (host !== undefined) await requireKnown(reader, { host });
    else await requireFew(reader);
    if (headOnly) return new Response(null, { headers: HEADERS });
    const id = headers.get("last-event-id") ?? "";
    const lastEventId = /^\d{1,16}$/.test(id) ? Number(id) : null;
    const client = { entrance: entrance.name, isGood: () => principal.isGood(), host };
    return new Response(live.open(lastEventId, client), { headers: HEADERS });
  },
);

/** So many rows of many hosts are followed at once. */
const MAX_FOLLOWED = 100_000;

/** Refuses to send a million rows to who would rather know those of one host. */
async function requireFew({ hosts }: Pick<IndexReader, "hosts">): Promise<void> {
  if (hosts === null) return;
  const count = (await hosts()).reduce((sum, { rows }) => sum + rows, 0);
  if (count <= MAX_FOLLOWED) return;
  throw new ProblemDetails("too-many-rows", `Cannot follow ${count} rows at once: name a host`);
}

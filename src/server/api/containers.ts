/**
 * `/api/containers` and `/api/routes`: the index, and the deployer's way to write it.
 *
 * @module
 */

import { collected, joinedBytes, utf8 } from "../../bytes.ts";
import * as z from "zod";
import type { RowPage, ViewFilter } from "../../model/index_reader.ts";
import type { PastIndex } from "../../model/past.ts";
import type { ContainerView, Freshness } from "../../model/views.ts";
import { WORKLOAD_KINDS } from "../../model/workload.ts";
import type {
  DeployedContainerPatch,
  NewDeployedContainer,
} from "../../store/deployed_containers.ts";
import { Failure } from "../../failure.ts";
import { created, json, jsonInPieces, jsonText, ok } from "../answer.ts";
import {
  type Operation,
  operation,
  type Reading,
  reading,
  type Schema,
  type Services,
} from "../operation.ts";
import { requireKnown } from "../known_filters.ts";
import { demanded, rowTag, tagged } from "../precondition.ts";
import { indexAt } from "./past.ts";
import { moment, PastIndexSchema } from "../past_schemas.ts";
import {
  type ContainerPage,
  ContainerSchema,
  fresh,
  IdParams,
  indexed,
  optional,
  PageSchema,
  wholeNumber,
} from "../schema.ts";

/** Rows in one page. */
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

const deployerFields = {
  stageId: optional(z.string().nullable()),
  imageTag: optional(z.string().nullable()),
  subdomain: optional(z.string().nullable()),
  proxyRouteId: optional(z.string().nullable()),
  npmProxyId: optional(z.int().nullable().meta({ description: "Id in Nginx Proxy Manager." })),
  meta: optional(
    z.record(z.string(), z.unknown()).nullable()
      .meta({ description: "A JSON object of your own, at most 4,096 bytes." }),
  ),
  containerId: optional(
    z.string().nullable().meta({ description: "Full container id; null unbinds." }),
  ),
  imageRef: optional(z.string().meta({ description: "Only together with `containerId`." })),
};

const placeFields = {
  workloadId: z.string(),
  role: optional(
    z.string().meta({ description: "A label of the container that names a role wins over it." }),
  ),
  replica: optional(z.int().min(1)),
  ...deployerFields,
};

/** A row that a deployer creates. */
export const NewContainerSchema: Schema<NewDeployedContainer> = z.strictObject({
  id: optional(z.string().meta({ description: "Made when absent." })),
  ...placeFields,
}).meta({ id: "ContainerFields" });

/** What a row is to be, whether it is there or not. */
const WholeContainerSchema: Schema<Omit<NewDeployedContainer, "id">> = z
  .strictObject(placeFields).meta({ id: "WholeContainer" });

/** What a deployer changes on a row. */
export const ContainerPatchSchema: Schema<DeployedContainerPatch> = z
  .strictObject(deployerFields).meta({ id: "ContainerPatch" });

const ListQuery: Schema<ListQuery> = z.strictObject({
  host: optional(z.string().meta({ description: "Name of a host." })),
  kind: optional(z.enum(WORKLOAD_KINDS)),
  state: optional(z.string().meta({ example: "running" })),
  workload: optional(z.string().meta({ description: "Id or name." })),
  stage: optional(z.string().meta({ description: "Id or name." })),
  container: optional(z.string().meta({ description: "Full id or name of a container." })),
  cursor: optional(z.string().meta({ description: "`nextCursor` of the page before." })),
  limit: wholeNumber({ min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
  fresh,
  at: optional(
    moment.meta({
      description: "As it was then, of `PastIndex`: all rows in one page, at a hub in several. " +
        "Goes with `host`, `kind`, `state`, `workload` and the name of a `stage`.",
    }),
  ),
}).refine(
  ({ at, fresh, container }) =>
    at === undefined || [fresh, container].every((other) => other === undefined),
  { path: ["at"], message: "Goes neither with fresh nor container" },
);

const ListAnswer: Schema<ContainerPage | PastIndex> = z.union([
  PageSchema as z.ZodType<ContainerPage>,
  PastIndexSchema as z.ZodType<PastIndex>,
]);

interface ListQuery extends Omit<ViewFilter, "ids" | "after" | "limit"> {
  cursor?: string;
  fresh?: string;
  limit: number;
  at?: string;
}

/** The index, page by page. */
export const listContainers: Reading = reading({
  summary: "The containers index",
  description: "Ordered by id. The entity tag is that of the whole index.",
  query: ListQuery,
  answers: {
    ...ok("A page of rows; with `at`: the index as it was", ListAnswer),
    304: { description: "Nothing changed since the entity tag in `If-None-Match`" },
  },
}, async ({ services, query: { fresh, at, ...query }, headers }) => {
  if (at !== undefined) return await indexAt(services, at, query);
  if (fresh !== undefined) await services.listNow();
  const { cursor, ...filter } = query;
  const { reader, run } = services;
  const index = await reader.freshness(filter.host);
  // Before the rows: should another process write in between, the tag is too old, never too new.
  const version = await reader.version();
  const etag = `"${run}-${version}${index.reason === null ? "" : `-${index.reason}`}"`;
  const caching: Record<string, string> = {
    ...(version !== null && { etag }),
    "cache-control": "no-cache, no-transform",
  };
  if (version !== null && matches(headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers: caching });
  }
  await requireKnown(reader, filter);
  const page = await reader.page({
    ...filter,
    ...(cursor !== undefined && { after: cursor }),
  });
  const document = documentOf(index, page);
  return page.firsts === 1
    ? jsonText(collected(document).bytes, caching)
    : jsonInPieces({ pieces: document, firsts: page.firsts }, caching);
});

/** One row. */
export const getContainer: Reading = reading({
  summary: "One row",
  description: "Its entity tag is what `If-Match` takes when it is written.",
  params: IdParams,
  query: z.strictObject({ fresh }),
  answers: ok("The row", ContainerSchema),
}, async ({ services, params, query }) => {
  if (query.fresh !== undefined) await services.listNow();
  return rowAnswer(await services.reader.row(params.id));
});

/** A deployer's row. */
export const createContainer: Operation = operation({
  summary: "Create a row",
  description: "Its state is `pending` until a listing confirms the container.",
  body: NewContainerSchema,
  answers: { 201: { description: "The row", schema: ContainerSchema } },
}, ({ services, body }) => {
  const row = services.store.deployed.saveDeployedContainer(body);
  services.requestPass();
  return newRow(row);
});

/** Made or changed, so that it is what is said. */
export const putContainer: Operation = operation({
  summary: "Create a row with this id, or make it what is said here",
  description:
    "Columns of the deployer that are not told are empty afterwards; a container, role " +
    "or replica that is not told stays. `If-None-Match: *` only creates, `If-Match` only changes.",
  params: IdParams,
  body: WholeContainerSchema,
  answers: {
    ...ok("The row as it is now", ContainerSchema),
    201: { description: "The row, which was not there", schema: ContainerSchema },
  },
}, ({ services, params, body, headers }) => {
  const put = services.store.deployed.putDeployedContainer({ ...body, id: params.id }, {
    check: demanded(headers),
  });
  services.requestPass();
  return put.created ? newRow(put.view) : rowAnswer(put.view);
});

/** Another binding, or other columns of the deployer's. */
export const updateContainer: Operation = operation(
  {
    summary: "Change a row",
    params: IdParams,
    body: ContainerPatchSchema,
    answers: ok("The row as it is now", ContainerSchema),
  },
  ({ services, params, body, headers }) => changeRow(services, params.id, { patch: body, headers }),
);

/** No more. */
export const removeContainer: Operation = operation({
  summary: "Remove a row",
  description: "The container is left alone, and unless a project's it gets a row again.",
  params: IdParams,
  answers: { 204: { description: "It is gone" } },
}, ({ services, params, headers }) => removeRow(services, params.id, { headers }));

/** What a proxy serves. */
export const listRoutes: Operation = operation({
  summary: "Rows with a subdomain or a proxy route",
  answers: ok("The rows", indexed(ContainerSchema)),
}, ({ services }) => {
  const { index } = services.readiness();
  return json({ index, items: services.store.views.listProxyRoutes() });
});

/** Changes a row; asks for a pass when it is bound to another container. */
export function changeRow(
  services: Services,
  id: string,
  { patch, headers }: { patch: DeployedContainerPatch; headers: Headers },
): Response {
  const row = services.store.deployed.updateDeployedContainer(id, patch, {
    check: demanded(headers),
  });
  if (patch.containerId !== undefined) services.requestPass();
  return rowAnswer(row);
}

/** Removes a row and asks for a pass, which may bring it back. */
export function removeRow(
  services: Services,
  id: string,
  { headers }: { headers: Headers },
): Response {
  services.store.deployed.deleteDeployedContainer(id, { check: demanded(headers) });
  services.requestPass();
  return new Response(null, { status: 204 });
}

/** A row with its entity tag. */
export function rowAnswer(row: ContainerView): Response {
  return json(row, { headers: tagged(row) });
}

/** The document of a page; of a large one most is on its way before the rest is read. */
function* documentOf(
  index: Freshness,
  { rows }: RowPage,
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  try {
    const first = rows.next();
    const head = utf8(`{"index":${JSON.stringify(index)},"items":[`);
    yield first.done ? head : joinedBytes([head, first.value]);
    const next = first.done ? first.value : yield* rows;
    yield utf8(`],"nextCursor":${JSON.stringify(next)}}`);
  } finally {
    rows.return(null);
  }
}

function newRow(row: ContainerView): Response {
  const answer = created(`/api/containers/${encodeURIComponent(row.id)}`, row);
  answer.headers.set("etag", rowTag(row));
  return answer;
}

/** The error for a row that is not there. */
export function noSuchRow(id: string, where: string): Failure {
  return new Failure("not-found", `Cannot find container row "${id}": no such row ${where}`, {
    data: { thing: "row", id },
  });
}

function matches(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((tag) => {
    const trimmed = tag.trim();
    return trimmed === "*" || trimmed.replace(/^W\//, "") === etag;
  });
}

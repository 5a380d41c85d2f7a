/**
 * The columns of the containers index, each told once: its field, its name in SQL and what it
 * holds. Statements, rows, what readers are shown and the API's schema follow from these tables.
 * Does no I/O; knows neither Docker's wire format nor a statement of SQL.
 *
 * @module
 */

import type { WorkloadKind } from "./workload.ts";

/** What a column may hold, and the type of that in a row that the reconciler compares. */
export interface Held {
  /** INTEGER, 0 or 1. */
  "boolean": boolean;
  /** TEXT. */
  "text": string;
  /** TEXT. */
  "text or null": string | null;
  /** INTEGER. */
  "integer": number;
  /** INTEGER. */
  "integer or null": number | null;
  /** A word of {@link WorkloadKind}. */
  "kind": WorkloadKind;
  /** RFC 3339 UTC. */
  "time": string;
  /** RFC 3339 UTC. */
  "time or null": string | null;
  /** Kept and shown as RFC 3339 UTC, compared as seconds since the Unix epoch. */
  "seconds or null": number | null;
  /** Network → address as JSON, names in order; compared as the text that is kept. */
  "addresses": string;
  /** A JSON object, kept as text. */
  "object or null": string | null;
}

/** The same as readers are shown it. */
export interface Shown extends Omit<Held, "seconds or null" | "addresses" | "object or null"> {
  /** RFC 3339 UTC. */
  "seconds or null": string | null;
  /** Network → address there, null where it has none. */
  "addresses": Readonly<Record<string, string | null>>;
  /** Whatever a JSON object says. */
  "object or null": Readonly<Record<string, unknown>> | null;
}

/** What a column may hold. */
export type Holds = keyof Held;

/** One column. */
export interface Column {
  /** Its name in SQL. */
  readonly column: string;
  /** What it holds. */
  readonly holds: Holds;
  /** The row has it as the listing does, under the same name. */
  readonly listed?: true;
  /** What stands in the row for nothing; readers are shown null for it. */
  readonly nothing?: 0 | "";
  /** For who reads the API's description; where the name says it all, none. */
  readonly description?: string;
}

/** A table of columns by field. */
export type Columns = Readonly<Record<string, Column>>;

/** What the reconciler observes; no other column of a row is its own. */
export const OBSERVED_COLUMNS = {
  /** The workload that the row belongs to. */
  workloadId: { column: "workload_id", holds: "text" },
  /** That workload's kind. */
  workloadKind: { column: "workload_kind", holds: "kind" },
  /** Role within the workload; empty for a site. */
  role: { column: "role", holds: "text", nothing: "" },
  /** 1 for the first or only replica. */
  replica: { column: "replica", holds: "integer" },
  /** Null until the row is bound. */
  containerId: { column: "container_id", holds: "text or null" },
  /** The container's name without its slash. */
  containerName: { column: "container_name", holds: "text", nothing: "" },
  /** Image reference as the Engine shows it; empty when never seen. */
  imageRef: { column: "image_ref", holds: "text", nothing: "" },
  /** The Engine's id of that image, null when it was not told. */
  imageId: { column: "image_id", holds: "text or null", listed: true },
  /** Name of the host that it runs on. */
  host: { column: "host", holds: "text" },
  /** State of the row. */
  state: {
    column: "state",
    holds: "text",
    description:
      "`running`, `stopped`, `created`, `restarting`, `paused` or `removing` as the Engine says it, " +
      "`missing` when the container is gone, `pending` until a deployer's row is first seen. An " +
      "Engine of the future may know others.",
  },
  /** `healthy`, `unhealthy`, `starting`, or null without a health check. */
  health: { column: "health", holds: "text or null", listed: true },
  /** Exit code of a stopped container as far as the listing tells, else null. */
  exitCode: { column: "exit_code", holds: "integer or null", listed: true },
  /** The container's private port, 0 when it has none. */
  port: { column: "port", holds: "integer", nothing: 0 },
  /** Address of the host that this port is published at, null when it is not published. */
  hostIp: {
    column: "host_ip",
    holds: "text or null",
    description:
      "Address of the host at which `port` is published (`0.0.0.0`: all of them), or null.",
  },
  /** Port of the host that leads to the container's, null when none does. */
  hostPort: {
    column: "host_port",
    holds: "integer or null",
    description: "Port of the host that leads to `port`, null when it is not published.",
  },
  /** Where the container is reached from its networks. */
  addresses: {
    column: "addresses",
    holds: "addresses",
    listed: true,
    description:
      "The container's address in each of its networks, null where it has none: while it " +
      "does not run, and in the network `host`, where it has the host's own.",
  },
  /** When the container was created, null when never seen. */
  createdAtEngine: { column: "created_at_engine", holds: "seconds or null" },
  /** Why the container does not claim the row that is bound to it; null when it does. */
  unclaimedReason: {
    column: "unclaimed_reason",
    holds: "text or null",
    description:
      "Why the container does not claim the row, which follows it all the same: `unmanaged`, " +
      "`other-row` or the reason of its refusal. Null when it does claim it.",
  },
  /** The label value or row id that {@link unclaimedReason} comes from, or null. */
  unclaimedValue: { column: "unclaimed_value", holds: "text or null" },
} as const satisfies Columns;

/** What belongs to the deployer; null clears one. */
export const DEPLOYER_COLUMNS = {
  /** Id of a stage of the row's project. */
  stageId: { column: "stage_id", holds: "text or null" },
  /** Tag of the image that was deployed. */
  imageTag: { column: "image_tag", holds: "text or null" },
  /** Name under which a proxy serves it. */
  subdomain: { column: "subdomain", holds: "text or null" },
  /** Id of its route in the proxy. */
  proxyRouteId: { column: "proxy_route_id", holds: "text or null" },
  /** Id in Nginx Proxy Manager. */
  npmProxyId: { column: "npm_proxy_id", holds: "integer or null" },
  /** Whatever else a deployer wants to keep with the row. */
  meta: {
    column: "meta",
    holds: "object or null",
    description: "A JSON object of the deployer's own, at most 4,096 bytes.",
  },
} as const satisfies Columns;

/** What inspects tell of the row's container; null until one did. */
export const DETAIL_COLUMNS = {
  /** When it was started last. */
  startedAt: {
    column: "started_at",
    holds: "time or null",
    description: "When the container was started last; null until that is known.",
  },
  /** When it ended last. */
  finishedAt: { column: "finished_at", holds: "time or null" },
  /** How often its restart policy started it again. */
  restartCount: {
    column: "restart_count",
    holds: "integer or null",
    description: "How often the container's restart policy started it again.",
  },
  /** `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`. */
  restartPolicy: { column: "restart_policy", holds: "text or null" },
} as const satisfies Columns;

const { workloadId, workloadKind, ...restOfObserved } = OBSERVED_COLUMNS;
const { stageId, ...restOfDeployer } = DEPLOYER_COLUMNS;

/** What readers are shown, in this order: columns of `container_views`. */
export const VIEW_COLUMNS = {
  /** Unique id of the row. */
  id: { column: "id", holds: "text" },
  workloadId,
  workloadKind,
  /** Name of the workload. */
  workloadName: { column: "workload_name", holds: "text" },
  ...restOfObserved,
  /** False: see {@link unclaimedReason}. */
  claimed: {
    column: "claimed",
    holds: "boolean",
    description: "False: the labels of the container that the row is bound to don't ask for it.",
  },
  /** Since when it is in its state, with this container. */
  stateSince: { column: "state_since", holds: "time" },
  /** Since when it has its health, or none. */
  healthSince: { column: "health_since", holds: "time" },
  ...DETAIL_COLUMNS,
  /** The last listing that confirmed the row; null when never seen. */
  lastSeenAt: { column: "seen_at", holds: "time or null" },
  stageId,
  /** Name of that stage. */
  stageName: { column: "stage_name", holds: "text or null" },
  ...restOfDeployer,
  /** When the row was made. */
  createdAt: { column: "created_at", holds: "time" },
  /** When the row was last written. */
  updatedAt: { column: "updated_at", holds: "time" },
} as const satisfies Columns;

/** A row of these columns as the reconciler compares it. */
export type RowOf<Table extends Columns> = {
  readonly [Field in keyof Table]: Held[Table[Field]["holds"]];
};

/** A row of these columns as readers are shown it. */
export type ViewOf<Table extends Columns> = {
  readonly [Field in keyof Table]:
    | Shown[Table[Field]["holds"]]
    | (Table[Field] extends { readonly nothing: unknown } ? null : never);
};

/** A field of {@link OBSERVED_COLUMNS}. */
export type ObservedField = keyof typeof OBSERVED_COLUMNS;

/** A field that a row has as the listing does. */
export type ListedField = {
  [Field in ObservedField]: (typeof OBSERVED_COLUMNS)[Field] extends { listed: true } ? Field
    : never;
}[ObservedField];

/** Every {@link ListedField}. */
export const LISTED_FIELDS: readonly ListedField[] = Object.entries<Column>(OBSERVED_COLUMNS)
  .filter(([, { listed }]) => listed === true).map(([field]) => field as ListedField);

/** What a row says in the place of what listings tell, while none told it. */
export const UNLISTED: Pick<RowOf<typeof OBSERVED_COLUMNS>, ListedField> = Object.fromEntries(
  LISTED_FIELDS.map((field) => [field, nothingOf(OBSERVED_COLUMNS[field])]),
) as Pick<RowOf<typeof OBSERVED_COLUMNS>, ListedField>;

function nothingOf({ holds, nothing }: Column): "{}" | 0 | "" | null {
  return nothing ?? (holds === "addresses" ? "{}" : null);
}

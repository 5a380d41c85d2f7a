/**
 * What an Engine says and is asked, for the simulated ones: the words of its API as Engine 20.10
 * has them. Texts only; must not keep anything or know how they travel.
 *
 * @module
 */

/** A port as `/containers/json` shows it. */
export interface FakePort {
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
  IP?: string;
}

/** What requests are for: the names that `DockerClient` counts by. */
export type Endpoint =
  | "ping"
  | "version"
  | "info"
  | "list"
  | "list_ids"
  | "events"
  | "inspect"
  | "top"
  | "image"
  | "unknown";

/** What a request asks for by name and value. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** What the request for this path, without its version, is for. */
export function endpointOf(path: string, filters: Filters): Endpoint {
  switch (path) {
    case "/_ping":
      return "ping";
    case "/version":
      return "version";
    case "/info":
      return "info";
    case "/events":
      return "events";
    case "/containers/json":
      return filters["id"] === undefined ? "list" : "list_ids";
    default:
      if (/^\/containers\/[^/]+\/json$/.test(path)) return "inspect";
      if (/^\/containers\/[^/]+\/top$/.test(path)) return "top";
      return /^\/images\/.+\/json$/.test(path) ? "image" : "unknown";
  }
}

/** The `filters` of a query: `{"id":["a"]}`, or the older `{"id":{"a":true}}`. */
export function parseFilters(text: string | null): Filters {
  if (text === null) return {};
  const parsed = JSON.parse(text) as Record<string, string[] | Record<string, boolean>>;
  return Object.fromEntries(
    Object.entries(parsed).map(([name, values]) => [
      name,
      Array.isArray(values) ? values : Object.keys(values),
    ]),
  );
}

/** The `Status` text of an Engine for a state of its own, a health and an exit code, by default of 3 minutes. */
export function statusOf(
  { state, health, exitCode, minutes = 3 }: {
    readonly state: string;
    readonly health: string | null;
    readonly exitCode: number;
    readonly minutes?: number;
  },
): string {
  switch (state) {
    case "running":
      if (health === null) return `Up ${minutes} minutes`;
      return `Up ${minutes} minutes (${health === "starting" ? "health: starting" : health})`;
    case "paused":
      return `Up ${minutes} minutes (Paused)`;
    case "exited":
      return `Exited (${exitCode}) ${minutes} minutes ago`;
    case "restarting":
      return `Restarting (${exitCode}) 3 seconds ago`;
    case "created":
      return "Created";
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    default:
      return "";
  }
}

/** What an event says of its container. */
export interface EventSubject {
  readonly id: string;
  readonly name?: string;
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** One event of a container as a line of `/events`; `nano` since the Unix epoch. */
export function eventLine(
  action: string,
  { id, name = "", image = "", labels }: EventSubject,
  { nano, attributes }: {
    readonly nano: bigint;
    readonly attributes?: Readonly<Record<string, string>>;
  },
): string {
  const json = JSON.stringify({
    status: action,
    id,
    from: image,
    Type: "container",
    Action: action,
    Actor: { ID: id, Attributes: { ...labels, image, name, ...attributes } },
    scope: "local",
    time: Number(nano / 1_000_000_000n),
  });
  // As a number of 19 digits, which JSON.stringify can't write.
  return `${json.slice(0, -1)},"timeNano":${nano}}\n`;
}

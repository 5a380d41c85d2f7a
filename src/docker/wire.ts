/**
 * From the Engine's JSON to the domain: reads the few fields that are needed and checks them
 * strictly, since a half-understood listing would sweep rows. Decodes 10,000 containers in
 * milliseconds; must not copy labels and must know nothing of workloads.
 *
 * Where Podman's API differs from Docker's:
 * - `State` has words of its own: {@linkcode PODMAN_STATES}
 * - `Status` never tells health, so health stays null there
 * - `Names`, `Ports` and `Labels` may be null
 *
 * @module
 */

import type { ListedContainer, ListedPort } from "../model/container.ts";
import type { DockerEndpoint } from "../failure.ts";
import { malformed } from "./error.ts";
import { quote, storable } from "../text.ts";

/** What a container's id may look like. */
export const CONTAINER_ID: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/**
 * Podman's states that Docker doesn't have, and Docker's word for each. Podman itself shows
 * `stopping` as running when the container is inspected.
 */
const PODMAN_STATES: Readonly<Record<string, string>> = {
  configured: "created",
  initialized: "created",
  stopping: "running",
};

/** What a port is published at that is published everywhere. */
const EVERY_ADDRESS = "0.0.0.0";

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});
const NO_PORTS: readonly ListedPort[] = Object.freeze([]);

/** The body of `/containers/json`. Throws `Failure` `engine-malformed` saying what and where. */
export function decodeListing(
  body: unknown,
  options: { endpoint?: DockerEndpoint } = {},
): ListedContainer[] {
  const endpoint = options.endpoint ?? "list";
  if (!Array.isArray(body)) {
    throw malformed(endpoint, `the answer is ${typeName(body)}, not a list of containers`);
  }
  const containers = new Array<ListedContainer>(body.length);
  const fault = { what: "" };
  for (let i = 0; i < body.length; i++) {
    const container = decodeContainer(body[i], fault);
    if (container === null) throw malformed(endpoint, `${place(body[i], i)} ${fault.what}`);
    containers[i] = container;
  }
  return containers;
}

/** An element as far as it is known: an object whose fields are anything. */
interface RawContainer {
  readonly Id?: unknown;
  readonly Names?: unknown;
  readonly Image?: unknown;
  readonly ImageID?: unknown;
  readonly NetworkSettings?: unknown;
  readonly State?: unknown;
  readonly Status?: unknown;
  readonly Health?: unknown;
  readonly Labels?: unknown;
  readonly Ports?: unknown;
  readonly Created?: unknown;
}

function decodeContainer(element: unknown, fault: { what: string }): ListedContainer | null {
  if (typeof element !== "object" || element === null || Array.isArray(element)) {
    return wrong(fault, `is ${typeName(element)}, not an object`);
  }
  const raw: RawContainer = element;
  const { Id: id, State: state, Created: created } = raw;
  if (id === undefined || id === null || id === "") return wrong(fault, "has no Id");
  if (typeof id !== "string" || !CONTAINER_ID.test(id)) return wrong(fault, "has an invalid Id");
  if (typeof state !== "string" || state === "") {
    return wrong(fault, `has ${typeName(state)} for a State`);
  }
  if (!isTime(created)) {
    return wrong(fault, `has ${typeName(created)} for Created, not whole seconds`);
  }
  const image = raw.Image ?? "";
  if (typeof image !== "string") return wrong(fault, `has ${typeName(image)} for an Image`);
  const imageId = raw.ImageID ?? "";
  if (typeof imageId !== "string") return wrong(fault, `has ${typeName(imageId)} for an ImageID`);
  const addresses = decodeAddresses(raw.NetworkSettings);
  if (addresses === null) return wrong(fault, "has NetworkSettings that are not networks by name");
  const status = raw.Status ?? "";
  if (typeof status !== "string") return wrong(fault, `has ${typeName(status)} for a Status`);
  const name = decodeName(raw.Names);
  if (name === null) return wrong(fault, "has Names that are not a list of strings");
  const labels = decodeLabels(raw.Labels);
  if (labels === null) return wrong(fault, "has Labels that are not strings by name");
  const ports = decodePorts(raw.Ports);
  if (ports === null) return wrong(fault, "has Ports that are not a list of ports");
  return {
    id,
    name: storable(name),
    image: storable(image),
    imageId: imageId === "" ? null : storable(imageId),
    state: decodeState(state),
    health: decodeHealth(status, raw.Health),
    exitCode: decodeExitCode(status),
    labels,
    ports,
    addresses,
    createdAt: created,
  };
}

function decodeName(names: unknown): string | null {
  if (names === null || names === undefined) return "";
  if (!Array.isArray(names)) return null;
  let found: string | null = null;
  for (let i = 0; i < names.length; i++) {
    const name: unknown = names[i];
    if (typeof name !== "string") return null;
    // A legacy link adds "/other/alias", before or after the container's own name.
    if (found === null || (name.lastIndexOf("/") <= 0 && found.lastIndexOf("/") > 0)) found = name;
  }
  if (found === null) return "";
  return found.startsWith("/") ? found.slice(1) : found;
}

function decodeState(state: string): string {
  // Nearly every container: no need to look further.
  if (state === "running" || state === "exited") return state;
  const lower = state.toLowerCase();
  return storable(Object.hasOwn(PODMAN_STATES, lower) ? PODMAN_STATES[lower] as string : lower);
}

/** Reuses the parsed object: with 10,000 containers a copy would cost as much as parsing did. */
function decodeLabels(labels: unknown): Readonly<Record<string, string>> | null {
  if (labels === null || labels === undefined) return NO_LABELS;
  if (typeof labels !== "object" || Array.isArray(labels)) return null;
  const values = labels as Record<string, unknown>;
  for (const name in values) {
    if (typeof values[name] !== "string") return null;
  }
  return values as Record<string, string>;
}

function decodePorts(ports: unknown): readonly ListedPort[] | null {
  if (ports === null || ports === undefined) return NO_PORTS;
  if (!Array.isArray(ports)) return null;
  if (ports.length === 0) return NO_PORTS;
  const decoded: ListedPort[] = [];
  for (let i = 0; i < ports.length; i++) {
    const port: unknown = ports[i];
    if (typeof port !== "object" || port === null) return null;
    const raw = port as {
      IP?: unknown;
      PrivatePort?: unknown;
      PublicPort?: unknown;
      Type?: unknown;
    };
    const privatePort = raw.PrivatePort;
    const publicPort = raw.PublicPort ?? 0;
    const protocol = raw.Type ?? "tcp";
    const ip = raw.IP ?? "";
    if (!isPort(privatePort) || !isPort(publicPort)) return null;
    if (typeof protocol !== "string" || typeof ip !== "string") return null;
    decoded.push({
      privatePort,
      publicPort: publicPort === 0 ? null : publicPort,
      // Podman says nothing where Docker says that it is every address.
      hostIp: publicPort === 0 ? null : ip === "" ? EVERY_ADDRESS : storable(ip),
      protocol: protocol === "tcp" ? protocol : storable(protocol.toLowerCase()),
    });
  }
  return decoded;
}

/**
 * `NetworkSettings.Networks` as JSON, network → address, names in order so that equal ones read
 * equal. Docker's `host` and a container that does not run have empty addresses there.
 */
function decodeAddresses(settings: unknown): string | null {
  if (settings === null || settings === undefined) return "{}";
  if (typeof settings !== "object" || Array.isArray(settings)) return null;
  const networks = (settings as { Networks?: unknown }).Networks ?? {};
  if (typeof networks !== "object" || Array.isArray(networks)) return null;
  const addresses: [string, string | null][] = [];
  for (const [name, network] of Object.entries(networks as object)) {
    const { IPAddress: v4, GlobalIPv6Address: v6 } = (network ?? {}) as {
      IPAddress?: unknown;
      GlobalIPv6Address?: unknown;
    };
    const address = v4 || v6 || null;
    if (address !== null && typeof address !== "string") return null;
    addresses.push([storable(name), address === null ? null : storable(address)]);
  }
  if (addresses.length > 1) addresses.sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify(Object.fromEntries(addresses));
}

/** Seconds since the Unix epoch that a date of four digits can say: Go's zero time is the least. */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= -62_135_596_800 &&
    value as number <= 253_402_300_799;
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
}

/** From API 1.52 on a field of its own; before, and still, the end of "Up 3 hours (healthy)". */
function decodeHealth(status: string, field: unknown): string | null {
  if (typeof field === "object" && field !== null) {
    const word = (field as { Status?: unknown }).Status;
    if (word === "healthy" || word === "unhealthy" || word === "starting") return word;
    if (word === "none" || word === "") return null;
  }
  if (!status.startsWith("Up") || !status.endsWith(")")) return null;
  if (status.endsWith("(healthy)")) return "healthy";
  if (status.endsWith("(unhealthy)")) return "unhealthy";
  if (status.endsWith("(health: starting)")) return "starting";
  return null;
}

const EXIT_CODE = /^(?:Exited|Restarting) \((-?\d{1,10})\)/;

/** "Exited (137) 3 minutes ago", "Restarting (1) 5 seconds ago". */
function decodeExitCode(status: string): number | null {
  // Most containers are up: one look at the first letter spares them the pattern.
  const first = status.charCodeAt(0);
  if (first !== 69 /* E */ && first !== 82 /* R */) return null;
  const match = EXIT_CODE.exec(status);
  return match === null ? null : Number(match[1]);
}

function wrong(fault: { what: string }, what: string): null {
  fault.what = what;
  return null;
}

/** `container 3 ("abc…")`: counted from 0 as in the answer. */
function place(element: unknown, index: number): string {
  const raw: RawContainer = typeof element === "object" && element !== null ? element : {};
  for (const told of [raw.Id, Array.isArray(raw.Names) ? raw.Names[0] : undefined]) {
    if (typeof told === "string" && told !== "") {
      return `container ${index} (${quote(told, 16)})`;
    }
  }
  return `container ${index}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value === "") return "an empty string";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

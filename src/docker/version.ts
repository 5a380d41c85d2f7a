/**
 * Which Engine is this, and which API version do both speak: reads `/_ping`, `/version` and
 * `/info`. Pure.
 *
 * @module
 */

import type { DockerEndpoint } from "../failure.ts";
import { engineFailure, malformed } from "./error.ts";
import { storable } from "../text.ts";

/** The oldest API version this program speaks (Docker 1.12; what every supported Podman has). */
const MIN_API_VERSION = "1.24";

/** The newest API version this program was written against. */
const MAX_API_VERSION = "1.54";

/** What was agreed on with an Engine. */
export interface EngineVersion {
  /** The API version spoken, `1.41`; empty where a proxy forbids to ask: the Engine's own choice. */
  readonly apiVersion: string;
  /** The newest the Engine speaks, empty where that may not be asked. */
  readonly engineApiVersion: string;
  /** The oldest the Engine speaks, empty where that may not be asked. */
  readonly engineMinApiVersion: string;
  /** The Engine's own version, `20.10.24`. */
  readonly engineVersion: string;
  /** Who made it; what differs is handled within this folder. */
  readonly kind: "docker" | "podman";
}

/** What `/_ping` tells in its headers. */
export interface Pong {
  /** The newest API version, null when it is not told. */
  readonly apiVersion: string | null;
  /** Whether it is Podman that answers. */
  readonly podman: boolean;
}

/**
 * What is spoken with an Engine behind a proxy that forbids `/version`, and maybe `/_ping`: nothing
 * is known then of what the Engine can't speak any more. Throws `Failure` `engine-malformed`.
 */
export function negotiateBlindly(
  { apiVersion, podman }: Pong,
  options: { purpose?: DockerEndpoint } = {},
): EngineVersion {
  if (apiVersion !== null) {
    const engineVersion = podman ? { Components: [{ Name: "Podman Engine" }] } : {};
    return { ...negotiate(apiVersion, engineVersion, options), engineMinApiVersion: "" };
  }
  return {
    apiVersion: "",
    engineApiVersion: "",
    engineMinApiVersion: "",
    engineVersion: "",
    kind: podman ? "podman" : "docker",
  };
}

/**
 * The newest version both speak, from the `Api-Version` header of `/_ping` (null when there is
 * none) and the body of `/version`. Throws `Failure` `engine-api-version` or `engine-malformed`.
 */
export function negotiate(
  pingVersion: string | null,
  body: unknown,
  options: { purpose?: DockerEndpoint } = {},
): EngineVersion {
  const endpoint = options.purpose ?? "version";
  if (typeof body !== "object" || body === null) {
    throw malformed(endpoint, "the answer is not an object");
  }
  const raw: {
    ApiVersion?: unknown;
    MinAPIVersion?: unknown;
    Version?: unknown;
    Components?: unknown;
  } = body;
  const newest = pingVersion ?? raw.ApiVersion;
  // An Engine that does not say how old it can speak is older than the question.
  const oldest = raw.MinAPIVersion || "1.12";
  if (!isVersion(newest)) throw malformed(endpoint, "the answer has no ApiVersion");
  if (!isVersion(oldest)) throw malformed(endpoint, "the answer has an invalid MinAPIVersion");
  if (compare(newest, MIN_API_VERSION) < 0) {
    throw engineFailure("engine-api-version", {
      endpoint,
      reason: `the Engine speaks API ${newest} at most, this program ${MIN_API_VERSION} at least`,
      old: "engine",
    });
  }
  if (compare(oldest, MAX_API_VERSION) > 0) {
    throw engineFailure("engine-api-version", {
      endpoint,
      reason: `the Engine speaks API ${oldest} at least, this program ${MAX_API_VERSION} at most`,
      old: "program",
    });
  }
  return {
    apiVersion: compare(newest, MAX_API_VERSION) < 0 ? newest : MAX_API_VERSION,
    engineApiVersion: newest,
    engineMinApiVersion: oldest,
    engineVersion: typeof raw.Version === "string" ? storable(raw.Version) : "",
    kind: isPodman(raw.Components) ? "podman" : "docker",
  };
}

/**
 * The Engine's id from the body of `/info`. Docker keeps one in a file of its own. Podman makes a
 * new one for every answer: there it is host name and storage directory, which between them say
 * whose containers these are. Throws `Failure` `engine-malformed`.
 */
export function identify(info: unknown, version: EngineVersion): string {
  const raw = (info ?? {}) as { ID?: unknown; Name?: unknown; DockerRootDir?: unknown };
  if (version.kind === "podman") {
    const { Name: name, DockerRootDir: root } = raw;
    if (typeof name !== "string" || typeof root !== "string" || root === "") {
      throw malformed("info", "the answer has no Name or no DockerRootDir");
    }
    return storable(`podman:${name}:${root}`);
  }
  if (typeof raw.ID !== "string" || raw.ID === "") throw malformed("info", "the answer has no ID");
  const { Name: name, DockerRootDir: root } = raw;
  // Two Engines on one host can report one id: a copied file, or an old Docker beside a new one.
  if (typeof root !== "string" || root === "") return storable(raw.ID);
  return storable(`${raw.ID} at ${root}${typeof name === "string" ? ` on ${name}` : ""}`);
}

function isPodman(components: unknown): boolean {
  return Array.isArray(components) &&
    components.some((component) =>
      typeof component?.Name === "string" && component.Name.startsWith("Podman")
    );
}

function isVersion(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,3}\.\d{1,3}$/.test(value);
}

function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}

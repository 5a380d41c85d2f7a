/**
 * What the scripted Engine answers while nothing is wrong with it. Pure; knows no connection and no
 * fault.
 *
 * @module
 */

import { FAKE_IMAGE_ID, type FakeContainer, matches, toJson } from "./scripted_container.ts";
import type { Endpoint, Filters } from "./wire.ts";

/** What answers are made from. */
export interface Answering {
  readonly id: string;
  readonly kind: "docker" | "podman";
  readonly apiVersion: string;
  readonly minApiVersion: string;
  /** By id; the order is the listing's. */
  readonly containers: ReadonlyMap<string, FakeContainer>;
}

/** Why an Engine does not answer to this version of its API; null if it does. */
export function refusalOf(version: string | null, engine: Answering): string | null {
  if (version === null || engine.kind === "podman") return null;
  if (minor(version) > minor(engine.apiVersion)) {
    return `client version ${version} is too new. Maximum supported API version is ${engine.apiVersion}`;
  }
  if (minor(version) < minor(engine.minApiVersion)) {
    return `client version ${version} is too old. Minimum supported API version is ` +
      `${engine.minApiVersion}, please upgrade your client to a newer version`;
  }
  return null;
}

/** What it answers: text or what JSON is made of; undefined where there is nothing. */
export function answerOf(
  { endpoint, filters, path }: { endpoint: Endpoint; filters: Filters; path: string },
  engine: Answering,
): unknown {
  switch (endpoint) {
    case "ping":
      return "OK";
    case "version":
      return {
        Components: [{ Name: engine.kind === "podman" ? "Podman Engine" : "Engine" }],
        Version: engine.kind === "podman" ? "4.3.1" : "20.10.24",
        ApiVersion: engine.apiVersion,
        MinAPIVersion: engine.minApiVersion,
      };
    case "info":
      return {
        ID: engine.kind === "podman" ? crypto.randomUUID() : engine.id,
        Name: engine.kind === "podman" ? engine.id : "fake-host",
        DockerRootDir: "/var/lib/fake",
        SystemTime: new Date().toISOString(),
        Containers: engine.containers.size,
      };
    case "list":
    case "list_ids":
      return [...engine.containers.values()].filter((one) => matches(one, filters)).map(toJson);
    case "inspect":
      return engine.containers.get(path.split("/")[2]!)?.details;
    case "top":
      return { Titles: [], Processes: [] };
    case "image":
      return { Id: FAKE_IMAGE_ID };
    default:
      return undefined;
  }
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}

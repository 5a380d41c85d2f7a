/**
 * A container of the scripted Engine, as tests change it and as a listing shows it.
 *
 * @module
 */

import { type FakePort, type Filters, statusOf } from "./wire.ts";

/** Id of the image of every container. */
export const FAKE_IMAGE_ID =
  "sha256:70e7fb1c21aa074c36b72a3795888a3ec453fe010b1601fa98f6ed123e8017c8";

/** One container; change its fields at will, the next listing shows them. */
export interface FakeContainer {
  /** 64 hex digits. */
  readonly id: string;
  name: string;
  image: string;
  /** The Engine's word. */
  state: string;
  health: "healthy" | "unhealthy" | "starting" | null;
  exitCode: number;
  labels: Record<string, string>;
  ports: FakePort[];
  /** Network → address. */
  networks: Record<string, string>;
  /** Seconds since the Unix epoch. */
  created: number;
  /** The `Status` text when it shall not follow from the fields above. */
  status: string | null;
  /** Overrides any field of the JSON; undefined removes one. */
  json: Record<string, unknown>;
  /** What an inspect shows. */
  details: Record<string, unknown>;
}

/** A container id as the Engine makes them: 64 hex digits. */
export function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** One element of `/containers/json` as Engine 20.10 writes it. */
export function toJson(container: FakeContainer): Record<string, unknown> {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.image,
    ImageID: FAKE_IMAGE_ID,
    Command: "/bin/app",
    Created: container.created,
    Ports: container.ports,
    Labels: container.labels,
    State: container.state,
    Status: container.status ?? statusOf(container),
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: {
      Networks: Object.fromEntries(
        Object.entries(container.networks).map(([name, IPAddress]) => [name, { IPAddress }]),
      ),
    },
    Mounts: [],
    ...container.json,
  };
}

/** Whether a container is among those that a listing with these filters asks for. */
export function matches(container: FakeContainer, filters: Filters): boolean {
  const { id: ids, label: labels } = filters;
  if (ids !== undefined && !ids.some((id) => container.id.startsWith(id))) return false;
  return (labels ?? []).every((label) => {
    const [name = "", value] = label.split(/=(.*)/s);
    if (!Object.hasOwn(container.labels, name)) return false;
    return value === undefined || container.labels[name] === value;
  });
}

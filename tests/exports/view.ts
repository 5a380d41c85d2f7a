/**
 * Rows as readers are shown them, and settings, for tests of what is made of them.
 *
 * @module
 */

import { VIEW_COLUMNS } from "../../src/model/columns.ts";
import type { ContainerView } from "../../src/model/views.ts";
import type { RouteSettings } from "../../src/setting_values.ts";
import type { RoutedWorld } from "../../src/exports/routes.ts";

/** What routes are made with where nothing is set. */
export const SETTINGS: RouteSettings = {
  address: "127.0.0.1",
  network: null,
  domain: null,
  scheme: "https",
};

const AT = "2026-01-01T00:00:00.000Z";

/** Whatever a row can have, and this one has not. */
const NOTHING = Object.fromEntries(
  Object.keys(VIEW_COLUMNS).map((field) => [field, null]),
) as { [Field in keyof ContainerView]: never };

/** A row that runs, is published at port 32768 of every address, and has no subdomain. */
export function view(id: string, fields: Partial<ContainerView> = {}): ContainerView {
  return {
    ...NOTHING,
    id,
    workloadId: "w1",
    workloadKind: "project",
    workloadName: "app",
    replica: 1,
    containerId: `container-${id}`,
    containerName: id,
    imageRef: "app:1",
    host: "local",
    state: "running",
    port: 8080,
    hostIp: "0.0.0.0",
    hostPort: 32_768,
    addresses: { bridge: "172.17.0.2" },
    createdAtEngine: AT,
    claimed: true,
    stateSince: AT,
    healthSince: AT,
    lastSeenAt: AT,
    createdAt: AT,
    updatedAt: AT,
    ...fields,
  };
}

/** What exports are made of, with these rows. */
export function world(
  rows: readonly ContainerView[],
  more: Partial<RoutedWorld> = {},
): RoutedWorld {
  return { rows, domains: new Map(), previews: new Set(), ...more };
}

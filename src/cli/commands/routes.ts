/**
 * `tinyforge routes`: the rows that a proxy leads to.
 *
 * @module
 */

import type { ContainerView, Freshness } from "../../model/views.ts";
import { withIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { noteFreshness } from "../freshness.ts";
import { shortId, stateCell } from "../phrases.ts";
import { printTable } from "../table.ts";

const HEADER = [
  "SUBDOMAIN",
  "WORKLOAD",
  "STAGE",
  "STATE",
  "PORT",
  "PUBLISHED",
  "ADDRESS",
  "CONTAINER",
  "ROUTE",
  "NPM",
  "ROW",
];

const FIT = {
  keep: ["SUBDOMAIN", "STATE", "ROW"],
  drop: ["NPM", "CONTAINER", "STAGE", "WORKLOAD", "ROUTE", "ADDRESS", "PORT"],
};

interface Routes {
  readonly index: Freshness | null;
  readonly items: readonly ContainerView[];
}

/** Prints proxy routes. */
export async function run(invocation: InvocationOf<"routes">): Promise<number> {
  const { out } = invocation;
  const { index, items } = await withIndex(
    invocation,
    async (api) => await api?.get<Routes>("/api/routes") ?? { index: null, items: [] },
  );
  noteFreshness(out, index);
  if (invocation.on("json")) {
    out.json({ index, items });
    return EXIT.done;
  }
  const cells = items.map((row) => [
    row.subdomain,
    row.workloadName,
    row.stageName,
    stateCell(row.state, row.exitCode),
    row.port,
    publishedAt(row),
    addressesOf(row),
    row.containerName || shortId(row.containerId),
    row.proxyRouteId,
    row.npmProxyId,
    row.id,
  ]);
  printTable(out, cells, { header: HEADER, fit: FIT });
  if (items.length === 0) {
    out.notes("No row has one; `tinyforge container set ROW --subdomain NAME` gives it one.");
  }
  return EXIT.done;
}

/** Where the host leads to the container's port, `127.0.0.1:8080`. */
function publishedAt({ hostIp, hostPort }: ContainerView): string | null {
  if (hostPort === null) return null;
  return `${hostIp?.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}`;
}

/** Where its networks lead to it: `172.18.0.2 in shop_default`, or `host` for the host's own. */
function addressesOf({ addresses, state }: ContainerView): string | null {
  if (state === "running" && addresses["host"] === null) return "host";
  return Object.entries(addresses).filter(([, address]) => address !== null)
    .map(([network, address]) => `${address} in ${network}`).join(", ") || null;
}

/**
 * `/api/export/…`: routes as the programs that people already run read them. What each of them is
 * told is made in `src/exports`.
 *
 * @module
 */

import * as z from "zod";
import {
  type DashyConfiguration,
  dashyConfiguration,
  type HomepageServices,
  homepageServices,
  linkGroups,
} from "../../exports/dashboards.ts";
import { prometheusTargets, type TargetGroup } from "../../exports/prometheus.ts";
import { type RoutedWorld, routesOf, siteHostname, subdomainsOf } from "../../exports/routes.ts";
import { type TraefikConfiguration, traefikConfiguration } from "../../exports/traefik.ts";
import { quote } from "../../text.ts";
import { json, ok } from "../answer.ts";
import { type Operation, operation, type Schema, type Services } from "../operation.ts";
import { ProblemDetails } from "../problem_details.ts";
import { isReady } from "./health.ts";

const NOT_READY =
  "Not before the index can be trusted (503), so that whoever reads it keeps what " +
  "it has. ";

const TraefikSchema: Schema<TraefikConfiguration> = z.object({
  http: z.object({
    routers: z.record(z.string(), z.object({ rule: z.string(), service: z.string() })),
    services: z.record(
      z.string(),
      z.object({
        loadBalancer: z.object({ servers: z.array(z.object({ url: z.string() })) }),
      }),
    ),
  }).optional(),
}).meta({ id: "TraefikConfiguration" }) as Schema<unknown> as Schema<TraefikConfiguration>;

/** For Traefik. */
export const exportTraefik: Operation = operation({
  summary: "Routes as dynamic configuration for Traefik's HTTP provider",
  description: NOT_READY +
    "A router and a service for each subdomain and site's domain that a running container serves; " +
    "unhealthy ones are left out unless nothing else serves it. `{}` where nothing is routed.",
  answers: ok("The configuration", TraefikSchema),
}, ({ services }) => {
  requireReady(services);
  const { routes } = services;
  return json(traefikConfiguration(routesOf(routedWorld(services), routes), routes));
});

/** For Caddy's on-demand TLS. */
export const askCaddy: Operation = operation({
  summary: "Whether a host name is known: for `ask` of Caddy's on-demand TLS",
  description: "Also while nothing serves it. What is registered is known before the first pass.",
  query: z.strictObject({ domain: z.string() }),
  answers: { 200: { description: "It is", schema: z.string(), mediaType: "text/plain" } },
}, ({ services: { store, routes }, query: { domain } }) => {
  const hostname = siteHostname(domain);
  const known = hostname !== null &&
    store.views.knowsName({ subdomains: subdomainsOf(hostname, routes), domain: hostname });
  if (known) return new Response("ok\n");
  throw new ProblemDetails("not-found", `Cannot find ${quote(domain, 253)}: nothing has that name`);
});

/** What takes a few milliseconds. */
const ROWS_AT_ONCE = 500;

const TargetsSchema: Schema<TargetGroup[]> = z.array(
  z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) })
    .meta({ id: "TargetGroup" }),
);

/** For Prometheus. */
export const exportPrometheus: Operation = operation({
  summary: "Running rows as targets for Prometheus' HTTP service discovery",
  description: NOT_READY + "`[]` where nothing runs.",
  answers: ok("One group for each row, its labels `__meta_tinyforge_…`", TargetsSchema),
}, async ({ services }) => {
  requireReady(services);
  const { store, routes } = services;
  const groups: TargetGroup[] = [];
  for (let after = "";;) {
    const rows = store.views.list({ state: "running", after, limit: ROWS_AT_ONCE });
    groups.push(...prometheusTargets(rows, routes));
    if (rows.length < ROWS_AT_ONCE) return json(groups);
    after = rows.at(-1)!.id;
    // Events must not wait until ten thousand rows are told.
    await new Promise((resolve) => setTimeout(resolve));
  }
});

const HomepageSchema: Schema<HomepageServices> = z.array(
  z.record(
    z.string(),
    z.array(z.record(z.string(), z.object({ href: z.string(), description: z.string() }))),
  ),
);

/** For Homepage. */
export const exportHomepage: Operation = operation({
  summary: "Routes as `services.yaml` of Homepage",
  description: NOT_READY + "JSON, which is YAML too. Also what is down.",
  answers: ok("The groups", HomepageSchema),
}, ({ services }) => json(homepageServices(links(services))));

const DashySchema: Schema<DashyConfiguration> = z.object({
  pageInfo: z.object({ title: z.string() }),
  sections: z.array(z.object({
    name: z.string(),
    items: z.array(z.object({ title: z.string(), url: z.string(), description: z.string() })),
  })),
}).meta({ id: "DashyConfiguration" });

/** For Dashy. */
export const exportDashy: Operation = operation({
  summary: "Routes as `conf.yml` of Dashy, or one page of it",
  description: NOT_READY + "JSON, which is YAML too. Also what is down.",
  answers: ok("The configuration", DashySchema),
}, ({ services }) => json(dashyConfiguration(links(services))));

function links(services: Services): ReturnType<typeof linkGroups> {
  requireReady(services);
  const world = routedWorld(services);
  return linkGroups(routesOf(world, services.routes), world, services.routes);
}

function routedWorld({ store }: Services): RoutedWorld {
  const sites = store.registry.list("site").flatMap(({ workloadId, domain }) =>
    domain === null ? [] : [[workloadId, domain] as const]
  );
  return {
    rows: store.views.listRouted(),
    domains: new Map(sites),
    previews: new Set(store.stages.previews().map(({ id }) => id)),
  };
}

function requireReady(services: Services): void {
  if (isReady(services)) return;
  throw new ProblemDetails("not-ready", "Cannot export routes: the index can't be trusted yet", {
    headers: { "retry-after": "5" },
  });
}

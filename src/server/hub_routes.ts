/**
 * The HTTP surface of a hub in one table: what a host answers, as far as a hub knows it, by the same
 * functions; and its hosts. Of what is asked of a host itself it is told where to ask.
 *
 * @module
 */

import * as z from "zod";
import { getContainer, listContainers } from "./api/containers.ts";
import { listen } from "./api/events.ts";
import { livez, metrics, openApi } from "./api/health.ts";
import { enrollHost, expelHost, hubReady, type HubServices, listHosts } from "./api/hosts.ts";
import { getAvailability, listHistory } from "./api/past.ts";
import { check, listProblems } from "./api/problems.ts";
import { getIndex } from "./api/summary.ts";
import { listAllTransitions, listTransitions } from "./api/transitions.ts";
import { listWorkloads } from "./api/workloads.ts";
import { notHere } from "./not_here.ts";
import { type OperationSpec, served } from "./operation.ts";
import { ACCESS_ROUTES, HUB_TELLING_ROUTES, type Route, ROUTES } from "./routes.ts";

/** What a hub answers. */
export const HUB_ROUTES: readonly Route<HubServices>[] = [
  ["get", "/livez", "open", livez],
  ["get", "/readyz", "open", hubReady],
  ["get", "/metrics", "metrics", metrics],
  ["get", "/openapi.json", "open", openApi],

  ["get", "/api/hosts", "read", listHosts],
  ["post", "/api/hosts", "admin", enrollHost],
  ["delete", "/api/hosts/{name}", "admin", expelHost],

  ["get", "/api/containers", "read", listContainers],
  ["get", "/api/containers/{id}", "read", getContainer],
  ["get", "/api/containers/{id}/transitions", "read", listTransitions],
  ["get", "/api/transitions", "read", listAllTransitions],
  ["get", "/api/history", "read", listHistory],
  ["get", "/api/availability", "read", getAvailability],
  ["get", "/api/workloads", "read", listWorkloads],
  ["get", "/api/problems", "read", listProblems],
  ["get", "/api/check", "read", check],
  ["get", "/api/index", "read", getIndex],
  ["get", "/api/events", "read", listen],

  ...HUB_TELLING_ROUTES,
  ...ACCESS_ROUTES,
];

const ANSWERED: ReadonlySet<string> = new Set(HUB_ROUTES.map(keyOf));

/** What only a host answers; asked here, it is said which one to ask. */
export const HOSTS_ROUTES: readonly Route<HubServices>[] = ROUTES
  .filter((route) => !ANSWERED.has(keyOf(route)))
  .map(([method, path, needed, { spec }]) => {
    const elsewhere: OperationSpec<Readonly<Record<string, string>>, unknown, unknown> = {
      summary: spec.summary,
      ...(spec.params !== undefined && {
        params: spec.params as { parse(value: unknown): Readonly<Record<string, string>> },
      }),
      query: z.looseObject({}),
      body: "ignored",
      answers: { 501: { description: "The host itself answers it" } },
    };
    const operation = served<Readonly<Record<string, string>>, unknown, unknown, HubServices>(
      elsewhere,
      ({ params }) => {
        throw notHere("do this", params?.id);
      },
    );
    return [method, path, needed, operation] as const;
  });

function keyOf([method, path]: readonly [string, string, ...unknown[]]): string {
  return `${method} ${path}`;
}

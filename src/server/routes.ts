/**
 * The whole HTTP surface in one table. What a route takes and gives stands beside its function.
 *
 * @module
 */

import {
  acceptWorkload,
  adopt,
  getDiscover,
  getExpectations,
  putExpectations,
} from "./api/adopt.ts";
import {
  createChannel,
  createRule,
  listChannels,
  listDeliveries,
  listRules,
  removeChannel,
  removeRule,
  retryChannel,
  testChannel,
} from "./api/channels.ts";
import {
  createContainer,
  getContainer,
  listContainers,
  listRoutes,
  putContainer,
  removeContainer,
  updateContainer,
} from "./api/containers.ts";
import { writeBatch } from "./api/container_batch.ts";
import { acceptEngine, getStatus, reconcile } from "./api/daemon.ts";
import { getDetails } from "./api/details.ts";
import { getFindings } from "./api/doctor.ts";
import { listen } from "./api/events.ts";
import {
  askCaddy,
  exportDashy,
  exportHomepage,
  exportPrometheus,
  exportTraefik,
} from "./api/exports.ts";
import { livez, metrics, openApi, readyz } from "./api/health.ts";
import { callHook, callHookByHeader, callHookBySignature } from "./api/hooks.ts";
import { getInstance, removeInstance, updateInstance } from "./api/instances.ts";
import { check, listProblems } from "./api/problems.ts";
import { projects, sites, stacks } from "./api/registry.ts";
import { createSilence, listSilences, removeSilence } from "./api/silences.ts";
import {
  createStage,
  getStage,
  listAllStages,
  listPreviews,
  listStageContainers,
  listStages,
  removeStage,
  updateStage,
} from "./api/stages.ts";
import { getIndex } from "./api/summary.ts";
import { listAllTransitions, listTransitions } from "./api/transitions.ts";
import { getSecret, listWorkloads, rotateSecret } from "./api/workloads.ts";
import type { Operation } from "./operation.ts";

/** A method, a path with its parameters in braces, and what answers there. */
export type Route = readonly [
  method: "get" | "post" | "put" | "patch" | "delete",
  path: string,
  operation: Operation,
];

/** Every route. A HEAD is answered as its GET; any other method of a path that is here gets 405. */
export const ROUTES: readonly Route[] = [
  ["get", "/livez", livez],
  ["get", "/readyz", readyz],
  ["get", "/metrics", metrics],
  ["get", "/openapi.json", openApi],

  ["get", "/api/projects", projects.list],
  ["post", "/api/projects", projects.create],
  ["get", "/api/projects/{id}", projects.get],
  ["patch", "/api/projects/{id}", projects.update],
  ["delete", "/api/projects/{id}", projects.remove],
  ["get", "/api/projects/{id}/stages", listStages],
  ["post", "/api/projects/{id}/stages", createStage],
  ["get", "/api/stages", listAllStages],
  ["get", "/api/previews", listPreviews],
  ["get", "/api/stages/{id}", getStage],
  ["get", "/api/stages/{id}/containers", listStageContainers],
  ["patch", "/api/stages/{id}", updateStage],
  ["delete", "/api/stages/{id}", removeStage],

  ["get", "/api/stacks", stacks.list],
  ["post", "/api/stacks", stacks.create],
  ["get", "/api/stacks/{id}", stacks.get],
  ["patch", "/api/stacks/{id}", stacks.update],
  ["delete", "/api/stacks/{id}", stacks.remove],

  ["get", "/api/sites", sites.list],
  ["post", "/api/sites", sites.create],
  ["get", "/api/sites/{id}", sites.get],
  ["patch", "/api/sites/{id}", sites.update],
  ["delete", "/api/sites/{id}", sites.remove],

  ["get", "/api/containers", listContainers],
  ["post", "/api/containers", createContainer],
  ["post", "/api/containers/batch", writeBatch],
  ["get", "/api/containers/{id}", getContainer],
  ["put", "/api/containers/{id}", putContainer],
  ["patch", "/api/containers/{id}", updateContainer],
  ["delete", "/api/containers/{id}", removeContainer],
  ["get", "/api/containers/{id}/transitions", listTransitions],
  ["get", "/api/containers/{id}/details", getDetails],
  ["get", "/api/routes", listRoutes],
  ["get", "/api/export/traefik", exportTraefik],
  ["get", "/api/export/caddy/ask", askCaddy],
  ["get", "/api/export/prometheus", exportPrometheus],
  ["get", "/api/export/homepage", exportHomepage],
  ["get", "/api/export/dashy", exportDashy],
  ["get", "/api/transitions", listAllTransitions],

  ["get", "/api/instances/{project}/{stage}/{id}", getInstance],
  ["patch", "/api/instances/{project}/{stage}/{id}", updateInstance],
  ["delete", "/api/instances/{project}/{stage}/{id}", removeInstance],

  ["get", "/api/workloads", listWorkloads],
  ["get", "/api/workloads/{id}/secret", getSecret],
  ["post", "/api/workloads/{id}/secret", rotateSecret],

  ["post", "/api/workloads/{id}/accept", acceptWorkload],
  ["get", "/api/workloads/{id}/expectations", getExpectations],
  ["put", "/api/workloads/{id}/expectations", putExpectations],

  ["get", "/api/discover", getDiscover],
  ["post", "/api/adopt", adopt],

  ["get", "/api/problems", listProblems],
  ["get", "/api/check", check],
  ["get", "/api/doctor", getFindings],
  ["get", "/api/silences", listSilences],
  ["post", "/api/silences", createSilence],
  ["delete", "/api/silences/{id}", removeSilence],
  ["get", "/api/channels", listChannels],
  ["post", "/api/channels", createChannel],
  ["delete", "/api/channels/{id}", removeChannel],
  ["post", "/api/channels/{id}/test", testChannel],
  ["post", "/api/channels/{id}/retry", retryChannel],
  ["get", "/api/rules", listRules],
  ["post", "/api/rules", createRule],
  ["delete", "/api/rules/{id}", removeRule],
  ["get", "/api/deliveries", listDeliveries],

  ["get", "/api/index", getIndex],
  ["get", "/api/status", getStatus],
  ["post", "/api/reconcile", reconcile],
  ["post", "/api/engine/accept", acceptEngine],
  ["get", "/api/events", listen],

  ["post", "/hooks", callHookByHeader],
  ["post", "/hooks/{secret}", callHook],
  ["post", "/hooks/workloads/{id}", callHookBySignature],
];

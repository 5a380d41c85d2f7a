/**
 * The whole HTTP surface in one table. What a route takes and gives stands beside its function.
 *
 * @module
 */

import { listAudit } from "./api/audit.ts";
import { adopt, getDiscover } from "./api/adopt.ts";
import {
  acceptEverything,
  acceptWorkload,
  getExpectations,
  putExpectations,
} from "./api/expectations.ts";
import {
  createChannel,
  createHubChannel,
  listChannels,
  listDeliveries,
  removeChannel,
  retryChannel,
  testChannel,
  updateChannel,
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
import { getDispatch } from "./api/dispatch.ts";
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
import { getAvailability, listHistory } from "./api/past.ts";
import { check, listProblems } from "./api/problems.ts";
import { projects, sites, stacks } from "./api/registry.ts";
import { HUB_RULES, removeRule, type RuleOperations, RULES } from "./api/rules.ts";
import {
  closeSession,
  createCode,
  getSession,
  listSessions,
  openSession,
  removeSession,
} from "./api/sessions.ts";
import { HUB_SILENCES, removeSilence, type SilenceOperations, SILENCES } from "./api/silences.ts";
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
import { createToken, listTokens, removeToken, renewToken } from "./api/tokens.ts";
import { listAllTransitions, listTransitions } from "./api/transitions.ts";
import { getSecret, listWorkloads, rotateSecret } from "./api/workloads.ts";
import type { Role } from "../model/role.ts";
import type { Operation, ReadServices, Services, TellingServices } from "./operation.ts";

/** Who may use a route over TCP: that role and those above it, or everyone who reaches it. */
export type Needed = Role | "open";

/** A method, a path with its parameters in braces, who may use it, and what answers there. */
export type Route<At = Services> = readonly [
  method: "get" | "post" | "put" | "patch" | "delete",
  path: string,
  needed: Needed,
  operation: Operation<At>,
];

/** Who may ask, and who did: a host and a hub answer it by the same functions. */
export const ACCESS_ROUTES: readonly Route<ReadServices>[] = [
  ["get", "/api/tokens", "admin", listTokens],
  ["post", "/api/tokens", "admin", createToken],
  ["patch", "/api/tokens/{id}", "admin", renewToken],
  ["delete", "/api/tokens/{id}", "admin", removeToken],
  ["get", "/api/session", "read", getSession],
  ["post", "/api/session", "open", openSession],
  ["delete", "/api/session", "read", closeSession],
  ["post", "/api/session/codes", "admin", createCode],
  ["get", "/api/sessions", "admin", listSessions],
  ["delete", "/api/sessions/{id}", "admin", removeSession],
  ["get", "/api/audit", "admin", listAudit],
];

/** Who is told of what, at a hub: as at a host, and by host. */
export const HUB_TELLING_ROUTES: readonly Route<TellingServices>[] = tellingRoutes({
  ...{ silences: HUB_SILENCES, rules: HUB_RULES, createChannel: createHubChannel },
});

/** Every route. A HEAD is answered as its GET; any other method of a path that is here gets 405. */
export const ROUTES: readonly Route[] = [
  ["get", "/livez", "open", livez],
  ["get", "/readyz", "open", readyz],
  ["get", "/metrics", "metrics", metrics],
  // It says nothing of this host, and tools fetch it without a token.
  ["get", "/openapi.json", "open", openApi],

  ["get", "/api/projects", "read", projects.list],
  ["post", "/api/projects", "admin", projects.create],
  ["get", "/api/projects/{id}", "read", projects.get],
  ["patch", "/api/projects/{id}", "admin", projects.update],
  ["delete", "/api/projects/{id}", "admin", projects.remove],
  ["get", "/api/projects/{id}/stages", "read", listStages],
  ["post", "/api/projects/{id}/stages", "admin", createStage],
  ["get", "/api/stages", "read", listAllStages],
  ["get", "/api/previews", "read", listPreviews],
  ["get", "/api/stages/{id}", "read", getStage],
  ["get", "/api/stages/{id}/containers", "read", listStageContainers],
  ["patch", "/api/stages/{id}", "admin", updateStage],
  ["delete", "/api/stages/{id}", "admin", removeStage],

  ["get", "/api/stacks", "read", stacks.list],
  ["post", "/api/stacks", "admin", stacks.create],
  ["get", "/api/stacks/{id}", "read", stacks.get],
  ["patch", "/api/stacks/{id}", "admin", stacks.update],
  ["delete", "/api/stacks/{id}", "admin", stacks.remove],

  ["get", "/api/sites", "read", sites.list],
  ["post", "/api/sites", "admin", sites.create],
  ["get", "/api/sites/{id}", "read", sites.get],
  ["patch", "/api/sites/{id}", "admin", sites.update],
  ["delete", "/api/sites/{id}", "admin", sites.remove],

  ["get", "/api/containers", "read", listContainers],
  ["post", "/api/containers", "deploy", createContainer],
  ["post", "/api/containers/batch", "deploy", writeBatch],
  ["get", "/api/containers/{id}", "read", getContainer],
  ["put", "/api/containers/{id}", "deploy", putContainer],
  ["patch", "/api/containers/{id}", "deploy", updateContainer],
  ["delete", "/api/containers/{id}", "deploy", removeContainer],
  ["get", "/api/containers/{id}/transitions", "read", listTransitions],
  ["get", "/api/containers/{id}/details", "read", getDetails],
  ["get", "/api/routes", "read", listRoutes],
  ["get", "/api/export/traefik", "read", exportTraefik],
  ["get", "/api/export/caddy/ask", "read", askCaddy],
  ["get", "/api/export/prometheus", "read", exportPrometheus],
  ["get", "/api/export/homepage", "read", exportHomepage],
  ["get", "/api/export/dashy", "read", exportDashy],
  ["get", "/api/transitions", "read", listAllTransitions],
  ["get", "/api/history", "read", listHistory],
  ["get", "/api/availability", "read", getAvailability],

  ["get", "/api/instances/{project}/{stage}/{id}", "read", getInstance],
  ["patch", "/api/instances/{project}/{stage}/{id}", "deploy", updateInstance],
  ["delete", "/api/instances/{project}/{stage}/{id}", "deploy", removeInstance],

  ["get", "/api/workloads", "read", listWorkloads],
  ["get", "/api/workloads/{id}/secret", "deploy", getSecret],
  ["post", "/api/workloads/{id}/secret", "admin", rotateSecret],

  ["post", "/api/accept", "admin", acceptEverything],
  ["post", "/api/workloads/{id}/accept", "admin", acceptWorkload],
  ["get", "/api/workloads/{id}/expectations", "read", getExpectations],
  ["put", "/api/workloads/{id}/expectations", "admin", putExpectations],

  ["get", "/api/discover", "read", getDiscover],
  ["post", "/api/adopt", "admin", adopt],

  ["get", "/api/problems", "read", listProblems],
  ["get", "/api/check", "read", check],
  ["get", "/api/doctor", "read", getFindings],
  ...tellingRoutes({ silences: SILENCES, rules: RULES, createChannel }),

  ...ACCESS_ROUTES,

  ["get", "/api/index", "read", getIndex],
  ["get", "/api/dispatch", "read", getDispatch],
  ["get", "/api/status", "read", getStatus],
  ["post", "/api/reconcile", "deploy", reconcile],
  ["post", "/api/engine/accept", "admin", acceptEngine],
  ["get", "/api/events", "read", listen],

  ["post", "/hooks", "open", callHookByHeader],
  ["post", "/hooks/{secret}", "open", callHook],
  ["post", "/hooks/workloads/{id}", "open", callHookBySignature],
];

/** Who is told of what, and of what nobody wants to hear: by the same functions, of one host or many. */
function tellingRoutes({ silences, rules, createChannel }: {
  silences: SilenceOperations;
  rules: RuleOperations;
  createChannel: Operation<TellingServices>;
}): readonly Route<TellingServices>[] {
  return [
    ["get", "/api/silences", "read", silences.list],
    ["post", "/api/silences", "admin", silences.create],
    ["delete", "/api/silences/{id}", "admin", removeSilence],
    ["get", "/api/channels", "read", listChannels],
    ["post", "/api/channels", "admin", createChannel],
    ["patch", "/api/channels/{id}", "admin", updateChannel],
    ["delete", "/api/channels/{id}", "admin", removeChannel],
    ["post", "/api/channels/{id}/test", "admin", testChannel],
    ["post", "/api/channels/{id}/retry", "admin", retryChannel],
    ["get", "/api/rules", "read", rules.list],
    ["post", "/api/rules", "admin", rules.create],
    ["patch", "/api/rules/{id}", "admin", rules.update],
    ["delete", "/api/rules/{id}", "admin", removeRule],
    ["get", "/api/deliveries", "read", listDeliveries],
  ];
}

/**
 * What somebody changed, in words: by the route that it was done with. Knows no more than an entry of
 * the audit says.
 *
 * @module
 */

import type { AuditEntry } from "../model/access.ts";

/** Route → what it does; what its path names stands where the route's placeholder does. */
export const CHANGES: Readonly<Record<string, string>> = {
  ...entries("project", "projects"),
  ...entries("stack", "stacks"),
  ...entries("site", "sites"),
  "POST /api/projects/{id}/stages": "added a stage to project {id}",
  "PATCH /api/stages/{id}": "changed stage {id}",
  "DELETE /api/stages/{id}": "removed stage {id}",

  "POST /api/containers": "added a row",
  "POST /api/containers/batch": "wrote rows",
  "PUT /api/containers/{id}": "put row {id}",
  "PATCH /api/containers/{id}": "changed row {id}",
  "DELETE /api/containers/{id}": "removed row {id}",
  "PATCH /api/instances/{project}/{stage}/{id}": "changed row {id} of {project}/{stage}",
  "DELETE /api/instances/{project}/{stage}/{id}": "removed row {id} of {project}/{stage}",

  "POST /api/adopt": "took in what runs",
  "POST /api/accept": "accepted what runs of everything",
  "POST /api/workloads/{id}/accept": "accepted what runs of workload {id}",
  "PUT /api/workloads/{id}/expectations": "set what should run of workload {id}",
  "POST /api/workloads/{id}/secret": "renewed the webhook secret of workload {id}",
  "POST /api/reconcile": "asked for a pass",
  "POST /api/engine/accept": "accepted another Engine",
  "POST /hooks": "called a webhook",
  "POST /hooks/{secret}": "called a webhook",
  "POST /hooks/workloads/{id}": "called the webhook of workload {id}",

  "POST /api/silences": "added a silence",
  "DELETE /api/silences/{id}": "ended silence {id}",
  ...entries("channel", "channels"),
  "POST /api/channels/{id}/test": "tested channel {id}",
  "POST /api/channels/{id}/retry": "tried again what waits for channel {id}",
  ...entries("rule", "rules"),

  ...entries("token", "tokens"),
  "PATCH /api/tokens/{id}": "renewed token {id}",
  "POST /api/session": "logged in",
  "DELETE /api/session": "logged out",
  "POST /api/session/codes": "made a link to the dashboard",
  "DELETE /api/sessions/{id}": "ended session {id}",

  "POST /api/hosts": "let a host in",
  "DELETE /api/hosts/{name}": "forgot host {name}",

  "restore": "restored a backup",
};

function entries(what: string, path: string): Record<string, string> {
  return {
    [`POST /api/${path}`]: `added a ${what}`,
    [`PATCH /api/${path}/{id}`]: `changed ${what} {id}`,
    [`DELETE /api/${path}/{id}`]: `removed ${what} {id}`,
  };
}

/** What somebody did; of a route that a newer version has, the route. */
export function changeText(change: Pick<AuditEntry, "action" | "path"> | null): string {
  if (change === null) return "";
  const { action, path } = change;
  const words = Object.hasOwn(CHANGES, action) ? CHANGES[action]! : null;
  if (words === null) return `${action.split(" ")[0]} ${path}`.trimEnd();
  const [places, told] = [action.split("/"), path.split("/")];
  // From the end: a proxy's prefix may stand in front.
  return words.replace(
    /\{\w+\}/g,
    (place) => decoded(told.at(places.indexOf(place) - places.length) ?? ""),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It was cut.
    return text;
  }
}

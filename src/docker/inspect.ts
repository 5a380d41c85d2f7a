/**
 * What the Engine tells of one container beyond its listing: decoded leniently, since nothing is
 * decided by it and each field may lack. Does no I/O.
 *
 * @module
 */

import { clip, storable } from "../text.ts";

/** What people open `docker inspect` for. */
export interface ContainerDetails {
  /** RFC 3339 UTC; null when it never started. */
  readonly startedAt: string | null;
  /** RFC 3339 UTC; null when it never ended. */
  readonly finishedAt: string | null;
  /** How often its restart policy started it again. */
  readonly restartCount: number;
  /** `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`. */
  readonly restartPolicy: string;
  /** Whether memory ran out. */
  readonly oomKilled: boolean;
  /** `State.Error`, empty without one. */
  readonly error: string;
  /** Output of the last health check; null without one. */
  readonly healthOutput: string | null;
  /** Whether it has a health check. */
  readonly healthCheck: boolean;
}

/** Longest text of one field, in UTF-16 units: an error or a health check may write megabytes. */
const MAX_DETAIL = 1000;

/** The details in the answer of `/containers/{id}/json`. */
export function decodeDetails(answer: unknown): ContainerDetails {
  const container = objectOf(answer);
  const state = objectOf(container["State"]);
  const policy = objectOf(objectOf(container["HostConfig"])["RestartPolicy"]);
  const health = objectOf(state["Health"] ?? state["Healthcheck"]);
  const log = Array.isArray(health["Log"]) ? health["Log"] : [];
  const output = log.length === 0 ? null : objectOf(log.at(-1))["Output"];
  const test = objectOf(objectOf(container["Config"])["Healthcheck"])["Test"];
  return {
    startedAt: timeOf(state["StartedAt"]),
    finishedAt: timeOf(state["FinishedAt"]),
    restartCount: countOf(container["RestartCount"]),
    restartPolicy: policyOf(policy),
    oomKilled: state["OOMKilled"] === true,
    error: textOf(state["Error"]),
    healthOutput: output === null ? null : textOf(output),
    healthCheck: Array.isArray(test) && test.length > 0 && test[0] !== "NONE",
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function textOf(value: unknown): string {
  if (typeof value !== "string") return "";
  // Line ends stay: the output of a check has several lines, and is escaped where it is shown.
  return clip(value.trim(), MAX_DETAIL).split(/\r?\n/).map(storable).join("\n");
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function policyOf({ Name: name, MaximumRetryCount: most }: Record<string, unknown>): string {
  if (typeof name !== "string" || name === "") return "no";
  const retries = countOf(most);
  return name === "on-failure" && retries > 0 ? `${name}:${retries}` : clip(textOf(name), 64);
}

/** Go's zero time says that it never was. */
function timeOf(value: unknown): string | null {
  if (typeof value !== "string" || value.startsWith("0001-")) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

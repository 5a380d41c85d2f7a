/**
 * What the Engine tells of one container beyond its listing: decoded leniently, since nothing is
 * decided by it and each field may lack. Does no I/O.
 *
 * @module
 */

import type { ContainerDetails } from "../model/details.ts";
import { clip, storable } from "../text.ts";

/** Longest text of one field, in UTF-16 units: an error or a health check may write megabytes. */
const MAX_DETAIL = 1000;

/** A range of thousands of ports may be published: of these nobody asks who else claims one. */
const MAX_PUBLISHED = 256;

/** The details in the answer of `/containers/{id}/json`. */
export function decodeDetails(answer: unknown): ContainerDetails {
  const container = objectOf(answer);
  const state = objectOf(container["State"]);
  const hostConfig = objectOf(container["HostConfig"]);
  const policy = objectOf(hostConfig["RestartPolicy"]);
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
    publishes: publishesOf(objectOf(hostConfig["PortBindings"])),
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

/** `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`; a port that the Engine chooses is none. */
function publishesOf(bindings: Record<string, unknown>): string[] {
  const found: string[] = [];
  for (const [port, places] of Object.entries(bindings)) {
    const protocol = /^\d{1,5}\/(tcp|udp|sctp)$/.exec(port)?.[1];
    if (protocol === undefined || !Array.isArray(places)) continue;
    for (const place of places) {
      const { HostIp: ip, HostPort: hostPort } = objectOf(place);
      if (typeof hostPort !== "string" || !/^[1-9]\d{0,4}$/.test(hostPort)) continue;
      const address = typeof ip === "string" && /^[0-9a-fA-F.:]+$/.test(ip) ? ip : "0.0.0.0";
      found.push(`${address.includes(":") ? `[${address}]` : address}:${hostPort}/${protocol}`);
    }
  }
  return [...new Set(found)].sort().slice(0, MAX_PUBLISHED);
}

/** Go's zero time says that it never was; a year of five digits is a date to nobody else. */
function timeOf(value: unknown): string | null {
  if (typeof value !== "string" || value.startsWith("0001-")) return null;
  const ms = Date.parse(value);
  return ms >= FIRST_MS && ms <= LATEST_MS ? new Date(ms).toISOString() : null;
}

/** 0000-01-01 and 9999-12-31. */
const FIRST_MS = -62_167_219_200_000;
const LATEST_MS = 253_402_300_799_999;

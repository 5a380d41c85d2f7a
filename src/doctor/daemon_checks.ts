/**
 * Whether a daemon does its work: what probes are told, what its status shows and what a check of the
 * whole finds go back to these. Pure.
 *
 * @module
 */

import type { DaemonStatus, HubLinkStatus, HubTrouble } from "../model/views.ts";
import type { Finding } from "./finding.ts";

/** What a daemon needs in order to be ready. */
export const READINESS = ["store", "first-pass", "recent-pass", "engine"] as const;

/** One thing that a daemon needs in order to be ready. */
export interface ReadinessCheck {
  /** What is checked. */
  readonly name: (typeof READINESS)[number];
  /** Whether it is so. */
  readonly ok: boolean;
  /** For people; says nothing that only the token's owner may know. */
  readonly detail: string;
}

/** Whether the index can be trusted, step by step. `now`: milliseconds since the Unix epoch. */
export function readinessChecks(
  { ready, lastPass, index }: Pick<DaemonStatus, "ready" | "lastPass" | "index">,
  now: number,
): ReadinessCheck[] {
  // Since then the clock may have been set back.
  const age = lastPass === null ? null : Math.max(0, now - Date.parse(lastPass.at)) / 1000;
  return [
    { name: "store", ok: true, detail: "open" },
    { name: "first-pass", ok: age !== null, detail: age === null ? "not done" : "done" },
    {
      name: "recent-pass",
      ok: ready || index.reason === "engine-changed",
      detail: age === null ? "no good pass" : `last good pass ${age.toFixed(1)} s ago`,
    },
    ...(index.reason === "engine-changed"
      ? [{
        name: "engine" as const,
        ok: false,
        detail: "another Engine answers, until it is accepted",
      }]
      : []),
  ];
}

/** What a running daemon says of itself that should be otherwise. */
export function daemonFindings(
  status: DaemonStatus,
  { version, now }: { version: string; now: number },
): Finding[] {
  const found: Finding[] = [];
  const { engine, events, tcp, lastError } = status;
  const add = (finding: Omit<Finding, "group">) => found.push({ group: "daemon", ...finding });
  if (engine.changed !== null) {
    add({
      code: "engine-changed",
      severity: "failure",
      what: `another Engine answers (${engine.changed.found}, before ${engine.changed.accepted})`,
      why: "what it never had is not marked missing until it is known which one is meant",
      do: "`tinyforge engine accept` if this is meant",
    });
  } else if (engine.error !== null) {
    add({
      code: "engine-down",
      severity: "failure",
      what: `the daemon gets no answer: ${engine.error}`,
      why: "the index stays as it was",
      do: "`systemctl start docker`, then `tinyforge status`",
    });
  } else if (!status.ready) {
    const missing = readinessChecks(status, now).filter(({ ok }) => !ok);
    add({
      code: "not-ready",
      severity: "failure",
      what: `the daemon is not ready: ${missing.map(({ detail }) => detail).join(", ")}`,
      why: "its index can't be trusted",
      do: "`tinyforge reconcile --once` says what a pass fails with",
    });
  }
  if (engine.error === null && !events.up) {
    add({
      code: "events-down",
      severity: "warning",
      what: "the daemon does not hear the Engine's events",
      why: "changes are seen with the next pass only, seconds later",
      do: "`journalctl -u tinyforge` says why; a socket proxy must allow GET /events",
    });
  }
  if (lastError !== null && lastError !== engine.error) {
    add({
      code: "passes-fail",
      severity: "failure",
      what: lastError,
      why: "what passes find is not in the index",
      do: "`journalctl -u tinyforge` says since when",
    });
  }
  if (tcp.error !== null) {
    add({
      code: "port-not-open",
      severity: "warning",
      what: tcp.error,
      why: "programs reach the daemon over its socket only",
      do: "end what listens there, or choose another address with --listen",
    });
  }
  if (status.hub?.trouble) add(hubFinding(status.hub, status.hub.trouble));
  if (status.version !== version) {
    add({
      code: "version-differs",
      severity: "warning",
      what: `the daemon is ${status.version}, this command ${version}`,
      why: "the one may not understand the other",
      do: "`systemctl restart tinyforge`",
    });
  }
  return found;
}

function hubFinding(
  { url, name, error, behind }: HubLinkStatus,
  trouble: HubTrouble,
): Omit<Finding, "group"> {
  const untold = behind === null || behind === 0 ? "" : `, ${behind} changes are not told`;
  const unknown = "the hub goes on showing this host as unknown, with the rows that it last had";
  const shared = { what: `the hub ${url} is not told: ${error ?? ""}${untold}`, why: unknown };
  switch (trouble) {
    case "connection":
      return {
        ...shared,
        code: "hub-unreachable",
        severity: "warning",
        do: `\`curl ${url}/livez\` on this host says what is in the way`,
      };
    case "certificate":
      return {
        ...shared,
        code: "hub-certificate",
        severity: "failure",
        do: `\`tinyforge join ${url} --ca FILE\` with the authority that signed its certificate`,
      };
    case "not-known":
      return {
        ...shared,
        code: "hub-not-known",
        severity: "failure",
        do: `\`tinyforge leave\`, \`tinyforge hub enroll ${name}\` at the hub, and join anew`,
      };
    case "contested":
      return {
        ...shared,
        code: "hub-contested",
        severity: "failure",
        why: "while two speak for one host neither is believed",
        do: "`tinyforge leave` on the copy; 90 seconds later the other one is heard again",
      };
    case "waits":
      return {
        ...shared,
        code: "hub-waits",
        severity: "info",
        why: "a copy of this host's data would speak for it as well; one that ended does not",
        do: "wait for half a minute",
      };
    case "answer":
      return {
        ...shared,
        code: "hub-refuses",
        severity: "failure",
        do: "`journalctl -u tinyforge-hub` at the hub; is it of a version next to this one?",
      };
  }
}

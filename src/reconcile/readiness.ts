/**
 * When the index can be trusted, and what the daemon says of itself. Reads how passes went; must
 * not ask the Engine, because probes come often.
 *
 * @module
 */

import type { DockerHost } from "../docker_host.ts";
import type { DaemonStatus } from "../model/views.ts";
import type { Store } from "../store/store.ts";
import type { Loop } from "./loop.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Reconciler } from "./reconciler.ts";

/** How long after two intervals a pass may still be under way before the index counts as old. */
const PASS_GRACE_MS = 15_000;

/** The part of the status that probes ask for: whether a good pass was done, and recently. */
export function readiness(
  outcomes: Outcomes,
  { intervalMs }: { intervalMs: number },
): Pick<DaemonStatus, "ready" | "lastPass"> {
  return {
    ready: outcomes.lastPassAgeMs <= 2 * intervalMs + PASS_GRACE_MS,
    lastPass: outcomes.lastPass,
  };
}

/** What {@link daemonStatus} reads. */
export interface StatusSources {
  /** The Engine's address. */
  readonly host: DockerHost;
  /** How passes went. */
  readonly loop: Loop;
  /** Which Engine answers. */
  readonly reconciler: Reconciler;
  /** What the index holds. */
  readonly store: Store;
}

/** What the daemon says of itself, but for its process and its listeners. */
export function daemonStatus(
  { host, loop, reconciler, store }: StatusSources,
  { intervalMs }: { intervalMs: number },
): Omit<DaemonStatus, "pid" | "version" | "startedAt" | "dataDir" | "tcp"> {
  const { engineError, lastError, lastPass } = loop.outcomes;
  return {
    ...readiness(loop.outcomes, { intervalMs }),
    engine: {
      host: host.kind === "unix" ? `unix://${host.path}` : host.url.replace(/^https?/, "tcp"),
      up: engineError === null && lastPass !== null,
      id: store.hosts.local().engineId,
      changed: reconciler.engineChanged,
      error: engineError,
    },
    events: loop.events,
    intervalSeconds: intervalMs / 1000,
    lastError,
    counts: store.views.counts(),
  };
}

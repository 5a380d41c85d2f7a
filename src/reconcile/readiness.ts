/**
 * When the index can be trusted, and what the daemon says of itself. Reads how passes went; must
 * not ask the Engine, because probes come often.
 *
 * @module
 */

import { freshnessOf, isLate } from "../core/freshness.ts";
import type { DockerHost } from "../docker_host.ts";
import type { DaemonStatus } from "../model/views.ts";
import type { ProblemSettings } from "../model/problem_settings.ts";
import { changedNumbers } from "../problem_setting_values.ts";
import type { Store } from "../store/store.ts";
import type { Loop } from "./loop.ts";
import type { Reconciler } from "./reconciler.ts";

/** What {@link readiness} reads. */
export interface ReadinessSources {
  /** How passes went. */
  readonly loop: Loop;
  /** Which Engine answers. */
  readonly reconciler: Reconciler;
}

/**
 * The part of the status that probes ask for: whether a good pass of the accepted Engine was done,
 * and recently; and how far that lets the index be trusted.
 */
export function readiness(
  { loop, reconciler }: ReadinessSources,
  { intervalMs }: { intervalMs: number },
): Pick<DaemonStatus, "ready" | "lastPass" | "index"> {
  const { lastPass, lastPassAgeMs: ageMs, lastError, engineError } = loop.outcomes;
  const engineChanged = reconciler.engineChanged !== null;
  return {
    ready: lastPass !== null && !engineChanged && !isLate({ ageMs, intervalMs }),
    lastPass,
    index: freshnessOf({
      asOf: lastPass?.at ?? null,
      ageMs,
      intervalMs,
      failing: engineError !== null || !loop.engineUp && lastPass !== null
        ? "engine"
        : lastError !== null
        ? "index"
        : null,
      engineChanged,
      anonymous: reconciler.anonymous,
      eventsDown: loop.eventsDown,
    }),
  };
}

/** What {@link daemonStatus} reads. */
export interface StatusSources extends ReadinessSources {
  /** The Engine's address. */
  readonly host: DockerHost;
  /** What the index holds. */
  readonly store: Store;
}

/** What the daemon says of itself, but for its process, its listeners and its hub. */
export function daemonStatus(
  { host, loop, reconciler, store }: StatusSources,
  { intervalMs, problemSettings }: { intervalMs: number; problemSettings: ProblemSettings },
): Omit<DaemonStatus, "pid" | "version" | "startedAt" | "dataDir" | "tcp" | "hub"> {
  const { engineError, lastError } = loop.outcomes;
  return {
    ...readiness({ loop, reconciler }, { intervalMs }),
    engine: {
      host: host.kind === "unix" ? `unix://${host.path}` : host.url.replace(/^https?/, "tcp"),
      up: loop.engineUp,
      id: store.hosts.local().engineId,
      changed: reconciler.engineChanged,
      error: engineError,
    },
    events: loop.events,
    intervalSeconds: intervalMs / 1000,
    problemSettings: changedNumbers(problemSettings),
    lastError,
    counts: store.views.counts(),
  };
}

/**
 * Whether a hub answers, and its hosts as they are now. Must not know a page.
 *
 * @module
 */

import type { Readable, Writable } from "../readable.ts";
import { computed, signal } from "@preact/signals";
import type { HostView, Invitation } from "../../model/hosts.ts";
import { ask } from "../ask.ts";
import { Refreshed } from "./refreshed.ts";

/** Whether what is shown is of many hosts; null: it is not known yet. */
export const many: Writable<boolean | null> = signal(null);

/** What a hub knows of hosts. */
export interface KnownHosts {
  /** Those that joined, by name. */
  readonly items: readonly HostView[];
  /** Those that were invited and have not joined, by name. */
  readonly invited: readonly Invitation[];
}

/** The hosts. */
export const hosts: Refreshed<KnownHosts> = new Refreshed(() => ask<KnownHosts>("/api/hosts"));

/** Those of which nobody knows what runs there. */
export const silentHosts: Readable<readonly HostView[]> = computed(() =>
  hosts.value.value?.items.filter(({ state }) => state === "unknown" || state === "contested") ?? []
);

/** From so many rows on a browser follows those of one host at a time. */
const MOST_FOLLOWED = 20_000;

/** Whether there are more rows than a browser is asked to follow. */
export const tooMany: Readable<boolean> = computed(() =>
  (hosts.value.value?.items ?? []).reduce((sum, { rows }) => sum + rows, 0) > MOST_FOLLOWED
);

/** Whether a host is heard of, by what the feed told last. */
export function isHeard({ state }: Pick<HostView, "state">): boolean {
  return state === "known";
}

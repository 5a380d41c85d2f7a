/**
 * Whether a container is in a listing, and what the listing says of it. Pure.
 *
 * @module
 */

import type { ListedContainer, Listing } from "../model/container.ts";

/** Whether a container is listed as ended with 0. */
export function endedWithZero({ state, exitCode }: ListedContainer): boolean {
  return exitCode === 0 && (state === "exited" || state === "dead");
}

/** The container with this id, if it is in the listing. */
export type Listed = (containerId: string | null) => ListedContainer | undefined;

/** Looks containers up in the listing; asked only for the few whose row they do not claim. */
export function listedIn({ containers }: Listing): Listed {
  let byId: Map<string | null, ListedContainer> | null = null;
  return (containerId) => {
    if (containerId === null) return undefined;
    byId ??= new Map(containers.map((container) => [container.id, container]));
    return byId.get(containerId);
  };
}

/**
 * Opens a listener with what this runtime offers.
 *
 * @module
 */

import type { Listener, ListenOptions, Place } from "./listener.ts";

/** Listens. Rejects with whatever the runtime says. */
export async function listenAt(place: Place, options: ListenOptions): Promise<Listener> {
  if (!hasNativeServer(Deno.version.deno)) {
    return (await import("./deno_listener.ts")).listenDeno(place, options);
  }
  return await (await import("./node_listener.ts")).listenNode(place, options);
}

/** Whether `node:http` is a server of its own there, with limits, rather than `Deno.serve`. */
function hasNativeServer(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || major === 2 && minor >= 9;
}

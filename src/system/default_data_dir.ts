/**
 * Where the index is when nobody names a place: the service's for root and for whoever may use its
 * socket, else one of the user's own. Looks, and makes nothing.
 *
 * @module
 */

import { SERVICE_DATA, type SocketLook, socketPlaces } from "./files.ts";
import { effectiveUid } from "./libc.ts";

/** What decides. */
export interface DataDirSources {
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** What stands where a socket is looked for. */
  readonly look: (path: string) => SocketLook;
  /** Whether this process is root. Asks the system by default. */
  readonly isRoot?: (() => boolean) | undefined;
}

/** The data directory; null where nothing says where a user's own would be. */
export function defaultDataDir(sources: DataDirSources): string | null {
  const { env, look, isRoot = () => effectiveUid() === 0 } = sources;
  // systemd lists several directories when the unit asks for several; the first is the main one.
  const stateDirectory = env("STATE_DIRECTORY")?.split(":")[0];
  if (stateDirectory) return stateDirectory;
  if (isRoot()) return SERVICE_DATA;
  const own = ownDataDir(env);
  // Whoever may use the service's socket means its index, unless a daemon of their own runs.
  const usable = (dir: string) => socketPlaces(dir).some((path) => look(path) === "usable");
  return usable(SERVICE_DATA) && (own === null || !usable(own)) ? SERVICE_DATA : own;
}

function ownDataDir(env: DataDirSources["env"]): string | null {
  // A relative XDG path is to be ignored, says the specification.
  const stateHome = env("XDG_STATE_HOME");
  if (stateHome?.startsWith("/")) return `${stateHome.replace(/\/+$/, "")}/tinyforge`;
  const home = env("HOME");
  return home ? `${home.replace(/\/+$/, "")}/.local/state/tinyforge` : null;
}

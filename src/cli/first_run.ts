/**
 * What to say while nothing is registered: what runs on this host anyway, and how to take it in.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { type Everything, everythingUnmanaged, unmanagedOf } from "../core/unmanaged.ts";
import type { IndexSummary } from "../server/schema.ts";
import { CommandError } from "./command.ts";
import { findDaemon } from "./daemon_socket.ts";
import { counted } from "./phrases.ts";

/** What runs on this host, and as of when. */
export interface FirstRun {
  /** Null when the Engine could not be asked. */
  readonly unmanaged: Everything | null;
  /** Why not; null when it could. */
  readonly error: string | null;
}

/** How long a command may wait for the Engine to tell what else runs. */
const LISTING_TIMEOUT_MS = 3000;
const MAX_NAMED = 5;

/**
 * What runs unmanaged: from the last full pass, or by asking the Engine when there was none. Null
 * when something is registered.
 */
export async function firstRun(
  index: IndexSummary | null,
  config: Config,
): Promise<FirstRun | null> {
  if (index !== null) {
    if (Object.values(index.registered).some((count) => count > 0)) return null;
    if (index.lastPass !== null) {
      return { unmanaged: everythingUnmanaged(index.lastPass), error: null };
    }
  }
  try {
    return { unmanaged: await listUnmanaged(config), error: null };
  } catch (error) {
    return { unmanaged: null, error: error instanceof Error ? error.message : String(error) };
  }
}

/** What {@link firstRun} found, for people. */
export function firstRunLines({ unmanaged, error }: FirstRun): string[] {
  const lines = ["Nothing is registered yet."];
  if (unmanaged === null) {
    lines.push(`What runs on this host is not known: ${error}`);
    return [...lines, "To begin: tinyforge add site NAME"];
  }
  const { count, composeProjects, refused } = unmanaged;
  const projects = Object.entries(composeProjects);
  const named = projects.slice(0, MAX_NAMED).map(([name, n]) => `${name} (${n})`);
  if (projects.length > MAX_NAMED) named.push(`${projects.length - MAX_NAMED} more`);
  lines.push(
    count === 0
      ? `There are no containers on this host${refused === 0 ? "" : " that could be taken in"}.`
      : `${counted(count, "container")} on this host ${count === 1 ? "is" : "are"} unmanaged` +
        (named.length === 0 ? "." : `; Compose projects among them: ${named.join(", ")}.`),
  );
  if (refused > 0) {
    lines.push(
      `${counted(refused, "container")} ${refused === 1 ? "is" : "are"} refused for ` +
        `${refused === 1 ? "its" : "their"} labels: tinyforge discover tells why.`,
    );
  }
  if (count > 0) {
    lines.push(
      "To take in what runs:",
      "  tinyforge discover",
      "  tinyforge adopt --all",
    );
  }
  lines.push(
    count > 0 ? "To begin with a container of its own:" : "To begin:",
    "  tinyforge add site NAME",
    "  docker run -d $(tinyforge labels NAME) IMAGE",
  );
  return lines;
}

/**
 * One quick listing, held against an empty index and an empty registry. Beside a daemon there is none:
 * whose Engine it would be of it alone knows.
 *
 * @throws {CommandError | Failure} There is a daemon, or the Engine does not answer.
 */
export async function listUnmanaged(config: Config): Promise<Everything> {
  using daemon = await findDaemon(config.dataDir);
  if (daemon !== null) {
    throw new CommandError("Cannot list what runs: the daemon has told of no pass yet");
  }
  const { openDocker } = await import("../daemon.ts");
  using docker = openDocker(config);
  const listing = await docker.list({ timeoutMs: LISTING_TIMEOUT_MS });
  return unmanagedOf(listing, config.composePrefix);
}

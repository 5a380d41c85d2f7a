/**
 * What is said beside a hub of what only a host's own data directory has. Asks whether one listens.
 *
 * @module
 */

import { CommandError } from "./command.ts";
import { findDaemon } from "./daemon_socket.ts";

/**
 * Refuses where a hub listens.
 *
 * @param action what can't be done, as "look".
 * @param options `hint`: where it can be.
 * @throws {CommandError}
 */
export async function refuseBesideHub(
  action: string,
  { dataDir, hint }: { dataDir: string; hint: string },
): Promise<void> {
  try {
    using daemon = await findDaemon(dataDir);
    if (daemon === null || !daemon.isHub) return;
  } catch {
    // Whoever asks the daemon is told.
    return;
  }
  throw new CommandError(`Cannot ${action} here: a hub shows what hosts tell it, no more`, {
    code: "not-here",
    hint,
  });
}

/** Where to look instead. */
export const HUB_STATUS = "ask the host itself; `tinyforge hub status` says how the hub is";

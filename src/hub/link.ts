/**
 * Keeps a daemon's link to its hub as its membership says: begins one when the host joins, ends it
 * when it leaves, without a restart. Loads what speaks to a hub only where there is one.
 *
 * @module
 */

import type { DialerOptions } from "./dialer.ts";
import { membershipMark, readMembership } from "./membership.ts";

/** What {@link keepLink} works with. */
export interface LinkOptions extends Omit<DialerOptions, "ask" | "machine" | "clock" | "random"> {
  /** The data directory that is looked into. */
  readonly dataDir: string;
  /** The time. */
  readonly clock: NonNullable<DialerOptions["clock"]>;
}

/** How often it is looked whether the host joined or left, milliseconds. */
const LOOK_MS = 2000;

/** Keeps it until the signal aborts; never rejects for a hub's sake. */
export async function keepLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { dataDir, clock } = options;
  let mark: string | null = null;
  let link: Link | null = null;
  while (!signal.aborted) {
    const now = await membershipMark(dataDir);
    if (now !== mark) {
      mark = now;
      await link?.end();
      link = now === null ? null : await open(options);
    }
    await clock.sleep(LOOK_MS, signal);
  }
  await link?.end();
}

interface Link {
  end(): Promise<void>;
}

async function open(options: LinkOptions): Promise<Link | null> {
  const { dataDir, log, onTells = () => {} } = options;
  try {
    const membership = await readMembership(dataDir);
    if (membership === null) return null;
    const { url, name, secret, notifies } = membership;
    const [{ Dialer }, { HubClient }] = await Promise.all([
      import("./dialer.ts"),
      import("./hub_client.ts"),
    ]);
    const client = new HubClient(url, { secret });
    const ending = new AbortController();
    const dialer = new Dialer({
      ...options,
      // Whoever wants to be told by the host itself is.
      onTells: notifies ? () => {} : onTells,
      machine: name,
      ask: (path, message, signal) => client.ask(path, message, signal),
    });
    log.info("member of a hub", { hub: url, name });
    const running = dialer.run(ending.signal).catch((error) => {
      log.error("hub link ended", { error });
    });
    return {
      end: async () => {
        ending.abort();
        await running;
        client[Symbol.dispose]();
        onTells(false);
      },
    };
  } catch (error) {
    log.error("hub link not opened", { error });
    return null;
  }
}

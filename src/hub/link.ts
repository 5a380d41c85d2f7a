/**
 * Keeps a daemon's link to its hub as its membership says: begins one when the host joins, ends it
 * when it leaves, without a restart. Loads what speaks to a hub only where there is one.
 *
 * @module
 */

import type { HubLinkStatus } from "../model/views.ts";
import type { Dialer, DialerOptions } from "./dialer.ts";
import { type KeptMembership, membershipMark, readMembership } from "./membership.ts";

/** What a {@link HubLink} works with. */
export interface LinkOptions extends Omit<DialerOptions, "ask" | "machine" | "clock" | "random"> {
  /** The data directory that is looked into. */
  readonly dataDir: string;
  /** The time. */
  readonly clock: NonNullable<DialerOptions["clock"]>;
}

/** How often it is looked whether the host joined or left, milliseconds. */
const LOOK_MS = 2000;

/** Keeps it, and says how it is. */
export class HubLink {
  readonly #o: LinkOptions;
  #open: OpenLink | null = null;

  /** Looks nowhere before {@link run}. */
  constructor(options: LinkOptions) {
    this.#o = options;
  }

  /** How the hub is told; null: this host joined none, or its membership can't be read. */
  get status(): HubLinkStatus | null {
    if (this.#open === null) return null;
    const { membership: { url, name, joinedAt }, dialer } = this.#open;
    const { up, trouble, error, answeredAt, behind } = dialer.state;
    const acknowledgedAt = answeredAt === null ? null : new Date(answeredAt).toISOString();
    return { url, name, joinedAt, up, trouble, error, acknowledgedAt, behind };
  }

  /** Keeps it until the signal aborts; never rejects for a hub's sake. */
  async run(signal: AbortSignal): Promise<void> {
    const { dataDir, clock } = this.#o;
    let mark: string | null = null;
    while (!signal.aborted) {
      const now = await membershipMark(dataDir);
      if (now !== mark) {
        mark = now;
        await this.#end();
        if (now !== null) this.#open = await open(this.#o);
      }
      await clock.sleep(LOOK_MS, signal);
    }
    await this.#end();
  }

  async #end(): Promise<void> {
    const before = this.#open;
    this.#open = null;
    await before?.end();
  }
}

interface OpenLink {
  readonly membership: KeptMembership;
  readonly dialer: Dialer;
  end(): Promise<void>;
}

async function open(options: LinkOptions): Promise<OpenLink | null> {
  const { dataDir, log, onTells = () => {} } = options;
  try {
    const membership = await readMembership(dataDir);
    if (membership === null) return null;
    const { url, name, secret, ca, notifies } = membership;
    const [{ Dialer }, { HubClient }] = await Promise.all([
      import("./dialer.ts"),
      import("./hub_client.ts"),
    ]);
    const client = new HubClient(url, { secret, ca });
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
      membership,
      dialer,
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

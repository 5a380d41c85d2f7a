/**
 * Which Engine answers, and so whose listings may mark rows missing. Asks the Engine who it is, and
 * remembers; must not list.
 *
 * @module
 */

import type { DockerClient } from "../docker/client.ts";
import { isForbidden } from "../docker/error.ts";
import type { EngineChange } from "../model/pass.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

/** What an {@link EngineIdentity} works with. */
export interface EngineIdentityOptions {
  /** The Engine. */
  docker: DockerClient;
  /** Remembers which is accepted. */
  store: Store;
  /** Where it is said. */
  log: Log;
}

/** The Engine that answers, held against the accepted one. */
export class EngineIdentity {
  readonly #o: EngineIdentityOptions;
  #changed: EngineChange | null = null;
  #known = false;
  #anonymous = false;

  /** Nothing is known yet. */
  constructor(options: EngineIdentityOptions) {
    this.#o = options;
  }

  /** Set while the Engine answers with another id than the accepted one. */
  get changed(): EngineChange | null {
    return this.#changed;
  }

  /** Whether the Engine may not be asked who it is. */
  get anonymous(): boolean {
    return this.#anonymous;
  }

  /** Whether the Engine that answers was asked. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether it is the accepted Engine: only what that one lacks is gone. */
  get accepted(): boolean {
    return this.#changed === null && !this.#anonymous;
  }

  /**
   * Which rows may be marked missing for want of their container. Of another Engine than the accepted one only
   * those that this very Engine confirmed: what it had and has no more is gone, what it never had
   * is not.
   */
  get sweep(): { sweep: boolean; onlyConfirmed: boolean } {
    if (this.#anonymous || this.#changed === null) {
      return { sweep: !this.#anonymous, onlyConfirmed: false };
    }
    const { foundEngineId } = this.#o.store.hosts.local();
    return { sweep: foundEngineId === this.#changed.found, onlyConfirmed: true };
  }

  /** It may be another by now. */
  doubt(): void {
    this.#known = false;
  }

  /**
   * Asks the Engine who it is; where a proxy forbids that, passes go on without a sweep.
   *
   * @throws {Failure} or the signal's reason.
   */
  async ask(signal: AbortSignal): Promise<void> {
    const { docker, log } = this.#o;
    try {
      this.#recognize(await docker.engineId({ signal }));
      this.#anonymous = false;
    } catch (error) {
      if (!isForbidden(error)) throw error;
      if (!this.#anonymous) {
        log.warn("the engine may not be asked who it is, so nothing is marked missing", { error });
      }
      this.#known = true;
      this.#anonymous = true;
    }
  }

  /**
   * Every row that the Engine has is confirmed, and no other: a full pass was written. Not before
   * that another Engine is remembered, so that the rows are never taken for its own.
   */
  confirmed(): void {
    const { hosts } = this.#o.store;
    if (this.#anonymous || this.#changed === null) return;
    if (hosts.local().foundEngineId === this.#changed.found) return;
    hosts.recordEngine(this.#changed);
  }

  /** Holds the Engine's id against the accepted one; the first Engine ever seen is accepted. */
  #recognize(found: string): void {
    const { store, log } = this.#o;
    this.#known = true;
    const host = store.hosts.local();
    // One from before data root and name were part of it is known again by its id.
    const known = host.engineId === null || found.startsWith(`${host.engineId} at `);
    const accepted = known ? found : host.engineId!;
    if (accepted === found) {
      if (host.engineId !== found || host.foundEngineId !== null) {
        store.hosts.recordEngine({ accepted, found: null });
      }
      if (this.#changed !== null) log.info("the accepted engine answers", { engine: found });
      this.#changed = null;
      return;
    }
    if (this.#changed?.found !== found) {
      log.warn(
        "another engine answers, what it never had is not marked missing until it is accepted",
        {
          accepted,
          found,
          hint: "run `tinyforge engine accept` if this is meant",
        },
      );
    }
    this.#changed = { accepted, found };
  }
}

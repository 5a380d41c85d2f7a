/**
 * When it is silent on this host: silences as they are kept, read again once one was asked for or
 * ended. Judges nothing.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isAllSilent } from "../core/marks.ts";
import type { Silence } from "../model/problem.ts";
import { SilenceWindows } from "../silence_windows.ts";
import type { OnDamage } from "../store/damage.ts";
import type { Store } from "../store/store.ts";

/** The silences of a host. */
export class SilentTimes {
  readonly #store: Pick<Store, "silences">;
  readonly #clock: Pick<Clock, "now">;
  readonly #onDamage: OnDamage;
  readonly #windows = new SilenceWindows();
  #isStale = true;

  /** Reads nothing yet. */
  constructor({ store, clock, onDamage }: {
    store: Pick<Store, "silences">;
    clock: Pick<Clock, "now">;
    onDamage: OnDamage;
  }) {
    this.#store = store;
    this.#clock = clock;
    this.#onDamage = onDamage;
  }

  /** One was asked for, or ended. */
  changed(): void {
    this.#isStale = true;
  }

  /** Reads them where they may be others. */
  async refresh(): Promise<void> {
    if (!this.#isStale) return;
    this.#isStale = false;
    const reading = { onDamage: this.#onDamage };
    await this.#windows.load(this.#store.silences.list(this.#clock.now(), reading));
  }

  /** Those that are not over; the same object for as long as they are the same. */
  at(now: number): readonly Silence[] {
    return this.#windows.at(now);
  }

  /** Whether nobody wants to hear of anything now. */
  isAll(): boolean {
    const now = this.#clock.now();
    return isAllSilent(this.#windows.at(now), now);
  }
}

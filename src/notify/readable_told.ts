/**
 * Who was told of what, with what they were told: where that can't be read any more it is what is known
 * of the problem now, and that is kept in its place. Tells nothing.
 *
 * @module
 */

import { type OnDamage, unlessDamaged } from "../store/damage.ts";
import type { Notified, Told } from "../store/notice_rows.ts";
import { keptSubject, type KeptTold } from "./kept_notice.ts";
import type { NotifierStore } from "./notifier_store.ts";
import { idOf } from "./telling.ts";

/** What a {@link ReadableTold} works with. */
export interface ReadableToldOptions {
  /** Where it is kept. */
  readonly store: Pick<NotifierStore, "notices">;
  /** The same problem, of what is known of it now; null: nobody knows it any more. */
  readonly known: (told: Told) => Notified | null;
  /** Is told of what can't be read. */
  readonly onDamage: OnDamage;
}

/** Reads who was told of what. */
export class ReadableTold {
  readonly #o: ReadableToldOptions;
  /** Of these nobody knows any more how they were told. */
  readonly #lost = new Set<string>();

  /** Over these. */
  constructor(options: ReadableToldOptions) {
    this.#o = options;
  }

  /**
   * With what they were told. Who was told of what nobody knows any more is left out, and stays kept:
   * when somebody brings it back, they are told its end.
   */
  of(told: readonly Told[]): KeptTold[] {
    const mended = new Map<string, Notified>();
    const all = told.flatMap((one): KeptTold[] => {
      const kept = unlessDamaged(() => keptSubject(one), null, this.#o);
      if (kept !== null) return [{ ...one, kept }];
      const id = idOf(one);
      const known = mended.get(id) ?? this.#known(one);
      if (known === null) return [];
      mended.set(id, known);
      return [{ ...one, kept: keptSubject(known) }];
    });
    const { notices } = this.#o.store;
    const lookedAt = notices.lookedAt();
    if (mended.size > 0 && lookedAt !== null) {
      notices.write({ lookedAt, mended: [...mended.values()] });
    }
    return all;
  }

  /** Looked for once: to look takes reading all that is known. */
  #known(one: Told): Notified | null {
    if (this.#lost.has(idOf(one))) return null;
    const known = this.#o.known(one);
    if (known === null) this.#lost.add(idOf(one));
    return known;
  }
}

/**
 * Codes that open one session each, within a minute: what a link to the dashboard holds. They are
 * kept in memory alone, by their hashes.
 *
 * @module
 */

import { hashSecret, makeSecret } from "../secret.ts";
import type { CodeMaker, CodesPort } from "./access_port.ts";

/** How long a code can be used, milliseconds. */
const CODE_MS = 60_000;

/** Nobody opens so many at once; the oldest give way. */
const MAX_CODES = 64;

/** The codes that were not used yet. */
export class LoginCodes implements CodesPort {
  readonly #now: () => number;
  readonly #codes = new Map<string, { maker: CodeMaker; madeAt: number }>();

  /** `now` in milliseconds since the Unix epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new code, and the moment from which on it opens nothing. */
  make(maker: CodeMaker): { code: string; expiresAt: number } {
    const code = makeSecret();
    const madeAt = this.#now();
    for (const [hash, kept] of this.#codes) if (!this.#lasts(kept.madeAt)) this.#codes.delete(hash);
    const [oldest] = this.#codes.keys();
    if (this.#codes.size >= MAX_CODES) this.#codes.delete(oldest!);
    this.#codes.set(hashSecret(code), { maker, madeAt });
    return { code, expiresAt: madeAt + CODE_MS };
  }

  /** Who made it, this once; null: nobody, it is over, or was used, or its maker may no more. */
  async use(code: string): Promise<CodeMaker | null> {
    const hash = hashSecret(code);
    const kept = this.#codes.get(hash);
    this.#codes.delete(hash);
    return kept !== undefined && this.#lasts(kept.madeAt) && await kept.maker.isGood()
      ? kept.maker
      : null;
  }

  #lasts(madeAt: number): boolean {
    const age = this.#now() - madeAt;
    // A clock that was set back must not make it last.
    return age >= 0 && age < CODE_MS;
  }
}

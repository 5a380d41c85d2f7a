/**
 * What is done about kept values that another hand wrote over, where work must go on without them:
 * they are left out, and it is said once of each which they are. Never says what stands there.
 *
 * @module
 */

import { type Failure, isFailure } from "../failure.ts";
import type { Log } from "../telemetry/log.ts";

/** Is told of a value that can't be read and is left out. Must not throw. */
export type OnDamage = (damage: Failure<"corrupt">) => void;

/** How values are read. */
export interface Reading {
  /** Has what is damaged left out, and is told of it; without, that is thrown. */
  readonly onDamage?: OnDamage | undefined;
}

/** Leaves out what is damaged where whoever asks needs nothing of it. */
export const LEFT_OUT: Reading = { onDamage: () => {} };

/** So many are told apart; whoever has more knows by then. */
const MAX_SAID = 1000;

/** What `read` returns, or `otherwise` where what it reads is damaged. */
export function unlessDamaged<T, Else>(
  read: () => T,
  otherwise: Else,
  { onDamage }: Reading,
): T | Else {
  try {
    return read();
  } catch (error) {
    if (onDamage === undefined || !isFailure(error, "corrupt")) throw error;
    onDamage(error);
    return otherwise;
  }
}

/** Logs each once. */
export function damageLog(log: Pick<Log, "warn">): OnDamage {
  const said = new Set<string>();
  return (damage) => {
    if (said.has(damage.message) || said.size >= MAX_SAID) return;
    said.add(damage.message);
    log.warn("what can't be read is left out", { error: damage });
  };
}

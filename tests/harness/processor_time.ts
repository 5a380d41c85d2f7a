/**
 * What work costs, for tests of what must not take long: time of the processor, which a busy machine
 * has no more of to give to others. Not for what waits.
 *
 * @module
 */

import process from "node:process";

/** Milliseconds that this process has computed by now, all its threads together. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Several that are told of passes in the place of one. Knows none of them.
 *
 * @module
 */

import type { LoopWatcher } from "./loop.ts";

/** Tells each of them, in this order. */
export function watchedBy(...watchers: readonly LoopWatcher[]): LoopWatcher {
  return {
    event: (event) => watchers.forEach((each) => each.event(event)),
    gap: () => watchers.forEach((each) => each.gap()),
    refused: (error) => watchers.forEach((each) => each.refused(error)),
    passed: (report) => watchers.forEach((each) => each.passed(report)),
    failed: (error) => watchers.forEach((each) => each.failed(error)),
  };
}

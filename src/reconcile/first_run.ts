/**
 * On a host where nothing is registered yet, says once in the log what there is to take in.
 *
 * @module
 */

import { aborted } from "../clock.ts";
import { everythingUnmanaged } from "../core/unmanaged.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Outcomes } from "./outcomes.ts";

/** What {@link sayWhatIsUnmanaged} is told. */
export interface FirstRunOptions {
  /** Knows what is registered. */
  store: Store;
  /** Where it is said. */
  log: Log;
  /** Ends the wait for the first pass. */
  signal: AbortSignal;
}

/** After the first good pass, while nothing is registered: what runs, and how to take it in. */
export async function sayWhatIsUnmanaged(
  outcomes: Outcomes,
  { store, log, signal }: FirstRunOptions,
): Promise<void> {
  const report = await Promise.race([outcomes.firstPass, aborted(signal)]);
  if (!report || store.workloads.list().length > 0) return;
  const unmanaged = everythingUnmanaged(report);
  if (unmanaged.count === 0) return;
  log.info("nothing is registered yet", {
    unmanaged: unmanaged.count,
    composeProjects: Object.keys(unmanaged.composeProjects),
    hint: "`tinyforge discover` shows what can be taken in, `tinyforge adopt --all` takes it in",
  });
}

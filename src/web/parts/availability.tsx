/**
 * How much of the time a workload was up, as strips. Where the daemon does not tell, nothing is shown.
 *
 * @module
 */

import type { JSX } from "preact";
import type { Workload } from "../../model/workload.ts";

/** The section. */
export function Availability(_: { workload: Workload }): JSX.Element | null {
  return null;
}

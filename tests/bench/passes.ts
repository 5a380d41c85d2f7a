/**
 * Passes against a simulated Engine, beside the bare cost of a listing and the plain reconciler.
 *
 * @module
 */

import type { Bench } from "./figure.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [];

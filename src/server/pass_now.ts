/**
 * A pass on behalf of a request: waited for, but not for ever.
 *
 * @module
 */

import type { PassReport } from "../model/pass.ts";
import { StoreError } from "../store/error.ts";
import type { Services } from "./operation.ts";
import { Problem } from "./problem.ts";

/**
 * Runs a full pass and returns its report.
 *
 * @throws {Problem} `no-daemon`, `pass-failed`, `pass-timeout`, `stopping`.
 * @throws {StoreError} what the pass failed with in the store.
 */
export async function passNow(services: Services): Promise<PassReport> {
  const { reconcileNow, passTimeoutMs } = services;
  if (reconcileNow === null) {
    throw new Problem("no-daemon", "Cannot run a pass: no daemon is running", {
      hint:
        "start it with `tinyforge reconcile`, or run one pass with `tinyforge reconcile --once`",
    });
  }
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new Problem("pass-timeout", `Cannot wait for the pass: not done after ${passTimeoutMs} ms`, {
        hint: "it goes on; `tinyforge status` tells how it ended",
      }),
    );
  }, passTimeoutMs);
  try {
    return await Promise.race([reconcileNow(), late.promise]);
  } catch (error) {
    throw passError(error);
  } finally {
    clearTimeout(timer);
  }
}

function passError(error: unknown): unknown {
  if (error instanceof Problem || error instanceof StoreError) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === "AbortError") {
    return new Problem("stopping", "Cannot finish the pass: the daemon stops", { cause: error });
  }
  const hint = "hint" in error && typeof error.hint === "string" ? error.hint : "";
  return new Problem("pass-failed", error.message, { hint, cause: error });
}

/**
 * A pass on behalf of a request: waited for, but not for ever.
 *
 * @module
 */

import type { PassReport } from "../model/pass.ts";
import { isEngineFailure, isFailure } from "../failure.ts";
import type { Services } from "./operation.ts";
import { ProblemDetails } from "./problem_details.ts";

/**
 * Runs a full pass and returns its report.
 *
 * @throws {ProblemDetails} `no-daemon`, `pass-failed`, `pass-timeout`, `stopping`.
 * @throws {Failure} what the pass failed with in the store.
 */
export async function passNow(
  services: Pick<Services, "reconcileNow" | "passTimeoutMs">,
): Promise<PassReport> {
  const { reconcileNow, passTimeoutMs } = services;
  if (reconcileNow === null) {
    throw noDaemon("Cannot run a pass");
  }
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new ProblemDetails(
        "pass-timeout",
        `Cannot wait for the pass: not done after ${passTimeoutMs} ms`,
      ),
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

/** The error for what only a daemon can do. */
export function noDaemon(action: string): ProblemDetails {
  return new ProblemDetails("no-daemon", `${action}: no daemon is running`);
}

/** An Engine that can't be asked, as a problem; anything else as it is. */
export function engineProblem(error: unknown): unknown {
  if (!isEngineFailure(error)) return error;
  const data = { failure: error.code, ...error.data };
  return new ProblemDetails("pass-failed", error.message, { data, cause: error });
}

/** What a request is told when the Engine or the store failed it. */
export function passError(error: unknown): unknown {
  if (isEngineFailure(error)) return engineProblem(error);
  if (error instanceof ProblemDetails || isFailure(error)) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === "AbortError") {
    return new ProblemDetails("stopping", "Cannot finish the pass: the daemon stops", {
      cause: error,
    });
  }
  return new ProblemDetails("pass-failed", error.message, { cause: error });
}

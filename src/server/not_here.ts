/**
 * What is answered to a request that only a host itself can answer: which one to ask. Decides nothing.
 *
 * @module
 */

import { partsOfId } from "../model/hosts.ts";
import { ProblemDetails } from "./problem_details.ts";
import { quote } from "../text.ts";

/**
 * The problem; `action` as in "Cannot tell what was", `id` of what was asked about, which tells the
 * host.
 */
export function notHere(action: string, id = ""): ProblemDetails {
  const host = partsOfId(id)?.host;
  return new ProblemDetails(
    "not-here",
    `Cannot ${action} here: a hub shows what hosts tell it, no more`,
    {
      hint: host === undefined
        ? "ask the host itself; GET /api/hosts lists them"
        : `ask host ${quote(host)} itself`,
      data: host === undefined ? {} : { host },
    },
  );
}

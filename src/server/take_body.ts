/**
 * What of a request's body is read, and how much: what the route says, and no more.
 *
 * @module
 */

import { type BodyLimits, readBody } from "./body.ts";
import type { OperationSpec } from "./operation.ts";
import { ProblemDetails } from "./problem_details.ts";

/** Enough for what a stranger has to say. */
const MAX_OPEN_BODY = 8192;
/** Enough to see that nothing is said. */
const MAX_EMPTY_BODY = 1024;

/**
 * Reads the body within bounds and shows its text to `use`; null where the route takes none for
 * itself. `open`: anybody may send one.
 *
 * @throws {ProblemDetails}
 */
export async function withBodyText<T>(
  request: Request,
  { body: expected }: Pick<OperationSpec<unknown, unknown, unknown>, "body">,
  { open, limits, use }: {
    open: boolean;
    limits: BodyLimits;
    use: (text: string | null) => T | Promise<T>;
  },
): Promise<T> {
  // What is not used is not read, least of all for someone who showed no token.
  if (expected === "ignored" || expected === "raw" || expected === undefined && open) {
    return await use(null);
  }
  const { text, bytes } = expected === undefined
    ? await readNothing(request, limits)
    : await readBody(request, open ? withMost(MAX_OPEN_BODY, limits) : limits);
  try {
    if (expected !== undefined && text === "") {
      throw new ProblemDetails("malformed", "Cannot read the request: a JSON body is needed");
    }
    return await use(text);
  } finally {
    limits.budget.give(bytes);
  }
}

/** The body of a request that says nothing. */
async function readNothing(
  request: Request,
  limits: BodyLimits,
): Promise<{ text: string; bytes: number }> {
  const something = () =>
    new ProblemDetails("invalid", "Cannot take a body here: there is nothing to be said");
  try {
    const body = await readBody(request, withMost(MAX_EMPTY_BODY, limits));
    if (body.text.trim() === "" || body.text.trim() === "{}") return body;
    limits.budget.give(body.bytes);
  } catch (error) {
    if (error instanceof ProblemDetails && error.code === "too-large") throw something();
    throw error;
  }
  throw something();
}

function withMost(maxBytes: number, limits: BodyLimits): BodyLimits {
  return { ...limits, maxBytes: Math.min(maxBytes, limits.maxBytes) };
}

/**
 * Why a request failed, in the system's words alone. Pure.
 *
 * @module
 */

/** The innermost reason: fetch says only "fetch failed" and puts what happened into the cause. */
export function reasonOf(error: unknown): string {
  let text = "unknown error";
  for (let at: unknown = error; at instanceof Error; at = at.cause) text = at.message;
  return FRAMES.reduce((rest, frame) => rest.replace(frame, ""), text);
}

/** What stands around it, from the outside in: who asks knows what was asked, and of whom. */
const FRAMES: readonly RegExp[] = [
  /^error sending request for url \([^)]*\): /,
  /^client error \(\w+\): /,
  /^(?:tcp connect error|dns error: failed to lookup address information): /,
  / \(os error \d+\)$/,
];

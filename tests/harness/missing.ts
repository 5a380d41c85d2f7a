/**
 * Tests that can't run where they are: ignored with the reason in their name, or failing where
 * `CI=true`.
 *
 * @module
 */

/** Whether a missing prerequisite is a failure rather than a reason to skip. */
export const STRICT: boolean = Deno.env.get("CI") === "true";

/** Registers a test that can't run here: ignored and why, or failing where `CI=true`. */
export function missing(name: string, reason: string): void {
  Deno.test({
    name: `${name} (${reason})`,
    ignore: !STRICT,
    fn: () => {
      throw new Error(`Cannot run this test: ${reason}`);
    },
  });
}

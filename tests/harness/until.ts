/**
 * Waiting in tests: for a condition, never for a time.
 *
 * @module
 */

/** The longest pause between two looks, milliseconds. */
const LONGEST_MS = 250;

/**
 * Resolves when `condition` returns something true; throws `what` when that takes too long. A look
 * that takes its time, because it starts a program, is followed by a longer pause: what is waited for
 * needs the processor too.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: { withinMs?: number } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + (options.withinMs ?? 20_000);
  for (;;) {
    const begin = performance.now();
    const result = await condition();
    if (result) return result;
    const now = performance.now();
    if (now > end) throw new Error(`Cannot go on: ${what} did not come true in time`);
    const pause = Math.min(2 * (now - begin), LONGEST_MS, end - now);
    await new Promise((resolve) => setTimeout(resolve, Math.max(5, pause)));
  }
}

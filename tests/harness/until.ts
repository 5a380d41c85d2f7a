/**
 * Waiting in tests: for a condition, never for a time.
 *
 * @module
 */

/** Resolves when `condition` returns something true; throws `what` when that takes too long. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: { withinMs?: number } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + (options.withinMs ?? 20_000);
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > end) throw new Error(`Cannot go on: ${what} did not come true in time`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

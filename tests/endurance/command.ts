/**
 * What the long forms are asked for on the command line, and where they print. Knows neither of
 * them.
 *
 * @module
 */

/** The number after `--<flag>`; `options.otherwise` without the flag. Throws where it is no number. */
export function numberOf(
  flag: string,
  args: readonly string[],
  options: { otherwise: number },
): number {
  const at = args.indexOf(`--${flag}`);
  if (at < 0) return options.otherwise;
  const value = Number(args[at + 1]);
  if (args[at + 1]?.trim() && value >= 0) return value;
  throw new Error(`Cannot run: --${flag} takes a number, not ${JSON.stringify(args[at + 1])}`);
}

/** A seed that nobody chose. */
export function anySeed(): number {
  return Math.floor(Math.random() * 1e9);
}

/** Prints lines. */
export function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

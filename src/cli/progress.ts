/**
 * One line on stderr that is written over: how far something is. Only on a terminal; elsewhere
 * nothing is said.
 *
 * @module
 */

/** A line that shows how far something is, until it is cleared. */
export class ProgressLine implements Disposable {
  readonly #terminal = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  #shown = "";

  /** Shows this in place of what was shown; the text must be fit for a terminal. */
  show(text: string): void {
    if (!this.#terminal || text === this.#shown) return;
    this.#shown = text;
    write(`\r\x1b[K${text}`);
  }

  /** Takes it away. */
  clear(): void {
    if (this.#shown !== "") write("\r\x1b[K");
    this.#shown = "";
  }

  /** The same as {@link ProgressLine.clear}. */
  [Symbol.dispose](): void {
    this.clear();
  }
}

function write(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // Whoever closed stderr does not want to be told.
  }
}

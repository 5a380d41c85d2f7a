/**
 * Where a command's words go: data to stdout, messages to stderr. What stands in data may come
 * from anyone who can start a container, so nothing gets out that a terminal would obey.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { utf8 } from "../bytes.ts";
import { escapeControls, escapedPieces } from "../text.ts";

/** What keeps output that goes to a file from being written, by the system's code. */
const SAYS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be too large",
  EIO: "input/output error",
};

/** Nobody reads stdout any more: the command has nothing left to do. */
export class OutputClosed extends Error {
  /** Tells this error from others after it was serialized. */
  override readonly name = "OutputClosed";
}

/** How to write. */
export interface OutputOptions {
  /** `--no-color` was given. */
  readonly noColor?: boolean;
}

/** Colours by what they mean. */
export type Style = "good" | "warn" | "bad" | "faint" | "strong";

const SGR: Readonly<Record<Style, number>> = { good: 32, warn: 33, bad: 31, faint: 2, strong: 1 };

/** stdout and stderr of this process. */
export class Output {
  /** Whether stdout is a terminal that knows more than letters. */
  readonly terminal: boolean = Deno.stdout.isTerminal() && Deno.env.get("TERM") !== "dumb";
  readonly #color: boolean;

  /** Colours on a terminal, unless `NO_COLOR` or the option says otherwise. */
  constructor(options: OutputOptions = {}) {
    this.#color = this.terminal && !Deno.noColor && !options.noColor;
  }

  /** Size of the terminal in characters; null when stdout is none. */
  size(): { columns: number; rows: number } | null {
    if (!this.terminal) return null;
    try {
      const { columns, rows } = Deno.consoleSize();
      // A terminal that does not know its size says 0.
      return columns > 0 && rows > 0 ? { columns, rows } : null;
    } catch {
      return null;
    }
  }

  /** The text in a style, if colours are used. The text must be escaped already. */
  paint(text: string, style: Style | undefined): string {
    return this.#color && style !== undefined ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  }

  /** Lines of data; each is escaped. Throws {@link OutputClosed}. */
  lines(...lines: readonly string[]): void {
    this.raw(lines.map((line) => `${escapeControls(line)}\n`).join(""));
  }

  /** One JSON document. Throws {@link OutputClosed}. */
  json(value: unknown): void {
    this.jsonText(JSON.stringify(value));
  }

  /** The text of one JSON document on one line. Throws {@link OutputClosed}. */
  jsonText(text: string): void {
    // Inside a JSON string the escapes mean what they replace; outside there is nothing to escape.
    this.raw(`${escapeControls(text)}\n`);
  }

  /** The same of UTF-8 in pieces. Throws {@link OutputClosed}. */
  jsonPieces(pieces: Iterable<Uint8Array>): void {
    for (const piece of escapedPieces(pieces)) this.#bytes(piece);
    this.raw("\n");
  }

  /** Text that is fit for a terminal as it is. Throws {@link OutputClosed}. */
  raw(text: string): void {
    this.#bytes(utf8(text));
  }

  /** Messages, one line each; escaped. Never throws. */
  notes(...lines: readonly string[]): void {
    try {
      writeAll(Deno.stderr, utf8(lines.map((line) => `${escapeControls(line)}\n`).join("")));
    } catch {
      // Whoever closed stderr does not want to be told.
    }
  }

  #bytes(bytes: Uint8Array): void {
    try {
      writeAll(Deno.stdout, bytes);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) {
        throw new OutputClosed("Cannot write: nobody reads stdout", { cause: error });
      }
      const { code, message } = error as { code?: unknown; message: string };
      throw new Failure("io", `Cannot write to stdout: ${SAYS[String(code)] ?? message}`, {
        data: { at: "stdout" },
        cause: error,
      });
    }
  }
}

/** Synchronous, so that everything is out before the process exits. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    try {
      written += stream.writeSync(bytes.subarray(written));
    } catch (error) {
      // Another holder of the pipe may have made it non-blocking; then it is full, not broken.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

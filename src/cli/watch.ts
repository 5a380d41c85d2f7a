/**
 * Draws the same thing again at each change, in place on a terminal, or takes another step then. What
 * is shown is read anew each time; the daemon's event stream only says when to look, and without it
 * time does.
 *
 * @module
 */

import { SYSTEM_CLOCK } from "../clock.ts";
import { isReaderGone } from "../system/libc.ts";
import { onSignals } from "../supervision.ts";
import { type ReadApi, withIndex } from "./client.ts";
import { type CommandLine, EXIT } from "./command.ts";
import { findDaemon } from "./daemon_socket.ts";
import { type Output, OutputClosed } from "./output.ts";

/** What is watched. */
export interface Watched<T> {
  /** Reads what to show; null: there is no index yet. */
  read(api: ReadApi | null): Promise<T[]>;
  /** Lines of what was read, the header first, at most `width` wide. */
  draw(items: readonly T[], width: number | null): string[];
  /** The same as long as nothing happened but time. */
  fingerprint(items: readonly T[]): string;
}

/** Without a word from the daemon the database is looked at this often. */
const POLL_MS = 1000;
const STDOUT = 1;
/** Changes that come together are drawn together. */
const SETTLE_MS = 50;

/** Draws until SIGINT, SIGTERM, or nobody reads stdout any more. */
export function watch<T>(line: CommandLine, watched: Watched<T>): Promise<number> {
  const screen = new Screen(line);
  return whileRead(line, () => screen.show(watched));
}

/**
 * Takes the step at once and again at each change, until SIGINT, SIGTERM, or nobody reads stdout any
 * more; its signal says that of the first two. Resolves with the exit code.
 */
export async function whileRead(
  line: CommandLine,
  step: (ending: AbortSignal) => void | Promise<void>,
): Promise<number> {
  const { dataDir } = line.config();
  const stop = new AbortController();
  const signals = onSignals({ onEnd: () => stop.abort() });
  const bell = new Bell(stop.signal);
  const following = follow(dataDir, bell, stop.signal);
  try {
    while (!stop.signal.aborted) {
      await step(stop.signal);
      await bell.wait(POLL_MS);
      // A pipe without changes is never written to, so it would never be found broken.
      if (isReaderGone(STDOUT)) break;
    }
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  } finally {
    stop.abort();
    signals.remove();
    await following;
  }
  return EXIT.done;
}

/** Draws over what it drew before; where it can't, below it, and only when something happened. */
class Screen {
  readonly #line: CommandLine;
  readonly #out: Output;
  #drawn: readonly string[] = [];
  #shown: string | null = null;

  constructor(line: CommandLine) {
    this.#line = line;
    this.#out = line.out;
  }

  async show<T>(watched: Watched<T>): Promise<void> {
    const items = await withIndex(this.#line, (api) => watched.read(api), { silent: true });
    const size = this.#out.size();
    if (size === null) this.#append(items, watched);
    else this.#redraw(items, watched, size);
  }

  #append<T>(items: readonly T[], watched: Watched<T>): void {
    const fingerprint = watched.fingerprint(items);
    if (fingerprint === this.#shown) return;
    const separator = this.#shown === null ? "" : "\n";
    this.#shown = fingerprint;
    this.#out.raw(separator + watched.draw(items, null).map((line) => `${line}\n`).join(""));
  }

  #redraw<T>(
    items: readonly T[],
    watched: Watched<T>,
    { columns, rows }: { columns: number; rows: number },
  ): void {
    // What has scrolled out of a terminal can't be drawn over: header, "more" and cursor fit too.
    const room = Math.max(1, rows - 3);
    const lines = watched.draw(items.slice(0, room), columns);
    if (items.length > room) lines.push(`… ${items.length - room} more`.slice(0, columns));
    if (lines.join("\n") === this.#drawn.join("\n")) return;
    const up = this.#drawn.length > 0 ? `\x1b[${this.#drawn.length}A` : "";
    this.#drawn = lines;
    // Line by line and the rest at the end: erasing everything first would flicker.
    this.#out.raw(`${up}\r${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
  }
}

/** Wakes a loop before its time. */
export class Bell {
  readonly #signal: AbortSignal;
  #rung = false;
  #wake: () => void = () => {};

  /** Rings by itself when the signal aborts. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.ring());
  }

  /** Wakes whoever waits, or the next one who would. */
  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Resolves after `ms`, or shortly after it was rung. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) await this.#pause(ms);
    if (this.#rung && !this.#signal.aborted) {
      this.#rung = false;
      await new Promise<void>((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    this.#rung = false;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Rings at every message of the daemon's event stream, for as long as there is one. */
export async function follow(dataDir: string, bell: Bell, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      using daemon = await findDaemon(dataDir);
      for await (const _ of daemon?.follow("/api/events", signal) ?? []) bell.ring();
    } catch {
      // Whatever is wrong with the stream, the loop polls and shows what it can read.
    }
    await SYSTEM_CLOCK.sleep(POLL_MS, signal);
  }
}

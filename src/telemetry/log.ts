/**
 * The log: a constant message with fields, one line each, to stderr.
 * Must not throw, whatever is logged and whether or not anyone still reads.
 *
 * @module
 */

import { escapeControls } from "../text.ts";

/** How important a line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** `text` for people, `json` for programs. */
export type LogFormat = "text" | "json";

/** What a line says besides its message; the same key for the same thing everywhere. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How a {@link Log} writes. */
export interface LogOptions {
  /** The least important level to write. Default `info`. */
  readonly level?: LogLevel;
  /** Default: `text` on a terminal, else `json`. */
  readonly format?: LogFormat;
  /**
   * Begin each line with journald's `<N>` priority; a text line then leaves the time to the
   * journal. Default false; see {@link writesToJournal}.
   */
  readonly journal?: boolean;
  /** The clock. Default: the system's. */
  readonly now?: () => Date;
  /**
   * What a person can do about what a line's `error` tells, written as its `hint`; empty where
   * nobody knows. Default: no hints.
   */
  readonly hintFor?: (error: unknown) => string;
  /** Takes one line with its newline. Default: stderr, synchronously. */
  readonly write?: (line: Uint8Array) => void;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const JOURNAL_PRIORITY: Readonly<Record<LogLevel, number>> = {
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
};
const RESERVED_KEYS: ReadonlySet<string> = new Set(["time", "level", "message"]);
const MAX_TEXT_LENGTH = 4096;
const MAX_CAUSES = 8;

/** Writes log lines. */
export class Log {
  readonly #options: Required<LogOptions>;

  /** Writes to stderr unless told otherwise. */
  constructor(options: LogOptions = {}) {
    this.#options = {
      level: options.level ?? "info",
      format: options.format ?? (Deno.stderr.isTerminal() ? "text" : "json"),
      journal: options.journal ?? false,
      now: options.now ?? (() => new Date()),
      hintFor: options.hintFor ?? (() => ""),
      write: options.write ?? writeToStderr,
    };
  }

  /** Whether a line of this level is written. */
  enabled(level: LogLevel): boolean {
    return SEVERITY[level] >= SEVERITY[this.#options.level];
  }

  /** For who looks for a fault. */
  debug(message: string, fields?: LogFields): void {
    this.#line("debug", message, fields);
  }

  /** What happens as it should. */
  info(message: string, fields?: LogFields): void {
    this.#line("info", message, fields);
  }

  /** What someone should look at. */
  warn(message: string, fields?: LogFields): void {
    this.#line("warn", message, fields);
  }

  /** What failed. */
  error(message: string, fields?: LogFields): void {
    this.#line("error", message, fields);
  }

  #line(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.enabled(level)) return;
    const { format, journal, now, write } = this.#options;
    try {
      const all = this.#hinted(fields ?? {});
      const stacks = this.enabled("debug");
      const line = format === "json"
        ? jsonLine(now(), level, { message, fields: all, stacks })
        : textLine(journal ? null : now(), level, { message, fields: all, stacks });
      const priority = journal ? `<${JOURNAL_PRIORITY[level]}>` : "";
      write(new TextEncoder().encode(`${priority}${line}\n`));
    } catch {
      // A log that can't be written is no reason to stop the program that it tells about.
    }
  }

  #hinted(fields: LogFields): LogFields {
    if (fields["error"] === undefined || fields["hint"] !== undefined) return fields;
    const hint = this.#options.hintFor(fields["error"]);
    return hint === "" ? fields : { ...fields, hint };
  }
}

/**
 * Whether stderr is a stream to systemd's journal: the service manager started this very process,
 * not one of its parents, and connected it.
 */
export function writesToJournal(env: (name: string) => string | undefined): boolean {
  return Boolean(env("JOURNAL_STREAM")) && env("SYSTEMD_EXEC_PID") === String(Deno.pid);
}

interface Entry {
  readonly message: string;
  readonly fields: LogFields;
  /** Whether errors show where they were thrown. */
  readonly stacks: boolean;
}

function jsonLine(time: Date, level: LogLevel, { message, fields, stacks }: Entry): string {
  const entry: Record<string, unknown> = { time: time.toISOString(), level, message };
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    entry[RESERVED_KEYS.has(key) ? `${key}_` : key] = plain(value, stacks);
  }
  return escapeControls(JSON.stringify(entry));
}

function textLine(time: Date | null, level: LogLevel, { message, fields, stacks }: Entry): string {
  const parts = time === null ? [] : [time.toISOString()];
  parts.push(level.toUpperCase().padEnd(5), escapeControls(message));
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const shown = plain(value, stacks);
    const text = typeof shown === "string" ? shown : JSON.stringify(shown);
    const bare = /^[\w./:@+,%-]+$/.test(text) || typeof shown !== "string";
    parts.push(`${escapeControls(key)}=${escapeControls(bare ? text : JSON.stringify(text))}`);
  }
  return parts.join(" ");
}

/** The value as JSON can hold it, and small enough for one line. */
function plain(value: unknown, stacks: boolean): unknown {
  if (typeof value === "string") return cut(value);
  if (value instanceof Error) return describeError(value, stacks);
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "object") return String(value);
  try {
    const json = JSON.stringify(
      value,
      (_key, inner) =>
        inner instanceof Error
          ? describeError(inner, stacks)
          : typeof inner === "bigint"
          ? String(inner)
          : inner,
    );
    return json.length <= MAX_TEXT_LENGTH ? JSON.parse(json) : cut(json);
  } catch {
    return "[unprintable]";
  }
}

/** `message: cause: its cause`, or the stack when the log is for fault finding. */
function describeError(error: Error, stacks: boolean): string {
  if (stacks && error.stack !== undefined) return cut(error.stack);
  const messages: string[] = [];
  let cause: unknown = error;
  // Bounded, because an error can be its own cause.
  for (let depth = 0; depth < MAX_CAUSES && cause !== undefined && cause !== null; depth++) {
    const text = cause instanceof Error ? cause.message || cause.name : String(cause);
    // An error that was wrapped well often repeats its cause already.
    if (!messages.some((message) => message.includes(text))) messages.push(text);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return cut(messages.join(": "));
}

function cut(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}

function writeToStderr(line: Uint8Array): void {
  for (let rest = line; rest.length > 0;) {
    const written = Deno.stderr.writeSync(rest);
    if (written === 0) return;
    rest = rest.subarray(written);
  }
}

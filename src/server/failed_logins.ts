/**
 * Tells of clients that came without the right secret: the first time at once, after that once a
 * minute for each address with a number. Keeps no more addresses than it has room for.
 *
 * @module
 */

import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What was wrong. */
export type LoginKind = "token" | "login" | "webhook";

/** Where and how often it is told. */
export interface FailedLoginsOptions {
  /** Where it is logged. */
  readonly log: Log;
  /** Where it is counted. */
  readonly metrics: Pick<Metrics, "failedLogins">;
  /** Milliseconds between two lines about one address. Default: a minute. */
  readonly everyMs?: number;
}

const MAX_ADDRESSES = 256;
/** Stands for those that there is no room for. */
const OTHERS = "others";

/** The clients of late that failed to log in. */
export class FailedLogins {
  readonly #options: FailedLoginsOptions;
  /** Failures that were not told yet, by address. */
  readonly #untold = new Map<string, { kind: LoginKind; address: string; failures: number }>();
  #timer: ReturnType<typeof setInterval> | null = null;

  /** No timer runs until a login fails. */
  constructor(options: FailedLoginsOptions) {
    this.#options = options;
  }

  /** One more, from this IP address; null: over the socket. */
  record(kind: LoginKind, remote: string | null): void {
    const { log, metrics, everyMs = 60_000 } = this.#options;
    metrics.failedLogins.inc({ kind });
    let address = remote ?? "socket";
    let entry = this.#untold.get(`${kind} ${address}`);
    if (entry === undefined && this.#untold.size >= MAX_ADDRESSES) {
      address = OTHERS;
      entry = this.#untold.get(`${kind} ${OTHERS}`);
    }
    if (entry !== undefined) return void entry.failures++;
    this.#untold.set(`${kind} ${address}`, { kind, address, failures: 0 });
    log.warn("login failed", { kind, address, failures: 1 });
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#tell(), everyMs);
    // No reason to go on running.
    Deno.unrefTimer(this.#timer);
  }

  /** Tells what was not told yet, and forgets it. */
  close(): void {
    this.#tell();
    this.#untold.clear();
    this.#rest();
  }

  #tell(): void {
    for (const [key, entry] of this.#untold) {
      if (entry.failures === 0) this.#untold.delete(key);
      else this.#options.log.warn("login failed", { ...entry });
      entry.failures = 0;
    }
    if (this.#untold.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

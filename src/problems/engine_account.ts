/**
 * Keeps account of the Engine as passes and events tell of it: since when it is away, whether it was
 * restarted, what the last full pass refused. Reads no clock and asks nobody.
 *
 * @module
 */

import type { ContendedRow, EngineFacts, RefusedClaims } from "../core/judged_world.ts";
import { isEngineFailure, isFailure } from "../failure.ts";
import type { PassReport } from "../model/pass.ts";
import type { Restart } from "../model/restart.ts";

/** What an account begins with. Times are milliseconds since the Unix epoch. */
export interface AccountOptions {
  /** When this run of the daemon began. */
  readonly startedAt: number;
  /** How old the last good full pass may be, milliseconds. */
  readonly staleAfter: number;
  /** The last good full pass of an earlier run; null when there was none. */
  readonly lastPassAt: number | null;
  /** When the host was booted; null where nobody knows. */
  readonly bootedAt: number | null;
  /** Since when the Engine does not answer, as an earlier run saw it. */
  readonly downSince: number | null;
  /** Since when another Engine answers, as an earlier run saw it. */
  readonly changedSince: number | null;
}

/** An Engine that shuts down ends its containers first, and takes about this long; milliseconds. */
export const SHUTDOWN_MS = 20_000;

/** The account of one Engine. */
export class EngineAccount {
  readonly #o: AccountOptions;
  #known = false;
  #downSince: number | null;
  #error = "";
  #lastPassAt: number | null;
  #changed: EngineFacts["changed"] = null;
  #changedSince: number | null;
  #restart: Restart | null = null;
  /** When events stopped flowing; null while they flow. */
  #silentSince: number | null = null;
  /** Since when it was not running, as it was found to be gone; null while it was not. */
  #goneSince: number | null = null;
  #contended: ReadonlyMap<string, ContendedRow> = new Map();
  #refused: ReadonlyMap<string, RefusedClaims> = new Map();

  /** Goes on from what is remembered. */
  constructor(options: AccountOptions) {
    this.#o = options;
    this.#lastPassAt = options.lastPassAt;
    this.#downSince = options.downSince;
    this.#changedSince = options.changedSince;
    const { bootedAt, lastPassAt } = options;
    if (bootedAt !== null && lastPassAt !== null && bootedAt > lastPassAt) {
      this.#goneSince = lastPassAt;
    }
  }

  /** The Engine as the judge is told of it. */
  get facts(): EngineFacts {
    return {
      startedAt: this.#o.startedAt,
      known: this.#known,
      downSince: this.#downSince,
      error: this.#error,
      lastPassAt: this.#lastPassAt,
      staleAfter: this.#o.staleAfter,
      changed: this.#changed,
      restart: this.#restart,
    };
  }

  /** Since when it does not answer; null while it does. */
  get downSince(): number | null {
    return this.#downSince;
  }

  /** Since when another Engine answers; null when none does. */
  get changedSince(): number | null {
    return this.#changedSince;
  }

  /** Since when events are not heard; null while they are, or a full pass has made good for it. */
  get silentSince(): number | null {
    return this.#silentSince;
  }

  /** Rows that several containers claim; another object when they are others. */
  get contended(): ReadonlyMap<string, ContendedRow> {
    return this.#contended;
  }

  /** Claims that were refused, by workload id; another object when they are others. */
  get refused(): ReadonlyMap<string, RefusedClaims> {
    return this.#refused;
  }

  /** Events stopped flowing. */
  gap(now: number): void {
    this.#silentSince ??= now;
  }

  /** Events can't be followed, or a pass failed. */
  failed(error: unknown, now: number): void {
    if (isFailure(error, "engine-no-socket", "engine-refused", "engine-connection")) {
      // Nobody listens: it ended, and whoever answers next was started anew.
      this.#goneSince ??= this.#silentSince ?? this.#lastPassAt ?? now;
    }
    if (!isEngineFailure(error)) return;
    this.#downSince ??= now;
    this.#error = error.message;
  }

  /** A pass was good. Returns the restart that it shows, if it is the first to. */
  passed(report: PassReport, now: number): Restart | null {
    this.#downSince = null;
    this.#error = "";
    if (report.scope === "partial") return null;
    // Its listing was asked for then; an Engine that was away is known to be back by then.
    const at = Math.min(now, Date.parse(report.at));
    this.#known = true;
    this.#lastPassAt = at;
    this.#silentSince = null;
    if (report.engineChanged === null) this.#changed = this.#changedSince = null;
    else {
      this.#changedSince ??= at;
      this.#changed = { ...report.engineChanged, since: this.#changedSince };
    }
    this.#contended = keep(this.#contended, contendedIn(report, at));
    this.#refused = keep(this.#refused, refusedIn(report, at));
    if (this.#goneSince === null) return null;
    const from = this.#goneSince;
    this.#goneSince = null;
    return this.restarted(from, at);
  }

  /** It was not running since `from`, and is since `at`. */
  restarted(from: number, at: number): Restart {
    return this.#restart = { from: Math.min(from - SHUTDOWN_MS, at), at };
  }
}

function contendedIn({ contended }: PassReport, seenAt: number): Map<string, ContendedRow> {
  return new Map(contended.map(({ rowId, losers }) => [
    rowId,
    { seenAt, losers: losers.map((id) => ({ id, name: "" })) },
  ]));
}

function refusedIn({ refused }: PassReport, seenAt: number): Map<string, RefusedClaims> {
  const found = new Map<
    string,
    { seenAt: number; reason: string; containers: RefusedContainer[] }
  >();
  for (const { reason, value, workloadId, containerId, containerName } of refused) {
    if (reason !== "kind-mismatch" && reason !== "workload-mismatch") continue;
    const id = workloadId ?? (reason === "workload-mismatch" ? value : undefined);
    if (id === undefined) continue;
    const claims = found.get(id) ?? { seenAt, reason, containers: [] };
    claims.containers.push({ id: containerId, name: containerName });
    found.set(id, claims);
  }
  return found;
}

type RefusedContainer = RefusedClaims["containers"][number];

/** The map before where nothing but `seenAt` is other; else the new one, with what was seen first. */
function keep<Seen extends { readonly seenAt: number }>(
  before: ReadonlyMap<string, Seen>,
  after: Map<string, Seen>,
): ReadonlyMap<string, Seen> {
  let same = before.size === after.size;
  for (const [id, seen] of after) {
    const known = before.get(id);
    if (known === undefined) {
      same = false;
      continue;
    }
    const first = { ...seen, seenAt: known.seenAt };
    if (JSON.stringify(first) !== JSON.stringify(known)) same = false;
    after.set(id, first);
  }
  return same ? before : after;
}

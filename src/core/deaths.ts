/**
 * How containers end: the sequence of their events → deaths, each counted before events are
 * coalesced. Pure; a death whose cause may still be told waits for it.
 *
 * @module
 */

import type { Death, DeathHow, Deaths } from "../model/problem.ts";

/** An event of a container as far as it tells of its end. */
export interface LifeEvent {
  /** `start`, `kill`, `die`, `stop`, `oom`, `restart`, `destroy`, …; others are ignored. */
  readonly action: string;
  /** Full id of the container. */
  readonly containerId: string;
  /** When, milliseconds since the Unix epoch; by one clock for all events and for waits. */
  readonly at: number;
  /** With `die`: the exit code, if told. */
  readonly exitCode?: number | null;
  /** With `die`: how long it ran, seconds, if told. */
  readonly ranSeconds?: number | null;
  /** With `kill`: number or name of the signal, if told. */
  readonly signal?: string | null;
}

/** A death that is decided. */
export interface DecidedDeath extends Death {
  /** The name of the event that decided it, or `die` when none came in time. */
  readonly decidedBy: string;
}

/** How deaths are told apart. Milliseconds. */
export interface DeathSettings {
  /** How long after a death its cause may still be told. */
  readonly decideAfter: number;
  /** How long after `oom` a death comes from it. */
  readonly oomBefore: number;
  /** How long after a signal a death comes from it, where no `stop` says so. */
  readonly signalBefore: number;
}

/** The settings of whoever sets none. */
const DEATH_DEFAULTS: DeathSettings = {
  decideAfter: 2000,
  oomBefore: 5000,
  signalBefore: 60_000,
};

/** How many deaths are kept of one row. */
export const DEATH_RING = 32;

/** Signals that end nothing unless the program says so. */
const HARMLESS: ReadonlySet<string> = new Set([
  "0",
  "HUP",
  "1",
  "USR1",
  "10",
  "USR2",
  "12",
  "WINCH",
  "28",
  "CONT",
  "18",
  "CHLD",
  "17",
  "URG",
  "23",
]);

/** Signals that end whatever does not take care. */
const STOPPING: ReadonlySet<string> = new Set(["TERM", "15", "INT", "2", "QUIT", "3"]);
const KILLING: ReadonlySet<string> = new Set(["KILL", "9"]);

/** What is known of one container's life. */
interface Life {
  startedAt: number | null;
  /** The last signal that may end it. */
  signal: { readonly how: "stop" | "kill"; readonly at: number } | null;
  oomAt: number | null;
  dying: { readonly event: LifeEvent; readonly ranSeconds: number | null } | null;
}

/** Follows the containers of an Engine to their ends. */
export class DeathWatch {
  readonly #lives = new Map<string, Life>();
  readonly #dying = new Set<string>();
  /** Nothing is decided by time alone before this; some of it may be decided already. */
  #notBefore = Infinity;
  readonly #settings: DeathSettings;

  /** Watches nobody yet. */
  constructor(settings: DeathSettings = DEATH_DEFAULTS) {
    this.#settings = settings;
  }

  /** Takes the next event; returns what it decides, oldest first. */
  take(event: LifeEvent): DecidedDeath[] {
    const decided = this.due(event.at);
    const { action, containerId, at } = event;
    const known = this.#lives.get(containerId);
    switch (action) {
      case "start":
        // It lives again, so nothing more will be told of how it ended.
        if (known?.dying) decided.push(this.#decide(containerId, known, "die"));
        this.#lives.set(containerId, { ...newLife(), startedAt: at });
        break;
      case "kill": {
        const how = endingOf(event.signal ?? "");
        if (how !== null) this.#life(containerId).signal = escalated(known?.signal, { how, at });
        break;
      }
      case "oom":
        if (known?.dying) decided.push(this.#decide(containerId, known, "oom"));
        else this.#life(containerId).oomAt = at;
        break;
      case "die": {
        const life = this.#life(containerId);
        // Podman tells of some ends twice.
        if (life.dying !== null) break;
        life.dying = { event, ranSeconds: ranSeconds(event, life.startedAt) };
        this.#dying.add(containerId);
        this.#notBefore = Math.min(this.#notBefore, this.#decidedAt(life));
        if (this.#isClear(life)) decided.push(this.#decide(containerId, life, "die"));
        break;
      }
      case "stop":
      case "restart":
        if (known?.dying) decided.push(this.#decide(containerId, known, action));
        break;
      case "destroy":
        if (known?.dying) decided.push(this.#decide(containerId, known, "die"));
        this.#lives.delete(containerId);
        break;
    }
    return decided;
  }

  /** Decides the deaths of which nothing more was told in time. */
  due(now: number): DecidedDeath[] {
    const decided: DecidedDeath[] = [];
    // Asked with each event: in a burst a thousand may be dying.
    if (now < this.#notBefore) return decided;
    this.#notBefore = Infinity;
    for (const containerId of this.#dying) {
      const life = this.#lives.get(containerId)!;
      const at = this.#decidedAt(life);
      if (at <= now) decided.push(this.#decide(containerId, life, "die"));
      else this.#notBefore = Math.min(this.#notBefore, at);
    }
    return decided;
  }

  /** When {@linkcode DeathWatch.due} decides something next; null for never. */
  nextAt(): number | null {
    let next: number | null = null;
    for (const containerId of this.#dying) {
      const at = this.#decidedAt(this.#lives.get(containerId)!);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  /** Events were missed: what was told before explains nothing any more. */
  gap(): DecidedDeath[] {
    const decided = this.due(Infinity);
    this.#lives.clear();
    return decided;
  }

  /** Containers that are not there any more need not be remembered. */
  forget(isThere: (containerId: string) => boolean): void {
    for (const [containerId, life] of this.#lives) {
      if (life.dying === null && !isThere(containerId)) this.#lives.delete(containerId);
    }
  }

  #life(containerId: string): Life {
    let life = this.#lives.get(containerId);
    if (life === undefined) this.#lives.set(containerId, life = newLife());
    return life;
  }

  #decidedAt({ dying }: Life): number {
    return dying!.event.at + this.#settings.decideAfter;
  }

  /** Whether nothing that can follow would change how it ended. */
  #isClear(life: Life): boolean {
    const { event } = life.dying!;
    return life.oomAt !== null && event.at - life.oomAt <= this.#settings.oomBefore;
  }

  #decide(containerId: string, life: Life, decidedBy: string): DecidedDeath {
    const { event, ranSeconds } = life.dying!;
    this.#dying.delete(containerId);
    this.#lives.set(containerId, newLife());
    const exitCode = event.exitCode ?? null;
    const how = this.#how(life, { exitCode, decidedBy });
    return { at: event.at, exitCode, ranSeconds, how, containerId, decidedBy };
  }

  #how(
    { signal, oomAt, dying }: Life,
    { exitCode, decidedBy }: { exitCode: number | null; decidedBy: string },
  ): DeathHow {
    const { oomBefore, signalBefore } = this.#settings;
    const { at } = dying!.event;
    if (decidedBy === "oom" || (oomAt !== null && at - oomAt <= oomBefore)) return "oom";
    if (decidedBy === "stop" || decidedBy === "restart") return "stop";
    if (signal !== null && at - signal.at <= signalBefore) return signal.how;
    return exitCode === 0 ? "exit" : "crash";
  }
}

function newLife(): Life {
  return { startedAt: null, signal: null, oomAt: null, dying: null };
}

/** A stop that had to be enforced is still a stop. */
function escalated(
  before: Life["signal"] | undefined,
  signal: NonNullable<Life["signal"]>,
): NonNullable<Life["signal"]> {
  return before?.how === "stop" ? { how: "stop", at: signal.at } : signal;
}

/** What a signal is meant to do to a container: stop or kill it, or null for neither. */
function endingOf(signal: string): "stop" | "kill" | null {
  const name = signal.trim().toUpperCase().replace(/^SIG/, "");
  if (STOPPING.has(name)) return "stop";
  if (HARMLESS.has(name)) return null;
  // A number or name that nobody knows may be a stop signal of the image's own.
  return KILLING.has(name) || name === "" ? "kill" : "stop";
}

function ranSeconds(event: LifeEvent, startedAt: number | null): number | null {
  if (event.ranSeconds !== undefined && event.ranSeconds !== null) return event.ranSeconds;
  return startedAt === null ? null : Math.max(0, event.at - startedAt) / 1000;
}

/** The deaths of a row with one more. */
export function withDeath(
  deaths: Deaths | undefined,
  { at, exitCode, ranSeconds, how, containerId }: Death,
): Deaths {
  const death = { at, exitCode, ranSeconds, how, containerId };
  const { count, atLeast, ring } = deaths ?? { count: 0, atLeast: false, ring: [] };
  // They may be decided in another order than they happened in.
  const all = [...ring, death].sort((a, b) => a.at - b.at);
  return { count: count + 1, atLeast, ring: all.slice(-DEATH_RING), gapAt: null };
}

/** The deaths of a row after events were missed at `at`: from then on there were at least so many. */
export function withGap(deaths: Deaths, at: number): Deaths {
  return { ...deaths, atLeast: true, gapAt: deaths.gapAt ?? at };
}

/** The deaths of a row of which an inspect says that memory ran out at the last one. */
export function withOom(deaths: Deaths, containerId: string): Deaths {
  const last = deaths.ring.at(-1);
  if (last === undefined || last.containerId !== containerId || last.how !== "crash") return deaths;
  return { ...deaths, ring: [...deaths.ring.slice(0, -1), { ...last, how: "oom" }] };
}

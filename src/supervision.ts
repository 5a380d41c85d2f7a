/**
 * What surrounds a running daemon: signals, the lock's check, the service manager. Watches and
 * tells; what follows is the daemon's decision.
 *
 * @module
 */

import { aborted, type Clock } from "./clock.ts";
import type { Lock } from "./lock/lock.ts";
import type { Outcomes } from "./reconcile/outcomes.ts";
import { HANGUP_IGNORED } from "./system/hangup.ts";
import type { ServiceManager } from "./system/systemd.ts";
import type { Log } from "./telemetry/log.ts";

/** How often the lock is checked, milliseconds. */
const LOCK_CHECK_MS = 60_000;

/** After this long the service manager is told that the service runs, pass or no pass. */
const READY_AT_LATEST_MS = 10_000;

/** How often the service manager's status line is renewed, milliseconds. */
const STATUS_EVERY_MS = 10_000;

const SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];

/** What signals lead to. */
export interface SignalHandlers {
  /** Asked to end, by one of these. */
  readonly onEnd: (signal: Deno.Signal) => void;
  /** Asked by SIGHUP to read anew what may have changed; absent: that asks to end as well. */
  readonly onReload?: () => void;
}

/**
 * Calls the handlers until `remove()`. SIGHUP is always listened to, though where `nohup` had it
 * ignored nothing may follow: Deno takes it for itself with the first listener of any signal, and
 * would end.
 */
export function onSignals({ onEnd, onReload }: SignalHandlers): { remove(): void } {
  const listeners = [
    ...SIGNALS.map((signal) => [signal, () => onEnd(signal)] as const),
    ["SIGHUP", onReload ?? (() => onEnd("SIGHUP"))] as const,
  ];
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    remove: () => {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/** From the start of a service until it is asked to end. */
export interface Lifetime {
  /** Aborted when it is asked to; whoever else ends it aborts it too. */
  readonly stopping: AbortController;
  /** Listens to no signal any more. */
  remove(): void;
}

/**
 * Ends a service by the first SIGTERM or SIGINT, and the process by the second. SIGHUP has `reload`
 * read anew what may have changed, unless it was ignored when the process began.
 */
export function lifetime({ log, reload }: { log: Log; reload: () => void }): Lifetime {
  const stopping = new AbortController();
  const { remove } = onSignals({
    onEnd: (signal) => {
      if (stopping.signal.aborted) Deno.exit(1);
      log.info("stopping", { signal });
      stopping.abort();
    },
    onReload: () => {
      if (HANGUP_IGNORED) return;
      log.info("reloading", { signal: "SIGHUP" });
      reload();
    },
  });
  return { stopping, remove };
}

/** `Deno.exit()`, and what nobody catches: of that Deno says no `unload`. */
const SUDDEN_ENDS: readonly string[] = ["unload", "error", "unhandledrejection"];

/**
 * Calls the handler, until `remove()`, when the process is about to end past every `finally`. What it
 * begins and does not finish at once is not done.
 */
export function onSuddenEnd(handler: () => void): { remove(): void } {
  const listener = () => handler();
  for (const event of SUDDEN_ENDS) globalThis.addEventListener(event, listener);
  return {
    remove: () => {
      for (const event of SUDDEN_ENDS) globalThis.removeEventListener(event, listener);
    },
  };
}

/** What {@link watchLock} is told. */
export interface WatchLockOptions {
  /** The time. */
  clock: Clock;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Called once, when the lock is no longer ours; the watch is over then. */
  onLost: (lost: { reason: string; owner: number | null }) => void;
}

/** Checks every minute that the lock is still ours. Never rejects. */
export async function watchLock(lock: Lock, options: WatchLockOptions): Promise<void> {
  const { clock, signal, onLost } = options;
  for (;;) {
    await clock.sleep(LOCK_CHECK_MS, signal);
    if (signal.aborted) return;
    const status = lock.check();
    if (!status.held) return onLost(status);
  }
}

/** What {@link firstPass} is told. */
export interface FirstPassOptions {
  /** How passes went so far. */
  outcomes: Pick<Outcomes, "firstPass">;
  /** The time. */
  clock: Clock;
  /** Ends the waiting. */
  signal: AbortSignal;
}

/** What {@link announce} is told; its signal ends the announcements. */
export interface AnnounceOptions extends FirstPassOptions {
  /** How passes went so far. */
  outcomes: Outcomes;
}

/** Resolves with the first good pass, after that many milliseconds, or when the signal aborts. */
export async function firstPass(
  { outcomes, clock, signal }: FirstPassOptions,
  { withinMs }: { withinMs: number },
): Promise<void> {
  const passed = new AbortController();
  outcomes.firstPass.then(() => passed.abort());
  await clock.sleep(withinMs, AbortSignal.any([signal, passed.signal]));
}

/**
 * Tells the service manager that the daemon is ready, how it is, and that it still turns. Resolves
 * when the signal aborts.
 */
export async function announce(manager: ServiceManager, options: AnnounceOptions): Promise<void> {
  if (!manager.present) return await aborted(options.signal);
  await Promise.all([
    announceState(manager, options),
    pingWatchdog(manager, options),
  ]);
}

async function announceState(manager: ServiceManager, options: AnnounceOptions): Promise<void> {
  const { outcomes, clock, signal } = options;
  manager.status("first pass under way");
  await firstPass(options, { withinMs: READY_AT_LATEST_MS });
  if (signal.aborted) return;
  manager.ready(statusLine(outcomes));
  while (!signal.aborted) {
    await clock.sleep(STATUS_EVERY_MS, signal);
    if (!signal.aborted) manager.status(statusLine(outcomes));
  }
}

async function pingWatchdog(manager: ServiceManager, options: AnnounceOptions): Promise<void> {
  const { clock, signal } = options;
  const everyMs = manager.watchdogIntervalMs;
  if (everyMs === null) return await aborted(signal);
  while (!signal.aborted) {
    manager.watchdog();
    await clock.sleep(everyMs, signal);
  }
}

function statusLine({ lastPass, lastError }: Outcomes): string {
  if (lastError !== null) return lastError;
  if (lastPass === null) return "no pass yet";
  const { claimed, listed, unmanaged } = lastPass;
  return `${claimed} of ${listed} containers indexed, ${unmanaged.count} unmanaged`;
}

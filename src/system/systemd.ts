/**
 * systemd: tells the service manager how the daemon is. Must not decide when the daemon is ready, nor
 * fail when no service manager is there.
 *
 * @module
 */

import { type DatagramSocket, openDatagramSocket } from "./libc.ts";
import { clip, onOneLine } from "../text.ts";

/** Longer texts are cut: the service manager shows one line. */
const MAX_STATUS_LENGTH = 256;

/**
 * The connection to the service manager that started this process. Without one every method does
 * nothing and answers false. Closed by disposal.
 */
export class ServiceManager implements Disposable {
  readonly #socket: DatagramSocket | null;
  /**
   * Milliseconds between two calls of {@link watchdog}: half of what the service manager allows;
   * null when it does not watch.
   */
  readonly watchdogIntervalMs: number | null;

  /** Use {@link ServiceManager.fromEnvironment}. */
  constructor(socket: DatagramSocket | null, watchdogIntervalMs: number | null) {
    this.#socket = socket;
    this.watchdogIntervalMs = watchdogIntervalMs;
  }

  /** Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. */
  static fromEnvironment(
    env: (name: string) => string | undefined = (name) => Deno.env.get(name),
  ): ServiceManager {
    const address = env("NOTIFY_SOCKET");
    return new ServiceManager(
      address ? openDatagramSocket(address) : null,
      watchdogInterval(env("WATCHDOG_USEC"), env("WATCHDOG_PID")),
    );
  }

  /** Whether there is anyone to tell. */
  get present(): boolean {
    return this.#socket !== null;
  }

  /** The daemon does its work from now on. */
  ready(status?: string): boolean {
    return this.#tell("READY=1", status);
  }

  /** One line for people, shown by `systemctl status`. */
  status(status: string): boolean {
    return this.#tell(null, status);
  }

  /** The daemon is about to end. */
  stopping(status?: string): boolean {
    return this.#tell("STOPPING=1", status);
  }

  /** The main loop turns. */
  watchdog(): boolean {
    return this.#tell("WATCHDOG=1");
  }

  /** Closes the socket; idempotent. */
  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }

  #tell(state: string | null, status?: string): boolean {
    const lines = state === null ? [] : [state];
    // A line break in a status would begin an assignment of its own.
    const text = status && clip(onOneLine(status), MAX_STATUS_LENGTH);
    if (text !== undefined) lines.push(`STATUS=${text}`);
    return this.#socket?.send(`${lines.join("\n")}\n`) ?? false;
  }
}

/** The first descriptor that a service manager hands over, says its protocol. */
const FIRST_INHERITED = 3;

/**
 * The socket that the service manager listens on for this process (`LISTEN_FDS`, `LISTEN_PID`);
 * null without one. Of several, the first.
 */
export function inheritedSocket(
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
): number | null {
  // The variables are inherited: a PID that is not ours speaks of a parent.
  if (env("LISTEN_PID") !== String(Deno.pid)) return null;
  return /^[1-9]\d{0,3}$/.test(env("LISTEN_FDS") ?? "") ? FIRST_INHERITED : null;
}

function watchdogInterval(usec: string | undefined, pid: string | undefined): number | null {
  if (usec === undefined || !/^[1-9]\d{0,14}$/.test(usec)) return null;
  // The variables are inherited: a PID that is not ours speaks of a parent.
  if (pid && pid !== String(Deno.pid)) return null;
  return Math.max(1, Math.floor(Number(usec) / 2000));
}

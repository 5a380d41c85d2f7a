/**
 * Deno before 2.9: when a connection breaks off within a body, its `node:http` rejects a promise that
 * nobody can hold, which ends the process. What a receiver does must not: here is where that one
 * rejection is taken for what it is. Must not take any other.
 *
 * @module
 */

/** What is rejected with, and with nothing else to know it by. */
const BROKEN_BODY = "error reading a body from connection";

/** Called for each body that breaks off. */
const readers = new Set<() => void>();

let listens = false;

/**
 * From now on no broken body ends the process, nor is told to who listens from now on for its end.
 */
export function keepBrokenBodies(): void {
  if (listens || !isNeeded()) return;
  listens = true;
  // For good: one may break when nobody reads it any more.
  globalThis.addEventListener("unhandledrejection", take);
}

/**
 * The same; and `onBroken` is called when a body breaks off that may be this caller's, until it is
 * removed.
 */
export function watchBody(onBroken: () => void): { remove(): void } {
  keepBrokenBodies();
  readers.add(onBroken);
  return { remove: () => void readers.delete(onBroken) };
}

function isNeeded(): boolean {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  return major === 2 && minor < 9;
}

function take(event: PromiseRejectionEvent): void {
  const { reason } = event;
  if (!(reason instanceof TypeError) || !reason.message.startsWith(BROKEN_BODY)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  // Which of several it was is not said: those have their deadline.
  if (readers.size === 1) { for (const onBroken of readers) onBroken(); }
}

/**
 * Whether the reader is logged in. The link's code is exchanged once and taken out of the address;
 * what the session is kept by is a cookie that no script can read. Must not show anything.
 *
 * @module
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import { access, ask, AskError } from "./ask.ts";
import { asAskError } from "./latest.ts";
import { follow, unfollow } from "./live/index_state.ts";

/** How far the login is. */
export type Session =
  | { readonly kind: "starting" }
  | { readonly kind: "in" }
  | { readonly kind: "out"; readonly why: "none" | "ended" | "code" };

const state = signal<Session>({ kind: "starting" });

/** How far the login is. */
export const session: ReadonlySignal<Session> = state;

/** Between two tries to reach a daemon that does not answer. */
const RETRY_MS = 2000;

/** Logs in with what the address or the browser has; called once. */
export async function startSession(): Promise<void> {
  access.onLost = lose;
  const code = takeCode();
  if (code !== null) {
    try {
      await exchange({ code });
      return enter();
    } catch {
      // A session may be there all the same.
      if (!await probe()) return leave("code");
      return enter();
    }
  }
  if (await probe()) enter();
  else leave("none");
}

/**
 * Logs in with a token that was pasted.
 *
 * @throws {AskError} It is not right, or there were too many tries.
 */
export async function logIn(token: string): Promise<void> {
  try {
    await exchange({ token });
  } catch (error) {
    if (asAskError(error).status !== 404) throw error;
    // No sessions there: the token goes along with each request, and is forgotten with the page.
    access.token = token;
    try {
      await ask("/api/status", { login: true });
    } catch (refused) {
      access.token = null;
      throw refused;
    }
  }
  enter();
}

/** Ends the session here. */
export async function logOut(): Promise<void> {
  if (access.token === null) await ask("/api/session", { method: "DELETE" });
  access.token = null;
  leave("none");
}

async function exchange(what: { code: string } | { token: string }): Promise<void> {
  await ask("/api/session", { method: "POST", body: what, login: true });
}

/** Whether the daemon lets us in; waits for one that does not answer. */
async function probe(): Promise<boolean> {
  for (;;) {
    try {
      await ask("/api/status", { login: true });
      return true;
    } catch (error) {
      const { status } = asAskError(error);
      if (status === 401) return false;
      // Whoever answers otherwise has let us in.
      if (error instanceof AskError && status > 0 && status < 500) return true;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function enter(): void {
  state.value = { kind: "in" };
  follow();
}

function leave(why: "none" | "ended" | "code"): void {
  unfollow();
  state.value = { kind: "out", why };
}

/** The address stays as it is, so that a new login leads back to it. */
function lose(): void {
  if (state.peek().kind === "in") leave("ended");
}

/** `#code=…`, taken out of the address before anybody can copy it. */
function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return code;
}

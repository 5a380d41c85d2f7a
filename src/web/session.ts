/**
 * Whether the reader is logged in. The link's code is exchanged once and taken out of the address;
 * what the session is kept by is a cookie that no script can read. Must not show anything.
 *
 * @module
 */

import type { Readable } from "./readable.ts";
import { computed, signal } from "@preact/signals";
import { access, ask } from "./ask.ts";
import { asAskError } from "./ask_error.ts";
import { follow, lookAround, unfollow } from "./live/index_state.ts";
import { many } from "./live/many.ts";

/** How far the login is. */
export type Session =
  | { readonly kind: "starting" }
  | { readonly kind: "in"; readonly who: Who }
  | { readonly kind: "out"; readonly why: "none" | "ended" | "code" };

/** Who is logged in, as far as the daemon tells. */
export interface Who {
  /** A token's name, or a user of the host; empty where it is not told. */
  readonly name: string;
  /** `read`, `deploy` or `admin`. */
  readonly role: string;
  /** Whether there is a session that can be ended. */
  readonly session: boolean;
}

const state = signal<Session>({ kind: "starting" });

/** How far the login is. */
export const session: Readable<Session> = state;

/** Whether the reader may change who may ask and who is told: of a hub, too. */
export const mayAdmit: Readable<boolean> = computed(() =>
  state.value.kind === "in" && state.value.who.role === "admin"
);

/** Whether the reader may change what is registered, expected and told: of a hub nobody may. */
export const mayChange: Readable<boolean> = computed(() => mayAdmit.value && many.value === false);

/** Whether the reader may see a workload's webhook. */
export const mayDeploy: Readable<boolean> = computed(() =>
  state.value.kind === "in" && state.value.who.role !== "read" && many.value === false
);

/** Between two tries to reach a daemon that does not answer. */
const RETRY_MS = 2000;

/** Logs in with what the address or the browser has; called once. */
export async function startSession(): Promise<void> {
  access.onLost = lose;
  // Where the dashboard stands already, as the login does that tells of the link, opening it changes
  // the fragment alone, and the browser loads nothing.
  addEventListener("hashchange", () => codeHere() !== null && location.reload());
  const code = takeCode();
  if (code !== null) {
    try {
      await exchange({ code });
    } catch {
      // A session may be there all the same.
      const who = await probe();
      return who === null ? leave("code") : enter(who);
    }
  }
  // Most who come are logged in: what they came for is asked for before that is known.
  follow();
  const who = await probe();
  if (who === null) leave("none");
  else enter(who);
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
  const who = await probe();
  if (who !== null) enter(who);
}

/**
 * Ends the session here.
 *
 * @throws {AskError} The server did not.
 */
export async function logOut(): Promise<void> {
  if (access.token === null) await ask("/api/session", { method: "DELETE" });
  access.token = null;
  leave("none");
}

async function exchange(what: { code: string } | { token: string }): Promise<void> {
  await ask("/api/session", { method: "POST", body: what, login: true });
}

/** What the API tells of who asks. */
interface Told {
  readonly who: string;
  readonly role: string;
  readonly session: unknown;
  /** Absent where an older program answers, which is no hub. */
  readonly manyHosts?: boolean;
}

/** As whom the daemon lets us in, null when it does not; waits for one that does not answer. */
async function probe(): Promise<Who | null> {
  for (;;) {
    try {
      const { who, role, session, manyHosts = false } = await ask<Told>("/api/session", {
        login: true,
      });
      many.value = manyHosts;
      return { name: who, role, session: session !== null };
    } catch (error) {
      const { status } = asAskError(error);
      if (status === 401) return null;
      // Whoever refuses for another reason has let us in.
      if (status > 0 && status < 500) {
        many.value = false;
        return { name: "", role: "admin", session: false };
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function enter(who: Who): void {
  follow();
  lookAround();
  state.value = { kind: "in", who };
}

function leave(why: "none" | "ended" | "code"): void {
  unfollow();
  state.value = { kind: "out", why };
}

/** The address stays as it is, so that a new login leads back to it. */
function lose(): void {
  if (state.peek().kind === "in") leave("ended");
}

/** `#code=…` of the address. */
function codeHere(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("code");
}

/** The same, taken out of the address before anybody can copy it. */
function takeCode(): string | null {
  const code = codeHere();
  if (code === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return code;
}

/**
 * A real browser for tests: Debian's Chromium, with an empty profile and nothing that it would fetch
 * by itself. Must not know the dashboard.
 *
 * @module
 */

import { type Browser, chromium, type Page } from "playwright-core";

/** Where Debian puts it. */
const CHROMIUM = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";

/** Starts one; closed with what it is given to. */
export async function launch(): Promise<Browser> {
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // As root a sandbox can't be made; the pages are our own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--enable-precise-memory-info",
      "--js-flags=--expose-gc",
    ],
  });
}

/** What a page did that it must not do. */
export interface Offences {
  /** Violations of the content security policy. */
  readonly policy: string[];
  /** Exceptions that nobody caught. */
  readonly errors: string[];
}

/** Writes down what a page does wrong, from now on. */
export function watchOffences(page: Page): Offences {
  const offences: Offences = { policy: [], errors: [] };
  page.on("console", (message) => {
    const text = message.text();
    if (/content security policy|trusted type/i.test(text)) offences.policy.push(text);
  });
  page.on("pageerror", (error) => offences.errors.push(String(error.stack ?? error)));
  return offences;
}

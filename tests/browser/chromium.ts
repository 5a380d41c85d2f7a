/**
 * A real browser for tests: Debian's Chromium, with an empty profile and nothing that it would fetch
 * by itself. Must not know the dashboard.
 *
 * @module
 */

import type { Browser, Page } from "playwright-core";

// Else it looks in /proc for another system as soon as it is imported, which nobody may who may not
// do everything.
Deno.env.set("__IS_WSL_TEST__", "1");
const { chromium } = await import("playwright-core");

/** Its path: where Debian puts it, unless `CHROMIUM` says another. */
export const CHROMIUM: string = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";

/** Starts one; closed by who starts it. */
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

let shared: Promise<Browser> | null = null;

/** A test in the browser of its file, which is started once and lives until the last of them. */
export function browserTest(name: string, run: (browser: Browser) => Promise<void>): void {
  if (shared === null) {
    shared = Promise.resolve().then(launch);
    Deno.test.afterAll(async () => (await shared!).close());
  }
  Deno.test({
    name,
    fn: async () => await run(await shared!),
    // The browser's pipes are there before the test and after it.
    sanitizeOps: false,
    sanitizeResources: false,
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

/** Lets a page believe that nobody looks at it, or that somebody does again. */
export async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, get: () => ${hidden} });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
}

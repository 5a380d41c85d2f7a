/**
 * A real browser for tests: Debian's Chromium, with an empty profile and nothing that it would fetch
 * by itself. Must not know the dashboard.
 *
 * @module
 */

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

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

/** Somebody with a browser of their own; it fails who closes it, if one of its pages did wrong. */
export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext;
  /** The first page. */
  readonly page: Page;
}

/** A violation of the policy is an event and no error; a page that is gone tells of neither. */
const TELL_VIOLATIONS = `addEventListener("securitypolicyviolation", (event) =>
  console.error("Content Security Policy: " + event.effectiveDirective + " " + event.blockedURI))`;

/** Opens a browser of somebody's own. */
export async function visit(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext(options);
  const wrong: string[] = [];
  await context.addInitScript(TELL_VIOLATIONS);
  context.on("console", (message) => {
    if (/content security policy|trusted ?type/i.test(message.text())) wrong.push(message.text());
  });
  // What nobody caught.
  context.on("weberror", (thrown) => wrong.push(String(thrown.error().stack ?? thrown.error())));
  return {
    context,
    page: await context.newPage(),
    async [Symbol.asyncDispose]() {
      // What it says is told in its order, so that an answer comes after all of it.
      for (const page of context.pages()) await page.evaluate("0").catch(() => {});
      await context.close();
      if (wrong.length > 0) throw new Error(`A page did what it must not:\n${wrong.join("\n")}`);
    },
  };
}

/** Lets a page believe that nobody looks at it, or that somebody does again. */
export async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, get: () => ${hidden} });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
}

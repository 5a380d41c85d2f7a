/**
 * For who sees little, or what moves badly: 400 % zoom, no motion.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { until } from "../harness/until.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { furnish, pagesOf, setScene } from "./scene.ts";

/** A window of 1280 × 1024 px at 400 %: so many pixels of the style sheet, each four wide. */
const ZOOMED = { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 } as const;

/** What can't be reached by scrolling down alone, or hides what has the focus; a line each. */
const REACH = `(() => {
  const wrong = [];
  const scroller = document.documentElement;
  if (scroller.scrollWidth > innerWidth) wrong.push("wider by " + (scroller.scrollWidth - innerWidth));
  const fixed = [...document.querySelectorAll("body *")].filter((it) =>
    /fixed|sticky/.test(getComputedStyle(it).position) && it.checkVisibility()
    && it.getBoundingClientRect().height > innerHeight / 2 && !it.matches("dialog, dialog *"));
  for (const it of fixed) wrong.push("in the way: " + it.className);
  return wrong;
})()`;

/** Whether what has the focus can be seen. */
const FOCUS_SEEN = `(() => {
  const it = document.activeElement;
  if (it === document.body) return true;
  const { top, bottom, left, right, width, height } = it.getBoundingClientRect();
  if (width === 0 || height === 0) return false;
  const at = (x, y) => document.elementFromPoint(x, y);
  const x = Math.min(Math.max((left + right) / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(top, 0) + Math.min(height, innerHeight) / 2, innerHeight - 1);
  const hit = at(x, y);
  return bottom > 0 && top < innerHeight && hit !== null
    && (it.contains(hit) || hit.contains(it) || hit.closest("label")?.contains(it) === true);
})()`;

browserTest(
  "at 400 % zoom every page is read by scrolling down, and the focus is seen",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await furnish(board.server, scene);
    for (const language of ["en", "ru"] as const) {
      await using opened = await board.open("/", { ...ZOOMED, language });
      const { page } = opened;
      for (const [path, whole] of pagesOf(scene)) {
        await page.goto(`${board.origin}${path}`);
        await page.locator(whole).first().waitFor();
        assertEquals(await page.evaluate(REACH), [], path);
        for (let i = 0; i < 25; i++) {
          await page.keyboard.press("Tab");
          assert(
            await page.evaluate(FOCUS_SEEN),
            `${path}: what has the focus after ${i + 1} is not seen: ${await focused(page)}`,
          );
        }
      }
    }
  },
);

browserTest("at 400 % zoom a dialog can be read to its end and left", async (browser) => {
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  await furnish(board.server, scene);
  for (const [language, { settings, workload }] of [["en", ENGLISH], ["ru", RUSSIAN]] as const) {
    const { addChannel, addRule, addToken, change } = settings;
    await using opened = await board.open("/settings", { ...ZOOMED, language });
    const { page } = opened;
    const dialog = page.getByRole("dialog");
    const read = async (name: string) => {
      const last = dialog.getByRole("button").last();
      // What it asks for may come after it was opened, and move the end.
      await until(`the end of "${name}" is in sight`, async () => {
        await last.scrollIntoViewIfNeeded();
        const { y, height } = (await last.boundingBox())!;
        return y >= 0 && y + height <= 256;
      });
      assertEquals(await dialog.evaluate((it) => it.scrollWidth - it.clientWidth), 0, name);
      await last.click();
      await dialog.waitFor({ state: "detached" });
    };
    for (const name of [addChannel, addRule, addToken]) {
      await page.getByRole("button", { name }).click();
      await read(name);
    }
    await page.goto(`${board.origin}/workloads/${scene.workloads["shop"]}`);
    await page.getByRole("button", { name: change, exact: true }).click();
    await dialog.getByRole("button", { name: workload.expectAdd }).click();
    await read(workload.expectations);
  }
});

browserTest(
  "nothing moves for who asked for less motion, and something does for others",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    /** What moves on a page that still waits for its answers, and on it as a whole. */
    const moving = async (reducedMotion: "reduce" | "no-preference") => {
      await using opened = await board.open("/settings", { reducedMotion });
      const { page } = opened;
      const found: string[] = [];
      const look = async (path: string) => {
        const names = await page.evaluate(`[
        ...document.getAnimations().map((it) => it.animationName ?? it.transitionProperty),
        ...[...document.querySelectorAll("*")].filter((it) => {
          const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(it);
          return animationName !== "none" || transitionDuration !== "0s" || scrollBehavior === "smooth";
        }).map((it) => it.className || it.tagName),
      ]`) as string[];
        found.push(...names.map((name) => `${path}: ${name}`));
      };
      const held = Promise.withResolvers<void>();
      await page.route(/\/api\/(?!session|events)/, async (route) => {
        await held.promise;
        await route.continue();
      });
      for (
        const path of ["/settings", "/history", "/add", `/workloads/${scene.workloads["shop"]}`]
      ) {
        await page.goto(`${board.origin}${path}`);
        await page.locator("main .notice.loading").first().waitFor();
        await look(`${path} on its way`);
      }
      held.resolve();
      await page.unrouteAll({ behavior: "wait" });
      for (const [path, whole] of pagesOf(scene)) {
        await page.goto(`${board.origin}${path}`);
        await page.locator(whole).first().waitFor();
        await look(path);
      }
      return found;
    };
    assertEquals(await moving("reduce"), []);
    assert((await moving("no-preference")).length > 0, "nothing ever moves, so nothing was tested");
  },
);

function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement.outerHTML.slice(0, 200)");
}

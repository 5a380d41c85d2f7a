/**
 * A newcomer's first minutes, by keyboard alone, in both languages: an empty index, what runs is taken
 * in, a container goes, the problem is told, it was meant. A real daemon, whose clock runs fast.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Locator, Page } from "playwright-core";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { freePort } from "../harness/free_port.ts";
import { harnessCommand, LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { browserTest, watchOffences } from "./chromium.ts";

/** A minute in a second. */
const FAST = 60;

/** More than anything on a page is away from anything else. */
const MOST_TABS = 80;

/** Goes to it as who has no mouse does. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press("Tab");
    const there = await target.evaluateAll((all) =>
      all.some((it) => it === it.ownerDocument.activeElement)
    );
    if (there) return;
  }
  throw new Error(`Cannot reach ${target} with Tab`);
}

async function press(page: Page, target: Locator, key = "Enter"): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

for (const [language, t] of [["en-GB", ENGLISH], ["ru-RU", RUSSIAN]] as const) {
  browserTest(
    `a newcomer takes in what runs and is told when it goes, by keyboard alone: ${language}`,
    async (browser) => {
      await using engine = await FakeEngine.start();
      await using host = await TestHost.make();
      const port = freePort();
      host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
      host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
      const service = (name: string) =>
        engine.add({
          name: `shop-${name}-1`,
          labels: {
            "com.docker.compose.project": "shop",
            "com.docker.compose.service": name,
            "com.docker.compose.container-number": "1",
          },
        });
      service("web");
      const cache = service("cache");
      const command = harnessCommand(host, "fast_daemon.ts", String(FAST));
      await using daemon = new LivingDaemon(host, command);
      await daemon.ready();
      const context = await browser.newContext({ locale: language });
      const page = await context.newPage();
      const offences = watchOffences(page);
      await page.goto(`http://127.0.0.1:${port}/`);
      const token = (await Deno.readTextFile(join(host.dataDir, "token"))).trim();
      await tabTo(page, page.getByLabel(t.login.or));
      await page.keyboard.type(token);
      await page.keyboard.press("Enter");

      // Nothing is there yet, and the way in is.
      await page.getByText(t.overview.emptyTitle).waitFor();
      await press(page, page.locator("main").getByRole("link", { name: t.overview.emptyAction }));
      await page.getByText("shop-web-1").waitFor();
      await press(page, page.getByRole("button", { name: t.add.takeAll(1), exact: true }));
      await press(page, page.getByRole("button", { name: t.add.next, exact: true }));
      await press(page, page.getByRole("button", { name: t.add.take, exact: true }));
      await page.getByText(t.add.arrived).waitFor();
      await press(page, page.getByRole("link", { name: t.nav.overview }));
      await page.getByText(t.overview.well, { exact: true }).waitFor();

      // It goes, and that is said: in sight, and to who listens.
      engine.remove(cache);
      const card = page.getByRole("article");
      await card.getByText(t.problem.kinds.missing).waitFor();
      await page.getByRole("heading", { level: 1, name: t.overview.problems(1) }).waitFor();
      await page.locator("[aria-live]", { hasText: t.problem.kinds.missing }).waitFor({
        state: "attached",
      });
      await card.getByText("tinyforge explain").waitFor();

      // It was meant.
      await press(page, card.getByRole("button", { name: t.problem.accept }));
      const dialog = page.getByRole("dialog");
      await press(page, dialog.getByRole("button", { name: t.problem.accept }));
      await dialog.waitFor({ state: "detached" });
      await page.getByText(t.overview.well, { exact: true }).waitFor();
      await page.getByText(t.overview.wellText(1)).waitFor();
      assertEquals(offences, { policy: [], errors: [] });
      await context.close();
    },
  );
}

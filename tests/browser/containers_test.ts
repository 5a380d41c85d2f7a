/**
 * The list of containers: what the address says is what is shown, and updates take nothing from under
 * a reader.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { observed, passWrites } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { change, setScene } from "./scene.ts";

/** Names in the table, from the top. */
function names(page: Page): Promise<string[]> {
  return page.locator("tbody tr[data-row] .open-row .clip").allTextContents();
}

/** Waits until so many rows are shown. */
async function shown(page: Page, count: number): Promise<void> {
  const rows = page.locator("tbody tr[data-row]");
  let last = -1;
  await until(`${count} rows are shown`, async () => (last = await rows.count()) === count).catch(
    (cause) => {
      throw new Error(`Shown are ${last} rows`, { cause });
    },
  );
}

browserTest(
  "filters, sorting, grouping and an open row survive reload, Back and a link",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers");
    const { page, context } = opened;
    await shown(page, 18);

    await page.getByRole("checkbox", { name: "running" }).check();
    await shown(page, 11);
    await page.getByRole("checkbox", { name: "missing" }).check();
    await shown(page, 12);
    await page.getByRole("checkbox", { name: "stack" }).check();
    await shown(page, 9);
    await page.getByRole("checkbox", { name: "Group by workload" }).check();
    await page.locator("tr.group").first().waitFor();
    await page.getByRole("button", { name: "State" }).click();
    await page.getByRole("searchbox").fill("shop");
    await shown(page, 4);
    await page.locator(`[data-row="${scene.rows["shop/db"]}"] button`).click();
    await page.getByText("Container created").waitFor();

    const url = page.url();
    const here = await names(page);
    assertEquals(here, ["shop-cache-1", "shop-db-1", "shop-web-1", "shop-worker-1"]);
    assert(await page.getByText("14 more are hidden by filters").isVisible());
    const everything = async (other: Page) => {
      await other.getByText("Container created").waitFor();
      assertEquals(await names(other), here);
      assertEquals(await other.getByRole("searchbox").inputValue(), "shop");
      for (const name of ["running", "missing", "stack", "Group by workload"]) {
        assert(await other.getByRole("checkbox", { name }).isChecked(), name);
      }
      assertEquals(
        await other.getByRole("columnheader", { name: "State" }).getAttribute("aria-sort"),
        "ascending",
      );
    };
    await page.reload();
    await everything(page);
    const pasted = await context.newPage();
    await pasted.goto(url);
    await everything(pasted);
    await pasted.close();

    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("heading", { name: "4 problems" }).waitFor();
    await page.goBack();
    await everything(page);
    // Each step back is one thing that was chosen.
    await page.goBack();
    await page.getByText("Container created").waitFor({ state: "detached" });
    await page.goBack();
    await shown(page, 9);
    assertEquals(
      new URL(page.url()).search,
      "?state=running,missing&kind=stack&group=workload&sort=state",
    );
    await page.getByRole("button", { name: "Show all" }).click();
    await shown(page, 18);
  },
);

browserTest("an image that is too long for its column shows its tag", async (browser) => {
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  await using opened = await board.open("/containers");
  const { page } = opened;
  for (const width of [800, 1024, 1040, 1280, 1920]) {
    await page.setViewportSize({ width, height: 900 });
    await shown(page, 18);
    for (const [row, tag] of [["shop/worker", "2024.11.3"], ["blog/", "-alpine"]] as const) {
      const cell = `document.querySelector('[data-row="${scene.rows[row]}"] .end')`;
      const seen = await page.evaluate(`(() => {
        const text = ${cell}.firstElementChild.firstChild;
        const range = document.createRange();
        range.setStart(text, text.nodeValue.lastIndexOf("${tag}"));
        range.setEnd(text, text.nodeValue.length);
        const [tags, all] = [range.getBoundingClientRect(), ${cell}.getBoundingClientRect()];
        return tags.left >= all.left && tags.right <= all.right + 0.5;
      })()`);
      assert(seen, `${row} at ${width}`);
    }
    const title = await page.locator(`[data-row="${scene.rows["shop/worker"]}"] .end`)
      .getAttribute("title");
    assertEquals(title, "registry.example/shop/worker:2024.11.3");
  }
});

browserTest("a slow answer for a row that was opened before changes nothing", async (browser) => {
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  await using opened = await board.open("/containers");
  const { page } = opened;
  const [slow, quick] = [scene.rows["shop/web"]!, scene.rows["shop/db"]!];
  const late = Promise.withResolvers<void>();
  let answered = 0;
  // No abort reaches this one: what comes late must be of no consequence by itself.
  await page.addInitScript(`{
    const real = fetch;
    globalThis.fetch = (url, init) => {
      const held = String(url).includes(${JSON.stringify(encodeURIComponent(slow))});
      return real(url, held ? { ...init, signal: undefined } : init);
    };
  }`);
  await page.route((url) => url.pathname.includes(encodeURIComponent(slow)), async (route) => {
    await late.promise;
    await route.continue();
    answered++;
  });
  await page.reload();
  await page.locator(`[data-row="${slow}"] button`).click();
  await page.locator(`[data-details="${slow}"]`).waitFor();
  await page.locator(`[data-row="${quick}"] button`).click();
  const details = page.locator("tr.details");
  await details.getByText(quick, { exact: true }).waitFor();
  const before = await details.innerText();
  late.resolve();
  while (answered < 2) await page.waitForTimeout(10);
  await page.evaluate(
    "new Promise((shown) => setTimeout(() => requestAnimationFrame(shown), 100))",
  );
  assertEquals(await details.count(), 1);
  assertEquals(
    (await details.innerText()).replaceAll(/\d+ sec/g, ""),
    before.replaceAll(/\d+ sec/g, ""),
  );
});

browserTest(
  "changes appear where they belong, but not under the row that has the focus",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open(
      "/containers?sort=state&state=running,missing,stopped,completed",
    );
    const { page } = opened;
    await shown(page, 14);
    assertEquals((await names(page))[0], "shop-cache-1");

    change(board.server.store, scene, "blog/", "missing");
    await page.locator(`[data-row="${scene.rows["blog/"]}"] .state.bad`).waitFor();
    assertEquals((await names(page)).slice(0, 2), ["blog", "shop-cache-1"]);

    const focused = `[data-row="${scene.rows["shop/web"]}"]`;
    await page.locator(`${focused} button`).focus();
    const before = await names(page);
    change(board.server.store, scene, "shop/web", "missing");
    change(board.server.store, scene, "shop/db", "missing");
    await page.locator(`[data-row="${scene.rows["shop/db"]}"] .state.bad`).waitFor();
    assertEquals(await names(page), before);
    // Even where the filter has no place for it.
    change(board.server.store, scene, "shop/web", "paused");
    await page.locator(`${focused} .state.warn`).waitFor();
    assertEquals(await names(page), before);
    assertEquals(
      await page.evaluate("document.activeElement.closest('[data-row]').dataset.row"),
      scene.rows["shop/web"],
    );

    await page.getByRole("searchbox").focus();
    await shown(page, 13);
    assertEquals((await names(page)).slice(0, 3), ["blog", "shop-cache-1", "shop-db-1"]);
  },
);

browserTest(
  "a row of a state that no filter knows is counted, and named as it is",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers?state=running");
    const { page } = opened;
    await shown(page, 11);
    assert(await page.getByText("7 more are hidden by filters").isVisible());
    const { store } = board.server;
    passWrites(store, [
      observed({
        id: `${scene.workloads["shop"]}:new`,
        workloadId: scene.workloads["shop"]!,
        workloadKind: "stack",
        state: "hibernating",
      }),
    ], { at: new Date().toISOString() });
    await page.getByText("8 more are hidden by filters").waitFor();
    await page.getByRole("checkbox", { name: "hibernating" }).check();
    await shown(page, 12);
  },
);

browserTest(
  "/ searches, j and k walk through the rows, Enter opens one, ? helps",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/");
    const { page } = opened;
    await page.getByRole("heading", { name: "4 problems" }).waitFor();
    await page.keyboard.press("/");
    await page.locator("input[type=search]:focus").waitFor();
    await page.keyboard.type("shop w");
    await shown(page, 4);
    assertEquals(new URL(page.url()).search, "?q=shop+w");
    // Typed, not obeyed.
    await page.keyboard.type("jk?");
    await page.getByText("Nothing matches").waitFor();
    await page.keyboard.press("Escape");
    await shown(page, 18);
    await page.locator("h1").focus();
    for (const key of ["j", "j", "j", "k"]) await page.keyboard.press(key);
    await page.keyboard.press("Enter");
    await page.locator("tr.details .known").waitFor();
    const open = page.locator("tr.open .clip").first();
    assertEquals(await open.textContent(), (await names(page))[1]);
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard" });
    await help.waitFor();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    // For who dictates, single keys must do nothing.
    await page.evaluate(`localStorage.setItem("tinyforge.keys", "off")`);
    await page.reload();
    await shown(page, 18);
    await page.keyboard.press("?");
    await page.keyboard.press("/");
    assertEquals(await help.count(), 0);
    assertEquals(await page.evaluate("document.activeElement.tagName"), "BODY");
  },
);

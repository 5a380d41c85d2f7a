/**
 * Every combination of what can be asked of the list: the address keeps it, whichever way it is come to.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { setScene } from "./scene.ts";

/** What can be chosen, the last of it the least often: letters that follow each other are one step. */
const CONTROLS = ["stack", "running", "healthy", "With a problem", "Group by workload", "search"];

/** What a list looks like to who reads it. */
interface Shown {
  readonly rows: string[];
  readonly groups: number;
  readonly checked: string[];
  readonly search: string;
  readonly sort: string;
  readonly hidden: string;
}

const READ = `(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const sorted = document.querySelector("th[aria-sort]");
  return {
    rows: all("tbody tr[data-row]").map((row) => row.dataset.row),
    groups: all("tr.group").length,
    checked: all(".pill input:checked").map((box) => box.nextSibling.textContent),
    search: document.querySelector("input[type=search]").value,
    sort: sorted ? sorted.textContent + " " + sorted.getAttribute("aria-sort") : "",
    hidden: document.querySelector("p.after")?.firstChild.textContent
      ?? document.querySelector(".notice p:not(.title)")?.textContent ?? "",
  };
})()`;

/** What is shown once everything is there that it is made of. */
async function shownOn(page: Page): Promise<Shown> {
  await page.getByRole("heading", { level: 1, name: "Containers" }).waitFor();
  // Problems are asked for by themselves, and one of the filters is about them.
  await page.getByRole("navigation").getByText("4 open problems").waitFor({ state: "attached" });
  await page.locator(".tally").waitFor();
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
  return await page.evaluate(READ) as Shown;
}

async function toggle(page: Page, control: string): Promise<void> {
  if (control !== "search") {
    return await page.getByRole("checkbox", { name: new RegExp(`^${control}(?: \\d|$)`) }).click();
  }
  const field = page.getByRole("searchbox");
  await field.fill(await field.inputValue() === "" ? "o" : "");
}

/** Steps that way, of which one combination may have been two. */
async function walkTo(page: Page, url: string, step: "goBack" | "goForward"): Promise<void> {
  for (let i = 0; i < 2 && page.url() !== url; i++) await page[step]();
  assertEquals(page.url(), url);
}

browserTest(
  "every combination of filters, sorting and grouping is the same after Back, a reload and as a link",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers");
    const { page, context } = opened;
    const total = (await shownOn(page)).rows.length;
    const steps: { url: string; shown: Shown }[] = [{
      url: page.url(),
      shown: await shownOn(page),
    }];
    // One choice at a time, as people make them: each combination differs from the last in one of them.
    for (let i = 1; i < 2 ** CONTROLS.length; i++) {
      const changed = Math.log2(i & -i);
      await toggle(page, CONTROLS[changed]!);
      // Sorting turns at another pace, and so meets all of them.
      const column = ["State", "Since", "Container"][i % 3]!;
      if (i % 5 === 0 && await page.locator("thead").count() > 0) {
        await page.getByRole("button", { name: column, exact: true }).click();
      }
      const shown = await shownOn(page);
      assertEquals(
        shown.hidden.includes(`${total - shown.rows.length} more`),
        shown.rows.length < total,
        `${page.url()} says ${shown.hidden}`,
      );
      steps.push({ url: page.url(), shown });
      // At once, since a browser remembers fifty steps.
      await walkTo(page, steps[i - 1]!.url, "goBack");
      assertEquals(await shownOn(page), steps[i - 1]!.shown, `back at ${page.url()}`);
      await walkTo(page, steps[i]!.url, "goForward");
      assertEquals(await shownOn(page), shown, `forward at ${page.url()}`);
    }
    assertEquals(new Set(steps.map(({ shown }) => shown.checked.join() + shown.search)).size, 64);

    const pasted = await context.newPage();
    for (const { url, shown } of steps) {
      await pasted.goto(url);
      assertEquals(await shownOn(pasted), shown, url);
      await pasted.reload();
      assertEquals(await shownOn(pasted), shown, `after a reload of ${url}`);
    }
  },
);

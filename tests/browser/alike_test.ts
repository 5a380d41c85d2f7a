/**
 * That many problems which are alike are told as one, and that each of them can still be reached.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Problem } from "../../src/model/problem.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { browserTest } from "./chromium.ts";
import { type Dashboard, dashboard } from "./dashboard.ts";

browserTest(
  "what is wrong alike with containers of one workload is one card, the others folded below it",
  async (browser) => {
    await using board = await dashboard(browser);
    const [shop, blog] = [stack(board, "shop"), stack(board, "blog")];
    writeProblems(
      board.server.store,
      ...Array.from({ length: 60 }, (_, n) => missing(shop, n)),
      // Of another kind, with something else to do, of another workload and only three: not alike.
      missing(shop, 60, { kind: "crashed" }),
      missing(shop, 61, { do: { code: "explain", rowId: "r" } }),
      ...[62, 63, 64].map((n) => missing(blog, n)),
    );
    await using opened = await board.open("/");
    const { page } = opened;
    await page.getByRole("heading", { name: "65 problems" }).waitFor();
    const cards = page.locator("article.problem");
    // The one that lasts the longest, so that another that begins moves nothing under a finger.
    assertEquals(
      await cards.locator(".which").allTextContents(),
      ["shop-59", "shop-60", "shop-61", "shop-62", "shop-63", "shop-64"],
    );
    const others = page.locator("details");
    assertEquals(await others.locator("summary").allTextContents(), ["59 more like this"]);
    assertEquals(await others.locator("li").first().isVisible(), false);
    assertEquals(await page.getByRole("link", { name: /^\d+ more$/ }).count(), 0);

    // Behind the card by the keyboard, and from there into the lines.
    await cards.first().locator("[data-open]").focus();
    await page.keyboard.press("Tab");
    await others.locator("summary:focus").waitFor();
    await page.keyboard.press("Enter");
    await others.getByText("shop-0", { exact: true }).waitFor();
    assertEquals(
      (await others.locator("li .which").allTextContents()).toSorted(),
      Array.from({ length: 59 }, (_, n) => `shop-${n}`).toSorted(),
    );
    assertEquals(await others.locator("li time").count(), 59);
    await page.keyboard.press("Tab");
    await others.locator(`li:first-child a[href="/workloads/${shop}"]:focus`).waitFor();

    // When the one that stands for them is over, the next does, and who reads the others goes on.
    const at = Date.now();
    writeProblems(
      board.server.store,
      missing(shop, 59, { status: "closed", closedAt: at, outcome: "recovered" }),
    );
    await others.getByText("58 more like this", { exact: true }).waitFor();
    assertEquals(await cards.first().locator(".which").textContent(), "shop-58");
    await others.locator(`li:first-child a[href="/workloads/${shop}"]:focus`).waitFor();
  },
);

browserTest(
  "of more that are alike than anybody reads the newest are told, in words of each language",
  async (browser) => {
    await using board = await dashboard(browser);
    const shop = stack(board, "shop");
    const all = Array.from({ length: 123 }, (_, n) => missing(shop, n));
    writeProblems(board.server.store, ...all);
    for (
      const [language, summary, more] of [
        ["en", "122 more like this", "22 more"],
        ["ru", "Ещё 122 такие же", "Ещё 22"],
      ] as const
    ) {
      await using opened = await board.open("/", { language });
      const { page } = opened;
      await page.getByText(summary, { exact: true }).click();
      const lines = page.locator("details li");
      assertEquals(await lines.count(), 100);
      await lines.last().getByText("shop-99", { exact: true }).waitFor();
      const rest = page.getByRole("link", { name: more, exact: true });
      assertEquals(await rest.getAttribute("href"), `/workloads/${shop}`);
      assertEquals(await page.locator("article.problem .which").allTextContents(), ["shop-122"]);
    }
  },
);

/** A workload of this name; its id. */
function stack({ server }: Dashboard, name: string): string {
  return server.store.registry.create("stack", { name, composeProjectName: name }).entry.workloadId;
}

/** That container `n` of a workload is gone; the larger `n`, the longer. */
function missing(workloadId: string, n: number, fields: Partial<Problem> = {}): Problem {
  const rowId = `${workloadId}:${n}`;
  return problem({
    ...{ kind: "missing", workloadId, rowId, containerId: `c${n}`, containerName: `shop-${n}` },
    ...{ since: SINCE - n * 1000, do: { code: "bring-back", workloadId, rowId }, ...fields },
  });
}

const SINCE = Date.now() - 90_000;

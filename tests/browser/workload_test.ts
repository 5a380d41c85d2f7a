/**
 * A workload's past, as it is shown: strips that say how it ran, a story in the reader's language.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Availability, RUNNINGS } from "../../src/model/past.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { setScene } from "./scene.ts";

const WORDS = {
  en: { heading: "Availability", spans: ["24 hours", "7 days", "30 days"], available: "available" },
  ru: { heading: "Доступность", spans: ["24 часа", "7 дней", "30 дней"], available: "доступен" },
} as const;

/** What a strip says of itself, and draws. */
interface Drawn {
  readonly said: string;
  readonly rects: readonly (readonly [state: string, height: number])[];
}

for (const language of ["en", "ru"] as const) {
  browserTest(
    `strips show what the API tells of a day, a week, a month: ${language}`,
    async (browser) => {
      await using board = await dashboard(browser);
      const { workloads } = setScene(board.server.store, Date.now());
      const { heading, spans, available } = WORDS[language];
      const seen = new Set<string>();
      // One container that failed, and several of which some did.
      for (const name of ["blog", "shop"]) {
        await using opened = await board.open(`/workloads/${workloads[name]}`, { language });
        const { page } = opened;
        await page.getByRole("heading", { name: heading }).waitFor();
        const strips = page.locator(".strips li");
        for (const [i, days] of [1, 7, 30].entries()) {
          const query = `days=${days}&workload=${workloads[name]}&spans=400`;
          const answer = await board.server.ask(`/api/availability?${query}`);
          const told: Availability = await answer.json();
          const { share, downMs, unknownMs, spans: ran } = told.workloads[0]!;
          const strip = strips.nth(i);
          assertEquals(await strip.locator(".span").innerText(), spans[i]);
          const text = await strip.locator(".share").innerText();
          assertMatch(text, language === "ru" ? /^\d+(,\d+)?\s%$/ : /^\d+(\.\d+)?%$/);
          const number = Number(text.replace(/[^\d.,]/g, "").replace(",", "."));
          // Never better than it was.
          assert(number <= share! * 100 && number > share! * 100 - 0.02, `${text} of ${share}`);
          if (name === "blog") assert(number < 100, `${days} days without a failure`);
          const { said, rects } = await strip.getByRole("img").evaluate((it) => ({
            said: it.getAttribute("aria-label")!,
            rects: [...it.querySelectorAll("rect:not(.ground)")].map((rect) => [
              rect.getAttribute("class")!,
              Number(rect.getAttribute("height")),
            ]),
          })) as Drawn;
          assert(said.includes(spans[i]!) && said.includes(available) && said.includes(text), said);
          assertEquals(said.split("; ").length, 1 + Number(downMs > 0) + Number(unknownMs > 0));
          assertEquals(new Set(rects.map(([state]) => state)), new Set(ran.map((it) => it.state)));
          // Told without colour, too.
          const heights = new Map(rects);
          assertEquals(new Set(heights.values()).size, heights.size);
          for (const [state] of rects) seen.add(state);
        }
      }
      assertEquals(seen, new Set(RUNNINGS));
    },
  );
}

/** A pass found it, or a deployer made it. */
const ORIGINS = [
  ["en", /^(?:in the listing of .*\d|created by the deployer)/],
  ["ru", /^(?:есть в списке от .*\d|создано: развёртывание)/],
] as const;

browserTest("why a row changed is said in the reader's language and time", async (browser) => {
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  for (const [language, words] of ORIGINS) {
    await using opened = await board.open(`/workloads/${scene.workloads["shop"]}`, { language });
    const { page } = opened;
    await page.locator(".story .entry").first().waitFor();
    for (const path of [page.url(), `${board.origin}/history?span=all`]) {
      await page.goto(path);
      await page.locator(".story .entry [title]").first().waitFor();
      const titles = await page.locator(".story .entry [title]").evaluateAll((all) =>
        all.map((it) => it.getAttribute("title")!)
      ) as string[];
      for (const title of titles) {
        assertMatch(title, words, path);
        assert(!/\d{4}-\d\d-\d\dT/.test(title), title);
      }
    }
  }
});

browserTest("the overview and the settings tell of the last backup", async (browser) => {
  const folder = await Deno.makeTempDir({ prefix: "tinyforge-backups-" });
  try {
    await using board = await dashboard(browser, { config: { backupDir: folder } });
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/");
    const { page } = opened;
    const fact = page.locator(".facts-list > div", { hasText: "Last backup" });
    await fact.getByText("none yet").waitFor();
    const at = new Date(Date.now() - 5 * 3_600_000);
    const name = `tinyforge-${at.toISOString().replace(/[-:]|\.\d+/g, "")}.tar`;
    await Deno.writeTextFile(`${folder}/${name}`, "");
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, `${"a".repeat(64)}  ${name}\n`);
    await page.reload();
    await fact.getByText("5 hr ago").waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByText("Last backup: 5 hr ago").waitFor();
    await page.getByText(`Made every day, kept in ${folder}; by hand with:`).waitFor();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

browserTest(
  "a project shows its stages, and a preview the address where it is looked at",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open(`/workloads/${scene.workloads["handbook"]}`);
    const { page } = opened;
    const stage = (name: string) =>
      page.locator(".stages li.card", { has: page.getByRole("heading", { name, exact: true }) });
    await stage("production").getByText("0 of 2 instances").waitFor();
    const preview = stage("feature-search");
    await preview.getByText("preview, 1 of 1 instance").waitFor();
    await preview.getByText("feature/search", { exact: true }).waitFor();
    const link = preview.getByRole("link", { name: "https://feature-search.handbook.example.org" });
    assertEquals(await link.getAttribute("href"), "https://feature-search.handbook.example.org");
    assertEquals(await link.getAttribute("rel"), "noopener noreferrer");
    await preview.getByRole("link", { name: "feature-search", exact: true }).click();
    await page.locator("tr.details").getByText("pending").first().waitFor();
  },
);

/**
 * Takes pictures of the dashboard: `deno task pictures` those of the README, `deno task pictures
 * FOLDER [PAGE,…]` every page at four widths, light and dark, in both languages, to be looked at.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import type { Browser } from "playwright-core";
import { launch } from "./chromium.ts";
import { type Dashboard, dashboard } from "./dashboard.ts";
import { furnish, type Scene, setScene } from "./scene.ts";

/** Where those of the README are. */
const PICTURES = fromFileUrl(new URL("./pictures/", import.meta.url));
const WIDTHS = [320, 768, 1280, 1920] as const;
const VARIANTS = [["light", "en"], ["dark", "en"], ["light", "ru"], ["dark", "ru"]] as const;

if (import.meta.main) {
  const [folder, only] = Deno.args;
  const browser = await launch();
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  await furnish(board.server, scene);
  if (folder === undefined) await forReadme(board, scene);
  else await forLooking(board, { scene, folder, only: only?.split(",") ?? null });
  await (browser as Browser).close();
}

async function forReadme(board: Dashboard, scene: Scene): Promise<void> {
  await Deno.mkdir(PICTURES, { recursive: true });
  const pages = {
    overview: { path: "/", theme: "light" },
    containers: { path: "/containers", theme: "dark" },
    workload: { path: `/workloads/${scene.workloads["shop"]}`, theme: "light" },
  } as const;
  for (const [name, { path, theme }] of Object.entries(pages)) {
    await using opened = await board.open(path, {
      theme,
      viewport: { width: 1440, height: 900 },
    });
    await opened.page.locator("tbody tr, .facts-list").first().waitFor();
    await opened.page.getByText("Live", { exact: true }).waitFor();
    await opened.page.waitForTimeout(500);
    await opened.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
}

async function forLooking(
  board: Dashboard,
  { scene, folder, only }: { scene: Scene; folder: string; only: readonly string[] | null },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const pages: Readonly<Record<string, string>> = {
    overview: "/",
    containers: "/containers",
    grouped: "/containers?group=workload&state=running,missing",
    row: `/containers?row=${encodeURIComponent(scene.rows["shop/web"]!)}`,
    workload: `/workloads/${scene.workloads["shop"]}`,
    project: `/workloads/${scene.workloads["handbook"]}`,
    add: "/add",
    history: "/history",
    audit: "/history?what=audit",
    nothing: "/containers?q=nothing-has-this-name",
    settings: "/settings",
    login: "/",
  };
  for (const [name, path] of Object.entries(pages)) {
    if (only !== null && !only.includes(name)) continue;
    for (const [theme, language] of VARIANTS) {
      await using opened = await board.open(path, { theme, language, stranger: name === "login" });
      const { page } = opened;
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(250);
        const file = `${name}-${theme}-${language}-${width}.png`;
        await page.screenshot({ path: join(folder, file), fullPage: true });
      }
    }
  }
}

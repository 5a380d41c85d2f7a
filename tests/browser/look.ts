/**
 * Takes pictures of every page, to be looked at: `deno run … tests/browser/look.ts FOLDER [PAGE…]`.
 *
 * @module
 */

import { join } from "@std/path";
import { launch } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { setScene } from "./scene.ts";

const WIDTHS = [320, 768, 1440] as const;

if (import.meta.main) {
  const [folder = ".", only] = Deno.args;
  await Deno.mkdir(folder, { recursive: true });
  const browser = await launch();
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  const pages: Record<string, string> = {
    overview: "/",
    containers: "/containers",
    grouped: "/containers?group=workload&state=running,missing",
    row: `/containers?row=${encodeURIComponent(scene.rows["shop/web"]!)}`,
    workload: `/workloads/${scene.workloads["shop"]}`,
    project: `/workloads/${scene.workloads["handbook"]}`,
    add: "/add",
    history: "/history",
    settings: "/settings",
    login: "/",
  };
  const wanted = only?.split(",");
  const variants = Deno.args[2]?.split(",") ?? ["light-en", "dark-ru"];
  for (const [name, path] of Object.entries(pages)) {
    if (wanted !== undefined && !wanted.includes(name)) continue;
    for (const variant of variants) {
      const [theme, language] = variant.split("-") as ["light" | "dark", "en" | "ru"];
      await using opened = await board.open(path, { theme, language, stranger: name === "login" });
      const { page, offences } = opened;
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(250);
        await page.screenshot({
          path: join(folder, `${name}-${variant}-${width}.png`),
          fullPage: true,
        });
        const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        // deno-lint-ignore no-console
        if ((over as number) > 0) console.log(`${name} ${variant} ${width}: ${over} px too wide`);
      }
      for (const offence of [...offences.policy, ...offences.errors]) {
        // deno-lint-ignore no-console
        console.log(name, offence);
      }
    }
  }
  await browser.close();
}

/**
 * The dashboard where the daemon is one of several behind a proxy, under a path of its own: Caddy as
 * the README has it, a real daemon, a login by its link.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { buildWeb } from "../../src/dev/web.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { behindCaddy, CADDY } from "../harness/caddy.ts";
import { missing } from "../harness/missing.ts";
import { TestHost } from "../harness/program.ts";
import { browserTest, visit } from "./chromium.ts";

const NAME = "behind a proxy under a path: the login's link, every page, the feed, logging out";

if (!CADDY) missing(NAME, "caddy is not installed");
else {
  browserTest(NAME, async (browser) => {
    await buildWeb();
    await using engine = await FakeEngine.start();
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    const web = engine.add({
      name: "shop-web-1",
      labels: {
        "com.docker.compose.project": "tinyforge-shop",
        "com.docker.compose.service": "web",
      },
    });
    await using behind = await behindCaddy(host);
    const { base, daemon } = behind;
    await daemon.ready();
    const { body: { workloadId } } = await daemon.ask("POST", "/api/stacks", { name: "shop" });
    await using visitor = await visit(browser, { locale: "en-GB" });
    const { page, context } = visitor;
    // Whatever is asked for outside of its path is another app's.
    const strayed: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(`${base}/`) && request.url() !== base) {
        strayed.push(request.url());
      }
    });
    const failed: string[] = [];
    page.on("response", (response) => {
      if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
    });

    const link = (await host.run("dashboard")).stdout.trim();
    assert(link.startsWith(`${base}/#code=`), link);
    await page.goto(link);
    await page.getByText("All is well").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    assertEquals(page.url(), `${base}/`);
    const [cookie, ...more] = await context.cookies(`${base}/`);
    assertEquals([cookie!.path, cookie!.httpOnly, cookie!.sameSite, more.length], [
      ...["/tinyforge", true, "Strict", 0] as const,
    ]);
    // Another app under the same name is sent nothing.
    assertEquals(await context.cookies(new URL("/", base).href), []);

    const heading = (name: string) => page.getByRole("heading", { level: 1, name });
    for (const name of ["Add", "History", "Settings", "Containers"]) {
      await page.getByRole("navigation").getByRole("link", { name: new RegExp(`^${name}`) })
        .click();
      await heading(name).waitFor();
      assertEquals(page.url(), `${base}/${name.toLowerCase()}`);
      await page.reload();
      await heading(name).waitFor();
    }
    const row = page.locator("tbody tr[data-row]");
    await row.getByText("running").waitFor();
    await page.evaluate("globalThis.sameLoad = true");
    engine.setState(web, "exited", 3);
    await row.getByText("stopped, exit code 3").waitFor();
    await row.getByRole("link", { name: "shop" }).click();
    await heading("shop").waitFor();
    assertEquals(page.url(), `${base}/workloads/${workloadId}`);
    await page.getByRole("button", { name: "Show the address" }).click();
    const { body: { secret } } = await daemon.ask("GET", `/api/workloads/${workloadId}/secret`);
    await page.getByText(`${base}/hooks/${secret}`, { exact: true }).waitFor();
    await page.goBack();
    await heading("Containers").waitFor();
    assert(await page.evaluate("sameLoad"), "it was loaded anew");
    assertEquals([strayed, failed], [[], []]);

    await page.getByRole("link", { name: /^Settings/ }).click();
    await page.getByRole("button", { name: "Log out here" }).click();
    await page.getByLabel("Or paste a token").waitFor();
    assertEquals(await context.cookies(`${base}/`), []);
    assertEquals(page.url(), `${base}/settings`);
    await page.reload();
    await page.getByLabel("Or paste a token").fill(
      (await Deno.readTextFile(join(host.dataDir, "token"))).trim(),
    );
    await page.keyboard.press("Enter");
    await heading("Settings").waitFor();
    assertEquals(strayed, []);
  });
}

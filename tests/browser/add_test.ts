/**
 * Adding what is new: what is registered is what was entered, and nothing that was entered is lost by
 * a wrong click.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { observed, passWrites } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";

browserTest(
  "what is entered and not registered yet is not left without a question",
  async (browser) => {
    await using board = await dashboard(browser);
    await using opened = await board.open("/");
    const { page } = opened;
    const asked: string[] = [];
    let answer = false;
    page.on("dialog", async (dialog) => {
      asked.push(dialog.type());
      await (answer ? dialog.accept() : dialog.dismiss());
    });
    const begin = async () => {
      await page.getByRole("link", { name: "Add", exact: true }).click();
      await page.getByRole("button", { name: /^site/ }).click();
      await page.getByLabel("Name", { exact: true }).fill("blog");
    };
    await begin();
    await page.getByRole("link", { name: "History" }).click();
    await page.evaluate("history.back()");
    await until("it asks", () => asked.length === 2);
    assertEquals(asked, ["confirm", "confirm"]);
    await page.evaluate("setTimeout(() => location.reload())");
    await until("it asks", () => asked.length === 3);
    assertEquals(asked, ["confirm", "confirm", "beforeunload"]);
    assertEquals(await page.getByLabel("Name", { exact: true }).inputValue(), "blog");

    answer = true;
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("heading", { level: 1, name: "History" }).waitFor();
    // It is asked once, of this page.
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    assertEquals(asked.length, 4);

    // What is registered is no more to lose.
    await begin();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Register" }).click();
    await page.getByText("Waiting for the first container").waitFor();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("heading", { level: 1, name: "History" }).waitFor();
    assertEquals(asked.length, 4);
  },
);

browserTest(
  "what is new is registered as it was entered, and waited for until it is seen",
  async (browser) => {
    await using board = await dashboard(browser);
    const { server } = board;
    await using opened = await board.open("/add");
    const { page } = opened;
    const add = async (kind: string, fields: Readonly<Record<string, string>>) => {
      await page.getByRole("button", { name: new RegExp(`^${kind}`) }).click();
      for (const [label, text] of Object.entries(fields)) {
        await page.getByLabel(label, { exact: true }).fill(text);
      }
      await page.getByRole("button", { name: "Next" }).click();
      for (const text of Object.values(fields)) {
        await page.locator("dd", { hasText: text }).first().waitFor();
      }
      await page.getByRole("button", { name: "Register" }).click();
      await page.getByText("Waiting for the first container").waitFor();
    };
    await add("project", { "Name": "handbook", "Stages (optional)": "production, preview" });
    const { items: [project] } = await (await server.ask("/api/projects")).json();
    const { items: stages } = await (await server.ask(`/api/projects/${project.id}/stages`)).json();
    assertEquals(stages.map(({ name }: { name: string }) => name).sort(), [
      "preview",
      "production",
    ]);
    await page.getByRole("button", { name: "Add another one" }).click();
    await add("stack", { "Name": "shop", "Compose project name": "shop-live" });
    await page.getByText("docker compose -p shop-live up -d", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Add another one" }).click();
    await add("site", {
      "Name": "blog",
      "Domain (optional)": "blog.example.org",
      "Container name (optional)": "ghost",
    });
    const { items: [site] } = await (await server.ask("/api/sites")).json();
    assertEquals([site.name, site.domain, site.containerName], [
      "blog",
      "blog.example.org",
      "ghost",
    ]);
    assert(
      (await page.locator("pre").innerText()).includes(`tinyforge.workload.id=${site.workloadId}`),
    );
    passWrites(server.store, [
      observed({
        id: `${site.workloadId}:site`,
        workloadId: site.workloadId,
        workloadKind: "site",
        role: "",
        containerName: "ghost",
      }),
    ], { at: new Date().toISOString() });
    await page.getByText("It is there.").waitFor();
    await page.locator(".arriving").getByText("ghost").waitFor();
    await page.getByRole("link", { name: "Open “blog”" }).click();
    await page.getByRole("heading", { level: 1, name: "blog" }).waitFor();

    // A name that is taken: in the server's words, and what was entered is there still.
    await page.getByRole("link", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: /^site/ }).click();
    await page.getByLabel("Name", { exact: true }).fill("blog");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Register" }).click();
    await page.locator(".toast.bad", { hasText: "blog" }).waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    assertEquals(await page.getByLabel("Name", { exact: true }).inputValue(), "blog");
  },
);

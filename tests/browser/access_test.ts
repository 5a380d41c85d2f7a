/**
 * Logging in, in a browser: by a link, by a token, and back to where one was.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { TOKEN } from "../harness/temp_server.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { furnish, setScene } from "./scene.ts";

browserTest(
  "a link's code opens a session once, and stands in the address no longer",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    const { code } = await (await board.server.send("POST", "/api/session/codes")).json();
    await using opened = await board.open(`/containers?state=missing#code=${code}`, {
      stranger: true,
    });
    const { page, context } = opened;
    await page.locator("tbody tr[data-row]").waitFor();
    assertEquals(new URL(page.url()).hash, "");
    assertEquals(new URL(page.url()).search, "?state=missing");
    const [cookie] = await context.cookies();
    assert(cookie!.httpOnly && cookie!.sameSite === "Strict");
    assertEquals(await page.evaluate("document.cookie"), "");
    await page.reload();
    await page.locator("tbody tr[data-row]").waitFor();

    await using late = await board.open(`/#code=${code}`, { stranger: true });
    await late.page.getByText("This link was used already").waitFor();
  },
);

browserTest(
  "a link logs in where the login stands already, and says there that it was used",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/", { stranger: true });
    const { page } = opened;
    await page.getByLabel("Or paste a token").waitFor();
    const { code } = await (await board.server.send("POST", "/api/session/codes")).json();
    // As into the address bar: the browser loads nothing where but the fragment is another.
    await page.evaluate(`location.href = "${board.origin}/#code=not-one"`);
    await page.getByText("This link was used already").waitFor();
    await page.evaluate(`location.href = "${board.origin}/#code=${code}"`);
    await page.locator(".facts-list").waitFor();
    assertEquals(new URL(page.url()).hash, "");
    // Whoever is logged in stays so, whatever link comes.
    await page.evaluate(`location.href = "${board.origin}/#code=${code}"`);
    await page.waitForFunction(`location.hash === ""`);
    await page.reload();
    await page.locator(".facts-list").waitFor();
  },
);

browserTest(
  "a wrong token is refused in words, the right one leads to where one wanted to go",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers?q=blog", { stranger: true });
    const { page } = opened;
    await page.getByLabel("Or paste a token").fill("not-this-one");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("This token is not right.").waitFor();
    await page.getByLabel("Or paste a token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.locator("tbody tr[data-row]").waitFor();
    assertEquals(new URL(page.url()).search, "?q=blog");
  },
);

browserTest(
  "a session that is revoked ends at once, and the next login leads back",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers?kind=site", { stranger: true });
    const { page } = opened;
    const logIn = async () => {
      await page.getByLabel("Or paste a token").fill(TOKEN);
      await page.keyboard.press("Enter");
      await page.locator("tbody tr[data-row]").first().waitFor();
    };
    await logIn();
    const { items } = await (await board.server.ask("/api/sessions")).json();
    assertEquals(items.length, 1);
    await board.server.send("DELETE", `/api/sessions/${items[0].id}`);
    await page.getByText("The session is over.").waitFor();
    assertEquals(await page.locator("tbody").count(), 0);
    await logIn();
    assertEquals(new URL(page.url()).search, "?kind=site");
  },
);

browserTest("who may only read is offered nothing that would be refused", async (browser) => {
  await using board = await dashboard(browser);
  const scene = setScene(board.server.store, Date.now());
  await furnish(board.server, scene);
  const { token } = await (await board.server.send("POST", "/api/tokens", {
    name: "reader",
    role: "read",
  })).json();
  const refused: string[] = [];
  await using opened = await board.open("/", { stranger: true });
  const { page } = opened;
  page.on("response", (response) => {
    if (response.status() === 403) refused.push(response.url());
  });
  await page.getByLabel("Or paste a token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "4 problems" }).waitFor();
  const offered = page.locator("main button:not(.open-row)");
  const words = async () =>
    (await offered.allInnerTexts()).filter((text) => !/^(?:Copy|)$/.test(text.trim()));
  assertEquals(await words(), []);
  await page.goto(`${board.origin}/workloads/${scene.workloads["shop"]}`);
  await page.getByRole("heading", { name: "Connect" }).waitFor();
  assertEquals(await words(), []);
  for (const path of ["/settings", "/history", "/add"]) {
    await page.goto(`${board.origin}${path}`);
    await page.locator("h1").waitFor();
    await page.waitForLoadState("load");
  }
  await page.goto(`${board.origin}/settings`);
  // Channels, rules and silences are theirs to see.
  await page.locator("main li.item").nth(6).waitFor();
  await page.getByRole("button", { name: "Log out here" }).waitFor();
  assertEquals(await words(), ["Log out here"]);
  await page.getByRole("button", { name: "Log out here" }).click();
  await page.getByLabel("Or paste a token").waitFor();
  assertEquals(refused, []);
});

browserTest("another site can't show the dashboard within a page of its own", async (browser) => {
  await using board = await dashboard(browser);
  setScene(board.server.store, Date.now());
  const html = `<h1>Win a prize</h1><iframe src="${board.origin}/"></iframe>`;
  const site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(html, { headers: { "content-type": "text/html" } }),
  );
  // That the policy is violated is what is wanted here.
  const context = await browser.newContext({
    extraHTTPHeaders: { authorization: `Bearer ${TOKEN}` },
  });
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${site.addr.port}/`);
    const [, framed] = page.frames();
    assertEquals(framed!.url(), "chrome-error://chromewebdata/");
    assertEquals(await framed!.getByText("problems").count(), 0);
  } finally {
    await context.close();
    await site.shutdown();
  }
});

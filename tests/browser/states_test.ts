/**
 * What a page is while it is not as one wants it: too long, too early, refused; and that a button says
 * what the server said, and no sooner.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { IndexRow } from "../../src/model/container.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { observed, passWrites } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { setScene } from "./scene.ts";

browserTest("a page that breaks the policy, or throws, fails its test", async (browser) => {
  await using board = await dashboard(browser);
  for (
    const [wrong, told] of [
      [
        "try { document.createElement('script').src = 'data:,0' } catch { /* as it should */ }",
        "trusted",
      ],
      ["document.body.setAttribute('style', 'color: red')", "style-src"],
      ["setTimeout(() => { throw new Error('uncaught') })", "uncaught"],
      ["void Promise.reject(new Error('unheard'))", "unheard"],
    ]
  ) {
    const opened = await board.open("/");
    await opened.page.evaluate(`${wrong}; new Promise((done) => setTimeout(done, 50))`);
    await assertRejects(async () => await opened[Symbol.asyncDispose](), Error, told);
  }
});

browserTest(
  "two hundred of many rows are shown, then more, and the address keeps how many",
  async (browser) => {
    await using board = await dashboard(browser);
    const { store } = board.server;
    const { entry } = store.registry.create("stack", {
      name: "crowd",
      composeProjectName: "crowd",
    });
    const rows = Array.from({ length: 450 }, (_, i): IndexRow =>
      observed({
        id: `${entry.workloadId}:web:${i + 1}`,
        workloadId: entry.workloadId,
        workloadKind: "stack",
        replica: i + 1,
        containerName: `crowd-web-${i + 1}`,
      }));
    passWrites(store, rows, { at: new Date().toISOString() });
    await using opened = await board.open("/containers");
    const { page } = opened;
    const shown = page.locator("tbody tr[data-row]");
    const more = (name: string) => page.getByRole("button", { name, exact: true });
    await more("Show 200 more of 250").waitFor();
    assertEquals(await shown.count(), 200);
    await more("Show 200 more of 250").click();
    await more("Show 50 more").waitFor();
    assertEquals(await shown.count(), 400);
    await page.reload();
    await more("Show 50 more").click();
    await shown.nth(449).waitFor();
    assertEquals(await page.getByRole("button", { name: /^Show/ }).count(), 0);
    // Another question is another list.
    await page.getByRole("searchbox").fill("crowd");
    await more("Show 200 more of 250").waitFor();
  },
);

browserTest(
  "a request that fails is said with a way to try again, in the place of its answer",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open("/");
    const { page } = opened;
    let fails = true;
    await page.route(/\/api\/(?!session|events|workloads$|status)/, async (route) => {
      if (!fails) return await route.continue();
      await route.fulfill({
        status: 503,
        contentType: "application/problem+json",
        body: JSON.stringify({ code: "busy", detail: "Cannot answer: too much at once" }),
      });
    });
    for (
      const [path, whole] of [
        ["/", "article.problem"],
        [`/containers?row=${encodeURIComponent(scene.rows["shop/web"]!)}`, ".known .story"],
        ["/history?span=all", ".story .entry"],
        ["/add", ".candidate"],
        ["/settings", ".item"],
      ] as const
    ) {
      fails = true;
      await page.goto(`${board.origin}${path}`);
      const failed = page.locator("main .notice.failed").first();
      await failed.getByText("Cannot answer: too much at once").waitFor();
      fails = false;
      await failed.getByRole("button", { name: "Try again" }).click();
      if (path !== "/settings") await page.locator(whole).first().waitFor();
      await failed.getByText("Cannot answer").first().waitFor({
        state: path === "/settings" ? "visible" : "detached",
      });
    }
  },
);

browserTest(
  "a button says what happened when the server has said so, and not before",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open(`/workloads/${scene.workloads["shop"]}`);
    const { page } = opened;
    let answer: "fail" | "go" = "fail";
    let arrived = Promise.withResolvers<void>();
    let held = Promise.withResolvers<void>();
    await page.route("**/accept", async (route) => {
      arrived.resolve();
      await held.promise;
      if (answer === "go") await route.continue();
      else await route.abort();
    });
    const dialog = page.getByRole("dialog");
    const act = async () => {
      await dialog.getByRole("button", { name: "This was meant" }).click();
      await arrived.promise;
      assertEquals(
        await dialog.getByRole("button", { name: "This was meant" }).getAttribute("aria-disabled"),
        "true",
      );
      assertEquals(await page.locator(".toast.good").count(), 0);
      assert(await page.getByText("Container is gone").first().isVisible());
      held.resolve();
    };
    await page.locator("article").getByRole("button", { name: "This was meant" }).click();
    await act();
    await page.locator(".toast.bad", { hasText: "The daemon did not answer." }).waitFor();
    assert(await dialog.isVisible());
    assert(board.server.store.containers.index().row(scene.rows["shop/cache"]!) !== undefined);

    [arrived, held, answer] = [Promise.withResolvers(), Promise.withResolvers(), "go"];
    await act();
    await dialog.waitFor({ state: "detached" });
    await page.locator(".toast.good", { hasText: "1 row was retired." }).waitFor();
    await page.locator(`[data-row="${scene.rows["shop/cache"]}"]`).waitFor({ state: "detached" });
  },
);

browserTest(
  "the history between two moments is what happened then, by a link too",
  async (browser) => {
    await using board = await dashboard(browser);
    const now = Date.now();
    setScene(board.server.store, now);
    await using opened = await board.open("/history");
    const { page, context } = opened;
    const local = (minutesAgo: number) =>
      page.evaluate(`(() => {
      const at = new Date(${now - minutesAgo * 60_000});
      return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    })()`) as Promise<string>;
    await page.getByLabel("From").fill(await local(310));
    const answered = page.waitForResponse((answer) => answer.url().includes("until="));
    await page.getByLabel("Until").fill(await local(260));
    await answered;
    const entries = page.locator(".story .entry");
    const told = async (where = page) =>
      (await where.locator(".story .entry").allInnerTexts())
        .map((text) => text.replaceAll(/\s+/g, " ").trim());
    // Web went and came back, the blog ended and was started, which was a problem.
    const counted = (texts: string[]) =>
      [/shop-web-1 (?:missing|running)/, /Crashed/, /shop-cache/]
        .map((what) => texts.filter((text) => what.test(text)).length);
    // Each moment that is entered is asked for, and what it leaves is shown a while later.
    let texts: string[] = [];
    await until("that is shown", async () => counted(texts = await told()).join() === "2,2,0")
      .catch(() => assertEquals(counted(texts), [2, 2, 0]));
    const pasted = await context.newPage();
    await pasted.goto(page.url());
    await pasted.locator(".story .entry").first().waitFor();
    assertEquals(await told(pasted), texts);
    await page.getByRole("searchbox").fill("crashed");
    await entries.nth(2).waitFor({ state: "detached" });
    assertEquals((await told()).length, 2);
  },
);

browserTest("language and theme are chosen in Settings, at once and for good", async (browser) => {
  await using board = await dashboard(browser);
  setScene(board.server.store, Date.now());
  await using opened = await board.open("/settings");
  const { page } = opened;
  await page.getByLabel("Русский").check();
  await page.getByRole("heading", { level: 1, name: "Настройки" }).waitFor();
  await page.getByLabel("Тёмная").check();
  const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const dark = await ground();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Настройки" }).waitFor();
  assertEquals(await page.evaluate("document.documentElement.lang"), "ru");
  assertEquals(await ground(), dark);
  await page.getByLabel("Светлая").check();
  assert(await ground() !== dark);
});

browserTest(
  "of many problems the first are told in full, and how many more there are",
  async (browser) => {
    await using board = await dashboard(browser);
    const about = { do: { code: "read-log", container: "web" }, kind: "missing" } as const;
    const many = Array.from({ length: 33 }, (_, i) => problem({ ...about, key: `missing:${i}` }));
    writeProblems(board.server.store, ...many);
    await using opened = await board.open("/");
    const { page } = opened;
    await page.getByRole("heading", { name: "33 problems" }).waitFor();
    assertEquals(await page.locator("article.problem, .card.problem").count(), 30);
    const more = page.getByRole("link", { name: "3 more", exact: true });
    assertEquals(await more.getAttribute("href"), "/containers?problem=yes");
  },
);

browserTest("the history of notifications says what each was about", async (browser) => {
  await using board = await dashboard(browser);
  const { store } = board.server;
  const config = { origin: "https://o.example" };
  store.channels.add(
    { id: "c1", name: "ops", type: "webhook", config, fallbackId: null },
    { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null },
  );
  const at = Date.now();
  const told = (id: string, kind: string, ...problems: Record<string, unknown>[]) => ({
    ...{ id, kind, subject: null, at, deliveries: [{ channelId: "c1", queuedAt: at }] },
    content: JSON.stringify({ problems, total: problems.length }),
  });
  store.notices.write({
    lookedAt: at,
    notices: [
      told("msg_1", "opened", { kind: "unhealthy", workload: "shop", row: "web 2" }),
      told("msg_2", "digest", { kind: "engine-down", workload: null, row: null }, {}, {}),
    ],
  });
  await using opened = await board.open("/history?what=notices");
  const { page } = opened;
  await page.getByText("shop / web 2: Unhealthy", { exact: true }).waitFor();
  await page.getByText(/^This host: .* \(\+2\)$/).waitFor();
});

browserTest("counters lead to what they count", async (browser) => {
  await using board = await dashboard(browser);
  setScene(board.server.store, Date.now());
  await using opened = await board.open("/");
  const { page } = opened;
  await page.getByRole("navigation").getByRole("link", { name: /^Containers/ }).getByText(
    "18 containers",
  )
    .waitFor({ state: "attached" });
  const counters = page.locator(".counters a");
  await counters.nth(8).waitFor();
  for (let i = 0; i < await counters.count(); i++) {
    const count = Number(await counters.nth(i).locator(".number").innerText());
    await counters.nth(i).click();
    await page.locator("tbody tr[data-row]").nth(count - 1).waitFor();
    assertEquals(await page.locator("tbody tr[data-row]").count(), count, page.url());
    await page.goBack();
    await counters.nth(8).waitFor();
  }
});

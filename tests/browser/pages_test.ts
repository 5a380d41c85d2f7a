/**
 * Every page in every way in which it can be looked at: no fault that axe finds, nothing wider than
 * the window, no violation of the policy, whatever others have written.
 *
 * @module
 */

import axe from "axe-core";
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { problem, writeProblems } from "../harness/problems.ts";
import { observed, passWrites } from "../harness/temp_server.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { furnish, pagesOf, setScene } from "./scene.ts";

interface Fault {
  readonly id: string;
  readonly nodes: { readonly target: string[]; readonly failureSummary: string }[];
}

/** What axe finds, a line each. */
async function faultsOf(page: Page): Promise<string[]> {
  // What is still being read fades in, and while it does nobody could read it.
  await page.locator(".notice.loading").first().waitFor({ state: "detached" });
  const { violations } = await page.evaluate(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
  })`) as { violations: Fault[] };
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`)
  );
}

/** Makes the window so wide, and waits until that is drawn. */
async function resize(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50)))");
}

/** How far the page is wider than its window, px. */
function tooWide(page: Page): Promise<number> {
  // Room that is kept for a scroll bar makes it narrower.
  return page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)");
}

/** Every page in both languages and themes at the smallest width; a wide one once in each of them. */
const WIDTHS = {
  light: { en: [320, 1440], ru: [320] },
  dark: { en: [320], ru: [320, 1440] },
} as const;

for (const theme of ["light", "dark"] as const) {
  for (const language of ["en", "ru"] as const) {
    browserTest(
      `axe finds nothing on any page: ${theme}, ${language}, at ${
        WIDTHS[theme][language].join(" and ")
      } px`,
      async (browser) => {
        await using board = await dashboard(browser);
        const scene = setScene(board.server.store, Date.now());
        await furnish(board.server, scene);
        // The policy would keep the checker out; that it is kept is another test's.
        await using opened = await board.open("/", { theme, language, bypassCSP: true });
        const { page } = opened;
        await page.addInitScript({ content: axe.source });
        const found: string[] = [];
        for (const [path, whole] of pagesOf(scene)) {
          await page.goto(`${board.origin}${path}`);
          await page.locator(whole).first().waitFor();
          assertEquals(await page.evaluate("document.documentElement.lang"), language);
          for (const width of WIDTHS[theme][language]) {
            await resize(page, width);
            for (const fault of await faultsOf(page)) found.push(`${path} ${width}: ${fault}`);
            const over = await tooWide(page);
            if (over > 0) found.push(`${path} ${width}: ${over} px too wide`);
          }
        }
        assertEquals(found, []);
      },
    );
  }
}

browserTest(
  "axe finds nothing in the login, dialogs, the menu and the steps of adding",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await furnish(board.server, scene);
    const found: string[] = [];
    const look = async (page: Page, what: string) => {
      for (const width of [320, 1440]) {
        await resize(page, width);
        for (const fault of await faultsOf(page)) found.push(`${what} ${width}: ${fault}`);
      }
    };
    await using stranger = await board.open("/", { stranger: true, bypassCSP: true });
    await stranger.page.addInitScript({ content: axe.source });
    await stranger.page.reload();
    await stranger.page.getByLabel("Or paste a token").waitFor();
    await look(stranger.page, "login");

    await using opened = await board.open("/", { bypassCSP: true });
    const { page } = opened;
    await page.addInitScript({ content: axe.source });
    await page.goto(`${board.origin}/workloads/${scene.workloads["shop"]}`);
    for (const name of ["This was meant", "Silence…", "Change"]) {
      await page.getByRole("button", { name }).first().click();
      await page.getByRole("dialog").waitFor();
      await look(page, name);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.goto(`${board.origin}/settings`);
    for (const name of ["Add a channel", "Add a rule", "Add a token", "Change", "Remove"]) {
      await page.getByRole("button", { name, exact: true }).first().click();
      await page.getByRole("dialog").waitFor();
      for (const some of await page.getByRole("radio", { name: "only these" }).all()) {
        await some.check();
      }
      await look(page, name);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.setViewportSize({ width: 320, height: 900 });
    await page.getByRole("button", { name: "Menu" }).click();
    await look(page, "menu");
    await page.goto(`${board.origin}/add`);
    for (const kind of ["project", "stack", "site"]) {
      await page.getByRole("button", { name: new RegExp(`^${kind}`) }).click();
      await look(page, `set up ${kind}`);
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText("A name is needed.").waitFor();
      await look(page, `refused ${kind}`);
      await page.getByLabel("Name", { exact: true }).fill(`new-${kind}`);
      await page.getByRole("button", { name: "Next" }).click();
      await look(page, `review ${kind}`);
      await page.getByRole("button", { name: "Register" }).click();
      await page.getByText("Waiting for the first container").waitFor();
      await look(page, `wait ${kind}`);
      await page.getByRole("button", { name: "Add another one" }).click();
    }
    assertEquals(found, []);
  },
);

/** Texts as somebody would write them who means harm, or as nobody meant to. */
const HOSTILE: readonly string[] = [
  '<img src=x onerror="globalThis.harmed=1"><script>globalThis.harmed=1</script>',
  "javascript:globalThis.harmed=1",
  "\u202egnp.exe\u2066\u200b\u200d",
  "a".repeat(10_000),
  "\u0000\u001b[31mred\u0007\n\n\n",
  "🏴󠁧󠁢󠁥󠁮󠁧󠁿".repeat(500),
  "{{constructor.constructor('globalThis.harmed=1')()}}",
  "مرحبا بالعالم ".repeat(50),
];

browserTest("hostile texts are shown as text, and the layout holds", async (browser) => {
  await using board = await dashboard(browser);
  const { store } = board.server;
  const { entry } = store.registry.create("stack", {
    name: HOSTILE[0]!.split("<script>")[0]!,
    composeProjectName: "hostile",
  });
  const rows = HOSTILE.map((text, i) =>
    observed({
      id: `${entry.workloadId}:r${i}`,
      workloadId: entry.workloadId,
      workloadKind: "stack",
      role: text.slice(0, 200) || "x",
      containerName: text,
      imageRef: text,
      state: i === 0 ? text.slice(0, 60) : "running",
      health: i === 1 ? text.slice(0, 60) : null,
      addresses: JSON.stringify({ [text]: text }),
    })
  );
  passWrites(store, rows, { at: new Date().toISOString() });
  const now = Date.now();
  writeProblems(
    store,
    ...HOSTILE.map((text, i) =>
      problem({
        kind: "unhealthy",
        workloadId: entry.workloadId,
        rowId: `${entry.workloadId}:r${i}`,
        containerId: "c".repeat(64),
        containerName: text,
        since: now - 60_000,
        openedAt: now,
        evidence: {
          reason: text,
          error: text,
          inspected: {
            error: text,
            oomKilled: false,
            restartCount: 1,
            restartPolicy: text,
            healthOutput: text,
          },
        },
        do: { code: "read-log", container: text },
      })
    ),
  );
  const paths = [
    "/",
    "/containers",
    "/containers?group=workload",
    ...[0, 2, 3, 5].map((i) => rows[i]!).map(({ id }) =>
      `/containers?row=${encodeURIComponent(id)}`
    ),
    `/workloads/${entry.workloadId}`,
    `/workloads/${encodeURIComponent("<script>globalThis.harmed=1</script>")}`,
    `/containers?q=${encodeURIComponent(HOSTILE[0]!)}&state=${encodeURIComponent(HOSTILE[0]!)}`,
    "/history?span=all",
  ];
  await using opened = await board.open("/");
  const { page } = opened;
  for (const path of paths) {
    await page.goto(`${board.origin}${path}`);
    await page.locator("h1").waitFor();
    await page.locator(".notice.loading").first().waitFor({ state: "detached" });
    for (const width of [320, 1440]) {
      await resize(page, width);
      assertEquals(await tooWide(page), 0, `${path} at ${width} px`);
    }
    assertEquals(await page.evaluate("globalThis.harmed"), undefined);
    assertEquals(await page.locator("main script, main img").count(), 0);
    const protocols = await page.evaluate(
      "[...document.querySelectorAll('main a')].map((link) => link.protocol)",
    ) as string[];
    for (const protocol of protocols) assert(/^https?:$/.test(protocol), protocol);
  }
});

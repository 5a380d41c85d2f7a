/**
 * The dashboard of a hub: rows of many hosts with the host beside each, hosts that are not heard of by
 * name, and nothing offered that only a host can do.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { buildWeb } from "../../src/dev/web.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { CHANNEL } from "../../src/hub/hub_writes.ts";
import { readWebAssets } from "../../src/server/web_assets.ts";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import {
  askerOf,
  type SayingHost,
  sayingHost,
  startHub,
  type TestedHub,
  toldWorkload,
} from "../hub/hubs.ts";
import { minutesBefore, shownRow, toldChange } from "../hub/rows.ts";
import { toldCrash } from "../hub/things.ts";
import { browserTest, visit } from "./chromium.ts";

const cluster = sharedCluster();

interface Scene {
  readonly hub: TestedHub;
  readonly alpha: SayingHost;
  readonly beta: SayingHost;
  open(path: string, look?: { width?: number; language?: "en" | "ru" }): Promise<Page>;
}

/** A hub with `alpha`, which is heard of and has a problem, and `beta`, which is not. */
async function atHub(browser: Browser, test: (scene: Scene) => Promise<void>): Promise<void> {
  await buildWeb();
  const assets = await readWebAssets();
  const database = await cluster.newDatabase();
  await using hub = await startHub(database, {
    bounds: { assets: () => Promise.resolve(assets) },
  });
  const alpha = await sayingHost(hub.sql, "alpha");
  const beta = await sayingHost(hub.sql, "beta");
  const now = new Date().toISOString();
  const row = (id: string, more: object = {}) =>
    shownRow(id, {
      ...{ workloadId: "w1", containerName: `${id}-container`, addresses: {} },
      ...{ stateSince: now, healthSince: now, createdAt: now, updatedAt: now, ...more },
    });
  await alpha.snapshot([row("web"), row("worker", { state: "stopped", exitCode: 3 })]);
  await beta.snapshot([row("web")]);
  await alpha.batch([], {
    workloads: [toldWorkload("w1", "shop")],
    problems: [toldCrash({
      ...{ key: "crashed:worker", rowId: "worker" },
      ...{ containerId: "c-worker", containerName: "worker-container" },
      ...{ since: Date.now() - 60_000, openedAt: Date.now() - 30_000 },
      do: { code: "read-log", container: "worker-container" },
    })],
    problemsGone: [],
  });
  await beta.batch([], { workloads: [toldWorkload("w1", "shop")] });
  await alpha.beat({ lastPassAt: now });
  await beta.beat({ lastPassAt: now });
  await beta.fallSilent();
  await using visits = new AsyncDisposableStack();
  await test({
    ...{ hub, alpha, beta },
    open: async (path, { width = 1440, language = "en" } = {}) => {
      const { page } = visits.use(
        await visit(browser, {
          locale: language === "ru" ? "ru-RU" : "en-GB",
          viewport: { width, height: 900 },
          extraHTTPHeaders: { authorization: `Bearer ${hub.token}` },
        }),
      );
      await page.addInitScript({ content: axe.source });
      await page.goto(`http://127.0.0.1:${hub.port}${path}`);
      return page;
    },
  });
}

/** Each row as it is read from left to right. */
async function rowTexts(page: Page): Promise<string[]> {
  const rows = await page.locator("tbody tr[data-row]").evaluateAll((all) =>
    (all as unknown as { innerText: string }[]).map(({ innerText }) => innerText)
  );
  return rows.map((text) => text.replaceAll(/\s+/g, " ").trim());
}

browserTest(
  "rows of a hub show their host, and the host that the address names",
  (browser) =>
    atHub(browser, async ({ open, beta }) => {
      const page = await open("/containers");
      await until("all rows are shown", async () => (await rowTexts(page)).length === 3);
      const texts = await rowTexts(page);
      assert(texts.some((text) => /beta.*shop.*unknown, was running/.test(text)), texts.join("\n"));
      assert(
        texts.some((text) => /alpha.*shop.*stopped, exit code 3/.test(text)),
        texts.join("\n"),
      );
      await page.getByLabel("Host", { exact: true }).selectOption("alpha");
      await until("those of one", async () => (await rowTexts(page)).length === 2);
      assert(page.url().endsWith("?host=alpha"));
      await page.reload();
      await until("still those of one", async () => (await rowTexts(page)).length === 2);
      assertEquals(await page.getByLabel("Host", { exact: true }).inputValue(), "alpha");
      await page.getByRole("button", { name: "Show all" }).click();
      await until("all again", async () => (await rowTexts(page)).length === 3);
      // It is heard of again: nothing is reloaded.
      await beta.beat();
      await until(
        "its row is known",
        async () => (await rowTexts(page)).every((text) => !text.includes("unknown")),
      );
      await beta.batch([shownRow("web", { state: "paused", workloadId: "w1" })]);
      await until(
        "a change is shown",
        async () => (await rowTexts(page)).some((text) => /beta.*paused/.test(text)),
      );
      await page.locator('tr[data-row="alpha:worker"] .open-row').click();
      await page.locator('[data-details="alpha:worker"] dl').waitFor();
    }),
);

browserTest("the overview of a hub names hosts that are not heard of, and offers what it can do", (
  browser,
) =>
  atHub(browser, async ({ open }) => {
    const page = await open("/");
    const line = page.locator('[data-host="beta"]');
    await line.waitFor();
    assert((await line.innerText()).includes("not heard of"));
    const problem = page.locator("article.problem", { hasText: "Crashed" });
    await problem.waitFor();
    assert((await problem.innerText()).includes("alpha"));
    assertEquals(await problem.getByRole("button", { name: /expected|stop/i }).count(), 0);
    const pages = await page.locator("#pages a").allInnerTexts();
    assertEquals(pages.map((text) => text.split("\n")[0]), [
      "Overview",
      "Containers",
      "History",
      "Settings",
    ]);
    await line.getByRole("link").click();
    await until("its rows are shown", async () => (await rowTexts(page)).length === 1);
    await page.goto(page.url().replace(/\/containers.*/, "/workloads/alpha:w1"));
    await until("the workload's rows are shown", async () => (await rowTexts(page)).length === 2);
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    await page.getByRole("button", { name: "Add a channel" }).waitFor();
    // To be added is something on its host alone.
    await page.goto(page.url().replace("/settings", "/add"));
    await page.getByText("/add").first().waitFor();
  }));

for (const [language, t] of [["en", ENGLISH], ["ru", RUSSIAN]] as const) {
  browserTest(
    `the overview of a hub names who was invited and has not joined, until they do: ${language}`,
    (browser) =>
      atHub(browser, async ({ open, hub }) => {
        const ask = askerOf(hub);
        const invite = async (name: string) => {
          const { status, json } = await ask("POST", "/api/hosts", { name });
          assertEquals(status, 201);
          return json.token as string;
        };
        const forget = (name: string) => ask("DELETE", `/api/hosts/${name}`);
        const page = await open("/", { language });
        await page.locator('[data-host="beta"]').waitFor();
        assertEquals(await page.getByText(t.hosts.invited).count(), 0);
        // Nothing is reloaded from here on.
        const token = await invite("gamma");
        const gamma = page.locator('[data-invited="gamma"]');
        await gamma.getByText(t.hosts.joinThere).waitFor();
        await gamma.getByText("tinyforge hub enroll gamma", { exact: true }).waitFor();
        const over = t.hosts.tokenOver("").trim();
        const valid = t.settings.expires("").trim();
        assert((await gamma.innerText()).includes(valid), await gamma.innerText());
        const times = gamma.locator("time");
        const invitedAt = Date.parse((await times.getAttribute("datetime"))!);
        assert(Math.abs(Date.now() - invitedAt) < 60_000, "it was invited just now");
        assert(!(await page.content()).includes(token));

        // Its token is over, then it is invited anew, and joins.
        await hub.sql`UPDATE tinyforge.enrolments SET expires_at = now() - interval '1 minute'`;
        await hub.sql`SELECT pg_notify(${CHANNEL}, 'invitations')`;
        await gamma.getByText(over).waitFor();
        const again = await invite("gamma");
        await gamma.getByText(over).waitFor({ state: "detached" });
        assertEquals(await admit(hub.sql, token), null);
        assertEquals((await admit(hub.sql, again))?.name, "gamma");
        await page.locator('[data-host="gamma"]').getByText(t.hosts.states.new).waitFor();
        await gamma.waitFor({ state: "detached" });

        // None has joined: who is awaited stands there all the same; then nobody is.
        await invite("delta");
        for (const name of ["alpha", "beta", "gamma"]) await forget(name);
        await page.getByText(`${t.hosts.none}.`, { exact: true }).waitFor();
        await page.locator('[data-invited="delta"]').waitFor();
        await forget("delta");
        await page.getByText(t.hosts.noneText).waitFor();
      }),
  );
}

browserTest("a hub's dashboard silences a workload, and says by rules who is told of which hosts", (
  browser,
) =>
  atHub(browser, async ({ open, hub }) => {
    await askerOf(hub)("POST", "/api/channels", { name: "ops", url: "https://ops.example/x" });
    const page = await open("/");
    const problem = page.locator("article.problem", { hasText: "Crashed" });
    await problem.getByRole("button", { name: "Silence…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why (optional)").fill("moving");
    await dialog.getByRole("button", { name: "Silence" }).click();
    await page.locator("article.problem.quiet", { hasText: "silenced" }).waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    const silences = page.locator("section", { hasText: "Silences" }).last();
    const line = silences.locator("li", { hasText: "alpha / shop" });
    await line.getByText("moving").waitFor();
    await line.getByRole("button", { name: "End" }).click();
    await page.getByText("Nothing is silent.").waitFor();
    assertEquals((await hub.ask("/api/silences")).json.items, []);

    await page.getByRole("button", { name: "Add a rule" }).click();
    const only = async (group: string, option: string) => {
      const fields = dialog.getByRole("group", { name: group });
      await fields.getByRole("radio", { name: "only these" }).check();
      await fields.getByLabel(option, { exact: true }).check();
    };
    await only("On which hosts", "beta");
    await only("Of which workloads", "beta / shop");
    await dialog.getByRole("button", { name: "Add a rule" }).click();
    await page.getByText("beta · beta / shop → all channels").waitFor();
    const rules = (await hub.ask("/api/rules")).json.items;
    const { hosts, workloads } = rules.at(-1);
    assertEquals([hosts, workloads], [["beta"], ["beta:w1"]]);

    await page.getByRole("button", { name: "Change", exact: true }).first().click();
    await dialog.getByLabel("Name").fill("oncall");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.locator("li", { hasText: "oncall" }).first().waitFor();
  }));

browserTest(
  "the history of a hub tells of which host, and how much of the time its workloads ran",
  (browser) =>
    atHub(browser, async ({ open, alpha, beta }) => {
      const ago = minutesBefore(Date.now());
      await alpha.batch([], {
        transitionsAfter: 0,
        transitions: [
          toldChange(ago, 1, 60, { rowId: "web" }),
          toldChange(ago, 2, 30, { rowId: "web", from: "running", to: "stopped", exitCode: 3 }),
          toldChange(ago, 3, 15, { rowId: "web", from: "stopped" }),
        ],
      });
      await beta.batch([], {
        transitionsAfter: 0,
        transitions: [toldChange(ago, 1, 45, { rowId: "web" })],
      });
      await alpha.beat({
        past: {
          ...{ watching: { from: ago(60), to: ago(0) }, after: 0, watched: [] },
          forgottenUntil: null,
        },
      });
      const page = await open("/history");
      const entries = async () => await page.locator(".story .entry").allInnerTexts();
      await until("all of it is shown", async () => (await entries()).length >= 6);
      const texts = (await entries()).map((text) => text.replaceAll(/\s+/g, " "));
      assert(
        texts.some((text) => /shop.*alpha.*stopped, exit code 3/.test(text)),
        texts.join("\n"),
      );
      assert(texts.some((text) => /shop.*beta.*running/.test(text)), texts.join("\n"));
      assert(texts.some((text) => /alpha the index is up to date/.test(text)), texts.join("\n"));
      await page.getByLabel("Host", { exact: true }).selectOption("beta");
      await until("those of one", async () => {
        const shown = await entries();
        return shown.length > 0 && shown.every((text) => text.includes("beta"));
      });
      assert(page.url().endsWith("/history?host=beta"));
      await page.goto(page.url().replace(/\/history.*/, "/workloads/alpha:w1"));
      const strip = page.locator("svg.strip").first();
      await strip.waitFor();
      // Up for three quarters of an hour of the hour that is known.
      const facts = await strip.getAttribute("aria-label");
      assert(/75\b.*%.*down.*15 min/i.test(facts!), facts!);
    }),
);

browserTest(
  "rows of a hub with too many of them are followed host by host",
  (browser) =>
    atHub(browser, async ({ hub: { sql }, open, beta }) => {
      await sql`
      INSERT INTO tinyforge.containers
        (host_id, id, workload_id, workload_kind, workload_name, state, body, hash)
      SELECT h.id, 'many-' || n, 'w1', 'project', 'shop', 'running', '{}', ''
      FROM tinyforge.hosts AS h, generate_series(1, 100000) AS n WHERE name = 'alpha'`;
      await sql`UPDATE tinyforge.hosts SET seq = seq + 1, row_count = row_count + 100000
        WHERE name = 'alpha'`;
      const page = await open("/containers");
      await page.getByText("Choose a host").first().waitFor();
      assertEquals(await rowTexts(page), []);
      await page.getByLabel("Host", { exact: true }).selectOption("beta");
      await until("its rows are shown", async () => (await rowTexts(page)).length === 1);
      await page.reload();
      await until("its rows are shown again", async () => (await rowTexts(page)).length === 1);
      await beta.beat();
      await beta.batch([shownRow("web", { state: "paused", workloadId: "w1" })]);
      await until(
        "its changes are shown",
        async () => (await rowTexts(page)).some((text) => /paused/.test(text)),
      );
    }),
);

for (const language of ["en", "ru"] as const) {
  browserTest(
    `axe finds nothing on a hub's pages, and nothing is too wide: ${language}`,
    (browser) =>
      atHub(browser, async ({ open, hub }) => {
        await enroll(hub.sql, "gamma");
        await enroll(hub.sql, "a-host-of-the-second-floor-whose-name-somebody-made-rather-long");
        await hub.sql`UPDATE tinyforge.enrolments SET expires_at = now() - interval '1 day'
          WHERE name = 'gamma'`;
        for (const width of [320, 1440]) {
          for (const path of ["/", "/containers", "/workloads/alpha:w1", "/history", "/settings"]) {
            const page = await open(path, { width, language });
            await page.locator("main h1").first().waitFor();
            const shows: Readonly<Record<string, string>> = {
              "/": "[data-invited]",
              "/history": ".story .entry",
              "/settings": "h2",
            };
            await page.locator(shows[path] ?? "tr[data-row]").first().waitFor();
            // What is still being read fades in, and while it does nobody could read it.
            await page.locator(".notice.loading").first().waitFor({ state: "detached" });
            const { violations } = await page.evaluate("axe.run(document)") as {
              violations: { id: string; nodes: { html: string }[] }[];
            };
            const found = violations.flatMap(({ id, nodes }) =>
              nodes.map(({ html }) => `${id} ${html}`)
            );
            assertEquals(found, [], `${path} at ${width} px`);
            const over = await page.evaluate(
              "Math.max(0, document.documentElement.scrollWidth - innerWidth)",
            );
            assertEquals(over, 0, `${path} is too wide at ${width} px`);
            const into = Deno.env.get("PICTURES");
            if (into !== undefined) {
              const name = `hub${path.replaceAll(/[/:]/g, "-")}-${width}-${language}.png`;
              await page.screenshot({ path: `${into}/${name}`, fullPage: true });
            }
          }
        }
      }),
  );
}

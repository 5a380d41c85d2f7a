/**
 * A newcomer's first minutes, by keyboard alone, in both languages: an empty host, what runs is taken
 * in, a container is stopped, the problem is told with its command, it was meant. A real daemon, whose
 * clock runs fast, on a real Engine, and on one of the tests' own where there is none.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import type { Browser, Locator, Page } from "playwright-core";
import { buildWeb } from "../../src/dev/web.ts";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { COMPOSE, ComposeProject, serviceText } from "../engines/compose.ts";
import { PRIVATE_ENGINE_MISSING, PrivateEngine } from "../engines/private.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { freePort } from "../harness/free_port.ts";
import { harnessCommand, LivingDaemon } from "../harness/living_daemon.ts";
import { missing } from "../harness/missing.ts";
import { TestHost } from "../harness/program.ts";
import { browserTest, visit } from "./chromium.ts";

/** A minute in a second. */
const FAST = 60;

/** More than anything on a page is away from anything else. */
const MOST_TABS = 80;

const LANGUAGES = [["en-GB", ENGLISH], ["ru-RU", RUSSIAN]] as const;

/** Goes to it as who has no mouse does. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press("Tab");
    const there = await target.evaluateAll((all) =>
      all.some((it) => it === it.ownerDocument.activeElement)
    );
    if (there) return;
  }
  throw new Error(`Cannot reach ${target} with Tab`);
}

async function press(page: Page, target: Locator, key = "Enter"): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** A host with a Compose project `shop` of `web` and `cache`. */
interface Shop {
  /** Where its Engine listens. */
  readonly socket: string;
  /** Starts a third service of it. */
  addWorker(): Promise<void>;
  /** Ends `cache`. */
  end(): Promise<void>;
  /** What its problem is then called, and the command that helps. */
  readonly told: { readonly kind: "missing" | "stopped"; readonly command: RegExp };
}

async function walk(
  browser: Browser,
  { shop, locale, t }: { shop: Shop; locale: string; t: typeof ENGLISH },
): Promise<void> {
  await buildWeb();
  await using host = await TestHost.make();
  const port = freePort();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${shop.socket}`;
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
  await using daemon = new LivingDaemon(
    host,
    harnessCommand(host, "fast_daemon.ts", String(FAST)),
  );
  await daemon.ready();
  await using visitor = await visit(browser, { locale });
  const { page } = visitor;
  await page.goto(`http://127.0.0.1:${port}/`);
  const token = (await Deno.readTextFile(join(host.dataDir, "token"))).trim();
  await tabTo(page, page.getByLabel(t.login.or));
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");

  // Nothing is there yet, and the way in is.
  await page.getByText(t.overview.emptyTitle).waitFor();
  await press(page, page.locator("main").getByRole("link", { name: t.overview.emptyAction }));
  await page.getByText("shop-web-1").waitFor();
  await press(page, page.getByRole("button", { name: t.add.takeAll(1), exact: true }));
  await press(page, page.getByRole("button", { name: t.add.next, exact: true }));
  await press(page, page.getByRole("button", { name: t.add.take, exact: true }));
  // By a clock that runs fast a slow Engine has not answered for minutes, and is asked again.
  await page.getByText(t.add.arrived).waitFor({ timeout: 90_000 });

  // What comes is there by itself.
  await page.evaluate("globalThis.sameLoad = true");
  await press(page, page.getByRole("link", { name: new RegExp(`^${t.nav.containers}`) }));
  const rows = page.locator("tbody tr[data-row]");
  await rows.nth(1).waitFor();
  assertEquals(await rows.count(), 2);
  await shop.addWorker();
  await rows.filter({ hasText: "shop-worker-1" }).getByText(t.state.running).waitFor();
  await press(page, page.getByRole("link", { name: new RegExp(`^${t.nav.overview}`) }));
  await page.getByText(t.overview.well, { exact: true }).waitFor();
  await page.getByText(t.overview.wellText(3)).waitFor();

  // It ends, and that is said: in sight, and to who listens.
  await shop.end();
  const what = t.problem.kinds[shop.told.kind];
  const card = page.getByRole("article");
  await card.getByRole("heading", { name: what }).waitFor({ timeout: 60_000 });
  await page.getByRole("heading", { level: 1, name: t.overview.problems(1) }).waitFor();
  await page.locator("[aria-live]", { hasText: what }).waitFor({ state: "attached" });
  assertMatch(await card.locator("pre").first().innerText(), shop.told.command);

  // It was meant.
  await press(page, card.getByRole("button", { name: t.problem.accept }));
  const dialog = page.getByRole("dialog");
  await press(page, dialog.getByRole("button", { name: t.problem.accept }));
  await dialog.waitFor({ state: "detached" });
  await page.getByText(t.overview.well, { exact: true }).waitFor();
  assertEquals(await card.count(), 0);
  assertEquals(await page.evaluate("sameLoad"), true);
}

/** As Compose makes them, without Compose. */
function scripted(engine: FakeEngine): Shop {
  const start = (name: string) =>
    engine.add({
      name: `shop-${name}-1`,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": name,
        "com.docker.compose.container-number": "1",
      },
    });
  start("web");
  const cache = start("cache");
  return {
    socket: engine.path,
    addWorker: () => Promise.resolve(void start("worker")),
    end: () => Promise.resolve(engine.remove(cache)),
    told: { kind: "missing", command: /^tinyforge accept stack\/shop$/ },
  };
}

/** Made by Compose on an Engine where nothing else is. */
async function composed(engine: PrivateEngine, directory: string): Promise<Shop> {
  const project = new ComposeProject(engine, { name: "shop", directory });
  const names = (...services: string[]) =>
    Object.fromEntries(services.map((name) => [
      name,
      serviceText().replace(/\}$/, `, container_name: shop-${name}-1 }`),
    ]));
  await project.write(names("web", "cache"));
  await project.compose("up", "--detach");
  return {
    socket: engine.socket,
    addWorker: async () => {
      await project.write(names("web", "cache", "worker"));
      await project.compose("up", "--detach", "--no-recreate");
    },
    end: async () => void await engine.docker("stop", "--time", "0", "shop-cache-1"),
    told: { kind: "stopped", command: /^docker start shop-cache-1$/ },
  };
}

const without = PRIVATE_ENGINE_MISSING ??
  (COMPOSE === null ? "docker-compose is not installed" : null);

for (const [locale, t] of LANGUAGES) {
  const name = `a newcomer takes in what runs, and is told when it ends, by keyboard: ${locale}`;
  browserTest(name, async (browser) => {
    await using engine = await FakeEngine.start();
    await walk(browser, { shop: scripted(engine), locale, t });
  });

  if (without !== null) missing(`${name}, on a real Engine`, without);
  else {
    browserTest(`${name}, on a real Engine`, async (browser) => {
      await using engine = await PrivateEngine.start();
      await engine.image();
      const directory = await Deno.makeTempDir({ prefix: "tinyforge-shop-" });
      try {
        await walk(browser, { shop: await composed(engine, directory), locale, t });
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    });
  }
}

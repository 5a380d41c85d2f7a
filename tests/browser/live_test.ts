/**
 * The live feed in a browser: what is shown is what the daemon knows, or says since when it is not;
 * nothing ever flashes empty, and nothing has to be reloaded.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Page } from "playwright-core";
import { buildWeb } from "../../src/dev/web.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { freePort } from "../harness/free_port.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { TOKEN } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";
import { browserTest, setHidden, visit } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { change, setScene } from "./scene.ts";

/** Counts rows whenever the page changes; the least that there ever was, once there were some. */
const WATCH_ROWS = `
  globalThis.least = Infinity;
  new MutationObserver(() => {
    const count = document.querySelectorAll("tbody tr[data-row]").length;
    if (count > 0 || globalThis.least < Infinity) least = Math.min(least, count);
  }).observe(document, { childList: true, subtree: true });
`;

function stateOf(page: Page, name: string) {
  return page.locator("tbody tr", { hasText: name }).locator(".state");
}

browserTest(
  "a daemon that is killed and comes back: stale since, no empty flash, then live again",
  async (browser) => {
    await buildWeb();
    await using engine = await FakeEngine.start();
    await using host = await TestHost.make();
    const port = freePort();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
    const labels = {
      "com.docker.compose.project": "tinyforge-shop",
      "com.docker.compose.service": "web",
    };
    const web = engine.add({ name: "shop-web", labels });
    engine.add({
      name: "shop-db",
      labels: { ...labels, "com.docker.compose.service": "db" },
    });
    let daemon = new LivingDaemon(host);
    try {
      await daemon.ready();
      await daemon.ask("POST", "/api/stacks", { name: "shop" });
      const token = (await Deno.readTextFile(join(host.dataDir, "token"))).trim();
      await using visitor = await visit(browser, {
        locale: "en-GB",
        extraHTTPHeaders: { authorization: `Bearer ${token}` },
      });
      const { page } = visitor;
      await page.addInitScript(WATCH_ROWS);
      await page.goto(`http://127.0.0.1:${port}/containers`);
      await stateOf(page, "shop-web").getByText("running").waitFor();
      await page.getByText("Live", { exact: true }).waitFor();
      await page.evaluate("globalThis.sameLoad = true");
      const overview = await visitor.context.newPage();
      await overview.goto(`http://127.0.0.1:${port}/`);
      await overview.getByText("All is well").waitFor();
      await overview.locator(".facts-list .state.good").first().waitFor();

      daemon.kill();
      await daemon.ended();
      await page.getByText(/^Stale since \d\d:\d\d$/).waitFor();
      await page.getByText("The daemon does not answer").waitFor();
      assertEquals(await page.locator("tbody tr[data-row]").count(), 2);
      await overview.locator(".well.warn").getByText("The daemon does not answer").waitFor();
      assertEquals(await overview.getByText("All is well").count(), 0);
      assertEquals(await overview.locator(".facts-list").count(), 0);

      engine.setState(web, "exited", 3);
      daemon = new LivingDaemon(host);
      await daemon.ready();
      await page.getByText("Live", { exact: true }).waitFor();
      await stateOf(page, "shop-web").getByText("stopped, exit code 3").waitFor();
      assertEquals(await page.getByText("The daemon does not answer").count(), 0);
      assertEquals(await page.evaluate("[sameLoad, least]"), [true, 2]);
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  },
);

browserTest(
  "a hidden tab closes its feed, and is up to date as soon as it is seen",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers");
    const { page } = opened;
    const { feed, store } = board.server;
    await stateOf(page, "blog").getByText("running").waitFor();
    assertEquals(feed.subscribers, 1);
    await setHidden(page, true);
    await until("the feed is over", () => feed.subscribers === 0);
    change(store, scene, "blog/", "paused");
    await setHidden(page, false);
    await stateOf(page, "blog").getByText("paused").waitFor();
    assertEquals(feed.subscribers, 1);
  },
);

browserTest(
  "eight tabs, of which one is seen, leave each other room to connect",
  async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers");
    const pages = [opened.page];
    for (let i = 1; i < 8; i++) {
      await setHidden(pages.at(-1)!, true);
      const page = await opened.context.newPage();
      await page.goto(`${board.origin}/containers`);
      await stateOf(page, "blog").getByText("running").waitFor();
      pages.push(page);
    }
    await setHidden(pages.at(-1)!, true);
    for (const page of pages) {
      await setHidden(page, false);
      await page.getByText("Live", { exact: true }).waitFor();
      await setHidden(page, true);
    }
    await until("the feeds are over", () => board.server.feed.subscribers === 0);
  },
);

browserTest(
  "a machine that slept says that what it shows is old, until it knows better",
  async (browser) => {
    await using board = await dashboard(browser, { keepaliveMs: 1_000_000 });
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/containers");
    const { page, context } = opened;
    await page.getByText("Live", { exact: true }).waitFor();
    await page.evaluate("globalThis.sameLoad = true");
    // The clock went on while nothing else did, and the network is not back at once.
    await context.setOffline(true);
    await page.evaluate(`{ const real = Date.now; Date.now = () => real() + 600_000; }`);
    await page.getByText(/^Stale since/).waitFor();
    assertEquals(await page.locator("tbody tr[data-row]").count(), 18);
    await context.setOffline(false);
    await page.getByText("Live", { exact: true }).waitFor();
    assert(await page.evaluate("sameLoad"));
  },
);

browserTest(
  "a network that falls silent is told after 45 s, and what was missed is there once it is back",
  async (browser) => {
    await using board = await dashboard(browser);
    const scene = setScene(board.server.store, Date.now());
    await using wire = await Wire.to(board.server.port);
    await using visitor = await visit(browser, {
      locale: "en-GB",
      extraHTTPHeaders: { authorization: `Bearer ${TOKEN}` },
    });
    const { page } = visitor;
    await page.clock.install();
    await page.addInitScript(WATCH_ROWS);
    await page.goto(`http://127.0.0.1:${wire.port}/containers`);
    await page.getByText("Live", { exact: true }).waitFor();
    await stateOf(page, "blog").getByText("running").waitFor();
    await page.evaluate("globalThis.sameLoad = true");

    // Nothing is closed, nothing comes any more, as where a router lost what it knew.
    wire.cut();
    change(board.server.store, scene, "blog/", "paused");
    await page.clock.fastForward(30_000);
    assertEquals(await page.getByText(/^Stale since/).count(), 0);
    await page.clock.fastForward(20_000);
    await page.getByText(/^Stale since \d\d:\d\d$/).waitFor();
    assertEquals(await page.locator("tbody tr[data-row]").count(), 18);
    await stateOf(page, "blog").getByText("running").waitFor();

    const resumed = page.waitForRequest((request) =>
      request.url().endsWith("/api/events") && request.headers()["last-event-id"] !== undefined
    );
    wire.mend();
    await page.clock.fastForward(60_000);
    await resumed;
    await page.getByText("Live", { exact: true }).waitFor();
    await stateOf(page, "blog").getByText("paused").waitFor();
    assertEquals(await page.evaluate("[sameLoad, least]"), [true, 18]);
  },
);

/** A wire between a browser and a server that can be cut without either being told. */
class Wire implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #pumps: Promise<void>[] = [];
  #cut = false;

  private constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    wire.#pumps.push(wire.#accept(port));
    return await Promise.resolve(wire);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on nothing arrives, and what is said meanwhile is lost. */
  cut(): void {
    this.#cut = true;
  }

  /** New connections are carried again; those of before stay dead. */
  mend(): void {
    this.#cut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#open) close(end);
    await Promise.all(this.#pumps);
  }

  async #accept(port: number): Promise<void> {
    for await (const near of this.#listener) {
      this.#open.add(near);
      if (this.#cut) continue;
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#open.add(far);
      this.#pumps.push(this.#carry(near, far), this.#carry(far, near));
    }
  }

  async #carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const bytes = new Uint8Array(64 << 10);
    let lost = false;
    try {
      for (;;) {
        const read = await from.read(bytes);
        lost ||= this.#cut;
        if (read === null) break;
        if (lost) continue;
        for (let at = 0; at < read;) at += await to.write(bytes.subarray(at, read));
      }
    } catch {
      // One of them was closed.
    }
    if (!lost) close(to);
  }
}

function close(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // It was.
  }
}

/**
 * The dashboard in a browser, on a server of a test's own: the files as they are built, the policy
 * as it is shipped, a store that the test writes to.
 *
 * @module
 */

import type { Browser, BrowserContextOptions } from "playwright-core";
import { buildWeb } from "../../src/dev/web.ts";
import type { DaemonStatus } from "../../src/model/views.ts";
import { readWebAssets } from "../../src/server/web_assets.ts";
import {
  PASS,
  STATUS,
  type TempServer,
  tempServer,
  type TempServerOptions,
  TOKEN,
} from "../harness/temp_server.ts";
import { visit, type Visitor } from "./chromium.ts";

/** A server with the dashboard. */
export interface Dashboard extends AsyncDisposable {
  readonly server: TempServer;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** A page of a browser of its own, logged in. */
  open(path: string, options?: OpenOptions): Promise<Visitor>;
}

/** How a page is opened. */
export interface OpenOptions extends BrowserContextOptions {
  /** Stored as a reader's choice. */
  readonly language?: "en" | "ru";
  readonly theme?: "light" | "dark";
  /** Not logged in. */
  readonly stranger?: boolean;
}

/** Serves the dashboard; the clock of the store is the machine's. */
export async function dashboard(
  browser: Browser,
  options: TempServerOptions = {},
): Promise<Dashboard> {
  await buildWeb();
  const assets = await readWebAssets();
  const at = new Date().toISOString();
  const status: Partial<DaemonStatus> = {
    startedAt: new Date(Date.now() - 9 * 86_400_000).toISOString(),
    index: { fresh: true, asOf: at, reason: null },
    lastPass: { ...PASS, at, listed: 21, unmanaged: { count: 3, composeProjects: { media: 3 } } },
    ...options.status,
  };
  const server = await tempServer({
    assets: () => Promise.resolve(assets),
    ...options,
    status: { ...STATUS, ...status },
  });
  server.tick(Date.now() - Date.parse("2026-01-01T00:00:00.000Z"));
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    server,
    origin,
    open: async (path, { language = "en", theme = "light", stranger = false, ...rest } = {}) => {
      const visitor = await visit(browser, {
        locale: language === "ru" ? "ru-RU" : "en-GB",
        timezoneId: "Europe/Berlin",
        colorScheme: theme,
        viewport: { width: 1440, height: 900 },
        ...(!stranger && { extraHTTPHeaders: { authorization: `Bearer ${TOKEN}` } }),
        ...rest,
      });
      await visitor.page.goto(`${origin}${path}`);
      return visitor;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

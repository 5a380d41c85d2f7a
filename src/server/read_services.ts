/**
 * What the handlers of any index have at hand, of what a server is given: who asks, live feeds, the
 * document. Starts nothing.
 *
 * @module
 */

import type { Feed } from "../feed.ts";
import type { Written } from "../model/written.ts";
import { basePath } from "./cookie.ts";
import { Credentials } from "./credentials.ts";
import { FailedLogins } from "./failed_logins.ts";
import { Live } from "./live.ts";
import { LiveFrames } from "./live_frames.ts";
import { LoginLimit } from "./login_limit.ts";
import { renderOpenApi } from "./openapi.ts";
import type { ReadServices } from "./operation.ts";
import type { AppOptions } from "./routed.ts";
import type { Route } from "./routes.ts";

/** What is made here. */
export type Made = "live" | "logins" | "loginLimit" | "credentials" | "run" | "openApi";
/** What each server says for itself. */
export type Own = "past" | "listNow" | "tcp";

/** What a server of an index is given. */
export interface ReadDeps extends Omit<ReadServices, Made | Own> {
  /** Says what was written. */
  readonly feed: Feed<Written>;
}

/** The services of these routes, but for what each server says for itself. */
export function readServices<At extends ReadServices>(
  routes: readonly Route<At>[],
  deps: ReadDeps,
  options: AppOptions,
): Omit<ReadServices, Own> {
  let document: string | undefined;
  return {
    reader: deps.reader,
    access: deps.access,
    metrics: deps.metrics,
    log: deps.log,
    baseUrl: deps.baseUrl,
    encrypted: deps.encrypted,
    version: deps.version,
    now: () => deps.now(),
    live: new Live({
      frames: new LiveFrames(deps.reader),
      feed: deps.feed,
      log: deps.log,
      keepaliveMs: options.keepaliveMs ?? 20_000,
      maxClients: options.maxLiveClients ?? 256,
    }),
    logins: new FailedLogins(deps),
    loginLimit: new LoginLimit(options.failedLoginsPerMinute ?? 10),
    credentials: new Credentials(deps),
    run: crypto.randomUUID().slice(0, 8),
    openApi: () =>
      document ??= renderOpenApi(routes, {
        version: deps.version,
        base: basePath(deps.baseUrl),
      }),
  };
}

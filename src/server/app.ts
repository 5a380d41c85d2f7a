/**
 * The application of a host: its index, the deployer's way to write it, and what its daemon does on
 * request. Knows no socket; works in-process too.
 *
 * @module
 */

import { attributionNow } from "./asking.ts";
import { LoginCodes } from "./login_codes.ts";
import type { ServerDeps } from "./operation.ts";
import { passNow } from "./pass_now.ts";
import { RateLimit } from "./rate_limit.ts";
import { readServices } from "./read_services.ts";
import { type App, type AppOptions, routed } from "./routed.ts";
import { ROUTES } from "./routes.ts";
import { StoreReader } from "./store_reader.ts";
import { StoreSilences, StoreTelling } from "./store_telling.ts";

/** The application over these parts. Starts nothing. */
export function createApp(deps: ServerDeps, options: AppOptions = {}): App {
  const { store, status } = deps;
  const reader = new StoreReader({
    store,
    freshness: () => deps.readiness().index,
    wanted: () => deps.problems.wanted(),
    now: deps.now,
  });
  const waiting = {
    reconcileNow: deps.reconcileNow,
    passTimeoutMs: options.passTimeoutMs ?? 60_000,
  };
  const perMinute = options.wrongSecretsPerMinute ?? 60;
  store.audit.attribute(attributionNow);
  return routed(ROUTES, {
    ...deps,
    ...waiting,
    ...readServices(ROUTES, {
      ...deps,
      reader,
      access: {
        ...{ tokens: store.tokens, sessions: store.sessions, audit: store.audit },
        codes: new LoginCodes(() => deps.now().getTime()),
      },
    }, options),
    telling: new StoreTelling(deps),
    silences: new StoreSilences(deps),
    past: deps.past,
    listNow: () => passNow(waiting),
    tcp: status && (() => status().tcp),
    guesses: new RateLimit(perMinute),
    wrongSignatures: new RateLimit(perMinute),
  }, options);
}

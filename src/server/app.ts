/**
 * Requests to answers: puts the table of routes behind the checks that all of them share. Knows no
 * socket; works in-process too.
 *
 * @module
 */

import { type Context, Hono, type MiddlewareHandler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { getPath } from "hono/utils/url";
import { mayDo, ROLES } from "../model/role.ts";
import { checkHost, checkOrigin, type Entrance, seenThrough, TRUSTED } from "./access.ts";
import { attributionNow } from "./asking.ts";
import type { BodyLimits } from "./body.ts";
import { ByteBudget } from "./byte_budget.ts";
import { call } from "./call.ts";
import { basePath } from "./cookie.ts";
import { Credentials, type Principal } from "./credentials.ts";
import { FailedLogins } from "./failed_logins.ts";
import { Live } from "./live.ts";
import { LiveFrames } from "./live_frames.ts";
import { LoginCodes } from "./login_codes.ts";
import { LoginLimit } from "./login_limit.ts";
import { renderOpenApi } from "./openapi.ts";
import type { ServerDeps, Services } from "./operation.ts";
import { type Assets, type Pages, pages } from "./pages.ts";
import { asProblem, Problem, problemResponse } from "./problem.ts";
import { RateLimit } from "./rate_limit.ts";
import { type Needed, ROUTES } from "./routes.ts";
import { StoreReader } from "./store_reader.ts";
import { withBodyText } from "./take_body.ts";
import { readWebAssets } from "./web_assets.ts";

/** Bounds; the defaults are what the program runs with. */
export interface AppOptions {
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Milliseconds for a whole body. Default 10 s. */
  readonly bodyTimeoutMs?: number;
  /** Milliseconds that a request waits for a pass. Default 60 s. */
  readonly passTimeoutMs?: number;
  /** Milliseconds between two signs of life on a live feed. Default 20 s. */
  readonly keepaliveMs?: number;
  /** Bytes of bodies and answers that are in memory at once. Default 64 MiB. */
  readonly maxBytesInFlight?: number;
  /** Live feeds at once over each entrance. Default 256. */
  readonly maxLiveClients?: number;
  /** Wrong webhook secrets that are answered 404. Default 60. */
  readonly wrongSecretsPerMinute?: number;
  /** Failed logins of one address that are answered 401. Default 10. */
  readonly failedLoginsPerMinute?: number;
  /** The dashboard's files, asked for once, by whoever opens it first. Default: those of the build. */
  readonly assets?: () => Promise<Assets>;
}

/** Answers requests. */
export interface App {
  /** Answers a request; without an entrance it is trusted, as within this process. */
  fetch(request: Request, entrance?: Entrance): Promise<Response>;
  /** The same for a path of our own. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** What bodies and answers on their way are taken from. */
  readonly bytes: ByteBudget;
  /** Ends live feeds and unfinished bodies; requests from now on are answered 503. Idempotent. */
  close(): void;
}

type Env = { Bindings: Entrance; Variables: { route: string; principal: Principal } };

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cross-origin-opener-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
];

/** Of what is no page. */
const POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Where no route matches; paths are not counted one by one. */
const NO_ROUTE = "none";
/** The same for what the dashboard consists of. */
const PAGES_ROUTE = "pages";

/** The application over these parts. Starts nothing. */
export function createApp(deps: ServerDeps, options: AppOptions = {}): App {
  const stopping = new AbortController();
  const base = basePath(deps.baseUrl);
  const hono = new Hono<Env>({
    // The default one compiles its routes at the first request, for 10 ms: a command makes no other.
    router: new TrieRouter(),
    getPath: (request) => pathUnder(base, request),
  });
  const bytes = new ByteBudget(options.maxBytesInFlight ?? 64 << 20);
  const reader = new StoreReader({
    store: deps.store,
    freshness: () => deps.readiness().index,
    wanted: () => deps.problems.wanted(),
    now: deps.now,
  });
  const live = new Live({
    frames: new LiveFrames(reader),
    feed: deps.feed,
    log: deps.log,
    keepaliveMs: options.keepaliveMs ?? 20_000,
    maxClients: options.maxLiveClients ?? 256,
  });
  let document: string | undefined;
  const services: Services = {
    ...deps,
    reader,
    live,
    logins: new FailedLogins(deps),
    loginLimit: new LoginLimit(options.failedLoginsPerMinute ?? 10),
    credentials: new Credentials(deps),
    codes: new LoginCodes(() => deps.now().getTime()),
    guesses: new RateLimit(options.wrongSecretsPerMinute ?? 60),
    wrongSignatures: new RateLimit(options.wrongSecretsPerMinute ?? 60),
    passTimeoutMs: options.passTimeoutMs ?? 60_000,
    run: crypto.randomUUID().slice(0, 8),
    openApi: () => document ??= renderOpenApi(ROUTES, { version: deps.version, base }),
  };
  deps.store.audit.attribute(attributionNow);

  const limits: BodyLimits = {
    maxBytes: options.maxBodyBytes ?? 1 << 20,
    timeoutMs: options.bodyTimeoutMs ?? 10_000,
    signal: stopping.signal,
    budget: bytes,
  };

  hono.use(observe(deps, base), admit(stopping.signal, deps));
  for (const route of ROUTES) {
    const [method, path, needed, { spec }] = route;
    for (const status of Object.keys(spec.answers)) {
      deps.metrics.httpRequests.add(0, { route: path, code: status });
    }
    hono.on(
      method.toUpperCase(),
      pattern(path),
      enter(path, needed, services),
      (context) =>
        withBodyText(context.req.raw, spec, {
          open: needed === "open",
          limits,
          use: (text) =>
            call(route, {
              ...{ services, limits, text, request: context.req.raw, path: context.req.path },
              ...{ params: context.req.param(), queries: context.req.queries() },
              ...{ entrance: context.env, principal: context.get("principal") },
            }),
        }),
    );
  }
  refuseOtherMethods(hono, services);
  const page = pageOf(options.assets ?? readWebAssets, base);
  hono.notFound(async (context) => {
    const found = await page(context);
    if (found !== null) return found;
    identify(context, services);
    throw new Problem("not-found", "Cannot find this path", {
      hint: "GET /openapi.json lists all there are",
    });
  });
  hono.onError((error, context) => fail(error, context, deps));

  return {
    fetch: async (request, entrance = TRUSTED) =>
      await hono.fetch(request, seenThrough(entrance, request, deps)),
    request: async (path, init) => await hono.request(path, init, TRUSTED),
    bytes,
    close: () => {
      stopping.abort();
      live.close();
      services.logins.close();
    },
  };
}

/** A proxy may leave its prefix in the path or take it out. */
function pathUnder(base: string, request: Request): string {
  const path = getPath(request);
  if (base === "" || !path.startsWith(base)) return path;
  const rest = path.slice(base.length);
  return rest === "" ? "/" : rest.startsWith("/") ? rest : path;
}

/** Outermost: what every answer carries, and what is counted and logged of it. */
function observe({ metrics, log }: ServerDeps, base: string): MiddlewareHandler<Env> {
  return async (context, next) => {
    const started = performance.now();
    await next();
    const { headers, status } = context.res;
    for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", POLICY);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store, no-transform");
    const location = headers.get("location");
    if (location !== null && context.env.rules !== null) headers.set("location", base + location);
    const route = context.get("route") ?? NO_ROUTE;
    metrics.httpRequests.inc({ route, code: String(status) });
    // Never the path itself: a webhook's is its secret.
    log.debug("request", {
      method: context.req.method,
      route,
      status,
      milliseconds: Math.round(performance.now() - started),
    });
  };
}

function admit(stopping: AbortSignal, own: { baseUrl: URL | null }): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { rules } = context.env;
    if (rules !== null) {
      checkHost(context.req.raw, rules);
      checkOrigin(context.req.raw, own);
    }
    if (stopping.aborted) throw new Problem("stopping", "Cannot answer: the daemon stops");
    await next();
  };
}

/** Looks among the pages; they are read when the first is asked for, and again after a failure. */
function pageOf(
  read: () => Promise<Assets>,
  base: string,
): (context: Context<Env>) => Promise<Response | null> {
  let loaded: Promise<Pages> | null = null;
  return async (context) => {
    const { method, path, raw } = context.req;
    if (method !== "GET" && method !== "HEAD") return null;
    loaded ??= read().then((assets) => pages(assets, { base }));
    loaded.catch(() => loaded = null);
    const answer = (await loaded)({ path, headers: raw.headers });
    if (answer !== null) context.set("route", PAGES_ROUTE);
    return answer;
  };
}

/** The first thing a matched route does, so that nothing is read of who may not ask. */
function enter(route: string, needed: Needed, services: Services): MiddlewareHandler<Env> {
  return async (context, next) => {
    context.set("route", route);
    if (needed !== "open") {
      const principal = identify(context, services);
      if (!mayDo(principal.role, needed)) {
        throw new Problem("forbidden", `Cannot do this with the role "${principal.role}"`, {
          data: { needs: needed },
        });
      }
      context.set("principal", principal);
    }
    await next();
  };
}

/** @throws {Problem} `unauthorized`, `forbidden-origin`. */
function identify(context: Context<Env>, { credentials, logins }: Services): Principal {
  try {
    return credentials.identify(context.req.raw, context.env);
  } catch (error) {
    logins.record("token", context.env.remote);
    throw error;
  }
}

/** A path of the table as the router writes it. */
function pattern(path: string): string {
  return path.replaceAll(/\{(.+?)\}/g, ":$1");
}

/** After the routes themselves, so that it is reached where none of them took the request. */
function refuseOtherMethods(hono: Hono<Env>, services: Services): void {
  for (const [path, routes] of Map.groupBy(ROUTES, ([, path]) => path)) {
    const allow = routes.map(([method]) => method === "get" ? "GET, HEAD" : method.toUpperCase())
      .join(", ");
    // Whoever may use the path in one way may be told of the others.
    const [least] = routes.map(([, , needed]) => needed).sort((a, b) => rank(a) - rank(b));
    hono.all(
      pattern(path),
      enter(path, least!, services),
      (context) => {
        throw new Problem(
          "method-not-allowed",
          `Cannot ${context.req.method} here: only ${allow}`,
          { headers: { allow } },
        );
      },
    );
  }
}

function rank(needed: Needed): number {
  return needed === "open" ? -1 : ROLES.indexOf(needed);
}

function fail(error: Error, context: Context<Env>, { log }: ServerDeps): Response {
  const problem = asProblem(error);
  const response = problemResponse(problem);
  if (response.status === 500) {
    log.error("request failed", { route: context.get("route") ?? NO_ROUTE, error });
  }
  return response;
}

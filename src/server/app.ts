/**
 * Requests to answers: puts the table of routes behind the checks that all of them share. Knows no
 * socket; works in-process too.
 *
 * @module
 */

import { type Context, Hono, type MiddlewareHandler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { checkHost, checkOrigin, checkToken, type Entrance, TRUSTED } from "./access.ts";
import { type BodyLimits, readBody, readBytes } from "./body.ts";
import { ByteBudget } from "./byte_budget.ts";
import { FailedLogins } from "./failed_logins.ts";
import { Live } from "./live.ts";
import { LiveFrames } from "./live_frames.ts";
import { NO_QUERY, renderOpenApi } from "./openapi.ts";
import type { Operation, ServerDeps, Services } from "./operation.ts";
import { type Assets, type Pages, pages } from "./pages.ts";
import { asProblem, Problem, problemResponse } from "./problem.ts";
import { RateLimit } from "./rate_limit.ts";
import { type Route, ROUTES } from "./routes.ts";
import { check, parseJson } from "./validation.ts";
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

type Env = { Bindings: Entrance; Variables: { route: string; body: string } };

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

/** Enough to see that nothing is said. */
const MAX_EMPTY_BODY = 1024;

/** The application over these parts. Starts nothing. */
export function createApp(deps: ServerDeps, options: AppOptions = {}): App {
  const stopping = new AbortController();
  const hono = new Hono<Env>({
    // The default one compiles its routes at the first request, for 10 ms: a command makes no other.
    router: new TrieRouter(),
  });
  const bytes = new ByteBudget(options.maxBytesInFlight ?? 64 << 20);
  const logins = new FailedLogins(deps);
  const live = new Live({
    frames: new LiveFrames(deps.store),
    feed: deps.feed,
    log: deps.log,
    keepaliveMs: options.keepaliveMs ?? 20_000,
    maxClients: options.maxLiveClients ?? 256,
  });
  let document: string | undefined;
  const services: Services = {
    ...deps,
    live,
    logins,
    guesses: new RateLimit(options.wrongSecretsPerMinute ?? 60),
    wrongSignatures: new RateLimit(options.wrongSecretsPerMinute ?? 60),
    passTimeoutMs: options.passTimeoutMs ?? 60_000,
    run: crypto.randomUUID().slice(0, 8),
    openApi: () => document ??= renderOpenApi(ROUTES, deps.version),
  };

  const limits: BodyLimits = {
    maxBytes: options.maxBodyBytes ?? 1 << 20,
    timeoutMs: options.bodyTimeoutMs ?? 10_000,
    signal: stopping.signal,
    budget: bytes,
  };

  hono.use(observe(deps), admit(stopping.signal));
  for (const route of ROUTES) {
    const [method, path, operation] = route;
    for (const status of Object.keys(operation.spec.answers)) {
      deps.metrics.httpRequests.add(0, { route: path, code: status });
    }
    hono.on(
      method.toUpperCase(),
      pattern(path),
      enter(path, { logins, operation }),
      takeBody(operation, limits),
      (context) => call(route, context, { services, limits }),
    );
  }
  refuseOtherMethods(hono, logins);
  const page = pageOf(options.assets ?? readWebAssets);
  hono.notFound(async (context) => {
    const found = await page(context);
    if (found !== null) return found;
    logIn(context, logins);
    throw new Problem("not-found", "Cannot find this path", {
      hint: "GET /openapi.json lists all there are",
    });
  });
  hono.onError((error, context) => fail(error, context, deps));

  return {
    fetch: async (request, entrance = TRUSTED) => await hono.fetch(request, entrance),
    request: async (path, init) => await hono.request(path, init, TRUSTED),
    bytes,
    close: () => {
      stopping.abort();
      live.close();
      logins.close();
    },
  };
}

/** Outermost: what every answer carries, and what is counted and logged of it. */
function observe({ metrics, log }: ServerDeps): MiddlewareHandler<Env> {
  return async (context, next) => {
    const started = performance.now();
    await next();
    const { headers, status } = context.res;
    for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", POLICY);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store, no-transform");
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

function admit(stopping: AbortSignal): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { rules } = context.env;
    if (rules !== null) {
      checkHost(context.req.raw, rules);
      checkOrigin(context.req.raw);
    }
    if (stopping.aborted) throw new Problem("stopping", "Cannot answer: the daemon stops");
    await next();
  };
}

/** Looks among the pages; they are read when the first is asked for, and again after a failure. */
function pageOf(read: () => Promise<Assets>): (context: Context<Env>) => Promise<Response | null> {
  let loaded: Promise<Pages> | null = null;
  return async (context) => {
    const { method, path, raw } = context.req;
    if (method !== "GET" && method !== "HEAD") return null;
    loaded ??= read().then((assets) => pages(assets));
    loaded.catch(() => loaded = null);
    const answer = (await loaded)({ path, headers: raw.headers });
    if (answer !== null) context.set("route", PAGES_ROUTE);
    return answer;
  };
}

/** The first thing a matched route does, so that nothing of a request is read without the token. */
function enter(
  route: string,
  { logins, operation }: { logins: FailedLogins; operation?: Operation | undefined },
): MiddlewareHandler<Env> {
  return async (context, next) => {
    context.set("route", route);
    const access = operation?.spec.access;
    if (access !== "open") logIn(context, logins, { forMetrics: access === "metrics" });
    await next();
  };
}

function logIn(
  context: Context<Env>,
  logins: FailedLogins,
  options?: { forMetrics: boolean },
): void {
  const { rules, remote } = context.env;
  if (rules === null) return;
  try {
    checkToken(context.req.raw, rules, options);
  } catch (error) {
    logins.record("token", remote);
    throw error;
  }
}

/** Reads the body within bounds and leaves it where the validators look for it. */
function takeBody({ spec }: Operation, limits: BodyLimits): MiddlewareHandler<Env> {
  const { body: expected, access } = spec;
  // What is not used is not read, least of all for someone who showed no token.
  if (expected === "ignored" || expected === "raw" || expected === undefined && access === "open") {
    return (_, next) => next();
  }
  return async (context, next) => {
    const { text, bytes } = expected === undefined
      ? await readNothing(context.req.raw, limits)
      : await readBody(context.req.raw, limits);
    try {
      if (expected !== undefined && text === "") {
        throw new Problem("malformed", "Cannot read the request: a JSON body is needed");
      }
      context.set("body", text);
      await next();
    } finally {
      limits.budget.give(bytes);
    }
  };
}

/** The body of a request that says nothing. */
async function readNothing(
  request: Request,
  limits: BodyLimits,
): Promise<{ text: string; bytes: number }> {
  const something = () =>
    new Problem("invalid", "Cannot take a body here: there is nothing to be said");
  try {
    const body = await readBody(request, { ...limits, maxBytes: MAX_EMPTY_BODY });
    if (body.text.trim() === "" || body.text.trim() === "{}") return body;
    limits.budget.give(body.bytes);
  } catch (error) {
    if (error instanceof Problem && error.code === "too-large") throw something();
    throw error;
  }
  throw something();
}

function call(
  [, path, operation]: Route,
  context: Context<Env>,
  { services, limits }: { services: Services; limits: BodyLimits },
): Response | Promise<Response> {
  const { spec } = operation;
  const { req } = context;
  const query = spec.query ?? (path.startsWith("/api/") ? NO_QUERY : undefined);
  return operation.handle({
    services,
    params: spec.params && check(spec.params, req.param()),
    query: query && check(query, single(req.queries())),
    body: spec.body === undefined || spec.body === "ignored" || spec.body === "raw"
      ? undefined
      : check(spec.body, parseJson(req.header("content-type"), context.get("body"))),
    withBody: async (use) => {
      const body = spec.body === "raw" ? await readBytes(req.raw, limits) : new Uint8Array();
      try {
        return await use(body);
      } finally {
        limits.budget.give(body.length);
      }
    },
    headers: req.raw.headers,
    entrance: context.env,
    headOnly: req.method === "HEAD",
  });
}

/** A parameter that is there once is a text; one that is repeated suits no schema. */
function single(queries: Record<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, all]) => [name, all.length === 1 ? all[0]! : all]),
  );
}

/** A path of the table as the router writes it. */
function pattern(path: string): string {
  return path.replaceAll(/\{(.+?)\}/g, ":$1");
}

/** After the routes themselves, so that it is reached where none of them took the request. */
function refuseOtherMethods(hono: Hono<Env>, logins: FailedLogins): void {
  for (const [path, routes] of Map.groupBy(ROUTES, ([, path]) => path)) {
    const allow = routes.map(([method]) => method === "get" ? "GET, HEAD" : method.toUpperCase())
      .join(", ");
    // Whoever may use the path without the token may be told so too.
    const open = routes.map(([, , operation]) => operation)
      .find(({ spec }) => spec.access === "open");
    hono.all(
      pattern(path),
      enter(path, { logins, operation: open }),
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

function fail(error: Error, context: Context<Env>, { log }: ServerDeps): Response {
  const problem = asProblem(error);
  const response = problemResponse(problem);
  if (response.status === 500) {
    log.error("request failed", { route: context.get("route") ?? NO_ROUTE, error });
  }
  return response;
}

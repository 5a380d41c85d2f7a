/**
 * Requests to answers: puts a table of routes behind the checks that all of them share. Knows no
 * socket and no index; works in-process too.
 *
 * @module
 */

import { type Context, Hono, type MiddlewareHandler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { getPath } from "hono/utils/url";
import { mayDo, ROLES } from "../model/role.ts";
import { checkHost, checkOrigin, type Entrance, seenThrough, TRUSTED } from "./access.ts";
import type { BodyLimits } from "./body.ts";
import { ByteBudget, BYTES_IN_FLIGHT } from "./byte_budget.ts";
import { call } from "./call.ts";
import { basePath } from "./cookie.ts";
import type { Principal } from "./credentials.ts";
import type { ReadServices } from "./operation.ts";
import { type Assets, type Pages, pages } from "./pages.ts";
import { asProblemDetails, ProblemDetails, problemDetailsResponse } from "./problem_details.ts";
import type { Needed, Route } from "./routes.ts";
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
  /** What these are taken from, where others take from it too. */
  readonly bytes?: ByteBudget;
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

/** The application over these routes and what their handlers have at hand. Starts nothing. */
export function routed<At extends ReadServices>(
  routes: readonly Route<At>[],
  services: At,
  options: AppOptions = {},
): App {
  const stopping = new AbortController();
  const base = basePath(services.baseUrl);
  const hono = new Hono<Env>({
    // The default one compiles its routes at the first request, for 10 ms: a command makes no other.
    router: new TrieRouter(),
    getPath: (request) => pathUnder(base, request),
  });
  const bytes = options.bytes ?? new ByteBudget(options.maxBytesInFlight ?? BYTES_IN_FLIGHT);
  const limits: BodyLimits = {
    maxBytes: options.maxBodyBytes ?? 1 << 20,
    timeoutMs: options.bodyTimeoutMs ?? 10_000,
    signal: stopping.signal,
    budget: bytes,
  };

  hono.use(observe(services, base), admit(stopping.signal, services));
  for (const route of routes) {
    const [method, path, needed, { spec }] = route;
    for (const status of Object.keys(spec.answers)) {
      services.metrics.httpRequests.add(0, { route: path, code: status });
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
  refuseOtherMethods(hono, routes, services);
  const page = pageOf(options.assets ?? readWebAssets, base);
  hono.notFound(async (context) => {
    const found = await page(context);
    if (found !== null) return found;
    await identify(context, services);
    throw new ProblemDetails("not-found", "Cannot find this path", {
      hint: "GET /openapi.json lists all there are",
    });
  });
  hono.onError((error, context) => fail(error, context, services));

  return {
    fetch: async (request, entrance = TRUSTED) =>
      await hono.fetch(request, seenThrough(entrance, request, services)),
    request: async (path, init) => await hono.request(path, init, TRUSTED),
    bytes,
    close: () => {
      stopping.abort();
      services.live.close();
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
function observe({ metrics, log }: ReadServices, base: string): MiddlewareHandler<Env> {
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
    if (stopping.aborted) throw new ProblemDetails("stopping", "Cannot answer: the daemon stops");
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
function enter(route: string, needed: Needed, services: ReadServices): MiddlewareHandler<Env> {
  return async (context, next) => {
    context.set("route", route);
    if (needed !== "open") {
      const principal = await identify(context, services);
      if (!mayDo(principal.role, needed)) {
        throw new ProblemDetails("forbidden", `Cannot do this with the role "${principal.role}"`, {
          data: { needs: needed },
        });
      }
      context.set("principal", principal);
    }
    await next();
  };
}

/** @throws {ProblemDetails} `unauthorized`, `forbidden-origin`. */
async function identify(
  context: Context<Env>,
  { credentials, logins }: ReadServices,
): Promise<Principal> {
  try {
    return await credentials.identify(context.req.raw, context.env);
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
function refuseOtherMethods<At extends ReadServices>(
  hono: Hono<Env>,
  all: readonly Route<At>[],
  services: ReadServices,
): void {
  for (const [path, routes] of Map.groupBy(all, ([, path]) => path)) {
    const allow = routes.map(([method]) => method === "get" ? "GET, HEAD" : method.toUpperCase())
      .join(", ");
    // Whoever may use the path in one way may be told of the others.
    const [least] = routes.map(([, , needed]) => needed).sort((a, b) => rank(a) - rank(b));
    hono.all(
      pattern(path),
      enter(path, least!, services),
      (context) => {
        throw new ProblemDetails(
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

function fail(error: Error, context: Context<Env>, { log }: ReadServices): Response {
  const problem = asProblemDetails(error);
  const response = problemDetailsResponse(problem);
  if (response.status === 500) {
    log.error("request failed", { route: context.get("route") ?? NO_ROUTE, error });
  }
  return response;
}

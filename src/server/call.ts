/**
 * Has a route's function answer a request that may be answered: what it takes is checked first, and
 * what it changes is written down as somebody's.
 *
 * @module
 */

import type { NewAuditEntry } from "../model/access.ts";
import { type Entrance, isSafe } from "./access.ts";
import { asked, Asking, detailsOf } from "./asking.ts";
import { type BodyLimits, readBytes } from "./body.ts";
import type { Principal } from "./credentials.ts";
import { NO_QUERY } from "./openapi.ts";
import type { ReadServices } from "./operation.ts";
import type { Route } from "./routes.ts";
import { check, parseJson } from "./validation.ts";

/** A request for a route, taken apart. */
export interface Calling<At> {
  /** What handlers have at hand. */
  readonly services: At;
  /** Bounds of a body that is not read yet. */
  readonly limits: BodyLimits;
  /** As it came. */
  readonly request: Request;
  /** Its path, without a prefix of a proxy. */
  readonly path: string;
  /** What the path has where the route's has braces. */
  readonly params: Readonly<Record<string, string>>;
  /** Every value of each parameter. */
  readonly queries: Readonly<Record<string, string[]>>;
  /** The body; null where none was read. */
  readonly text: string | null;
  /** Where it came in. */
  readonly entrance: Entrance;
  /** Who asks; undefined of a route that is open. */
  readonly principal: Principal | undefined;
}

const MAX_AUDITED_PATH = 512;

/**
 * The answer. A change is written down with it or, where nothing is stored, after it.
 *
 * @throws {ProblemDetails | Failure}
 */
export async function call<At extends ReadServices>(
  route: Route<At>,
  calling: Calling<At>,
): Promise<Response> {
  const [method, path] = route;
  const { request, services, principal } = calling;
  const query = single(calling.queries);
  const body = bodyOf(route, calling);
  const checked = { ...calling, query, body };
  if (isSafe(request.method)) return await handle(route, { ...checked, asking: null });
  const asking = new Asking(principal ?? null, {
    action: `${method.toUpperCase()} ${path}`,
    path: path.includes("{secret}") ? path : calling.path.slice(0, MAX_AUDITED_PATH),
    details: detailsOf(query, body),
  });
  try {
    const response = await asked(asking, () => handle(route, { ...checked, asking }));
    const rest = response.ok ? asking.attribution() : null;
    if (rest !== null) await writeDown(rest.entry, services);
    return response;
  } finally {
    asking.end();
  }
}

/** What was done is done, whether it can be written down or not. */
async function writeDown(entry: NewAuditEntry, { access, log }: ReadServices): Promise<void> {
  try {
    await access.audit.add(entry);
  } catch (error) {
    log.error("audit entry not written", { who: entry.who, action: entry.action, error });
  }
}

function bodyOf<At>([, , , { spec }]: Route<At>, { request, text }: Calling<At>): unknown {
  return spec.body === undefined || spec.body === "ignored" || spec.body === "raw"
    ? undefined
    : check(spec.body, parseJson(request.headers.get("content-type") ?? undefined, text ?? ""));
}

interface Checked<At> extends Calling<At> {
  readonly query: Record<string, string | string[]>;
  readonly body: unknown;
  /** Null where nothing is changed. */
  readonly asking: Asking | null;
}

async function handle<At>(
  [, path, , operation]: Route<At>,
  checked: Checked<At>,
): Promise<Response> {
  const { services, limits, request, params, entrance, query, body, asking } = checked;
  const { spec } = operation;
  const allowed = spec.query ?? (path.startsWith("/api/") ? NO_QUERY : undefined);
  return await operation.handle({
    services,
    params: spec.params && check(spec.params, params),
    query: allowed && check(allowed, query),
    body,
    withBody: async (use) => {
      const body = spec.body === "raw" ? await readBytes(request, limits) : new Uint8Array();
      try {
        return await use(body);
      } finally {
        limits.budget.give(body.length);
      }
    },
    headers: request.headers,
    entrance,
    // A route that is not open has let nobody in without.
    principal: checked.principal as Principal,
    actAs: (who) => asking?.is(who),
    changesNothing: () => asking?.end(),
    headOnly: request.method === "HEAD",
  });
}

/** A parameter that is there once is a text; one that is repeated suits no schema. */
function single(queries: Readonly<Record<string, string[]>>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, all]) => [name, all.length === 1 ? all[0]! : all]),
  );
}

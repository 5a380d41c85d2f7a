/**
 * The past through the API: of one host all at once, of a hub's many page after page.
 *
 * @module
 */

import type { Availability, HostMoment, HostPast, PastIndex } from "../model/past.ts";
import type { ReadApi } from "./client.ts";

/** The greatest page that the API gives. */
const PAGE = "10000";

/** The index as it was, without where a page ended. */
export type WholeIndex = Omit<PastIndex, "nextCursor">;

/** The index at `at` of a query, in all of its pages. */
export async function readIndexThen(api: ReadApi, query: URLSearchParams): Promise<WholeIndex> {
  const pages: PastIndex[] = [];
  for await (const page of pagesOf<PastIndex>(api, "/api/containers", query)) pages.push(page);
  const [{ nextCursor: _, ...first }] = pages as [PastIndex];
  if (first.hosts === undefined) return first;
  const hosts = byName(pages.flatMap(({ hosts = [] }): readonly HostMoment[] => hosts));
  const blind = hosts.filter(({ watched }) => !watched).map(({ asOf }) => asOf);
  const watched = hosts.length > 0 && blind.length === 0;
  return {
    ...{ at: first.at, watched },
    asOf: watched ? first.at : blind.includes(null) ? null : blind.sort()[0] ?? null,
    forgottenUntil: latest(hosts),
    hosts,
    items: pages.flatMap(({ items }) => items),
  };
}

/** How long things ran, without where a page ended. */
export type WholeAvailability = Omit<Availability, "nextCursor">;

/** How long things ran, in all of its pages. */
export async function readAvailability(
  api: ReadApi,
  query: URLSearchParams,
): Promise<WholeAvailability> {
  const pages: Availability[] = [];
  for await (const page of pagesOf<Availability>(api, "/api/availability", query)) {
    pages.push(page);
  }
  const [{ nextCursor: _, ...first }] = pages as [Availability];
  if (first.hosts === undefined) return first;
  const hosts = byName(pages.flatMap(({ hosts = [] }): readonly HostPast[] => hosts));
  return {
    ...first,
    resolutionMs: Math.max(...pages.map(({ resolutionMs }) => resolutionMs)),
    forgottenUntil: latest(hosts),
    hosts,
    workloads: pages.flatMap(({ workloads }) => workloads),
  };
}

async function* pagesOf<Page extends { readonly nextCursor: string | null }>(
  api: ReadApi,
  path: "/api/containers" | "/api/availability",
  asked: URLSearchParams,
): AsyncGenerator<Page> {
  const query = new URLSearchParams(asked);
  if (api.many && path === "/api/containers") query.set("limit", PAGE);
  for (;;) {
    const page = await api.get<Page>(`${path}?${query}`);
    yield page;
    // A daemon of before told all of it at once, too.
    if ((page.nextCursor ?? null) === null) return;
    query.set("cursor", page.nextCursor!);
  }
}

/** A host that two pages are of is one. */
function byName<Host extends HostPast>(hosts: readonly Host[]): Host[] {
  return [...new Map(hosts.map((host) => [host.host, host])).values()];
}

function latest(hosts: readonly HostPast[]): string | null {
  const all = hosts.map(({ forgottenUntil }) => forgottenUntil).filter((at) => at !== null);
  return all.sort().at(-1) ?? null;
}

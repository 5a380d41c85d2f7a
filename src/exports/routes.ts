/**
 * Which host name leads to which containers, and where those are reached: what every export of
 * routes is made of. Pure. Whatever a label, a row or an Engine says is checked again here, since a
 * proxy takes what it is told for a rule.
 *
 * @module
 */

import { isDomain } from "../core/names.ts";
import { isLoopback } from "../loopback.ts";
import type { ContainerView } from "../model/views.ts";
import type { RouteSettings } from "../setting_values.ts";

/** What of the index exports are made of. */
export interface RoutedWorld {
  /** At least the rows that have a subdomain, their replicas, and the rows of sites with a domain. */
  readonly rows: readonly ContainerView[];
  /** Id of a site's workload → the site's domain. */
  readonly domains: ReadonlyMap<string, string>;
  /** Ids of the stages that are previews. */
  readonly previews: ReadonlySet<string>;
}

/** A host name and the rows that it leads to. */
export interface ProxyRoute {
  /** Complete, lower case, without a dot at the end. */
  readonly hostname: string;
  /** In order of their ids, whatever they are doing; at least one. */
  readonly rows: readonly ContainerView[];
}

/** Where a container is reached over TCP. */
export interface Upstream {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
}

/**
 * Every route in the order of host names. A subdomain that a deployer gave to a row wins over the
 * domain of a site, so that a name can be led elsewhere before the site is no more. Two workloads
 * never share a name: that of the older row has it. An index from before names were one row's may
 * say otherwise, and `api` and `api.example.org` are one name below `example.org`.
 */
export function routesOf({ rows, domains }: RoutedWorld, settings: RouteSettings): ProxyRoute[] {
  const slots = Map.groupBy(rows, slotOf);
  const led = new Map<string, Set<ContainerView>>();
  const lead = (name: string | null, row: ContainerView) => {
    if (name === null) return;
    const its = led.get(name) ?? new Set();
    const [first] = its;
    if (first !== undefined && first.workloadId !== row.workloadId) return;
    led.set(name, its.add(row));
    for (const other of slots.get(slotOf(row))!) if (isReplica(other, row)) its.add(other);
  };
  const oldestFirst = rows.toSorted((a, b) =>
    a.createdAt === b.createdAt ? compare(a.id, b.id) : compare(a.createdAt, b.createdAt)
  );
  for (const row of oldestFirst) lead(hostnameOf(row.subdomain, settings), row);
  const given = new Set(led.keys());
  for (const row of oldestFirst) {
    const name = siteHostname(domains.get(row.workloadId));
    if (name !== null && !given.has(name)) lead(name, row);
  }
  return [...led].sort(([a], [b]) => compare(a, b)).map(([hostname, its]) => ({
    hostname,
    rows: [...its].sort((a, b) => compare(a.id, b.id)),
  }));
}

/**
 * The rows of a route that serve it: those that run and can be reached, without the unhealthy ones
 * unless there are no others.
 */
export function serving(
  { rows }: ProxyRoute,
  settings: RouteSettings,
): { readonly row: ContainerView; readonly upstream: Upstream }[] {
  const reached = rows.flatMap((row) => {
    const upstream = row.state === "running" ? upstreamOf(row, settings) : null;
    return upstream === null ? [] : [{ row, upstream }];
  });
  const healthy = reached.filter(({ row }) => row.health !== "unhealthy");
  return healthy.length > 0 ? healthy : reached;
}

/**
 * The complete host name of a subdomain: below the routes' domain where it has no dot. Null for none,
 * and for what is no host name, whoever wrote it.
 */
export function hostnameOf(
  subdomain: string | null,
  { domain }: Pick<RouteSettings, "domain">,
): string | null {
  if (subdomain === null) return null;
  return whole(domain === null || subdomain.includes(".") ? subdomain : `${subdomain}.${domain}`);
}

/** The subdomains whose complete host name is this one; the inverse of {@linkcode hostnameOf}. */
export function subdomainsOf(
  hostname: string,
  { domain }: Pick<RouteSettings, "domain">,
): string[] {
  const name = whole(hostname);
  if (name === null) return [];
  if (domain === null) return [name];
  const own = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : ".";
  return [...(name.includes(".") ? [name] : []), ...(own.includes(".") ? [] : [own])];
}

/** A site's domain as a host name; null for none. */
export function siteHostname(domain: string | null | undefined): string | null {
  return domain === null || domain === undefined ? null : whole(domain);
}

/**
 * Where a running container is reached: its own address in the network that was named, else the port
 * of the host that leads to it, else, in the network `host`, the port that `meta.port` tells. Null
 * where nothing leads to it from where the proxy is.
 */
export function upstreamOf(row: ContainerView, settings: RouteSettings): Upstream | null {
  const { addresses, port, hostIp, hostPort, meta } = row;
  const own = settings.network === null ? null : addresses[settings.network] ?? null;
  if (own !== null && isAddress(own) && isPort(port)) return { host: own, port };
  if (isPort(hostPort)) {
    const host = publishedHost(hostIp ?? "", settings.address);
    return host === null ? null : { host, port: hostPort };
  }
  const told = meta?.["port"];
  // In the network `host` a container has no address of its own, and no Engine lists its ports.
  return addresses["host"] === null && isPort(told) ? { host: settings.address, port: told } : null;
}

/** `host:port`, with brackets around IPv6. */
export function authorityOf({ host, port }: Upstream): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Where a port that is published at `hostIp` is reached by who reaches the host at `address`. */
function publishedHost(hostIp: string, address: string): string | null {
  if (hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::") return address;
  if (!isAddress(hostIp)) return null;
  // What listens on loopback alone is not there for who comes from elsewhere.
  return isLoopback(hostIp) && !isLoopback(address) ? null : hostIp;
}

/** Rows of one role in one stage of a workload: one thing, however often it runs. */
function slotOf({ workloadId, role, stageId }: ContainerView): string {
  return JSON.stringify([workloadId, role, stageId]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isReplica(other: ContainerView, row: ContainerView): boolean {
  return other.replica !== row.replica && other.subdomain === null;
}

function whole(name: string): string | null {
  const lower = name.toLowerCase().replace(/\.$/, "");
  return isDomain(lower) ? lower : null;
}

/** An address as Engines write them; nothing else gets into a URL. */
function isAddress(text: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|(?=.*:)[0-9A-Fa-f:.]{2,45})$/.test(text);
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}

/**
 * Routes as the lists that dashboards of links draw: Homepage and Dashy. Pure.
 *
 * @module
 */

import type { ContainerView } from "../model/views.ts";
import type { RouteSettings } from "../setting_values.ts";
import type { ProxyRoute, RoutedWorld } from "./routes.ts";

/** A link. */
export interface Link {
  /** Unique within its group. */
  readonly title: string;
  /** Where it leads. */
  readonly url: string;
  /** What its containers are doing. */
  readonly description: string;
}

/** Links under one heading. */
export interface LinkGroup {
  /** The heading. */
  readonly name: string;
  /** At least one. */
  readonly links: readonly Link[];
}

/** As Homepage reads `services.yaml`: JSON is YAML. */
export type HomepageServices = readonly Readonly<
  Record<
    string,
    readonly Readonly<Record<string, { readonly href: string; readonly description: string }>>[]
  >
>[];

/** As Dashy reads `conf.yml`, or a page of it. */
export interface DashyConfiguration {
  /** What stands above it all. */
  readonly pageInfo: { readonly title: string };
  /** Links under headings. */
  readonly sections: readonly {
    readonly name: string;
    readonly items: readonly Link[];
  }[];
}

/** Headings in their order. */
const HEADINGS = {
  project: "Projects",
  stack: "Stacks",
  site: "Sites",
  preview: "Previews",
} as const;

/** Every route as a link, under its kind's heading; also of what is down, since people look for it. */
export function linkGroups(
  routes: readonly ProxyRoute[],
  { previews }: Pick<RoutedWorld, "previews">,
  { scheme }: Pick<RouteSettings, "scheme">,
): LinkGroup[] {
  const groups = Map.groupBy(
    routes,
    ({ rows: [row] }) =>
      row!.stageId !== null && previews.has(row!.stageId) ? "preview" : row!.workloadKind,
  );
  return Object.entries(HEADINGS).flatMap(([kind, name]): LinkGroup[] => {
    const its = groups.get(kind as keyof typeof HEADINGS) ?? [];
    if (its.length === 0) return [];
    const named = Map.groupBy(its, titleOf);
    const links = its.map((route): Link => ({
      title: named.get(titleOf(route))!.length === 1
        ? titleOf(route)
        : `${titleOf(route)}, ${route.hostname}`,
      url: urlOf(route.hostname, scheme),
      description: descriptionOf(route.rows),
    }));
    return [{ name, links }];
  });
}

/** For Homepage. */
export function homepageServices(groups: readonly LinkGroup[]): HomepageServices {
  return groups.map(({ name, links }) => ({
    [name]: links.map(({ title, url, description }) => ({ [title]: { href: url, description } })),
  }));
}

/** For Dashy. */
export function dashyConfiguration(groups: readonly LinkGroup[]): DashyConfiguration {
  return {
    pageInfo: { title: "Tinyforge" },
    sections: groups.map(({ name, links }) => ({ name, items: links })),
  };
}

/** Where people reach a host name. */
export function urlOf(hostname: string, scheme: RouteSettings["scheme"]): string {
  return `${scheme}://${hostname}`;
}

function titleOf({ rows: [row] }: ProxyRoute): string {
  const { workloadName, stageName } = row!;
  return stageName === null ? workloadName : `${workloadName} ${stageName}`;
}

/** `running`, `running, unhealthy`, `2 running, 1 stopped`. */
function descriptionOf(rows: readonly ContainerView[]): string {
  const states = [...Map.groupBy(rows, ({ state }) => state)];
  const told = states.map(([state, its]) => rows.length === 1 ? state : `${its.length} ${state}`);
  const unhealthy = rows.some(({ state, health }) => state === "running" && health === "unhealthy");
  return [...told, ...(unhealthy ? ["unhealthy"] : [])].join(", ");
}

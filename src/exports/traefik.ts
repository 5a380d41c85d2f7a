/**
 * Routes as dynamic configuration for Traefik's HTTP provider. Pure.
 *
 * @module
 */

import type { RouteSettings } from "../setting_values.ts";
import { authorityOf, type ProxyRoute, serving } from "./routes.ts";

/** What Traefik is told; without `http` where there is nothing to route: it refuses empty maps. */
export interface TraefikConfiguration {
  /** Absent without a route. */
  http?: {
    /** By name. */
    readonly routers: Readonly<Record<string, TraefikRouter>>;
    /** By name. */
    readonly services: Readonly<Record<string, TraefikService>>;
  };
}

/** What a request must be like. */
export interface TraefikRouter {
  /** A matcher. */
  readonly rule: string;
  /** Name of the service. */
  readonly service: string;
}

/** Where requests go. */
export interface TraefikService {
  /** Between its servers. */
  readonly loadBalancer: {
    /** At least one. */
    readonly servers: readonly { readonly url: string }[];
  };
}

/**
 * A router and a service for each host name that something serves, both named after it. A host name
 * has neither a backtick, which would end the text in the rule, nor an `@`, which is Traefik's own.
 */
export function traefikConfiguration(
  routes: readonly ProxyRoute[],
  settings: RouteSettings,
): TraefikConfiguration {
  const routers: Record<string, TraefikRouter> = {};
  const services: Record<string, TraefikService> = {};
  for (const route of routes) {
    const { hostname } = route;
    const urls = new Set(
      serving(route, settings).map(({ upstream }) => `http://${authorityOf(upstream)}`),
    );
    if (urls.size === 0) continue;
    routers[hostname] = { rule: `Host(\`${hostname}\`)`, service: hostname };
    services[hostname] = { loadBalancer: { servers: [...urls].map((url) => ({ url })) } };
  }
  return Object.keys(routers).length === 0 ? {} : { http: { routers, services } };
}

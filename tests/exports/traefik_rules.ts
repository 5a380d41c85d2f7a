/**
 * What Traefik demands of a dynamic configuration, as far as HTTP goes: written from the
 * documentation of its file and HTTP providers, which decode strictly, and of its routers, rules and
 * services (v3). Neither Traefik nor its schema can be had where these tests run.
 *
 * @module
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The rules, by name; each says what is wrong, or nothing. */
export const TRAEFIK_RULES = {
  "only sections that Traefik knows": ({ whole }) =>
    unknownFields("", whole, ["http", "tcp", "udp", "tls"]),
  "no map stands empty": ({ whole }) => emptyMaps("", whole),
  "http has what Traefik knows": ({ http }) =>
    unknownFields("http", http, ["routers", "services", "middlewares", "serversTransports"]),
  "names have no @, which parts a name from its provider": ({ routers, services }) =>
    [...Object.keys(routers), ...Object.keys(services)].filter((name) => /[@\s]|^$/.test(name)),
  "a router has only fields that Traefik knows": ({ routers }) =>
    Object.entries(routers).flatMap(([name, router]) =>
      unknownFields(name, router, [
        ...["entryPoints", "middlewares", "service", "rule", "ruleSyntax", "priority", "tls"],
        "observability",
      ])
    ),
  "a router has a rule": ({ routers }) =>
    faulty(routers, ({ rule }) => typeof rule !== "string" || rule === ""),
  "a rule is made of matchers, &&, ||, ! and brackets": ({ routers }) =>
    faulty(
      routers,
      ({ rule }) => typeof rule === "string" && rule !== "" && parseRule(rule) === null,
    ),
  "a matcher is one that Traefik knows, with as many values as it takes": ({ routers }) =>
    faulty(
      routers,
      ({ rule }) =>
        matchersOf(rule).some(({ name, values }) =>
          !MATCHERS[name]?.includes(values.length) || values.some((value) => value === "")
        ),
    ),
  "Host names one ASCII host": ({ routers }) =>
    faulty(
      routers,
      ({ rule }) =>
        matchersOf(rule).some(({ name, values }) =>
          name === "Host" && !/^[A-Za-z0-9_.-]{1,253}$/.test(values[0] ?? "")
        ),
    ),
  "a router's service is there": ({ routers, services }) =>
    faulty(
      routers,
      ({ service }) => typeof service !== "string" || !Object.hasOwn(services, service),
    ),
  "a service is of one type": ({ services }) =>
    faulty(services, (service) => {
      const types = ["loadBalancer", "weighted", "mirroring", "failover"];
      const given = Object.keys(service);
      return given.length !== 1 || !types.includes(given[0]!);
    }),
  "a load balancer has only fields that Traefik knows": ({ services }) =>
    Object.entries(services).flatMap(([name, { loadBalancer }]) =>
      loadBalancer === undefined ? [] : unknownFields(name, loadBalancer, [
        ...["servers", "sticky", "healthCheck", "passHostHeader", "responseForwarding"],
        ...["serversTransport", "strategy", "passiveHealthCheck"],
      ])
    ),
  "a load balancer has servers": ({ services }) =>
    faulty(services, ({ loadBalancer }) =>
      isObject(loadBalancer) &&
      !(Array.isArray(loadBalancer["servers"]) && loadBalancer["servers"].length > 0)),
  "a server's URL is absolute, and says no more than scheme, host and port": ({ services }) =>
    faulty(services, ({ loadBalancer }) =>
      serversOf(loadBalancer).some((server) => {
        if (!isObject(server) || Object.keys(server).some((key) => !SERVER.has(key))) return true;
        const url = typeof server["url"] === "string" ? URL.parse(server["url"]) : null;
        return url === null || !/^(?:https?|h2c):$/.test(url.protocol) || url.hostname === "" ||
          url.pathname !== "/" || url.search + url.hash + url.username !== "";
      })),
} as const satisfies Readonly<Record<string, (parts: Parts) => string[]>>;

/** A rule's name. */
export type TraefikRule = keyof typeof TRAEFIK_RULES;

/** The rules that a configuration breaks. */
export function brokenRules(configuration: unknown): TraefikRule[] {
  if (!isObject(configuration as Json)) return ["only sections that Traefik knows"];
  const whole = configuration as Record<string, Json>;
  const http = objectOf(whole["http"]);
  const parts: Parts = {
    whole,
    http,
    routers: mapOf(http["routers"]),
    services: mapOf(http["services"]),
  };
  return (Object.keys(TRAEFIK_RULES) as TraefikRule[])
    .filter((rule) => TRAEFIK_RULES[rule](parts).length > 0);
}

/** The servers that a request for this host is sent to; null where no router takes it. */
export function serversFor(configuration: unknown, host: string): string[] | null {
  const http = objectOf(objectOf(configuration as Json)["http"]);
  for (const { rule, service } of Object.values(mapOf(http["routers"]))) {
    const matches = matchersOf(rule).some(({ name, values }) =>
      name === "Host" && values[0]?.toLowerCase() === host.toLowerCase()
    );
    if (!matches) continue;
    const { loadBalancer } = mapOf(http["services"])[String(service)] ?? {};
    return serversOf(loadBalancer).map((server) => String(objectOf(server)["url"]));
  }
  return null;
}

interface Parts {
  readonly whole: Record<string, Json>;
  readonly http: Record<string, Json>;
  readonly routers: Record<string, Record<string, Json>>;
  readonly services: Record<string, Record<string, Json>>;
}

interface Matcher {
  readonly name: string;
  readonly values: readonly string[];
}

/** Matcher → how many values it takes. */
const MATCHERS: Readonly<Record<string, readonly number[]>> = {
  Host: [1],
  HostRegexp: [1],
  Path: [1],
  PathPrefix: [1],
  PathRegexp: [1],
  Method: [1],
  Header: [2],
  HeaderRegexp: [2],
  Query: [1, 2],
  QueryRegexp: [1, 2],
  ClientIP: [1],
};

const SERVER: ReadonlySet<string> = new Set(["url", "weight", "preservePath"]);

/** The matchers of a rule in order; null where it is no rule. */
function parseRule(rule: string): Matcher[] | null {
  const matchers: Matcher[] = [];
  let rest = rule;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest);
    if (found !== null) rest = rest.slice(found[0].length).trimStart();
    return found;
  };
  const term = (): boolean => {
    while (take(/^!/) !== null);
    if (take(/^\(/) !== null) return expression() && take(/^\)/) !== null;
    const name = take(/^([A-Z][A-Za-z]*)\s*\(/)?.[1];
    if (name === undefined) return false;
    const values: string[] = [];
    do {
      const value = take(/^(?:`([^`]*)`|"((?:[^"\\]|\\.)*)")/);
      if (value === null) return false;
      values.push(value[1] ?? value[2]!);
    } while (take(/^,/) !== null);
    matchers.push({ name, values });
    return take(/^\)/) !== null;
  };
  const expression = (): boolean => {
    if (!term()) return false;
    while (take(/^(?:&&|\|\|)/) !== null) if (!term()) return false;
    return true;
  };
  return expression() && rest === "" ? matchers : null;
}

function matchersOf(rule: Json | undefined): Matcher[] {
  return typeof rule === "string" ? parseRule(rule) ?? [] : [];
}

function serversOf(loadBalancer: Json | undefined): Json[] {
  const servers = objectOf(loadBalancer)["servers"];
  return Array.isArray(servers) ? servers : [];
}

function unknownFields(where: string, value: Json | undefined, known: string[]): string[] {
  if (!isObject(value)) return [where];
  return Object.keys(value).filter((key) => !known.includes(key));
}

/** Decoding refuses a node without anything in it; the whole may be empty. */
function emptyMaps(where: string, value: Json): string[] {
  if (!isObject(value)) return [];
  const below = Object.entries(value).flatMap(([key, inner]) =>
    emptyMaps(where === "" ? key : `${where}.${key}`, inner)
  );
  return where !== "" && Object.keys(value).length === 0 ? [where] : below;
}

function faulty(
  map: Record<string, Record<string, Json>>,
  isFaulty: (value: Record<string, Json>) => boolean,
): string[] {
  return Object.entries(map).filter(([, value]) => isFaulty(value)).map(([name]) => name);
}

function mapOf(value: Json | undefined): Record<string, Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).map(([key, inner]) => [key, objectOf(inner)]),
  );
}

function objectOf(value: Json | undefined): Record<string, Json> {
  return isObject(value) ? value : {};
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

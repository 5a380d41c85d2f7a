/**
 * What Traefik is told, held against what it demands.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { routesOf } from "../../src/exports/routes.ts";
import { traefikConfiguration } from "../../src/exports/traefik.ts";
import type { ContainerView } from "../../src/model/views.ts";
import { brokenRules, serversFor, TRAEFIK_RULES, type TraefikRule } from "./traefik_rules.ts";
import { SETTINGS, view, world } from "./view.ts";

const told = (...rows: ContainerView[]) =>
  traefikConfiguration(routesOf(world(rows), SETTINGS), SETTINGS);

Deno.test("traefikConfiguration() has a router and a service for each host name that is served", () => {
  const configuration = told(
    view("b", { subdomain: "Shop.example.org", hostPort: 32_769 }),
    view("a", { subdomain: "blog.example.org", hostIp: "::", hostPort: 32_768 }),
    view("c", { subdomain: "down.example.org", state: "stopped" }),
    view("d", { subdomain: "inside.example.org", hostIp: null, hostPort: null }),
    view("e"),
  );
  assertEquals(configuration, {
    http: {
      routers: {
        "blog.example.org": { rule: "Host(`blog.example.org`)", service: "blog.example.org" },
        "shop.example.org": { rule: "Host(`shop.example.org`)", service: "shop.example.org" },
      },
      services: {
        "blog.example.org": { loadBalancer: { servers: [{ url: "http://127.0.0.1:32768" }] } },
        "shop.example.org": { loadBalancer: { servers: [{ url: "http://127.0.0.1:32769" }] } },
      },
    },
  });
  assertEquals(brokenRules(configuration), []);
  assertEquals(serversFor(configuration, "SHOP.example.org"), ["http://127.0.0.1:32769"]);
  assertEquals(serversFor(configuration, "down.example.org"), null);
});

Deno.test("traefikConfiguration() is {} where nothing is served: an empty map is an error there", () => {
  assertEquals(told(), {});
  assertEquals(told(view("a", { subdomain: "a.example", state: "missing" })), {});
  assertEquals(brokenRules(told()), []);
});

Deno.test("traefikConfiguration() never empties a service for ill health alone", () => {
  const [one, two] = [32_001, 32_002].map((hostPort, i) =>
    view(`web-${i + 1}`, { role: "web", replica: i + 1, hostPort })
  ) as [ContainerView, ContainerView];
  const servers = (first: Partial<ContainerView>, second: Partial<ContainerView>) =>
    serversFor(
      told({ ...one, subdomain: "web.example", ...first }, { ...two, ...second }),
      "web.example",
    );
  const [first, second] = ["http://127.0.0.1:32001", "http://127.0.0.1:32002"];
  const [healthy, unhealthy] = [{ health: "healthy" }, { health: "unhealthy" }];
  assertEquals(servers(healthy, healthy), [first, second]);
  assertEquals(servers(unhealthy, healthy), [second]);
  assertEquals(servers(unhealthy, { health: "starting" }), [second]);
  assertEquals(servers(unhealthy, unhealthy), [first, second]);
  assertEquals(servers(unhealthy, { state: "stopped" }), [first]);
  assertEquals(servers({ state: "paused" }, { state: "restarting" }), null);
});

Deno.test("traefikConfiguration() lets nobody write a rule, whatever rows and Engines say", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "a`) || PathPrefix(`/",
      "a.example`",
      "a@docker",
      "a b",
      "*.example",
      "a.example\n",
      "__proto__",
      "constructor",
      "ä.example",
      "..",
    ),
  );
  const row = fc.record({
    subdomain: nasty,
    hostIp: fc.oneof(nasty, fc.ipV4(), fc.ipV6()),
    hostPort: fc.oneof(fc.integer(), fc.constant(null)),
    port: fc.integer(),
    addresses: fc.dictionary(fc.constantFrom("edge", "host", "x"), fc.oneof(nasty, fc.ipV4())),
    meta: fc.oneof(fc.constant(null), fc.record({ port: fc.anything() })),
    health: fc.constantFrom(null, "unhealthy"),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 4 }), fc.boolean(), (rows, named) => {
      const settings = { ...SETTINGS, network: named ? "edge" : null };
      const routed = world(rows.map((fields, i) => view(`r${i}`, fields as ContainerView)));
      const configuration = traefikConfiguration(routesOf(routed, settings), settings);
      // As it arrives: what JSON can't say must not be hidden by what it is here.
      assertEquals(brokenRules(JSON.parse(JSON.stringify(configuration))), []);
      for (const [name, { rule }] of Object.entries(configuration.http?.routers ?? {})) {
        assertEquals(rule, `Host(\`${name}\`)`);
      }
    }),
    { numRuns: 2000 },
  );
});

/** A configuration that breaks this rule and no other. */
const BROKEN: Readonly<Record<TraefikRule, unknown>> = {
  "only sections that Traefik knows": { https: { a: 1 } },
  "no map stands empty": { http: { middlewares: {} } },
  "http has what Traefik knows": { http: { routes: { a: 1 } } },
  "names have no @, which parts a name from its provider": broken({}, {}, "a@docker"),
  "a router has only fields that Traefik knows": broken({ host: "a" }),
  "a router has a rule": broken({ rule: "" }),
  "a rule is made of matchers, &&, ||, ! and brackets": broken({ rule: "Host(`a`) or b" }),
  "a matcher is one that Traefik knows, with as many values as it takes": broken({
    rule: "PathPrefix(`/a`, `/b`)",
  }),
  "Host names one ASCII host": broken({ rule: "Host(`ä.example`)" }),
  "a router's service is there": broken({ service: "nobody" }),
  "a service is of one type": broken({}, { loadBalancer: undefined, servers: [1] }),
  "a load balancer has only fields that Traefik knows": broken({}, {
    loadBalancer: { servers: [{ url: "http://a:1" }], server: "x" },
  }),
  "a load balancer has servers": broken({}, { loadBalancer: { servers: [] } }),
  "a server's URL is absolute, and says no more than scheme, host and port": broken({}, {
    loadBalancer: { servers: [{ url: "127.0.0.1:80" }] },
  }),
};

function broken(router: object, service: object = {}, name = "a"): unknown {
  return JSON.parse(JSON.stringify({
    http: {
      routers: {
        a: { rule: "Host(`a`) && !(Path(`/x`) || Method(`GET`))", service: name, ...router },
      },
      services: { [name]: { loadBalancer: { servers: [{ url: "http://a:1" }] }, ...service } },
    },
  }));
}

Deno.test("brokenRules() takes what its rules allow", () => {
  assertEquals(brokenRules(broken({})), []);
  assertEquals(brokenRules({}), []);
  assertEquals(brokenRules([]), ["only sections that Traefik knows"]);
});

for (const rule of Object.keys(TRAEFIK_RULES) as TraefikRule[]) {
  Deno.test(`brokenRules() sees what breaks "${rule}"`, () => {
    assertEquals(brokenRules(BROKEN[rule]), [rule]);
  });
}

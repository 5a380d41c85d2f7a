/**
 * Which host name leads where.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  authorityOf,
  hostnameOf,
  routesOf,
  subdomainsOf,
  upstreamOf,
} from "../../src/exports/routes.ts";
import type { ContainerView } from "../../src/model/views.ts";
import type { RouteSettings } from "../../src/setting_values.ts";
import { SETTINGS, view, world } from "./view.ts";

const routed = (rows: ContainerView[], more = {}) =>
  routesOf(world(rows, more), SETTINGS).map(({ hostname, rows }) => [
    hostname,
    rows.map(({ id }) => id),
  ]);

Deno.test("routesOf() leads a subdomain to its row and that row's replicas, and to no other row", () => {
  const stage = { stageId: "s1", stageName: "live", role: "web" };
  const blue = view("blue", { ...stage, subdomain: "www.example.org" });
  assertEquals(routed([blue, view("green", stage)]), [["www.example.org", ["blue"]]]);
  assertEquals(
    routed([
      view("web-3", { ...stage, replica: 3, subdomain: "three.example.org" }),
      view("web-2", { ...stage, replica: 2 }),
      blue,
      view("other-stage", { ...stage, stageId: "s2", replica: 2 }),
      view("other-role", { ...stage, role: "api", replica: 2 }),
      view("other-workload", { ...stage, workloadId: "w2", replica: 2 }),
    ]),
    [["three.example.org", ["web-2", "web-3"]], ["www.example.org", ["blue", "web-2"]]],
  );
});

Deno.test("routesOf() leads a site's domain to its row, and one name of two rows to both", () => {
  const site = view("w2:site", { workloadId: "w2", workloadKind: "site", workloadName: "blog" });
  assertEquals(
    routed([
      site,
      view("old-1", { subdomain: "a.example" }),
      view("old-2", {
        subdomain: "A.Example",
      }),
    ], { domains: new Map([["w2", "Blog.example.org"], ["w9", "nobody.example"]]) }),
    [["a.example", ["old-1", "old-2"]], ["blog.example.org", ["w2:site"]]],
  );
});

Deno.test("routesOf() leads a site's domain where a row has it as its subdomain", () => {
  const site = view("w2:site", { workloadId: "w2", workloadKind: "site" });
  const domains = new Map([["w2", "blog.example.org"]]);
  const moved = view("app-1", { subdomain: "Blog.example.org" });
  assertEquals(routed([site, moved], { domains }), [["blog.example.org", ["app-1"]]]);
  assertEquals(routed([{ ...site, subdomain: "blog.example.org" }], { domains }), [
    ["blog.example.org", ["w2:site"]],
  ]);
});

Deno.test("routesOf() never lets two workloads share a name: that of the older row has it", () => {
  const old = view("b", { subdomain: "api.example.org", createdAt: "2026-01-01T00:00:00.000Z" });
  const young = view("a", {
    workloadId: "w2",
    subdomain: "api",
    createdAt: "2026-01-02T00:00:00.000Z",
  });
  const settings = { ...SETTINGS, domain: "example.org" };
  const [route, ...others] = routesOf(world([young, old]), settings);
  assertEquals([route!.rows.map(({ id }) => id), others], [["b"], []]);
  const sites = [view("s1", { workloadId: "w3" }), view("s2", { workloadId: "w4" })];
  const domains = new Map([["w3", "one.example"], ["w4", "One.example"]]);
  assertEquals(routed(sites, { domains }), [["one.example", ["s1"]]]);
});

Deno.test("upstreamOf() takes the port that the host publishes, where the proxy reaches it", () => {
  const at = (fields: Partial<ContainerView>, settings: Partial<RouteSettings> = {}) => {
    const upstream = upstreamOf(view("a", fields), { ...SETTINGS, ...settings });
    return upstream && authorityOf(upstream);
  };
  assertEquals(at({}), "127.0.0.1:32768");
  assertEquals(at({ hostIp: "::" }, { address: "fd00::7" }), "[fd00::7]:32768");
  assertEquals(at({}, { address: "docker.lan" }), "docker.lan:32768");
  assertEquals(at({ hostIp: "10.0.0.5" }), "10.0.0.5:32768");
  assertEquals(at({ hostIp: "127.0.0.2" }), "127.0.0.2:32768");
  // Only this host reaches it, and the proxy is elsewhere.
  assertEquals(at({ hostIp: "127.0.0.1" }, { address: "docker.lan" }), null);
  assertEquals(at({ hostIp: "127.0.0.1" }, { address: "127.example.org" }), null);
  assertEquals(at({ hostIp: null, hostPort: null }), null);
});

Deno.test("upstreamOf() takes the container's own address in the network that was named", () => {
  const at = (fields: Partial<ContainerView>) => {
    const upstream = upstreamOf(view("a", fields), { ...SETTINGS, network: "edge" });
    return upstream && authorityOf(upstream);
  };
  assertEquals(at({ addresses: { edge: "172.20.0.3", bridge: "172.17.0.2" } }), "172.20.0.3:8080");
  assertEquals(at({ addresses: { edge: "fd00::3" } }), "[fd00::3]:8080");
  // Not in it: the published port still leads there.
  assertEquals(at({ addresses: { bridge: "172.17.0.2" } }), "127.0.0.1:32768");
  assertEquals(at({ addresses: { edge: "172.20.0.3" }, port: null }), "127.0.0.1:32768");
});

Deno.test("upstreamOf() takes in the network host the port that meta.port tells", () => {
  const at = (
    meta: ContainerView["meta"],
    addresses: ContainerView["addresses"] = { host: null },
  ) => {
    const fields = { meta, addresses, port: null, hostIp: null, hostPort: null };
    const upstream = upstreamOf(view("a", fields), SETTINGS);
    return upstream && authorityOf(upstream);
  };
  assertEquals(at({ port: 9000 }), "127.0.0.1:9000");
  for (const port of ["9000", 0, 65_536, 1.5, null]) assertEquals(at({ port }), null);
  assertEquals(at(null), null);
  assertEquals(at({ port: 9000 }, { bridge: "172.17.0.2" }), null);
});

Deno.test("hostnameOf() puts a subdomain without a dot below the routes' domain", () => {
  const below = { domain: "example.org" };
  assertEquals(hostnameOf("Api", below), "api.example.org");
  assertEquals(hostnameOf("api.example.com", below), "api.example.com");
  assertEquals(hostnameOf("api", { domain: null }), "api");
  assertEquals(hostnameOf("api.example.org.", { domain: null }), "api.example.org");
  for (const name of [null, "", "a b", "a`", "-a", `${"a".repeat(64)}.example`]) {
    assertEquals(hostnameOf(name, below), null);
  }
});

Deno.test("subdomainsOf() names exactly what hostnameOf() makes the host name of", () => {
  const label = fc.constantFrom("a", "b", "example", "org", "a-b");
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(name, name, fc.option(name), (subdomain, hostname, domain) => {
      const leads = hostnameOf(subdomain, { domain }) === hostname;
      assertEquals(subdomainsOf(hostname, { domain }).includes(subdomain), leads);
      const own = hostnameOf(subdomain, { domain })!;
      assertEquals(subdomainsOf(own, { domain }).includes(subdomain), true);
    }),
  );
  assertEquals(subdomainsOf("a b", { domain: null }), []);
});

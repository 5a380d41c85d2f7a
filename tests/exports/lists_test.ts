/**
 * What Prometheus, Homepage and Dashy are told.
 */

import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { dashyConfiguration, homepageServices, linkGroups } from "../../src/exports/dashboards.ts";
import { prometheusTargets } from "../../src/exports/prometheus.ts";
import { routesOf } from "../../src/exports/routes.ts";
import type { ContainerView } from "../../src/model/views.ts";
import { SETTINGS, view, world } from "./view.ts";

Deno.test("prometheusTargets() has a target with labels for each row that runs and is reached", () => {
  const row = view("api-1", {
    role: "web",
    replica: 2,
    stageName: "live",
    imageTag: "2",
    subdomain: "api",
    health: "unhealthy",
    meta: { "metrics.path": "/metrics", "metrics-path": "/other", scrape: true, n: 7, deep: [1] },
  });
  const rows = [
    row,
    view("stopped", { state: "stopped" }),
    view("inside", { hostIp: null, hostPort: null }),
  ];
  assertEquals(prometheusTargets(rows, { ...SETTINGS, domain: "example.org" }), [{
    targets: ["127.0.0.1:32768"],
    labels: {
      __meta_tinyforge_row: "api-1",
      __meta_tinyforge_host: "local",
      __meta_tinyforge_workload: "app",
      __meta_tinyforge_workload_id: "w1",
      __meta_tinyforge_workload_kind: "project",
      __meta_tinyforge_role: "web",
      __meta_tinyforge_replica: "2",
      __meta_tinyforge_stage: "live",
      __meta_tinyforge_hostname: "api.example.org",
      __meta_tinyforge_container_id: "container-api-1",
      __meta_tinyforge_container_name: "api-1",
      __meta_tinyforge_image: "app:1",
      __meta_tinyforge_image_tag: "2",
      __meta_tinyforge_port: "8080",
      __meta_tinyforge_health: "unhealthy",
      __meta_tinyforge_meta_metrics_path: "/metrics",
      __meta_tinyforge_meta_scrape: "true",
      __meta_tinyforge_meta_n: "7",
    },
  }]);
  assertEquals(prometheusTargets([], SETTINGS), []);
});

Deno.test("prometheusTargets() names labels as Prometheus does, whatever meta's keys are", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string()), (meta) => {
      const [target] = prometheusTargets([view("a", { meta })], SETTINGS);
      for (const name of Object.keys(target!.labels)) {
        assertMatch(name, /^__meta_tinyforge_[A-Za-z0-9_]+$/);
      }
    }),
  );
});

const ROWS: readonly ContainerView[] = [
  view("live", { subdomain: "app.example", stageId: "s1", stageName: "live" }),
  view("pr-1", { subdomain: "pr-1.example", stageId: "s2", stageName: "pr-1", state: "stopped" }),
  view("a", { workloadId: "w3", workloadName: "two", subdomain: "a.example", health: "unhealthy" }),
  view("b", { workloadId: "w3", workloadName: "two", subdomain: "b.example" }),
  view("w2:site", { workloadId: "w2", workloadKind: "site", workloadName: "my: blog" }),
];
const WORLD = world(ROWS, {
  domains: new Map([["w2", "blog.example"]]),
  previews: new Set(["s2"]),
});

Deno.test("linkGroups() heads links by kind, with previews apart, and tells what is down", () => {
  const groups = linkGroups(routesOf(WORLD, SETTINGS), WORLD, SETTINGS);
  const https = (title: string, name: string, description: string) => ({
    title,
    url: `https://${name}`,
    description,
  });
  assertEquals(groups, [
    {
      name: "Projects",
      links: [
        https("two, a.example", "a.example", "running, unhealthy"),
        https("app live", "app.example", "running"),
        https("two, b.example", "b.example", "running"),
      ],
    },
    { name: "Sites", links: [https("my: blog", "blog.example", "running")] },
    { name: "Previews", links: [https("app pr-1", "pr-1.example", "stopped")] },
  ]);
});

Deno.test("homepageServices() and dashyConfiguration() are what their programs read as YAML", () => {
  const groups = linkGroups(routesOf(WORLD, SETTINGS), WORLD, { scheme: "http" });
  const homepage = parseYaml(JSON.stringify(homepageServices(groups)));
  assertEquals(homepage[1], {
    Sites: [{ "my: blog": { href: "http://blog.example", description: "running" } }],
  });
  const dashy = parseYaml(JSON.stringify(dashyConfiguration(groups)));
  // Both are required there.
  assertEquals(Object.keys(dashy), ["pageInfo", "sections"]);
  assertEquals(dashy.sections[1], {
    name: "Sites",
    items: [{ title: "my: blog", url: "http://blog.example", description: "running" }],
  });
  assertEquals(homepageServices([]), []);
});

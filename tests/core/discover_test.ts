import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ListedContainer } from "../../src/model/container.ts";
import type { RefusalReason } from "../../src/model/pass.ts";
import { composeFilesOf, discover, type DiscoverOptions } from "../../src/core/discover.ts";
import { labelText, nameFrom } from "../../src/core/recognize.ts";
import { container } from "../harness/world.ts";
import { processorMs } from "../harness/processor_time.ts";

function discovered(
  containers: readonly ListedContainer[],
  options: Partial<DiscoverOptions> = {},
) {
  return discover(containers, {
    refusal: () => "unmanaged",
    isTaken: () => false,
    isClaimed: () => false,
    ...options,
  });
}

/** Candidates in short: `kind name by: role/replica=container …`. */
function short(containers: readonly ListedContainer[], options: Partial<DiscoverOptions> = {}) {
  return discovered(containers, options).candidates.map(({ kind, name, by, containers }) =>
    `${kind} ${name} by ${by}: ` +
    containers.map(({ role, replica, name }) => `${role}/${replica}=${name}`).join(" ")
  );
}

function named(name: string, labels: Record<string, string> = {}, state = "running") {
  return container({ id: name.padEnd(12, "0"), name, labels, state });
}

/** As Podman's Compose gives them. */
const ofPodman = (project: string, service: string, number = 1) => ({
  "com.docker.compose.project": project,
  "com.docker.compose.service": service,
  "com.docker.compose.container-number": String(number),
});
const compose = (project: string, service: string, number = 1) => ({
  ...ofPodman(project, service, number),
  "com.docker.compose.config-hash": "abc",
  "com.docker.compose.version": "2.30.0",
});

Deno.test("discover() groups a Compose project by its labels", () => {
  const shop = [
    named("shop-web-2", compose("shop", "web", 2)),
    named("shop-db-1", compose("shop", "db")),
    named("shop-web-1", compose("shop", "web")),
  ];
  assertEquals(short(shop), [
    "stack shop by compose: db/1=shop-db-1 web/1=shop-web-1 web/2=shop-web-2",
  ]);
  const [candidate] = discovered(shop).candidates;
  assertEquals(candidate!.claim, {
    by: "compose",
    project: "shop",
    files: { workingDirs: [], configFiles: [] },
  });
  assertEquals(candidate!.notes, []);
});

Deno.test("discover() groups a Swarm stack, roles without its prefix, replicas by slot", () => {
  const swarm = (service: string, task: string, namespace = "prod") => ({
    "com.docker.stack.namespace": namespace,
    "com.docker.swarm.service.name": service,
    "com.docker.swarm.task.name": task,
  });
  assertEquals(
    short([
      named("prod_web.2.xyz", swarm("prod_web", "prod_web.2.xyz")),
      named("prod_web.1.abc", swarm("prod_web", "prod_web.1.abc")),
      named("prod_agent.node1.q", swarm("prod_agent", "prod_agent.k3jd8.q")),
      named("lone.1.x", { "com.docker.swarm.service.name": "lone" }),
    ]),
    [
      "stack lone by swarm: lone/1=lone.1.x",
      "stack prod by swarm: agent/1=prod_agent.node1.q web/1=prod_web.1.abc web/2=prod_web.2.xyz",
    ],
  );
});

Deno.test("discover() takes names from the platforms that give them", () => {
  const coolify = { "coolify.managed": "true", "coolify.resourceName": "my-api" };
  assertEquals(
    short([
      named("x1y2-170000", { ...coolify, ...compose("x1y2", "x1y2") }),
      named("db-abc", { "coolify.managed": "true", "coolify.name": "postgres" }),
      named("app-web-production-3f2a", { service: "app", role: "web", destination: "production" }),
      named("app-jobs-3f2a", { service: "app", role: "jobs" }),
      named("liar", { service: "app", role: "web" }),
      named("blog.web.1", { "com.dokku.app-name": "blog", "com.dokku.process-type": "web" }),
      named("blog.worker.1", { "com.dokku.app-name": "blog", "com.dokku.process-type": "worker" }),
      named("systemd-pihole", { PODMAN_SYSTEMD_UNIT: "pihole.service" }),
      named("plex", { "net.unraid.docker.managed": "dockerman" }),
      named("redis"),
    ]),
    [
      "site app-jobs by kamal: /1=app-jobs-3f2a",
      "site app-production by kamal: /1=app-web-production-3f2a",
      "site blog by dokku: /1=blog.web.1",
      "site blog-worker by dokku: /1=blog.worker.1",
      "site liar by name: /1=liar",
      "stack my-api by coolify: x1y2/1=x1y2-170000",
      "site pihole by systemd: /1=systemd-pihole",
      "site plex by unraid: /1=plex",
      "site postgres by coolify: /1=db-abc",
      "site redis by name: /1=redis",
    ],
  );
});

Deno.test("discover() lets Compose's labels win over a systemd unit's", () => {
  const labels = { ...compose("media", "tv"), PODMAN_SYSTEMD_UNIT: "podman-compose@media.service" };
  assertEquals(short([named("media_tv_1", labels)]), ["stack media by compose: tv/1=media_tv_1"]);
});

Deno.test("discover() takes labels that an image inherited from its build for none", () => {
  const labels = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.version": "2.30.0",
  };
  assertEquals(short([named("copy", labels)], { refusal: () => "unmanaged" }), [
    "site copy by name: /1=copy",
  ]);
});

Deno.test("discover() takes a service that is only named as if it were run once for a service", () => {
  assertEquals(short([named("cache_tmp1", compose("shop", "web"))]), [
    "stack shop by compose: web/1=cache_tmp1",
  ]);
});

Deno.test("discover() says what it leaves out, and why", () => {
  const refusals: Record<string, RefusalReason | null> = {
    managed: null,
    forged: "unknown-workload",
    waiting: "awaiting-deployer",
    prefixed: "unknown-stack",
  };
  const { candidates, leftOut } = discovered([
    named("k8s_pod", { "io.kubernetes.pod.name": "p" }),
    container({ id: "i1", name: "0123456789ab-infra", image: "localhost/podman-pause:4.3.1-0" }),
    container({ id: "i2", name: "pod1", image: "registry.k8s.io/pause:3.9" }),
    named("shop_run_1", { ...compose("shop", "web"), "com.docker.compose.oneoff": "True" }),
    named("shop-hook", { ...compose("shop", "web"), "com.docker.compose.hook": "pre_start" }),
    named("shop_web_tmp4711", ofPodman("shop", "web")),
    // As old Compose makes it: like an image that it built, but for this.
    named("shop_web_run_b3bf", {
      "com.docker.compose.project": "shop",
      "com.docker.compose.service": "web",
      "com.docker.compose.version": "1.29.2",
      "com.docker.compose.oneoff": "True",
    }),
    container({ id: "nameless", name: "" }),
    named("managed"),
    named("forged"),
    named("waiting"),
    named("prefixed", compose("tinyforge-x", "web")),
    named("claimed"),
  ], {
    refusal: ({ name }) => refusals[name] === undefined ? "unmanaged" : refusals[name],
    isClaimed: (name) => name === "claimed",
  });
  assertEquals(candidates.map(({ name }) => name), ["tinyforge-x"]);
  assertEquals(leftOut.map(({ container, reason }) => `${container}: ${reason}`), [
    "0123456789ab-infra: infra",
    "forged: unknown-workload",
    "k8s_pod: kubernetes",
    "nameless: nameless",
    "pod1: infra",
    "shop-hook: one-off",
    "shop_run_1: one-off",
    "shop_web_run_b3bf: one-off",
    "shop_web_tmp4711: one-off",
    "waiting: awaiting-deployer",
  ]);
});

Deno.test("discover() gives each candidate a name of its own, and says so", () => {
  const { candidates } = discovered([
    named("shop"),
    named("shop-web-1", compose("shop", "web")),
    named("blog"),
  ], { isTaken: (kind, name) => kind === "site" && name === "blog" });
  assertEquals(candidates.map(({ name, kind, notes }) => [name, kind, notes]), [
    ["blog-2", "site", [{ code: "renamed", from: "blog" }]],
    ["shop", "stack", []],
    ["shop-2", "site", [{ code: "renamed", from: "shop" }]],
  ]);
});

Deno.test("discover() tells names apart by more than their case", () => {
  const { candidates } = discovered([named("Blog"), named("BLOG"), named("blog")]);
  const names = candidates.map(({ name }) => name.toLowerCase());
  assertEquals(new Set(names).size, 3);
});

Deno.test("discover() notes what a person should know before", () => {
  const dir = (path: string) => ({ "com.docker.compose.project.working_dir": path });
  const { candidates } = discovered([
    named("a-web-1", { ...compose("a", "web"), ...dir("/srv/a") }, "exited"),
    named("a-db-1", { ...compose("a", "db"), ...dir("/home/me/a") }, "exited"),
    named("app-web-1f", { service: "app", role: "web" }),
  ]);
  assertEquals(candidates.map(({ notes }) => notes), [
    [
      { code: "several-directories", directories: ["/home/me/a", "/srv/a"] },
      { code: "not-running" },
    ],
    [{ code: "name-changes", containerName: "app-web-1f" }],
  ]);
});

Deno.test("composeFilesOf() takes the union of what the containers say", () => {
  const of = (dir: string, files: string) =>
    named("x", {
      "com.docker.compose.project.working_dir": dir,
      "com.docker.compose.project.config_files": files,
    });
  assertEquals(
    composeFilesOf([
      of("/srv/a", "/srv/a/compose.yaml,/srv/a/override.yaml"),
      of("/srv/a/", "compose.yaml,./extra.yaml"),
      of("/srv/b", "-"),
      of("", "lost.yaml"),
      named("without"),
    ]),
    {
      workingDirs: ["/srv/a", "/srv/a/", "/srv/b"],
      configFiles: [
        "/srv/a/compose.yaml",
        "/srv/a/override.yaml",
        "/srv/a/extra.yaml",
        "lost.yaml",
      ],
    },
  );
});

Deno.test("discover() loses no container and invents none, whatever their labels say", () => {
  const odd = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("", "/", "-rf", "a\nb", "\ud800", "x".repeat(300), "shop", "$(reboot)", "2"),
  );
  const keys = fc.constantFrom(
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.container-number",
    "com.docker.compose.oneoff",
    "com.docker.stack.namespace",
    "com.docker.swarm.service.name",
    "com.docker.swarm.task.name",
    "coolify.managed",
    "coolify.name",
    "com.dokku.app-name",
    "PODMAN_SYSTEMD_UNIT",
    "service",
    "role",
    "__proto__",
  );
  const containers = fc.array(fc.record({ name: odd, labels: fc.dictionary(keys, odd) }));
  fc.assert(fc.property(containers, (wild) => {
    const all = wild.map(({ name, labels }, i) => container({ id: `id-${i}`, name, labels }));
    const { candidates, leftOut } = discovered(all);
    const taken = candidates.flatMap(({ containers }) => containers.map(({ id }) => id));
    assertEquals(new Set(taken).size, taken.length);
    assertEquals(taken.length + leftOut.length, all.length);
    const names = candidates.map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    for (const name of names) {
      assert(name !== "" && name.length <= 128 && name === name.trim(), JSON.stringify(name));
      assert(!/^-|\//.test(name) && name.isWellFormed(), JSON.stringify(name));
    }
  }));
});

Deno.test("labelText() and nameFrom() keep what can be shown, and nothing else", () => {
  assertEquals(["a", " a ", "a\u0000", "\ud800", "x".repeat(257), undefined].map(labelText), [
    "a",
    "a",
    "",
    "",
    "",
    "",
  ]);
  assertEquals(["a/b", "--a", " a ", "-", "/"].map(nameFrom), ["a-b", "a", "a", "", ""]);
});

Deno.test("discover() groups 10,000 containers in less than a second", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => {
    const project = `p${i % 2000}`;
    return i % 5 === 0
      ? container({ id: `c${i}`, name: "same" })
      : container({ id: `c${i}`, name: `${project}-${i}`, labels: compose(project, `s${i}`) });
  });
  const began = processorMs();
  const { candidates } = discovered(many);
  const took = processorMs() - began;
  assertEquals(new Set(candidates.map(({ name }) => name)).size, candidates.length);
  assert(took < 1000, `${took} ms`);
});

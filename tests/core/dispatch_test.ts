import { assertEquals } from "@std/assert";
import { dispatcher, MAX_LABEL_LENGTH } from "../../src/core/dispatch.ts";
import type { IndexRow, ListedContainer } from "../../src/model/container.ts";
import type { Claim } from "../../src/model/pass.ts";
import type { Workload } from "../../src/model/workload.ts";
import { MemoryIndex } from "../../src/core/memory_index.ts";
import { container, directoryOf, namedSite, row, workload } from "../harness/world.ts";

const project = workload("project", "api");
const stack = workload("stack", "shop");
const site = workload("site", "blog");
const all = [project, stack, site];

/** What a container with these labels gets: `row role replica`, or the refusal. */
function dispatched(
  labels: Record<string, string>,
  world: { rows?: IndexRow[]; workloads?: Workload[]; c?: Partial<ListedContainer> } = {},
): string {
  const dispatch = dispatcher({
    directory: directoryOf(...(world.workloads ?? all)),
    index: new MemoryIndex(world.rows ?? []),
    composePrefix: "tinyforge-",
  });
  const result = dispatch(container({ id: "c1", labels, ...world.c }));
  return "reason" in result ? result.reason : said(result);
}

function said({ rowId, workload, role, replica }: Claim): string {
  return `${rowId} of ${workload.id} role "${role}" replica ${replica}`;
}

const byId = (id: string, more: Record<string, string> = {}) => ({
  "tinyforge.workload.id": id,
  ...more,
});
const compose = (project: string, more: Record<string, string> = {}) => ({
  "com.docker.compose.project": project,
  ...more,
});

Deno.test("dispatcher() gives a site labelled by workload id its one row", () => {
  assertEquals(dispatched(byId("w-blog")), 'w-blog:site of w-blog role "" replica 1');
  assertEquals(
    dispatched(byId("w-blog", { "tinyforge.workload.role": "web" })),
    'w-blog:site of w-blog role "" replica 1',
  );
});

Deno.test("dispatcher() gives a labelled container the row of its role", () => {
  assertEquals(
    dispatched(byId("w-shop", { "tinyforge.workload.role": "web" })),
    'w-shop:web of w-shop role "web" replica 1',
  );
});

Deno.test("dispatcher() gives a labelled container without a role a row of its own", () => {
  assertEquals(dispatched(byId("w-shop")), 'w-shop:c1 of w-shop role "" replica 1');
});

Deno.test("dispatcher() gives a bound container its row before any other", () => {
  const rows = [row({ id: "deployers-own", role: "green", replica: 3 })];
  assertEquals(
    dispatched(byId("w-shop"), { rows }),
    'deployers-own of w-shop role "green" replica 3',
  );
  assertEquals(
    dispatched(byId("w-shop", { "tinyforge.workload.role": "web" }), { rows }),
    'deployers-own of w-shop role "web" replica 3',
  );
});

Deno.test("dispatcher() gives a container the row that its label names, if it is of its workload", () => {
  const rows = [
    row({
      id: "api-7",
      workloadId: "w-api",
      workloadKind: "project",
      containerId: null,
      replica: 2,
    }),
    row({ id: "mine", containerId: "c0", role: "green", replica: 3 }),
    row({ id: "blogs", workloadId: "w-blog", workloadKind: "site", containerId: null }),
  ];
  const named = (workload: string, rowId: string, more: Record<string, string> = {}) =>
    dispatched(byId(workload, { "tinyforge.row.id": rowId, ...more }), { rows });
  assertEquals(named("w-api", "api-7"), 'api-7 of w-api role "" replica 2');
  assertEquals(named("w-shop", "mine"), 'mine of w-shop role "green" replica 3');
  assertEquals(
    named("w-shop", "mine", { "tinyforge.workload.role": "web" }),
    'mine of w-shop role "web" replica 3',
  );
  assertEquals(
    named("w-blog", "blogs", { "tinyforge.workload.role": "web" }),
    'blogs of w-blog role "" replica 1',
  );
  // Another workload's row, or none: as if the label were not there.
  assertEquals(named("w-api", "mine"), "awaiting-deployer");
  assertEquals(named("w-api", "api-8"), "awaiting-deployer");
  assertEquals(named("w-shop", "api-7"), 'w-shop:c1 of w-shop role "" replica 1');
  assertEquals(dispatched({ "tinyforge.row.id": "mine" }, { rows }), "unmanaged");
});

Deno.test("dispatcher() gives a bound container its row, whatever row its label names", () => {
  const rows = [
    row({ id: "other", containerId: null }),
    row({ id: "own", containerId: "c1", role: "green" }),
  ];
  const labels = byId("w-shop", { "tinyforge.row.id": "other" });
  assertEquals(dispatched(labels, { rows }), 'own of w-shop role "green" replica 1');
});

Deno.test("dispatcher() refuses an unknown workload id", () => {
  assertEquals(dispatched(byId("forged")), "unknown-workload");
});

Deno.test("dispatcher() refuses a kind that is not the workload's", () => {
  const labels = byId("w-shop", { "tinyforge.workload.kind": "site" });
  assertEquals(dispatched(labels), "kind-mismatch");
  assertEquals(
    dispatched(byId("w-shop", { "tinyforge.workload.kind": "stack" })),
    'w-shop:c1 of w-shop role "" replica 1',
  );
});

Deno.test("dispatcher() refuses a container bound to another workload's row", () => {
  const rows = [row({ id: "r1", workloadId: "w-api", workloadKind: "project" })];
  assertEquals(dispatched(byId("w-shop"), { rows }), "workload-mismatch");
});

Deno.test("dispatcher() lets a project's container wait for the deployer's row", () => {
  assertEquals(dispatched(byId("w-api")), "awaiting-deployer");
  assertEquals(
    dispatched(byId("w-api", { "tinyforge.workload.role": "web" })),
    "awaiting-deployer",
  );
  const rows = [row({ id: "r1", workloadId: "w-api", workloadKind: "project" })];
  assertEquals(dispatched(byId("w-api"), { rows }), 'r1 of w-api role "" replica 1');
});

Deno.test("dispatcher() gives a container with a legacy site label the site's row", () => {
  assertEquals(
    dispatched({ "tinyforge.static-site": "site-blog" }),
    'w-blog:site of w-blog role "" replica 1',
  );
});

Deno.test("dispatcher() takes a site's name in its label, and an id before another's name", () => {
  const site = (refId: string, name: string): Workload => ({
    id: `w-${refId}`,
    kind: "site",
    refId,
    name,
  });
  const dispatch = dispatcher({
    directory: directoryOf(site("s1", "s2"), site("s2", "blog")),
    index: new MemoryIndex([]),
    composePrefix: "",
  });
  const rowOf = (label: string) => {
    const claim = dispatch(container({ id: "c1", labels: { "tinyforge.static-site": label } }));
    return "reason" in claim ? claim.reason : claim.rowId;
  };
  assertEquals(["blog", "s1", "s2", "Blog"].map(rowOf), [
    "w-s2:site",
    "w-s1:site",
    "w-s2:site",
    "unknown-site",
  ]);
});

Deno.test("dispatcher() refuses an unknown legacy site", () => {
  assertEquals(dispatched({ "tinyforge.static-site": "site-gone" }), "unknown-site");
});

Deno.test("dispatcher() gives a Compose container the row of its service", () => {
  assertEquals(
    dispatched(compose("shop", { "com.docker.compose.service": "web" })),
    'w-shop:web of w-shop role "web" replica 1',
  );
});

Deno.test("dispatcher() names a Compose container without a service by its name", () => {
  assertEquals(
    dispatched(compose("shop"), { c: { name: "shop_web_1" } }),
    'w-shop:shop_web_1 of w-shop role "shop_web_1" replica 1',
  );
});

Deno.test("dispatcher() gives further replicas rows with their number", () => {
  const replica = (n: string) =>
    dispatched(compose("shop", {
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": n,
    }));
  assertEquals(replica("1"), 'w-shop:web of w-shop role "web" replica 1');
  assertEquals(replica("3"), 'w-shop:web:3 of w-shop role "web" replica 3');
  for (const odd of ["", "0", "-2", "1.5", "1e3", "٣", "99999999999"]) {
    assertEquals(replica(odd), 'w-shop:web of w-shop role "web" replica 1', odd);
  }
});

Deno.test("dispatcher() refuses a Compose one-off", () => {
  const labels = (v: string) => compose("shop", { "com.docker.compose.oneoff": v });
  assertEquals(dispatched(labels("True")), "one-off");
  assertEquals(
    dispatched(labels("False")),
    'w-shop:name-of-c1 of w-shop role "name-of-c1" replica 1',
  );
});

Deno.test("dispatcher() refuses a Compose project with our prefix that nobody registered", () => {
  assertEquals(dispatched(compose("tinyforge-new")), "unknown-stack");
});

Deno.test("dispatcher() leaves a foreign Compose project unmanaged", () => {
  assertEquals(dispatched(compose("other")), "unmanaged");
});

Deno.test("dispatcher() leaves a container without labels unmanaged", () => {
  assertEquals(dispatched({}), "unmanaged");
  assertEquals(dispatched({ maintainer: "someone" }), "unmanaged");
});

Deno.test("dispatcher() takes an empty label for no label", () => {
  assertEquals(
    dispatched({
      ...byId("", { "tinyforge.workload.role": "x" }),
      "tinyforge.static-site": "",
      ...compose("shop", { "com.docker.compose.service": "web" }),
    }),
    'w-shop:web of w-shop role "web" replica 1',
  );
  assertEquals(
    dispatched(byId("w-shop", { "tinyforge.workload.kind": "", "tinyforge.workload.role": "" })),
    'w-shop:c1 of w-shop role "" replica 1',
  );
});

Deno.test("dispatcher() does not fall through from a rule that refused", () => {
  const both = {
    ...byId("forged"),
    "tinyforge.static-site": "site-blog",
    ...compose("shop", { "com.docker.compose.service": "web" }),
  };
  assertEquals(dispatched(both), "unknown-workload");
  const site = { "tinyforge.static-site": "site-gone", ...compose("shop") };
  assertEquals(dispatched(site), "unknown-site");
});

Deno.test("dispatcher() tries the rules in their order", () => {
  assertEquals(
    dispatched({
      ...byId("w-shop", { "tinyforge.workload.role": "a" }),
      "tinyforge.static-site": "site-blog",
      ...compose("shop"),
    }),
    'w-shop:a of w-shop role "a" replica 1',
  );
  assertEquals(
    dispatched({ "tinyforge.static-site": "site-blog", ...compose("shop") }),
    'w-blog:site of w-blog role "" replica 1',
  );
});

Deno.test("dispatcher() takes a label that is too long or can't be stored for no label", () => {
  for (const hostile of ["x".repeat(MAX_LABEL_LENGTH + 1), "a\u0000b", "a\nb", "a\ud800b"]) {
    assertEquals(
      dispatched(byId("w-shop", { "tinyforge.workload.role": hostile })),
      'w-shop:c1 of w-shop role "" replica 1',
    );
    assertEquals(dispatched(byId(hostile)), "unmanaged");
  }
  assertEquals(
    dispatched(byId("w-shop", { "tinyforge.workload.role": "x".repeat(MAX_LABEL_LENGTH) })),
    `w-shop:${"x".repeat(MAX_LABEL_LENGTH)} of w-shop role "${
      "x".repeat(MAX_LABEL_LENGTH)
    }" replica 1`,
  );
});

Deno.test("dispatcher() takes labels that look like code or names of properties as data", () => {
  for (const hostile of ["'; DROP TABLE containers; --", "__proto__", "constructor", "../../x"]) {
    assertEquals(dispatched(byId(hostile)), "unknown-workload");
    assertEquals(dispatched(compose(hostile)), "unmanaged");
  }
});

Deno.test("dispatcher() looks a Compose project up once in a pass, a miss too", () => {
  const directory = directoryOf(stack);
  const dispatch = dispatcher({ directory, index: new MemoryIndex([]), composePrefix: "" });
  for (let i = 0; i < 5; i++) {
    for (const name of ["shop", "other"]) {
      dispatch(container({ id: `${name}${i}`, labels: compose(name) }));
    }
  }
  assertEquals(directory.composeLookups, ["shop", "other"]);
});

Deno.test("dispatcher() refuses what Compose runs once, by whichever rule it would claim", () => {
  const once: [Record<string, string>, Partial<ListedContainer>][] = [
    [{ "com.docker.compose.oneoff": "True" }, {}],
    [{ "com.docker.compose.hook": "post_start" }, {}],
    // Podman's Compose says it by the name alone.
    [{}, { name: "shop_web_tmp4711" }],
  ];
  const claims = [
    byId("w-shop", { "tinyforge.workload.role": "web" }),
    byId("w-shop"),
    byId("w-blog"),
    { "tinyforge.static-site": "site-blog" },
    {},
  ];
  for (const [labels, c] of once) {
    for (const claim of claims) {
      const all = { ...compose("shop", { "com.docker.compose.service": "web" }), ...labels };
      assertEquals(dispatched({ ...all, ...claim }, { c }), "one-off", JSON.stringify(claim));
      const rows = [row({ id: "w-shop:web", role: "web" })];
      assertEquals(dispatched({ ...all, ...claim }, { c, rows }), "one-off");
    }
  }
});

Deno.test("dispatcher() takes a service that is only named as if it were run once for a service", () => {
  const docker = { "com.docker.compose.config-hash": "e1ad", "com.docker.compose.service": "web" };
  const c = { name: "cache_tmp1" };
  assertEquals(
    dispatched(compose("shop", docker), { c }),
    'w-shop:web of w-shop role "web" replica 1',
  );
  assertEquals(dispatched(byId("w-shop"), { c }), 'w-shop:c1 of w-shop role "" replica 1');
});

Deno.test("dispatcher() refuses labels of Compose that came with an image which it built", () => {
  const inherited = compose("shop", {
    "com.docker.compose.service": "web",
    "com.docker.compose.version": "2.40.3",
  });
  assertEquals(dispatched(inherited), "inherited");
  assertEquals(dispatched({ ...inherited, ...compose("elsewhere") }), "unmanaged");
  for (const own of ["com.docker.compose.config-hash", "com.docker.compose.container-number"]) {
    assertEquals(
      dispatched({ ...inherited, [own]: "1" }),
      'w-shop:web of w-shop role "web" replica 1',
    );
  }
  // Its name speaks for itself, and so does a label of ours.
  const copy = namedSite("copy");
  assertEquals(
    dispatched(inherited, { workloads: [...all, copy], c: { name: "copy" } }),
    'w-copy:site of w-copy role "" replica 1',
  );
  assertEquals(
    dispatched({ ...inherited, ...byId("w-shop", { "tinyforge.workload.role": "api" }) }),
    'w-shop:api of w-shop role "api" replica 1',
  );
});

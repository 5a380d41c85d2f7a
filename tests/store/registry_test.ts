import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { hintFor } from "../../src/cli/words.ts";
import { hasInvisible } from "../../src/text.ts";
import { Failure } from "../../src/failure.ts";
import type { Store } from "../../src/store/store.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { told } from "../harness/counted_feed.ts";
import { tempStore } from "../harness/temp_store.ts";

function failure(operation: () => unknown): Failure {
  return assertThrows(operation, Failure);
}

Deno.test("Registry.create() makes an entry and its workload together", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  const { entry, secret } = registry.create("stack", {
    name: "shop",
    composeProjectName: "tinyforge-shop",
  });
  assertEquals(workloads.get(entry.workloadId), {
    id: entry.workloadId,
    kind: "stack",
    refId: entry.id,
    name: "shop",
  });
  assertEquals(secret.length, 43);
  assertEquals(workloads.secret(entry.workloadId), secret);
  const directory = workloads.directory();
  assertEquals(directory.byId(entry.workloadId)?.name, "shop");
  assertEquals(directory.byComposeProject("tinyforge-shop")?.name, "shop");
});

Deno.test("Registry.create() refuses a name that is taken within its kind only", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  registry.create("site", { name: "blog" });
  registry.create("project", { name: "blog" });
  const error = failure(() => registry.create("site", { name: "blog" }));
  assertEquals(error.code, "conflict");
  assertStringIncludes(error.message, '"blog"');
  assertEquals(registry.list("site").length, 1);
  assertEquals(temp.store.workloads.list().length, 2);
});

Deno.test("Registry.create() refuses a Compose project of another stack and says whose", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  registry.create("stack", { name: "one", composeProjectName: "tinyforge-x" });
  const error = failure(() =>
    registry.create("stack", { name: "two", composeProjectName: "tinyforge-x" })
  );
  assertEquals(error.code, "conflict");
  assertStringIncludes(error.message, '"one"');
});

Deno.test("Registry.create() takes the name of any Compose project that exists in the world", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  for (const project of ["domain.co.il", "KAST", "a_b-c", "9lives"]) {
    const { entry } = registry.create("stack", { name: project, composeProjectName: project });
    assertEquals(entry.composeProjectName, project);
    assertEquals(workloads.directory().byComposeProject(project)?.id, entry.workloadId);
  }
  for (const project of ["", "-x", ".x", "a b", "a/b", "$(x)", "é", "x".repeat(129)]) {
    const error = failure(() =>
      registry.create("stack", { name: "x", composeProjectName: project })
    );
    assertEquals(error.code, "invalid", project);
  }
});

Deno.test("Registry.create() takes a free id back, and says of a taken one that it is the id", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  const { workloadId } = registry.create("site", { name: "blog" }).entry;
  const error = failure(() =>
    registry.create("stack", {
      name: "shop",
      composeProjectName: "shop",
      id: workloadId,
    })
  );
  assertEquals([error.code, error.data], ["conflict", { over: "id" }]);
  assertStringIncludes(error.message, `id "${workloadId}" is taken already`);
  registry.remove("site", registry.list("site")[0]!.id);
  const taken = registry.create("site", { name: "other", id: workloadId }).entry;
  assertEquals([taken.id, taken.workloadId], [workloadId, workloadId]);
  assertEquals(workloads.directory().byId(workloadId)?.name, "other");
});

Deno.test("Registry.create() refuses names that can't be shown or told apart", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  for (
    const name of [
      "",
      "x".repeat(129),
      "y".repeat(10_000),
      "a\nb",
      "a\u001b[31mred",
      "nul\u0000",
      "zero\u200bwidth",
      "soft\u00adhyphen",
      "tag\u{e0041}",
      "line\u2028end",
      "a/b",
      " padded ",
      "-flag",
      "\ud800",
    ]
  ) {
    const error = failure(() => registry.create("site", { name }));
    assertEquals(error.code, "invalid");
    assert(error.message.length < 300);
    assert(!hasInvisible(error.message), "nothing invisible in a message");
  }
  assertEquals(workloads.list(), []);
  registry.create("site", { name: "Blog – für Ümläute 🎈" });
});

Deno.test("Registry and StageTable keep names in NFC, however they are spelled", async () => {
  await using temp = await tempStore();
  const { registry, stages } = temp.store;
  const { entry } = registry.create("project", { name: "cafe\u0301" });
  assertEquals(entry.name, "caf\u00e9");
  assertEquals(registry.named("project", "cafe\u0301")?.id, entry.id);
  assertEquals(failure(() => registry.create("project", { name: "caf\u00e9" })).code, "conflict");
  const stage = stages.create(entry.id, { name: "e\u0301" });
  assertEquals(stage.name, "\u00e9");
  assertEquals(stages.named(entry.id, "e\u0301")?.id, stage.id);
  assertEquals(failure(() => stages.create(entry.id, { name: "\u00e9" })).code, "conflict");
});

Deno.test("Registry and StageTable refuse a name that differs from another by case alone", async () => {
  await using temp = await tempStore();
  const { registry, stages, workloads } = temp.store;
  const { entry } = registry.create("project", { name: "Shop" });
  registry.create("project", { name: "Übung" });
  for (const [name, has] of [["shop", "Shop"], ["SHOP", "Shop"], ["übung", "Übung"]] as const) {
    const error = failure(() => registry.create("project", { name }));
    assertEquals([error.code, error.data], ["conflict", { over: "name" }]);
    assertStringIncludes(
      error.message,
      `a project named "${has}" exists already, which differs from "${name}" by case alone`,
    );
  }
  // Of another kind it is another name, and one's own may change its case.
  registry.create("site", { name: "shop" });
  assertEquals(registry.update("project", entry.id, { name: "SHOP" }).name, "SHOP");
  const other = registry.create("project", { name: "other" }).entry;
  assertEquals(
    failure(() => registry.update("project", other.id, { name: "shop" })).code,
    "conflict",
  );
  stages.create(entry.id, { name: "Live" });
  assertEquals(failure(() => stages.create(entry.id, { name: "live" })).code, "conflict");
  assertEquals(stages.create(other.id, { name: "live" }).name, "live");
  assertEquals(workloads.list().map(({ name }) => name).sort(), ["SHOP", "other", "shop", "Übung"]);
});

Deno.test("Registry gives no two sites one domain, in whatever case", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  const { entry: blog } = registry.create("site", { name: "blog", domain: "a.example.org" });
  const { entry: other } = registry.create("site", { name: "other" });
  const refused = [
    failure(() => registry.create("site", { name: "new", domain: "A.example.org" })),
    failure(() => registry.update("site", other.id, { domain: "a.example.org" })),
  ];
  for (const error of refused) {
    assertEquals([error.code, error.data], ["conflict", { over: "domain" }]);
    assertStringIncludes(error.message, 'belongs to site "blog" already');
  }
  assertEquals(registry.update("site", blog.id, { name: "journal" }).domain, "a.example.org");
  registry.update("site", blog.id, { domain: null });
  assertEquals(
    registry.update("site", other.id, { domain: "a.example.org" }).domain,
    "a.example.org",
  );
});

Deno.test("Registry changes an entry that is older than the rule that its name breaks", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  registry.create("site", { name: "blog", domain: "a.example.org" });
  const { entry } = registry.create("site", { name: "other" });
  const { Database } = await import("@db/sqlite");
  const db = new Database(temp.path);
  db.prepare("UPDATE static_sites SET name = 'Blog', domain = 'A.example.org' WHERE id = ?")
    .run(entry.id);
  db.close();
  const changed = registry.update("site", entry.id, { containerName: "web" });
  assertEquals([changed.name, changed.domain], ["Blog", "A.example.org"]);
});

Deno.test("Registry.update() renames entry and workload together", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  const { entry, secret } = registry.create("site", { name: "blog", domain: "blog.example" });
  const renamed = registry.update("site", entry.id, { name: "journal" });
  assertEquals([renamed.name, renamed.domain], ["journal", "blog.example"]);
  assertEquals(workloads.get(entry.workloadId)?.name, "journal");
  assertEquals(workloads.byWebhookSecret(secret)?.name, "journal");
  assertEquals(workloads.directory().byId(entry.workloadId)?.name, "journal");
  assertEquals(registry.update("site", entry.id, { domain: null }).domain, null);
});

Deno.test("Registry.update() refuses fields of other kinds", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  const project = registry.create("project", { name: "api" }).entry;
  assertEquals(
    failure(() => registry.update("project", project.id, { domain: "x.example" })).code,
    "invalid",
  );
  assertEquals(
    failure(() => registry.update("project", project.id, { composeProjectName: "x" })).code,
    "invalid",
  );
});

function siteWithRow(store: Store): string {
  const { entry } = store.registry.create("site", { name: "blog" });
  store.deployed.saveDeployedContainer({ id: "r1", workloadId: entry.workloadId });
  return entry.id;
}

Deno.test("Registry.remove() refuses what rows refer to, and forgets them when forced", async () => {
  await using temp = await tempStore();
  const { registry, workloads, views, containers } = temp.store;
  const id = siteWithRow(temp.store);
  const error = failure(() => registry.remove("site", id));
  assertEquals(error.code, "in-use");
  assertStringIncludes(error.message, "1 container row refers");
  assertStringIncludes(hintFor(error), "--force");
  assertEquals(containers.index().size, 1);

  registry.remove("site", id, { force: true });
  assertEquals([registry.list("site"), workloads.list(), views.list()], [[], [], []]);
  assertEquals(containers.index().size, 0);
  assertEquals(failure(() => registry.remove("site", id)).code, "not-found");
});

Deno.test("Registry.remove() ends the stories of the rows that it takes with it", async () => {
  await using temp = await tempStore();
  const { registry, transitions, deployed } = temp.store;
  const { entry } = registry.create("project", { name: "shop" });
  for (const id of ["shop-1", "shop-2"]) {
    deployed.saveDeployedContainer({ id, workloadId: entry.workloadId, containerId: `c-${id}` });
  }
  registry.remove("project", entry.id, { force: true });
  for (const id of ["shop-1", "shop-2"]) {
    const { from, to, cause, containerId, origin } = transitions.ofRow(id).at(-1)!;
    assertEquals([from, to, cause, containerId, origin], [
      "pending",
      "removed",
      "deployer",
      `c-${id}`,
      {
        by: "deployer",
        who: null,
        action: "removed",
        entry: { kind: "project", name: "shop" },
      },
    ]);
  }
});

Deno.test("Registry.update() names in its errors what it was asked to change", async () => {
  await using temp = await tempStore();
  const { registry } = temp.store;
  registry.create("site", { name: "blog" });
  const { entry } = registry.create("site", { name: "shop" });
  assertEquals(
    failure(() => registry.update("site", entry.id, { name: "blog" })).message,
    'Cannot change site "shop": a site named "blog" exists already',
  );
});

Deno.test("StageTable.remove() counts the rows that refer to a stage", async () => {
  await using temp = await tempStore();
  const { registry, stages, deployed } = temp.store;
  const { entry } = registry.create("project", { name: "shop" });
  const stage = stages.create(entry.id, { name: "live", maxInstances: 2 });
  const row = { workloadId: entry.workloadId, stageId: stage.id };
  deployed.saveDeployedContainer({ id: "one", ...row });
  const remove = () => failure(() => stages.remove(stage.id)).message;
  assertEquals(remove(), 'Cannot remove stage "live": 1 container row refers to it');
  deployed.saveDeployedContainer({ id: "two", ...row });
  assertEquals(remove(), 'Cannot remove stage "live": 2 container rows refer to it');
});

Deno.test("WorkloadTable.rotateSecret() replaces the secret for good", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  const { entry, secret } = registry.create("site", { name: "blog" });
  const rotated = workloads.rotateSecret(entry.workloadId);
  assertNotEquals(rotated, secret);
  assertEquals(workloads.byWebhookSecret(secret), undefined);
  assertEquals(workloads.byWebhookSecret(rotated)?.id, entry.workloadId);
  assertEquals(failure(() => workloads.rotateSecret("nobody")).code, "not-found");
});

Deno.test("WorkloadTable.byWebhookSecret() takes only the whole secret", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  const { secret } = registry.create("site", { name: "blog" });
  for (
    const wrong of ["", secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), "\u0000", "ä"]
  ) {
    assertEquals(workloads.byWebhookSecret(wrong), undefined);
  }
});

Deno.test("Registry writes entry and workload, or neither", async () => {
  await using temp = await tempStore();
  const { registry, workloads } = temp.store;
  registry.create("site", { name: "blog" });
  const { Database } = await import("@db/sqlite");
  const saboteur = new Database(temp.path);
  saboteur.exec(
    "CREATE TRIGGER no_more BEFORE INSERT ON workloads BEGIN SELECT RAISE(ABORT, 'no'); END",
  );
  saboteur.exec(
    "CREATE TRIGGER no_new BEFORE UPDATE ON workloads BEGIN SELECT RAISE(ABORT, 'no'); END",
  );
  assertThrows(() => registry.create("site", { name: "two" }));
  assertThrows(() => registry.update("site", registry.named("site", "blog")!.id, { name: "x" }));
  assertEquals(registry.list("site").map((e) => e.name), ["blog"]);
  assertEquals(workloads.list().map((w) => w.name), ["blog"]);
  saboteur.close();
});

Deno.test("StageTable keeps stages by name within their project", async () => {
  await using temp = await tempStore();
  const { registry, stages, deployed, views } = temp.store;
  const { entry } = registry.create("project", { name: "api" });
  const stage = stages.create(entry.id, { name: "production", maxInstances: 2 });
  assertEquals(failure(() => stages.create(entry.id, { name: "production" })).code, "conflict");
  assertEquals(failure(() => stages.create("nobody", { name: "x" })).code, "not-found");
  assertEquals(
    failure(() => stages.create(entry.id, { name: "x", maxInstances: 0 })).code,
    "invalid",
  );
  deployed.saveDeployedContainer({
    id: "r1",
    workloadId: entry.workloadId,
    stageId: stage.id,
    subdomain: "api",
  });
  stages.update(stage.id, { name: "live" });
  assertEquals(views.listProxyRoutes().map((r) => [r.id, r.stageName, r.workloadName]), [
    ["r1", "live", "api"],
  ]);
  assertEquals(failure(() => stages.remove(stage.id)).code, "in-use");
  stages.remove(stage.id, { force: true });
  assertEquals(views.get("r1").stageId, null);
});

Deno.test("StageTable.create() tells readers, because legacy rows may get its name", async () => {
  const feed = new Feed<Written>();
  await using temp = await tempStore({ feed });
  const { store } = temp;
  const { entry } = store.registry.create("project", { name: "app" });
  const row = store.deployed.saveDeployedContainer({ workloadId: entry.workloadId, role: "live" });
  assertEquals(row.stageName, null);
  const commits = told(feed);
  store.stages.create(entry.id, { name: "live" });
  assertEquals(await commits.all(), [{ rows: [], all: true }]);
  assertEquals(store.views.get(row.id).stageName, "live");
});

Deno.test("ExpectationTable.roles() forgets those of a workload that was removed, also once its id is back", async () => {
  await using temp = await tempStore();
  const { registry, expectations } = temp.store;
  const { entry } = registry.create("site", { name: "blog" });
  const { id, workloadId } = entry;
  expectations.set(workloadId, [
    { role: "", mode: "any", replicas: 1, image: null, source: "manual" },
  ]);
  assertEquals(expectations.roles().of(workloadId, "")?.mode, "any");
  assert(expectations.roles() === expectations.roles());
  registry.remove("site", id);
  registry.create("site", { name: "blog", id: workloadId });
  assertEquals(expectations.of(workloadId), []);
  assertEquals(expectations.roles().of(workloadId, ""), undefined);
});

Deno.test("ExpectationTable.replace() makes what was expected already no younger", async () => {
  await using temp = await tempStore();
  const { registry, expectations } = temp.store;
  const { workloadId } = registry.create("stack", {
    name: "shop",
    composeProjectName: "shop",
  }).entry;
  const web = {
    role: "web",
    mode: "running",
    replicas: 2,
    image: null,
    source: "compose",
  } as const;
  const job = { ...web, role: "job", mode: "completed", replicas: 1 } as const;
  expectations.set(workloadId, [{ ...web, configHash: "h" }, { ...job, configHash: "j" }]);
  const [before] = expectations.of(workloadId).filter(({ role }) => role === "job");
  temp.now += 60_000;
  const after = expectations.replace(workloadId, [{ ...web, replicas: 3, source: "manual" }, job]);
  assertEquals(after.map(({ role, setAt, configHash }) => [role, setAt, configHash]), [
    ["job", before!.setAt, "j"],
    ["web", before!.setAt + 60_000, "h"],
  ]);
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FakeEngine } from "../engines/scripted.ts";
import { pass, siteRow, TestHost } from "../harness/program.ts";

const CONTAINER = "ab".repeat(32);

/** Runs commands that must all do what they are told. */
async function run(host: TestHost, ...commands: string[][]): Promise<void> {
  for (const args of commands) {
    const { code, stderr } = await host.run(...args);
    assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  }
}

Deno.test("add makes the data directory, the entry and its workload, and prints the secret once", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run(
    "add",
    "site",
    "blog",
    "--domain",
    "b.example.org",
  );
  assertEquals(code, 0);
  assertEquals(
    stderr,
    'Added site "blog". Its container: docker run -d $(tinyforge labels site/blog) IMAGE\n' +
      "Label containers with the workload's id (tinyforge.workload.id); the site's own is for\n" +
      "/api/sites and tinyforge.static-site, the secret for /hooks.\n",
  );
  const [entry, secret] = await host.read((store) => {
    const entry = store.registry.named("site", "blog")!;
    return [entry, store.workloads.secret(entry.workloadId)] as const;
  });
  assertEquals(stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/)), [
    ["id", entry.id],
    ["workload", entry.workloadId],
    ["domain", "b.example.org"],
    ["secret", secret],
  ]);
  const modes = await Promise.all(
    [host.dataDir, host.database].map(async (path) => (await Deno.stat(path)).mode! & 0o777),
  );
  assertEquals(modes, [0o700, 0o600]);
  // The lock was taken for the moment only.
  assert(await Deno.lstat(`${host.dataDir}/tinyforge.lock`).then(() => false, () => true));
});

Deno.test("add prints a command that a shell reads back as the name, whatever is in it", async () => {
  await using host = await TestHost.make();
  for (const name of ["blog", "it's", "a b", "$(touch pwned)", 'quo"te', "`id`", "é;ls"]) {
    const { code, stderr } = await host.run("add", "site", "--", name);
    assertEquals(code, 0, stderr);
    const command = /Its container: (.*)/.exec(stderr)![1];
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `tinyforge() { printf '[%s]' "$@" >&2; }; docker() { :; }; ${command}`],
      cwd: host.dir,
      stdin: "null",
    }).output().then(({ stderr }) => ({ stdout: new TextDecoder().decode(stderr) }));
    assertEquals(stdout, `[labels][site/${name}]`);
  }
  assert(await Deno.lstat(`${host.dir}/pwned`).then(() => false, () => true));
});

Deno.test("add stack takes the Compose project from the prefix and the name, or from the flag", async () => {
  await using host = await TestHost.make();
  const first = await host.json("add", "stack", "My Shop", "--compose-prefix", "x-");
  assertEquals([first.kind, first.composeProjectName], ["stack", "x-my-shop"]);
  assertMatch(first.secret, /^[\w-]{43}$/);
  const second = await host.run("add", "stack", "crm", "--compose-project", "crm-1");
  assertEquals(
    second.stderr.split("\n")[0],
    'Added stack "crm". Its containers: docker compose -p crm-1 up -d',
  );
  assertStringIncludes(second.stdout, "compose project  crm-1\n");
});

Deno.test("add, rename, set and rm handle projects and their stages", async () => {
  await using host = await TestHost.make();
  await run(
    host,
    ["add", "project", "api"],
    ["add", "stage", "api/live", "--max-instances", "3"],
    ["rename", "stage", "api/live", "production"],
    ["set", "stage", "api/production", "--max-instances", "4", "--branch", "main"],
    ["rename", "project", "api", "core"],
  );
  const { items } = await host.json("list", "stages");
  const unknown = { id: "", projectId: "", createdAt: "" };
  assertEquals(
    items.map((stage: Record<string, unknown>) => ({ ...stage, ...unknown })),
    [{
      ...unknown,
      name: "production",
      maxInstances: 4,
      branch: "main",
      preview: false,
      project: "core",
    }],
  );
  const inUse = await host.run("rm", "project", "core");
  assertEquals(inUse, {
    code: 1,
    stdout: "",
    stderr: 'Cannot remove project "core": 1 stage refers to it\n' +
      "hint: remove them first, or use --force to forget them too; containers are left alone\n",
  });
  await run(host, ["rm", "stage", "core/production"], ["rm", "project", "core"]);
  assertEquals((await host.json("list")).items, []);
});

Deno.test("set changes and clears a domain and moves a stack to another Compose project", async () => {
  await using host = await TestHost.seeded((store) => {
    store.registry.create("site", { name: "blog" });
    store.registry.create("stack", { name: "shop", composeProjectName: "x-shop" });
  });
  await run(
    host,
    ["set", "site", "blog", "--domain", "a.example.org"],
    ["set", "stack", "shop", "--compose-project", "shop"],
  );
  assertEquals(
    await host.read((store) => store.registry.named("site", "blog")?.domain),
    "a.example.org",
  );
  const cleared = await host.json("set", "site", "blog", "--clear", "domain");
  assertEquals(cleared.domain, null);
  const stack = await host.read((store) => store.registry.named("stack", "shop"));
  assertEquals(stack?.composeProjectName, "shop");
});

Deno.test("rm says what refers to an entry, and --force forgets that too", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    pass(store, [siteRow(workloadId)]);
  });
  const refused = await host.run("rm", "site", "blog");
  assertEquals(refused.code, 1);
  assertStringIncludes(
    refused.stderr,
    'Cannot remove site "blog": 1 container row refers to it\nhint: remove them first, or use --force',
  );
  assertEquals(await host.read((store) => store.views.list().length), 1);
  const { id: carried } = await host.read((store) => store.workloads.list()[0]!);
  const removed = await host.run("rm", "site", "blog", "--force");
  assertEquals([removed.code, removed.stdout], [0, ""]);
  assertStringIncludes(removed.stderr, 'Removed site "blog"; containers were left alone.\n');
  assertStringIncludes(removed.stderr, "Containers that were its own: web.");
  const takesBack = `tinyforge add site NAME --id ${carried}`;
  assertStringIncludes(removed.stderr, takesBack);
  assertEquals(await host.read((store) => store.views.list().length), 0);
});

Deno.test("add --id takes a removed entry's id back, so that its running container is claimed again", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  await run(host, ["add", "site", "blog"]);
  const { items: [{ workloadId: id }] } = await host.json("list", "sites");
  engine.add({ name: "web", labels: { "tinyforge.workload.id": id } });
  assertEquals((await host.json("reconcile", "--once")).claimed, 1);
  await run(host, ["rm", "site", "blog", "--force"], ["add", "site", "blog"]);
  const { refused } = await host.json("reconcile", "--once");
  assertEquals(refused.map(({ reason }: { reason: string }) => reason), ["unknown-workload"]);
  const taken = await host.run("add", "site", "journal", "--id", id);
  assertEquals(taken.code, 0, taken.stderr);
  assertEquals((await host.json("reconcile", "--once")).claimed, 1);
  const { items } = await host.json("ps", "--state", "running");
  assertEquals(items.map((row: Record<string, unknown>) => [row["id"], row["workloadName"]]), [
    [`${id}:site`, "journal"],
  ]);
  // It is nobody's but once, and not for a thing of another kind.
  const again = await host.run("add", "stack", "other", "--id", id);
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, "leave --id out, or choose another");
});

Deno.test("list previews shows each preview's branch, containers and URLs", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_ROUTE_DOMAIN"] = "apps.example";
  await run(
    host,
    ["add", "project", "shop"],
    ["add", "project", "other"],
    ["add", "stage", "shop/pr-12", "--preview", "--branch", "new-search"],
    ["add", "stage", "shop/live"],
    ["container", "add", "shop", "--stage", "pr-12", "--subdomain", "pr-12"],
  );
  const { stdout } = await host.run("list", "previews", "shop");
  assertMatch(
    stdout,
    /^STAGE +BRANCH +CONTAINERS +SINCE +URL\nshop\/pr-12 +new-search +\S 1 pending +\S+ \S+ +https:\/\/pr-12\.apps\.example\n$/,
  );
  const { items } = await host.json("list", "previews");
  assertEquals(items[0].urls, ["https://pr-12.apps.example"]);
  assertStringIncludes(
    (await host.run("list", "previews", "other")).stderr,
    "There are no previews",
  );
  const unknown = await host.run("list", "previews", "shp");
  assertEquals([unknown.code, unknown.stdout], [2, ""], unknown.stderr);
  assertStringIncludes(unknown.stderr, "No project has this id or name");
  const wrong = await host.run("list", "stages", "shop");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "only previews are listed by project");

  await run(host, ["set", "stage", "shop/pr-12", "--clear", "branch,preview"]);
  assertEquals((await host.json("list", "previews")).items, []);
  for (
    const [args, message] of [
      [["set", "stage", "shop/live", "--clear", "domain"], "only a site has one"],
      [["set", "project", "shop", "--clear", "branch"], "only a stage has one"],
      [["add", "site", "x", "--preview"], "only a stage has one"],
      [
        ["set", "stage", "shop/live", "--branch", "a", "--clear", "branch"],
        'Cannot set and clear "branch" at once',
      ],
    ] as const
  ) {
    const { code, stderr } = await host.run(...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
  }
});

Deno.test("rm stage is refused while a row refers to it, and --force leaves the row without one", async () => {
  await using host = await TestHost.seeded((store) => {
    const { id, workloadId } = store.registry.create("project", { name: "api" }).entry;
    const stage = store.stages.create(id, { name: "live" });
    store.deployed.saveDeployedContainer({ id: "api-1", workloadId, stageId: stage.id });
  });
  assertEquals(await host.run("rm", "stage", "api/live"), {
    code: 1,
    stdout: "",
    stderr: 'Cannot remove stage "live": 1 container row refers to it\n' +
      "hint: remove them first, or use --force to leave them without a stage\n",
  });
  assertEquals(await host.read((store) => store.views.get("api-1").stageName), "live");
  await run(host, ["rm", "stage", "api/live", "--force"]);
  assertEquals(await host.read((store) => store.views.get("api-1").stageName), null);
});

Deno.test("with --json a failure is one JSON document on stderr, with a code and null for no hint", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    pass(store, [siteRow(workloadId)]);
  });
  await using empty = await TestHost.make();
  const failed = async (on: TestHost, ...args: string[]) => {
    const { code, stdout, stderr } = await on.run(...args, "--json");
    assertEquals([stdout, stderr.split("\n").length], ["", 2], stderr);
    return [code, JSON.parse(stderr).error];
  };
  assertEquals(await failed(host, "add", "site", "blog"), [1, {
    code: "conflict",
    message: 'Cannot add site "blog": a site named "blog" exists already',
    hint: "choose another name, or rename the other with `tinyforge rename`",
  }]);
  const codes: [args: string[], code: number, error: string][] = [
    [["rm", "site", "blog"], 1, "in-use"],
    [["rm", "site", "blgo"], 1, "not-found"],
    [["labels", "blgo"], 1, "not-found"],
    [["explain", "blgo"], 1, "not-found"],
    [["container", "rm", "api-1"], 1, "not-found"],
    [["container", "add", "blgo"], 1, "not-found"],
    [["add", "site", "a/b"], 2, "invalid"],
    [["set", "site", "blog"], 2, "usage"],
    [["ps", "--jsno"], 2, "usage"],
    [["ps", "--interval", "soon"], 2, "config"],
    [["reconcile", "--once"], 4, "engine-no-socket"],
  ];
  for (const [args, code, error] of codes) {
    const [ended, said] = await failed(host, ...args);
    assertEquals([ended, said.code], [code, error], args.join(" "));
    assertEquals(Object.keys(said), ["code", "message", "hint"]);
  }
  assertEquals((await failed(empty, "secret", "show", "x"))[1].code, "not-found");
  await Deno.writeTextFile(`${host.dataDir}/tinyforge.lock`, `${Deno.pid}\n`);
  assertEquals((await failed(host, "add", "site", "x")).flat()[0], 5);
  // After -- it is a word, and no flag.
  const { stderr } = await host.run("explain", "--", "--json");
  assertStringIncludes(stderr, 'Cannot explain "--json": no such row\n');
});

Deno.test("commands that change an entry refuse what doesn't fit, before anything is written", async () => {
  await using host = await TestHost.seeded((store) => {
    store.registry.create("site", { name: "blog", domain: "blog.example.org" });
    store.registry.create("project", { name: "api" });
  });
  const cases: [args: string[], code: number, message: string][] = [
    [
      ["add", "site", "Blog"],
      1,
      'Cannot add site "Blog": a site named "blog" exists already, which differs from "Blog" by ' +
      "case alone\nhint: ",
    ],
    [
      ["add", "site", "x", "--domain", "Blog.example.org"],
      1,
      'Cannot add site "x": domain "Blog.example.org" belongs to site "blog" already\n' +
      "hint: name another one with --domain, or `tinyforge set site OTHER --clear domain` first",
    ],
    [
      ["set", "site", "blog", "--domain", "a", "--clear", "domain"],
      2,
      'Cannot set and clear "domain" at once',
    ],
    [
      ["add", "site", "blog"],
      1,
      'Cannot add site "blog": a site named "blog" exists already\nhint: ',
    ],
    [
      ["add", "project", "x", "--domain", "d"],
      2,
      "Cannot use --domain with a project: only a site has one\nhint: leave --domain out",
    ],
    [["add", "site", "x", "--domain", "not a domain"], 2, 'Cannot use "not a domain" as domain'],
    [["add", "stage", "api"], 2, 'Cannot use "api" as a stage: it is not PROJECT/NAME\nhint: '],
    [
      ["add", "stage", "apu/live"],
      1,
      'Cannot add a stage to project "apu": there is none\nhint: did you mean "api"?',
    ],
    [
      ["add", "stage", "api/live", "--max-instances", "many"],
      2,
      'Cannot use --max-instances "many": not a whole number',
    ],
    [
      ["add", "stage", "api/live", "--max-instances", "0"],
      2,
      'Cannot use --max-instances "0": not a whole number from 1 on',
    ],
    [
      ["add", "stack", "日本"],
      2,
      "hint: name one with --compose-project",
    ],
    [
      ["rename", "site", "blgo", "x"],
      1,
      'Cannot change site "blgo": there is none\nhint: did you mean "blog"?',
    ],
    [["rename", "site", "blog", ""], 2, 'Cannot run "rename": NEW-NAME is empty\nhint: '],
    [["rename", "site", "blog", " "], 2, "as site name: "],
    [["set", "site", "blog"], 2, 'Cannot change site "blog": nothing to change was given\nhint: '],
    [
      ["rm", "stack", "shop"],
      1,
      'Cannot remove stack "shop": there is none\nhint: `tinyforge list stacks`',
    ],
  ];
  const before = await host.json("list");
  for (const [args, code, message] of cases) {
    const ran = await host.run(...args);
    assertEquals([ran.code, ran.stdout], [code, ""], `${args.join(" ")}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, message);
  }
  assertEquals(await host.json("list"), before);
});

Deno.test("container add, set and rm write what a deployer writes", async () => {
  await using host = await TestHost.seeded((store) => {
    const { id } = store.registry.create("project", { name: "api" }).entry;
    store.stages.create(id, { name: "live" });
  });
  const added = await host.run(
    ...["container", "add", "api", "--id", "api-1", "--stage", "live", "--subdomain", "api"],
    ...["--container", CONTAINER, "--image", "api:1", "--image-tag", "1", "--npm-proxy-id", "7"],
    ...["--role", "web", "--replica", "2", "--proxy-route", "r-1"],
  );
  assertEquals([added.code, added.stdout], [0, "api-1\n"], added.stderr);
  assertEquals(added.stderr, 'Created row "api-1"; it is "pending" until a listing confirms it.\n');
  const view = await host.read((store) => store.views.get("api-1"));
  assertEquals(
    [view.stageName, view.subdomain, view.containerId, view.imageRef, view.imageTag],
    ["live", "api", CONTAINER, "api:1", "1"],
  );
  assertEquals([view.npmProxyId, view.role, view.replica, view.proxyRouteId], [7, "web", 2, "r-1"]);

  const changed = await host.json(
    "container",
    "set",
    "api-1",
    "--subdomain",
    "www",
    "--clear",
    "stage,proxy-route",
  );
  assertEquals([changed.subdomain, changed.stageId, changed.proxyRouteId, changed.imageTag], [
    "www",
    null,
    null,
    "1",
  ]);
  await run(host, ["container", "set", "api-1", "--stage", "live"]);
  assertEquals(await host.read((store) => store.views.get("api-1").stageName), "live");

  await run(host, ["container", "set", "api-1", "--meta", '{"owner":"ops"}']);
  assertEquals(await host.read((store) => store.views.get("api-1").meta), { owner: "ops" });
  for (const wrong of ["[]", "1", "null", "{"]) {
    const refused = await host.run("container", "set", "api-1", "--meta", wrong);
    assertEquals([refused.code, refused.stdout], [2, ""], wrong);
    assertStringIncludes(refused.stderr, "it is not a JSON object");
  }
  await run(host, ["container", "set", "api-1", "--clear", "meta"]);
  assertEquals(await host.read((store) => store.views.get("api-1").meta), null);

  const later = await host.run("container", "add", "api", "--id", "api-2");
  assertStringIncludes(later.stderr, "--row api-2");
  assertEquals((await host.run("container", "rm", "api-2")).code, 0);

  assertEquals((await host.run("container", "rm", "api-1")).code, 0);
  assertEquals(await host.read((store) => store.views.list()), []);
});

Deno.test("container commands refuse what doesn't fit", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("project", { name: "api" }).entry;
    store.registry.create("site", { name: "blog" });
    store.deployed.saveDeployedContainer({ id: "api-1", workloadId, containerId: CONTAINER });
  });
  const cases: [args: string[], code: number, message: string][] = [
    [["add", "nope"], 1, 'Cannot create a row: no workload "nope"'],
    [["add", "api", "--id", "api-1"], 1, 'Cannot create container row "api-1": it exists already'],
    [["add", "api", "--container", CONTAINER], 1, 'is bound to row "api-1" already'],
    [
      ["add", "api", "--stage", "live"],
      1,
      'Cannot use stage "live": project "api" has none of that name',
    ],
    [["add", "blog", "--stage", "live"], 2, 'Cannot use --stage with site "blog"'],
    [["add", "api", "--replica", "x"], 2, 'Cannot use --replica "x": not a whole number'],
    [["add", "api", "--replica", "0"], 2, 'Cannot use --replica "0": not a whole number from 1'],
    [
      ["add", "api", "--image", "x"],
      2,
      "Cannot create a container row: an image is set only together with the container",
    ],
    [["set", "api-1"], 2, 'Cannot change row "api-1": nothing to change was given'],
    [
      ["set", "api-1", "--subdomain", "x", "--clear", "subdomain"],
      2,
      "Cannot set and clear --subdomain at once",
    ],
    [["set", "api-2", "--subdomain", "x"], 1, 'Cannot find container row "api-2"'],
    [["rm", "../../x"], 1, "Cannot find container row"],
  ];
  for (const [args, code, message] of cases) {
    const ran = await host.run("container", ...args);
    assertEquals([ran.code, ran.stdout], [code, ""], `${args.join(" ")}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, message);
  }
  assertEquals(await host.read((store) => store.views.list().length), 1);
});

Deno.test("secret rotate replaces the secret durably", async () => {
  await using host = await TestHost.make();
  const { secret: old } = await host.json("add", "site", "blog");
  const { code, stdout, stderr } = await host.run("secret", "rotate", "blog");
  assertEquals([code, stderr], [0, 'Rotated the secret of site "blog"; the old one is void.\n']);
  const kept = (await host.json("secret", "show", "blog")).secret;
  assertEquals(stdout, `${kept}\n`);
  assert(kept !== old);
});

Deno.test("engine accept takes the Engine that was found, if one waits", async () => {
  await using host = await TestHost.seeded((store) =>
    store.hosts.recordEngine({ accepted: "old", found: "new" })
  );
  assertStringIncludes(
    (await host.run("status")).stdout,
    "another Engine answers (new, before old)",
  );
  assertEquals(await host.run("engine", "accept"), {
    code: 0,
    stdout: "",
    stderr: 'Accepted Engine "new"; its listings sweep from now on.\n',
  });
  assertEquals(await host.read((store) => store.hosts.local().engineId), "new");
  assertEquals(await host.json("engine", "accept"), { engineId: null });
});

Deno.test("reconcile --once does a pass without a daemon and sums it up", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  const { workloadId } = await host.json("add", "site", "blog");
  engine.add({ name: "web", labels: { "tinyforge.workload.id": workloadId } });
  engine.add({ name: "forged", labels: { "tinyforge.workload.id": "nope\x1b[2J" } });
  engine.add({ name: "odd", labels: { "tinyforge.static-site": "gone" } });
  engine.add({ labels: {} });
  const { code, stdout, stderr } = await host.run("reconcile", "--once");
  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines[0], "4 containers listed: 1 claimed, 1 refused, 2 unmanaged");
  assertMatch(lines[1]!, /^1 row added, 0 changed, 0 missing \(\d+ ms\)$/);
  assertEquals(lines[2], 'refused: odd: unknown-site "gone"');
  assertEquals(await host.read((store) => store.views.list().map((row) => row.state)), ["running"]);
  const report = await host.json("reconcile", "--once");
  assertEquals([report.scope, report.listed, report.inserted], ["full", 4, 0]);
});

Deno.test("reconcile --once without an Engine ends with 4, with a bad address for one with 2", async () => {
  await using host = await TestHost.make();
  const away = await host.run("reconcile", "--once");
  assertEquals([away.code, away.stdout], [4, ""], away.stderr);
  assertMatch(away.stderr, /^Cannot [^\n]+: there is no socket at "[^\n]+"\nhint: start Docker/m);
  const bad = await host.run("reconcile", "--once", "--docker-host", "ssh://x");
  assertEquals([bad.code, bad.stdout], [2, ""]);
  assertStringIncludes(
    bad.stderr,
    'Cannot use Docker host "ssh://x": the scheme ssh is not supported',
  );
  const json = await host.run("reconcile", "--json");
  assertEquals(json.code, 2);
});

Deno.test("entries are found by name, and by id where nothing has that for a name", async () => {
  await using host = await TestHost.make();
  const first = await host.json("add", "site", "blog");
  const second = await host.json("add", "site", first.id);
  assertEquals((await host.json("rename", "site", first.id, "shop")).id, second.id);
  assertEquals((await host.json("rename", "site", first.id, "journal")).id, first.id);
});

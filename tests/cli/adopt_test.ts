import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MAX_COMPOSE_JSON } from "../../src/cli/compose_file.ts";
import { type EngineHost, engineHost } from "../harness/engine_host.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { Running, type TestHost } from "../harness/program.ts";

/** A host with an Engine that runs a stack of two services and two containers of their own. */
async function hostWithEngine(): Promise<EngineHost> {
  const made = await engineHost();
  const { engine } = made;
  const service = (name: string, more = {}) =>
    engine.add({
      name: `shop_${name}_1`,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": name,
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": `hash-of-${name}`,
      },
      ...more,
    });
  service("web");
  service("migrate", { state: "exited", exitCode: 0 });
  engine.add({ name: "blog" });
  engine.add({ name: "its-1", labels: { "coolify.managed": "true", "coolify.name": "it's" } });
  return made;
}

Deno.test("discover shows what could be taken in without an index, and makes none", async () => {
  await using world = await hostWithEngine();
  const { candidates, leftOut } = await world.host.json("discover");
  assertEquals(
    candidates.map((
      each: Record<string, unknown>,
    ) => [each["name"], each["kind"], each["command"]]),
    [
      ["blog", "site", "tinyforge adopt blog"],
      ["it's", "site", "tinyforge adopt 'it'\\''s'"],
      ["shop", "stack", "tinyforge adopt shop"],
    ],
  );
  assertEquals(leftOut, []);
  assertEquals(await world.host.run("adopt", "--all", "--dry-run").then(({ code }) => code), 0);
  assertEquals(await Deno.lstat(world.host.dataDir).then(() => true, () => false), false);
});

Deno.test("adopt --all takes in everything, and what it prints undoes it", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  const done = await host.run("adopt", "--all");
  assertEquals(done.code, 0, done.stderr);
  assertEquals(done.stdout.trimEnd().split("\n"), [
    'adopted site "blog": 1 container expected',
    'adopted site "it\'s": 1 container expected',
    'adopted stack "shop": 2 containers expected',
  ]);
  assertEquals(
    (await host.json("expect", "shop")).items.map(
      ({ role, mode }: Record<string, string>) => [role, mode],
    ),
    [["migrate", "completed"], ["web", "running"]],
  );
  await host.run("reconcile", "--once");
  assertEquals(
    (await host.json("ps")).items.map(({ state }: { state: string }) => state).sort(),
    ["completed", "running", "running", "running"],
  );
  const undo = done.stderr.split("\n").find((line) => line.includes("tinyforge rm"))!.trim();
  assertEquals(
    undo,
    "tinyforge rm --force site blog 'it'\\''s' && tinyforge rm --force stack shop",
  );
  assertEquals((await host.run("rm", "--force", "site", "blog", "it's")).code, 0);
  assertEquals((await host.run("rm", "--force", "stack", "shop")).code, 0);
  assertEquals((await host.json("list")).items, []);
  assertEquals((await host.json("discover")).candidates.length, 3);
});

Deno.test("adopt refuses what is adopted, a name that is taken and what is not there, and changes nothing", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  assertEquals((await host.run("adopt", "blog")).code, 0);
  const before = await host.json("list");
  const refused: [string[], string][] = [
    [["adopt", "blog"], 'site "blog" is adopted already'],
    [["adopt", "it's", "--as", "blog"], 'a site named "blog" exists already'],
    [["adopt", "shop", "nothing"], "nothing unmanaged has this name"],
    [["adopt"], "Cannot adopt: say which"],
    [["add", "site", "other", "--container-name", "blog"], 'belongs to site "blog" already'],
    [["expect", "blog", "nobody", "--replicas", "2"], 'it has no role "nobody"'],
    [["expect", "blog", "nobody"], 'it has no role "nobody"'],
  ];
  for (const [args, reason] of refused) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([code === 0, stdout], [false, ""], args.join(" "));
    assertStringIncludes(stderr, reason);
    assertEquals(await host.json("list"), before);
  }
});

Deno.test("accept retires what is gone, and adopt --compose expects what a file says", async () => {
  await using world = await hostWithEngine();
  const { host, engine } = world;
  await host.run("adopt", "shop");
  await host.run("reconcile", "--once");
  const web = [...engine.containers.values()].find(({ name }) => name === "shop_web_1")!;
  engine.containers.delete(web.id);
  await host.run("reconcile", "--once");
  assertEquals((await host.json("ps", "--state", "missing")).items.length, 1);
  const { accepted } = await host.json("accept", "shop");
  assertEquals(accepted[0].retired.length, 1);
  assertEquals((await host.json("ps")).items.length, 1);
  const history = await host.run("history", "shop");
  assertMatch(history.stdout, /missing → ✗ retired .* gone when what runs was accepted$/m);
  const explained = await host.run("explain", accepted[0].retired[0]);
  assertMatch(explained.stdout, /✗ retired .* accept: gone when what runs was accepted$/m);

  const file = `${host.dir}/compose.yaml`;
  await Deno.writeTextFile(file, "services:\n  migrate: {}\n  worker:\n    scale: 2\n");
  const again = await host.run("adopt", "shop", "--compose", file);
  assertEquals([again.code, again.stdout], [
    0,
    'adopted again stack "shop": 3 containers expected\n',
  ]);
  await host.run("reconcile", "--once");
  assertEquals((await host.json("ps", "--state", "absent")).items.length, 2);
  assertStringIncludes(
    (await host.run("adopt", "shop", "--compose", file)).stderr,
    "adopted already",
  );
});

Deno.test("adopt --dry-run is not written down as a change, and what is names what was taken in", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  await host.run("adopt", "blog", "shop");
  const dry = await host.run("adopt", "it's", "--dry-run");
  assertEquals([dry.code, dry.stdout], [0, 'would adopt site "it\'s": 1 container expected\n']);
  const audited = await host.read((store) => store.audit.newest({ before: null, limit: 9 }));
  assertEquals(audited.map(({ action }) => action), ["POST /api/adopt"]);
  assertEquals(audited[0]?.details["items"], "blog, shop");
});

Deno.test("accept takes nothing without a name, nor with all besides", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  await host.run("adopt", "--all");
  for (const args of [["accept"], ["accept", "shop", "--all"]]) {
    const { code, stderr } = await host.run(...args);
    assertEquals(code, 2, stderr);
    assertMatch(
      stderr,
      /^Cannot accept.*\nhint: `tinyforge list` shows them; --all is all of them$/m,
    );
  }
  const audited = await host.read((store) => store.audit.newest({ before: null, limit: 9 }));
  assert(!audited.some(({ action }) => action === "POST /api/accept"));
});

Deno.test("accept --all takes everything at once, with what Compose hashes it to now", async () => {
  await using world = await hostWithEngine();
  const { host, engine } = world;
  await host.run("adopt", "--all");
  await host.run("reconcile", "--once");
  const web = [...engine.containers.values()].find(({ name }) => name === "shop_web_1")!;
  const HASH = "com.docker.compose.config-hash";
  web.labels = { ...web.labels, [HASH]: "another" };
  const hashOf = () =>
    host.read((store) => {
      const { id } = store.workloads.named("shop")[0]!;
      return store.expectations.of(id).find(({ role }) => role === "web")?.configHash;
    });
  assert(await hashOf() !== "another");
  const { accepted } = await host.json("accept", "--all");
  assertEquals(
    accepted.map(({ name }: { name: string }) => name).toSorted(),
    ["blog", "it's", "shop"],
  );
  assertEquals(await hashOf(), "another");
  const audited = await host.read((store) => store.audit.newest({ before: null, limit: 1 }));
  assertEquals(audited[0]?.action, "POST /api/accept");
  // What cannot be asked is left as it was.
  await engine.down();
  assertEquals((await host.run("accept", "--all")).code, 0);
  assertEquals(await hashOf(), "another");
});

Deno.test("discover says of a stack whose configuration changed to adopt it again", async () => {
  await using world = await hostWithEngine();
  const { host, engine } = world;
  await host.run("adopt", "shop");
  for (const each of engine.containers.values()) {
    if (each.name !== "shop_web_1") continue;
    each.labels = { ...each.labels, "com.docker.compose.config-hash": "another" };
  }
  assertEquals((await host.json("discover")).changed, [{ name: "shop", roles: ["web"] }]);
  assertStringIncludes(
    (await host.run("discover")).stderr,
    "Take it in again: tinyforge adopt shop",
  );

  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const explained = async (container: string) =>
    (await host.json("explain", container)).configChanged;
  assertEquals(await explained("shop_web_1"), true);
  assertEquals(await explained("shop_migrate_1"), false);
  assertEquals(
    (await host.run("explain", "shop_web_1")).stdout.match(/^(?:file|to do) .*$/gm),
    [
      "file   its configuration changed since it was taken in",
      "to do  `tinyforge adopt shop` takes it in as it is now",
    ],
  );
  // There is no file to be read: what runs now is taken for what should, its hash among it.
  const again = await host.run("adopt", "shop");
  assertEquals(again.code, 0, again.stderr);
  assertEquals(await explained("shop_web_1"), false);
});

/** Runs the program with this on its stdin. */
async function piped(host: TestHost, text: string, ...args: string[]) {
  const options = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  await using running = new Running(host.command(args, options).spawn());
  const writer = running.process.stdin.getWriter();
  // It may end before it has read all of it.
  await writer.write(new TextEncoder().encode(text)).then(() => writer.close(), () => {});
  return await running.ended();
}

/** What is expected of the stack `shop`, as `role mode ×replicas source`. */
async function expected(host: TestHost): Promise<string[]> {
  const { items } = await host.json("expect", "shop");
  return items.map(({ role, mode, replicas, source }: Record<string, string>) =>
    `${role} ${mode} ×${replicas} ${source}`
  );
}

Deno.test("adopt --compose - takes what `docker compose config` writes to its stdin", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  const config = JSON.stringify({
    name: "shop",
    services: {
      web: {
        scale: 2,
        depends_on: { migrate: { condition: "service_completed_successfully" } },
      },
      migrate: { restart: "no" },
    },
  });
  for (
    const [text, reason] of [
      ["", "it is not JSON"],
      ["services: {}", "it is not JSON"],
      ["[]", "it is no mapping"],
      ["{}", "it has no services"],
      [" ".repeat(MAX_COMPOSE_JSON + 1), "it is longer than 16 MB"],
    ] as const
  ) {
    const { code, stderr } = await piped(host, text, "adopt", "shop", "--compose", "-");
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, `Cannot read "-": ${reason}`);
    // The index is not even made for it.
    assertEquals(await Deno.lstat(host.dataDir).then(() => true, () => false), false);
  }
  const done = await piped(host, config, "adopt", "shop", "--compose", "-");
  assertEquals([done.code, done.stdout], [0, 'adopted stack "shop": 3 containers expected\n']);
  assertEquals(await expected(host), ["migrate completed ×1 compose", "web running ×2 compose"]);
});

Deno.test("adopt reads the files that a stack's labels name, and says which it can't read", async () => {
  await using world = await hostWithEngine();
  const { host, engine } = world;
  const directory = `${host.dir}/shop`;
  await Deno.mkdir(directory);
  await Deno.writeTextFile(
    `${directory}/base.yaml`,
    "services:\n  web: { image: 'web:${TAG}' }\n  worker: { scale: 2 }\n" +
      "  debug: { profiles: [debug] }\n",
  );
  await Deno.writeTextFile(`${directory}/more.yaml`, "services: { worker: { scale: 3 } }\n");
  const name = (files: string) => {
    for (const each of engine.containers.values()) {
      if (!each.name.startsWith("shop_")) continue;
      each.labels = {
        ...each.labels,
        "com.docker.compose.project.working_dir": directory,
        "com.docker.compose.project.config_files": files,
      };
    }
  };
  // As Compose 1 tells them: relative to the directory.
  name("base.yaml,./more.yaml");
  const done = await host.run("adopt", "--all");
  assertEquals(done.code, 0);
  assertMatch(done.stderr, /^shop: partly known, because a variable has no value \("TAG"\)$/m);
  assertEquals(await expected(host), [
    "migrate completed ×1 accepted",
    "web running ×1 compose",
    "worker running ×3 compose",
  ]);

  // A file that is elsewhere: what is there is expected, and that is said.
  await host.run("rm", "--force", "stack", "shop");
  name("/data/compose/7/docker-compose.yml");
  const other = await host.run("adopt", "shop");
  assertEquals(other.code, 0);
  assertMatch(other.stderr, /^shop: its Compose files are not readable here, .*it is not there/m);
  assertEquals(await expected(host), ["migrate completed ×1 accepted", "web running ×1 accepted"]);

  // Named by hand it must be readable, and nothing is changed where it is not.
  const named = await host.run("adopt", "shop", "--compose", `${directory}/none.yaml`);
  assertEquals(named.code, 1);
  assertStringIncludes(named.stderr, "it is not there");
  const files = `${directory}/base.yaml,${directory}/more.yaml`;
  assertEquals((await host.run("adopt", "shop", "--compose", files)).code, 0);
  assertEquals((await expected(host)).at(-1), "worker running ×3 compose");
});

Deno.test("adopt refuses a container that two sites want, and all of it is undone", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  await host.json("add", "site", "other", "--container-name", "blog");
  const before = await host.json("list");
  assertEquals(
    (await host.json("discover")).candidates.map(({ name }: { name: string }) => name),
    ["it's", "shop"],
  );
  for (
    const args of [
      ["adopt", "shop", "blog"],
      ["adopt", "it's", "--as", ""],
      ["adopt", "shop", "--as", "it's\n"],
      ["adopt", "shop", "--compose"],
      ["adopt", "--all", "shop"],
      ["adopt", "shop", "it's", "--as", "x"],
      ["expect", "shop"],
      ["expect", "other", "--replicas", "-1"],
      ["expect", "other", "--replicas", "1.5"],
      ["expect", "other", "--mode", "sometimes"],
      ["expect", "other", "", "--replicas", "1000001"],
      ["accept", "nobody"],
    ]
  ) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([code === 0, stdout], [false, ""], args.join(" "));
    assertMatch(stderr, /^Cannot [^\n]+\n/, args.join(" "));
    assertEquals(await host.json("list"), before);
  }
});

Deno.test("adopt by the API refuses what is no adoption, and says what", async () => {
  await using world = await hostWithEngine();
  const { host } = world;
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  const refused: [unknown, number][] = [
    [{ items: [{ name: "nothing" }] }, 404],
    [{ items: [{ name: "shop", as: "x".repeat(129) }] }, 422],
    [{ items: [{ name: "shop" }, { name: "shop" }] }, 409],
    [{ items: [{ name: "shop", told: [{ role: "web" }] }] }, 422],
    [{ items: "shop" }, 422],
    [{ every: true }, 422],
  ];
  for (const [body, status] of refused) {
    const answer = await daemon.ask("POST", "/api/adopt", body);
    assertEquals(answer.status, status, JSON.stringify(body));
    assertEquals(typeof answer.body.detail, "string");
  }
  assertEquals((await daemon.get("/api/workloads")).items, []);
  assertEquals(await daemon.ask("POST", "/api/adopt", {}), {
    status: 200,
    body: { adopted: [], skipped: [] },
  });
  const { body } = await daemon.ask("POST", "/api/adopt", { all: true });
  const names = body.adopted.map(({ name }: { name: string }) => name);
  assertEquals(names, ["blog", "it's", "shop"]);
  const { workloadId } = body.adopted[2];
  const expectations = `/api/workloads/${workloadId}/expectations`;
  const before = await daemon.get(expectations);
  for (
    const items of [
      [{ role: "nobody" }],
      [{ role: "web" }, { role: "web" }],
      [{ role: "web", replicas: -1 }],
      [{ role: "web", mode: "sometimes" }],
    ]
  ) {
    assertEquals((await daemon.ask("PUT", expectations, { items })).status, 422);
    assertEquals(await daemon.get(expectations), before);
  }
  assertEquals((await daemon.ask("POST", "/api/workloads/nobody/accept")).status, 404);
  assertEquals(
    (await daemon.ask("PUT", "/api/workloads/nobody/expectations", { items: [] })).status,
    404,
  );
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeEngine } from "../engines/scripted.ts";
import { TestHost } from "../harness/program.ts";

/** A host with an Engine that runs a stack of two services and two containers of their own. */
async function hostWithEngine(): Promise<{ host: TestHost; engine: FakeEngine } & AsyncDisposable> {
  const engine = await FakeEngine.start();
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
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
  return {
    host,
    engine,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
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
});

/**
 * `check`, `problems` and `silence` as a pipeline runs them, beside a daemon and an Engine that does
 * what it is told.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FakeEngine } from "../engines/scripted.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

async function withDaemon(): Promise<{ host: TestHost; engine: FakeEngine } & AsyncDisposable> {
  const engine = await FakeEngine.start();
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.start("reconcile", "--interval", "5m");
  await until("the daemon is ready", async () => (await host.run("healthcheck")).code === 0);
  return {
    host,
    engine,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

async function site(host: TestHost, engine: FakeEngine, name: string) {
  const { workloadId } = await host.json("add", "site", name);
  return engine.add({ name, labels: { "tinyforge.workload.id": workloadId } });
}

Deno.test("check is done at once when all is right already", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const { code, stdout } = await host.run("check", "--stable", "0s", "--wait", "0s");
  assertEquals([code, stdout], [0, "1 row as expected.\n"]);
});

Deno.test("check waits for a row that does not exist yet, and until it was right for --stable", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  const { workloadId } = await host.json("add", "site", "blog");
  const checking = host.run("check", "blog", "--wait", "20s", "--stable", "1s", "--json");
  await until(
    "it asked",
    () => engine.requests.some(({ endpoint }) => endpoint === "list_ids" || endpoint === "list"),
  );
  const began = performance.now();
  const container = engine.add({ name: "blog", labels: { "tinyforge.workload.id": workloadId } });
  // It ends once and comes back: the time begins anew.
  engine.setState(container, "restarting", 1);
  engine.setState(container, "running");
  const { code, stdout } = await checking;
  assertEquals(code, 0);
  assert(performance.now() - began >= 1000);
  assertEquals(JSON.parse(stdout).checked[0].why, null);
});

Deno.test("check ends with 3 at the timeout, and names each row and why", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const shop = await site(host, engine, "shop");
  shop.image = "example/shop:1";
  engine.setState(shop, "exited", 2);
  await host.json("add", "site", "later");
  const { code, stdout } = await host.run("check", "--wait", "300ms", "--stable", "0s");
  assertEquals(code, 3, stdout);
  assertStringIncludes(stdout, "2 of 3 rows not as expected:\n");
  assertMatch(
    stdout,
    /site\/later, row \S+: there is no container yet \(`tinyforge explain \S+`\)\n/,
  );
  assertMatch(stdout, /site\/shop, row \S+: stopped \(2\) \(`tinyforge explain \S+`\)\n/);
  const image = await host.run("check", "blog", "--image", "other:2", "--wait", "0s");
  assertEquals(image.code, 3);
  assertStringIncludes(image.stdout, 'runs "example/app:1", not "other:2"');
});

Deno.test("check ends with 3 while what is right has not been so for --stable", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const { code, stdout } = await host.run("check", "--wait", "200ms", "--stable", "1h");
  assertEquals([code, stdout], [3, "As expected, but not yet for as long as --stable asks.\n"]);
});

Deno.test("check ends with 2 for an unknown workload, and with 4 without Engine or daemon", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const unknown = await host.run("check", "blok");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'did you mean "blog"?');
  await engine.down();
  const away = await host.run("check", "--wait", "0s");
  assertEquals(away.code, 4, away.stderr);
  await using other = await TestHost.make();
  const none = await other.run("check");
  assertEquals(none.code, 4, none.stderr);
  assertStringIncludes(none.stderr, "no daemon runs");
});

Deno.test("problems says that nothing is wrong, and silences are kept, listed and ended", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  assertEquals(await host.run("problems"), {
    code: 0,
    stdout: "",
    stderr: "Nothing is wrong.\n",
  });
  assertEquals(await host.json("problems"), { problems: [] });
  const silence = await host.json("silence", "blog", "--for", "2h", "--reason", "moving");
  assertEquals([silence.scope, silence.seconds, silence.reason], ["workload", 7200, "moving"]);
  const recurring = [
    "--all",
    "--cron",
    "0 3 * * SUN",
    "--for",
    "1h",
    "--time-zone",
    "Europe/Berlin",
  ];
  await host.json("silence", ...recurring);
  const { stdout } = await host.run("silence", "list");
  assertStringIncludes(stdout, "site/blog");
  assertStringIncludes(stdout, '"0 3 * * SUN" (Europe/Berlin)');
  assertEquals((await host.run("silence", "rm", silence.id)).code, 0);
  assertEquals((await host.json("silence", "list")).items.length, 1);
  assertEquals((await host.run("silence", "rm", silence.id)).code, 1);
});

Deno.test("silence refuses what is past, has no end, never comes or means nothing", async () => {
  await using made = await withDaemon();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const refused = async (...args: string[]) => {
    const { code, stderr } = await host.run("silence", ...args);
    assert(code === 2 || code === 1, stderr);
    return stderr;
  };
  assertStringIncludes(await refused("blog"), "no end");
  assertStringIncludes(await refused("--for", "1h"), "what is not told");
  assertStringIncludes(await refused("blog", "--for", "soon"), "not a span of time");
  assertStringIncludes(await refused("blog", "--until", "2020-01-01T00:00:00Z"), "over already");
  assertStringIncludes(
    await refused("--all", "--cron", "0 0 30 2 *", "--for", "1h"),
    "never comes",
  );
  assertStringIncludes(await refused("--all", "--cron", "whenever", "--for", "1h"), "whenever");
  const zone = ["--all", "--cron", "0 3 * * *", "--for", "1h", "--time-zone", "Mars/Base"];
  assertStringIncludes(await refused(...zone), "Mars/Base");
  assertStringIncludes(await refused("nobody", "--for", "1h"), "nobody");
  assertEquals((await host.json("silence", "list")).items, []);
});

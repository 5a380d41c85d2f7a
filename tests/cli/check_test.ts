/**
 * `check`, `problems` and `silence` as a pipeline runs them, beside a daemon and an Engine that does
 * what it is told.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { FakeEngine } from "../engines/scripted.ts";
import { daemonHost } from "../harness/engine_host.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

async function site(host: TestHost, engine: FakeEngine, name: string) {
  const { workloadId } = await host.json("add", "site", name);
  return engine.add({ name, labels: { "tinyforge.workload.id": workloadId } });
}

Deno.test("check is done at once when all is right already", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const { code, stdout } = await host.run("check", "--stable", "0s", "--wait", "0s");
  assertEquals([code, stdout], [0, "1 row as expected.\n"]);
});

Deno.test("check waits for a row that does not exist yet, and until it was right for --stable", async () => {
  await using made = await daemonHost();
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

Deno.test("check expects nothing of a workload of which it was said so", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  await host.json("add", "site", "retired");
  const wait = ["--wait", "0s", "--stable", "0s"];
  assertEquals((await host.run("check", "retired", ...wait)).code, 3);
  const accepted = await host.run("accept", "retired");
  assertEquals(accepted.code, 0, accepted.stderr);
  const all = await host.run("check", ...wait);
  assertEquals([all.code, all.stdout], [0, "1 row as expected.\n"]);
  const named = await host.run("check", "retired", ...wait);
  assertEquals([named.code, named.stdout], [0, "0 rows as expected.\n"]);
});

Deno.test("check ends with 3 at the timeout, and names each row and why", async () => {
  await using made = await daemonHost();
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

Deno.test("check --row looks at one row alone, and ends with 2 for one that there is not", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  engine.setState(await site(host, engine, "preview"), "exited", 2);
  await host.run("reconcile", "--once");
  const rows: { id: string; workloadName: string }[] = (await host.json("ps")).items;
  const [blog, preview] = ["blog", "preview"]
    .map((name) => rows.find(({ workloadName }) => workloadName === name)!.id);
  const check = (...args: string[]) =>
    host.run("check", ...args, "--wait", "200ms", "--stable", "0s");
  assertEquals((await check()).code, 3);
  const one = await check("--row", blog!);
  assertEquals([one.code, one.stdout], [0, "1 row as expected.\n"]);
  assertEquals((await check("--row", preview!)).code, 3);
  assertEquals((await check("--row", `${blog},${preview}`)).code, 3);
  const nobody = await check("--row", "nobody");
  assertEquals(nobody.code, 2);
  assertStringIncludes(nobody.stderr, "nobody");
});

Deno.test("check holds a row to the image that somebody set by hand, not to one that a file told", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  await host.run("reconcile", "--once");
  const check = () => host.run("check", "blog", "--wait", "0s", "--stable", "0s");
  const set = async (source: "manual" | "compose") =>
    await host.seed((store) => {
      const { id } = store.workloads.named("blog")[0]!;
      const its = { role: "", mode: "running", replicas: 1, image: "example/app:2" } as const;
      store.expectations.replace(id, [{ ...its, source }]);
    });
  await set("compose");
  assertEquals((await check()).code, 0);
  await set("manual");
  const { code, stdout } = await check();
  assertEquals(code, 3);
  assertStringIncludes(stdout, 'runs "example/app:1", not "example/app:2"');
});

Deno.test("check ends with 3 while what is right has not been so for --stable", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  const { code, stdout } = await host.run("check", "--wait", "200ms", "--stable", "1h");
  assertEquals([code, stdout], [3, "As expected, but not yet for as long as --stable asks.\n"]);
});

Deno.test("check tells at its end what was not as expected before, if nothing is at that moment", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  const id = await site(host, engine, "blog");
  engine.setState(id, "exited", 7);
  await host.run("reconcile", "--once");
  const listed = engine.count("list");
  const checking = host.run("check", "--wait", "5s", "--stable", "1h");
  await until("it has looked", () => engine.count("list") > listed);
  engine.setState(id, "running");
  const { code, stdout } = await checking;
  assertEquals(code, 3);
  assertMatch(
    stdout,
    /^As expected, but not yet .*\nNot as expected \d+s before:\n {2}site\/blog, row \S+: stopped \(7\) .*\n$/,
  );
});

Deno.test("check ends with 2 for an unknown workload, and with 4 without Engine or daemon", async () => {
  await using made = await daemonHost();
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

Deno.test("check begins --stable anew when a container restarts", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  const blog = await site(host, engine, "blog");
  await until(
    "it is there",
    async () => (await host.run("check", "--wait", "0s", "--stable", "0s")).code === 0,
  );
  const passes = engine.count("list");
  const checking = host.run("check", "--wait", "60s", "--stable", "4s");
  await until("it looked", () => engine.count("list") > passes);
  // Between two readings: whatever is listed, it runs.
  engine.emit("die", blog, { exitCode: "1" });
  engine.emit("start", blog);
  const restartedAt = Date.now();
  const { code } = await checking;
  assertEquals(code, 0);
  assert(Date.now() - restartedAt >= 4000, `${Date.now() - restartedAt} ms after the restart`);
});

Deno.test("check accepts a job that completed, and none that failed", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await host.json("add", "stack", "shop", "--compose-project", "shop");
  const container = (service: string) =>
    engine.add({
      name: service,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": service,
        "com.docker.compose.config-hash": "x",
        "com.docker.compose.container-number": "1",
      },
    });
  container("web");
  const job = container("migrate");
  await until("both are seen", async () => (await host.json("ps")).items.length === 2);
  await host.json("expect", "shop", "migrate", "--mode", "completed");
  const check = () => host.run("check", "--wait", "0s", "--stable", "0s");
  assertStringIncludes((await check()).stdout, "not completed");
  engine.setState(job, "exited", 0);
  assertEquals((await check()).code, 0);
  engine.setState(job, "exited", 2);
  const failed = await check();
  assertEquals(failed.code, 3);
  assertMatch(failed.stdout, /stopped \(2\), not completed/);
});

Deno.test("check ends with 4 when the Engine goes while it waits, whatever the index says", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  await until(
    "it is there",
    async () => (await host.run("check", "--wait", "0s", "--stable", "0s")).code === 0,
  );
  const passes = engine.count("list");
  const right = host.run("check", "--wait", "60s", "--stable", "5s");
  await until("it looked", () => engine.count("list") > passes);
  await engine.down();
  const { code, stderr } = await right;
  assertEquals(code, 4, stderr);
});

Deno.test("a webhook holds its workload's problems, and no other's", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  await site(host, engine, "shop");
  const { secret, id } = await host.json("secret", "show", "blog");
  const path = `${host.dataDir}/tinyforge.sock`;
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const before = Date.now();
  const answer = await fetch(`http://127.0.0.1/hooks/${secret}`, { method: "POST", client });
  assertEquals(answer.status, 200);
  await answer.body?.cancel();
  const holds = await until("it is kept", async () => {
    const holds = await host.read((store) => store.problems.holds());
    return holds.size > 0 ? holds : null;
  });
  assertEquals([...holds.keys()], [id]);
  assert(holds.get(id)!.from >= before - 1000 && holds.get(id)!.from <= Date.now());
});

Deno.test("problems says that nothing is wrong, and silences are kept, listed and ended", async () => {
  await using made = await daemonHost();
  const { host, engine } = made;
  await site(host, engine, "blog");
  assertEquals(await host.run("problems"), {
    code: 0,
    stdout: "",
    stderr: "Nothing is wrong.\n",
  });
  const { index, problems } = await host.json("problems");
  assertEquals([index.fresh, problems], [true, []]);
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
  await host.json("silence", "blog", "--kind", "unhealthy,flapping", "--for", "1d");
  const all = await host.json("silence", "--all", "--kind", "backup-failed", "--for", "1d");
  assertEquals([all.scope, all.kinds], ["all", ["backup-failed"]]);
  const kinds = (await host.run("silence", "list")).stdout;
  assertStringIncludes(kinds, "site/blog (unhealthy, flapping)");
  assertStringIncludes(kinds, "everything (backup-failed)");
});

Deno.test("silence refuses what is past, has no end, never comes or means nothing", async () => {
  await using made = await daemonHost();
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
  const kind = await refused("blog", "--kind", "stuck,flaping", "--for", "1h");
  assertStringIncludes(kind, 'did you mean "flapping"?');
  assertEquals((await host.json("silence", "list")).items, []);
});

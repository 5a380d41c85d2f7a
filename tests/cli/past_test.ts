/**
 * The past as a person asks for it: on an index that was written before, and of a daemon that is
 * killed and comes back.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { HistoryEntry } from "../../src/model/past.ts";
import type { IndexRow } from "../../src/model/container.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { pass, siteRow, TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const MINUTE = 60_000;

/** Passes a minute apart over ten minutes that ended twenty minutes ago; the third finds it stopped. */
async function watchedHost() {
  const begin = Date.now() - 30 * MINUTE;
  const at = (minute: number) => new Date(begin + minute * MINUTE).toISOString();
  let blog = "";
  const host = await TestHost.seeded((store) => {
    blog = store.registry.create("site", { name: "blog" }).entry.workloadId;
    const write = (minute: number, fields: Partial<IndexRow>) =>
      pass(store, [siteRow(blog, fields)], { at: at(minute) });
    write(0, { imageRef: "blog:1" });
    for (let minute = 1; minute <= 10; minute++) {
      const stopped = minute === 3 || minute === 4;
      const image = minute < 5 ? "blog:1" : "blog:2";
      write(minute, {
        ...stopped ? { state: "stopped", exitCode: 137 } : { state: "running", exitCode: null },
        imageRef: image,
        containerId: minute < 5 ? "c1" : "c2",
      });
    }
    store.hosts.watched.lost(at(10));
  });
  host.env["TZ"] = "Europe/Berlin";
  return { host, blog, at, row: `${blog}:site` };
}

Deno.test("history tells what happened, newest last, of all, of a workload, of a row", async () => {
  const { host, row, at } = await watchedHost();
  await using _ = host;
  const { stdout } = await host.run("history");
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0]!, /^TIME +WORKLOAD +WHAT +CONTAINER +WHY$/);
  assertEquals(
    lines.slice(1).map((line) => line.replace(/^(?:\S+ )?\S+ +/, "").split(/ {2,}/)[1]),
    [
      "watched from here on",
      "new: ● running",
      "running → ○ stopped (137)",
      "stopped → ● running",
      "not watched from here on",
    ],
  );
  for (const word of ["blog", "site/blog", row]) {
    const { items } = await host.json("history", word);
    assertEquals(items.map(({ to }: HistoryEntry) => to), ["running", "stopped", "running"], word);
  }
  const { items } = await host.json("history", "--since", at(2.5), "--until", at(4));
  assertEquals(items.map(({ at, to }: HistoryEntry) => [at, to]), [[at(3), "stopped"]]);
  assertEquals(items[0].exitCode, 137);
  assertEquals(items[0].workload.name, "blog");
});

Deno.test("history tells replicas apart, those that are no more too", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId, id } =
      store.registry.create("stack", { name: "shop", composeProjectName: "shop" }).entry;
    const rows = [1, 2].map((replica) =>
      siteRow(workloadId, {
        ...{ id: `${workloadId}:web:${replica}`, workloadKind: "stack", role: "web", replica },
        containerId: `c${replica}`,
      })
    );
    pass(store, rows);
    store.registry.remove("stack", id, { force: true });
  });
  const { stdout } = await host.run("history");
  const whose = stdout.trimEnd().split("\n").slice(1).map((line) => line.split(/ {2,}/)[1]);
  assertEquals(whose.filter((each) => each !== "this host"), [
    ...["stack/shop web", "stack/shop web #2"],
    ...["stack/shop web", "stack/shop web #2"],
  ]);
});

Deno.test("history tells who changed what, and that the index was restored", async () => {
  await using host = await TestHost.make();
  for (
    const args of [["add", "site", "blog"], ["add", "site", "shop", "--domain", "shop.example"]]
  ) {
    assertEquals((await host.run(...args)).code, 0);
  }
  const { workloadId, id } = await host.read((store) => store.registry.named("site", "blog")!);
  assertEquals((await host.run("set", "site", "blog", "--domain", "blog.example")).code, 0);
  const backup = join(host.dir, "one.tar");
  assertEquals((await host.run("backup", backup)).code, 0);
  assertEquals((await host.run("restore", backup)).code, 0);
  const { stdout } = await host.run("history");
  const [header, ...lines] = stdout.trimEnd().split("\n").map((line) =>
    line.split(/ {2,}/).slice(1)
  );
  assertEquals(header, ["WORKLOAD", "WHAT", "CONTAINER", "WHY"]);
  const by = `\\S+ \\(uid ${Deno.uid()}\\)`;
  const expected: [string, string, RegExp][] = [
    ["this host", "added a site", new RegExp(`^${by} \\(command\\) name=blog`)],
    ["this host", "added a site", /name=shop domain=shop\.example$/],
    ["site/blog", `changed site ${id}`, /domain=blog\.example$/],
    ["this host", "restored from a backup", new RegExp(`^made \\S+ \\S+ \\S+, by ${by}$`)],
  ];
  assertEquals(lines.map(([who, what]) => [who, what]), expected.map(([who, what]) => [who, what]));
  for (const [i, [, , why]] of expected.entries()) assertMatch(lines[i]![3]!, why);
  const { items } = await host.json("history", "blog");
  assertEquals(items.map(({ what, workload }: HistoryEntry) => [what, workload?.id]), [
    ["audit", workloadId],
  ]);
  const audit = await host.run("audit");
  assertMatch(
    audit.stdout,
    new RegExp(
      `${by} +command +- +restored a backup +backup=\\d{4}-\\d\\d-\\d\\d [\\d:]{8} [+-]\\d\\d:\\d\\d\n$`,
    ),
  );
});

Deno.test("ps --at shows the table as it was, and says what is not known", async () => {
  const { host, at } = await watchedHost();
  await using _ = host;
  const then = await host.json("ps", "--at", at(3.5));
  assertEquals([then.watched, then.items.length], [true, 1]);
  const [{ state, exitCode, imageRef, since, workloadName }] = then.items;
  assertEquals([state, exitCode, imageRef, since], ["stopped", 137, "blog:1", at(3)]);
  assertEquals(workloadName, "blog");
  assertEquals((await host.json("ps", "--at", at(6))).items[0].imageRef, "blog:2");
  const table = await host.run("ps", "--at", at(3.5));
  assertMatch(table.stdout, /^WORKLOAD +KIND +ROLE\/STAGE +STATE +SINCE +CONTAINER +IMAGE +ROW\n/);
  assertMatch(table.stdout, /\nblog +site +- +○ stopped \(137\) +\S/);
  assertMatch(table.stderr, /^As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0[12]:00\.\n$/);
  const unwatched = await host.run("ps", "--at", at(12));
  assertMatch(unwatched.stderr, /Nobody watched then: this is as it was last seen at /);
  assertMatch(unwatched.stdout, /● running/);
  const before = await host.run("ps", "--at", at(-1));
  assertMatch(before.stderr, /Nobody is known to have watched then/);
  assertEquals(before.stdout.split("\n").length, 2);
});

Deno.test("what nobody watches now is said to be old, and not to be well", async () => {
  const { host, at } = await watchedHost();
  await using _ = host;
  const old =
    /^This may be old \(as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0[12]:00, .*no daemon keeps it/m;
  for (const command of [["problems"], ["history"], ["diff", "--since", at(7)]]) {
    const { code, stderr } = await host.run(...command);
    assertEquals(code, 0);
    assertMatch(stderr, old, command[0]);
  }
  assertMatch((await host.run("problems")).stderr, /^No problem is known\.\n/);
  const { index } = await host.json("problems");
  assertEquals([index.fresh, index.reason], [false, "no-daemon"]);
  // Nor does it grow old what was until then.
  assertEquals((await host.run("history", "--until", at(10))).stderr, "");
});

Deno.test("diff tells what differs between then and now, and what does not is left out", async () => {
  const { host, row, at } = await watchedHost();
  await using _ = host;
  const { items } = await host.json("diff", "--since", at(3.5));
  assertEquals(items.map(({ id, differs }: { id: string; differs: string[] }) => [id, differs]), [
    [row, ["state", "container", "image"]],
  ]);
  assertMatch(
    (await host.run("diff", "--since", at(3.5))).stdout,
    /\nsite\/blog +○ stopped \(137\) +● running +blog:1 → blog:2 /,
  );
  const same = await host.run("diff", "--since", at(7));
  assertEquals(same.stdout, "");
  assertMatch(same.stderr, /^Nothing differs between \S+ \S+ \S+ and now\.\n/);
  const fresh = await host.json("diff", "--since", at(-1));
  assertEquals(fresh.items[0].then, null);
});

Deno.test("availability counts what ran, what did not, and apart what nobody knows", async () => {
  const { host, row } = await watchedHost();
  await using _ = host;
  const { workloads: [blog] } = await host.json("availability", "blog", "--days", "1");
  assertEquals([blog.runningMs, blog.downMs], [8 * MINUTE, 2 * MINUTE]);
  assertEquals(blog.share, 0.8);
  assert(Math.abs(blog.unknownMs - 20 * MINUTE) < MINUTE);
  assertEquals(blog.rows.map(({ id }: { id: string }) => id), [row]);
  const { stdout } = await host.run("availability");
  assertMatch(
    stdout,
    /^WORKLOAD +RUNNING +PARTLY +DOWN +UNKNOWN\nsite\/blog +80\.00 % +0 +2m +20m/,
  );
  assertMatch((await host.run("availability", row)).stdout, /\n {2}site\/blog +80\.00 %/);
});

Deno.test("the past of a workload that was removed stays, and goes by its name", async () => {
  const { host, row, at } = await watchedHost();
  await using _ = host;
  await host.seed((store) =>
    store.registry.remove("site", store.registry.named("site", "blog")!.id, { force: true })
  );
  for (const word of ["blog", "site/blog", row]) {
    const { items } = await host.json("history", word);
    assertEquals(items.at(-1).to, "removed");
    assertEquals(items.at(-1).workload.name, "blog");
  }
  const then = await host.run("ps", "--at", at(6), "--workload", "blog");
  assertMatch(then.stdout, /\nblog \(removed\) +site /);
  const [gone] = (await host.json("availability", "blog")).workloads;
  assertEquals([gone.name, gone.removed, gone.downMs], ["blog", true, 2 * MINUTE]);
  assertMatch(
    (await host.run("diff", "--since", at(6))).stdout,
    / +● running +not there +removed /,
  );
});

Deno.test("what is pruned is said to be forgotten", async () => {
  const { host, at } = await watchedHost();
  await using _ = host;
  await host.seed((store: Store) =>
    store.transitions.prune(at(10), { maxAgeSeconds: 6.5 * 60, maxCount: 1000 })
  );
  const past = await host.json("ps", "--at", at(2));
  assertEquals(past.forgottenUntil, at(3));
  assertEquals(past.items.map(({ state }: { state: string | null }) => state), [null]);
  const shown = await host.run("ps", "--at", at(2));
  assertStringIncludes(shown.stdout, "? forgotten");
  assertMatch(shown.stderr, /is forgotten: rows may be missing here/);
  assertMatch((await host.run("history")).stderr, /What happened up to .* is forgotten\./);
  const { workloads: [blog] } = await host.json("availability", "--days", "1");
  assertEquals([blog.downMs, blog.runningMs], [2 * MINUTE, 5 * MINUTE]);
});

Deno.test("history, ps --at, diff and availability end with what can't be used, and a hint", async () => {
  const { host } = await watchedHost();
  await using _ = host;
  for (
    const [args, code, message] of [
      [["history", "blgo"], 1, /no workload or row "blgo"\nhint: did you mean "blog"\?/],
      [["availability", "nobody"], 1, /no workload or row "nobody"\nhint: /],
      [["history", "--since", "1h", "--until", "2h"], 2, /--until is before --since/],
      [["history", "--follow", "--until", "1h"], 2, /--follow goes without --until/],
      [["ps", "--at", "soon"], 2, /Cannot use --at "soon": not a time\nhint: as in 8h/],
      [["ps", "--at", "2099-01-01"], 2, /has not been yet/],
      [["ps", "--at", "1h", "--watch"], 2, /--at goes without --watch/],
      [["ps", "--at", "1h", "--state", "runing"], 2, /did you mean "running"\?/],
      [["diff", "--since", "2026-02-30"], 2, /not a time/],
      [["availability", "--days", "0"], 2, /not a whole number from 1 to 3650/],
    ] as const
  ) {
    const ran = await host.run(...args);
    assertEquals([ran.code, ran.stdout], [code, ""], args.join(" "));
    assertMatch(ran.stderr, message);
  }
  await using empty = await TestHost.make();
  for (const command of ["history", "diff", "availability"]) {
    assertMatch((await empty.run(command)).stderr, /there is no index yet\nhint: /);
  }
});

Deno.test("the past of a daemon that is killed has the time in which nobody watched apart", async () => {
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  host.env["TINYFORGE_INTERVAL"] = "200ms";
  let site = "";
  await host.seed((store) => {
    site = store.registry.create("site", { name: "blog" }).entry.workloadId;
  });
  const container = engine.add({ labels: { "tinyforge.workload.id": site } });
  const states = async () =>
    ((await host.json("history", "blog")).items as HistoryEntry[])
      .filter(({ what }) => what === "transition").map(({ to }) => to);
  let watched: string;
  let killed: string;
  {
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    const follower = host.start("history", "--follow", "--json");
    await until("it follows", () => follower.stdout.includes('"watch-began"'));
    engine.setState(container, "exited", 3);
    await until("it is told", () => follower.stdout.includes('"to":"stopped"'), {
      withinMs: 10_000,
    });
    assertEquals((await follower.stop()).code, 0);
    engine.setState(container, "running");
    await until("it runs again", async () => (await states()).at(-1) === "running");
    const before = (await daemon.get("/api/status")).lastPass.at;
    await until("a steady pass", async () => (await daemon.status())?.lastPass?.at !== before);
    watched = new Date().toISOString();
    const now = (await daemon.status())!.lastPass!.at;
    await until("another pass", async () => (await daemon.status())?.lastPass?.at !== now);
    daemon.kill();
    await daemon.ended();
    killed = new Date().toISOString();
  }
  engine.setState(container, "exited", 5);
  await using daemon = new LivingDaemon(host);
  await daemon.ready();
  assertEquals((await states()).slice(-4), ["running", "stopped", "running", "stopped"]);

  const then = await host.json("ps", "--at", watched);
  assertEquals([then.watched, then.items[0].state], [true, "running"]);
  const between = await host.json("ps", "--at", killed);
  assertEquals([between.watched, between.items[0].state], [false, "running"]);
  assert(between.asOf >= watched && between.asOf < killed, between.asOf);
  const { workloads: [blog] } = await daemon.get(
    `/api/availability?workload=blog&spans=500`,
  );
  assertEquals(
    blog.spans.map(({ state }: { state: string }) => state).slice(-4),
    ["down", "running", "unknown", "down"],
  );
  const gap = blog.spans.findLast(({ state }: { state: string }) => state === "unknown");
  assert(gap.from >= watched && gap.from <= killed && gap.to >= killed, JSON.stringify(gap));
  assertEquals(await host.read((store) => store.hosts.watched.isOpen()), true);
  assertEquals((await daemon.stop()).code, 0);
  // Whoever ends in order says until when it knew.
  assertEquals(await host.read((store) => store.hosts.watched.isOpen()), false);
});

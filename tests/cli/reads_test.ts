import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { VIEW_COLUMNS } from "../../src/model/columns.ts";
import { overview } from "../../src/cli/usage.ts";
import { acquireLock } from "../../src/lock/lock.ts";
import { loadMigrations, migrate } from "../../src/store/migrate.ts";
import type { Problem } from "../../src/model/problem.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { row } from "../harness/world.ts";
import { until } from "../harness/until.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { pass, siteRow, TestHost } from "../harness/program.ts";

const HOSTILE = "evil\x1b[2J\x9b31m\u202e\nname";

/** Ids of what {@link seed} makes. */
interface Seeded {
  blog: string;
  shop: string;
  api: string;
}

function seed(store: Store): Seeded {
  const blog = store.registry.create("site", { name: "blog", domain: "blog.example.org" }).entry;
  const shop = store.registry.create("stack", { name: "shop", composeProjectName: "shop-1" }).entry;
  const api = store.registry.create("project", { name: "api" }).entry;
  store.registry.create("site", { name: "shop" });
  const stage = store.stages.create(api.id, { name: "production", maxInstances: 2 });
  store.deployed.saveDeployedContainer({
    id: "api-1",
    workloadId: api.workloadId,
    stageId: stage.id,
    subdomain: "api",
    npmProxyId: 7,
    containerId: "ab".repeat(32),
    imageRef: "api:1",
  });
  pass(store, [
    siteRow(blog.workloadId, { port: 80, health: "unhealthy" }),
    row({
      id: `${shop.workloadId}:web`,
      workloadId: shop.workloadId,
      role: "web",
      containerId: "cd".repeat(32),
      state: "stopped",
      exitCode: 137,
      containerName: HOSTILE,
    }),
    row({
      id: `${shop.workloadId}:web:2`,
      workloadId: shop.workloadId,
      role: "web",
      replica: 2,
      containerId: "ef".repeat(32),
      containerName: "web-2",
    }),
  ]);
  return { blog: blog.workloadId, shop: shop.workloadId, api: api.workloadId };
}

async function seeded(): Promise<{ host: TestHost; ids: Seeded }> {
  let ids: Seeded | undefined;
  const host = await TestHost.seeded((store) => ids = seed(store));
  return { host, ids: ids! };
}

/** What is said of every index that no daemon keeps, its time left out. */
const OLD = "This may be old (as of TIME): no daemon keeps it; start `tinyforge reconcile`.\n";

function agesIn(stderr: string): string {
  return stderr.replace(/as of [0-9-]+ [0-9:]+ [+-][0-9:]+, \d+s ago/, "as of TIME");
}

Deno.test("ps, list, routes, explain and status say alike that no daemon keeps the index", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const { lastPassAt } = (await host.json("status")).index;
  for (
    const args of [["ps"], ["list"], ["list", "sites"], ["routes"], ["status"], [
      "explain",
      `${ids.blog}:site`,
    ]]
  ) {
    assertEquals(agesIn((await host.run(...args)).stderr), OLD, args.join(" "));
    const json = await host.run(...args, "--json");
    assertEquals(agesIn(json.stderr), OLD, args.join(" "));
    const { fresh, asOf, reason } = JSON.parse(json.stdout).index;
    assertEquals([fresh, asOf, reason], [false, lastPassAt, "no-daemon"], args.join(" "));
  }
});

Deno.test("ps --fresh without a daemon ends with 4, since nobody can list the Engine", async () => {
  const { host } = await seeded();
  await using _ = host;
  for (const args of [["ps", "--fresh"], ["ps", "--fresh", "--json"]]) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([code, stdout], [4, ""]);
    assertStringIncludes(stderr, "no daemon is running");
    assertStringIncludes(stderr, "start it with `tinyforge reconcile`");
  }
});

Deno.test("ps and explain say that a container does not claim its row, and what to do", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  await host.seed((store) => {
    const row = siteRow(ids.blog, { unclaimedReason: "unknown-workload", unclaimedValue: "w-old" });
    pass(store, [row], { at: new Date().toISOString() });
  });
  assertStringIncludes((await host.run("ps", "--kind", "site")).stdout, "● running, unclaimed");
  const { items: [row] } = await host.json("ps", "--kind", "site");
  assertEquals(
    [row.claimed, row.unclaimedReason, row.unclaimedValue],
    [false, "unknown-workload", "w-old"],
  );
  const facts = fields((await host.run("explain", row.id)).stdout.split("\n\n")[0]!);
  assertEquals(
    facts.find(([title]) => title === "claim")?.[1],
    [
      'none: unknown-workload "w-old", followed all the same',
    ][0],
  );
  assertStringIncludes(facts.find(([title]) => title === "to do")![1]!, "--id w-old");
});

/** The fields of each line, as a script splits a table. */
function fields(table: string): string[][] {
  return table.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
}

Deno.test("ps prints the index as a table, by name, with nothing a terminal would obey", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const { code, stdout, stderr } = await host.run("ps");
  assertEquals([code, agesIn(stderr)], [0, OLD]);
  const table = fields(stdout);
  assertEquals(table[0], [
    "WORKLOAD",
    "KIND",
    "ROLE/STAGE",
    "STATE",
    "HEALTH",
    "UP",
    "CONTAINER",
    "IMAGE",
    "PORT",
    "SEEN",
    "ROW",
  ]);
  assertEquals(table.slice(1).map(([name, , role, state, health]) => [name, role, state, health]), [
    ["api", "production", "◌ pending", "-"],
    ["blog", "-", "● running", "unhealthy"],
    ["shop", "web", "○ stopped (137)", "-"],
    ["shop", "web #2", "● running", "-"],
  ]);
  assertEquals(table[1]?.slice(6), ["abababababab", "api:1", "-", "never", "api-1"]);
  assertEquals(table[2]?.slice(6, 9), ["web", "busybox:1", "80"]);
  assertMatch(table[2]?.[9] ?? "", /^\ds ago$/);
  assertEquals(table[2]?.[10], `${ids.blog}:site`);
  assertStringIncludes(stdout, "evil\\u001b[2J\\u009b31m\\u202e\\nname");
  // deno-lint-ignore no-control-regex -- none must be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(stdout));
});

Deno.test("ps filters by kind, state and workload, and says when there is no such workload", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const rows = async (...args: string[]) =>
    (await host.json("ps", ...args)).items.map((item: { id: string }) => item.id).sort();
  const stack = [`${ids.shop}:web`, `${ids.shop}:web:2`];
  assertEquals(await rows("--kind", "stack"), stack);
  assertEquals(await rows("--state=running", "--kind=stack"), [`${ids.shop}:web:2`]);
  assertEquals(await rows("--workload", "stack/shop"), stack);
  assertEquals(await rows("--workload", "site/shop"), []);
  const several = await host.run("ps", "--workload", "shop");
  assertEquals([several.code, several.stdout], [1, ""]);
  assertEquals(
    several.stderr,
    'Cannot list rows: "shop" is the name of 2 workloads\nhint: say which: site/shop, stack/shop\n',
  );
});

Deno.test("ps --state says when no row is in that state, and which ones there are", async () => {
  const { host } = await seeded();
  await using _ = host;
  const said = async (...args: string[]) => {
    const { code, stderr } = await host.run("ps", ...args);
    assertEquals(code, 0);
    return agesIn(stderr);
  };
  assertEquals(
    await said("--state", "missing"),
    OLD + 'No row is in state "missing"; there are: pending, running, stopped.\n',
  );
  assertEquals(
    await said("--state", "missing", "--json"),
    OLD + 'No row is in state "missing"; there are: pending, running, stopped.\n',
  );
  assertEquals(await said("--state", "stopped", "--kind", "site"), OLD, "another filter left none");
});

Deno.test("ps --state with a state that no row can be in is an error with the nearest", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  await using empty = await TestHost.make();
  for (const each of [host, empty]) {
    assertEquals(await each.run("ps", "--state", "runing"), {
      code: 2,
      stdout: "",
      stderr: 'Cannot use --state "runing": no row can be in it\nhint: did you mean "running"?\n',
    });
  }
  const { stderr } = await host.run("ps", "--state", "florb");
  assertStringIncludes(
    stderr,
    "\nhint: states are running, stopped, completed, missing, absent, pending, ",
  );
  // The Engine's own word, whatever it is, can be asked for while a row is in it.
  await host.seed((store) => pass(store, [siteRow(ids.blog, { state: "florb" })]));
  assertEquals((await host.json("ps", "--state", "florb")).items.length, 1);
});

Deno.test("ps --json prints one document with every field, and no control character in it", async () => {
  const { host } = await seeded();
  await using _ = host;
  const { stdout } = await host.run("ps", "--json");
  // deno-lint-ignore no-control-regex -- none must be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(stdout));
  const { items } = JSON.parse(stdout);
  const stopped = items.find((item: { state: string }) => item.state === "stopped");
  assertEquals(stopped.containerName, HOSTILE);
  assertEquals(Object.keys(stopped), Object.keys(VIEW_COLUMNS));
});

Deno.test("list counts what serves each workload, and says none where nothing does", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const all = await host.run("list");
  assertEquals(all.code, 0);
  assertEquals(fields(all.stdout).map((line) => line.slice(0, 3)), [
    ["NAME", "KIND", "CONTAINERS"],
    ["api", "project", "◌ 1 pending"],
    ["shop", "stack", "● 1 running ○ 1 stopped"],
    ["blog", "site", "● 1 running, 1 unhealthy"],
    ["shop", "site", "none"],
  ]);
  const sites = await host.json("list", "sites");
  assertEquals(sites.items.length, 2);
  assertEquals(
    { ...sites.items[0], id: "", createdAt: "", updatedAt: "" },
    {
      id: "",
      kind: "site",
      name: "blog",
      workloadId: ids.blog,
      composeProjectName: null,
      domain: "blog.example.org",
      containerName: null,
      createdAt: "",
      updatedAt: "",
      running: 1,
      stopped: 0,
      missing: 0,
      unhealthy: 1,
      total: 1,
      states: { running: 1 },
    },
  );
  assertEquals(fields((await host.run("list", "stages")).stdout)[1]?.slice(0, 2), [
    "api/production",
    "2",
  ]);
});

Deno.test("list tells paused, restarting and created containers apart, and names unknown states", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("stack", {
      name: "shop",
      composeProjectName: "shop",
    }).entry;
    const states = ["florb", "restarting", "paused", "created", "running", "paused", "missing"];
    pass(
      store,
      states.map((state, i) =>
        row({ id: `r${i}`, workloadId, state, containerId: `${i}`.repeat(64) })
      ),
    );
  });
  assertEquals(
    fields((await host.run("list", "stacks")).stdout)[1]?.[1],
    "● 1 running ✗ 1 missing ◌ 1 created ‖ 2 paused ↻ 1 restarting ? 1 florb",
  );
  const [stack] = (await host.json("list")).items;
  assertEquals(stack.states, {
    created: 1,
    florb: 1,
    missing: 1,
    paused: 2,
    restarting: 1,
    running: 1,
  });
});

Deno.test("labels prints flags that a shell hands to docker run unchanged", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const site = await host.run("labels", "blog");
  assertEquals(site, {
    code: 0,
    stdout: `--label tinyforge.workload.id=${ids.blog} --label tinyforge.workload.kind=site\n`,
    stderr: "",
  });
  const stack = await host.run("labels", "stack/shop", "--role", "worker");
  assertStringIncludes(stack.stdout, " --label tinyforge.workload.role=worker\n");
  assertEquals(
    stack.stderr,
    'Containers of Compose project "shop-1" need no labels: docker compose -p shop-1 up -d\n',
  );
  const project = await host.run("labels", "api");
  assertStringIncludes(project.stderr, `tinyforge container add ${ids.api} --container ID`);
  assertEquals(await host.json("labels", "stack/shop", "--role", "a b"), {
    workload: await host.read((store) => store.workloads.get(ids.shop)),
    labels: {
      "tinyforge.workload.id": ids.shop,
      "tinyforge.workload.kind": "stack",
      "tinyforge.workload.role": "a b",
    },
    composeProject: "shop-1",
  });
});

Deno.test("labels --row names a row of the workload, and refuses another's", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const { code, stdout, stderr } = await host.run("labels", "api", "--row", "api-1");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, " --label tinyforge.row.id=api-1\n");
  const { labels } = await host.json("labels", "api", "--row", "api-1");
  assertEquals(labels["tinyforge.row.id"], "api-1");
  const foreign = await host.run("labels", "blog", "--row", "api-1");
  assertEquals([foreign.code, foreign.stdout], [2, ""]);
  assertEquals(
    foreign.stderr,
    'Cannot print labels of site "blog" for row "api-1": it belongs to project "api"\n' +
      `hint: \`tinyforge ps --workload ${ids.blog}\` shows the rows that it has\n`,
  );
  const nobody = await host.run("labels", "api", "--row", "nobody");
  assertEquals([nobody.code, nobody.stdout], [1, ""]);
});

Deno.test("labels refuses what a shell would take apart, a site's role, and names it doesn't know", async () => {
  const { host } = await seeded();
  await using _ = host;
  for (const role of ["a b", "$(id)", "*", "a\nb"]) {
    const { code, stdout, stderr } = await host.run("labels", "stack/shop", "--role", role);
    assertEquals([code, stdout], [2, ""], role);
    assertStringIncludes(stderr, `Cannot put role ${JSON.stringify(role)} on a command line`);
  }
  const site = await host.run("labels", "blog", "--role", "web");
  assertEquals([site.code, site.stdout], [2, ""]);
  assertStringIncludes(site.stderr, 'Cannot give site "blog" a role');
  assertEquals(await host.run("labels", "blgo"), {
    code: 1,
    stdout: "",
    stderr: 'Cannot print labels: no workload "blgo"\nhint: did you mean "blog"?\n',
  });
});

Deno.test("routes prints rows that a proxy leads to", async () => {
  const { host } = await seeded();
  await using _ = host;
  const { code, stdout, stderr } = await host.run("routes");
  assertEquals([code, agesIn(stderr)], [0, OLD]);
  assertEquals(fields(stdout)[1], [
    "api",
    "api",
    "production",
    "◌ pending",
    "-",
    "-",
    "-",
    "abababababab",
    "-",
    "7",
    "api-1",
  ]);
  const { items } = await host.json("routes");
  assertEquals([items.length, items[0].subdomain], [1, "api"]);
});

Deno.test("routes prints where the host and the networks lead to, and which port is which", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const shown = async (addresses: string, hostIp: string | null) => {
    await host.seed((store) => {
      const state = store.views.get("api-1").state;
      const bound = {
        id: "api-1",
        workloadId: ids.api,
        workloadKind: "project" as const,
        port: 80,
      };
      const published = { hostIp, hostPort: hostIp === null ? null : 32_790, addresses };
      store.containers.reconcileContainers(
        [{ op: "update", row: row({ ...bound, ...published }), from: state }],
        { at: new Date().toISOString(), cause: "pass", found: null },
      );
    });
    return fields((await host.run("routes")).stdout)[1]!.slice(4, 7);
  };
  const two = '{"bridge":"172.17.0.2","shop":"172.18.0.2","x":null}';
  assertEquals(await shown(two, "127.0.0.1"), [
    "80",
    "127.0.0.1:32790",
    "172.17.0.2 in bridge, 172.18.0.2 in shop",
  ]);
  assertEquals(await shown("{}", "::1"), ["80", "[::1]:32790", "-"]);
  assertEquals(await shown('{"host":null}', null), ["80", "-", "host"]);
});

Deno.test("explain tells a row's story, and what set its present state", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const rowId = `${ids.blog}:site`;
  const at = new Date(Date.now() + 1000).toISOString();
  await host.seed((store) => {
    pass(store, [siteRow(ids.blog, { state: "stopped", exitCode: 3 })], { at });
    store.containers.reconcileContainers([{
      op: "sweep",
      row: siteRow(ids.blog, { state: "missing", confirmed: false }),
      from: "stopped",
    }], {
      at,
      cause: "event",
      found: null,
      origin: () => ({ by: "event", action: "destroy", at: null }),
    });
  });
  const { code, stdout, stderr } = await host.run("explain", rowId);
  assertEquals([code, agesIn(stderr)], [0, OLD]);
  const [facts, story] = stdout.split("\n\n").map(fields);
  assertEquals(facts?.map(([title]) => title), [
    "row",
    "workload",
    "state",
    "set by",
    "container",
    "last seen",
  ]);
  assertEquals(facts?.[2], ["state", "✗ missing"]);
  assertMatch(facts?.[3]?.[1] ?? "", /^sweep: destroy, \ds ago$/);
  assertEquals(facts?.[4], ["container", "c1 web (busybox:1), which the Engine no longer lists"]);
  assertEquals(story?.map((line) => line.slice(1)), [
    ["-", "→", "● running", "bound to c1", "pass: listing"],
    ["running", "→", "○ stopped (3)", "c1", "pass: listing"],
    ["stopped", "→", "✗ missing", "c1", "sweep: destroy"],
  ]);
  const json = await host.json("explain", "blog");
  assertEquals([json.id, json.row.state, json.setBy.cause], [rowId, "missing", "sweep"]);
  assertEquals(json.transitions.map((t: { to: string }) => t.to), [
    "running",
    "stopped",
    "missing",
  ]);
});

Deno.test("problems tells what is open and grave first, what is low as that, one death as one", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const inspected = { error: "", oomKilled: false, restartPolicy: "no", healthOutput: null };
  await host.seed((store) => {
    const of = (key: string, fields: Partial<Problem>) =>
      problem({
        ...{ kind: "stopped", do: { code: "read-log", container: key }, key },
        ...{ containerId: key, containerName: key },
        ...{ workloadId: ids.blog, rowId: `${ids.blog}:site`, ...fields },
      });
    writeProblems(
      store,
      of("quiet", { silenced: true, openedAt: 5 }),
      of("low", { severity: "low", openedAt: 4 }),
      of("old", { openedAt: 1 }),
      of("new", {
        ...{ kind: "oom", openedAt: 3 },
        evidence: { count: 1, inspected: { ...inspected, restartCount: 1 } },
      }),
    );
  });
  const { stdout } = await host.run("problems");
  const heads = stdout.split("\n").filter((line) => line.startsWith("✗"));
  assertEquals(heads.map((line) => /, (\w+) {2}/.exec(line)?.[1]), ["new", "old", "low", "quiet"]);
  assertMatch(heads[2]!, / \(low\)$/);
  assertStringIncludes(stdout, "\n    1 death; restarted once\n");
});

Deno.test("problems tells as one what is wrong alike with many containers of a workload, and of each when asked", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const since = Date.now() - 90_000;
  await host.seed((store) => {
    const of = (n: number, fields: Partial<Problem> = {}) =>
      problem({
        ...{ kind: "stopped", severity: "low" },
        do: { code: "start", container: `shop_${n}`, workloadId: ids.shop },
        ...{ containerId: `c${n}`, containerName: `shop_${n}`, evidence: { exitCode: 137 } },
        ...{ workloadId: ids.shop, rowId: `${ids.shop}:${n}`, since, ...fields },
      });
    writeProblems(
      store,
      ...Array.from({ length: 60 }, (_, n) => of(60 - n)),
      of(61, { kind: "crashed", severity: "high" }),
      of(62, { workloadId: ids.blog, rowId: `${ids.blog}:site`, since: since - 3_600_000 }),
      of(63, { silenced: true }),
    );
  });
  const { stdout, stderr } = await host.run("problems");
  assertEquals(
    stdout,
    [
      "✗ crashed  stack/shop, shop_61  for 1m",
      "    exit code 137",
      "    do: `docker start shop_61`",
      "✗ stopped  stack/shop, 60 alike  for 1m (low)",
      "    shop_1, shop_2, shop_3 and 57 more",
      "    exit code 137",
      "    do, as for one of them: `docker start shop_1`",
      "✗ stopped  site/blog, shop_62  for 1h (low)",
      "    exit code 137",
      "    do: `docker start shop_62`",
      "✗ stopped  stack/shop, shop_63  for 1m (low, silenced)",
      "    exit code 137",
      "    do: `docker start shop_63`",
      "",
    ].join("\n"),
  );
  assertMatch(stderr, /^Alike ones are told as one: `tinyforge problems --each` tells of each\.$/m);
  const each = await host.run("problems", "--each");
  assertEquals(each.stdout.split("\n").filter((line) => line.startsWith("✗")).length, 63);
  assert(!each.stderr.includes("Alike"), each.stderr);
});

Deno.test("what is printed for people is in this machine's time, as what they write", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  host.env["TZ"] = "Asia/Tokyo";
  const rowId = `${ids.blog}:site`;
  // Of another day, so that the date stands there.
  await host.seed((store) => {
    const at = "2026-03-01T20:30:00.000Z";
    pass(store, [siteRow(ids.blog, { state: "stopped", exitCode: 3 })], { at });
    const about = { rowId, workloadId: ids.blog, since: Date.parse(at) };
    writeProblems(
      store,
      problem({ kind: "crashed", ...about, do: { code: "read-log", container: "web" } }),
    );
  });
  const explained = await host.run("explain", rowId);
  const [facts, story] = explained.stdout.split("\n\n").map(fields);
  const told = (title: string) => facts!.find(([each]) => each === title)?.[1] ?? "";
  assertMatch(told("set by"), /^pass: listing of 2026-03-02 05:30:00, \d+d ago$/);
  assertMatch(told("last seen"), /^2026-03-02 05:30:00, \d+d ago$/);
  assertMatch(told("problem"), /^✗ crashed, since 2026-03-02 05:30:00, \d+d ago/);
  assert(story!.some(([at, , , , , by]) => at === "2026-03-02 05:30:00" && by === "pass: listing"));
  assertMatch(explained.stderr, /as of 2026-03-02 05:30:00 \+09:00, /);
  const silence = await host.run("silence", "blog", "--until", "2036-03-01T20:30:00Z");
  assertMatch(silence.stdout, /: silent until 2036-03-02 05:30:00 \+09:00\n$/);
  assertStringIncludes((await host.run("silence", "list")).stdout, "2036-03-02 05:30:00 +09:00");
  await host.run("token", "add", "ci", "--role", "read", "--expires", "1d");
  const today = "(?:\\d{4}-\\d\\d-\\d\\d )?\\d\\d:\\d\\d:\\d\\d";
  const tokens = (await host.run("token", "list")).stdout;
  assertMatch(tokens, new RegExp(`^ci +read +${today} +${today}$`, "m"));
  assertMatch(
    (await host.run("audit")).stdout,
    new RegExp(`^${today} .*added a token +name=ci`, "m"),
  );
});

Deno.test("explain and ps tell since when a container runs, how it ended before and what its health did", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const rowId = `${ids.blog}:site`;
  const now = Date.now();
  await host.seed((store) => {
    pass(store, [siteRow(ids.blog, { health: "healthy", imageRef: "busybox:2" })]);
    store.details.record([{
      containerId: "c1",
      details: {
        startedAt: new Date(now - 7_300_000).toISOString(),
        finishedAt: new Date(now - 7_400_000).toISOString(),
        restartCount: 4,
        restartPolicy: "on-failure:3",
        oomKilled: false,
        error: "",
        healthOutput: "all\u001b[2J is\nwell",
        healthCheck: true,
        publishes: [],
      },
    }]);
    store.problems.write({
      put: [],
      dropped: [],
      kept: null,
      holds: new Map(),
      deaths: new Map([[rowId, {
        count: 2,
        atLeast: true,
        gapAt: null,
        ring: [{
          at: now - 7_400_000,
          exitCode: 1,
          ranSeconds: 2,
          how: "crash",
          containerId: "c1",
        }],
      }]]),
    });
  });
  const { stdout } = await host.run("explain", rowId);
  const [facts, story] = stdout.split("\n\n").map(fields);
  const told = (title: string) => facts!.find(([each]) => each === title)?.slice(1).join(" ") ?? "";
  assertMatch(told("up"), /^2h, since (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/);
  assertEquals(told("restarts"), '4 restarts, policy "on-failure:3"');
  assertMatch(told("health"), /^healthy, since \ds ago$/);
  assertEquals(told("check said"), '"all [2J is well"');
  assertEquals(told("deaths"), "at least 2");
  assertMatch(stdout, /^ {2,}2h ago: c1 crashed \(1\) after 2s$/m);
  assertEquals(story!.slice(-2).map((line) => line.slice(1)), [
    ["unhealthy", "→", "healthy", "c1", "health"],
    ["busybox:1", "→", "busybox:2", "c1", "image"],
  ]);
  const json = await host.json("explain", rowId);
  assertEquals([json.details.restartCount, json.deaths.count, json.changes.length], [4, 2, 2]);
  assertMatch(json.row.stateSince, /^\d{4}-/);
  const [, blog] = fields((await host.run("ps", "--kind", "site")).stdout);
  assertEquals(blog![5], "2h, 4 restarts");
  const { items: [item] } = await host.json("ps", "--kind", "site");
  assertEquals([item.restartPolicy, item.restartCount], ["on-failure:3", 4]);
});

Deno.test("explain finds a row by container and workload, and keeps a removed row's story", async () => {
  const { host } = await seeded();
  await using _ = host;
  assertEquals((await host.json("explain", "abababab")).id, "api-1");
  assertEquals((await host.json("explain", "project/api")).id, "api-1");
  const several = await host.run("explain", "shop");
  assertEquals(several.code, 1);
  assertStringIncludes(several.stderr, 'Cannot explain "shop": it means 2 rows\nhint: say which: ');
  const none = await host.run("explain", "api-2");
  assertEquals(none.stderr, 'Cannot explain "api-2": no such row\nhint: did you mean "api-1"?\n');
  await host.seed((store) => {
    store.deployed.updateDeployedContainer("api-1", { containerId: "cc".repeat(32) });
  });
  // What no listing has told yet is not known, and not called anything.
  assertMatch((await host.run("explain", "api-1")).stdout, /^container +c{12} \(api:1\)$/m);
  const { detail, origin } = (await host.json("explain", "api-1")).setBy;
  assertEquals([detail, origin.by, origin.action], [
    "created by the deployer",
    "deployer",
    "created",
  ]);
  await host.seed((store) => store.deployed.deleteDeployedContainer("api-1"));
  const { stdout } = await host.run("explain", "api-1");
  assertStringIncludes(stdout, "removed: the row is no longer in the index");
  assertMatch(stdout, /→ +✗ removed .* deployer: removed by the deployer/);
});

Deno.test("status without a daemon says so, and what the index holds", async () => {
  const { host } = await seeded();
  await using _ = host;
  await Deno.writeTextFile(`${host.dataDir}/tinyforge.lock`, "4194303\n");
  const { code, stdout, stderr } = await host.run("status");
  assertEquals([code, agesIn(stderr)], [0, OLD]);
  assertEquals(fields(stdout).filter(([title]) => title !== "last pass"), [
    ["data", host.dataDir],
    ["daemon", "○ not running"],
    ["lock", "free: left by PID 4194303, which is gone"],
    ["", "3 containers listed: 3 claimed, 0 refused, 0 unmanaged"],
    ["problems", "none"],
    ["registered", "1 project, 1 stack, 2 sites"],
    ["rows", "1 pending, 2 running, 1 stopped"],
    ["health", "✗ 1 unhealthy"],
  ]);
  // A program that has the guard has the lock, whether or not a file says so.
  using guard = await Deno.create(`${host.dataDir}/tinyforge.lock.guard`);
  assert(guard.tryLockSync(true));
  assertEquals((await host.json("status")).lock, { pid: null, alive: true });
  assertStringIncludes((await host.run("status")).stdout, "held by a program");
  guard.unlockSync();
  const json = await host.json("status");
  assertEquals(Object.keys(json), [
    "dataDir",
    "daemon",
    "daemonError",
    "lock",
    "lockLost",
    "index",
    "membership",
    "firstRun",
  ]);
  assertEquals([json.daemon, json.lock, json.firstRun], [
    null,
    { pid: 4194303, alive: false },
    null,
  ]);
  assertEquals(json.index.registered, { project: 1, stack: 1, site: 2 });
});

Deno.test("a read during a daemon's very first start finds no index yet, or waits for a whole one", async () => {
  await using host = await TestHost.make();
  await Deno.mkdir(host.dataDir, { mode: 0o700 });
  await Deno.writeTextFile(host.database, "", { mode: 0o600 });
  const empty = await host.run("status");
  assertEquals(empty.code, 0, empty.stderr);
  assertStringIncludes(empty.stdout, "index   there is none yet\n");
  assertEquals((await host.json("status")).index, null);
  const ps = await host.run("ps");
  assertEquals(ps.code, 0, ps.stderr);
  assertStringIncludes(ps.stdout + ps.stderr, "Nothing is registered yet");

  // Whoever has the lock has brought it half of the way.
  const migrations = loadMigrations();
  const options = { path: host.database, now: "2026-01-01T00:00:00Z" };
  const { Database } = await import("@db/sqlite");
  const db = new Database(host.database, { int64: true });
  // Whoever looks on may be reading just then.
  db.exec("PRAGMA busy_timeout = 5000");
  migrate(db, migrations.slice(0, 1), options);
  const unfinished = await host.run("status");
  assertEquals(unfinished.code, 1);
  assertStringIncludes(unfinished.stderr, "it is at schema 1, this program reads");
  using _lock = await acquireLock(host.dataDir);
  const running = host.start("status");
  const looked = performance.now() + 1200;
  await until("it has looked", () => performance.now() > looked);
  migrate(db, migrations, options);
  db.close();
  const { code, stdout } = await running.ended();
  assertEquals([code, /schema/.test(running.stderr)], [0, false], running.stderr);
  assertMatch(stdout, /^registered +nothing/m);
});

Deno.test("status counts every container that was refused, and names the first ten", async () => {
  const refused = Array.from({ length: 150 }, (_, i) => ({
    reason: "unknown-workload" as const,
    containerId: `c${i}`,
    containerName: `web-${i}`,
    value: "nobody",
  }));
  await using host = await TestHost.seeded((store) => {
    store.registry.create("site", { name: "blog" });
    const unmanaged = { count: 7, composeProjects: {} };
    store.containers.reconcileContainers([], {
      at: new Date().toISOString(),
      cause: "pass",
      found: { listed: 157, claimed: 0, refused, unclaimed: [], unmanaged },
    });
  });
  const { stdout } = await host.run("status");
  assertStringIncludes(stdout, "157 containers listed: 0 claimed, 150 refused, 7 unmanaged");
  assertStringIncludes(stdout, 'refused: web-9: unknown-workload "nobody"');
  assert(!stdout.includes("web-10"), stdout);
  assertStringIncludes(stdout, "refused: 140 more");
});

Deno.test("secret show prints the secret alone", async () => {
  const { host, ids } = await seeded();
  await using _ = host;
  const secret = await host.read((store) => store.workloads.secret(ids.blog));
  assertEquals(await host.run("secret", "show", "blog"), {
    code: 0,
    stdout: `${secret}\n`,
    stderr: "",
  });
  assertEquals(await host.json("secret", "show", "site/blog"), { id: ids.blog, secret });
});

Deno.test("a first ps and status name what runs unmanaged and how to take it in, safe to paste", async () => {
  const unmanaged = { count: 4, composeProjects: { shop: 2, "x; rm -rf ~": 1 } };
  await using host = await TestHost.seeded((store) => pass(store, [], { unmanaged }));
  const lines = [
    "Nothing is registered yet.",
    "4 containers on this host are unmanaged; Compose projects among them: shop (2), x; rm -rf ~ (1).",
    "To take in what runs:",
    "  tinyforge discover",
    "  tinyforge adopt --all",
    "To begin with a container of its own:",
    "  tinyforge add site NAME",
    "  docker run -d $(tinyforge labels NAME) IMAGE",
    "",
  ].join("\n");
  const ps = await host.run("ps");
  assertEquals([ps.code, agesIn(ps.stderr)], [0, OLD + lines]);
  assertStringIncludes((await host.run("status")).stdout, lines);
  assertEquals((await host.json("status")).firstRun, {
    ...{ unmanaged: { ...unmanaged, refused: 0 }, error: null },
  });
});

Deno.test("a first status counts what discover does not offer as refused, not as unmanaged", async () => {
  await using engine = await FakeEngine.start();
  engine.add({ name: "left", labels: { "tinyforge.workload.id": "no-such" } });
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  const alone = await host.run("status");
  assertStringIncludes(
    alone.stdout,
    "There are no containers on this host that could be taken in.\n" +
      "1 container is refused for its labels: tinyforge discover tells why.\n" +
      "To begin:\n",
  );
  engine.add({ name: "web" });
  const both = await host.run("status");
  assertStringIncludes(
    both.stdout,
    "1 container on this host is unmanaged.\n" +
      "1 container is refused for its labels: tinyforge discover tells why.\n",
  );
  const discovered = await host.json("discover");
  assertEquals(discovered.candidates.map(({ name }: { name: string }) => name), ["web"]);
  assertEquals(discovered.leftOut, [{ container: "left", reason: "unknown-workload" }]);
});

Deno.test("a first ps asks the Engine once when there is no index yet, and makes none", async () => {
  await using engine = await FakeEngine.start();
  engine.add({ labels: { "com.docker.compose.project": "shop" } });
  engine.add({ labels: { "com.docker.compose.project": "tinyforge-x" } });
  engine.add({ labels: {} });
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
  const { code, stdout, stderr } = await host.run("ps");
  assertEquals([code, stdout.trimEnd().split("\n").length], [0, 1]);
  assertStringIncludes(
    stderr,
    "3 containers on this host are unmanaged; Compose projects among them: shop (1), tinyforge-x (1).",
  );
  assertStringIncludes(stderr, "tinyforge discover\n  tinyforge adopt --all\n");
  assertEquals(await host.json("ps"), { index: null, items: [] });
  assert(await Deno.lstat(host.dataDir).then(() => false, () => true));
});

Deno.test("a first status without an Engine says why it can't tell what runs", async () => {
  await using host = await TestHost.make();
  const { code, stdout } = await host.run("status");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "index   there is none yet\n");
  assertMatch(
    stdout,
    /What runs on this host is not known: Cannot list containers: there is no socket/,
  );
});

Deno.test("commands that need an index say that there is none", async () => {
  await using host = await TestHost.make();
  for (const args of [["labels", "blog"], ["explain", "x"], ["secret", "show", "blog"]]) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertEquals(
      stderr,
      `Cannot read "${host.database}": there is no index yet\n` +
        "hint: `tinyforge add` or `tinyforge reconcile` makes one; --data-dir names another place\n",
    );
  }
  assertEquals((await host.json("list")).items, []);
  assertEquals((await host.json("routes")).items, []);
});

Deno.test("commands that change what can't be there yet make no data directory", async () => {
  await using host = await TestHost.make();
  const commands = [
    ["add", "stage", "api/live"],
    ["rename", "site", "blog", "journal"],
    ["set", "site", "blog", "--domain", "blog.example"],
    ["rm", "site", "blog"],
    ["container", "add", "api"],
    ["container", "set", "api-1", "--subdomain", "api"],
    ["container", "rm", "api-1"],
    ["secret", "rotate", "blog"],
    ["engine", "accept"],
  ];
  for (const args of commands) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertStringIncludes(stderr, `Cannot read "${host.database}": there is no index yet\nhint: `);
  }
  await assertRejects(() => Deno.lstat(host.dataDir), Deno.errors.NotFound);
});

Deno.test("list says what there is none of", async () => {
  await using host = await TestHost.seeded((store) => {
    store.registry.create("project", { name: "api" });
  });
  assertMatch(
    (await host.run("list", "projects")).stderr,
    /^This may be old \(nothing is known yet\): no daemon keeps it; [^\n]+\.\n$/,
  );
  assertStringIncludes((await host.run("list", "sites")).stderr, "There are no sites; ");
  assertStringIncludes((await host.run("list", "stages")).stderr, "There are no stages; ");
});

Deno.test("version prints the program's, Deno's and SQLite's", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run("version");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(
    stdout,
    new RegExp(
      `^tinyforge \\d+\\.\\d+\\.\\d+\\ndeno ${Deno.version.deno}\\nsqlite 3\\.\\d+\\.\\d+\\n$`,
    ),
  );
  assertEquals(Object.keys(await host.json("version")), ["tinyforge", "deno", "sqlite"]);
});

Deno.test("healthcheck ends with 1 and says why when no daemon listens", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run("healthcheck");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(stdout, `not ready: no daemon listens in "${host.dataDir}"\n`);
});

Deno.test("systemd prints a unit with the flags that were given", async () => {
  await using host = await TestHost.make();
  for (const name of ["TINYFORGE_DATA_DIR", "TINYFORGE_DOCKER_HOST"]) delete host.env[name];
  const { code, stdout } = await host.run("systemd", "--interval", "10s", "--listen=none");
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    "\nExecStart=/usr/local/bin/tinyforge reconcile --interval=10s --listen=none\n",
  );
  assertStringIncludes(stdout, "\nStateDirectory=tinyforge\n");
  const elsewhere = await host.run("systemd", "--data-dir", "/srv/x");
  assertEquals([elsewhere.code, elsewhere.stdout], [2, ""]);
  assertEquals(elsewhere.stderr.split("\n"), [
    'Cannot write a unit for data directory "/srv/x": systemd keeps a service\'s data under /var/lib/',
    "hint: leave --data-dir out or name a directory there",
    "",
  ]);
});

Deno.test("systemd asks for the group of the Engine's socket, and for root where only root gets to it", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DATA_DIR"] = "/var/lib/tinyforge";
  const identity = async (path: string) => {
    const { stdout } = await host.run("systemd", "--docker-host", `unix://${path}`);
    return stdout.split("\n").filter((line) =>
      /^(User|DynamicUser|Supplementary|Wants)/.test(line)
    );
  };
  const path = `${host.dir}/engine.sock`;
  using _listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, 0o600);
  assertEquals(await identity(path), [
    "Wants=docker.socket network-online.target",
    "User=root",
  ]);
  await Deno.chmod(path, 0o666);
  assertEquals((await identity(path)).slice(1), ["DynamicUser=yes"]);
  assertEquals(await identity("/nowhere/docker.sock"), [
    "Wants=docker.socket network-online.target",
    "DynamicUser=yes",
    "SupplementaryGroups=docker",
  ]);
  assertEquals(await identity("/nowhere/podman.sock"), [
    "Wants=podman.socket network-online.target",
    "User=root",
  ]);
});

Deno.test("systemd puts what the environment says into the unit, and no default", async () => {
  await using host = await TestHost.make();
  Object.assign(host.env, {
    TINYFORGE_DATA_DIR: "/var/lib/forge/",
    TINYFORGE_LISTEN: "127.0.0.1:7475",
    TINYFORGE_INTERVAL: "10s",
    TINYFORGE_ALLOWED_HOSTS: "forge.example, forge",
    TINYFORGE_DOCKER_HOST: "",
    DOCKER_HOST: "tcp://engine:2375",
  });
  const { code, stdout } = await host.run("systemd", "--interval", "5s", "--log-level=info");
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    "\nExecStart=/usr/local/bin/tinyforge reconcile --docker-host=tcp://engine:2375 " +
      '--interval=5s "--allowed-hosts=forge.example, forge"\n',
  );
  assertStringIncludes(stdout, "\nStateDirectory=forge\n");
});

Deno.test("systemd gives the service what TLS needs, and says when it can't see it", async () => {
  await using host = await TestHost.make();
  Object.assign(host.env, {
    TINYFORGE_DATA_DIR: "",
    TINYFORGE_DOCKER_HOST: "",
    DOCKER_HOST: "tcp://engine:2376",
    DOCKER_TLS_VERIFY: "1",
    DOCKER_CERT_PATH: "/etc/tiny forge/100%",
  });
  const seen = await host.run("systemd");
  assertEquals(seen.code, 0, seen.stderr);
  assertStringIncludes(
    seen.stdout,
    "\nEnvironment=DOCKER_TLS_VERIFY=1\n" +
      'Environment="DOCKER_CERT_PATH=/etc/tiny forge/100%%"\nExecStart=',
  );
  assert(!seen.stderr.includes("certificates"), seen.stderr);
  host.env["DOCKER_CERT_PATH"] = "/home/me/certs";
  const hidden = await host.run("systemd");
  assertStringIncludes(hidden.stderr, 'can\'t see the certificates in "/home/me/certs"');
  // Its /tmp is one of its own.
  for (const path of ["/tmp/certs", "/var/tmp/certs"]) {
    host.env["DOCKER_CERT_PATH"] = path;
    assertStringIncludes(
      (await host.run("systemd")).stderr,
      `can't see the certificates in "${path}"`,
    );
  }
  host.env["DOCKER_HOST"] = "unix:///tmp/engine.sock";
  assertStringIncludes(
    (await host.run("systemd")).stderr,
    "can't see the Engine's socket \"/tmp/engine.sock\"",
  );
  host.env["DOCKER_HOST"] = "unix:///var/run/docker.sock";
  assert(!(await host.run("systemd")).stderr.includes("can't see"));
  assert(!(await host.run("systemd")).stdout.includes("Environment="));
});

Deno.test("help prints usage texts to stdout, no command prints them to stderr", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_INTERVAL"] = "nonsense";
  const help = await host.run("help");
  assertEquals([help.code, help.stderr], [0, ""]);
  assertEquals(await host.run("--help"), help);
  assertEquals(await host.run(), { code: 2, stdout: "", stderr: overview() });
  const ps = await host.run("help", "ps");
  assertStringIncludes(ps.stdout, "Usage: tinyforge ps [--host NAME]");
  assertEquals(await host.run("ps", "--help"), ps);
  const wrong = await host.run("help", "sp");
  assertEquals(wrong, {
    code: 2,
    stdout: "",
    stderr: 'Cannot explain "sp": no such command\nhint: did you mean "ps"?\n',
  });
});

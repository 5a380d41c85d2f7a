/** Commands beside a hub's data directory: what they show of many hosts. @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { startHub } from "../harness/hub.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { onTerminal, terminalTest } from "../harness/terminal.ts";
import { until } from "../harness/until.ts";
import { type SayingHost, sayingHost, toldWorkload } from "./hubs.ts";
import { minutesBefore, shownRow, toldChange } from "./rows.ts";
import { toldCrash } from "./things.ts";

const cluster = sharedCluster();

/** A hub as a program, and hosts `alpha` (heard of) and `beta` (not) with a row of the same id each. */
async function besideHub(
  test: (
    hub: { host: TestHost; alpha: SayingHost; beta: SayingHost; sql: Sql },
  ) => Promise<void>,
): Promise<void> {
  await using host = await TestHost.make();
  const database = await cluster.newDatabase();
  await startHub(host, { database });
  const sql = await openDatabase(database, { connections: 2 });
  try {
    const alpha = await sayingHost(sql, "alpha");
    const beta = await sayingHost(sql, "beta");
    await alpha.snapshot([
      shownRow("a", { workloadId: "w1", containerName: "alpha-web" }),
      shownRow("b", { workloadId: "w2", workloadName: "blog", state: "stopped", exitCode: 1 }),
    ]);
    await beta.snapshot([shownRow("a", { workloadId: "w1" })]);
    await alpha.batch([], { workloads: [toldWorkload("w1", "shop"), toldWorkload("w2", "blog")] });
    await beta.batch([], { workloads: [toldWorkload("w1", "shop")] });
    await alpha.beat();
    await beta.beat();
    await beta.fallSilent();
    await test({ host, alpha, beta, sql });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

Deno.test("ps beside a hub shows the rows of all hosts, and of one with --host", () =>
  besideHub(async ({ host }) => {
    const all = await host.run("ps");
    assertEquals(all.code, 0, all.stderr);
    const lines = all.stdout.trimEnd().split("\n");
    assertMatch(lines[0]!, /^HOST +WORKLOAD +KIND/);
    assertMatch(lines[1]!, /^alpha +blog .*stopped \(1\).* alpha:b$/);
    assertMatch(lines[2]!, /^alpha +shop .*running.* alpha:a$/);
    assertMatch(lines[3]!, /^beta +shop .*\? unknown, was running.* ago .*beta:a$/);
    assertStringIncludes(all.stderr, "not of every host is it known");
    const one = await host.run("ps", "--host", "alpha");
    assertEquals(one.stdout.match(/^beta/m), null);
    assertEquals(one.stderr, "");
    const json = await host.json("ps", "--host", "beta");
    assertEquals(
      json.items.map(({ host, id, state, lastState }: Record<string, unknown>) => [
        ...[host, id, state, lastState],
      ]),
      [["beta", "beta:a", "unknown", "running"]],
    );
    assertEquals((await host.json("ps", "--workload", "shop")).items.length, 2);
    assertEquals((await host.json("ps", "--state", "unknown")).items.length, 1);
    const misspelt = await host.run("ps", "--host", "alhpa");
    assertEquals([misspelt.code, misspelt.stdout], [2, ""]);
    assertStringIncludes(misspelt.stderr, 'no host "alhpa"');
    assertStringIncludes(misspelt.stderr, 'did you mean "alpha"?');
    const nobody = await host.run("problems", "--host", "zzzzzz");
    assertEquals(nobody.code, 2);
    assertStringIncludes(nobody.stderr, "there are alpha, beta");
  }));

Deno.test("ps beside a hub whose hosts have no rows has the same columns, and says so", async () => {
  await using host = await TestHost.make();
  await startHub(host, { database: await cluster.newDatabase() });
  const all = await host.run("ps");
  assertMatch(all.stdout, /^HOST +WORKLOAD +KIND[^\n]+\n$/);
  assertStringIncludes(all.stderr, "No host has any row; `tinyforge hub list` shows the hosts.");
  const some = await host.run("ps", "--kind", "site");
  assertStringIncludes(some.stderr, "No host has such a row;");
});

Deno.test("list, explain and complete beside a hub tell of which host", () =>
  besideHub(async ({ host }) => {
    const list = await host.run("list");
    const lines = list.stdout.trimEnd().split("\n");
    assertMatch(lines[0]!, /^HOST +NAME +KIND +CONTAINERS +WORKLOAD/);
    assertMatch(lines[1]!, /^alpha +blog +project +.* 1 stopped +alpha:w2/);
    assertEquals(lines.length, 4);
    assertEquals((await host.json("list", "--host", "beta")).items.length, 1);
    const explained = await host.run("explain", "alpha-web");
    assertEquals(explained.code, 0, explained.stderr);
    assertMatch(explained.stdout, /host +alpha/);
    const unknown = await host.run("explain", "a", "--host", "beta");
    assertMatch(unknown.stdout, /state +\? unknown: its host was heard of .* was running/);
    const several = await host.run("explain", "shop");
    assertEquals(several.code, 1);
    assertStringIncludes(several.stderr, "say which: alpha:a, beta:a");
    assertEquals((await host.run("explain", "nothing-such")).code, 1);
    assertEquals((await host.run("complete", "hosts")).stdout, "alpha\nbeta\n");
  }));

Deno.test("problems and check beside a hub tell of which host, and what nobody knows is not right", () =>
  besideHub(async ({ host, alpha, beta }) => {
    await alpha.batch([], {
      problems: [toldCrash({
        ...{ key: "crashed:b", workloadId: "w2", rowId: "b" },
        ...{ containerId: "c-b", containerName: "blog-1" },
        do: { code: "explain", rowId: "b" },
      })],
      problemsGone: [],
    });
    const problems = await host.run("problems");
    assertMatch(problems.stdout, /✗ crashed +alpha +project\/blog, blog-1/);
    const { problems: ofBeta } = await host.json("problems", "--host", "beta");
    assertEquals(ofBeta, []);
    const wrong = await host.run("check", "--wait", "0s");
    assertEquals(wrong.code, 3, wrong.stderr);
    assertStringIncludes(wrong.stdout, "alpha: project/blog, row alpha:b: stopped (1)");
    assertStringIncludes(wrong.stdout, "beta: project/shop, row beta:a: its host is not heard of");
    const right = await host.run("check", "shop", "--host", "alpha", "--wait", "0s");
    assertEquals([right.code, right.stdout], [0, "1 row as expected.\n"], right.stderr);
    assertEquals((await host.run("check", "nothing-such", "--wait", "0s")).code, 2);
    await beta.beat();
    assertEquals((await host.run("check", "shop", "--wait", "0s")).code, 0);
  }));

Deno.test("problems beside a hub shows what a host says, and lets it reorder or colour nothing", () =>
  besideHub(async ({ host, alpha }) => {
    const odd = "\u001b[31mred \u202edesrever";
    await alpha.batch([], { problems: [toldCrash({ evidence: { error: odd, machines: [odd] } })] });
    const { code, stdout } = await host.run("problems");
    assertEquals(code, 0);
    assertStringIncludes(stdout, "desrever");
    // deno-lint-ignore no-control-regex -- finding them is the purpose
    assertEquals(/[\u001b\u202e]/.test(stdout), false, stdout);
  }));

Deno.test("hub enroll says what stands for the hub's address, and hub list who has not joined yet", () =>
  besideHub(async ({ host, sql }) => {
    host.env["TZ"] = "Asia/Kathmandu";
    const plain = await host.run("hub", "enroll", "gamma");
    assertMatch(plain.stdout, /^tinyforge join https:\/\/HUB tf_\S+\n$/);
    assertStringIncludes(plain.stderr, "in place of https://HUB");
    assertMatch(plain.stderr, /works once, until [\d-]{10} [\d:]{8} \+05:45\.$/m);
    const told = await host.run("hub", "enroll", "delta", "--url", "https://hub.example.org");
    assertMatch(told.stdout, /^tinyforge join https:\/\/hub\.example\.org tf_/);
    assertEquals(told.stderr.includes("https://HUB"), false, told.stderr);
    for (const url of ["hub.example.org:7480", "http://hub.example.org", "https://hub/tf"]) {
      const refused = await host.run("hub", "enroll", "epsilon", "--url", url);
      assertEquals([refused.code, refused.stdout], [2, ""], url);
      assertStringIncludes(refused.stderr, `Cannot use "${url}" as a hub: `);
      assertStringIncludes(refused.stderr, "write it as https://host:port");
    }
    // A host that was silent for long is not told in seconds.
    await sql`UPDATE tinyforge.hosts SET heard_at = now() - interval '3 hours' WHERE name = 'beta'`;
    assertMatch((await host.run("hub", "list")).stdout, /^beta +unknown +3h ago /m);
    await sql`UPDATE tinyforge.enrolments SET expires_at = '2026-01-01T00:00:00Z'
      WHERE name = 'delta'`;
    const { stdout } = await host.run("hub", "list");
    assertMatch(stdout, /^alpha +known .*$/m);
    assertMatch(
      stdout,
      /^gamma +not joined +never .*its token is valid until [\d-]{10} [\d:]{8} \+05:45$/m,
    );
    assertMatch(
      stdout,
      /^delta +not joined +never .*its token is over: tinyforge hub enroll delta$/m,
    );
    const { items, invited } = await host.json("hub", "list");
    assertEquals(items.map(({ name }: { name: string }) => name), ["alpha", "beta"]);
    assertEquals(
      invited.map(({ name, expired }: Record<string, unknown>) => [name, expired]),
      [["delta", true], ["gamma", false]],
    );
    assertEquals((await host.run("hub", "rm", "delta")).code, 0);
    assertEquals((await host.json("hub", "list")).invited.length, 1);
  }));

terminalTest("hub list shows whole what is to be typed, also on a narrow terminal", async () => {
  await using host = await TestHost.make();
  const database = await cluster.newDatabase();
  await startHub(host, { database });
  assertEquals((await host.run("hub", "enroll", "g")).code, 0);
  const sql = await openDatabase(database, { connections: 1 });
  await sql`UPDATE tinyforge.enrolments SET expires_at = '2026-01-01T00:00:00Z'`;
  await sql.end();
  // Of 60 columns.
  await using running = onTerminal(host, "hub", "list", "--no-color");
  await running.process.stdin.close();
  const { code, stdout } = await running.ended();
  assertEquals(code, 0, stdout);
  assertMatch(stdout, /^g +not joined +its token is over: tinyforge hub enroll g\r$/m);
  for (const line of stdout.split("\r\n")) assert(line.length <= 60, line);
});

Deno.test("silence and notify beside a hub go by host, workload and kind", () =>
  besideHub(async ({ host }) => {
    const silent = async (...words: string[]) => {
      const { code, stdout, stderr } = await host.run("silence", ...words, "--for", "1h");
      assertEquals(code, 0, stderr);
      return stdout.split(":")[0]!;
    };
    const id = await silent("--host", "alpha");
    await silent("shop", "--host", "beta", "--reason", "moving");
    await silent("blog");
    await silent("alpha:b");
    await silent("--all", "--kind", "host-unknown,stuck");
    const list = await host.run("silence", "list");
    const lines = list.stdout.trimEnd().split("\n").slice(1);
    assertMatch(lines[0]!, /^\S+ +alpha +until/);
    assertMatch(lines[1]!, /^\S+ +beta: project\/shop +until .* moving$/);
    assertMatch(lines[2]!, /^\S+ +alpha: project\/blog +until/);
    assertMatch(lines[3]!, /^\S+ +alpha:b +until/);
    assertMatch(lines[4]!, /^\S+ +everything \(host-unknown, stuck\) +until/);
    const ended = await host.run("silence", "rm", id);
    assertEquals(ended.code, 0, ended.stderr);
    assertEquals((await host.json("silence", "list")).items.length, 4);
    const several = await host.run("silence", "shop", "--for", "1h");
    assertEquals(several.code, 1);
    assertStringIncludes(several.stderr, "say which: alpha:w1, beta:w1");
    const nobody = await host.run("silence", "--host", "gamma", "--for", "1h");
    assertStringIncludes(nobody.stderr, 'no host "gamma"');
    const both = await host.run("silence", "--all", "--host", "alpha", "--for", "1h");
    assertEquals(both.code, 2, both.stderr);

    const add = (...words: string[]) =>
      host.json("notify", "add", ...words, "https://example.org/hook");
    await add("second");
    await add("first", "--host", "alpha,beta", "--workload", "shop", "--fallback", "second");
    const port = /^http:\/\/([^/]+)/.exec((await host.run("dashboard")).stdout)![1];
    const token = (await Deno.readTextFile(`${host.dataDir}/token`)).trim();
    const response = await fetch(`http://${port}/api/rules`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items } = await response.json();
    assertEquals([items[1].hosts, items[1].workloads], [
      ...[["alpha", "beta"], ["alpha:w1", "beta:w1"]],
    ]);
    assertEquals((await host.run("notify", "add", "x", "https://e.org", "--host", "y")).code, 2);
    const retried = await host.run("notify", "retry", "second");
    assertEquals(retried.stderr, 'Nothing waits for channel "second", and nothing was given up.\n');
  }));

Deno.test("--host of silence is refused where the index is of one host", async () => {
  await using host = await TestHost.make();
  await host.seed(() => {});
  const { code, stderr } = await host.run("silence", "--host", "a", "--for", "1h");
  assertEquals([code, /one host alone/.test(stderr)], [2, true], stderr);
});

Deno.test("history, diff, availability and ps --at beside a hub tell what was on each host", () =>
  besideHub(async ({ host, alpha, beta }) => {
    const ago = minutesBefore(Date.now());
    const past = (from: number, to: number) => ({
      watching: { from: ago(from), to: ago(to) },
      ...{ after: 0, watched: [], forgottenUntil: null },
    });
    const of = (more: object) => ({ workloadId: "w2", workloadName: "blog", rowId: "b", ...more });
    await alpha.batch([], {
      transitionsAfter: 0,
      transitions: [
        toldChange(ago, 1, 90),
        toldChange(ago, 2, 80, of({})),
        toldChange(ago, 3, 30, of({ from: "running", to: "stopped", exitCode: 1, cause: "event" })),
        toldChange(
          ago,
          4,
          20,
          of({ rowId: "old", from: "running", to: "removed", createdAt: ago(85) }),
        ),
      ],
    });
    await beta.batch([], { transitionsAfter: 0, transitions: [toldChange(ago, 1, 70)] });
    await alpha.beat({ past: past(90, 0) });
    await beta.beat({ past: past(70, 40) });
    await beta.fallSilent();

    const history = await host.run("history", "--since", "2h");
    assertEquals(history.code, 0, history.stderr);
    const lines = history.stdout.trimEnd().split("\n");
    assertMatch(lines[0]!, /^HOST +TIME +WORKLOAD +WHAT/);
    assertMatch(lines[1]!, /^alpha .* the host +watched from here on/);
    assertEquals(lines.filter((line) => line.startsWith("beta")).length, 3);
    assertMatch(history.stdout, /^beta .* the host +not watched from here on/m);
    const shop = await host.json("history", "shop", "--host", "beta");
    assertEquals(
      shop.items.map(({ host, what, row }: Record<string, unknown>) => [host, what, row]),
      [["beta", "transition", "beta:a"]],
    );
    assertEquals((await host.json("history", "shop")).items.length, 2);
    assertEquals((await host.json("history", "alpha-web")).items.length, 1);
    // Of what is gone: by its id, or by what it is there.
    for (const words of [["alpha:old"], ["old", "--host", "alpha"]]) {
      assertEquals((await host.json("history", ...words)).items.length, 1, words.join(" "));
    }
    const none = await host.run("history", "sohp");
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, 'did you mean "shop"?');

    const then = await host.run("ps", "--at", "60m");
    assertMatch(then.stdout, /^HOST +WORKLOAD/);
    assertMatch(then.stdout, /^alpha +blog .*running.* alpha:b$/m);
    assertMatch(then.stdout, /^alpha +blog .* alpha:old$/m);
    assertMatch(then.stdout, /^beta +shop .*running.* beta:a$/m);
    assertEquals(then.stderr.match(/Not known/), null);
    const later = await host.run("ps", "--at", "10m", "--workload", "shop");
    assertMatch(later.stderr, /Not known to be what ran then: of beta \(.*\), as it was last seen/);
    const { items, hosts, watched } = await host.json("ps", "--at", "10m", "--host", "beta");
    assertEquals(items.map(({ id }: { id: string }) => id), ["beta:a"]);
    assertEquals([hosts.length, hosts[0].asOf, watched], [1, ago(40), false]);

    const diff = await host.run("diff", "--since", "60m");
    assertMatch(diff.stdout, /^HOST +WORKLOAD +THEN +NOW/);
    assertMatch(diff.stdout, /^alpha .*blog.* running .*stopped \(1\).* alpha:b$/m);
    assertMatch(diff.stdout, /removed +alpha:old$/m);
    assertEquals((await host.json("diff", "--since", "60m", "--host", "beta")).items, []);

    const availability = await host.run("availability");
    assertMatch(availability.stdout, /^HOST +WORKLOAD +RUNNING/);
    assertMatch(availability.stdout, /^alpha +project\/shop +100 %/m);
    assertMatch(availability.stdout, /^beta +project\/shop +100 % .* 40m \d+s$/m);
    assertStringIncludes(availability.stderr, "Not heard of: beta (");
    const { workloads } = await host.json("availability", "blog", "--days", "1");
    assertEquals(workloads.length, 1);
    const [blog] = workloads;
    assertEquals([blog.host, blog.rows.length, blog.runningMs], ["alpha", 2, 55 * 60_000]);
    const row = await host.run("availability", "alpha:b");
    assertMatch(row.stdout, /^alpha +project\/blog web +62\.\d+ %/m);
  }));

Deno.test("commands that only a host can do say so beside a hub", () =>
  besideHub(async ({ host }) => {
    for (
      const [words, action, hint] of [
        [["add", "site", "x"], "do this", "`tinyforge hub list` shows the hosts"],
        [["rm", "site", "x"], "do this", "`tinyforge hub list` shows the hosts"],
        [["container", "rm", "alpha:a"], "do this", 'ask host "alpha" itself'],
        [["doctor"], "look", "`tinyforge hub status` says"],
        [["status"], "look", "`tinyforge hub status` says"],
        [["backup", "-"], "back up", "as with `pg_dump`"],
        [["join", "https://hub.example.org", "x"], "join", "type it on the host"],
        [["leave"], "leave", "type it on the host"],
      ] as const
    ) {
      const { code, stderr, stdout } = await host.run(...words);
      assertEquals([code, stdout], [1, ""], stderr);
      assertStringIncludes(
        stderr,
        `Cannot ${action} here: a hub shows what hosts tell it, no more`,
      );
      assertStringIncludes(stderr, hint, words.join(" "));
    }
    const unknown = await host.run("labels", "nothing-such");
    assertMatch(unknown.stderr, /no workload "nothing-such"\nhint: `tinyforge list` shows them\n$/);
    const made = await host.run("token", "add", "reader", "--role", "read");
    assertEquals(made.code, 0, made.stderr);
    const link = await host.run("dashboard");
    assert(link.stdout.startsWith("http://127.0.0.1:"), link.stderr);
  }));

Deno.test("--host is refused where the index is of one host", async () => {
  await using host = await TestHost.make();
  await host.seed(() => {});
  for (const words of [["ps"], ["ps", "--at", "1h"], ["history"], ["diff"], ["availability"]]) {
    const { code, stderr } = await host.run(...words, "--host", "alpha");
    assertEquals(code, 2, words.join(" "));
    assertStringIncludes(stderr, "of one host alone");
  }
});

Deno.test("history --follow beside a hub tells what happens on each host, whatever their clocks say", () =>
  besideHub(async ({ host, alpha, beta, sql }) => {
    const gamma = await sayingHost(sql, "gamma");
    await gamma.snapshot([shownRow("a", { workloadId: "w1" })]);
    await gamma.batch([], { workloads: [toldWorkload("w1", "shop")] });
    const tell = (to: SayingHost, seq: number, minutes: number) =>
      to.batch([], {
        transitionsAfter: seq - 1,
        transitions: [toldChange(minutesBefore(Date.now()), seq, minutes)],
      });
    // What was told before somebody follows is no news.
    await tell(beta, 1, 62);
    await tell(gamma, 1, 1);
    const followers = [[], ["shop"]].map((words) =>
      host.start("history", ...words, "--follow", "--json")
    );
    const told = (follower: typeof followers[number]) =>
      follower.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    const shown = (what: string, by: string, count: number) =>
      until(
        what,
        () =>
          followers.every((follower) =>
            told(follower).filter(({ host, row }) => host === by && row !== null).length === count
          ),
      );
    await shown("it follows", "gamma", 1);
    await tell(alpha, 1, -60);
    await shown("one is ahead", "alpha", 1);
    await tell(gamma, 2, 0);
    await shown("another is not", "gamma", 2);
    await tell(beta, 2, 60);
    await shown("one is behind", "beta", 2);
    const openedAt = Date.now() - 60 * 60_000;
    await beta.batch([], {
      problems: [toldCrash({ since: openedAt, openedAt })],
      problemsGone: [],
    });
    await shown("what is wrong there is told too", "beta", 3);
    await tell(gamma, 3, 0);
    await shown("and it goes on", "gamma", 3);
    for (const follower of followers) {
      const keys = told(follower).map(({ key }) => key);
      assertEquals(keys.length, new Set(keys).size);
    }
  }));

/** What nobody wants to hear of for a while, at hubs: on a real PostgreSQL. @module */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { sharedCluster } from "../harness/postgres.ts";
import { until } from "../harness/until.ts";
import { watchSilence } from "../../src/hub/silence.ts";
import { toldProblems } from "../../src/hub/told_problems.ts";
import { askerOf, type SayingHost, startHub, type TestedHub } from "./hubs.ts";
import { delivered, fresh, Inbox, looked, over, quietHost } from "./telling.ts";

const cluster = sharedCluster();

/** Two hubs of one database, hosts `alpha` and `beta` with a row each, and somebody who is told. */
async function told(
  test: (scene: {
    hub: TestedHub;
    other: TestedHub;
    alpha: SayingHost;
    beta: SayingHost;
    inbox: Inbox;
    ask: ReturnType<typeof askerOf>;
    /** Silences it, at the other hub; its id. */
    silence: (body: object) => Promise<string>;
    /** Keys of what is wrong that readers see marked. */
    marked: () => Promise<string[]>;
  }) => Promise<void>,
): Promise<void> {
  const database = await cluster.newDatabase();
  await using inbox = new Inbox();
  await using hub = await startHub(database);
  await using other = await startHub(database);
  const ask = askerOf(other);
  const made = await ask("POST", "/api/channels", {
    ...{ name: "ops", url: `${inbox.origin}/hook`, allowLoopback: true },
  });
  assertEquals(made.status, 201);
  const [alpha, beta] = [await quietHost(hub.sql, "alpha"), await quietHost(hub.sql, "beta")];
  await looked(hub.sql);
  await test({
    ...{ hub, other, alpha, beta, inbox, ask },
    silence: async (body) => {
      const { status, json } = await ask("POST", "/api/silences", body);
      assertEquals(status, 201, JSON.stringify(json));
      return json.id;
    },
    marked: async () => {
      const { json } = await hub.ask("/api/problems?all=true");
      return json.problems
        .filter(({ silenced }: { silenced: boolean }) => silenced)
        .map(({ key, status }: Record<string, string>) => `${key} ${status}`).sort();
    },
  });
}

Deno.test("toldProblems() says whether everything is silent, which no host and no kind alone is", () =>
  told(async ({ hub, ask, silence }) => {
    const isAllSilent = async () =>
      (await toldProblems(hub.sql, { since: 0, now: Date.now() })).allSilent;
    for (
      const [body, expected] of [
        [{ scope: "all" }, true],
        [{ scope: "all", kinds: ["stuck"] }, false],
        [{ scope: "host", target: "alpha" }, false],
      ] as const
    ) {
      const id = await silence({ ...body, seconds: 3600 });
      assertEquals(await isAllSilent(), expected, JSON.stringify(body));
      await ask("DELETE", `/api/silences/${id}`);
      assertEquals(await isAllSilent(), false);
    }
  }));

Deno.test("while a hub's silence of everything lasts, nobody is told that a channel does not work", () =>
  told(async ({ hub, alpha, inbox, ask, silence }) => {
    await using other = new Inbox();
    const made = await ask("POST", "/api/channels", {
      ...{ name: "other", url: `${other.origin}/hook`, allowLoopback: true },
    });
    assertEquals(made.status, 201);
    const problems = ["a", "b"].map((id) => fresh({ key: `missing:${id}`, rowId: id }));
    await alpha.batch([], { problems });
    await until("they are told", () => inbox.told.length === 2 && other.told.length === 2);
    await delivered(hub.sql);

    const id = await silence({ scope: "all", seconds: 3600 });
    await hub.sql`UPDATE tinyforge.channels
      SET state = 'broken', reason = '401', since = (extract(epoch FROM now()) * 1000)::bigint
      WHERE name = 'other'`;
    // What was told is told to be over: so long it was looked at the channel, too, and again.
    for (const [i, problem] of problems.entries()) {
      await alpha.batch([], { problems: [over(problem)] });
      await until("it is told to be over", () => inbox.told.length === 3 + i);
    }
    assertEquals(inbox.told.map((told) => told.split(" ")[0]), [
      ...["opened", "opened", "recovered", "recovered"],
    ]);

    await ask("DELETE", `/api/silences/${id}`);
    await until("it is told once the silence is over", () => inbox.told.length === 5);
    assertEquals(inbox.told[4], "opened channel-broken null/null on null");
  }));

Deno.test("a hub's silence of a workload, a host or a kind tells nobody, shows it marked, and ends", () =>
  told(async ({ hub, alpha, beta, inbox, ask, silence, marked }) => {
    const workload = await silence({ scope: "workload", target: "alpha:w", seconds: 3600 });
    const kind = await silence({ scope: "all", kinds: ["stuck"], seconds: 3600, reason: "moving" });
    const listed = (await hub.ask("/api/silences")).json.items;
    assertEquals(
      listed.map(({ scope, target, kinds, reason }: Record<string, unknown>) => [
        ...[scope, target, kinds, reason],
      ]),
      [["workload", "alpha:w", null, ""], ["all", "", ["stuck"], "moving"]],
    );

    // It opens and is over while nobody wants to hear of it: never told. What is another's is.
    const passing = fresh({ key: "missing:p", rowId: "p" });
    const lasting = fresh();
    await alpha.batch([], { problems: [passing, lasting] });
    await beta.batch([], { problems: [fresh({ key: "stuck:a", kind: "stuck" })] });
    await alpha.batch([], { problems: [over(passing)] });
    await beta.batch([], { problems: [fresh()] });
    await until("beta's is told", () => inbox.told.length === 1);
    assertEquals(inbox.told, ["opened missing shop/web on beta"]);
    assertEquals(await marked(), [
      ...["alpha:missing:a open", "alpha:missing:p closed", "beta:stuck:a open"],
    ]);
    await delivered(hub.sql);

    // It ends while a problem is open: that is told then, by whichever hub tells.
    assertEquals((await ask("DELETE", `/api/silences/${workload}`)).status, 204);
    assertEquals((await ask("DELETE", `/api/silences/${workload}`)).status, 404);
    await until("it is told then", () => inbox.told.length === 2, { withinMs: 30_000 });
    assertEquals(inbox.told[1], "opened missing shop/web on alpha");
    assertEquals(await marked(), ["alpha:missing:p closed", "beta:stuck:a open"]);
    await delivered(hub.sql);

    // Of a whole host nobody hears, not even that it is not heard of; its neighbour is.
    await silence({ scope: "host", target: "beta", seconds: 3600 });
    await watchSilence(hub.sql);
    await hub.sql`UPDATE tinyforge.listening SET since = since - interval '1 hour'`;
    for (const host of [beta, alpha]) await host.fallSilent();
    await watchSilence(hub.sql);
    await until("alpha's silence is told", () => inbox.told.length === 3);
    assertEquals(inbox.told[2], "opened host-unknown null/null on alpha");
    await delivered(hub.sql);
    const ids = (await hub.ask("/api/silences")).json.items.map(({ id }: { id: string }) => id);
    assertEquals(ids.length, 2);
    assert(ids.includes(kind) && !ids.includes(workload));
    assertEquals(inbox.told.length, 3);
  }));

Deno.test("whoever was told by a hub that something began is told its end in a silence, and not reminded", () =>
  told(async ({ hub, alpha, beta, inbox, ask, silence }) => {
    const rules = (await hub.ask("/api/rules")).json.items;
    await ask("PATCH", `/api/rules/${rules[0].id}`, { remindAfterMinutes: 5 });
    const problem = fresh();
    await alpha.batch([], { problems: [problem] });
    await until("it is told", () => inbox.told.length === 1);
    await delivered(hub.sql);
    await silence({ scope: "row", target: "alpha:a", seconds: 3600 });
    // It would be reminded of by now.
    await hub.sql`UPDATE tinyforge.deliveries SET ended_at = ended_at - 600000`;
    await beta.batch([], { problems: [fresh()] });
    await until("it was looked", () => inbox.told.length === 2);
    await delivered(hub.sql);
    await alpha.batch([], { problems: [over(problem)] });
    await until("it is over", () => inbox.told.length === 3, { withinMs: 30_000 });
    assertEquals(inbox.told.slice(1), [
      ...["opened missing shop/web on beta", "recovered missing shop/web on alpha"],
    ]);
    await delivered(hub.sql);
  }));

Deno.test("a hub's silence comes again and again in its time zone, and is refused where nobody could mean it", () =>
  told(async ({ hub, alpha, beta, inbox, ask, silence, marked }) => {
    // Every minute, two minutes long: always.
    const always = { cron: "* * * * *", timeZone: "Europe/Berlin", seconds: 120 };
    const id = await silence({ scope: "host", target: "alpha", ...always });
    // Only in a year that is over.
    await silence({ scope: "all", cron: "0 0 30 2 *", seconds: 60 }).then(
      () => assert(false, "it never comes"),
      (error) => assertMatch(error.message, /never comes/),
    );
    await alpha.batch([], { problems: [fresh()] });
    await beta.batch([], { problems: [fresh()] });
    await until("beta's is told", () => inbox.told.length === 1);
    assertEquals(inbox.told, ["opened missing shop/web on beta"]);
    assertEquals(await marked(), ["alpha:missing:a open"]);
    await delivered(hub.sql);
    await ask("DELETE", `/api/silences/${id}`);
    await until("alpha's too", () => inbox.told.length === 2, { withinMs: 30_000 });
    await delivered(hub.sql);

    const refused = async (body: object) => (await ask("POST", "/api/silences", body)).status;
    const hour = { seconds: 3600 };
    assertEquals(await refused({ scope: "host", target: "gamma", ...hour }), 404);
    assertEquals(await refused({ scope: "workload", target: "alpha:none", ...hour }), 404);
    assertEquals(await refused({ scope: "row", target: "beta:none", ...hour }), 404);
    assertEquals(await refused({ scope: "row", target: "a", ...hour }), 404);
    assertEquals(await refused({ scope: "host", ...hour }), 422);
    assertEquals(await refused({ scope: "all", target: "alpha", ...hour }), 422);
    assertEquals(await refused({ scope: "all", kinds: [], ...hour }), 422);
    assertEquals(await refused({ scope: "all", kinds: ["no-such-kind"], ...hour }), 422);
    assertEquals(await refused({ scope: "all" }), 422);
  }));

/**
 * Silences from the API to the receiver: what nobody is told of while one lasts, and what they are
 * told of when it ends. Windows that recur are read in their zone, over midnight and over a change of
 * summer time.
 */

import { assertEquals } from "@std/assert";
import { HEALTHY } from "../../src/store/channels.ts";
import { Listener, MINUTE, SECOND, ToldHost } from "./told_host.ts";

const HOUR = 60 * MINUTE;

/** A host with one site, `blog`, and a channel. */
async function blogAt(at: string, listener: Listener) {
  // Seldom, since whole nights pass.
  const host = await ToldHost.make({ at: Date.parse(at), intervalMs: 10 * MINUTE });
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener);
  await host.pass(SECOND);
  const row = host.store.views.list()[0]!;
  return { host, container, row };
}

/** Time passes up to this moment. */
async function passTo(host: ToldHost, at: string): Promise<void> {
  await host.pass(Date.parse(at) - host.clock.now(), 5 * MINUTE);
}

Deno.test("a silence that ends while a problem is open has it told then", async () => {
  await using listener = new Listener();
  const { host, container, row } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  await host.ask("POST", "/api/silences", { scope: "row", target: row.id, seconds: 7200 });
  host.crash(container);
  await passTo(host, "2026-11-26T11:59:30Z");
  assertEquals(host.store.problems.list().map(({ silenced }) => silenced), [true]);
  assertEquals(listener.told, []);
  await passTo(host, "2026-11-26T12:00:30Z");
  assertEquals(listener.told, ["opened crashed blog"]);
  assertEquals(listener.lastJson.data.problems[0].since, "2026-11-26T10:00:01.000Z");
  host.engine.setState(container, "running");
  await host.pass(5 * MINUTE);
  assertEquals(listener.told, ["opened crashed blog", "recovered crashed blog"]);
});

Deno.test("what begins and is over within a silence is told to nobody", async () => {
  await using listener = new Listener();
  const { host, container } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  await host.ask("POST", "/api/silences", { scope: "all", seconds: 7200 });
  host.crash(container);
  await host.pass(10 * MINUTE);
  host.engine.setState(container, "running");
  await host.pass(3 * HOUR, 5 * MINUTE);
  assertEquals(listener.told, []);
});

Deno.test("a silence of everything keeps quiet that a channel does not work, one of some kinds does not", async () => {
  await using listener = new Listener();
  const { host } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  await using other = new Listener();
  const id = await host.channel("other", other);
  const silence = (body: object) =>
    host.ask("POST", "/api/silences", { scope: "all", seconds: 3600, ...body });
  const breaks = () =>
    host.store.channels.setHealth(id, {
      ...HEALTHY,
      ...{ state: "broken", reason: "401", since: host.clock.now() },
    });
  await silence({});
  await host.pass(SECOND);
  breaks();
  await passTo(host, "2026-11-26T10:59:30Z");
  assertEquals(listener.told, []);
  await passTo(host, "2026-11-26T11:05:30Z");
  assertEquals(listener.told.length, 1);
  assertEquals(listener.lastJson.data.problems[0].kind, "channel-broken");

  host.store.channels.setHealth(id, HEALTHY);
  await host.pass(5 * MINUTE);
  assertEquals(listener.told.length, 2);
  await silence({ kinds: ["crashed"] });
  await host.pass(SECOND);
  breaks();
  await host.pass(5 * MINUTE);
  assertEquals(listener.told.length, 3);
});

Deno.test("whoever was told before a silence is told within it that it is over, and not reminded", async () => {
  await using listener = new Listener();
  await using host = await ToldHost.make();
  await host.begin();
  const container = host.site("blog");
  await host.channel("ops", listener, { remindAfterMinutes: 5 });
  await host.pass(SECOND);
  host.crash(container);
  await host.pass(2 * MINUTE);
  await host.ask("POST", "/api/silences", { scope: "all", seconds: 7200 });
  await host.pass(HOUR, MINUTE);
  assertEquals(listener.told, ["opened crashed blog"]);
  host.engine.setState(container, "running");
  await host.pass(5 * MINUTE);
  assertEquals(listener.told, ["opened crashed blog", "recovered crashed blog"]);
});

Deno.test("a silence of some kinds is of those alone, wherever it is of", async () => {
  await using listener = new Listener();
  const { host, container } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  const [blog] = host.store.workloads.list();
  const wiki = host.site("wiki");
  await host.pass(SECOND);
  const made = await host.ask("POST", "/api/silences", {
    ...{ scope: "workload", target: blog!.id, kinds: ["crashed", "flapping"], seconds: 7200 },
  });
  assertEquals(made.kinds, ["crashed", "flapping"]);
  host.crash(container);
  host.crash(wiki);
  await host.pass(2 * MINUTE);
  assertEquals(listener.told, ["opened crashed wiki"]);
  // What it is not about is told.
  host.engine.setState(container, "running");
  container.health = "unhealthy";
  await host.pass(10 * MINUTE);
  assertEquals(listener.told, ["opened crashed wiki", "opened unhealthy blog"]);
  // It outlives the daemon, as which kinds it is about.
  await host.end();
  await host.begin();
  host.crash(container);
  await host.pass(20 * MINUTE);
  assertEquals(listener.told.filter((each) => each === "opened crashed blog"), []);
  await host.ask("DELETE", `/api/silences/${made.id}`);
  await host.pass(SECOND, SECOND);
  assertEquals(listener.told.at(-1), "opened crashed blog");
});

Deno.test("silences that overlap are over when the last of them is", async () => {
  await using listener = new Listener();
  const { host, container, row } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  const workload = host.store.workloads.list()[0]!.id;
  const silences = [
    { scope: "row", target: row.id, until: "2026-11-26T11:00:00Z" },
    {
      scope: "workload",
      target: workload,
      from: "2026-11-26T10:30:00Z",
      until: "2026-11-26T12:00:00Z",
    },
    // Within the others.
    { scope: "all", from: "2026-11-26T10:40:00Z", until: "2026-11-26T10:50:00Z" },
  ];
  for (const silence of silences) await host.ask("POST", "/api/silences", silence);
  host.crash(container);
  await passTo(host, "2026-11-26T11:59:00Z");
  assertEquals(listener.told, []);
  await passTo(host, "2026-11-26T12:01:00Z");
  assertEquals(listener.told, ["opened crashed blog"]);
});

Deno.test("a silence that is ended by hand has what is open told at once", async () => {
  await using listener = new Listener();
  const { host, container } = await blogAt("2026-11-26T10:00:00Z", listener);
  await using _ = host;
  const { id } = await host.ask("POST", "/api/silences", { scope: "all", seconds: 7200 });
  host.crash(container);
  await host.pass(10 * MINUTE);
  assertEquals(listener.told, []);
  await host.ask("DELETE", `/api/silences/${id}`);
  await host.pass(SECOND, SECOND);
  assertEquals(listener.told, ["opened crashed blog"]);
});

Deno.test("a window over midnight is silent on both sides of it, and no longer", async () => {
  await using listener = new Listener();
  // 22:00 in Berlin is 21:00 UTC in winter.
  const { host, container } = await blogAt("2026-11-26T20:50:00Z", listener);
  await using _ = host;
  await host.ask("POST", "/api/silences", {
    ...{ scope: "all", cron: "0 22 * * *", seconds: 8 * 3600, timeZone: "Europe/Berlin" },
  });
  host.crash(container);
  await host.pass(MINUTE);
  assertEquals(listener.told, ["opened crashed blog"]);
  host.engine.setState(container, "running");
  await passTo(host, "2026-11-26T22:50:00Z");
  const before = listener.told.length;
  host.crash(container);
  await passTo(host, "2026-11-27T04:59:00Z");
  assertEquals(listener.told.length, before);
  await passTo(host, "2026-11-27T05:01:00Z");
  assertEquals(listener.told.slice(before), ["opened crashed blog"]);
});

for (
  const { change, before, after, night } of [
    // Clocks go from 02:00 to 03:00 on the 29th of March, in Berlin.
    {
      change: "to summer time",
      night: 28,
      before: "2026-03-28T22:00:00Z",
      after: "2026-03-29T06:00:00Z",
    },
    // Clocks go from 03:00 to 02:00 on the 25th of October.
    {
      change: "from summer time",
      night: 24,
      before: "2026-10-24T21:00:00Z",
      after: "2026-10-25T05:00:00Z",
    },
  ]
) {
  Deno.test(`a window over the change ${change} begins by the clock there and lasts its hours`, async () => {
    await using listener = new Listener();
    const start = new Date(Date.parse(before) - 10 * MINUTE).toISOString();
    const { host, container } = await blogAt(start, listener);
    await using _ = host;
    // From 23:00 on, eight hours.
    await host.ask("POST", "/api/silences", {
      ...{ scope: "all", cron: "0 23 * * *", seconds: 8 * 3600, timeZone: "Europe/Berlin" },
    });
    await passTo(host, new Date(Date.parse(before) + MINUTE).toISOString());
    host.crash(container);
    await passTo(host, new Date(Date.parse(after) - MINUTE).toISOString());
    assertEquals(listener.told, [], `night of the ${night}th`);
    await passTo(host, new Date(Date.parse(after) + MINUTE).toISOString());
    assertEquals(listener.told, ["opened crashed blog"]);
  });
}

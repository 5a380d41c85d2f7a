/**
 * What another hand wrote over what is remembered to judge: it is judged on, and written over.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { damagedBy } from "../harness/damaged.ts";
import { SECOND, WatchedHost } from "./watched_host.ts";

Deno.test("ProblemWatch starts over what another hand wrote over its memory, and mends it", async () => {
  for (const damage of ["{bad", "5", "", `{"memory":{"outages":5}}`, `[{"at":"x"}]`]) {
    await using host = await WatchedHost.start();
    const blog = host.site("blog");
    const shop = host.site("shop");
    await host.pass();
    host.event(shop, "die", { exitCode: 1 });
    host.event(shop, "start");
    host.engine.containers.delete(blog.id);
    await host.turn(120 * SECOND);
    assertEquals(await host.open(), ["missing"]);
    const [before] = host.temp.store.problems.list();
    const { problems } = host.temp.store;
    const rowId = host.temp.store.views.list().find(({ workloadName }) => workloadName === "shop")!
      .id;
    assertEquals(problems.deathsOf(rowId)?.count, 1);
    await host.watch.stop();
    using db = damagedBy(host.temp.path);
    db.write("UPDATE hosts SET judged = ?", damage);
    // Any object may be evidence.
    const other = damage.startsWith(`{"`) ? "null" : damage;
    db.write("UPDATE problems SET evidence = ?, remedy = ?", other, other);
    db.write("UPDATE deaths SET ring = ?", damage);
    await host.restart();
    await host.turn(120 * SECOND);
    // It goes on with what it is, and is told neither as over nor anew.
    const [after] = problems.list();
    const { evidence: _, do: __, ...known } = before!;
    assertEquals(after, { ...known, evidence: {}, do: { code: "explain", rowId: known.rowId! } });
    assert(problems.kept() !== null);
    host.event(shop, "die", { exitCode: 1 });
    host.event(shop, "start");
    await host.turn(120 * SECOND);
    const deaths = problems.deathsOf(rowId);
    assertEquals([deaths?.count, deaths?.ring.length], [2, 1], damage);
  }
});

Deno.test("a silence that can't be read silences nothing, and all others do", async () => {
  await using host = await WatchedHost.start();
  const container = host.site("blog");
  await host.pass();
  const { silences } = host.temp.store;
  const now = host.clock.now();
  const silent = (kinds: readonly ("missing" | "crashed")[]) =>
    silences.add({
      ...{ scope: "all", targetId: "", kinds, reason: "", startsAt: now, endsAt: now + 3.6e6 },
      ...{ cron: null, timeZone: null, lastsMs: 3.6e6 },
    }, now);
  const [lost, sound] = [silent(["missing"]), silent(["missing"])];
  using db = damagedBy(host.temp.path);
  db.write("UPDATE silences SET kinds = '{}' WHERE id = ?", lost.id);
  assertThrows(() => silences.list(now), Failure, `silences.kinds of "${lost.id}" is not`);
  host.watch.silencesChanged();
  host.engine.containers.delete(container.id);
  await host.turn(120 * SECOND);
  const silenced = () => host.temp.store.problems.list().map(({ silenced }) => silenced);
  assertEquals(silenced(), [true]);
  silences.remove(sound.id);
  host.watch.silencesChanged();
  await host.turn(30 * SECOND);
  assertEquals(silenced(), [false]);
  // It can be ended all the same.
  silences.remove(lost.id);
  assertEquals(silences.list(now), []);
});

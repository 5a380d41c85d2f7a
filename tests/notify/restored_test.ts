/**
 * An index that is restored: what was wrong and was to be told when its backup was made is of the
 * past, and what is wrong now is told once.
 */

import { assertEquals } from "@std/assert";
import { restoreBackup } from "../../src/safekeeping/restore.ts";
import { backUp, tempFolder } from "../harness/backups.ts";
import { Listener, MINUTE, ToldHost } from "./told_host.ts";

const DAY = 24 * 60 * MINUTE;

Deno.test("a restored index tells nobody of the past, and once of what is wrong now", async () => {
  let isAway = false;
  await using away = new Listener(() => new Response(null, { status: isAway ? 503 : 204 }));
  await using refusing = new Listener(() => new Response(null, { status: isAway ? 401 : 204 }));
  await using folder = await tempFolder();
  await using host = await ToldHost.make();
  await host.begin();
  await host.pass(MINUTE);
  const [one, two, three, four] = host.sites(4);
  await host.channel("away", away, { remindAfterMinutes: 5 });
  await host.channel("refusing", refusing);
  await host.pass(MINUTE);
  host.crash(one!);
  await host.pass(5 * MINUTE);
  assertEquals(away.told, ["opened crashed site-0"]);
  isAway = true;
  host.crash(two!);
  host.crash(three!);
  await host.pass(5 * MINUTE);
  assertEquals(host.store.channels.get("refusing").state, "broken");
  await host.end();
  const { path } = await backUp(host.dir, folder.path, { now: new Date(host.clock.now()) });

  // Meanwhile all of that was over, and something else went wrong.
  isAway = false;
  await host.begin();
  for (const container of [one!, two!]) host.engine.setState(container, "running");
  host.engine.remove(four!);
  await host.pass(3 * 60 * MINUTE, MINUTE);
  await host.end();
  await host.clock.turn(20 * DAY);
  const source = (await Deno.open(path)).readable;
  const now = new Date(host.clock.now());
  await restoreBackup(source, { dataDir: host.dir, identities: [], now });
  for (const { requests } of [away, refusing]) requests.length = 0;

  await host.begin();
  assertEquals(away.told, []);
  await host.pass(60 * MINUTE, 30_000);
  const wrong = host.store.problems.list().map(({ kind }) => kind).toSorted();
  assertEquals(wrong, ["crashed", "missing"]);
  for (const { told } of [away, refusing]) assertEquals(told[0], "digest baseline 2");
  assertEquals(refusing.told.length, 1);
  host.engine.setState(three!, "running");
  await host.pass(10 * MINUTE);
  assertEquals(refusing.told, ["digest baseline 2", "recovered crashed site-2"]);
});

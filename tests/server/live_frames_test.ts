/**
 * What is kept of encoded events, so that many clients cost one encoding, and for how long.
 */

import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { Live } from "../../src/server/live.ts";
import { LiveFrames } from "../../src/server/live_frames.ts";
import { Log } from "../../src/telemetry/log.ts";
import { readerOf } from "../harness/store_reader.ts";
import { tempStore } from "../harness/temp_store.ts";

const NOBODY: Written = { rows: [], all: false };

Deno.test("LiveFrames encodes a change once, and forgets it when newer ones came", async () => {
  await using temp = await tempStore();
  const frames = new LiveFrames(readerOf(temp.store));
  const first = await frames.change({ id: 1, data: NOBODY });
  assertStrictEquals(await frames.change({ id: 1, data: NOBODY }), first);
  for (let id = 2; id <= 16; id++) await frames.change({ id, data: NOBODY });
  assertStrictEquals(await frames.change({ id: 1, data: NOBODY }), first);
  await frames.change({ id: 17, data: NOBODY });
  assertNotStrictEquals(await frames.change({ id: 1, data: NOBODY }), first);
});

Deno.test("LiveFrames encodes a snapshot anew when the index changed", async () => {
  await using temp = await tempStore();
  const frames = new LiveFrames(readerOf(temp.store));
  const first = await frames.snapshotPart(null);
  assertStrictEquals(await frames.snapshotPart(null), first);
  temp.store.registry.create("site", { name: "blog" });
  assertNotStrictEquals(await frames.snapshotPart(null), first);
});

Deno.test("Live keeps a snapshot for as long as somebody is being sent it", async () => {
  await using temp = await tempStore();
  const frames = new LiveFrames(readerOf(temp.store));
  const live = new Live({
    frames,
    feed: new Feed<Written>(),
    log: new Log({ write: () => {} }),
    keepaliveMs: 60_000,
    maxClients: 2,
  });
  const [slow, quick] = ["slow", "quick"].map(() =>
    live.open(null, { entrance: "socket", isGood: () => true }).getReader()
  );
  await slow!.read();
  await quick!.read();
  // One of two is given its part; the other has not begun.
  await slow!.read();
  const kept = await frames.snapshotPart(null);
  await quick!.read();
  assertStrictEquals(await frames.snapshotPart(null), kept);
  // Whoever reads on waits for a change now: nobody is being sent a snapshot.
  const waiting = [slow!.read(), quick!.read()];
  await new Promise((resolve) => setTimeout(resolve));
  assertNotStrictEquals(await frames.snapshotPart(null), kept);
  live.close();
  assertEquals((await Promise.all(waiting)).map(({ done }) => done), [true, true]);
});

/**
 * `/api/transitions`, and what the API shows for what is not there.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { observed, passWrites, tempServer } from "../harness/temp_server.ts";

const AT = "2026-01-01T00:00:00.000Z";

Deno.test("GET /api/transitions pages through what happened to every row, past a thousand", async () => {
  await using server = await tempServer();
  const { workloadId } = server.store.registry.create("site", { name: "big" }).entry;
  const ids = Array.from({ length: 1500 }, (_, i) => `row-${String(i).padStart(4, "0")}`);
  passWrites(server.store, ids.map((id) => observed({ id, workloadId, workloadKind: "site" })), {
    at: AT,
  });

  const pages: string[][] = [];
  for (let query = ""; pages.length < 10;) {
    const { items, nextSince } = await (await server.ask(`/api/transitions${query}`)).json();
    pages.push(items.map(({ rowId }: { rowId: string }) => rowId));
    if (nextSince === null) break;
    query = `?since=${nextSince}`;
  }
  assertEquals(pages.map(({ length }) => length), [1000, 500]);
  assertEquals(pages.flat().sort(), ids);

  const last = await (await server.ask("/api/transitions?since=1498&limit=2")).json();
  assertEquals(last.nextSince, null);
  assertEquals(
    last.items.map((each: { seq: number; to: string }) => [each.seq, each.to]),
    [[1499, "running"], [1500, "running"]],
  );
  assertEquals(await (await server.ask("/api/transitions?since=1500")).json(), {
    items: [],
    nextSince: null,
  });
  for (const query of ["since=-1", "since=0x1", "limit=0", "limit=10001", "row=a"]) {
    const refused = await (await server.ask(`/api/transitions?${query}`)).json();
    assertEquals(refused.status, 422, query);
  }
});

Deno.test("what a row has none of is null, in a page, alone and in the live feed", async () => {
  await using server = await tempServer();
  const { entry } = server.store.registry.create("site", { name: "blog" });
  const row = observed({
    id: "blog",
    workloadId: entry.workloadId,
    workloadKind: "site",
    role: "",
    containerName: "",
    imageRef: "",
    port: 0,
  });
  passWrites(server.store, [row], { at: AT });
  const nothing = { role: null, containerName: null, imageRef: null, port: null };
  const shown = ({ role, containerName, imageRef, port }: Record<string, unknown>) => ({
    role,
    containerName,
    imageRef,
    port,
  });
  assertEquals(shown(await (await server.ask("/api/containers/blog")).json()), nothing);
  const { items } = await (await server.ask("/api/containers")).json();
  assertEquals(items.map(shown), [nothing]);
  const feed = await server.ask("/api/events");
  const reader = feed.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/^data: .*\n\n/m.test(text)) text += (await reader.read()).value;
  await reader.cancel();
  assertEquals(shown(JSON.parse(/^data: (.*)$/m.exec(text)![1]!).items[0]), nothing);
});

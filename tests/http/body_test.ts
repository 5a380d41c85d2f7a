import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunksOf, readText } from "../../src/http/body.ts";
import { Deadline } from "../../src/http/deadline.ts";

/** A body of so many bytes that are all there at once. */
function body(bytes: number): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  let left = bytes;
  return new ReadableStream({
    type: "bytes",
    pull: (controller) => {
      if (left <= 0) controller.close();
      else controller.enqueue(chunk.slice(0, left));
      left -= chunk.length;
      if (left <= 0 && controller.byobRequest) controller.byobRequest.respond(0);
    },
  });
}

Deno.test("chunksOf() keeps a deadline though the body never pauses", async () => {
  using deadline = new Deadline(50, []);
  let read = 0;
  const error = await assertRejects(async () => {
    for await (const chunk of chunksOf(body(8_000_000_000), deadline.signal)) {
      read += chunk.length;
      // Long enough to know, and then it is a failure.
      if (read > 6_000_000_000) return;
    }
  });
  assertEquals((error as DOMException).name, "TimeoutError");
});

Deno.test("chunksOf() lets timers have their turn while it reads", async () => {
  const { signal } = new AbortController();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const end = performance.now() + 300;
  for await (const _ of chunksOf(body(100_000_000_000), signal)) {
    if (performance.now() > end) break;
  }
  clearInterval(timer);
  assert(turns >= 4, `${turns} turns`);
});

Deno.test("readText() reads as much as the limit and no more", async () => {
  const { signal } = new AbortController();
  assertEquals((await readText(body(200_000), { signal, limit: 200_000 }))?.length, 200_000);
  assertEquals(await readText(body(200_001), { signal, limit: 200_000 }), null);
  assertEquals(await readText(null, { signal, limit: 1 }), "");
});

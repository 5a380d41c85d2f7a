/** Bodies that were packed. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { readPacked } from "../../src/http/packed.ts";

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const { signal } = new AbortController();

/** Read as it comes over a socket, in pieces. */
function read(packed: Uint8Array, limits: { limit?: number; packedLimit?: number } = {}) {
  const pieces = Array.from(
    { length: Math.ceil(packed.length / 1000) },
    (_, i) => packed.slice(i * 1000, (i + 1) * 1000),
  );
  return readPacked(ReadableStream.from(pieces) as ReadableStream<Uint8Array>, {
    ...{ signal, limit: 64 << 20, packedLimit: 1 << 20, ...limits },
  });
}

Deno.test("readPacked() is the text that was packed, short and long", async () => {
  const long = `größe 🦊 ${"0123456789".repeat(1 << 20)}`;
  for (const text of ["", "a", "größe 🦊", long]) {
    assertEquals(await read(await gzip(text)) === text, true, text.slice(0, 20));
  }
  assertEquals(await readPacked(null, { signal, limit: 1, packedLimit: 1 }), "");
});

Deno.test("readPacked() takes no more than it may, packed or not", async () => {
  const packed = await gzip("x".repeat(20 << 20));
  assertEquals(await read(packed, { limit: 19 << 20 }), null);
  assertEquals(await read(packed, { limit: 1000 }), null);
  assertEquals((await read(packed, { limit: 20 << 20 }))?.length, 20 << 20);
  assertEquals(await read(packed, { packedLimit: packed.length - 1 }), null);
});

Deno.test("readPacked() throws where it is not what gzip packs, or was cut", async () => {
  const packed = await gzip("x".repeat(100_000));
  await assertRejects(() => read(packed.slice(0, -9)));
  await assertRejects(() => read(new TextEncoder().encode('{"plain":1}')));
  const gone = AbortSignal.abort(new Error("gone"));
  await assertRejects(
    () => readPacked(ReadableStream.from([packed]), { signal: gone, limit: 9, packedLimit: 1e6 }),
    Error,
    "gone",
  );
});

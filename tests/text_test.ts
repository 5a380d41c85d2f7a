import { assertEquals } from "@std/assert";
import { MAX_TEXT, storable } from "../src/text.ts";

Deno.test("storable() leaves fit text as it is", () => {
  for (const text of ["", "web", "größer – 漢字 🚀", "a b/c:1.2@sha256", "x".repeat(MAX_TEXT)]) {
    assertEquals(storable(text), text);
  }
});

Deno.test("storable() replaces each control character, NUL too", () => {
  assertEquals(storable("a\0b"), "a\ufffdb");
  assertEquals(storable("\x1b[31mred\r\n"), "\ufffd[31mred\ufffd\ufffd");
  assertEquals(storable("\x7f\x85"), "\ufffd\ufffd");
});

Deno.test("storable() replaces lone surrogates and keeps pairs", () => {
  assertEquals(storable("a\ud83d"), "a\ufffd");
  assertEquals(storable("\ude80b"), "\ufffdb");
  assertEquals(storable("\ud83d\ude80"), "🚀");
});

Deno.test("storable() clips at 1024 without leaving half a pair", () => {
  const clipped = storable("x".repeat(MAX_TEXT - 1) + "🚀");
  assertEquals(clipped, "x".repeat(MAX_TEXT - 1) + "\ufffd");
  assertEquals(storable("y".repeat(10_000)).length, MAX_TEXT);
});

Deno.test("storable() gives text that survives UTF-8", () => {
  const unfit = "\0\ud800x\udfff" + "🚀".repeat(600);
  const text = storable(unfit);
  assertEquals(new TextDecoder().decode(new TextEncoder().encode(text)), text);
});

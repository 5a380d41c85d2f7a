import { assert, assertEquals } from "@std/assert";
import { joinedBytes } from "../src/bytes.ts";
import {
  clip,
  escapeControls,
  escapedPieces,
  hasControls,
  hasInvisible,
  isPrintableAscii,
  MAX_TEXT,
  onOneLine,
  quote,
  quotePath,
  storable,
} from "../src/text.ts";

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

/** One of each kind that shows nothing: control, soft hyphen, zero width, direction, line, tag. */
const INVISIBLES = ["\x1b", "\x85", "\xad", "\u200b", "\u202e", "\u2028", "\ufeff", "\u{e0041}"];

Deno.test("hasInvisible() sees what nobody else does, hasControls() only what controls", () => {
  for (const char of INVISIBLES) assert(hasInvisible(`a${char}b`), escapeControls(char));
  for (const text of ["", "größer – 漢字 🚀", "a b", "e\u0301"]) assert(!hasInvisible(text), text);
  assertEquals(INVISIBLES.filter(hasControls), ["\x1b", "\x85"]);
});

Deno.test("escapeControls() leaves nothing invisible, and JSON what it was", () => {
  assertEquals(
    escapeControls(INVISIBLES.join(" ")),
    "\\u001b \\u0085 \\u00ad \\u200b \\u202e \\u2028 \\ufeff \\udb40\\udc41",
  );
  const json = JSON.stringify(INVISIBLES);
  assertEquals(JSON.parse(escapeControls(json)), INVISIBLES);
});

Deno.test("quote() shows a value on one line, escaped and cut", () => {
  assertEquals(quote('a "b"\n'), '"a \\"b\\"\\n"');
  assertEquals(quote("a\u200bb\x9b2J"), '"a\\u200bb\\u009b2J"');
  assertEquals(quote("x".repeat(64)), `"${"x".repeat(64)}"`);
  assertEquals(quote("x".repeat(65)), `"${"x".repeat(64)}…"`);
  assertEquals(quote("🚀🚀🚀", 3), '"🚀…"');
  assertEquals(quotePath(`/${"x".repeat(300)}`).length, 303);
});

Deno.test("onOneLine() leaves nothing that begins a line", () => {
  assertEquals(onOneLine("a\r\nb\u2028c\x85d e"), "a b c d e");
});

Deno.test("clip() cuts between characters", () => {
  assertEquals(clip("abc", 3), "abc");
  assertEquals(clip("abc", 2), "ab");
  assertEquals(clip("a🚀", 2), "a");
  assertEquals(clip("a🚀", 3), "a🚀");
});

Deno.test("storable() keeps the format characters that scripts and emoji need", () => {
  for (const text of ["👩\u200d🚀", "می\u200cخواهم"]) assertEquals(storable(text), text);
});

Deno.test("isPrintableAscii() finds each byte that is none, wherever it stands", () => {
  for (let byte = 0; byte < 256; byte++) {
    const printable = byte >= 0x20 && byte < 0x7f;
    for (let length = 1; length < 12; length++) {
      for (let at = 0; at < length; at++) {
        // Beside bytes that a carry or a borrow would come from, or hide it.
        for (const other of [0x20, 0x7e]) {
          const bytes = new Uint8Array(16).fill(other).subarray(at % 4, at % 4 + length);
          bytes[at] = byte;
          assertEquals(isPrintableAscii(bytes), printable, `${byte} at ${at} of ${length}`);
        }
      }
    }
  }
  assert(isPrintableAscii(new Uint8Array()));
});

Deno.test("escapedPieces() is escapeControls() of the whole, wherever it is cut", () => {
  const whole = 'a"\\ü\u202e🎈\ufeff\u001b[2J\u009b\u2028\udb40\udc01ß\n\u0000z\u007fé plain';
  const bytes = new TextEncoder().encode(whole);
  const wanted = escapeControls(whole.toWellFormed());
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const pieces = [
        bytes.subarray(0, first),
        bytes.subarray(first, second),
        bytes.subarray(second),
      ];
      const written = new TextDecoder().decode(joinedBytes([...escapedPieces(pieces)]));
      assertEquals(written, wanted, `${first} ${second}`);
    }
  }
});

Deno.test("escapedPieces() hands on what needs no escapes as it is", () => {
  const plain = new TextEncoder().encode('{"id":"web","n":-1.5}'.repeat(100));
  const [only, ...others] = escapedPieces([plain]);
  assertEquals(others, []);
  assert(only === plain);
});

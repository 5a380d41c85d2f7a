/**
 * `@std/path`, as far as it is used. Node's POSIX functions know the same rules and serve as the
 * second opinion; the few places where both differ are spelled out. Must hold for the real
 * package as well.
 *
 * @module
 */

import fc from "fast-check";
import { posix } from "node:path";
import { assertEquals, assertThrows } from "@std/assert";
import {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  toFileUrl,
} from "@std/path";

/** Paths out of the pieces that matter: separators, dots, names with dots. */
const anyPath = fc.array(
  fc.constantFrom("/", "//", ".", "..", "...", "a", "bb", "c.ts", ".d", "e.", "ü"),
  { maxLength: 8 },
).map((pieces) => pieces.join(""));

Deno.test("join(), normalize(), resolve(), relative() and extname() agree with Node on any path", () => {
  fc.assert(
    fc.property(anyPath, anyPath, anyPath, (a, b, c) => {
      assertEquals(join(a, b, c), posix.join(a, b, c));
      assertEquals(normalize(a), posix.normalize(a));
      assertEquals(resolve(a, b), posix.resolve(a, b));
      assertEquals(relative(a, b), posix.relative(a, b));
      assertEquals(extname(a), posix.extname(a));
      assertEquals(isAbsolute(a), posix.isAbsolute(a));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("join() drops empty paths and is a dot when all are", () => {
  assertEquals(join("/srv", "", "data"), "/srv/data");
  assertEquals(join("", "a", "../.."), "..");
  assertEquals(join(""), ".");
  assertEquals(join("", ""), ".");
});

Deno.test("join() takes at least one path", () => {
  // @ts-expect-error: an empty call is a mistake.
  const mistake = (): string => join();
  // @ts-expect-error: so is a list that may be empty.
  const another = (paths: string[]): string => join(...paths);
  assertEquals([mistake.length, another(["a", "b"])], [0, "a/b"]);
});

Deno.test("resolve() starts at the working directory unless a path is absolute", () => {
  assertEquals(resolve("x"), join(Deno.cwd(), "x"));
  assertEquals(resolve("/srv", "x", "/etc", "../y/"), "/y");
  assertEquals(resolve("/"), "/");
});

Deno.test("dirname() drops the last part and the slashes around it", () => {
  assertEquals(dirname("/srv/data/"), "/srv");
  assertEquals(dirname("/srv//data"), "/srv");
  assertEquals(dirname("/srv"), "/");
  assertEquals(dirname("//srv"), "/");
  assertEquals(dirname("/"), "/");
  assertEquals(dirname("data"), ".");
  assertEquals(dirname("data/"), ".");
  assertEquals(dirname(""), ".");
});

Deno.test("basename() keeps the last part and strips a suffix unless it is all there is", () => {
  assertEquals(basename("/srv/data/"), "data");
  assertEquals(basename("0001_tables.sql", ".sql"), "0001_tables");
  assertEquals(basename(".sql", ".sql"), ".sql");
  assertEquals(basename("a.ts/", ".ts"), "a");
  assertEquals(basename("///"), "/");
  assertEquals(basename(""), "");
});

Deno.test("toFileUrl() and fromFileUrl() are inverse, whatever the path holds", () => {
  for (const path of ["/srv/data", "/a b/%41/#x?y", "/tab\there\nnow", "/back\\slash", "/ü/🦕"]) {
    assertEquals(fromFileUrl(toFileUrl(path)), path);
  }
  assertEquals(toFileUrl("/a b?#").href, "file:///a%20b%3F%23");
  assertEquals(fromFileUrl("file:///100%"), "/100%");
});

Deno.test("toFileUrl() refuses a relative path and fromFileUrl() another protocol", () => {
  assertThrows(() => toFileUrl("data"), TypeError);
  assertThrows(() => fromFileUrl("https://example.org/data"), TypeError, "https:");
});

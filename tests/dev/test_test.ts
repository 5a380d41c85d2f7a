/**
 * Which tests the test task runs.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { filterOf, targets } from "../../src/dev/test.ts";

const exists = (path: string): boolean => ["tests/a_test.ts", "tests/lock/"].includes(path);

Deno.test("targets() are all tests unless files or folders are named", () => {
  assertEquals(targets([], exists), ["tests/"]);
  assertEquals(targets(["tests/a_test.ts"], exists), ["tests/a_test.ts"]);
  assertEquals(targets(["tests/lock/", "tests/a_test.ts"], exists), [
    "tests/lock/",
    "tests/a_test.ts",
  ]);
});

Deno.test("targets() leave flags as they are, and take no flag's text for a file", () => {
  assertEquals(targets(["--fail-fast"], exists), ["--fail-fast", "tests/"]);
  assertEquals(targets(["--filter", "plan()"], exists), ["--filter", "plan()", "tests/"]);
  assertEquals(targets(["--fail-fast", "tests/a_test.ts"], exists), [
    "--fail-fast",
    "tests/a_test.ts",
  ]);
});

Deno.test("targets() never turn a misspelled file into all tests", () => {
  assertEquals(targets(["tests/b_test.ts"], exists), ["tests/b_test.ts"]);
});

Deno.test("filterOf() has these tests run and no other", () => {
  const names = ["a (b) costs $1.50 [or |more]", "plan()", "C:\\x/y ^ {z}*?+"];
  const filter = filterOf(names);
  const pattern = new RegExp(filter.slice(1, -1));
  for (const name of names) assertEquals(pattern.test(name), true, name);
  for (const name of ["plan() twice", "the plan()", "plan", "a (b) costs $1x50 [or |more]"]) {
    assertEquals(pattern.test(name), false, name);
  }
});

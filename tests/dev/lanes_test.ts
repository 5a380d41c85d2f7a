/**
 * How all tests are divided among processes, and what is told of them.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Lane, lanesOf, resultOf, runLanes } from "../../src/dev/lanes.ts";

const FILES: Record<string, string> = {
  "tests/cli/a_test.ts": `import { x } from "../harness/host.ts";\nDeno.test(…)`,
  "tests/harness/host.ts": `import { docker } from "../engines/docker.ts";`,
  "tests/cli/b_test.ts": `import { y } from "../harness/round.ts";`,
  "tests/harness/round.ts": `import { z } from "./again.ts";`,
  "tests/harness/again.ts": `import { y } from "./round.ts"; import { s } from "../../src/cli.ts";`,
  "tests/core/c_test.ts": "short",
  "tests/d_test.ts": `import { docker } from "./engines/docker.ts";`,
  "tests/e_test.ts": `import { own } from "./engines/private.ts";`,
  "tests/engines/private.ts": `import { RealEngine } from "./real.ts";`,
};
const read = (path: string): string => FILES[path] ?? "";

Deno.test("lanesOf() keeps together what uses the machine's Engine by whatever way", () => {
  const files = Object.keys(FILES).filter((path) => path.endsWith("_test.ts"));
  assertEquals(lanesOf(files, read), [
    { name: "the Engine", files: ["tests/cli/a_test.ts", "tests/d_test.ts"] },
    {
      name: "tests/cli/b_test.ts to tests/e_test.ts",
      files: ["tests/cli/b_test.ts", "tests/core/c_test.ts", "tests/e_test.ts"],
    },
  ]);
});

Deno.test("lanesOf() divides the others by what they cost, most of all where programs are waited for", () => {
  const long = "x".repeat(80_000);
  const texts: Record<string, string> = {
    "tests/a_test.ts": long,
    "tests/b_test.ts": long,
    "tests/c_test.ts": `${"x".repeat(20_000)} import { start } from "./harness/program.ts";`,
    "tests/d_test.ts": "x".repeat(20_000),
    "tests/e_test.ts": long.repeat(3),
    "tests/harness/program.ts": "new Deno.Command(",
  };
  const files = Object.keys(texts).filter((path) => path.endsWith("_test.ts"));
  assertEquals(lanesOf(files, (path) => texts[path] ?? "").map(({ files }) => files), [
    ["tests/e_test.ts"],
    ["tests/c_test.ts", "tests/d_test.ts"],
    ["tests/a_test.ts"],
    ["tests/b_test.ts"],
  ]);
});

Deno.test("resultOf() reads what deno test says at its end", () => {
  const tail =
    "running 2 tests from ./tests/a_test.ts\na ... ok (1ms)\nb ... FAILED (2ms)\n\n ERRORS \n\n" +
    "b => ./tests/a_test.ts:3:6\nerror: Error: no\n\n FAILURES \n\nb => ./tests/a_test.ts:3:6\n\n" +
    "FAILED | 1 passed (3 steps) | 1 failed (1s)\n\nerror: Test failed\n";
  assertEquals(resultOf(tail, 1), {
    counts: { passed: 1, steps: 3, failed: 1 },
    code: 1,
    failures: ["b => ./tests/a_test.ts:3:6"],
  });
  assertEquals(resultOf("ok | 7 passed | 0 failed (19ms)\n", 0).counts, {
    passed: 7,
    steps: 0,
    failed: 0,
  });
  assertEquals(resultOf("Segmentation fault", 139), { counts: null, code: 139, failures: [] });
});

const LANES: Lane[] = ["one", "two", "three", "four"].map((name) => ({ name, files: [] }));

/** Runs lanes that print and end as they are told, and at last what failed, if it is to. */
async function run(ends: Record<string, { says: string[]; code: number }>) {
  let printed = "";
  let most = 0;
  let now = 0;
  let again: Lane | null = null;
  const passed = await runLanes(LANES, {
    print: (text) => printed += text,
    start: async (lane, print) => {
      const { name } = lane;
      most = Math.max(most, ++now);
      if (lane.only !== undefined) {
        assertEquals([now, again], [1, null], "once, and nothing beside it");
        again = lane;
      }
      for (const text of ends[name]!.says) {
        await Promise.resolve();
        print(text);
      }
      now--;
      return ends[name]!.code;
    },
  });
  return { passed, printed, most, again: again as Lane | null };
}

const good = (n: number) => ({
  says: [
    `running 1 test from ./${n}_test.ts\nx${n} `,
    "... ok (1ms)\n",
    `\nok | ${n} passed (1 step) | 0 failed (1ms)\n`,
  ],
  code: 0,
});

Deno.test("runLanes() runs three at a time, mixes no lines, and adds up what they counted", async () => {
  const { passed, printed, most } = await run({
    ...{ one: good(1), two: good(2), three: good(3), four: good(4) },
  });
  assertEquals([passed, most], [true, 3]);
  for (const n of [1, 2, 3, 4]) assertStringIncludes(printed, `_test.ts\nx${n} ... ok (1ms)\n`);
  assertMatch(printed, /\nok \| 10 passed \(4 steps\) \| 0 failed \(0s\)\n$/);
});

Deno.test("runLanes() fails with what failed, and with a process that ended without a word", async () => {
  const failed = {
    says: ["\n FAILURES \n\nb => ./b_test.ts:3:6\n\nFAILED | 4 passed | 1 failed (1s)\n"],
    code: 1,
  };
  const { passed, printed } = await run({
    one: good(1),
    two: failed,
    three: { says: ["Killed\n"], code: 137 },
    four: good(0),
  });
  assertEquals(passed, false);
  assertStringIncludes(
    printed,
    " FAILURES \n\nb => ./b_test.ts:3:6\nthe tests of three ended with code 137\n",
  );
  assertMatch(printed, /\nFAILED \| 5 passed \(2 steps\) \| 2 failed \(0s\)\n$/);
});

/** Two tests of a file, of which these failed, and a third that did not. */
const bad = (...names: string[]) => ({
  says: [
    "running 3 tests from ./tests/b_test.ts\nb ",
    ...["b", "c (d)"].map((name) => `... ok (1ms)\n${name} `),
    "... ok (1ms)\n",
    ...names.map((name, i) =>
      i % 2 === 0
        ? `------- output -------\nno\n${name} ... FAILED (2ms)\n`
        : `${name} ...'${name}' has been running for over (1m0s)\n FAILED (1m7s)\n`
    ),
    `\n FAILURES \n\n${names.map((name) => `${name} => ./tests/b_test.ts:3:6\n`).join("")}\n`,
    `FAILED | ${3 - names.length} passed | ${names.length} failed (1s)\n`,
  ],
  code: 1,
});

Deno.test("runLanes() runs what failed once more by itself, and tells both", async () => {
  const { passed, printed, again } = await run({
    ...{ one: good(1), two: bad("b", "c (d)"), three: good(3), four: good(4) },
    "what failed": {
      says: ["running 2 tests from ./tests/b_test.ts\nb ... ok (1ms)\nc (d) ... ok (1ms)\n\n"]
        .concat("ok | 2 passed | 0 failed (1ms)\n"),
      code: 0,
    },
  });
  assertEquals(passed, true);
  assertEquals(again, {
    name: "what failed",
    files: ["tests/b_test.ts"],
    only: ["b", "c (d)"],
  });
  assertMatch(
    printed,
    / FAILED BESIDE OTHERS, PASSED ALONE \n\nb => .*\nc \(d\) => .*\n\nok \| 11 passed \(3 steps\) \| 0 failed \(0s\)\n$/,
  );
  assertEquals(printed.includes("PASSED ALONE \n\n FAILURES"), false);
});

Deno.test("runLanes() fails with what fails by itself too, and with what can't be run again", async () => {
  const lanes = { one: good(1), two: bad("b", "c (d)"), three: good(3), four: good(4) };
  const once = await run({
    ...lanes,
    "what failed": { ...bad("b"), says: bad("b").says.slice(4) },
  });
  assertEquals(once.passed, false);
  assertMatch(
    once.printed,
    /ALONE \n\nc \(d\) => .*\n\n FAILURES \n\nb => .*\n\nFAILED \| 10 passed \(3 steps\) \| 1 failed/,
  );
  for (
    const says of [
      "Killed\n",
      "ok | 0 passed | 0 failed (1ms)\n",
      "FAILED | 2 passed | 0 failed (1ms)\n",
    ]
  ) {
    const ended = await run({ ...lanes, "what failed": { says: [says], code: 1 } });
    assertEquals(ended.passed, false, says);
    assertMatch(ended.printed, / FAILURES \n\nb => .*\nc \(d\) => .*\n\nFAILED \| 9 passed/);
  }
  const many = Array.from({ length: 9 }, (_, i) => `test ${i}`);
  assertEquals((await run({ ...lanes, two: bad(...many) })).again, null);
});

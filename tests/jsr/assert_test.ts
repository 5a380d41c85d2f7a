/**
 * `@std/assert`: that each assertion passes what it should and, above all, refuses what it should.
 * Must hold for the real package as well. Failures are caught by hand here, not by the functions
 * under test.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

/** The message of the AssertionError that `fn` throws, without colours. */
function messageOf(fn: () => unknown): string {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
  }
  return checked(thrown);
}

async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  return checked(await promise.then(() => undefined, (error: unknown) => error));
}

function checked(thrown: unknown): string {
  if (!(thrown instanceof AssertionError)) {
    throw new Error(`expected an AssertionError, got ${Deno.inspect(thrown)}`);
  }
  if (thrown.name !== "AssertionError") throw new Error(`wrong name: ${thrown.name}`);
  // deno-lint-ignore no-control-regex -- ANSI colours begin with ESC
  return thrown.message.replace(/\x1b\[\d+m/g, "");
}

class Point {
  constructor(public x: number, public y: number) {}
}

const cycle = (value: number): unknown => {
  const root: Record<string, unknown> = { value };
  root["self"] = root;
  return root;
};

/** Pairs that are deeply equal. */
const EQUAL: [unknown, unknown][] = [
  [1, 1],
  [0, -0],
  [NaN, NaN],
  [null, null],
  ["a", "a"],
  [{ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }],
  [{ __proto__: null, a: 1 }, { a: 1 }],
  [new Date(5), new Date(5)],
  [/a/g, /a/g],
  [new URL("http://a/b"), new URL("http://a/b")],
  [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])],
  [
    new Map<unknown, unknown>([[1, "a"], [{ k: 1 }, [2]]]),
    new Map<unknown, unknown>([[{ k: 1 }, [2]], [1, "a"]]),
  ],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Float64Array([NaN]), new Float64Array([NaN])],
  [new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  [new Point(1, 2), new Point(1, 2)],
  [cycle(1), cycle(1)],
  [[undefined], [undefined]],
];

/** Pairs that are not. */
const DIFFERENT: [unknown, unknown][] = [
  [1, 2],
  [1, "1"],
  [1, 1n],
  [null, undefined],
  [{}, null],
  [{ a: undefined }, {}],
  [{ a: 1 }, { a: 1, b: 2 }],
  [{ [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 2 }],
  [[1, 2], [2, 1]],
  [[1], { 0: 1 }],
  [new Date(5), new Date(6)],
  [/a/g, /a/i],
  [new URL("http://a/b"), new URL("http://a/c")],
  [new Set([1, 2]), new Set([1, 3])],
  [new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 1 }, { a: 3 }])],
  [new Map([[1, "a"]]), new Map([[1, "b"]])],
  [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  [new Uint8Array([1]), new Int8Array([1])],
  [new Point(1, 2), new Point(1, 3)],
  [new Point(1, 2), { x: 1, y: 2 }],
  [new Error("a"), new Error("b")],
  [cycle(1), cycle(2)],
  [() => 1, () => 1],
];

Deno.test("equal() compares by content, kind and order where it counts", () => {
  for (const [a, b] of EQUAL) {
    if (!equal(a, b) || !equal(b, a)) throw new Error(`not equal: ${Deno.inspect([a, b])}`);
  }
  for (const [a, b] of DIFFERENT) {
    if (equal(a, b) || equal(b, a)) throw new Error(`equal: ${Deno.inspect([a, b])}`);
  }
});

Deno.test("assertEquals() and assertNotEquals() follow equal()", () => {
  for (const [a, b] of EQUAL) {
    assertEquals(a, b);
    messageOf(() => assertNotEquals(a, b));
  }
  for (const [a, b] of DIFFERENT) {
    assertNotEquals(a, b);
    messageOf(() => assertEquals(a, b));
  }
});

Deno.test("assertEquals() shows what differs, line by line", () => {
  const message = messageOf(() =>
    assertEquals({ name: "a", list: [1, 2], same: true }, {
      name: "b",
      list: [1, 2, 3],
      same: true,
    })
  );
  const lines = message.split("\n").map((line) => line.trimEnd());
  for (const line of ['-     name: "a",', '+     name: "b",', "+       3,", "      same: true,"]) {
    if (!lines.includes(line)) throw new Error(`${JSON.stringify(line)} is not in\n${message}`);
  }
  if (!message.startsWith("Values are not equal.\n")) throw new Error(message);
  const named = messageOf(() => assertEquals(1, 2, "why"));
  if (!named.startsWith("Values are not equal: why\n")) throw new Error(named);
});

Deno.test("assertEquals() copes with values too large to align", () => {
  const numbers = Array.from({ length: 5000 }, (_, i) => i);
  const message = messageOf(() => assertEquals(numbers, numbers.map((i) => -i - 1)));
  if (!/^\+ +-5000,$/m.test(message)) throw new Error("the last line is missing");
});

Deno.test("assert() and assertFalse() look at truth", () => {
  for (const value of [true, 1, "0", [], {}]) {
    assert(value);
    messageOf(() => assertFalse(value));
  }
  for (const value of [false, 0, 0n, "", null, undefined, NaN]) {
    assertFalse(value);
    messageOf(() => assert(value));
  }
  const message = messageOf(() => assert(0, "reason"));
  if (message !== "reason") throw new Error(message);
});

Deno.test("assertStrictEquals() and assertNotStrictEquals() look at identity", () => {
  const object = {};
  assertStrictEquals(object, object);
  assertStrictEquals(NaN, NaN);
  assertNotStrictEquals<unknown>(object, {});
  assertNotStrictEquals(0, -0);
  messageOf(() => assertStrictEquals(0, -0));
  messageOf(() => assertNotStrictEquals(object, object));
  const message = messageOf(() => assertStrictEquals({ a: 1 }, { a: 1 }));
  if (!message.includes("not reference-equal")) throw new Error(message);
});

Deno.test("assertExists() and assertInstanceOf() look at what is there", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  messageOf(() => assertExists(null));
  messageOf(() => assertExists(undefined));
  assertInstanceOf(new TypeError(), Error);
  messageOf(() => assertInstanceOf(new Error(), TypeError));
  messageOf(() => assertInstanceOf(null, Object));
  messageOf(() => assertInstanceOf("text", String));
  messageOf(() => assertInstanceOf({ __proto__: null }, Object));
});

Deno.test("assertMatch(), assertNotMatch() and assertStringIncludes() look into texts", () => {
  assertMatch("abc", /b/);
  assertNotMatch("abc", /x/);
  assertStringIncludes("abc", "bc");
  messageOf(() => assertMatch("abc", /x/));
  messageOf(() => assertNotMatch("abc", /b/));
  const message = messageOf(() => assertStringIncludes("abc", "x"));
  if (!message.includes('"abc"') || !message.includes('"x"')) throw new Error(message);
});

Deno.test("assertGreater() and its like compare in order", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2n, 2n);
  assertLess(new Date(1), new Date(2));
  assertLessOrEqual("a", "a");
  messageOf(() => assertGreater(1, 1));
  messageOf(() => assertGreaterOrEqual(1, 2));
  messageOf(() => assertLess(1, 1));
  messageOf(() => assertLessOrEqual(2, 1));
  messageOf(() => assertLess(NaN, 1));
});

Deno.test("assertAlmostEquals() allows a ten-millionth, or what it is told to", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(100.000009, 100);
  assertAlmostEquals(0.01, 0.02, 0.1);
  assertAlmostEquals(Infinity, Infinity);
  messageOf(() => assertAlmostEquals(100.0001, 100));
  messageOf(() => assertAlmostEquals(0.1 + 0.2, 0.3, 1e-17));
  messageOf(() => assertAlmostEquals(NaN, 1));
});

Deno.test("assertArrayIncludes() looks for each element, whatever the order", () => {
  assertArrayIncludes([1, { a: 1 }, NaN], [{ a: 1 }, 1, NaN]);
  assertArrayIncludes(new Uint8Array([1, 2]), new Uint8Array([2]));
  const message = messageOf(() => assertArrayIncludes([1, 2], [2, 3]));
  if (!/missing: \[\s+3,?\s+\]/.test(message)) throw new Error(message);
});

Deno.test("assertObjectMatch() looks at the expected properties alone, at any depth", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } });
  assertObjectMatch({ a: [{ x: 1, y: 2 }] }, { a: [{ x: 1 }] });
  assertObjectMatch({ p: new Point(1, 2) }, { p: { x: 1 } });
  assertObjectMatch({ m: new Map([["a", { x: 1, y: 2 }], ["b", { x: 3, y: 4 }]]) }, {
    m: new Map([["a", { x: 1 }]]),
  });
  assertObjectMatch({ s: new Set([1, 2]) }, { s: new Set([2]) });
  assertObjectMatch(cycle(1) as Record<string, unknown>, { value: 1, self: { value: 1 } });
  const shared = { x: 1, y: 2 };
  assertObjectMatch({ a: shared, b: shared }, { a: { x: 1 }, b: { y: 2 } });
  messageOf(() => assertObjectMatch({ a: 1 }, { a: 2 }));
  messageOf(() => assertObjectMatch({ a: 1 }, { b: undefined }));
  messageOf(() => assertObjectMatch({ a: 1 }, { a: 1, b: 2 }));
  messageOf(() => assertObjectMatch({ a: [1] }, { a: [1, 2] }));
  messageOf(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }));
  messageOf(() => assertObjectMatch({ r: /a/ }, { r: /b/ }));
  messageOf(() => assertObjectMatch({ a: shared, b: shared }, { a: { x: 1 }, b: { y: 3 } }));
});

Deno.test("assertObjectMatch() compares dates by their time, however often one is used", () => {
  const at = new Date(7);
  const twice = { at, list: [{ at }, at] };
  assertObjectMatch({ at: new Date(7), list: [{ at: new Date(7) }, new Date(7)] }, twice);
  messageOf(() => assertObjectMatch({ at: new Date(8) }, { at }));
  messageOf(() => assertObjectMatch({ list: [new Date(8)] }, { list: [at] }));
  messageOf(() => assertObjectMatch({ at: {} }, { at }));
});

Deno.test("assertThrows() returns what was thrown and checks class and message", () => {
  const thrown = new RangeError("out of \x1b[31mrange\x1b[39m");
  const fn = (): never => {
    throw thrown;
  };
  assertStrictEquals(assertThrows(fn), thrown);
  const error: RangeError = assertThrows(fn, RangeError, "of range");
  assertStrictEquals(error, thrown);
  assertThrows(fn, Error);
  messageOf(() => assertThrows(fn, TypeError));
  messageOf(() => assertThrows(fn, RangeError, "other"));
  messageOf(() => assertThrows(() => 1));
  assertStrictEquals(
    assertThrows(() => {
      throw "text";
    }),
    "text",
  );
  messageOf(() =>
    assertThrows(() => {
      throw "text";
    }, Error)
  );
  const message = messageOf(() => assertThrows(() => 1, "reason"));
  if (message !== "Expected function to throw: reason") throw new Error(message);
});

Deno.test("assertRejects() resolves to the reason and checks class and message", async () => {
  const reason = new RangeError("out of range");
  const fn = () => Promise.reject(reason);
  assertStrictEquals(await assertRejects(fn), reason);
  const error: RangeError = await assertRejects(fn, RangeError, "range");
  assertStrictEquals(error, reason);
  await rejectionOf(assertRejects(fn, TypeError));
  await rejectionOf(assertRejects(fn, RangeError, "other"));
  await rejectionOf(assertRejects(() => Promise.resolve(1)));
  await rejectionOf(assertRejects(() => Promise.reject("text"), Error));
  const message = await rejectionOf(assertRejects(() => {
    throw reason;
  }));
  if (!message.startsWith("Function throws when expected to reject")) throw new Error(message);
});

Deno.test("assertIsError() checks class and message of an error at hand", () => {
  assertIsError(new TypeError("abc"), TypeError, "b");
  assertIsError(new TypeError("abc"));
  messageOf(() => assertIsError("abc"));
  messageOf(() => assertIsError(new Error("abc"), TypeError));
  messageOf(() => assertIsError(new Error("abc"), Error, "x"));
});

Deno.test("fail() and unreachable() always throw", () => {
  const failed = messageOf(() => fail("reason"));
  if (failed !== "Failed assertion: reason") throw new Error(failed);
  const reached = messageOf(() => unreachable("reason"));
  if (!reached.includes("reason")) throw new Error(reached);
});

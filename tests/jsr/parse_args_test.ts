/**
 * `@std/cli`'s `parseArgs()`: what it makes of arguments, and the types it gives them. Must hold
 * for the real package as well.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseArgs as parseArgsOfRoot } from "@std/cli";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { assertType, type Same } from "./type_equality.ts";

/** The declared keys of a result, without its index signature. */
type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

Deno.test("parseArgs() is exported by the package and by its own path", () => {
  assertStrictEquals(parseArgs, parseArgsOfRoot);
});

Deno.test("parseArgs() reads long flags with and without a value", () => {
  assertEquals(
    parseArgs(["--pow", "xixxle", "--bool", "--host=a=b", "rest"], { boolean: ["bool"] }),
    {
      pow: "xixxle",
      bool: true,
      host: "a=b",
      _: ["rest"],
    },
  );
  assertEquals(parseArgs(["--a", "--b"]), { a: true, b: true, _: [] });
  assertEquals(parseArgs(["--s=X\nX"]), { s: "X\nX", _: [] });
  assertEquals(parseArgs(["--", "--foo"]), { _: ["--foo"] });
});

Deno.test("parseArgs() reads letters alone, in a row and with a value attached", () => {
  assertEquals(parseArgs(["-b"]), { b: true, _: [] });
  assertEquals(parseArgs(["-cats", "meow"]), { c: true, a: true, t: true, s: "meow", _: [] });
  assertEquals(parseArgs(["-b=123"]), { b: 123, _: [] });
  assertEquals(parseArgs(["-a=what", "-f=abc=def"]), { a: "what", f: "abc=def", _: [] });
  assertEquals(parseArgs(["-n123"]), { n: 123, _: [] });
  assertEquals(parseArgs(["-123", "456"]), { 1: true, 2: true, 3: 456, _: [] });
  assertEquals(parseArgs(["-I/foo/bar"]), { I: "/foo/bar", _: [] });
  assertEquals(parseArgs(["-xyz/foo"]), { x: true, y: true, z: "/foo", _: [] });
  assertEquals(parseArgs(["-f-"]), { f: "-", _: [] });
  assertEquals(parseArgs(["-e=="]), { e: "=", _: [] });
  assertEquals(parseArgs(["-a", "-b"]), { a: true, b: true, _: [] });
  assertEquals(parseArgs(["-n", "-"]), { n: "-", _: [] });
  assertEquals(parseArgs(["-"]), { _: ["-"] });
});

Deno.test("parseArgs() makes numbers of what looks like one, except in string flags", () => {
  assertEquals(
    parseArgs(["-x", "1234", "-y", "5.67", "-z", "1e7", "-w", "10f", "--hex", "0xff", "789", "  "]),
    { x: 1234, y: 5.67, z: 1e7, w: "10f", hex: 255, _: [789, "  "] },
  );
  assertEquals<unknown>(parseArgs(["-s", "0001", "7"], { string: ["s", "_"] }), {
    s: "0001",
    _: ["7"],
  });
});

Deno.test("parseArgs() gives a string flag without a value the empty string", () => {
  assertEquals(parseArgs(["--str", "-art"], { string: ["str", "a", "t"] }), {
    str: "",
    a: "",
    r: true,
    t: "",
    _: [],
  });
});

Deno.test("parseArgs() keeps a boolean flag from taking the next argument unless it is a boolean", () => {
  const options = { boolean: ["t", "verbose"] } as const;
  assertEquals(parseArgs(["-t", "moo"], options), { t: true, verbose: false, _: ["moo"] });
  assertEquals(parseArgs(["--verbose", "false", "moo", "-t", "true"], options), {
    verbose: false,
    t: true,
    _: ["moo"],
  });
  assertEquals(parseArgs(["--verbose=false"], options), { verbose: false, t: false, _: [] });
  assertEquals(parseArgs(["--verbose=no"], options), { verbose: true, t: false, _: [] });
});

Deno.test("parseArgs() takes all long flags without `=` for booleans on `boolean: true`", () => {
  const options = { boolean: true } as const;
  assertEquals(parseArgs(["moo", "--honk", "cow", "-p", "55", "--tacos=good"], options), {
    honk: true,
    tacos: "good",
    p: 55,
    _: ["moo", "cow"],
  });
});

Deno.test("parseArgs() negates only negatable flags, the last one counts", () => {
  const options = { boolean: ["foo"], negatable: ["foo"] } as const;
  assertEquals(parseArgs(["--foo", "--no-foo", "123"], options), { foo: false, _: [123] });
  assertEquals(parseArgs(["--no-foo", "--foo"], options), { foo: true, _: [] });
  assertEquals(parseArgs(["--no-foo=bar"], { string: ["foo"], negatable: ["foo"] }), {
    foo: "bar",
    _: [],
  });
  assertEquals(parseArgs(["--no-moo"]), { "no-moo": true, _: [] });
  assertEquals(parseArgs(["--no-"]), { "no-": true, _: [] });
});

Deno.test("parseArgs() collects repeated flags on demand, else the last one counts", () => {
  const args = ["--foo", "bar", "--foo", "baz", "--on", "--on"];
  assertEquals(parseArgs(args), { foo: "baz", on: true, _: [] });
  assertEquals(parseArgs(args, { collect: ["foo", "on"] }), {
    foo: ["bar", "baz"],
    on: [true, true],
    _: [],
  });
  assertEquals<unknown>(
    parseArgs([], { string: ["s"], boolean: ["b"], collect: ["s", "b", "u"] }),
    {
      s: [],
      b: [],
      _: [],
    },
  );
  assertEquals(
    parseArgs(["--foo", "1", "-f", "2", "--no-foo"], {
      string: ["foo"],
      collect: ["foo"],
      negatable: ["foo"],
      alias: { foo: "f" },
    }),
    { foo: false, f: false, _: [] },
  );
});

Deno.test("parseArgs() sets all names of a flag, whichever was given", () => {
  const options = { boolean: ["h"], alias: { h: ["help", "halp"] } } as const;
  for (const arg of ["-h", "--help", "--halp"]) {
    assertEquals(parseArgs([arg, "x"], options), { h: true, help: true, halp: true, _: ["x"] });
  }
  assertEquals(parseArgs(["--zoom", "55"], { alias: { z: "zoom" } }), { z: 55, zoom: 55, _: [] });
  assertEquals(parseArgs(["--str", "01"], { string: "s", alias: { s: "str" } }).s, "01");
  assertThrows(
    () => parseArgs([], { alias: { a: undefined } as unknown as { a: string } }),
    TypeError,
    "Alias value must be defined",
  );
});

Deno.test("parseArgs() fills in defaults, for all names of a flag", () => {
  const options = { string: ["port"], default: { port: "80" }, alias: { port: "p" } } as const;
  assertEquals(parseArgs([], options), { port: "80", p: "80", _: [] });
  assertEquals(parseArgs(["-p", "81"], options), { port: "81", p: "81", _: [] });
  assertEquals(parseArgs([], { boolean: "b", default: { b: null } }), { b: null, _: [] });
});

Deno.test("parseArgs() tells of what no option names and drops it on false", () => {
  const calls: unknown[] = [];
  const result = parseArgs(["--known", "1", "--what=x", "-w", "word", "more", "-k"], {
    string: ["known"],
    boolean: ["also"],
    alias: { also: "k" },
    unknown: (...call: unknown[]) => {
      calls.push(call);
      return call[0] === "more";
    },
  });
  assertEquals(calls, [["--what=x", "what", "x"], ["-w", "w", "word"], ["more"]]);
  assertEquals(result, { known: "1", also: true, k: true, _: ["more"] });
  const flags: string[] = [];
  parseArgs(["--honk", "--tacos=good"], { boolean: true, unknown: (arg) => flags.push(arg) });
  assertEquals(flags, ["--tacos=good"]);
});

Deno.test("parseArgs() stops at the first argument on stopEarly", () => {
  assertEquals(parseArgs(["--aaa", "bbb", "1", "--ddd", "2"], { stopEarly: true }), {
    aaa: "bbb",
    _: [1, "--ddd", "2"],
  });
});

Deno.test("parseArgs() puts what follows a double dash where it is asked to", () => {
  const args = ["--name", "John", "before", "--", "after", "7"];
  assertEquals(parseArgs(args), { name: "John", _: ["before", "after", "7"] });
  assertEquals(parseArgs(args, { "--": true }), {
    name: "John",
    _: ["before"],
    "--": ["after", "7"],
  });
});

Deno.test("parseArgs() makes objects of names with dots and own properties of any name", () => {
  assertEquals(parseArgs(["--a.b", "3", "--a.c.d", "--e.f=x"], { default: { "a.x": 1 } }), {
    a: { b: 3, c: { d: true }, x: 1 },
    e: { f: "x" },
    _: [],
  });
  const parsed = parseArgs(["--toString", "--valueOf", "foo"]);
  assertEquals(Object.entries(parsed), [["_", []], ["toString", true], ["valueOf", "foo"]]);
});

Deno.test("parseArgs() drops flags whose name leads to a prototype", () => {
  for (const name of ["__proto__", "constructor", "a.__proto__", "a.constructor"]) {
    for (const flag of [`--${name}=x`, `--${name}.polluted=x`]) {
      const parsed = parseArgs([flag, "--a.b=1"]);
      assertEquals(Object.entries(parsed), [["_", []], ["a", { b: 1 }]]);
      assertStrictEquals(Object.getPrototypeOf(parsed), Object.prototype);
      assertStrictEquals(Object.getPrototypeOf(parsed.a), Object.prototype);
    }
  }
  assertEquals("polluted" in {} || "polluted" in Object, false);
  assertEquals(Object.entries(parseArgs([], { default: { "__proto__.x": 1 } })), [["_", []]]);
});

Deno.test("parseArgs() types booleans, strings, lists and what can be negated", () => {
  const parsed = parseArgs([], {
    boolean: ["json", "all"],
    string: ["name", "label", "color"],
    collect: ["label", "all", "other"],
    negatable: ["color", "json"],
  });
  assertType<
    Same<Known<typeof parsed>, {
      json: boolean;
      all: boolean[];
      name?: string;
      label: string[];
      color?: string | false;
      other: unknown[];
      _: (string | number)[];
    }>
  >();
  assertType<Same<typeof parsed.surprise, unknown>>();
  assertEquals(parsed.label, []);
});

Deno.test("parseArgs() types defaults, aliases and the double dash", () => {
  const parsed = parseArgs(["-p", "x"], {
    boolean: ["foo"],
    string: ["port", "beep"],
    alias: { foo: ["bar", "baz"], beep: "boop", port: "p" },
    default: { port: 80, extra: 1, foo: null },
    "--": true,
  });
  assertType<
    Same<Known<typeof parsed>, {
      foo: boolean | null;
      bar: boolean | null;
      baz: boolean | null;
      port: string | number;
      p: string | number;
      beep?: string;
      boop?: string;
      extra: unknown;
      _: (string | number)[];
      "--": string[];
    }>
  >();
  assertEquals(parsed.port, "x");
});

Deno.test("parseArgs() types everything as any when no option gives a type", () => {
  const parsed = parseArgs(["--n", "1"], { alias: { n: "number" } });
  const number: number = parsed.number;
  assertEquals(number, 1);
});

import { assert, assertEquals } from "@std/assert";
import { Failure, isEngineFailure, isFailure, isLockFailure } from "../src/failure.ts";

Deno.test("Failure keeps code, data and cause beside its message", () => {
  const cause = new Error("ENOSPC");
  const failure = new Failure("not-found", 'Cannot find row "a": no such row', {
    data: { thing: "row", id: "a" },
    cause,
  });
  assert(failure instanceof Error);
  assertEquals([failure.name, failure.code, failure.data.id], ["Failure", "not-found", "a"]);
  assertEquals(failure.cause, cause);
  assert(!("cause" in new Failure("full", "Cannot write: full", { data: {} })));
});

Deno.test("isFailure() tells failures by code from others and from what only looks like one", () => {
  const full: unknown = new Failure("full", "Cannot write: full", { data: {} });
  assert(isFailure(full));
  assert(isFailure(full, "busy", "full"));
  assert(!isFailure(full, "busy"));
  assert(!isFailure(Object.assign(new Error("x"), { code: "full", data: {} })));
  assert(!isFailure(null));
});

Deno.test("isEngineFailure() and isLockFailure() know their side's codes", () => {
  const engine = new Failure("engine-timeout", "Cannot x", { data: { endpoint: "list" } });
  const lock = new Failure("lock-unsupported", "Cannot x", { data: { directory: "/", path: "/" } });
  assertEquals([engine, lock].map(isEngineFailure), [true, false]);
  assertEquals([engine, lock].map(isLockFailure), [false, true]);
});

import { assertEquals } from "@std/assert";
import { keepBrokenBodies, watchBody } from "../../src/http/broken_bodies.ts";

Deno.test("keepBrokenBodies() leaves every rejection alone where Deno holds its own", async () => {
  // This Deno does: nothing listens, so that a fault of the program is still its end.
  keepBrokenBodies();
  let broken = 0;
  const watch = watchBody(() => broken++);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const last = (event: PromiseRejectionEvent) => {
    resolve(event.defaultPrevented);
    event.preventDefault();
  };
  globalThis.addEventListener("unhandledrejection", last);
  void Promise.reject(new TypeError("error reading a body from connection"));
  assertEquals([await promise, broken], [false, 0]);
  globalThis.removeEventListener("unhandledrejection", last);
  watch.remove();
});

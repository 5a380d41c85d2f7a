/** AppSoon: who comes early waits for the application, or for its failure. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppSoon } from "../../src/server/app_soon.ts";
import type { App } from "../../src/server/routed.ts";

Deno.test("AppSoon answers who came early once it became an application, and closes that", async () => {
  const soon = new AppSoon();
  const asked: string[] = [];
  let closed = 0;
  const early = soon.request("/early");
  const app: App = {
    bytes: soon.bytes,
    fetch: (request) => Promise.resolve(new Response(new URL(request.url).pathname)),
    request: (path) => {
      asked.push(path);
      return Promise.resolve(new Response(path));
    },
    close: () => void closed++,
  };
  assertEquals(asked, []);
  await soon.become(Promise.resolve(app));
  assertEquals(await (await early).text(), "/early");
  assertEquals(await (await soon.fetch(new Request("http://localhost/late"))).text(), "/late");
  soon.close();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals([asked, closed], [["/early"], 1]);
});

Deno.test("AppSoon tells who waits that the application can't be loaded", async () => {
  const soon = new AppSoon();
  const early = soon.request("/early");
  const failed = new Error("no such module");
  const waiting = assertRejects(() => early, Error, "no such module");
  const thrown = await soon.become(Promise.reject(failed)).catch((error) => error);
  assert(thrown === failed);
  await waiting;
  soon.close();
});

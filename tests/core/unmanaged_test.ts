/** What nobody accounts for, by Compose project. @module */

import { assertEquals } from "@std/assert";
import { everythingUnmanaged } from "../../src/core/unmanaged.ts";
import type { Refusal } from "../../src/model/pass.ts";

Deno.test("everythingUnmanaged() counts the containers of a project whatever it is called", () => {
  const names = ["shop", "constructor", "__proto__", "toString", "shop", "__proto__"];
  const refused = names.map((value, i): Refusal => ({
    ...{ containerId: `c${i}`, containerName: "", reason: "unknown-stack", value },
  }));
  const unmanaged = { count: 1, composeProjects: { shop: 1 } };
  const { count, composeProjects } = everythingUnmanaged({ unmanaged, refused });
  assertEquals(count, 7);
  assertEquals(Object.entries(composeProjects), [
    ...[["shop", 3], ["constructor", 1], ["__proto__", 2], ["toString", 1]],
  ] as [string, number][]);
});

Deno.test("everythingUnmanaged() counts apart what registering would not take in", () => {
  const reasons = [
    "unknown-workload",
    "inherited",
    "unknown-site",
    "one-off",
    "unknown-stack",
  ] as const;
  const refused = reasons.map((reason, i): Refusal => ({
    ...{ containerId: `c${i}`, containerName: "", reason, value: "shop" },
  }));
  const unmanaged = { count: 1, composeProjects: {} };
  assertEquals(everythingUnmanaged({ unmanaged, refused, refusedCount: 7 }), {
    ...{ count: 5, composeProjects: { shop: 1 }, refused: 3 },
  });
});

/**
 * What is settled is not planned again, and nothing that changed is taken for settled.
 */

import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { MemoryIndex } from "../../src/core/memory_index.ts";
import type { PlanOptions } from "../../src/core/plan.ts";
import { Planner } from "../../src/reconcile/planner.ts";
import { container, directoryOf, everything, only, workload } from "../harness/world.ts";

const shop = workload("stack", "shop");
const labels = { "com.docker.compose.project": "shop" };
const listing = everything(container({ id: "c1", labels }));

/** A planner that has nothing left to do for {@link listing}. */
function settled(): { planner: Planner; options: PlanOptions; index: MemoryIndex } {
  const index = new MemoryIndex([]);
  const options: PlanOptions = {
    index,
    directory: directoryOf(shop),
    composePrefix: "",
    candidates: new Map(),
    sweep: true,
  };
  const planner = new Planner();
  for (const change of planner.plan(listing, options).changes) index.set(change.row);
  assertEquals(planner.plan(listing, options).changes, []);
  return { planner, options, index };
}

Deno.test("Planner gives the same plan again while everything that goes into it is the same", () => {
  const { planner, options } = settled();
  assertStrictEquals(planner.plan(listing, options), planner.plan(listing, { ...options }));
});

Deno.test("Planner plans anew when a row changed, though its index is the same object", () => {
  const { planner, options, index } = settled();
  planner.plan(listing, options);
  const [before] = index.rows();
  index.set({ ...before!, state: "stopped" });
  assertEquals(planner.plan(listing, options).changes.map(({ row }) => row.state), ["running"]);
});

Deno.test("Planner plans anew when anything else that goes into it is another", () => {
  const { planner, options, index } = settled();
  const [{ id }] = index.rows() as Iterable<{ id: string }> as [{ id: string }];
  const others: Partial<PlanOptions>[] = [
    { directory: directoryOf() },
    { composePrefix: "x-" },
    { candidates: new Map([[id, "c1"]]) },
    { sweep: false },
    { contenders: new Map() },
    { index: new MemoryIndex(index.rows()) },
  ];
  for (const other of others) {
    const before = planner.plan(listing, options);
    const changed = planner.plan(listing, { ...options, ...other });
    assertNotStrictEquals(changed, before);
    assertNotStrictEquals(planner.plan(listing, options), changed, "and back");
  }
  const before = planner.plan(listing, options);
  assertNotStrictEquals(
    planner.plan({ ...listing, containers: [...listing.containers] }, options),
    before,
  );
});

Deno.test("Planner knows a whole listing again after part of one", () => {
  const { planner, options } = settled();
  const before = planner.plan(listing, options);
  planner.plan(only(["c1"], container({ id: "c1", labels, state: "stopped" })), options);
  assertStrictEquals(planner.plan(listing, options), before);
});

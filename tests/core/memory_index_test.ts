import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { MemoryIndex } from "../../src/core/memory_index.ts";
import { row } from "../harness/world.ts";
import { processorMs } from "../harness/processor_time.ts";

const id = fc.constantFrom("r1", "r2", "r3", "r4");
const containerId = fc.constantFrom("c1", "c2", "c3", null);

Deno.test("MemoryIndex finds what is bound to a container, whatever was asked for before", () => {
  const step = fc.oneof(
    fc.record({ set: id, containerId }),
    fc.record({ delete: id }),
    fc.record({ ask: fc.constantFrom("c1", "c2", "c3", "c4") }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new MemoryIndex([]);
      const plain = new Map<string, string | null>();
      for (const one of steps) {
        if ("set" in one) {
          index.set(row({ id: one.set, containerId: one.containerId }));
          plain.set(one.set, one.containerId);
        } else if ("delete" in one) {
          index.delete(one.delete);
          plain.delete(one.delete);
        } else {
          const bound = [...plain].filter(([, container]) => container === one.ask);
          assertEquals(index.boundTo(one.ask).map((r) => r.id), bound.map(([r]) => r).sort());
        }
        assertEquals([...index.rows()].map((r) => r.id).sort(), [...plain.keys()].sort());
        assertEquals(index.size, plain.size);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("MemoryIndex takes no longer for each of many rows bound to one container", () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => row({ id: `r${i}`, containerId: "c1" }));
  const begin = processorMs();
  const index = new MemoryIndex(rows);
  for (const one of rows) index.set(one);
  assertEquals(index.boundTo("c1").length, 30_000);
  for (const { id } of rows.slice(1)) index.delete(id);
  const took = processorMs() - begin;
  assertEquals(index.boundTo("c1").map(({ id }) => id), ["r0"]);
  // A tenth of a second; it was minutes.
  assertEquals(took < 1500, true, `${Math.round(took)} ms`);
});

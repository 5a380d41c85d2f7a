/**
 * What was, held against a plain account of random histories: rows come, change and go, daemons end
 * with and without a word, the past is pruned. One second after the other, and nothing clever.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Past } from "../../src/safekeeping/past.ts";
import {
  account,
  BASE,
  boundedBy,
  compare,
  histories,
  SECOND,
  type Step,
  World,
} from "../harness/past_world.ts";
import { pass } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { row } from "../harness/world.ts";

async function played(
  steps: readonly Step[],
  fresh: boolean,
  check: (world: World, past: Past) => Promise<void>,
): Promise<void> {
  await using temp = await tempStore();
  const world = new World(temp.path);
  await world.open();
  try {
    world.begin();
    world.wait(3);
    for (const each of steps) await world.play(each);
    world.wait(1);
    const isFresh = world.end({ fresh });
    const now = () => BASE + world.second * SECOND;
    await check(world, new Past({ store: world.store, now, isFresh: () => isFresh }));
  } finally {
    world.store.close();
  }
}

Deno.test("Past.at() tells each second of a random history, and never what was not", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ([steps, fresh]) => {
      await played(steps, fresh, async (world, past) => {
        for (let second = 0; second < world.second; second += second < 40 ? 1 : 11) {
          compare(await past.at(BASE + second * SECOND), world.account[second]!, second);
        }
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("Past.availability() counts the seconds of a random history, unknown ones apart", async () => {
  await fc.assert(
    fc.asyncProperty(
      histories,
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      async ([steps, fresh], fromShare, untilShare) => {
        // Pruning is another matter: what it leaves unknown depends on what it leaves.
        const kept = steps.filter(({ op }) => !op.startsWith("prune"));
        await played(kept, fresh, async (world, past) => {
          const [from, until] = [fromShare, untilShare].sort((a, b) => a - b)
            .map((share) => Math.floor(share * world.second / 100)) as [number, number];
          const found = await past.availability({
            from: BASE + from * SECOND,
            until: BASE + until * SECOND,
            maxSpans: 500,
          });
          account(found, world.account.slice(from, until), [...world.ids.values()]);
        });
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("Past.availability() says of a pruned past that it is unknown, and no more than there was", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ([steps, fresh]) => {
      await played(steps, fresh, async (world, past) => {
        const found = await past.availability({
          from: BASE,
          until: BASE + world.second * SECOND,
          maxSpans: 0,
        });
        boundedBy(found, world.account);
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("Past tells of a row that was retired until then, as its workload's, and not after", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const begin = temp.now;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const id = `${workloadId}:old`;
  const of = (state: string) =>
    row({ id, workloadId, workloadKind: "site", state, containerId: "c1" });
  const passes: [string, number][] = [["running", 0], ["missing", 60]];
  for (const [state, second] of passes) {
    temp.now = begin + second * SECOND;
    pass(store, [of(state)], { at: new Date(temp.now).toISOString() });
  }
  temp.now = begin + 100 * SECOND;
  assertEquals(store.expectations.accept(workloadId).retired, [id]);
  temp.now = begin + 200 * SECOND;
  pass(store, [], { at: new Date(temp.now).toISOString() });

  const past = new Past({ store, now: () => temp.now, isFresh: () => true });
  const found = await past.availability({ from: begin, until: temp.now, maxSpans: 10 });
  assertEquals(found.workloads.map(({ name, rows }) => [name, rows.map((each) => each.id)]), [
    ["blog", [id]],
  ]);
  const [blog] = found.workloads;
  assertEquals([blog!.runningMs, blog!.downMs], [60 * SECOND, 40 * SECOND]);
  const at = async (second: number) => (await past.at(begin + second * SECOND)).items;
  assertEquals((await at(99)).map(({ state }) => state), ["missing"]);
  assertEquals(await at(150), []);
});

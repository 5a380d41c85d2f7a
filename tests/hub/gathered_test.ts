/** What many ask for, done together. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { Gathered } from "../../src/hub/gathered.ts";

/** What was done together, and ends each turn when a test says so. */
function scene({ turns, most }: { turns: number; most: number }) {
  const done: string[][] = [];
  const under: PromiseWithResolvers<void>[] = [];
  const gathered = new Gathered<string, string>(async (all) => {
    done.push([...all]);
    const turn = Promise.withResolvers<void>();
    under.push(turn);
    await turn.promise;
    return all.map((each) => each.toUpperCase());
  }, { keyOf: (asked) => asked[0]!, turns, most });
  /** Lets what is decided be done. */
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  return { gathered, done, under, settle };
}

Deno.test("Gathered does at once what comes alone, and together what comes meanwhile", async () => {
  const { gathered, done, under, settle } = scene({ turns: 1, most: 3 });
  const first = gathered.ask("a");
  await settle();
  assertEquals(done, [["a"]]);
  const others = ["b", "c", "d", "e"].map((each) => gathered.ask(each));
  await settle();
  assertEquals(done, [["a"]]);
  under[0]!.resolve();
  assertEquals(await first, "A");
  await settle();
  assertEquals(done, [["a"], ["b", "c", "d"]]);
  under[1]!.resolve();
  await settle();
  assertEquals(done, [["a"], ["b", "c", "d"], ["e"]]);
  under[2]!.resolve();
  assertEquals(await Promise.all(others), ["B", "C", "D", "E"]);
});

Deno.test("Gathered does no two of one key together, and keeps their order", async () => {
  const { gathered, done, under, settle } = scene({ turns: 1, most: 9 });
  const asked = ["a1", "b1", "a2", "b2", "a3"].map((each) => gathered.ask(each));
  for (let turn = 0; turn < 3; turn++) {
    await settle();
    under[turn]!.resolve();
  }
  await Promise.all(asked);
  assertEquals(done, [["a1", "b1"], ["a2", "b2"], ["a3"]]);
});

Deno.test("Gathered has no more turns under way than it may", async () => {
  const { gathered, done, under, settle } = scene({ turns: 2, most: 1 });
  const asked = ["a", "b", "c"].map((each) => gathered.ask(each));
  await settle();
  assertEquals(done, [["a"], ["b"]]);
  under[1]!.resolve();
  await settle();
  assertEquals(done, [["a"], ["b"], ["c"]]);
  for (const turn of under) turn.resolve();
  await Promise.all(asked);
});

Deno.test("Gathered rejects what a turn failed with, and goes on", async () => {
  let fails = true;
  const gathered = new Gathered<number, number>((all) => {
    if (fails) return Promise.reject(new Error("no"));
    return Promise.resolve(all.map((each) => each < 0 ? Promise.reject(new Error("less")) : each));
  }, { keyOf: String, turns: 1, most: 9 });
  await Promise.all([1, 2].map((each) => assertRejects(() => gathered.ask(each), Error, "no")));
  fails = false;
  const answers = await Promise.allSettled([gathered.ask(-1), gathered.ask(3)]);
  assertEquals(answers.map(({ status }) => status), ["rejected", "fulfilled"]);
});

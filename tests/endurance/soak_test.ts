/**
 * The soak's judgement, and a soak of some seconds so that the long one is known to run. The long
 * form is `deno task soak`.
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { ContainerView } from "../../src/model/views.ts";
import { Thing } from "./thing.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { compareWithEngine } from "../harness/index_truth.ts";
import { soak } from "./soak.ts";
import { bounds, isKept, renderBounds, renderSamples, type Sample } from "./soak_report.ts";

Deno.test("a daemon under everything at once for some seconds ends with a true index", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const { violations, samples } = await soak({ minutes: 0.1, seed });
  assertEquals(violations, [], `seed ${seed}`);
  assertEquals(samples.length > 0, true);
});

const SAMPLES: readonly Sample[] = Array.from({ length: 16 }, (_, i) => ({
  seconds: 5 * i,
  residentBytes: 150e6,
  descriptors: 50,
  connections: 20,
  databaseBytes: 20e6,
  logBytes: 4e6,
  rows: 400,
  passes: 100 * i,
  events: 1000 * i,
  livezMs: [1, 2, 3],
  lagMs: [5, 10],
}));

function broken(change: (sample: Sample, i: number) => Partial<Sample>): string[] {
  const samples = SAMPLES.map((sample, i) => ({ ...sample, ...change(sample, i) }));
  return bounds(samples, 30).filter((bound) => !isKept(bound)).map(({ what }) => what);
}

Deno.test("bounds() are kept by a daemon that does not grow", () => {
  assertEquals(broken(() => ({})), []);
  assertEquals(broken((_, i) => ({ residentBytes: i < 4 ? 80e6 : 150e6 })), [], "warming up");
});

Deno.test("bounds() are broken by what grows, is too much or too slow, or was not measured", () => {
  assertEquals(broken((_, i) => ({ residentBytes: 150e6 + i * 3e6 })), [
    "resident memory, growth",
  ]);
  assertEquals(broken((_, i) => ({ residentBytes: i === 9 ? 300e6 : 150e6 })), [
    "resident memory, largest",
  ]);
  assertEquals(broken((_, i) => ({ databaseBytes: 20e6 + i * 1e6 })), ["database, growth"]);
  assertEquals(broken((_, i) => ({ logBytes: i === 3 ? 30e6 : 0 })), ["write-ahead log, largest"]);
  assertEquals(broken((_, i) => ({ descriptors: 50 + 2 * i })), [
    "descriptors besides connections, most",
  ]);
  assertEquals(broken((_, i) => ({ livezMs: i === 3 ? [1500] : [1] })), [
    "/livez, 99 of 100",
    "/livez, slowest",
  ]);
  assertEquals(broken(() => ({ lagMs: [10, 400] })), ["change to live feed, 99 of 100"]);
  assertEquals(broken(() => ({ lagMs: [] })), ["change to live feed, 99 of 100"]);
});

Deno.test("renderSamples() and renderBounds() print one line each", () => {
  const lines = renderSamples(SAMPLES).split("\n");
  assertEquals(lines.length, 17);
  assertMatch(lines[16]!, /^1:15 +150\.0 MB +50 \(20\) +20\.0 MB +4\.0 MB +400 +1500 +15000/);
  const samples = SAMPLES.map((sample) => ({ ...sample, livezMs: [120] }));
  assertMatch(
    renderBounds(bounds(samples, 30)),
    /^\/livez, 99 of 100 +120 ms +at most 100 ms +BROKEN$/m,
  );
});

Deno.test("compareWithEngine() finds rows that are missing, left over or wrong", async () => {
  await using engine = await FakeEngine.start();
  const [one, other] = [engine.add({ state: "exited" }), engine.add()];
  const [site, row] = [new Thing("site", "s"), new Thing("row", "r")];
  site.possible = [{ name: "s" }];
  row.possible = [{ container: other.id }];
  const owners = new Map([[one.id, site], [other.id, row]]);
  const view = (containerId: string, fields: Partial<ContainerView> = {}) =>
    ({
      id: `row of ${containerId}`,
      containerId,
      state: "running",
      imageRef: one.image,
      containerName: engine.containers.get(containerId)?.name ?? "",
      ...fields,
    }) as ContainerView;
  const compare = (...rows: ContainerView[]) => compareWithEngine(rows, { engine, owners }).length;

  const stopped = view(one.id, { state: "stopped" });
  assertEquals(compare(stopped, view(other.id)), 0);
  assertEquals(compare(stopped, view(other.id), view("gone", { state: "missing" })), 0);
  assertEquals(compare(stopped), 1, "a row is missing");
  assertEquals(compare(stopped, view(other.id), view("gone")), 1, "it is not marked missing");
  assertEquals(compare(view(one.id), view(other.id)), 1, "another state");
  assertEquals(compare(stopped, view(other.id, { imageRef: "x" })), 1, "another image");
  row.possible = [{ container: "elsewhere" }];
  assertEquals(compare(stopped, view(other.id)), 1, "bound to what the deployer did not say");
  site.possible = [null];
  row.possible = [{ container: other.id }];
  assertEquals(compare(stopped, view(other.id)), 1, "a row of an entry that was removed");
});

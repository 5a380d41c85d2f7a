/**
 * Taking in everything that runs on a large host, from the request until the rows are there.
 *
 * @module
 */

import { join } from "@std/path";
import { assemble } from "../../src/daemon.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { openStore } from "../../src/store/store.ts";
import { SimEngine } from "../engines/crowd.ts";
import { testConfig } from "../harness/config.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { NO_LOG } from "./world.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [{ name: "adopting", run: adopting }];

const SIZE = 10_000;

/** Half of the containers are those of Compose projects, ten each; the others bear no label. */
function labelsOf(index: number): Record<string, string> {
  if (index >= SIZE / 2) return {};
  const place = index % 10;
  return {
    "com.docker.compose.project": `project-${Math.floor(index / 10)}`,
    "com.docker.compose.service": place < 5 ? "web" : `service${place}`,
    "com.docker.compose.container-number": String(place < 5 ? place + 1 : 1),
    "com.docker.compose.config-hash": String(place),
    "com.docker.compose.oneoff": "False",
    "com.docker.compose.version": "1.29.2",
  };
}

async function adopting(): Promise<Figure[]> {
  const labels = Array.from({ length: SIZE }, (_, index) => labelsOf(index));
  await using engine = await SimEngine.start({ containers: SIZE, labels });
  const ms: number[] = [];
  for (let round = 0; round < 4; round++) ms.push(await adoptOnce(engine));
  // The first of all also compiles the code that it runs.
  const row = "10,000 containers: everything taken in, from the request to the rows";
  return [
    { row: `${row}, first`, measured: ms[0]!, unit: "ms", target: 3000, bound: "most" },
    { row, measured: median(ms.slice(1)), unit: "ms", target: 3000, bound: "most" },
  ];
}

/** On an index of its own; milliseconds. */
async function adoptOnce(engine: SimEngine): Promise<number> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-bench-" });
  const feed = new Feed<Written>();
  const store = await openStore(join(dir, "tinyforge.db"), { feed });
  const data = { store, feed, close: () => store.close() };
  const config = testConfig({ host: engine.host, intervalMs: 300_000 });
  const parts = assemble(config, data, { log: NO_LOG, version: "bench" });
  try {
    parts.problems.start();
    parts.loop.start();
    await parts.loop.outcomes.firstPass;
    const app = await parts.app({ status: null });
    const begin = performance.now();
    const answer = await app.request("/api/adopt", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ all: true }),
    });
    const { adopted, skipped } = await answer.json();
    const took = performance.now() - begin;
    const running = store.views.list().filter(({ state }) => state === "running").length;
    if (adopted.length !== SIZE / 2 + SIZE / 20 || skipped.length > 0 || running !== SIZE) {
      throw new Error(`${adopted.length} were adopted, and ${running} rows run`);
    }
    return took;
  } finally {
    await parts.close();
    await Deno.remove(dir, { recursive: true });
  }
}

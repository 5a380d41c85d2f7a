/**
 * What a backup of an index of some size costs: its own time, and how long writers wait for it.
 *
 * @module
 */

import { join } from "@std/path";
import { makeBackup } from "../../src/safekeeping/backup.ts";
import { DATABASE } from "../../src/system/files.ts";
import { makeIndex, makeKeys } from "../harness/backups.ts";
import { type Bench, type Figure, median } from "./figure.ts";

const BYTES = 20e6;
const RUNS = 5;

/** A thread that writes to the index without a pause, and says how long each write took. */
const WRITER = `
  import { openStore } from ${JSON.stringify(new URL("../../src/store/store.ts", import.meta.url))};
  let store, n = 0, worst = 0, stopped = false;
  const turn = () => {
    if (stopped) return;
    const before = performance.now();
    store.registry.create("site", { name: "w" + n++ });
    worst = Math.max(worst, performance.now() - before);
    setTimeout(turn);
  };
  globalThis.onmessage = async ({ data }) => {
    if (data.path) { store = await openStore(data.path); postMessage("ready"); turn(); }
    else if (data === "reset") { worst = 0; n0 = n; postMessage("reset"); }
    else if (data === "tell") postMessage({ worst, writes: n - n0 });
    else { stopped = true; store.close(); postMessage("closed"); }
  };
  let n0 = 0;
`;

async function run(): Promise<Figure[]> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-bench-" });
  const dataDir = join(dir, "data");
  await makeIndex(dataDir, { name: "living", bytes: BYTES });
  const { recipient } = await makeKeys();
  const url = URL.createObjectURL(new Blob([WRITER], { type: "application/typescript" }));
  const writer = new Worker(url, { type: "module" });
  // deno-lint-ignore no-explicit-any -- what the thread above answers
  const ask = (message: unknown): Promise<any> => {
    const { promise, resolve } = Promise.withResolvers();
    writer.onmessage = ({ data }) => resolve(data);
    writer.postMessage(message);
    return promise;
  };
  try {
    await ask({ path: join(dataDir, DATABASE) });
    const took: number[] = [];
    const waits: number[] = [];
    let writes = 0;
    for (let n = 0; n <= RUNS; n++) {
      await ask("reset");
      const began = performance.now();
      await makeBackup({
        ...{ dataDir, recipients: [recipient], version: "bench", now: new Date() },
        to: { kind: "file", path: join(dir, `${n}.tar.age`) },
      });
      const ms = performance.now() - began;
      const told = await ask("tell");
      // The first one loads the ciphers, and compiles them.
      if (n === 0) continue;
      took.push(ms);
      waits.push(told.worst);
      writes += told.writes;
    }
    const { size } = await Deno.lstat(join(dir, "1.tar.age"));
    const note = `${(size / 1e6).toFixed(1)} MB, encrypted, beside ${writes} writes`;
    return [
      {
        row: "backup of a 20 MB index under constant writes",
        measured: median(took),
        unit: "ms",
        target: 500,
        bound: "most",
        note: `${note}; worst ${Math.max(...took).toFixed(0)} ms of ${RUNS}`,
      },
      {
        row: "longest wait of a write beside a backup",
        measured: Math.max(...waits),
        unit: "ms",
        target: 50,
        bound: "most",
        note: `worst of ${RUNS} backups`,
      },
    ];
  } finally {
    await ask("close");
    writer.terminate();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Backups. */
export const BENCHES: readonly Bench[] = [{ name: "backup", run }];

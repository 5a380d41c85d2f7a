/**
 * What only long runs show: the programs of the lock's stress and of the crashes, and their verdict.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { Bench, Figure } from "./figure.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [
  { name: "lock-speed", run: lockSpeed },
  {
    name: "lock",
    run: () =>
      failures("stress:lock", "lock: 5,000 acquisitions with kills, runs with an overlap or wedge"),
  },
  {
    name: "crash",
    run: () => failures("crash", "crash: 200 kills, runs that lost or tore something"),
  },
];

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** What `deno bench` says of acquiring and releasing. */
async function lockSpeed(): Promise<Figure[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bench", "--quiet", "--json", "--allow-read", "--allow-write", "--allow-ffi"],
      ...["--allow-run", "--allow-env", "tests/lock/"],
    ],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const { benches }: {
    benches: { name: string; results: { ok?: { avg: number; p99: number } }[] }[];
  } = JSON.parse(new TextDecoder().decode(stdout));
  return benches.map(({ name, results }) => {
    const ok = results[0]?.ok;
    if (ok === undefined) throw new Error(`Cannot measure ${name}`);
    return {
      row: `lock: acquire and release, ${name}, mean`,
      measured: ok.avg / 1e6,
      unit: "ms",
      target: 5,
      bound: "most",
      note: `p99 ${(ok.p99 / 1e6).toFixed(1)} ms`,
    };
  });
}

/** Runs a task and counts it when it fails; its last line is the note. */
async function failures(task: string, row: string): Promise<Figure[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", task],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const note = text.trimEnd().split("\n").at(-1) ?? "";
  return [{ row, measured: success ? 0 : 1, unit: "runs", target: 0, bound: "most", note }];
}

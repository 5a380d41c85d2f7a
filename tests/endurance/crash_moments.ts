/**
 * When a daemon is killed: waits for a moment at which a kill may hurt. Kills nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import type { FakeEngine } from "../engines/scripted.ts";
import type { TestHost } from "../harness/program.ts";
import type { Chance } from "./chance.ts";

/** When the daemon is killed. */
export type Moment =
  /** While it starts on what an earlier one left. */
  | "start"
  /** At any time of its life. */
  | "life"
  /** Up to some milliseconds after the Engine's last answer to a pass that changes many rows. */
  | "pass"
  /** While the write-ahead log is written. */
  | "commit"
  /** Up to a few milliseconds after a write was sent. */
  | "write"
  /** At the moment a write is answered. */
  | "answer";

/** One after the other; each but `start` needs a daemon that is up. */
export const MOMENTS: readonly Moment[] = [
  ...["life", "pass", "write", "commit"] as const,
  ...["start", "pass", "answer", "commit"] as const,
];

/** Tells when something is sent and answered. */
export class Signal {
  #next = Promise.withResolvers<void>();

  /** It happens. */
  give(): void {
    this.#next.resolve();
  }

  /** Resolves when it happens from now on. */
  comes(): Promise<void> {
    this.#next = Promise.withResolvers();
    return this.#next.promise;
  }
}

/** What to wait with. */
export interface MomentParts {
  readonly engine: FakeEngine;
  readonly chance: Chance;
  /** Given with each write that is sent, and with each that is answered. */
  readonly sent: Signal;
  readonly answered: Signal;
}

/** Resolves at a moment in the life of a daemon with this database. */
export async function momentComes(
  moment: Exclude<Moment, "start">,
  database: string,
  { engine, chance, sent, answered }: MomentParts,
): Promise<void> {
  switch (moment) {
    case "pass":
      await passAnswered(engine);
      return await pause(chance.below(40));
    case "commit":
      await passAnswered(engine);
      await pause(1); // the answer is on its way
      return writing(`${database}-wal`);
    case "write":
      await sent.comes();
      return await pause(chance.below(5));
    case "answer":
      return await answered.comes();
    case "life":
      return await pause(chance.below(200));
  }
}

/** Resolves some time between a process's start and its first pass; `usualMs` to its lock. */
export async function withinStart(
  host: TestHost,
  { usualMs, chance }: { usualMs: number; chance: Chance },
): Promise<void> {
  // Most of a start is loading the program; half of the kills wait for what follows.
  if (chance.below(1) < 0.5) return await pause(chance.below(usualMs * 1.5));
  const there = chance.any(["tinyforge.lock", "tinyforge.db-wal"]);
  const until = performance.now() + usualMs * 3;
  while (performance.now() < until && !await exists(join(host.dataDir, there))) await pause(1);
  await pause(chance.below(50));
}

/** Whether there is anything at a path. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Resolves after this time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves with the listing, as a rule the last answer that a full pass asks for. */
async function passAnswered(engine: FakeEngine): Promise<void> {
  const asked = Promise.withResolvers<void>();
  const edit = (answer: unknown) => {
    asked.resolve();
    return answer;
  };
  engine.fail("list", { kind: "edit", edit }, 1);
  await asked.promise;
}

/** Returns as soon as a file is written to; spins, since a write is over within a millisecond. */
function writing(path: string): void {
  const stamp = () => {
    const { size, mtime } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()}`;
  };
  const before = stamp();
  const end = performance.now() + 100;
  while (stamp() === before && performance.now() < end);
}

/**
 * The second half of a restore, and what is left when one was cut short: a decided restore is
 * brought to its end, an undecided one is forgotten. Only for the process that owns the data
 * directory, before it opens the database.
 *
 * @module
 */

import { join } from "@std/path";
import { syncDirectory } from "../system/disk.ts";
import { DATABASE, RESTORE_NEW, RESTORE_READY } from "../system/files.ts";
import { sweepPartials } from "./partial.ts";

/** What a restore is to do; a file beside what it brings. */
export interface RestorePlan {
  /** Name of the folder that what is there goes to. */
  readonly keepAs: string;
  /** Names of the files that it brings. */
  readonly files: readonly string[];
}

/** Name of the plan in a restore's folder. */
export const PLAN = "plan.json";

/** What SQLite keeps beside a database: all of them are part of it. */
const SIDE_FILES: readonly string[] = ["-wal", "-shm", "-journal"];

/** Sees each step before it is made; for tests, which end the program there. */
export type OnStep = (step: string) => void | Promise<void>;

/** Ends what was cut short in a data directory. */
export async function recover(dataDir: string): Promise<void> {
  await finishRestore(dataDir);
  await Deno.remove(join(dataDir, RESTORE_NEW), { recursive: true }).catch(ifThere);
  await sweepPartials(dataDir);
}

/**
 * Puts what a decided restore brings in its place; what was there goes to the folder that its plan
 * names. Each step can be the last: then the next call goes on where this one stopped. While the
 * restore's folder is there nobody opens the database, so what stands beside it is the old one's.
 */
export async function finishRestore(
  dataDir: string,
  { onStep = () => {} }: { onStep?: OnStep } = {},
): Promise<void> {
  const ready = join(dataDir, RESTORE_READY);
  const plan = await readPlan(ready);
  if (plan !== null) {
    const keep = join(dataDir, plan.keepAs);
    for (const name of plan.files) {
      const brought = join(ready, name);
      // Gone from here: it is in its place already, and must not be taken for what was there.
      if (!await isThere(brought)) continue;
      const old = name === DATABASE ? [...SIDE_FILES.map((end) => name + end), name] : [name];
      for (const each of old) {
        if (!await isThere(join(dataDir, each))) continue;
        await onStep(`keep ${each}`);
        await Deno.mkdir(keep, { recursive: true, mode: 0o700 });
        await Deno.rename(join(dataDir, each), join(keep, each));
      }
      await onStep(`place ${name}`);
      await Deno.rename(brought, join(dataDir, name));
    }
    await onStep("sync");
    if (await isThere(keep)) await syncDirectory(keep);
    await syncDirectory(dataDir);
    await onStep("forget the plan");
    await Deno.remove(join(ready, PLAN));
  }
  await onStep("forget");
  // Without a plan it has no more to bring.
  await Deno.remove(ready, { recursive: true }).catch(ifThere);
  await syncDirectory(dataDir);
}

async function readPlan(ready: string): Promise<RestorePlan | null> {
  try {
    return JSON.parse(await Deno.readTextFile(join(ready, PLAN)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function ifThere(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

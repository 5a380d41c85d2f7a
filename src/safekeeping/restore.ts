/**
 * Puts a backup in the place of what a data directory holds. Everything is unpacked, checked and
 * brought up to date beside it first; one rename then decides, and recover.ts does the rest, also
 * when this process ends before.
 *
 * @module
 */

import { join } from "@std/path";
import { acquireLock } from "../lock/lock.ts";
import { prepareDataDir } from "../store/data_dir.ts";
import { sqliteLibrary } from "../store/library.ts";
import { beginAnew } from "../store/snapshot.ts";
import { syncDirectory } from "../system/disk.ts";
import { DATABASE, RESTORE_NEW, RESTORE_READY } from "../system/files.ts";
import { effectiveUid } from "../system/libc.ts";
import { userText } from "../system/peer.ts";
import type { Manifest } from "./manifest.ts";
import { stamp } from "./names.ts";
import { finishRestore, type OnStep, PLAN, recover, type RestorePlan } from "./recover.ts";
import { unpackInto } from "./unpack.ts";

/** What {@link restoreBackup} is told. */
export interface RestoreOptions {
  /** The data directory; made when it is not there. */
  readonly dataDir: string;
  /** Private keys to open the backup with. */
  readonly identities: readonly string[];
  /** The present time. */
  readonly now: Date;
  /** Sees each step before it is made. */
  readonly onStep?: OnStep;
}

/** What became of it. */
export interface RestoreReport {
  /** What is in the backup. */
  readonly manifest: Manifest;
  /** Of the index from now on. */
  readonly epoch: string;
  /** Where what was there is kept; null where there was nothing. */
  readonly kept: string | null;
}

/**
 * Restores a backup. Cut at any moment it leaves the old or the new index, whole.
 *
 * @throws {Failure} `lock-held` while a daemon runs; `backup-foreign`, `backup-damaged`,
 *   `backup-key`, `backup-no-room`, `newer`, `corrupt`; then nothing was touched.
 */
export async function restoreBackup(
  source: ReadableStream<Uint8Array>,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { dataDir, identities, now, onStep = () => {} } = options;
  await prepareDataDir(dataDir);
  const lock = await acquireLock(dataDir);
  try {
    // One that was cut short before comes first: what it decided is what this one replaces.
    await recover(dataDir);
    await sqliteLibrary({ dataDir });
    const folder = join(dataDir, RESTORE_NEW);
    await onStep("unpack");
    await Deno.mkdir(folder, { mode: 0o700 });
    try {
      const { manifest } = await unpackInto(source, { folder, identities });
      await onStep("begin anew");
      const epoch = await beginAnew(join(folder, DATABASE), {
        now: now.toISOString(),
        madeAt: manifest.madeAt,
        who: userText(effectiveUid()),
      });
      const plan: RestorePlan = {
        keepAs: await keepName(dataDir, now),
        files: manifest.files.map(({ name }) => name),
      };
      await onStep("plan");
      await Deno.writeTextFile(join(folder, PLAN), JSON.stringify(plan), { mode: 0o600 });
      await onStep("sync what is new");
      for (const name of [...plan.files, PLAN]) await syncFile(join(folder, name));
      await syncDirectory(folder);
      await onStep("decide");
      await Deno.rename(folder, join(dataDir, RESTORE_READY));
      await syncDirectory(dataDir);
      await finishRestore(dataDir, { onStep });
      const kept = join(dataDir, plan.keepAs);
      const hasKept = await Deno.lstat(kept).then(() => true, () => false);
      return { manifest, epoch, kept: hasKept ? kept : null };
    } finally {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
  } finally {
    lock.release();
  }
}

async function keepName(dataDir: string, now: Date): Promise<string> {
  const names = new Set(await Array.fromAsync(Deno.readDir(dataDir), ({ name }) => name));
  const wanted = `before-restore-${stamp(now)}`;
  for (let again = 1;; again++) {
    const name = again === 1 ? wanted : `${wanted}-${again}`;
    if (!names.has(name)) return name;
  }
}

async function syncFile(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  await file.sync();
}

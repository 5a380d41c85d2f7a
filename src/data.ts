/**
 * The data directory: owned by one process that may write, or opened to be read beside it. Knows
 * the lock and the store and in which order they open; must not decide what is done with them.
 *
 * @module
 */

import { join } from "@std/path";
import { type Clock, SYSTEM_CLOCK, timestamp } from "./clock.ts";
import { isFailure } from "./failure.ts";
import { Feed } from "./feed.ts";
import { acquireLock, type Lock } from "./lock/lock.ts";
import type { Written } from "./model/written.ts";
import { prepareDataDir, refuseWhileRestoring } from "./store/data_dir.ts";
import { removeOtherLibraries, sqliteLibrary } from "./store/library.ts";
import { openStore, type Store } from "./store/store.ts";
import { DATABASE, isUnfinished, socketPlaces } from "./system/files.ts";
import type { Log } from "./telemetry/log.ts";

/** An index that is open. */
export interface OpenData {
  /** Open until closed. */
  readonly store: Store;
  /** Is told of each commit of the store. */
  readonly feed: Feed<Written>;
  /** Closes the store, and gives back what was held for it; idempotent. */
  close(): void;
}

/** A data directory that this process owns. */
export interface OwnedData extends OpenData {
  /** Held until closed; given back after the store is closed. */
  readonly lock: Lock;
}

/** A pass of `--once` may take as long as the Engine's client waits for an answer. */
const LOCK_PATIENCE_MS = 12_000;
const LOCK_RETRY_MS = 50;

/**
 * Takes the data directory's lock, then opens its store. The directory is created when it is not
 * there, for this user alone. What is written bears the times of `clock`, the system's by default.
 *
 * @throws {Failure}
 */
export async function ownData(
  dataDir: string,
  { clock = SYSTEM_CLOCK }: { clock?: Clock | undefined } = {},
): Promise<OwnedData> {
  await prepareDataDir(dataDir);
  const lock = await acquireLock(dataDir);
  try {
    await endUnfinished(dataDir);
    await removeOtherLibraries(await sqliteLibrary({ dataDir }), dataDir);
    const feed = new Feed<Written>();
    const now = () => timestamp(clock);
    const store = await openStore(join(dataDir, DATABASE), { feed, now });
    const close = () => {
      try {
        store.close();
      } finally {
        lock.release();
      }
    };
    return { lock, store, feed, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * As {@link ownData}, but waits for an owner that works for a moment only: a command that writes
 * without a daemon, or a pass of `--once`. Whoever listens is here to stay.
 *
 * @throws {Failure}
 */
export async function ownDataSoon(
  dataDir: string,
  { log, clock = SYSTEM_CLOCK }: { log: Log; clock?: Clock },
): Promise<OwnedData> {
  const { signal } = new AbortController();
  const deadline = clock.monotonic() + LOCK_PATIENCE_MS;
  for (let told = false;; told = true) {
    try {
      return await ownData(dataDir, { clock });
    } catch (error) {
      if (!isFailure(error, "lock-held") || clock.monotonic() >= deadline) throw error;
      for (const path of socketPlaces(dataDir)) if (await listens(path)) throw error;
      if (!told) log.info("waiting for the data directory", { owner: error.data.pid });
      await clock.sleep(LOCK_RETRY_MS, signal);
    }
  }
}

/**
 * Opens the index to be read beside whoever owns it; nothing is made, and no lock is taken.
 *
 * @throws {Failure} `not-found` when there is none yet.
 */
export async function readData(dataDir: string): Promise<OpenData> {
  await sqliteLibrary({ dataDir });
  await refuseWhileRestoring(dataDir);
  const store = await openStore(join(dataDir, DATABASE), { readonly: true });
  return { store, feed: new Feed<Written>(), close: () => store.close() };
}

/** What a backup or a restore left that was cut short; looked for by name alone. */
async function endUnfinished(dataDir: string): Promise<void> {
  for await (const { name } of Deno.readDir(dataDir)) {
    if (!isUnfinished(name)) continue;
    const { recover } = await import("./safekeeping/recover.ts");
    return await recover(dataDir);
  }
}

async function listens(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

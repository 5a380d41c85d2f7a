/**
 * A store of a test's own, in a directory that goes away with it.
 *
 * @module
 */

import { join } from "@std/path";
import type { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { openStore, type Store } from "../../src/store/store.ts";

if (!Deno.env.get("DENO_SQLITE_PATH")) Deno.env.set("DENO_SQLITE_PATH", "libsqlite3.so.0");
// Here rather than in the first test that opens a store, which would seem to leak the library.
await import("@db/sqlite");

/** A store whose time stands still until the test moves it. */
export interface TempStore extends AsyncDisposable {
  readonly store: Store;
  readonly path: string;
  readonly dir: string;
  /** What the store takes for now, milliseconds since the Unix epoch. */
  now: number;
}

/** Opens an empty store, whose commits this feed is told of. */
export async function tempStore(options: { feed?: Feed<Written> } = {}): Promise<TempStore> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-store-" });
  const path = join(dir, "tinyforge.db");
  const temp = {
    dir,
    path,
    now: Date.parse("2026-01-01T00:00:00.000Z"),
    store: undefined as unknown as Store,
    async [Symbol.asyncDispose]() {
      temp.store.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
  temp.store = await openStore(path, {
    ...options,
    now: () => new Date(temp.now).toISOString(),
  });
  return temp;
}

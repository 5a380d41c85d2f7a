/**
 * `tinyforge version`: what this program is made of.
 *
 * @module
 */

import manifest from "../../../deno.json" with { type: "json" };
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";

/** The program's own version. */
export const VERSION: string = manifest.version;

/** Prints the versions of the program, Deno and SQLite. */
export async function run(invocation: InvocationOf<"version">): Promise<number> {
  const { out } = invocation;
  const versions = {
    tinyforge: VERSION,
    deno: Deno.version.deno,
    sqlite: await sqliteVersion(invocation),
  };
  if (invocation.on("json")) out.json(versions);
  else out.lines(...Object.entries(versions).map(([of, version]) => `${of} ${version ?? "-"}`));
  return EXIT.done;
}

/** Null, with a message, where the library can't be had: the other versions are worth telling. */
async function sqliteVersion({ config, out }: InvocationOf<"version">): Promise<string | null> {
  try {
    const { sqliteLibrary } = await import("../../store/library.ts");
    await sqliteLibrary({ dataDir: config().dataDir });
    const { Database } = await import("@db/sqlite");
    const db = new Database(":memory:");
    try {
      return db.prepare("SELECT sqlite_version()").value<[string]>()![0];
    } finally {
      db.close();
    }
  } catch (error) {
    out.notes(error instanceof Error ? error.message : String(error));
    return null;
  }
}

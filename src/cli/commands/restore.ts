/**
 * `tinyforge restore`: puts a backup in the place of the index. Must not run beside a daemon.
 *
 * @module
 */

import { quotePath } from "../../text.ts";
import { openBackup, readIdentities } from "../backup_file.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { dataDirExists } from "../data_dir.ts";
import { fullTimeText } from "../moments.ts";

/** Restores, and says what is next. */
export async function run(invocation: InvocationOf<"restore">): Promise<number> {
  const { out, operands: [file] } = invocation;
  const { dataDir } = invocation.config();
  await dataDirExists(dataDir);
  const identities = await readIdentities(invocation.flag("identity"));
  const source = await openBackup(file);
  const { restoreBackup } = await import("../../safekeeping/restore.ts");
  const report = await restoreBackup(source, { dataDir, identities, now: new Date() });
  if (invocation.on("json")) {
    out.json(report);
    return EXIT.done;
  }
  const { manifest: { madeAt, files }, kept } = report;
  out.notes(`Restored ${quotePath(dataDir)} as it was at ${fullTimeText(madeAt)}.`);
  if (kept !== null) {
    out.notes(
      `What was there is in ${quotePath(kept)}: remove it when you don't need it any more.`,
    );
  }
  if (files.length === 1) {
    out.notes("The backup has no access token and no channel secrets: those that are here stay.");
  }
  out.notes(
    "Next: start the daemon (systemctl start tinyforge, or tinyforge reconcile). Its first pass " +
      "brings every row up to date.",
    "On another host than the one it was made on, say that its Engine is the right one: tinyforge " +
      "engine accept.",
  );
  return EXIT.done;
}

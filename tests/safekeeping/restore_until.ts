/**
 * Restores a backup and ends itself, as a SIGKILL does, before the step of this number:
 * `restore_until.ts DATA_DIR BACKUP STEP`. Prints the name of each step that it came to.
 *
 * @module
 */

import { restoreBackup } from "../../src/safekeeping/restore.ts";

const [dataDir, backup, last] = Deno.args;
let step = 0;
await restoreBackup((await Deno.open(backup!)).readable, {
  dataDir: dataDir!,
  identities: [Deno.env.get("IDENTITY")!],
  now: new Date("2026-11-27T03:00:00.000Z"),
  onStep: (name) => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${name}\n`));
    if (step++ === Number(last)) Deno.kill(Deno.pid, "SIGKILL");
  },
});

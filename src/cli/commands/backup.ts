/**
 * `tinyforge backup` and `tinyforge backup verify`: makes a backup beside whoever writes the index,
 * and takes one apart to see whether it would do. Must not need a daemon or the lock.
 *
 * @module
 */

import { join } from "@std/path";
import type { Destination } from "../../safekeeping/backup.ts";
import type { Manifest } from "../../safekeeping/manifest.ts";
import type { Unpacked } from "../../safekeeping/unpack.ts";
import { sizeText } from "../../size.ts";
import { quotePath } from "../../text.ts";
import { refuseBesideHub } from "../beside_hub.ts";
import { openBackup, readIdentities } from "../backup_file.ts";
import { EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { indexExists } from "../data_dir.ts";
import { fullTimeText } from "../moments.ts";
import { withoutIndex } from "../other_daemon.ts";
import { counted } from "../phrases.ts";
import { ProgressLine } from "../progress.ts";
import { VERSION } from "./version.ts";

/** Where what a hub has is kept. */
const HUB_BACKUP = "what a hub has is in its PostgreSQL: back that up, as with `pg_dump`";

/** Makes a backup; `--json` prints its report. */
export async function run(invocation: InvocationOf<"backup">): Promise<number> {
  const { out, operands: [where] } = invocation;
  const config = invocation.config();
  const { dataDir, backupDir, backupRecipients } = config;
  const json = invocation.on("json");
  if (where === "-" && json) {
    throw usageError("Cannot print JSON: --json goes with a file, stdout has the backup", "");
  }
  if (where === "-" && Deno.stdout.isTerminal()) {
    throw usageError("Cannot write a backup to a terminal", "pipe it, or name a file");
  }
  await refuseBesideHub("back up", { dataDir, hint: HUB_BACKUP });
  if (!await indexExists(dataDir)) throw await withoutIndex("back up", config);
  const given = invocation.flag("recipient")?.split(",").map((key) => key.trim());
  const recipients = given ?? backupRecipients;
  const { makeBackup } = await import("../../safekeeping/backup.ts");
  using progress = new ProgressLine();
  const report = await makeBackup({
    dataDir,
    to: await destination(where ?? backupDir ?? "."),
    recipients,
    version: VERSION,
    now: new Date(),
    onProgress: ({ step, done, total }) => {
      const share = step === "packing" ? ` ${Math.min(100, Math.floor(100 * done / total))} %` : "";
      progress.show(`${step}${share}`);
    },
  });
  progress.clear();
  if (json) out.json(report);
  else if (report.path !== null) out.lines(report.path);
  const what = `${sizeText(report.bytes)}, ${contents(report.manifest)}`;
  out.notes(`Backed up: ${what}${report.encrypted ? ", encrypted" : ""}.`);
  if (!report.encrypted) {
    out.notes("It is not encrypted, and webhook secrets are in it: keep it as you keep them.");
  }
  return EXIT.done;
}

/** Takes a backup apart; `--json` prints what is in it. */
export async function verify(invocation: InvocationOf<"backup verify">): Promise<number> {
  const { out, operands: [file] } = invocation;
  const { dataDir } = invocation.config();
  const identities = await readIdentities(invocation.flag("identity"));
  const source = await openBackup(file);
  const { verifyBackup } = await import("../../safekeeping/verify.ts");
  const unpacked = await verifyBackup(source, { dataDir, identities });
  if (invocation.on("json")) out.json(unpacked);
  else out.lines(...description(unpacked));
  return EXIT.done;
}

/** What is in a backup, for people. */
function description({ manifest, encrypted }: Unpacked): string[] {
  const { madeAt, madeBy, schema, epoch, counts, files } = manifest;
  const rows = Object.entries(counts).filter(([name]) => name !== "schema_migrations");
  return [
    `sound      yes: every sum, the database, and what it holds`,
    `made       ${fullTimeText(madeAt)} by tinyforge ${madeBy}`,
    `schema     ${schema}`,
    `epoch      ${epoch ?? "none"}`,
    `encrypted  ${encrypted ? "yes" : "no"}`,
    `files      ${files.map(({ name, bytes }) => `${name} (${sizeText(bytes)})`).join(", ")}`,
    `rows       ${rows.map(([name, count]) => `${name} ${count}`).join(", ")}`,
  ];
}

function contents({ counts }: Manifest): string {
  return [
    counted(counts.workloads ?? 0, "workload"),
    counted(counts.containers ?? 0, "row"),
  ].join(", ");
}

async function destination(where: string): Promise<Destination> {
  if (where === "-") return { kind: "stream", stream: Deno.stdout.writable };
  const info = await Deno.stat(where).catch(() => null);
  if (info?.isDirectory) return { kind: "directory", path: where };
  if (where.endsWith("/")) {
    throw usageError(`Cannot write to ${quotePath(where)}: there is no such directory`, "make it");
  }
  return { kind: "file", path: join(where) };
}

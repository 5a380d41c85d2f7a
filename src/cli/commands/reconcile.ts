/**
 * `tinyforge reconcile`: the daemon, or one pass and a summary.
 *
 * @module
 */

import type { Config } from "../../config.ts";
import { isFailure } from "../../failure.ts";
import { Log, writesToJournal } from "../../telemetry/log.ts";
import type { PassReport } from "../../model/pass.ts";
import { readAnswer } from "../answer.ts";
import { PASS_TIMEOUT_MS } from "../client.ts";
import { EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { dataDirExists, indexExists } from "../data_dir.ts";
import { findDaemon, socketPath } from "../daemon_socket.ts";
import { refuseSecondIndex } from "../other_daemon.ts";
import { counted, refusalLine, shortId } from "../phrases.ts";
import { hintForError } from "../words.ts";
import { VERSION } from "./version.ts";

const MAX_REFUSED = 20;

/** Runs the daemon until it is told to stop, or with `--once` one pass. */
export async function run(invocation: InvocationOf<"reconcile">): Promise<number> {
  const config = invocation.config();
  const options = { log: openLog(config), version: VERSION };
  if (!invocation.on("once") && invocation.on("json")) {
    throw usageError(
      "Cannot print the daemon as JSON: --json goes with --once",
      "`tinyforge status --json` tells how a running daemon is",
    );
  }
  await dataDirExists(config.dataDir);
  // Before anything is made in a directory where the daemon could not listen.
  socketPath(config.dataDir);
  if (!invocation.on("once")) {
    await refuseSecondIndex(config);
    const { runDaemon } = await import("../../daemon.ts");
    return await runDaemon(config, options);
  }
  const report = await onePass(config, options);
  if (invocation.on("json")) invocation.out.json(report);
  else invocation.out.lines(...summary(report));
  return EXIT.done;
}

async function onePass(
  config: Config,
  options: { log: Log; version: string },
): Promise<PassReport> {
  const asked = await passOfDaemon(config);
  if (asked !== null) return asked;
  await refuseSecondIndex(config);
  for (const note of config.notes) options.log.warn("a setting is used otherwise", { ...note });
  const { runOnce } = await import("../../daemon.ts");
  try {
    return await runOnce(config, options);
  } catch (error) {
    // A daemon may have come first.
    if (!isFailure(error, "lock-held")) throw error;
    const asked = await passOfDaemon(config);
    if (asked === null) throw error;
    return asked;
  }
}

async function passOfDaemon(config: Config): Promise<PassReport | null> {
  using daemon = await findDaemon(config.dataDir).catch(async (error) => {
    // Where the directory itself is closed, that is what is wrong.
    await indexExists(config.dataDir);
    throw error;
  });
  if (daemon === null) return null;
  const asked = { method: "POST", timeoutMs: PASS_TIMEOUT_MS };
  return readAnswer<PassReport>(await daemon.ask("/api/reconcile", asked));
}

function openLog({ logLevel, logFormat }: Config): Log {
  const journal = writesToJournal((name) => Deno.env.get(name));
  return new Log({ level: logLevel, format: logFormat, journal, hintFor: hintForError });
}

function summary(report: PassReport): string[] {
  const { listed, claimed, inserted, updated, swept, refused, contended, unmanaged } = report;
  const { engineChanged, durationSeconds } = report;
  return [
    `${counted(listed, "container")} listed: ${claimed} claimed, ${refused.length} refused, ` +
    `${unmanaged.count} unmanaged`,
    `${counted(inserted, "row")} added, ${updated} changed, ${swept} missing ` +
    `(${Math.round(durationSeconds * 1000)} ms)`,
    ...refused.slice(0, MAX_REFUSED).map((each) => `refused: ${refusalLine(each)}`),
    ...(refused.length > MAX_REFUSED ? [`refused: ${refused.length - MAX_REFUSED} more`] : []),
    ...contended.map(({ rowId, winner, losers }) =>
      `contended: row ${rowId} went to ${shortId(winner)}, not to ${losers.map(shortId).join(", ")}`
    ),
    ...(engineChanged === null ? [] : [
      `another Engine answers (${engineChanged.found}, before ${engineChanged.accepted}): ` +
      "what it never had is not marked missing until `tinyforge engine accept`",
    ]),
  ];
}

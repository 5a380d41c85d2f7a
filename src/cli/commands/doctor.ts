/**
 * `tinyforge doctor`: why it does not work, or will not some day. Looks at all that this user may look
 * at, and has the daemon, if there is one, say the rest; changes nothing.
 *
 * @module
 */

import { SYSTEM_CLOCK } from "../../clock.ts";
import type { Config } from "../../config.ts";
import type { DockerClient } from "../../docker/client.ts";
import { daemonFindings } from "../../doctor/daemon_checks.ts";
import { checkEngine } from "../../doctor/engine_checks.ts";
import { type Finding, type FindingSeverity, inShownOrder } from "../../doctor/finding.ts";
import { dataDirFindings, otherEngines } from "../../doctor/host_checks.ts";
import { movedImage, movedNames, sharedProjects } from "../../doctor/listing_checks.ts";
import { readUnits, unitFindings } from "../../doctor/unit_checks.ts";
import { isFailure } from "../../failure.ts";
import { readMembership } from "../../hub/membership.ts";
import { lossOf, readOwner } from "../../lock/lock.ts";
import type { ListedContainer } from "../../model/container.ts";
import type { DaemonStatus } from "../../model/views.ts";
import { escapeControls, quotePath } from "../../text.ts";
import { readAnswer } from "../answer.ts";
import { withIndex } from "../client.ts";
import { HUB_STATUS, refuseBesideHub } from "../beside_hub.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { findDaemon } from "../daemon_socket.ts";
import { dataDirExists } from "../data_dir.ts";
import { refuseWithout } from "../other_daemon.ts";
import type { Style } from "../output.ts";
import { counted } from "../phrases.ts";
import { readRows } from "../rows.ts";
import { hintForError } from "../words.ts";
import { unitFor } from "./systemd.ts";
import { VERSION } from "./version.ts";

/** The database is read as a whole. */
const INDEX_TIMEOUT_MS = 30_000;

/** A daemon that has not answered by then hangs. */
const STATUS_TIMEOUT_MS = 5000;

/** Of so many containers it is asked what their images' names lead to now. */
const MAX_IMAGES = 100;

/** Prints what was found; resolves with 0, or 3 when something does not work. */
export async function run(invocation: InvocationOf<"doctor">): Promise<number> {
  const { out } = invocation;
  // Of a hub, which has no Engine and no index of its own, all would be found wrong.
  await refuseBesideHub("look", { dataDir: invocation.config().dataDir, hint: HUB_STATUS });
  const findings = inShownOrder(await examine(invocation));
  const count = (severity: FindingSeverity) =>
    findings.filter((finding) => finding.severity === severity).length;
  const [failures, warnings] = [count("failure"), count("warning")];
  if (invocation.on("json")) out.json({ findings });
  else {
    const lines = findings.flatMap((finding) => linesOf(finding, out.paint.bind(out)));
    // Escaped already, piece by piece: as whole lines their colours would be, too.
    out.raw(lines.map((line) => `${line}\n`).join(""));
    out.notes(
      failures + warnings === 0
        ? "Nothing is wrong."
        : `${counted(failures, "failure")}, ${counted(warnings, "warning")}.`,
    );
  }
  return failures > 0 || invocation.on("strict") && warnings > 0 ? EXIT.notAsExpected : EXIT.done;
}

const MARKS: Readonly<Record<FindingSeverity, { symbol: string; style: Style }>> = {
  failure: { symbol: "✗", style: "bad" },
  warning: { symbol: "○", style: "warn" },
  info: { symbol: "·", style: "faint" },
};

function linesOf(
  { code, severity, group, what, why, do: remedy }: Finding,
  paint: (text: string, style: Style | undefined) => string,
): string[] {
  const { symbol, style } = MARKS[severity];
  return [
    `${paint(escapeControls(`${symbol} ${group}: ${code}`), style)}  ${escapeControls(what)}`,
    `    ${escapeControls(why)}`,
    ...(remedy === "" ? [] : [`    do: ${escapeControls(remedy)}`]),
  ];
}

async function examine(invocation: InvocationOf<"doctor">): Promise<Finding[]> {
  const config = invocation.config();
  const { openDocker } = await import("../../daemon.ts");
  using docker = openDocker(config);
  const [engine, others, daemon, units] = await Promise.all([
    checkEngine({ docker, clock: SYSTEM_CLOCK, hintFor: hintForError }),
    otherEngines(config.docker, (name) => Deno.env.get(name)),
    examineDaemon(config),
    readUnits(printedUnit(invocation)),
  ]);
  const index = await examineIndex(invocation, { docker, containers: engine.containers });
  return [
    ...asSeenFrom(daemon.status, engine.findings),
    ...others,
    ...daemon.findings,
    ...await examineData(config),
    ...await examineMembership(config),
    ...units === null ? [] : unitFindings(units),
    ...sharedProjects(engine.containers ?? []),
    ...index,
  ];
}

/** A user whom the Engine's socket is closed to does not keep a daemon from its work. */
function asSeenFrom(status: DaemonStatus | null, findings: readonly Finding[]): Finding[] {
  if (status === null || !status.engine.up) return [...findings];
  return findings.map((finding) =>
    finding.code !== "engine-permission" ? finding : {
      ...finding,
      severity: "info",
      why: "what this user would have asked the Engine is left out; the daemon may ask it",
    }
  );
}

/** What the daemon says of itself, or why there is none that does. */
async function examineDaemon(
  config: Config,
): Promise<{ status: DaemonStatus | null; findings: Finding[] }> {
  const owner = readOwner(config.dataDir);
  const held = owner !== null && owner.live === true;
  try {
    using daemon = await findDaemon(config.dataDir);
    if (daemon === null) {
      if (held) return { status: null, findings: [silent(owner)] };
      await refuseWithout("look at the daemon", config);
      return { status: null, findings: [none(config)] };
    }
    const answer = await daemon.ask("/api/status", { timeoutMs: STATUS_TIMEOUT_MS });
    const status = readAnswer<DaemonStatus>(answer);
    const findings = daemonFindings(status, { version: VERSION, now: Date.now() });
    const loss = lossOf(config.dataDir, status.pid);
    return { status, findings: loss === null ? findings : [...findings, lockLost(status, loss)] };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { message: what, hint } = error;
    return { status: null, findings: [{ ...SILENT, what, do: hint }] };
  }
}

const OLD = {
  group: "daemon",
  why: "the index is as old as its last pass, and nobody is told of anything",
} as const;

const SILENT = { ...OLD, code: "daemon-silent", severity: "failure" } as const;

function silent({ pid }: { pid: number | null }): Finding {
  return {
    ...SILENT,
    what: `${pid === null ? "a process" : `process ${pid}`} holds the lock and listens nowhere`,
    do: "wait if it has just been started; else `systemctl restart tinyforge`",
  };
}

function none({ dataDir }: Config): Finding {
  return {
    ...OLD,
    code: "no-daemon",
    severity: "failure",
    what: `no daemon runs for ${quotePath(dataDir)}`,
    do: "`systemctl start tinyforge`, or `tinyforge reconcile`",
  };
}

function lockLost({ pid }: DaemonStatus, loss: string): Finding {
  return {
    code: "lock-lost",
    severity: "failure",
    group: "daemon",
    what: `the daemon (PID ${pid}) has lost the lock of its data directory: ${loss}`,
    why: "it finds out within a minute and ends, so that no second one writes to the same index",
    do: "`systemctl restart tinyforge`, and find out what removed its lock file",
  };
}

async function examineData({ dataDir }: Config): Promise<Finding[]> {
  try {
    return await dataDirExists(dataDir) ? await dataDirFindings(dataDir) : [];
  } catch (error) {
    return [unusable("data-dir-unusable", error)];
  }
}

/** Whether a daemon can read with which hub it is. */
async function examineMembership({ dataDir }: Config): Promise<Finding[]> {
  try {
    await readMembership(dataDir);
    return [];
  } catch (error) {
    // It is for the daemon's eyes, not for every user's.
    if ((error as Error).cause instanceof Deno.errors.PermissionDenied) return [];
    return [{
      code: "hub-membership",
      severity: "failure",
      group: "data",
      what: (error as Error).message,
      why: "the hub that this host joined is told nothing",
      do: isFailure(error, "untrusted")
        ? hintForError(error)
        : "`tinyforge leave`, then join the hub anew",
    }];
  }
}

async function examineIndex(
  invocation: InvocationOf<"doctor">,
  { docker, containers }: {
    docker: DockerClient;
    containers: readonly ListedContainer[] | null;
  },
): Promise<Finding[]> {
  try {
    return await withIndex(invocation, async (api) => {
      if (api === null) return [];
      const { findings } = await api.get<{ findings: Finding[] }>("/api/doctor");
      if (containers === null) return findings;
      const { items } = await readRows(api);
      const rows = items.flatMap(({ containerId, containerName, imageRef, state }) =>
        containerId === null || imageRef === null || state !== "running"
          ? []
          : [{ containerId, container: containerName ?? containerId, image: imageRef }]
      );
      for (const row of movedNames(rows, containers).slice(0, MAX_IMAGES)) {
        // A name that is no more says nothing of another image.
        const id = await docker.imageId(row.image).catch(() => null);
        if (id !== null) findings.push(movedImage(row));
      }
      return findings;
    }, { timeoutMs: INDEX_TIMEOUT_MS, silent: true });
  } catch (error) {
    return [unusable("index-unreadable", error)];
  }
}

function unusable(code: string, error: unknown): Finding {
  const what = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof CommandError ? error.hint : hintForError(error);
  const why = "there is no index to be read";
  return { code, severity: "failure", group: "data", what, why, do: remedy };
}

/** As it would be printed now; null where a unit can't say that. */
function printedUnit(invocation: InvocationOf<"doctor">): string | null {
  try {
    return unitFor(invocation);
  } catch (error) {
    if (isFailure(error, "unit")) return null;
    throw error;
  }
}

/**
 * `tinyforge status`: who works on the data directory, and how it is. Asks the daemon, if there is
 * one, and reads the database either way.
 *
 * @module
 */

import type { Config } from "../../config.ts";
import { readMembership } from "../../hub/membership.ts";
import type { DaemonStatus, HubLinkStatus } from "../../model/views.ts";
import type { WorkloadKind } from "../../model/workload.ts";
import type { IndexSummary } from "../../server/schema.ts";
import { readAnswer } from "../answer.ts";
import { HUB_STATUS, refuseBesideHub } from "../beside_hub.ts";
import { onDisk, READ_TIMEOUT_MS, type ReadApi, withIndex } from "../client.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { findDaemon } from "../daemon_socket.ts";
import { readinessChecks } from "../../doctor/daemon_checks.ts";
import { lossOf, readOwner } from "../../lock/lock.ts";
import { type FirstRun, firstRunLines } from "../first_run.ts";
import { noteFreshness } from "../freshness.ts";
import { refuseWithout } from "../other_daemon.ts";
import type { Output } from "../output.ts";
import { ago, counted, refusalLine, tally } from "../phrases.ts";
import { quote } from "../../text.ts";
import { type Cell, printTable } from "../table.ts";

const MAX_REFUSED = 10;
/** While events are not followed, passes follow each other at least this fast. */
const UNFOLLOWED_SECONDS = 5;
/** The title of a line that belongs to the one above. */
const SAME = " ";

/** What `--json` prints. */
interface Status {
  readonly dataDir: string;
  /** Null: no daemon answers. */
  readonly daemon: DaemonStatus | null;
  /** Why a daemon that is there does not answer, else null. */
  readonly daemonError: string | null;
  /** Null: nobody holds it. Its PID is null when it is held by who is not named in it. */
  readonly lock: { readonly pid: number | null; readonly alive: boolean } | null;
  /** What the daemon that answers lost the lock by; null: it has it, or none answers. */
  readonly lockLost: string | null;
  /** Null: there is no index yet. */
  readonly index: IndexSummary | null;
  /** The hub that this host joined; null without one, or where this user may not look. */
  readonly membership: Pick<HubLinkStatus, "url" | "name" | "joinedAt"> | null;
  /** What runs unmanaged, while nothing is registered; else null. */
  readonly firstRun: FirstRun | null;
}

/** Prints the status. */
export async function run(invocation: InvocationOf<"status">): Promise<number> {
  const { out } = invocation;
  await refuseBesideHub("look", { dataDir: invocation.config().dataDir, hint: HUB_STATUS });
  const { hint, ...status } = await read(invocation);
  noteFreshness(out, status.index);
  if (invocation.on("json")) out.json(status);
  else print(status, out);
  if (hint !== null) out.notes(`hint: ${hint}`);
  return EXIT.done;
}

/** The hint tells how to reach the daemon of this host where it is another user's; else null. */
async function read(invocation: InvocationOf<"status">): Promise<Status & { hint: string | null }> {
  const config = invocation.config();
  const asked = await askDaemon(config);
  const summary = async (api: ReadApi | null) => await api?.get<IndexSummary>("/api/index") ?? null;
  const index = asked.daemonError === null
    ? await withIndex(invocation, summary)
    : await onDisk(config, summary, { beside: true });
  const first = asked.hint !== null ||
      index !== null && Object.values(index.registered).some((count) => count > 0)
    ? null
    : await import("../first_run.ts");
  return {
    dataDir: config.dataDir,
    ...asked,
    lock: lockOf(config.dataDir),
    lockLost: asked.daemon === null ? null : lossOf(config.dataDir, asked.daemon.pid),
    index,
    membership: await membershipOf(config.dataDir),
    firstRun: await first?.firstRun(index, config) ?? null,
  };
}

async function askDaemon(
  config: Config,
): Promise<{ daemon: DaemonStatus | null; daemonError: string | null; hint: string | null }> {
  const asked = { daemon: null, daemonError: null, hint: null };
  try {
    using daemon = await findDaemon(config.dataDir);
    if (daemon === null) {
      await refuseWithout("ask the daemon", config);
      return asked;
    }
    const answer = await daemon.ask("/api/status", { timeoutMs: READ_TIMEOUT_MS });
    return { ...asked, daemon: readAnswer<DaemonStatus>(answer) };
  } catch (error) {
    // A daemon that hangs is what a status is asked for.
    const daemonError = error instanceof Error ? error.message : String(error);
    const others = error instanceof CommandError && error.code === "other-daemon";
    return { ...asked, daemonError, hint: others ? error.hint : null };
  }
}

/** The daemon tells more; its file is for its owner alone. */
async function membershipOf(dataDir: string): Promise<Status["membership"]> {
  const kept = await readMembership(dataDir).catch(() => null);
  return kept && { url: kept.url, name: kept.name, joinedAt: kept.joinedAt };
}

/** Whoever holds the lock, or crashed holding it; to look closer would be to take it. */
function lockOf(dataDir: string): Status["lock"] {
  const owner = readOwner(dataDir);
  if (owner === null || owner.pid === null && owner.live !== true) return null;
  return { pid: owner.pid, alive: owner.live ?? true };
}

function print(status: Status, out: Output): void {
  const now = new Date();
  const cells: Cell[][] = [
    ["data", status.dataDir],
    ["daemon", daemonCell(status, now)],
    ["lock", lockText(status)],
    ...status.daemon === null ? [] : daemonCells(status.daemon),
    ...hubCells(status, now),
    ...status.daemonError !== null && status.index === null ? [] : indexCells(status, now),
  ];
  printTable(out, cells);
  if (status.firstRun !== null) out.lines("", ...firstRunLines(status.firstRun));
}

function daemonCell({ daemon, daemonError }: Status, now: Date): Cell {
  if (daemonError !== null) return { text: `✗ ${daemonError}`, style: "bad" };
  if (daemon === null) return { text: "○ not running", style: "warn" };
  const since = `PID ${daemon.pid}, version ${daemon.version}, started ${
    ago(daemon.startedAt, now)
  }`;
  if (daemon.ready) return { text: `● ready: ${since}`, style: "good" };
  const missing = readinessChecks(daemon, now.getTime()).filter(({ ok }) => !ok);
  const why = missing.map(({ detail }) => detail).join(", ");
  return { text: `✗ not ready${why === "" ? "" : ` (${why})`}: ${since}`, style: "bad" };
}

function lockText({ daemon, lock, lockLost }: Status): string {
  if (daemon !== null) {
    return lockLost === null
      ? `held by PID ${daemon.pid}`
      : `✗ lost by PID ${daemon.pid}, which ends within a minute: ${lockLost}`;
  }
  if (lock === null) return "free";
  if (lock.pid === null) {
    return "✗ held by a program that its file doesn't name: `fuser -v` on tinyforge.lock.guard " +
      "shows which";
  }
  if (!lock.alive) return `free: left by PID ${lock.pid}, which is gone`;
  return `held by PID ${lock.pid}, which does not answer`;
}

function daemonCells(status: DaemonStatus): Cell[][] {
  const { engine, events, tcp, lastError, intervalSeconds } = status;
  // A daemon of an older version says nothing of it.
  const { problemSettings = [] } = status as Partial<DaemonStatus>;
  return [
    [
      "engine",
      engine.up && events.up
        ? { text: `● up: ${engine.host}`, style: "good" }
        : engine.up
        ? { text: `◌ answers, but its events are not followed: ${engine.host}`, style: "warn" }
        : { text: `✗ down: ${engine.host}`, style: "bad" },
    ],
    ...(engine.error === null ? [] : [[SAME, engine.error]]),
    [
      "events",
      {
        text: `${events.up ? "● followed" : "✗ not followed"}, ` +
          `reopened ${events.reconnects === 1 ? "once" : `${events.reconnects} times`}, ` +
          (events.up
            ? `a pass every ${intervalSeconds} s besides`
            : `a pass every ${Math.min(intervalSeconds, UNFOLLOWED_SECONDS)} s meanwhile`),
        style: events.up ? "good" : "warn",
      },
    ],
    ...(tcp.error !== null
      ? [["http", { text: `✗ over its socket only: ${tcp.error}`, style: "bad" } as const]]
      : []),
    ...(lastError === null || lastError === engine.error
      ? []
      : [["problem", { text: `✗ ${lastError}`, style: "bad" } as const]]),
    ...problemSettings.map(({ name, value, default: usual }, i) => [
      i === 0 ? "judged by" : SAME,
      `${name}=${value} instead of ${usual}`,
    ]),
  ];
}

function hubCells({ daemon, membership }: Status, now: Date): Cell[][] {
  const member = daemon?.hub ?? membership;
  if (member === null) return [];
  const { url, name, joinedAt } = member;
  const since = joinedAt === null ? "" : `, joined ${ago(joinedAt, now)}`;
  const place = `${url} as ${quote(name)}${since}`;
  const link = daemon?.hub ?? null;
  if (link === null) {
    return [["hub", { text: `○ not told while no daemon answers: ${place}`, style: "warn" }]];
  }
  const { up, error, behind, acknowledgedAt } = link;
  const heard = acknowledgedAt === null
    ? "nothing acknowledged since the daemon started"
    : `acknowledged ${ago(acknowledgedAt, now)}`;
  const untold = behind === null
    ? "all rows are to be told"
    : behind === 0
    ? "nothing is left to tell"
    : `${counted(behind, "change")} to tell`;
  const cell: Cell = up
    ? { text: `● told: ${place}`, style: "good" }
    : error === null
    ? { text: `◌ not told yet: ${place}`, style: "warn" }
    : { text: `✗ not told: ${place}`, style: "bad" };
  return [["hub", cell], ...(error === null ? [] : [[SAME, error]]), [SAME, `${heard}, ${untold}`]];
}

function indexCells({ index }: Status, now: Date): Cell[][] {
  if (index === null) return [["index", "there is none yet"]];
  const { engineId, foundEngineId, lastPassAt, lastPass, registered, counts } = index;
  const cells: Cell[][] = [];
  if (foundEngineId !== null) {
    cells.push(["engine id", {
      text:
        `✗ another Engine answers (${foundEngineId}, before ${engineId}): what it never had is ` +
        "not marked missing until `tinyforge engine accept`",
      style: "bad",
    }]);
  }
  cells.push(["last pass", ago(lastPassAt, now)]);
  if (lastPass !== null) {
    const { listed, claimed, refused, refusedCount, unmanaged } = lastPass;
    cells.push([
      SAME,
      `${counted(listed, "container")} listed: ${claimed} claimed, ${refusedCount} refused, ` +
      `${unmanaged.count} unmanaged`,
    ]);
    for (const each of refused.slice(0, MAX_REFUSED)) {
      cells.push([SAME, `refused: ${refusalLine(each)}`]);
    }
    if (refusedCount > MAX_REFUSED) {
      cells.push([SAME, `refused: ${refusedCount - MAX_REFUSED} more`]);
    }
  }
  const open = index.problems.reduce((sum, { count }) => sum + count, 0);
  const high = index.problems.filter(({ severity }) => severity === "high")
    .reduce((sum, { count }) => sum + count, 0);
  cells.push([
    "problems",
    open === 0 ? "none" : {
      text: `${high > 0 ? "✗" : "○"} ${open} open: \`tinyforge problems\` shows them`,
      style: high > 0 ? "bad" : "warn",
    },
  ]);
  cells.push(["registered", kindsText(registered)]);
  cells.push(["rows", rowsText(counts)]);
  const healths = Object.fromEntries(index.healths.map(({ health, count }) => [health, count]));
  if (index.healths.length > 0) cells.push(["health", healthsCell(healths)]);
  return cells;
}

function healthsCell(healths: Readonly<Record<string, number>>): Cell {
  const sick = (healths["unhealthy"] ?? 0) > 0;
  return sick ? { text: `✗ ${tally(healths)}`, style: "bad" } : tally(healths);
}

function kindsText(registered: Readonly<Record<WorkloadKind, number>>): string {
  return Object.entries(registered).filter(([, count]) => count > 0)
    .map(([kind, count]) => counted(count, kind)).join(", ") || "nothing";
}

function rowsText(counts: DaemonStatus["counts"]): string {
  const states: Record<string, number> = {};
  for (const { state, count } of counts) states[state] = (states[state] ?? 0) + count;
  return tally(states) || "none";
}

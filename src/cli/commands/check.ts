/**
 * `tinyforge check`: whether all is as it should be, after a fresh pass; waits until it is.
 *
 * @module
 */

import type { CheckedRow, NotRight } from "../../model/check.ts";
import type { DaemonStatus } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import { quote } from "../../text.ts";
import { readAnswer } from "../answer.ts";
import { apiOf, PASS_TIMEOUT_MS } from "../client.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { type DaemonClient, findDaemon } from "../daemon_socket.ts";
import { duration } from "../durations.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { refuseWithout } from "../other_daemon.ts";
import { counted, largestUnit } from "../phrases.ts";
import { ProgressLine } from "../progress.ts";
import { shellCommand } from "../../shell_word.ts";
import { Bell, follow } from "../watch.ts";
import { resolveWorkload, resolveWorkloads } from "../workload_name.ts";

/** Without a word from the daemon it is asked again after this. */
const POLL_MS = 1000;

/** Checks; resolves with 0, 3 when something is not as expected at the end of the wait. */
export async function run(invocation: InvocationOf<"check">): Promise<number> {
  const config = invocation.config();
  const { dataDir } = config;
  const waitMs = duration(invocation.flag("wait") ?? "60s", "wait");
  const stableMs = duration(invocation.flag("stable") ?? "10s", "stable");
  const deadline = Date.now() + waitMs;
  using daemon = await findDaemon(dataDir);
  if (daemon === null) {
    await refuseWithout("check", config);
    throw new CommandError("Cannot check: no daemon runs for this data directory", {
      exitCode: EXIT.unreachable,
      code: "no-daemon",
      hint: "start it with `tinyforge reconcile`",
    });
  }
  const wanted = await query(daemon, invocation);
  const stop = new AbortController();
  const bell = new Bell(stop.signal);
  using line = new ProgressLine();
  let following: Promise<void> | null = null;
  try {
    // A hub has no Engine to ask: what hosts told is all there is.
    const asks = !daemon.isHub;
    let amiss: Amiss | null = null;
    for (let fresh = asks;;) {
      const checked = await misspelt(() => look(daemon, wanted, { fresh }));
      const now = Date.now();
      const wrong = wrongOf(checked);
      if (wrong.length > 0) amiss = { at: now, rows: wrong };
      const stableAt = settledAt(checked, stableMs);
      if (stableAt <= now) {
        if (fresh || !asks) {
          line.clear();
          return print(invocation, checked, "right");
        }
        // What the index says may be old by now: the Engine may have gone meanwhile.
        fresh = true;
        continue;
      }
      fresh = false;
      if (now >= deadline) {
        if (asks) await requireEngine(daemon);
        line.clear();
        return print(invocation, checked, amiss);
      }
      line.show(waitingText(checked, { now, deadline, stableAt }));
      following ??= follow(dataDir, bell, stop.signal);
      await bell.wait(Math.max(1, Math.min(POLL_MS, deadline - now, stableAt - now)));
    }
  } finally {
    stop.abort();
    await following;
  }
}

/** What is waited for, and for how long at most. */
function waitingText(
  checked: readonly CheckedRow[],
  { now, deadline, stableAt }: { now: number; deadline: number; stableAt: number },
): string {
  const wrong = wrongOf(checked).length;
  const left = (at: number) => largestUnit(Math.ceil((at - now) / 1000));
  return wrong > 0
    ? `${wrong} of ${counted(checked.length, "row")} not as expected, waiting ${left(deadline)}`
    : `all as expected, to stay so for ${left(stableAt)}`;
}

/** What was not as expected last, while it was waited. */
interface Amiss {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly rows: readonly CheckedRow[];
}

function wrongOf(checked: readonly CheckedRow[]): CheckedRow[] {
  return checked.filter(({ why }) => why !== null);
}

async function look(
  daemon: DaemonClient,
  wanted: URLSearchParams,
  { fresh }: { fresh: boolean },
): Promise<readonly CheckedRow[]> {
  const path = `/api/check?${wanted}${fresh ? "&fresh" : ""}`;
  const answer = await daemon.ask(path, fresh ? { timeoutMs: PASS_TIMEOUT_MS } : {});
  return readAnswer<{ checked: CheckedRow[] }>(answer).checked;
}

/** When all will have been right for long enough; never while something is not. */
function settledAt(checked: readonly CheckedRow[], stableMs: number): number {
  let last = -Infinity;
  for (const { why, since } of checked) {
    if (why !== null) return Infinity;
    if (since !== null) last = Math.max(last, Date.parse(since));
  }
  return last + stableMs;
}

async function query(
  daemon: DaemonClient,
  invocation: InvocationOf<"check">,
): Promise<URLSearchParams> {
  const api = apiOf({ many: daemon.isHub }, daemon);
  const wanted = new URLSearchParams();
  const host = await hostAsked(api, invocation.flag("host"), { action: "check" });
  if (host !== undefined) wanted.set("host", host);
  const image = invocation.flag("image");
  if (image !== undefined) wanted.set("image", image);
  const row = invocation.flag("row");
  if (row !== undefined) wanted.set("rows", row);
  // Words beyond those that the table tells by place: there may be many.
  const names = invocation.operands.filter((word) => word !== undefined);
  if (names.length === 0) return wanted;
  const { items } = await api.get<{ items: Workload[] }>(`/api/workloads${hostQuery(host)}`);
  const resolve = daemon.isHub
    ? resolveWorkloads<Workload>
    : (...asked: Parameters<typeof resolveWorkload<Workload>>) => [resolveWorkload(...asked)];
  const resolved = await misspelt(async () =>
    await Promise.resolve(names.flatMap((name) => resolve(items, name, { action: "check" })))
  );
  wanted.set("workloads", resolved.map(({ id }) => id).join(","));
  return wanted;
}

/** A pipeline must tell a name that is misspelt from a deploy that failed. */
async function misspelt<T>(find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "not-found") throw error;
    const { message, hint, code } = error;
    throw new CommandError(message, { hint, code, exitCode: EXIT.usage });
  }
}

/** What the index says of an Engine that is away proves nothing. */
async function requireEngine(daemon: DaemonClient): Promise<void> {
  const { engine } = readAnswer<DaemonStatus>(await daemon.ask("/api/status"));
  if (engine.up) return;
  throw new CommandError(`Cannot check: ${engine.error ?? "the Engine does not answer"}`, {
    exitCode: EXIT.unreachable,
    code: "unreachable",
    hint: "`tinyforge status` tells how it is",
  });
}

function print(
  invocation: InvocationOf<"check">,
  checked: readonly CheckedRow[],
  came: "right" | Amiss | null,
): number {
  const { out } = invocation;
  const right = came === "right";
  const wrong = wrongOf(checked);
  if (invocation.on("json")) out.json({ right, checked });
  else if (right) out.lines(`${counted(checked.length, "row")} as expected.`);
  else if (wrong.length > 0) {
    out.lines(
      `${wrong.length} of ${counted(checked.length, "row")} not as expected:`,
      ...wrong.map((each) => `  ${lineOf(each)}`),
    );
  } else {
    out.lines("As expected, but not yet for as long as --stable asks.");
    if (came !== null) {
      // What crashes in a loop runs at many a moment.
      out.lines(
        `Not as expected ${largestUnit((Date.now() - came.at) / 1000)} before:`,
        ...came.rows.map((each) => `  ${lineOf(each)}`),
      );
    }
  }
  return right ? EXIT.done : EXIT.notAsExpected;
}

function lineOf(each: CheckedRow): string {
  const { host, workload, row, why } = each;
  const name = `${host === undefined ? "" : `${host}: `}${workload.kind}/${workload.name}`;
  if (row === null) return `${name}: ${WORDS["no-container"](each)}`;
  const reason = WORDS[why!](each);
  const explain = shellCommand(["tinyforge", "explain"], [row]);
  return `${name}, row ${row}: ${reason}${explain === null ? "" : ` (\`${explain}\`)`}`;
}

const WORDS: Readonly<Record<NotRight, (row: CheckedRow) => string>> = {
  "no-container": () => "there is no container yet",
  "gone": () => "its container is gone",
  "not-running": ({ state, exitCode }) =>
    `${state}${state === "stopped" && exitCode !== null ? ` (${exitCode})` : ""}`,
  "starting": () => "its health check has not passed yet",
  "unhealthy": () => "unhealthy",
  "not-completed": ({ state, exitCode }) =>
    `${state}${state === "stopped" && exitCode !== null ? ` (${exitCode})` : ""}, not completed`,
  "image": ({ image, expectedImage }) =>
    `runs ${quote(image ?? "")}, not ${quote(expectedImage ?? "")}`,
  "unknown": () => "its host is not heard of",
};

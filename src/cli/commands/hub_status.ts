/**
 * `tinyforge hub status` and `hub healthcheck`: how a running hub is, asked over its socket.
 *
 * @module
 */

import type { HostView } from "../../model/hosts.ts";
import { quotePath } from "../../text.ts";
import { readAnswer } from "../answer.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { type Answer, findHub } from "../daemon_socket.ts";
import { tally } from "../phrases.ts";
import { type Cell, printTable } from "../table.ts";

const TIMEOUT_MS = 5000;

/** What `hub status --json` prints. */
interface HubStatus {
  readonly dataDir: string;
  /** Whether it answers, and its database does. */
  readonly ready: boolean;
  /** Why not; null when it is. */
  readonly reason: string | null;
  /** Number of hosts by state; null when that can't be asked. */
  readonly hosts: Readonly<Record<string, number>> | null;
  /** Number of rows of all hosts; null when that can't be asked. */
  readonly rows: number | null;
}

/** Prints it; resolves with 0 when it is ready, else with 1. */
export async function run(invocation: InvocationOf<"hub status">): Promise<number> {
  const { out } = invocation;
  const status = await read(invocation.config().dataDir);
  if (invocation.on("json")) out.json(status);
  else {
    const hub: Cell = status.ready
      ? { text: "● ready", style: "good" }
      : { text: `✗ not ready: ${status.reason}`, style: "bad" };
    const cells: Cell[][] = [["data", status.dataDir], ["hub", hub]];
    if (status.hosts !== null) {
      const { known: _, ...others } = status.hosts;
      const text = tally(status.hosts) || "none";
      cells.push(["hosts", Object.keys(others).length === 0 ? text : { text, style: "warn" }]);
      cells.push(["rows", String(status.rows)]);
    }
    printTable(out, cells);
  }
  return status.ready ? EXIT.done : EXIT.failed;
}

/** Prints whether it is ready; for a container's HEALTHCHECK, whose exit codes are 0 and 1 alone. */
export async function healthcheck(invocation: InvocationOf<"hub healthcheck">): Promise<number> {
  const { ready, reason } = await readiness(invocation.config().dataDir);
  if (invocation.on("json")) invocation.out.json({ ready, reason });
  else invocation.out.lines(ready ? "ready" : `not ready: ${reason}`);
  return ready ? EXIT.done : EXIT.failed;
}

/** Each is asked by itself: what hosts told can be read also where nothing new can be kept. */
async function read(dataDir: string): Promise<HubStatus> {
  return { dataDir, ...await readiness(dataDir), ...await hostsOf(dataDir) };
}

async function readiness(dataDir: string): Promise<Pick<HubStatus, "ready" | "reason">> {
  const answer = await ask(dataDir, "/readyz");
  if (typeof answer === "string") return { ready: false, reason: answer };
  const { ok, text } = answer;
  return ok ? { ready: true, reason: null } : { ready: false, reason: detailOf(text) };
}

async function hostsOf(dataDir: string): Promise<Pick<HubStatus, "hosts" | "rows">> {
  const answer = await ask(dataDir, "/api/hosts");
  if (typeof answer === "string" || !answer.ok) return { hosts: null, rows: null };
  const { items } = readAnswer<{ items: HostView[] }>(answer);
  const hosts: Record<string, number> = {};
  for (const { state } of items) hosts[state] = (hosts[state] ?? 0) + 1;
  return { hosts, rows: items.reduce((sum, { rows }) => sum + rows, 0) };
}

/** The hub's answer, or why there is none. */
async function ask(dataDir: string, path: string): Promise<Answer | string> {
  try {
    using hub = await findHub(dataDir);
    if (hub === null) return `no hub listens in ${quotePath(dataDir)}`;
    return await hub.ask(path, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
}

function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string") return detail;
  } catch {
    // Told below.
  }
  return "it does not say why";
}

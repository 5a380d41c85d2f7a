/**
 * Hubs that tell people, and what they are told, on a real PostgreSQL and with real receivers.
 *
 * @module
 */

import { until } from "../harness/until.ts";
import { Receiver } from "../receivers/receiver.ts";
import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts";
import { addChannel } from "../../src/hub/hub_channels.ts";
import { listDeliveries } from "../../src/hub/hub_notices.ts";
import { HubNotifier } from "../../src/hub/hub_notifier.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { Log } from "../../src/telemetry/log.ts";
import { type SayingHost, sayingHost } from "./hubs.ts";
import { shownRow } from "./rows.ts";
import { recovered, toldProblem, workload } from "./things.ts";

/** A hub that tells people, until it is disposed. */
export function notifierOf(
  sql: Sql,
  { clock = SYSTEM_CLOCK, baseUrl = null, lines = [] }: {
    clock?: Clock;
    baseUrl?: string | null;
    /** Takes what is logged. */
    lines?: string[];
  } = {},
): { notifier: HubNotifier } & AsyncDisposable {
  const ending = new AbortController();
  const notifier = new HubNotifier({
    ...{ sql, clock, proxy: null },
    log: new Log({ write: (line) => void lines.push(new TextDecoder().decode(line)) }),
    wording: { language: "en", timeZone: "UTC", baseUrl },
  });
  const running = notifier.run(ending.signal);
  return {
    notifier,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

/** Takes what webhooks are told. */
export class Inbox extends Receiver {
  /** Answers each so; accepted by default. */
  constructor(answer: () => Response = () => new Response(null, { status: 204 })) {
    super(answer);
  }

  /** Each message: why, what, where; sorted. */
  get told(): string[] {
    return this.requests.map(({ body }) => {
      const { type, data } = JSON.parse(body);
      const { reason, total, host, problems: [first] } = data;
      const why = type.replace("problem.", "");
      if (total !== 1 || reason !== null) return `${why} ${reason} ${total} on ${host}`;
      return `${why} ${first.kind} ${first.workload}/${first.row} on ${host}`;
    });
  }
}

export async function channelTo(sql: Sql, inbox: Receiver, name = "ops"): Promise<void> {
  const url = `${inbox.origin}/hook`;
  await addChannel(sql, {
    ...{ name, type: "webhook", secrets: { url } },
    config: { origin: inbox.origin, allowLoopback: true },
  }, { rule: { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null } });
}

/** A host that has a row and no problem. */
export async function quietHost(sql: Sql, name: string): Promise<SayingHost> {
  const host = await sayingHost(sql, name);
  await host.snapshot([], { of: "workloads", workloads: [workload("w", { name: "shop" })] });
  await host.snapshot([], { of: "problems", after: null });
  await host.snapshot([shownRow("a")], { of: "rows", after: null });
  return host;
}

/** It opened now, by the host's clock. */
export const fresh = (changes: Record<string, unknown> = {}): Record<string, unknown> => {
  const openedAt = Date.now();
  return toldProblem({ since: openedAt - 60_000, openedAt, ...changes });
};
export const over = (problem: Record<string, unknown>): Record<string, unknown> => ({
  ...problem,
  ...recovered(Date.now()),
});

/** Until somebody has looked, so that what comes is new. */
export const looked = (sql: Sql): Promise<unknown> =>
  until("somebody looked", async () => (await sql`SELECT FROM tinyforge.notify_cursor`).length > 0);

/** Resolves when all that was told is kept as delivered. */
export async function delivered(sql: Sql): Promise<void> {
  await until(
    "all are delivered",
    async () =>
      (await listDeliveries(sql, { limit: 9 })).every(({ state }) => state === "delivered"),
  );
}

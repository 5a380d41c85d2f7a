/**
 * Notifications over a real store and real receivers, with time that a test turns and problems that
 * it opens and closes as the judge does.
 *
 * @module
 */

import { join } from "@std/path";
import { newId } from "../../src/core/names.ts";
import { Feed } from "../../src/feed.ts";
import type { Outcome as Ending, Problem } from "../../src/model/problem.ts";
import type { Written } from "../../src/model/written.ts";
import { Notifications, type NotificationsOptions } from "../../src/notify/notifications.ts";
import { SecretFile } from "../../src/notify/secret_file.ts";
import type { KeptChannel, KeptRule } from "../../src/store/channels.ts";
import type { Store } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { problem } from "../harness/problems.ts";
import { tempStore } from "../harness/temp_store.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import { WEBHOOK_KEY } from "../receivers/webhook.ts";
import { TEN } from "./notices.ts";

export const SECOND = 1000;

/** A problem of a row, open since now. */
export function opened(row: string, at: number, over: Partial<Problem> = {}): Problem {
  return problem({
    key: `${over.kind ?? "missing"}:${row}`,
    kind: "missing",
    workloadId: "w1",
    rowId: row,
    containerName: row,
    since: at,
    evidence: { state: "missing" },
    do: { code: "explain", rowId: row },
    ...over,
  });
}

/** That the Engine does not answer, open for a minute. */
export function engineDown(): Problem {
  return opened("local", Date.now() - 60_000, {
    kind: "engine-down",
    workloadId: null,
    rowId: null,
    containerName: "",
    do: { code: "start-engine", host: "local" },
  });
}

/** The same, over. */
export function closed(problem: Problem, at: number, outcome: Ending = "recovered"): Problem {
  return { ...problem, status: "closed", closedAt: at, outcome };
}

/** Notifications that run. */
export class Telling implements AsyncDisposable {
  readonly clock: TurnedClock = new TurnedClock(TEN);
  readonly log: string[] = [];
  readonly attempts: string[] = [];
  /** Whether somebody else tells. */
  quiet = false;
  readonly store: Store;
  readonly dir: string;
  readonly path: string;
  readonly secrets: SecretFile;
  readonly notifications: Notifications;
  readonly #stop = new AbortController();
  readonly #close: () => Promise<void>;
  #running: Promise<void> | null = null;

  private constructor(
    temp: Awaited<ReturnType<typeof tempStore>>,
    { feed, baseUrl }: { feed: Feed<Written>; baseUrl: string | null },
  ) {
    this.store = temp.store;
    this.dir = temp.dir;
    this.path = temp.path;
    temp.now = TEN;
    this.secrets = new SecretFile(join(temp.dir, "secrets.json"));
    const options: NotificationsOptions = {
      store: temp.store,
      secrets: this.secrets,
      problems: (since) => temp.store.problems.remembered(since),
      ...{ host: "nas", account: () => null },
      names: { workload: () => "shop", row: (id) => id },
      clock: this.clock,
      log: new Log({
        level: "debug",
        write: (text) => void this.log.push(new TextDecoder().decode(text)),
      }),
      wording: { language: "en", timeZone: "UTC", baseUrl },
      proxy: null,
      isQuiet: () => this.quiet,
      onAttempt: (outcome) => void this.attempts.push(outcome),
      random: () => 0,
    };
    const notifications = this.notifications = new Notifications(options);
    const follow = (async () => {
      for await (const { data } of feed.subscribe({ signal: this.#stop.signal })) {
        if (data.problems !== undefined) notifications.wake();
      }
    })();
    this.#close = async () => {
      this.#stop.abort();
      await this.#running;
      await follow;
      feed.close();
      await temp[Symbol.asyncDispose]();
    };
  }

  /** `baseUrl`: where people reach the dashboard. */
  static async open({ baseUrl = null }: { baseUrl?: string | null } = {}): Promise<Telling> {
    const feed = new Feed<Written>();
    return new Telling(await tempStore({ feed }), { feed, baseUrl });
  }

  /** A webhook at this origin that is told of everything that is high. */
  async channel(
    name: string,
    origin: string,
    over: Partial<KeptChannel> & { rule?: Partial<KeptRule> } = {},
  ): Promise<KeptChannel> {
    const id = newId();
    await this.secrets.set(id, { url: `${origin}/hook/tok3n-${name}`, key: WEBHOOK_KEY });
    const kept = this.store.channels.add({
      id,
      name,
      type: "webhook",
      config: { origin, allowLoopback: true },
      fallbackId: over.fallbackId ?? null,
    }, { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null, ...over.rule });
    this.notifications.changed(id);
    return kept;
  }

  start(): void {
    this.#running = this.notifications.run(this.#stop.signal);
  }

  /** Lets whatever is due now happen. */
  async settle(): Promise<void> {
    for (let still = 0; still < 3;) {
      await this.clock.turn(0);
      still = this.notifications.underWay === 0 ? still + 1 : 0;
    }
  }

  /** Time passes, in steps short enough that nothing is late. */
  async pass(ms: number, step = 5 * SECOND): Promise<void> {
    await this.settle();
    for (let left = ms; left > 0; left -= step) {
      await this.clock.turn(Math.min(step, left));
      await this.settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/**
 * The daemon's own composition on a host whose containers a test moves and whose time it turns: a
 * scripted Engine at one end, receivers at the other, and between them what the program runs with.
 *
 * @module
 */

import { join } from "@std/path";
import type { Config } from "../../src/config.ts";
import { assemble, type Assembly } from "../../src/daemon.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { SecretFile, SECRETS } from "../../src/notify/secret_file.ts";
import type { App } from "../../src/server/server.ts";
import { DATABASE } from "../../src/system/files.ts";
import { Log } from "../../src/telemetry/log.ts";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { testConfig } from "../harness/config.ts";
import "../harness/temp_store.ts";
import { TurnedClock } from "../harness/turned_clock.ts";
import { until } from "../harness/until.ts";
import { Receiver } from "../receivers/receiver.ts";
import { WEBHOOK_KEY } from "../receivers/webhook.ts";
import { MINUTE, TEN } from "./notices.ts";

// What is loaded when it is needed first would be loaded while time stands still.
await Promise.all([import("croner"), import("../../src/notify/notifications.ts")]);

const SECOND = 1000;

/** How a host begins. */
export interface ToldHostOptions {
  /** The time. Default: 10:00 of a Thursday. */
  readonly at?: number;
  /** Milliseconds between full passes. Default 30 s. */
  readonly intervalMs?: number;
  /** Asked while all is well, and while it is not. Default: nothing is asked. */
  readonly heartbeat?: Config["heartbeat"];
}

/** A host with a daemon that is not a process of its own. */
export class ToldHost implements AsyncDisposable {
  readonly clock: TurnedClock;
  readonly engine: FakeEngine;
  readonly dir: string;
  /** Each line of the log. */
  readonly log: string[] = [];
  #running: { parts: Assembly; app: App; store: Store; end: () => Promise<void> } | null = null;

  readonly #intervalMs: number;
  readonly #heartbeat: Config["heartbeat"];

  private constructor(
    engine: FakeEngine,
    { dir, at, intervalMs, heartbeat }: { dir: string } & Required<ToldHostOptions>,
  ) {
    this.engine = engine;
    this.dir = dir;
    this.#intervalMs = intervalMs;
    this.#heartbeat = heartbeat;
    this.clock = new TurnedClock(at);
  }

  /** A host on which no daemon runs yet. */
  static async make(
    { at = TEN, intervalMs = 30 * SECOND, heartbeat = null }: ToldHostOptions = {},
  ): Promise<ToldHost> {
    const dir = await Deno.makeTempDir({ prefix: "tinyforge-told-" });
    return new ToldHost(await FakeEngine.start(), { dir, at, intervalMs, heartbeat });
  }

  /** The index. */
  get store(): Store {
    return this.#running!.store;
  }

  /** What runs. */
  get parts(): Assembly {
    return this.#running!.parts;
  }

  /** Path of the database. */
  get database(): string {
    return join(this.dir, DATABASE);
  }

  /** Starts the daemon as `reconcile` does; `bootedAt`: the host was booted then. */
  async begin({ bootedAt = null }: { bootedAt?: number | null } = {}): Promise<void> {
    const { clock } = this;
    const feed = new Feed<Written>();
    const now = () => new Date(clock.now()).toISOString();
    const store = await openStore(this.database, { feed, now });
    const parts = assemble(
      testConfig({
        ...{ host: this.engine.host, dataDir: this.dir },
        ...{ intervalMs: this.#intervalMs, heartbeat: this.#heartbeat },
      }),
      { store, feed, close: () => store.close() },
      {
        log: new Log({ level: "debug", write: (text) => void this.log.push(decode(text)) }),
        version: "test",
        clock,
        problems: { bootedAt },
      },
    );
    const stop = new AbortController();
    const app = await parts.app({ status: null });
    parts.problems.start();
    parts.loop.start();
    const telling = parts.notify.run(stop.signal);
    this.#running = {
      ...{ parts, app, store },
      end: async () => {
        stop.abort();
        await telling;
        await parts.close();
      },
    };
    await this.settle();
  }

  /** Ends the daemon; its data directory stays. */
  async end(): Promise<void> {
    await this.#running?.end();
    this.#running = null;
  }

  /** Asks the API; the body of the answer. */
  // deno-lint-ignore no-explicit-any -- tests look into what they know the shape of
  async ask(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await this.#running!.app.request(path, {
      method,
      ...(body !== undefined &&
        { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : await answer.json();
  }

  /** A webhook at this receiver, made as people make one; returns its id. */
  async channel(
    name: string,
    receiver: Receiver,
    fields: Record<string, unknown> = {},
  ): Promise<string> {
    const url = `${receiver.origin}/${name}`;
    const made = await this.ask("POST", "/api/channels", {
      ...{ name, url, secret: WEBHOOK_KEY, allowLoopback: true },
      ...fields,
    });
    await this.settle();
    return made.id;
  }

  /** Writes to the index while no daemon runs. */
  async seed(write: (store: Store) => void): Promise<void> {
    using store = await openStore(this.database, {
      now: () => new Date(this.clock.now()).toISOString(),
    });
    write(store);
  }

  /** A channel of a host whose daemon never ran. */
  async seededChannel(receiver: Receiver): Promise<void> {
    const secrets = new SecretFile(join(this.dir, SECRETS));
    await secrets.set("ops", { url: `${receiver.origin}/ops`, key: WEBHOOK_KEY });
    const { origin } = receiver;
    const config = { origin, allowLoopback: true };
    const channel = { id: "ops", name: "ops", type: "webhook", config, fallbackId: null };
    const rule = {
      workloads: null,
      kinds: null,
      minSeverity: "high",
      remindAfterMs: null,
    } as const;
    await this.seed((store) => store.channels.add(channel, rule));
  }

  /** A site that runs. */
  site(name: string): FakeContainer {
    const { entry } = this.store.registry.create("site", { name });
    return this.engine.add({ name, labels: { "tinyforge.static-site": entry.id } });
  }

  /** Sites that run. */
  sites(count: number): FakeContainer[] {
    return Array.from({ length: count }, (_, i) => this.site(`site-${i}`));
  }

  /** Its container ends by itself, with this; nobody asked it to. */
  crash(
    container: FakeContainer,
    { exitCode = 1, state = "exited" }: { exitCode?: number; state?: string } = {},
  ): void {
    Object.assign(container, { state, exitCode, health: null });
    this.engine.emit("die", container, { exitCode: String(exitCode) });
  }

  /** Time passes; the Engine is listed at each step's end, and never later than it should be. */
  async pass(ms: number, longest = 10 * SECOND): Promise<void> {
    const step = Math.min(longest, this.#intervalMs);
    await this.settle();
    for (let left = ms; left > 0; left -= step) {
      await this.clock.turn(Math.min(step, left));
      await this.settle();
    }
  }

  /** Lets whatever is due now happen. */
  async settle(): Promise<void> {
    const { parts, store } = this.#running!;
    await parts.loop.reconcileNow().catch(() => {});
    await this.clock.turn(0);
    await until("what is due was sent", () => {
      const now = this.clock.now();
      return store.channels.list().every(({ id, state, notBefore }) =>
        state !== "ok" || notBefore > now || store.notices.due(id, now) === undefined
      );
    });
    await this.clock.turn(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Takes whatever it is told, and says in short what that was. */
export class Listener extends Receiver {
  /** Answers each message so; accepted by default. */
  constructor(
    answer: () => Response | Promise<Response> = () => new Response(null, { status: 204 }),
  ) {
    super(answer);
  }

  /** Each message: why it was told, what is wrong with what, or of a list how many and why. */
  get told(): string[] {
    return this.requests.map(({ body }) => shortOf(JSON.parse(body)));
  }
}

// deno-lint-ignore no-explicit-any -- a webhook's body
function shortOf({ type, data }: any): string {
  const why = type.replace("problem.", "");
  const [only] = data.problems;
  return data.total === 1 && data.reason === null
    ? `${why} ${only.kind} ${only.workload ?? only.evidence[0]}`
    : `${why} ${data.reason} ${data.total}`;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export { MINUTE, SECOND };

/**
 * Live feeds: the index as server-sent events, a snapshot first, then what changes. A client that
 * does not read is dropped and never waited for; what it has unread is bounded.
 *
 * @module
 */

import type { Feed, FeedSubscription } from "../feed.ts";
import type { Log } from "../telemetry/log.ts";
import type { Soon } from "../model/index_reader.ts";
import { type Written, writtenOf } from "../model/written.ts";
import type { LiveFrames, OfHost, SnapshotPart } from "./live_frames.ts";
import { ProblemDetails } from "./problem_details.ts";

/** What live feeds need. */
export interface LiveOptions {
  /** What is shown; used by nobody else. */
  readonly frames: LiveFrames;
  /** Says what was written. */
  readonly feed: Feed<Written>;
  /** Where faults are logged. */
  readonly log: Log;
  /** Milliseconds between two signs of life on a quiet feed. */
  readonly keepaliveMs: number;
  /** How many clients there may be at once over each entrance. */
  readonly maxClients: number;
}

const WELCOME = new TextEncoder().encode(": tinyforge\nretry: 2000\n\n");
const KEEPALIVE = new TextEncoder().encode(": keepalive\n\n");

/** Who reads. */
export interface LiveReader extends OfHost {
  /** Where it came in; each has room for so many. */
  readonly entrance: string;
  /** Whether it still may. */
  isGood(): Soon<boolean>;
}

/** Every live feed of the server. */
export class Live {
  readonly #options: LiveOptions;
  readonly #clients = new Set<LiveClient>();
  #snapshots = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #closed = false;

  /** No timer runs and nothing is subscribed until a client reads. */
  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /**
   * A feed for one client: what came after `lastEventId`, or a snapshot when that can't be told.
   *
   * @throws {ProblemDetails} `too-many-feeds`, `stopping`.
   */
  open(lastEventId: number | null, reader: LiveReader): ReadableStream<Uint8Array> {
    const { entrance, isGood, host } = reader;
    if (this.#closed) {
      throw new ProblemDetails("stopping", "Cannot open a live feed: the daemon stops");
    }
    const clients = [...this.#clients].filter((client) => client.entrance === entrance).length;
    if (clients >= this.#options.maxClients) {
      throw new ProblemDetails(
        "too-many-feeds",
        `Cannot open a live feed: ${this.#options.maxClients} are open already`,
        { headers: { "retry-after": "10" } },
      );
    }
    const client = new LiveClient({
      ...{ entrance, isGood },
      chunks: (client) => this.#chunks(client, { after: lastEventId, host }),
      onStart: (client) => this.#add(client),
      onEnd: (client) => this.#remove(client),
      onError: (error) => this.#options.log.error("live feed failed", { error }),
    });
    return client.stream;
  }

  /** Ends the feeds of those who may not read any more. */
  async recheck(): Promise<void> {
    await Promise.all([...this.#clients].map(async (client) => {
      if (!await client.isGood()) client.end();
    }));
  }

  /** Ends every feed; no other opens. */
  close(): void {
    this.#closed = true;
    for (const client of [...this.#clients]) client.end();
  }

  async *#chunks(
    client: LiveClient,
    { after, host }: OfHost & { after: number | null },
  ): AsyncGenerator<Uint8Array> {
    const { feed, frames } = this.#options;
    const subscription = feed.subscribe({
      ...(after !== null && { after }),
      onEnd: (why) => why !== "cancelled" && client.end(),
    });
    client.subscription = subscription;
    yield WELCOME;
    // Subscribed first: whatever changes while the snapshot is read comes after it.
    if (after === null || subscription.gap) yield* this.#snapshot(feed.lastId, { host });
    for await (const message of subscription) {
      const data = writtenOf(message.data, host);
      if (data === null) continue;
      const frame = await frames.change({ ...message, data }, { host });
      if (frame === null) yield* this.#snapshot(message.id, { host });
      else {
        // Before what has the message's id: who is cut off meanwhile has not seen all.
        for (const { name, rows } of data.hosts ?? []) {
          if (rows) yield* this.#snapshot(null, { host: name });
        }
        yield frame;
      }
    }
  }

  /** Its last part alone carries the id: who is cut off before has not seen all. */
  async *#snapshot(
    id: number | null,
    { host }: OfHost,
  ): AsyncGenerator<Uint8Array> {
    this.#snapshots++;
    try {
      let after: string | null = null;
      do {
        const { bytes, next }: SnapshotPart = await this.#options.frames
          .snapshotPart(after, { host });
        yield next === null && id !== null ? withId(id, bytes) : bytes;
        after = next;
      } while (after !== null);
    } finally {
      if (--this.#snapshots === 0) this.#options.frames.forgetSnapshot();
    }
  }

  #add(client: LiveClient): void {
    this.#clients.add(client);
    this.#timer ??= setInterval(() => {
      void this.recheck();
      for (const client of [...this.#clients]) client.tick();
    }, this.#options.keepaliveMs);
  }

  #remove(client: LiveClient): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

interface ClientSetup extends LiveReader {
  /** What it is sent; asked for one chunk at a time, when the client has taken the last. */
  readonly chunks: (client: LiveClient) => AsyncGenerator<Uint8Array>;
  readonly onStart: (client: LiveClient) => void;
  readonly onEnd: (client: LiveClient) => void;
  readonly onError: (error: unknown) => void;
}

/** One client. It costs a chunk and the messages it has not read, which the feed bounds. */
class LiveClient {
  readonly stream: ReadableStream<Uint8Array>;
  readonly entrance: string;
  subscription: FeedSubscription<Written> | null = null;
  readonly #setup: ClientSetup;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #chunks: AsyncGenerator<Uint8Array> | null = null;
  /** It has taken everything and waits. */
  #reading = false;
  #sent = 0;
  #sentBeforeTick = 0;
  #over = false;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.entrance = setup.entrance;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#next(),
      cancel: () => this.#leave(),
      // Nothing is read ahead: a stream that nobody reads, a HEAD's for one, never starts.
    }, { highWaterMark: 0 });
  }

  /** Whether its client still may read; not, where that can't be told. */
  async isGood(): Promise<boolean> {
    try {
      return await this.#setup.isGood();
    } catch (error) {
      this.#setup.onError(error);
      return false;
    }
  }

  /** Ends the feed; the client is expected to come back. */
  end(): void {
    if (this.#over) return;
    this.#leave();
    this.#controller?.close();
  }

  /** Shows that we live; ends the feed of a client that took nothing since the last time. */
  tick(): void {
    const stuck = !this.#reading || (this.#controller?.desiredSize ?? 0) < 0;
    if (stuck && this.#sent === this.#sentBeforeTick) return this.end();
    if (!stuck) this.#controller?.enqueue(KEEPALIVE);
    this.#sentBeforeTick = this.#sent;
  }

  async #next(): Promise<void> {
    if (this.#chunks === null) {
      this.#chunks = this.#setup.chunks(this);
      this.#setup.onStart(this);
    }
    this.#reading = true;
    try {
      const { done, value } = await this.#chunks.next();
      if (this.#over) return;
      if (done) return this.end();
      this.#controller?.enqueue(value);
      this.#sent++;
    } catch (error) {
      // Thrown on, it would break the connection and land on stderr.
      this.#setup.onError(error);
      this.end();
    } finally {
      this.#reading = false;
    }
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#setup.onEnd(this);
    this.subscription?.cancel();
    // Only now: a generator that waits for a message takes the return after it.
    this.#chunks?.return(undefined).catch(this.#setup.onError);
  }
}

function withId(id: number, frame: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`id: ${id}\n`);
  const whole = new Uint8Array(head.length + frame.length);
  whole.set(head);
  whole.set(frame, head.length);
  return whole;
}

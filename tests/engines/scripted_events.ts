/**
 * The scripted Engine's event streams: who follows, what is kept for those who come late, and what
 * a test keeps back. Knows no container's state.
 *
 * @module
 */

import { frame, writeAll } from "./scripted_socket.ts";
import { eventLine, type EventSubject } from "./wire.ts";

/** An open event stream. */
interface Subscriber {
  readonly connection: Deno.Conn;
  /** Serializes writes. */
  writing: Promise<unknown>;
}

/** What the Engine keeps of events for those who ask with `since`. */
const EVENT_RING = 256;

/** How a stream begins. */
export interface StreamStart {
  readonly head: Uint8Array;
  /** Events from then on are sent again, seconds since the Unix epoch; none for Infinity. */
  readonly since: number;
  /** Sent after those. */
  readonly text: string;
}

/** Every event so far that is still known, and who is told. */
export class ScriptedEvents {
  /** Resolves when connections that are frozen are no longer. */
  readonly #thawed: () => Promise<void> | undefined;
  readonly #subscribers = new Set<Subscriber>();
  readonly #ring: { at: number; line: string }[] = [];
  #held: string[] | null = null;
  #lastNano = 0n;

  constructor(thawed: () => Promise<void> | undefined) {
    this.#thawed = thawed;
  }

  /** Number of open streams. */
  get followers(): number {
    return this.#subscribers.size;
  }

  /** When the last event happened, milliseconds since the Unix epoch; null before the first. */
  get lastAt(): number | null {
    return this.#lastNano === 0n ? null : Number(this.#lastNano) / 1e6;
  }

  /** Sends an event of this container to whoever follows. */
  emit(action: string, container: EventSubject, attributes: Record<string, string>): void {
    const nano = this.#now();
    const line = eventLine(action, container, { nano, attributes });
    this.#ring.push({ at: Number(nano) / 1e9, line });
    if (this.#ring.length > EVENT_RING) this.#ring.shift();
    if (this.#held !== null) this.#held.push(line);
    else this.write(line);
  }

  /** Sends this text on every open stream. */
  write(text: string): void {
    const bytes = frame(text);
    for (const subscriber of this.#subscribers) {
      subscriber.writing = subscriber.writing.then(async () => {
        await this.#thawed();
        await writeAll(subscriber.connection, bytes);
      }).catch(() => {});
    }
  }

  /** Keeps events back until {@linkcode release}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Sends what was kept back as `arrange` puts it. */
  release(arrange: (lines: string[]) => string[]): void {
    const lines = this.#held ?? [];
    this.#held = null;
    const text = arrange(lines).join("");
    if (text !== "") this.write(text);
  }

  /** Ends every stream, with its last chunk or without, and hands each connection to `close`. */
  cut(how: "end" | "close", close: (connection: Deno.Conn) => void): void {
    for (const subscriber of [...this.#subscribers]) {
      this.#subscribers.delete(subscriber);
      subscriber.writing = subscriber.writing
        .then(() => how === "end" ? writeAll(subscriber.connection, frame("")) : undefined)
        .catch(() => {})
        .then(() => close(subscriber.connection));
    }
  }

  /** Forgets every stream; their connections are closed by somebody else. */
  drop(): void {
    this.#subscribers.clear();
  }

  /** Sends the head at once and then events, until the client goes away or the stream is cut. */
  async follow(connection: Deno.Conn, { head, since, text }: StreamStart): Promise<void> {
    const missed = this.#ring.filter(({ at }) => at >= since).map(({ line }) => line);
    const first = missed.join("") + text;
    const subscriber: Subscriber = {
      connection,
      writing: writeAll(connection, head)
        .then(() => first === "" ? undefined : writeAll(connection, frame(first)))
        .catch(() => {}), // the client went away
    };
    this.#subscribers.add(subscriber);
    try {
      // Nothing more is sent by a client: this returns when it goes away.
      while (await connection.read(new Uint8Array(1024)) !== null);
    } finally {
      this.#subscribers.delete(subscriber);
      await subscriber.writing;
    }
  }

  /** Nanoseconds since the epoch, never the same twice. */
  #now(): bigint {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    return this.#lastNano;
  }
}

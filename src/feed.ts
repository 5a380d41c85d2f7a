/**
 * Publish and subscribe inside the process, bounded at both ends: a publisher never waits, and a
 * subscriber that does not keep up is dropped and told so.
 * Knows nothing of what the messages say.
 *
 * @module
 */

/** A message with its place in the sequence. */
export interface FeedMessage<T> {
  /** Increases by one with each message. */
  readonly id: number;
  /** What was published. */
  readonly data: T;
}

/** Sizes of a {@link Feed}. */
export interface FeedOptions {
  /** How many past messages a subscriber can resume from. Default 1024. */
  readonly history?: number;
  /** How many unread messages a subscriber may have. Default 256. */
  readonly buffer?: number;
  /**
   * The id before the first message. Default: microseconds since the Unix epoch, so that ids grow
   * over restarts and an id of an earlier run is seen as a gap.
   */
  readonly startAfter?: number;
}

/** Where a subscription begins. */
export interface SubscribeOptions {
  /** The last message id that was seen. Absent: only what comes from now on. */
  readonly after?: number;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
  /** Called once when it is over, also when nobody is reading at that moment. Must not throw. */
  readonly onEnd?: (why: SubscriptionEnd) => void;
}

/**
 * Why a subscription is over: `dropped` for being too slow, `closed` with the feed, `cancelled` by
 * the subscriber or its signal.
 */
export type SubscriptionEnd = "dropped" | "closed" | "cancelled";

/** Sends each message to everyone who subscribed. */
export class Feed<T> {
  readonly #subscriptions = new Set<FeedSubscription<T>>();
  readonly #history: FeedMessage<T>[] = [];
  readonly #historySize: number;
  readonly #buffer: number;
  #lastId: number;
  #closed = false;

  /** An open feed without messages. */
  constructor({ history = 1024, buffer = 256, startAfter = Date.now() * 1000 }: FeedOptions = {}) {
    this.#historySize = history;
    this.#buffer = buffer;
    this.#lastId = startAfter;
  }

  /** Id of the newest message; what a snapshot taken now is as new as. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Hands a message to every subscriber without waiting; returns its id. */
  publish(data: T): number {
    if (this.#closed) return this.#lastId;
    const message: FeedMessage<T> = { id: ++this.#lastId, data };
    if (this.#historySize > 0) {
      // Slot = id modulo size: no shifting, and the oldest message is the one overwritten.
      this.#history[message.id % this.#historySize] = message;
    }
    for (const subscription of this.#subscriptions) subscription[push](message);
    return message.id;
  }

  /**
   * Subscribes from now on, or from after a message that was seen. Where the messages in between
   * are no longer all there, or are more than a subscriber may have unread, `gap` is true and the
   * subscription begins now: the subscriber needs a new picture of the whole.
   */
  subscribe({ after, signal, onEnd }: SubscribeOptions = {}): FeedSubscription<T> {
    const missed = after === undefined ? [] : this.#since(after);
    const subscription = new FeedSubscription<T>({
      gap: missed === null,
      missed: missed ?? [],
      limit: this.#buffer,
      onEnd: (ended, why) => {
        this.#subscriptions.delete(ended);
        onEnd?.(why);
      },
    });
    if (this.#closed) {
      subscription[end]("closed");
      return subscription;
    }
    this.#subscriptions.add(subscription);
    if (signal !== undefined) subscription[follow](signal);
    return subscription;
  }

  /** Ends every subscription after what it has unread; publishing does nothing from now on. */
  close(): void {
    this.#closed = true;
    for (const subscription of [...this.#subscriptions]) subscription[end]("closed");
    this.#history.length = 0;
  }

  /** The messages after this id, or null when they can't all be had. */
  #since(after: number): FeedMessage<T>[] | null {
    const count = this.#lastId - after;
    if (!(count >= 0) || count > this.#buffer || count > this.#historySize) return null;
    const missed: FeedMessage<T>[] = [];
    for (let id = after + 1; id <= this.#lastId; id++) {
      const message = this.#history[id % this.#historySize];
      if (message?.id !== id) return null;
      missed.push(message);
    }
    return missed;
  }
}

// Symbols: a feed drives its subscriptions, nobody else can.
const push = Symbol("push");
const end = Symbol("end");
const follow = Symbol("follow");

interface SubscriptionSetup<T> {
  readonly gap: boolean;
  readonly missed: FeedMessage<T>[];
  readonly limit: number;
  readonly onEnd: (subscription: FeedSubscription<T>, why: SubscriptionEnd) => void;
}

/** One subscriber's view of a {@link Feed}: read it once, with `for await`. */
export class FeedSubscription<T> implements AsyncIterableIterator<FeedMessage<T>> {
  /** Messages between `after` and the begin of this subscription were lost. */
  readonly gap: boolean;
  readonly #limit: number;
  readonly #onEnd: (subscription: FeedSubscription<T>, why: SubscriptionEnd) => void;
  #unread: FeedMessage<T>[];
  #waiting: ((result: IteratorResult<FeedMessage<T>, undefined>) => void) | null = null;
  #ended: SubscriptionEnd | null = null;
  #unfollow: () => void = () => {};

  /** Made by {@link Feed.subscribe}. */
  constructor({ gap, missed, limit, onEnd }: SubscriptionSetup<T>) {
    this.gap = gap;
    this.#unread = missed;
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  /** Why it is over, null while it is not. */
  get ended(): SubscriptionEnd | null {
    return this.#ended;
  }

  /** The next message when there is one; `done` after the last. One call at a time. */
  next(): Promise<IteratorResult<FeedMessage<T>, undefined>> {
    const message = this.#unread.shift();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#ended !== null) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting !== null) {
      return Promise.reject(new TypeError("Cannot wait twice for the next message"));
    }
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Leaves; what is unread is forgotten. Idempotent. */
  cancel(): void {
    this.#unread = [];
    this[end]("cancelled");
  }

  /** Called when a `for await` is left. */
  return(): Promise<IteratorResult<FeedMessage<T>, undefined>> {
    this.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Itself: there is one position in the sequence, not one for each loop. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @ignore */
  [push](message: FeedMessage<T>): void {
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting({ done: false, value: message });
    } else if (this.#unread.length < this.#limit) {
      this.#unread.push(message);
    } else {
      // What it has not read is of no use to someone who must begin anew; free it at once.
      this.#unread = [];
      this[end]("dropped");
    }
  }

  /** @ignore */
  [end](why: SubscriptionEnd): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    this.#unfollow();
    this.#onEnd(this, why);
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  /** @ignore */
  [follow](signal: AbortSignal): void {
    if (signal.aborted) return this.cancel();
    const cancel = () => this.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    this.#unfollow = () => signal.removeEventListener("abort", cancel);
  }
}

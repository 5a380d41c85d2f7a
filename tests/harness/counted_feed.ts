/**
 * A feed that tells how many follow it, so that a test can wait for them to come and go.
 *
 * @module
 */

import { Feed, type FeedSubscription, type SubscribeOptions } from "../../src/feed.ts";

/** Counts by what each subscription itself says of its end. */
export class CountedFeed<T> extends Feed<T> {
  #subscribers = 0;

  /** How many are subscribed. */
  get subscribers(): number {
    return this.#subscribers;
  }

  override subscribe(options: SubscribeOptions = {}): FeedSubscription<T> {
    this.#subscribers++;
    return super.subscribe({
      ...options,
      onEnd: (why) => {
        this.#subscribers--;
        options.onEnd?.(why);
      },
    });
  }
}

/** Collects what a feed is told from now on. */
export function told<T>(feed: Feed<T>): { all(): Promise<T[]> } {
  const subscription = feed.subscribe();
  return {
    /** Everything so far, in order; ends the feed. */
    all: async () => {
      feed.close();
      return (await Array.fromAsync(subscription)).map(({ data }) => data);
    },
  };
}

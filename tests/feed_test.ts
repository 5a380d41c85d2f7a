/**
 * The feed: order, resuming, and that a slow subscriber is dropped, never waited for.
 *
 * @module
 */

import { assertEquals, assertFalse, assertGreater, assertRejects } from "@std/assert";
import { Feed, type FeedSubscription } from "../src/feed.ts";
import { CountedFeed } from "./harness/counted_feed.ts";

async function drain<T>(subscription: FeedSubscription<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const { data } of subscription) seen.push(data);
  return seen;
}

Deno.test("Feed hands every message to every subscriber in order", async () => {
  const feed = new CountedFeed<string>({ startAfter: 0 });
  const [first, second] = [feed.subscribe(), feed.subscribe()];
  assertEquals(feed.subscribers, 2);
  assertEquals([feed.publish("a"), feed.publish("b")], [1, 2]);
  assertEquals(await first.next(), { done: false, value: { id: 1, data: "a" } });
  feed.publish("c");
  feed.close();
  assertEquals(await drain(first), ["b", "c"]);
  assertEquals(await drain(second), ["a", "b", "c"]);
  assertEquals(feed.subscribers, 0);
});

Deno.test("Feed wakes a subscriber that waits", async () => {
  const feed = new Feed<number>({ startAfter: 0 });
  const subscription = feed.subscribe();
  const next = subscription.next();
  feed.publish(7);
  assertEquals((await next).value, { id: 1, data: 7 });
  const last = subscription.next();
  feed.close();
  assertEquals(await last, { done: true, value: undefined });
  assertEquals(subscription.ended, "closed");
});

Deno.test("Feed drops a subscriber that does not keep up, and only that one", async () => {
  const feed = new CountedFeed<number>({ buffer: 3, startAfter: 0 });
  const slow = feed.subscribe();
  const quick = feed.subscribe();
  const seen: number[] = [];
  for (let i = 1; i <= 5; i++) {
    feed.publish(i);
    seen.push((await quick.next()).value!.data);
  }
  assertEquals(slow.ended, "dropped");
  assertEquals(feed.subscribers, 1);
  assertEquals(await drain(slow), []);
  assertEquals(seen, [1, 2, 3, 4, 5]);
  assertEquals(quick.ended, null);
  feed.close();
});

Deno.test("Feed lets a subscriber have exactly its buffer unread", async () => {
  const feed = new Feed<number>({ buffer: 3, startAfter: 0 });
  const subscription = feed.subscribe();
  for (let i = 1; i <= 3; i++) feed.publish(i);
  feed.close();
  assertEquals(subscription.ended, "closed");
  assertEquals(await drain(subscription), [1, 2, 3]);
});

Deno.test("Feed.subscribe() resumes after a message that was seen", async () => {
  const feed = new Feed<number>({ history: 4, buffer: 10, startAfter: 100 });
  for (let i = 1; i <= 6; i++) feed.publish(i);
  const from = (after: number) => feed.subscribe({ after });
  const subscriptions = [from(106), from(104), from(102)];
  feed.publish(7);
  const late = from(103);
  feed.close();
  assertEquals(subscriptions.map((subscription) => subscription.gap), [false, false, false]);
  assertEquals(await Promise.all(subscriptions.map(drain)), [[7], [5, 6, 7], [3, 4, 5, 6, 7]]);
  assertEquals([late.gap, await drain(late)], [false, [4, 5, 6, 7]]);
});

Deno.test("Feed.subscribe() reports a gap and begins now when messages are lost", async () => {
  const feed = new Feed<number>({ history: 4, buffer: 10, startAfter: 100 });
  for (let i = 1; i <= 6; i++) feed.publish(i);
  // Overwritten, of an earlier run, of the future, and no id at all.
  const subscriptions = [101, 3, 107, NaN, 104.5].map((after) => feed.subscribe({ after }));
  feed.publish(7);
  feed.close();
  for (const subscription of subscriptions) {
    assertEquals(subscription.gap, true);
    assertEquals(await drain(subscription), [7]);
  }
});

Deno.test("Feed.subscribe() reports a gap when more was missed than may be unread", () => {
  const feed = new Feed<number>({ history: 100, buffer: 3, startAfter: 0 });
  for (let i = 1; i <= 10; i++) feed.publish(i);
  assertEquals(feed.subscribe({ after: 6 }).gap, true);
  assertFalse(feed.subscribe({ after: 7 }).gap);
  feed.close();
});

Deno.test("Feed.subscribe() without history knows only the newest id", () => {
  const feed = new Feed<number>({ history: 0, startAfter: 0 });
  feed.publish(1);
  assertFalse(feed.subscribe({ after: 1 }).gap);
  assertEquals(feed.subscribe({ after: 0 }).gap, true);
  feed.close();
});

Deno.test("Feed numbers a new run above an earlier one", () => {
  const before = Date.now() * 1000 - 1;
  const feed = new Feed<number>();
  assertGreater(feed.lastId, before);
  assertEquals(feed.publish(1), feed.lastId);
  assertEquals(feed.subscribe({ after: before - 1_000_000 }).gap, true);
  feed.close();
});

Deno.test("FeedSubscription ends with its signal, and forgets what is unread", async () => {
  const feed = new CountedFeed<number>();
  const controller = new AbortController();
  const subscription = feed.subscribe({ signal: controller.signal });
  const next = subscription.next();
  controller.abort();
  assertEquals((await next).done, true);
  assertEquals(subscription.ended, "cancelled");

  const aborted = feed.subscribe({ signal: controller.signal });
  feed.publish(1);
  assertEquals(await drain(aborted), []);
  assertEquals(feed.subscribers, 0);
  feed.close();
});

Deno.test("FeedSubscription leaves the feed when its loop is left", async () => {
  const feed = new CountedFeed<number>();
  const subscription = feed.subscribe();
  feed.publish(1);
  feed.publish(2);
  for await (const { data } of subscription) {
    assertEquals(data, 1);
    break;
  }
  assertEquals([feed.subscribers, subscription.ended], [0, "cancelled"]);
  assertEquals((await subscription.next()).done, true);
  feed.close();
});

Deno.test("Feed.subscribe() tells why a subscription is over, once, whoever reads", () => {
  const feed = new Feed<number>({ buffer: 2 });
  const told: string[] = [];
  const subscribe = () => feed.subscribe({ onEnd: (why) => told.push(why) });
  subscribe();
  for (let i = 0; i < 4; i++) feed.publish(i);
  assertEquals(told, ["dropped"]);
  const left = subscribe();
  left.cancel();
  left.cancel();
  assertEquals(told, ["dropped", "cancelled"]);
  subscribe();
  feed.close();
  feed.close();
  subscribe();
  assertEquals(told, ["dropped", "cancelled", "closed", "closed"]);
});

Deno.test("FeedSubscription refuses to wait twice at once", async () => {
  const feed = new Feed<number>();
  const subscription = feed.subscribe();
  const waiting = subscription.next();
  await assertRejects(() => subscription.next(), TypeError, "Cannot wait twice");
  feed.close();
  await waiting;
});

Deno.test("Feed.close() ends later subscribers at once and publishes nothing more", async () => {
  const feed = new Feed<number>({ startAfter: 0 });
  feed.publish(1);
  feed.close();
  feed.close();
  assertEquals(feed.publish(2), 1);
  const late = feed.subscribe({ after: 0 });
  assertEquals(late.ended, "closed");
  assertEquals(await drain(late), []);
});

Deno.test("Feed holds a bounded number of messages whatever was published", async () => {
  const feed = new Feed<{ readonly bytes: Uint8Array }>({ history: 8, buffer: 8, startAfter: 0 });
  const slow = feed.subscribe();
  for (let i = 0; i < 2000; i++) feed.publish({ bytes: new Uint8Array(1 << 20) });
  // Two gigabytes passed through; all that can still be had is what the sizes allow.
  assertEquals(slow.ended, "dropped");
  const resumed = feed.subscribe({ after: feed.lastId - 8 });
  assertFalse(resumed.gap);
  assertEquals(feed.subscribe({ after: feed.lastId - 9 }).gap, true);
  feed.close();
  assertEquals((await drain(resumed)).length, 8);
});

/**
 * What is asked about whom to tell of what, and of what nobody wants to hear, whether of one host or
 * of many. Does no I/O.
 *
 * @module
 */

import type { Soon } from "../model/index_reader.ts";
import type { KeptSilence } from "../model/silence.ts";
import type { KeptChannel, KeptRule } from "../store/channels.ts";
import type { DeliveryState, ListedDelivery } from "../store/notice_rows.ts";

/** A channel as it is asked for. */
export interface NewChannel {
  /** What people call it. */
  readonly name: string;
  /** Its address, as people have it. */
  readonly url: string;
  /** What the address does not hold, or null. */
  readonly secret: string | null;
  /** Whether it may be on this machine. */
  readonly allowLoopback: boolean;
  /** Name or id of the channel that stands in for it, or null. */
  readonly fallback: string | null;
}

/** What changes of a channel; what is absent, or null for an address or secret, stays. */
export interface ChannelChanges extends Partial<Omit<NewChannel, "url">> {
  /** Another address. */
  readonly url?: string | null;
}

/** What is asked about whom to tell. Each may throw a Failure, `not-found`. */
export interface TellingPort {
  /** Every channel, the oldest first. */
  list(): Soon<readonly KeptChannel[]>;
  /** Adds one with the rule that says what it is told. Throws a Failure, `invalid` or `conflict`. */
  add(asked: NewChannel, rule: Omit<KeptRule, "id" | "channels">): Promise<KeptChannel>;
  /** Changes the one with this name or id. Throws a Failure, `invalid` or `conflict`. */
  update(nameOrId: string, changes: ChannelChanges): Promise<KeptChannel>;
  /** Removes one with the rules that are about it alone; as it was. */
  remove(nameOrId: string): Promise<KeptChannel>;
  /** Sends a test to it. */
  test(nameOrId: string): Promise<TestOutcome>;
  /** Has all that waits for it, or was given up, tried now; how many those are. */
  retry(nameOrId: string): Promise<number>;
  /** Deliveries, the newest first. */
  deliveries(
    filter: { channel?: string; state?: DeliveryState; limit: number },
  ): Soon<readonly ListedDelivery[]>;
  /** Every rule, the oldest first. */
  rules(): Soon<readonly KeptRule[]>;
  /** Makes one; its channels by name or id. */
  addRule(asked: Omit<KeptRule, "id">): Soon<KeptRule>;
  /** Changes one. */
  updateRule(id: string, changes: Partial<Omit<KeptRule, "id">>): Soon<KeptRule>;
  /** Removes one. */
  removeRule(id: string): Soon<void>;
}

/** What is asked about silences. */
export interface SilencesPort {
  /** The time by which they are kept, milliseconds since the Unix epoch. */
  now(): Soon<number>;
  /** Those that may still come, the oldest first. */
  list(): Soon<readonly KeptSilence[]>;
  /** Keeps one. Throws a Failure, `not-found`, where there is nothing that it could cover. */
  add(asked: Omit<KeptSilence, "id" | "createdAt">, now: number): Soon<KeptSilence>;
  /** Ends one. Throws a Failure, `not-found`. */
  remove(id: string): Soon<void>;
}

/** What came of a test. */
export type TestOutcome =
  | { readonly result: "delivered"; readonly status: number | null; readonly answer: string }
  | FailedTest;

/** A test that did not arrive. */
export interface FailedTest {
  /** Whether it may arrive later. */
  readonly result: "retry" | "broken" | "gone";
  /** HTTP status or SMTP reply code; null when there was none. */
  readonly status: number | null;
  /** What was answered, or what failed. */
  readonly answer: string;
  /** Why. */
  readonly cause: string;
}

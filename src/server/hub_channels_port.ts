/**
 * What is asked of a hub about where people are told. Does no I/O.
 *
 * @module
 */

import type { Severity } from "../model/problem.ts";
import type { KeptChannel } from "../store/channels.ts";
import type { DeliveryState, KeptDelivery } from "../store/notice_rows.ts";
import type { TestOutcome } from "./operation.ts";

/** What is asked of a hub about where people are told. Each may throw a Failure, `not-found`. */
export interface HubChannelsPort {
  /** Every channel, the oldest first. */
  list(): Promise<readonly KeptChannel[]>;
  /** Adds one. Throws a Failure, `invalid` or `conflict`. */
  add(asked: {
    readonly name: string;
    readonly url: string;
    readonly secret: string | null;
    readonly allowLoopback: boolean;
    readonly minSeverity: Severity;
    readonly remindAfterMs: number | null;
  }): Promise<KeptChannel>;
  /** Removes the one with this name or id; as it was. */
  remove(nameOrId: string): Promise<KeptChannel>;
  /** Sends a test to it. */
  test(nameOrId: string): Promise<TestOutcome>;
  /** Has all that waits for it, or was given up, tried now; how many those are. */
  retry(nameOrId: string): Promise<number>;
  /** Deliveries, the newest first. */
  deliveries(filter: { channel?: string; state?: DeliveryState; limit: number }): Promise<
    readonly KeptDelivery[]
  >;
}

/**
 * What a notifier asks of where channels, rules and the outbox are kept: a host's index, or what was
 * read of a hub's database. Shapes alone.
 *
 * @module
 */

import type { ChannelTable } from "../store/channels.ts";
import type { NoticeTable } from "../store/notices.ts";

/** Where a notifier reads and writes: what it says is written is read from then on. */
export interface NotifierStore {
  /** Channels and rules. */
  readonly channels: Pick<ChannelTable, "any" | "list" | "rules">;
  /** The outbox, and how far was looked. */
  readonly notices: Pick<
    NoticeTable,
    "lookedAt" | "notified" | "unsettled" | "told" | "remindable" | "get" | "queuedFor" | "write"
  >;
}

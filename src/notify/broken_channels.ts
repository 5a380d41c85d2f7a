/**
 * Channels that do not work, as problems that the others are told of. Pure.
 *
 * @module
 */

import type { KeptChannel } from "../store/channels.ts";
import type { Subject } from "./telling.ts";
import type { Words } from "./words.ts";

/** Those of the channels that do not work, since when and why; `quiet`: nobody wants to hear of it. */
export function brokenOf(
  channels: readonly KeptChannel[],
  { words, quiet }: { readonly words: Words; readonly quiet: boolean },
): Subject[] {
  return channels.flatMap(({ id, name, state, reason, since }): Subject[] =>
    state === "ok" || since === null ? [] : [{
      told: {
        key: `channel-broken:${id}`,
        kind: "channel-broken",
        severity: "high",
        workload: null,
        row: null,
        container: null,
        since,
        closedAt: null,
        evidence: [words.evidence.channel(name), reason],
        do: `tinyforge notify test ${name}`,
      },
      openedAt: since,
      workloadId: null,
      rowId: null,
      channelId: id,
      batch: null,
      quiet,
    }]
  );
}

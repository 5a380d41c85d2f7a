/**
 * `tinyforge audit`: who changed what, from where.
 *
 * @module
 */

import type { AuditEntry } from "../../model/access.ts";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { onSignals } from "../../supervision.ts";
import { isReaderGone } from "../../system/libc.ts";
import { changeText } from "../change_words.ts";
import { requireIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { withText } from "../history_words.ts";
import { timeText } from "../moments.ts";
import { printTable } from "../table.ts";

const STDOUT = 1;
/** Between two looks, milliseconds. */
const LOOK_MS = 1000;
/** Entries that are asked for at once. */
const PAGE = 1000;

interface Page {
  readonly items: AuditEntry[];
  readonly next: number | null;
}

/** Prints the last ones and, if asked to, those that come. */
export async function run(invocation: InvocationOf<"audit">): Promise<number> {
  const { out } = invocation;
  const [json, follows] = [invocation.on("json"), invocation.on("follow")];
  const page = await look(invocation, "limit=100");
  const items = page.items.toReversed();
  if (json && !follows) {
    out.json({ items });
    return EXIT.done;
  }
  if (json) { for (const entry of items) out.json(entry); }
  else print(invocation, items, { header: true });
  if (items.length === 0) out.notes("Nobody changed anything yet.");
  if (follows) await follow(invocation, items.at(-1)?.seq ?? 0);
  return EXIT.done;
}

function look(invocation: InvocationOf<"audit">, query: string): Promise<Page> {
  return requireIndex(invocation, (api) => api.get<Page>(`/api/audit?${query}`));
}

/** Until SIGINT, SIGTERM, or nobody reads stdout any more. */
async function follow(invocation: InvocationOf<"audit">, seen: number): Promise<void> {
  const stop = new AbortController();
  const signals = onSignals({ onEnd: () => stop.abort() });
  try {
    let since = seen;
    while (!stop.signal.aborted && !isReaderGone(STDOUT)) {
      const { items, next } = await look(invocation, `since=${since}&limit=${PAGE}`);
      if (invocation.on("json")) { for (const entry of items) invocation.out.json(entry); }
      else print(invocation, items, { header: false });
      since = items.at(-1)?.seq ?? since;
      if (next === null) await SYSTEM_CLOCK.sleep(LOOK_MS, stop.signal);
    }
  } finally {
    signals.remove();
  }
}

function print(
  { out }: InvocationOf<"audit">,
  items: readonly AuditEntry[],
  { header }: { header: boolean },
): void {
  if (items.length === 0) return;
  const now = new Date();
  const cells = items.map(({ at, who, via, remote, action, path, details }) => [
    timeText(at, now),
    who,
    via,
    remote,
    changeText({ action, path }),
    withText({ details }),
  ]);
  printTable(out, cells, {
    ...(header && { header: ["WHEN", "WHO", "BY", "FROM", "WHAT", "WITH"] }),
  });
}

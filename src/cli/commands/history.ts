/**
 * `tinyforge history`: what happened, newest last; with `--follow` what happens.
 *
 * @module
 */

import type { HistoryEntry, HistoryPage } from "../../model/past.ts";
import { type ReadApi, requireIndex, withIndex } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { HISTORY_FIT, HISTORY_HEADER, historyCells } from "../history_words.ts";
import { LateHosts } from "../late_hosts.ts";
import { fullTimeText, readMoment } from "../moments.ts";
import type { Freshness } from "../../model/views.ts";
import { noteFreshness } from "../freshness.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { resolvePast } from "../past_name.ts";
import { printTable } from "../table.ts";
import { whileRead } from "../watch.ts";

/** Without a window so many are shown, and so many before those that are waited for. */
const LAST = 100;
const LAST_BEFORE_FOLLOWING = 10;
/** Pages of a window, and of what came since it was looked last. */
const PAGE = 10_000;
const FEW = 500;
/** What is told late is not older than this, milliseconds. */
const LATE_MS = 60_000;

/** Prints what happened. */
export async function run(invocation: InvocationOf<"history">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const following = invocation.on("follow");
  const json = invocation.on("json");
  if (following && invocation.flag("until") !== undefined) {
    throw usageError("Cannot follow what is over: --follow goes without --until", "");
  }
  const window = readWindow(invocation);
  const action = "tell the history";
  const { query, page, index, many, late } = await requireIndex(invocation, async (api) => {
    const query = new URLSearchParams(window);
    const host = await hostAsked(api, invocation.flag("host"), { action });
    if (host !== undefined) query.set("host", host);
    if (name !== undefined) {
      const { key, id } = await resolvePast(api, name, { action, host });
      query.set(key, id);
    }
    return {
      query,
      // What was is as it was, whoever looks now.
      index: window.until === undefined && !following
        ? await api.get<Freshness>(`/api/index${hostQuery(host)}`)
        : null,
      many: api.many,
      late: following && api.many ? await LateHosts.from(api, { lateMs: LATE_MS }) : null,
      page: await readAll(api, query, { last: following ? LAST_BEFORE_FOLLOWING : LAST }),
    };
  });
  const { items, forgottenUntil } = page;
  if (following) return await goOn(invocation, { query, items, many, late });
  noteFreshness(out, index);
  if (json) {
    out.json({ forgottenUntil, items });
    return EXIT.done;
  }
  print(invocation, items, { many });
  if (items.length === 0) out.notes("Nothing happened that is remembered.");
  else if (page.before !== null) out.notes("There is more before that: --since tells it.");
  const { from } = window;
  if (forgottenUntil !== null && (from === undefined || from < forgottenUntil)) {
    const until = fullTimeText(forgottenUntil);
    if (page.before === null) out.notes(`What happened up to ${until} is forgotten.`);
  }
  return EXIT.done;
}

/** The window as the API takes it. */
function readWindow(invocation: InvocationOf<"history">): { from?: string; until?: string } {
  const now = Date.now();
  const read = (flag: "since" | "until") => {
    const text = invocation.flag(flag);
    if (text === undefined) return undefined;
    const { ms, note } = readMoment(text, { flag, now });
    if (note !== null) invocation.out.notes(note);
    return new Date(ms).toISOString();
  };
  const [from, until] = [read("since"), read("until")];
  if (from !== undefined && until !== undefined && from > until) {
    throw usageError("Cannot tell the history: --until is before --since", "");
  }
  return { ...from !== undefined && { from }, ...until !== undefined && { until } };
}

/** All of a window that has a begin, else the last of it. */
async function readAll(
  api: ReadApi,
  asked: URLSearchParams,
  { last = LAST, page: size = PAGE }: { last?: number; page?: number },
): Promise<HistoryPage> {
  const all = asked.has("from");
  const query = new URLSearchParams(asked);
  query.set("limit", `${all ? size : last}`);
  let page = await api.get<HistoryPage>(`/api/history?${query}`);
  const pages = [page.items];
  while (all && page.before !== null) {
    query.set("before", page.before);
    page = await api.get<HistoryPage>(`/api/history?${query}`);
    pages.unshift(page.items);
  }
  return { ...page, items: pages.flat() };
}

/** Prints what happens until it is interrupted or nobody reads. */
async function goOn(
  invocation: InvocationOf<"history">,
  { query, items, many, late }: {
    query: URLSearchParams;
    items: readonly HistoryEntry[];
    many: boolean;
    late: LateHosts | null;
  },
): Promise<number> {
  const { out } = invocation;
  const seen = new Set<string>();
  let from = new Date().toISOString();
  const show = (entries: readonly HistoryEntry[]) => {
    const fresh = entries.filter(({ key }) => !seen.has(key));
    for (const { key } of fresh) seen.add(key);
    if (invocation.on("json")) { for (const entry of fresh) out.json(entry); }
    else print(invocation, fresh, { header: false, many });
    const last = fresh.at(-1)?.at;
    // What a clock that is ahead says must not hide what the others do.
    const now = new Date().toISOString();
    if (last !== undefined && last > from) from = last < now ? last : now;
  };
  let first = true;
  return await whileRead(invocation, async (ending) => {
    if (first) {
      first = false;
      return show(items);
    }
    const found = await withIndex(
      invocation,
      async (api) => api === null ? null : await readNew(api, query, { from, late }),
      { silent: true },
    );
    if (found !== null && !ending.aborted) show(found);
  });
}

/** What happened shortly before `from` or later, and what hosts tell that are late; in order. */
async function readNew(
  api: ReadApi,
  query: URLSearchParams,
  { from: last, late }: { from: string; late: LateHosts | null },
): Promise<readonly HistoryEntry[]> {
  const from = new Date(Date.parse(last) - LATE_MS).toISOString();
  const read = async (window: { from: string; host?: string }) => {
    const asked = new URLSearchParams(query);
    for (const [name, value] of Object.entries(window)) asked.set(name, value);
    return (await readAll(api, asked, { page: FEW })).items;
  };
  if (late === null) return await read({ from });
  await late.look(api, { host: query.get("host"), now: Date.now() });
  const found: HistoryEntry[] = [];
  // A workload or row that is asked for need not be on each host.
  const apart = !query.has("workload") && !query.has("row");
  for (const window of late.windows({ apart })) {
    try {
      found.push(...await read(window));
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== "invalid") throw error;
      // A host that was forgotten meanwhile.
      late.forget(window.host);
    }
  }
  const before = found.filter((entry) => entry.at < from && late.tells(entry));
  return [...before.sort((a, b) => a.at < b.at ? -1 : 1), ...await read({ from })];
}

function print(
  { out }: InvocationOf<"history">,
  items: readonly HistoryEntry[],
  { header = true, many }: { header?: boolean; many: boolean },
): void {
  if (items.length === 0) return;
  const lines = items.map((entry) => [
    ...many ? [entry.host ?? ""] : [],
    ...historyCells(entry, Date.now()),
  ]);
  printTable(out, lines, {
    header: many ? ["HOST", ...HISTORY_HEADER] : HISTORY_HEADER,
    fit: HISTORY_FIT,
    from: header ? 0 : 1,
  });
}

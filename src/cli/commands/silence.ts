/**
 * `tinyforge silence`, `silence list`, `silence rm`: of what nobody wants to hear for a while.
 *
 * @module
 */

import type { NewSilence, ShownSilence } from "../../server/api/silences.ts";
import { type ReadApi, requireIndex, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { duration } from "../durations.ts";
import { hostAsked, hostQuery } from "../of_host.ts";
import { fullTimeText, readComing } from "../moments.ts";
import { largestUnit } from "../phrases.ts";
import { printTable } from "../table.ts";
import { type NamedWorkload, resolveWorkload } from "../workload_name.ts";

/** Keeps one. */
export async function add(invocation: InvocationOf<"silence">): Promise<number> {
  const { out, operands: [target] } = invocation;
  const all = invocation.on("all");
  const named = target !== undefined || flag("host") !== undefined;
  if (all === named) {
    throw usageError(
      all ? "Cannot silence: --all goes without a name" : "Cannot silence: what is not told",
      "name a workload or a row, or say --all",
    );
  }
  const [span, until, cron] = [flag("for"), flag("until"), flag("cron")];
  if (span === undefined && (until === undefined || cron !== undefined)) {
    throw usageError(
      cron === undefined
        ? "Cannot silence: it would have no end"
        : "Cannot silence: how long it lasts each time is not told",
      "say how long, as in --for 2h",
    );
  }
  const kinds = flag("kind")?.split(",");
  const rest = {
    ...(kinds !== undefined && { kinds }),
    ...set("reason", flag("reason")),
    ...set("until", until === undefined ? undefined : endOf(invocation, until)),
    ...set("cron", cron),
    ...set("timeZone", flag("time-zone")),
    ...(span !== undefined && { seconds: duration(span, "for") / 1000 }),
  };
  const silence = await withApi(invocation.config(), async (api) => {
    const host = await hostAsked(api, flag("host"), { action: "silence" });
    const what = target !== undefined
      ? await find(api, target, host)
      : host !== undefined
      ? { scope: "host" as const, target: host }
      : { scope: "all" as const };
    const body: NewSilence = { ...what, ...rest };
    return await api.request<ShownSilence>("POST", "/api/silences", body);
  });
  if (invocation.on("json")) out.json(silence);
  else out.lines(`${silence.id}: silent ${timesText(silence)}`);
  return EXIT.done;

  function flag(name: Parameters<typeof invocation.flag>[0]): string | undefined {
    return invocation.flag(name);
  }
}

/** When it ends, as the API takes it. */
function endOf({ out }: InvocationOf<"silence">, text: string): string {
  const { ms, note } = readComing(text, { flag: "until", now: Date.now() });
  if (note !== null) out.notes(note);
  return new Date(ms).toISOString();
}

function set<Key extends string>(key: Key, value: string | undefined) {
  return value === undefined ? {} : { [key]: value } as Record<Key, string>;
}

/** A workload's name, else a row's id. */
async function find(
  api: ReadApi,
  text: string,
  host: string | undefined,
): Promise<Pick<NewSilence, "scope" | "target">> {
  const { items } = await api.get<{ items: NamedWorkload[] }>(`/api/workloads${hostQuery(host)}`);
  try {
    return { scope: "workload", target: resolveWorkload(items, text, { action: "silence" }).id };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "not-found") throw error;
    try {
      await api.get(`/api/containers/${encodeURIComponent(text)}`);
    } catch {
      throw error;
    }
    return { scope: "row", target: text };
  }
}

/** Prints those that are not over. */
export async function list(invocation: InvocationOf<"silence list">): Promise<number> {
  const { out } = invocation;
  const { items, names } = await requireIndex(invocation, async (api) => {
    const { items } = await api.get<{ items: ShownSilence[] }>("/api/silences");
    const workloads = await api.get<{ items: NamedWorkload[] }>("/api/workloads");
    return { items, names: new Map(workloads.items.map((w) => [w.id, nameOf(w)])) };
  });
  if (invocation.on("json")) {
    out.json({ items });
    return EXIT.done;
  }
  const cells = items.map((each) => [
    each.id,
    whatText(each, names),
    timesText(each),
    each.reason,
  ]);
  printTable(out, cells, { header: ["ID", "WHAT", "WHEN", "REASON"] });
  if (items.length === 0) out.notes("Nothing is silenced.");
  return EXIT.done;
}

function nameOf({ host, kind, name }: NamedWorkload): string {
  return host === undefined ? `${kind}/${name}` : `${host}: ${kind}/${name}`;
}

function whatText(
  { scope, target, kinds }: ShownSilence,
  names: ReadonlyMap<string, string>,
): string {
  const what = scope === "all" ? "everything" : names.get(target) ?? target;
  return kinds === null ? what : `${what} (${kinds.join(", ")})`;
}

/** Ends one. */
export async function remove(invocation: InvocationOf<"silence rm">): Promise<number> {
  const { out, operands: [id] } = invocation;
  await withApi(
    invocation.config(),
    (api) => api.request("DELETE", `/api/silences/${encodeURIComponent(id)}`),
  );
  if (invocation.on("json")) out.json({ id });
  else out.notes("It is over.");
  return EXIT.done;
}

function timesText({ from, until, cron, timeZone, seconds }: ShownSilence): string {
  const end = until === null ? "" : `until ${fullTimeText(until)}`;
  if (cron === null) {
    return Date.parse(from) > Date.now() ? `from ${fullTimeText(from)} ${end}` : end;
  }
  const each = `for ${largestUnit(seconds)} each time of "${cron}" (${timeZone})`;
  return end === "" ? each : `${each}, ${end}`;
}

/**
 * `tinyforge notify add|test|list|rm|log|retry`: where people are told. Secrets go in from a file or
 * stdin and are printed by nothing.
 *
 * @module
 */

import type { ShownDelivery } from "../../server/api/channels.ts";
import { quote, quotePath } from "../../text.ts";
import { type ReadApi, requireIndex, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { duration } from "../durations.ts";
import { hostsAsked } from "../of_host.ts";
import { timeText } from "../moments.ts";
import { printTable } from "../table.ts";
import { type NamedWorkload, resolveWorkload, resolveWorkloads } from "../workload_name.ts";

interface Channel {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly origin: string;
  readonly state: string;
  readonly reason: string;
}

/** A daemon of an older version does not tell what it is about. */
type Delivery = Omit<ShownDelivery, "about"> & Partial<Pick<ShownDelivery, "about">>;

/** Longer than any key or address. */
const MAX_SECRET = 8192;

/** Adds a channel. */
export async function add(invocation: InvocationOf<"notify add">): Promise<number> {
  const { out, operands: [name, given] } = invocation;
  const file = invocation.flag("secret-file");
  const kept = file === undefined ? null : await readSecret(file);
  // A file that holds an address is the address: those have their secrets in them.
  const url = given ?? kept;
  if (url === null || url === undefined) {
    throw usageError(
      `Cannot add channel ${quote(name)}: its URL is missing`,
      "give it as a word, or in a file with --secret-file, where no process list shows it",
    );
  }
  const remindAfter = reminderOf(invocation.flag("remind-after"));
  const fallback = invocation.flag("fallback");
  const named = invocation.flag("workload")?.split(",") ?? null;
  const channel = await withApi(invocation.config(), async (api) => {
    const hosts = await hostsAsked(api, invocation.flag("host"), { action: "add a channel" });
    const workloads = named === null ? null : await idsOf(api, named, hosts);
    return await api.request<Channel>("POST", "/api/channels", {
      name,
      url,
      ...(given !== undefined && kept !== null && { secret: kept }),
      allowLoopback: invocation.on("allow-loopback"),
      minSeverity: invocation.flag("min-severity") ?? "high",
      workloads,
      ...(hosts !== null && { hosts }),
      remindAfterMinutes: remindAfter,
      ...(fallback !== undefined && { fallback }),
    });
  }, { creates: true });
  if (invocation.on("json")) out.json(channel);
  else {
    out.notes(
      `Added ${channel.type} channel ${quote(name)} at ${channel.origin}.`,
      `See whether it arrives: tinyforge notify test ${name}`,
    );
  }
  return EXIT.done;
}

/** Sends a test and waits for what comes of it. */
export async function test(invocation: InvocationOf<"notify test">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const outcome = await withApi(
    invocation.config(),
    (api) =>
      api.request<{ delivered: boolean; status: number | null; cause: string; answer: string }>(
        "POST",
        `/api/channels/${encodeURIComponent(name)}/test`,
      ),
  );
  const { delivered, status, cause, answer } = outcome;
  if (invocation.on("json")) out.json(outcome);
  else {
    const said = [status, answer].filter((part) => part !== null && part !== "").join(" ");
    if (delivered) out.notes(`Delivered${said === "" ? "" : `: ${said}`}`);
    else out.notes(`Not delivered (${cause}): ${said}`, ...hintOf(name, { cause, answer }));
  }
  return delivered ? EXIT.done : EXIT.failed;
}

/** Prints the channels. */
export async function list(invocation: InvocationOf<"notify list">): Promise<number> {
  const { out } = invocation;
  const { items } = await requireIndex(
    invocation,
    (api) => api.get<{ items: Channel[] }>("/api/channels"),
  );
  if (invocation.on("json")) out.json(items);
  else if (items.length === 0) {
    out.notes("No channels; `tinyforge notify add NAME URL` makes one.");
  } else {
    const rows = items.map(({ name, type, origin, state, reason }) => [
      name,
      type,
      origin,
      state,
      reason,
    ]);
    printTable(out, rows, { header: ["NAME", "TYPE", "AT", "STATE", "WHY"] });
  }
  return EXIT.done;
}

/** Removes a channel. */
export async function remove(invocation: InvocationOf<"notify rm">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const channel = await withApi(
    invocation.config(),
    (api) => api.request<Channel>("DELETE", `/api/channels/${encodeURIComponent(name)}`),
  );
  if (invocation.on("json")) out.json(channel);
  else out.notes(`Removed channel ${quote(channel.name)}.`);
  return EXIT.done;
}

/** Prints what was told. */
export async function log(invocation: InvocationOf<"notify log">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const { deliveries, channels } = await requireIndex(invocation, async (api) => {
    const query = name === undefined ? "" : `?channel=${encodeURIComponent(name)}`;
    const deliveries = await api.get<{ items: Delivery[] }>(`/api/deliveries${query}`);
    const channels = await api.get<{ items: Channel[] }>("/api/channels");
    return { deliveries: deliveries.items, channels: channels.items };
  });
  if (invocation.on("json")) {
    out.json(deliveries);
    return EXIT.done;
  }
  if (deliveries.length === 0) {
    out.notes("Nothing was told yet.");
    return EXIT.done;
  }
  const names = new Map(channels.map(({ id, name }) => [id, name]));
  const now = new Date();
  const rows = deliveries.map((each) => [
    timeText(each.queuedAt, now),
    names.get(each.channel) ?? each.channel,
    each.kind,
    aboutText(each),
    each.state,
    each.attempts,
    [each.status, each.answer].filter((part) => part !== null && part !== "").join(" "),
  ]);
  printTable(out, rows, {
    header: ["QUEUED", "CHANNEL", "KIND", "ABOUT", "STATE", "TRIES", "ANSWER"],
    fit: { keep: ["QUEUED", "KIND", "STATE"], drop: ["TRIES", "ANSWER"] },
  });
  return EXIT.done;
}

/** `shop, web 2: unhealthy`, and how many more it tells of. */
function aboutText({ about }: Delivery): string | null {
  if (about === undefined || about === null) return null;
  const { total, kind, workload, row } = about;
  const whose = [workload ?? "this host", row].filter((part) => part !== null).join(", ");
  return `${whose}: ${kind}${total > 1 ? ` and ${total - 1} more` : ""}`;
}

/** Tries again now. */
export async function retry(invocation: InvocationOf<"notify retry">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const answer = await withApi(invocation.config(), (api) =>
    api.request<{ queued: number }>(
      "POST",
      `/api/channels/${encodeURIComponent(name)}/retry`,
    ));
  if (invocation.on("json")) out.json(answer);
  else if (answer.queued > 0) out.notes(`${answer.queued} to be tried now.`);
  else out.notes(`Nothing waits for channel ${quote(name)}, and nothing was given up.`);
  return EXIT.done;
}

/** What helps where a test did not arrive, if that is known. */
function hintOf(name: string, { cause, answer }: { cause: string; answer: string }): string[] {
  return cause === "address" && answer.endsWith("loopback addresses are refused")
    ? [
      `hint: if it is meant to be on this machine: tinyforge notify rm ${name}, then add it with ` +
      "--allow-loopback",
    ]
    : [];
}

/** The minutes of `--remind-after`. */
function reminderOf(given: string | undefined): number | null {
  if (given === undefined) return null;
  const minutes = duration(given, "remind-after") / 60_000;
  if (minutes >= 5 && Number.isInteger(minutes)) return minutes;
  throw usageError(
    `Cannot use --remind-after ${quote(given)}: not whole minutes, at least 5`,
    "as in 30m, 4h, 1d",
  );
}

/** Their ids: of many hosts each may have one of that name. */
async function idsOf(
  api: ReadApi,
  names: readonly string[],
  hosts: readonly string[] | null,
): Promise<string[]> {
  const { items } = await api.get<{ items: NamedWorkload[] }>("/api/workloads");
  const there = items.filter(({ host }) => host === undefined || (hosts?.includes(host) ?? true));
  const action = { action: "tell of a workload" };
  return names.flatMap((name) =>
    api.many
      ? resolveWorkloads(there, name, action).map(({ id }) => id)
      : [resolveWorkload(there, name, action).id]
  );
}

async function readSecret(path: string): Promise<string> {
  let text: string;
  try {
    text = path === "-"
      ? await new Response(Deno.stdin.readable).text()
      : await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "there is none" : "it can't be read";
    throw new CommandError(`Cannot use secret file ${quotePath(path)}: ${reason}`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
  const secret = text.trim();
  if (secret !== "" && secret.length <= MAX_SECRET) return secret;
  throw usageError(
    `Cannot use secret file ${quotePath(path)}: it is ${secret === "" ? "empty" : "too long"}`,
  );
}

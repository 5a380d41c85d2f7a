/**
 * `--host NAME`: which of a hub's hosts is meant. Beside a hub's data directory commands read the hub.
 *
 * @module
 */

import type { HostView } from "../model/hosts.ts";
import { quote } from "../text.ts";
import type { ReadApi } from "./client.ts";
import { CommandError, EXIT, usageError } from "./command.ts";
import { nearest } from "./nearest.ts";

/** Most that are named. */
const MAX_NAMED = 20;

/**
 * The name, if the hub has such a host; undefined where none was asked for.
 *
 * @param options `action`: what can't be done without it, as in "Cannot <action>: …".
 * @throws {CommandError} There is no such host, or no hub.
 */
export async function hostAsked(
  api: ReadApi | null,
  name: string | undefined,
  { action }: { action: string },
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  if (api === null || !api.many) {
    throw usageError(
      `Cannot use --host ${quote(name)}: this is the index of one host alone`,
      "it is for a hub: point --data-dir at its directory",
    );
  }
  const { items } = await api.get<{ items: HostView[] }>("/api/hosts");
  if (items.some((host) => host.name === name)) return name;
  const names = items.map((host) => host.name);
  const near = nearest(name, names);
  throw new CommandError(`Cannot ${action}: no host ${quote(name)}`, {
    exitCode: EXIT.usage,
    code: "not-found",
    hint: near !== null ? `did you mean ${quote(near)}?` : namesOf(names),
  });
}

/**
 * The names, separated by commas, if the hub has such hosts; null where none were asked for.
 *
 * @throws {CommandError} As {@linkcode hostAsked}.
 */
export async function hostsAsked(
  api: ReadApi,
  names: string | undefined,
  options: { action: string },
): Promise<readonly string[] | null> {
  if (names === undefined) return null;
  const asked = names.split(",");
  for (const name of asked) await hostAsked(api, name, options);
  return asked;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return "there are none yet; `tinyforge hub enroll NAME` lets one in";
  const more = names.length > MAX_NAMED ? ", …" : "";
  return `there are ${names.slice(0, MAX_NAMED).join(", ")}${more}`;
}

/** `?host=NAME`, or nothing; with `more` parameters that are set. */
export function hostQuery(
  host: string | undefined,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...more, host })) {
    if (value !== undefined) query.set(name, value);
  }
  return query.size === 0 ? "" : `?${query}`;
}

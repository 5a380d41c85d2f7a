/**
 * Whether somebody else's daemon works on this host while this user's commands are about to use an
 * index of their own, which nobody asked for and which would stay empty; and what is said then. Asks,
 * and changes nothing.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { readText } from "../http/body.ts";
import { HttpClient } from "../http/client.ts";
import { Deadline } from "../http/deadline.ts";
import { SERVICE_DATA, socketPlaces } from "../system/files.ts";
import { effectiveUid } from "../system/libc.ts";
import { quotePath } from "../text.ts";
import { CommandError, EXIT } from "./command.ts";
import { indexExists, noIndex } from "./data_dir.ts";

/** Loopback answers at once or not at all. */
const TIMEOUT_MS = 1000;
/** Longer than what `/readyz` says. */
const MAX_ANSWER = 4096;

/** A daemon whose socket is closed to this user. */
export interface OtherDaemon {
  /** Whose it is, as `root's Tinyforge`. */
  readonly whose: string;
  /** How it was found, in words. */
  readonly where: string;
  /** Where it can be asked with a token, `http://127.0.0.1:7475`; null when that is not known. */
  readonly url: string | null;
}

/**
 * The other daemon; null when there is none, or this user's index was chosen: by name, by being
 * root, or by a daemon of its own, which the caller has looked for in vain.
 */
async function otherDaemon(config: Config): Promise<OtherDaemon | null> {
  const { dataDir, dataDirIsDefault, listen } = config;
  if (!dataDirIsDefault || dataDir === SERVICE_DATA || effectiveUid() === 0) return null;
  const address = listen === null ? null : addressOf(listen);
  const answers = address !== null && await answersAsTinyforge(address);
  const url = answers ? `http://${address}` : null;
  for (const path of socketPlaces(SERVICE_DATA)) {
    // Mostly where nobody else can look; then only its port tells.
    const info = await Deno.stat(path).catch(() => null);
    if (info?.isSocket !== true) continue;
    return { whose: ownersTinyforge(info.uid), where: `its socket is ${quotePath(path)}`, url };
  }
  return answers ? { whose: ownersTinyforge(null), where: `it answers on ${address}`, url } : null;
}

/**
 * Refuses to write to a second index that nobody asked for.
 *
 * @throws {CommandError}
 */
export async function refuseSecondIndex(config: Config): Promise<void> {
  const other = await otherDaemon(config);
  if (other === null) return;
  const { whose, where } = other;
  throw new CommandError(
    `Cannot write to ${quotePath(config.dataDir)}: ${whose} keeps the index of this host ` +
      `(${where}), and this would be a second one`,
    { exitCode: EXIT.usage, code: "other-daemon", hint: otherDaemonHint(other, config) },
  );
}

/**
 * As {@link otherDaemon}, for what only the daemon of this host or its index can be asked: refuses
 * where that is another user's and this one has no index.
 *
 * @param action what can't be done, as "check".
 * @throws {CommandError}
 */
export async function refuseWithout(action: string, config: Config): Promise<OtherDaemon | null> {
  const other = await otherDaemon(config);
  if (other !== null && !await indexExists(config.dataDir)) throw closed(action, other, config);
  return other;
}

/**
 * The error for a command that can do nothing without an index, where this user has none.
 *
 * @param action as of {@link refuseWithout}.
 */
export async function withoutIndex(action: string, config: Config): Promise<CommandError> {
  const other = await otherDaemon(config);
  return other === null ? noIndex(config.dataDir) : closed(action, other, config);
}

/** What to do to reach it. */
export function otherDaemonHint({ url }: OtherDaemon, { dataDir }: Config): string {
  return "use sudo, or have it started with --socket-group and a group of yours" +
    (url === null ? "" : `; with a token, ${url} answers you too`) +
    `; to keep an index of your own besides, say so with --data-dir ${quotePath(dataDir)}`;
}

function closed(action: string, other: OtherDaemon, config: Config): CommandError {
  const { whose, where } = other;
  return new CommandError(
    `Cannot ${action}: ${whose} keeps the index of this host (${where}), and its socket is ` +
      "closed to this user",
    { exitCode: EXIT.unreachable, code: "other-daemon", hint: otherDaemonHint(other, config) },
  );
}

function ownersTinyforge(owner: number | null): string {
  if (owner === 0) return "root's Tinyforge";
  return owner === null ? "another user's Tinyforge" : `the Tinyforge of another user (${owner})`;
}

function addressOf({ hostname, port }: { hostname: string; port: number }): string {
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[hostname] ?? hostname;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether `/readyz` is answered there as a daemon of this program does, ready or not. */
async function answersAsTinyforge(address: string): Promise<boolean> {
  using deadline = new Deadline(TIMEOUT_MS, []);
  const { signal } = deadline;
  using client = new HttpClient({ kind: "tcp", url: `http://${address}` });
  try {
    const response = await client.request("/readyz", { signal });
    const text = await readText(response.body, { signal, limit: MAX_ANSWER });
    return typeof (JSON.parse(text ?? "null") as { ready?: unknown } | null)?.ready === "boolean";
  } catch {
    return false;
  }
}

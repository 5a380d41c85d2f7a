/**
 * Whether somebody else's daemon works on this host while this user's commands are about to use an
 * index of their own, which nobody asked for and which would stay empty. Asks, and changes nothing.
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

/** Loopback answers at once or not at all. */
const TIMEOUT_MS = 1000;
/** Longer than what `/readyz` says. */
const MAX_ANSWER = 4096;

/**
 * Where another daemon is, in words; null when there is none, or this user's index was chosen: by
 * name, by being root, or by a daemon of its own, which the caller has looked for in vain.
 */
export async function otherDaemon(config: Config): Promise<string | null> {
  const { dataDir, dataDirIsDefault, listen } = config;
  if (!dataDirIsDefault || dataDir === SERVICE_DATA || effectiveUid() === 0) return null;
  for (const path of socketPlaces(SERVICE_DATA)) {
    // Mostly where nobody else can look; then only its port tells.
    const isSocket = await Deno.stat(path).then((info) => info.isSocket, () => false);
    if (isSocket) return `its socket is ${quotePath(path)}`;
  }
  if (listen === null) return null;
  const hostname = { "0.0.0.0": "127.0.0.1", "::": "::1" }[listen.hostname] ?? listen.hostname;
  const address = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${listen.port}`;
  return await answersAsTinyforge(address) ? `it answers on ${address}` : null;
}

/**
 * Refuses to write to a second index that nobody asked for.
 *
 * @throws {CommandError}
 */
export async function refuseSecondIndex(config: Config): Promise<void> {
  const where = await otherDaemon(config);
  if (where === null) return;
  throw new CommandError(
    `Cannot write to ${
      quotePath(config.dataDir)
    }: another user's Tinyforge keeps the index of this ` +
      `host (${where}), and this would be a second one`,
    { exitCode: EXIT.usage, code: "other-daemon", hint: otherDaemonHint(config) },
  );
}

/** What to do to reach it. */
export function otherDaemonHint({ dataDir }: Config): string {
  return "use sudo, or have it started with --socket-group and a group of yours; to keep an index " +
    `of your own besides, say so with --data-dir ${quotePath(dataDir)}`;
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

/**
 * Whether this host lets Tinyforge work: the data directory, and which Engines there are. Looks, and
 * changes nothing.
 *
 * @module
 */

import { DEFAULT_SOCKET, type DockerHost, socketCandidates } from "../docker_host.ts";
import { shellWord } from "../shell_word.ts";
import { sizeText } from "../size.ts";
import { freeBytes, networkFileSystem } from "../system/disk.ts";
import { DATABASE, lookAtSocket } from "../system/files.ts";
import { distrust } from "../system/private.ts";
import { quotePath } from "../text.ts";
import { type Finding, named } from "./finding.ts";

/** Less room than this is too little for a backup, and less than the second for a write. */
const ROOM = 256 << 20;
const LEAST_ROOM = 16 << 20;

/** What a file system answers; for tests that can't make their own. */
export interface FileSystems {
  /** Bytes that may still be written there; null where nobody can tell. */
  readonly free: (path: string) => number | null;
  /** Name of the network file system; null where it is none. */
  readonly network: (path: string) => string | null;
}

const SYSTEM: FileSystems = { free: freeBytes, network: networkFileSystem };

/** The data directory, which is there. */
export async function dataDirFindings(
  dataDir: string,
  { free, network }: FileSystems = SYSTEM,
): Promise<Finding[]> {
  const found: Finding[] = [];
  const add = (finding: Omit<Finding, "group">) => found.push({ group: "data", ...finding });
  const where = shellWord(dataDir);
  const info = await Deno.stat(dataDir);
  const database = await Deno.lstat(`${dataDir}/${DATABASE}`).catch(() => null);
  const owner = info.uid;
  if (database !== null && database.uid !== owner) {
    add({
      code: "data-dir-owner",
      severity: "failure",
      what: `${quotePath(dataDir)} is user ${owner}'s and its database user ${database.uid}'s`,
      why: "a daemon of either can't use both",
      do: `\`chown -R ${owner} ${where}\``,
    });
  }
  if (((info.mode ?? 0) & 0o077) !== 0) {
    add({
      code: "data-dir-mode",
      severity: distrust(dataDir, info)?.wrong === "writers" ? "failure" : "warning",
      what: `others than its owner may look into ${quotePath(dataDir)}`,
      why: "webhook secrets and the access token stand there",
      do: `\`chmod 700 ${where}\``,
    });
  }
  const room = free(dataDir);
  if (room !== null && room < ROOM) {
    add({
      code: "data-dir-room",
      severity: room < LEAST_ROOM ? "failure" : "warning",
      what: `${sizeText(room)} are free where ${quotePath(dataDir)} is`,
      why: "a full disk lets nothing be written: the index stays as it was",
      do: `free some space; \`du -xh ${where}\` shows what is there`,
    });
  }
  const type = network(dataDir);
  if (type !== null) {
    add({
      code: "data-dir-network",
      severity: "warning",
      what: `${quotePath(dataDir)} is on ${type}, which another machine keeps`,
      why: "locks and syncs may not hold there, and with them neither the index",
      do: "choose a --data-dir on a local disk",
    });
  }
  return found;
}

/** Sockets of other Engines than the one that is used. */
export async function otherEngines(
  docker: DockerHost,
  env: (name: string) => string | undefined,
): Promise<Finding[]> {
  const real = (path: string) => Deno.realPath(path).catch(() => path);
  const used = docker.kind === "unix" ? await real(docker.path) : null;
  const others = new Set<string>();
  for (const path of new Set([DEFAULT_SOCKET, ...socketCandidates(env)])) {
    const look = lookAtSocket(path);
    if (look !== "usable" && look !== "forbidden") continue;
    const at = await real(path);
    if (at !== used) others.add(at);
  }
  if (others.size === 0) return [];
  const [first = ""] = others;
  return [{
    code: "other-engines",
    severity: "info",
    group: "engine",
    what: `there are other Engines on this host: ${named([...others].map((p) => quotePath(p)))}`,
    why: "their containers are not in this index",
    do: `if one of them is meant: --docker-host ${shellWord(`unix://${first}`)}`,
  }];
}

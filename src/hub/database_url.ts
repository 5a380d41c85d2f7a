/**
 * Where a hub's database is and how it is spoken with, as its URL says: encrypted and verified unless
 * it is on this machine or the URL says otherwise. Connects to nothing.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { isLoopback } from "../loopback.ts";
import { unreadableReason } from "../system/files.ts";
import { distrust } from "../system/private.ts";
import { quotePath } from "../text.ts";
import type { DatabaseHost } from "./database_socket.ts";

/** What is connected with. */
export interface DatabaseAddress {
  /** `postgres://…` of one host, without what is told beside it. */
  readonly url: string;
  /** Where servers may be, at least one. */
  readonly hosts: readonly DatabaseHost[];
  /** Null: not encrypted. */
  readonly tls: DatabaseTls | null;
}

/** How the database's certificate is verified. */
export interface DatabaseTls {
  /** Path of a PEM file with the authority that signed it; null: one that the system trusts. */
  readonly authority: string | null;
}

/** What `sslmode` can be; libpq's that would encrypt and believe anyone are none of them. */
const MODES = ["disable", "require", "verify-ca", "verify-full"];

/** Longest file, bytes. */
const MAX_FILE = 16 << 10;

/**
 * Understands a URL; it may name several hosts, `postgres://user@a,b/name`.
 *
 * @throws {Failure} `hub-database`
 */
export function databaseAddress(text: string): DatabaseAddress {
  const parts = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(text);
  if (parts === null) throw wrong("its URL is none: postgres://user@host/name");
  const [, login, authority, path = "", search = ""] = parts;
  const query = new URLSearchParams(search);
  const [mode, ca] = [query.get("sslmode"), query.get("sslrootcert")];
  if (mode !== null && !MODES.includes(mode)) {
    const modes = MODES.join(", ");
    throw wrong(`sslmode is one of ${modes}: others believe whoever is on the way`);
  }
  query.delete("sslmode");
  query.delete("sslrootcert");
  // Of several hosts the one that can be written to is meant, whether or not that is said.
  const attributes = query.get("target_session_attrs") ?? "primary";
  if (!/^(?:any|primary|read-write)$/.test(attributes)) {
    throw wrong("target_session_attrs is primary: a hub writes");
  }
  query.delete("target_session_attrs");
  const hosts = authority!.split(",").map(hostOf);
  const plain = mode === "disable" || mode === null && ca === null && hosts.every(isHere);
  const rest = query.size === 0 ? "" : `?${query}`;
  return {
    // The driver would take one host after the other without end and without a pause.
    url: `${login}127.0.0.1${path}${rest}`,
    hosts,
    tls: plain ? null : { authority: ca === "system" ? null : ca },
  };
}

const PORT = 5432;

function hostOf(text: string): DatabaseHost {
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (name === undefined) throw wrong("its URL has a host that is none");
  const host = decoded(name.replace(/^\[|\]$/g, "")) || variable("PGHOST") || "localhost";
  const number = Number(port ?? variable("PGPORT") ?? PORT);
  return host.startsWith("/") ? { path: `${host}/.s.PGSQL.${number}` } : { host, port: number };
}

/** Whether that is on this machine. */
function isHere(host: DatabaseHost): boolean {
  return "path" in host || isLoopback(host.host);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong("its URL has a host that is none");
  }
}

function variable(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

/** Whether a URL has a password in it. */
export function hasPassword(text: string): boolean {
  return /^[a-z]+:\/\/[^@/?#]*:[^@/?#]+@/.test(text) || /[?&]password=/.test(text);
}

/**
 * The URL that stands in a file of its own, which only root and this user may write to.
 *
 * @throws {Failure} `hub-database`
 */
export async function readDatabaseUrl(path: string): Promise<string> {
  const text = await readTrusted(path);
  if (text !== "" && !/\s/.test(text)) return text;
  throw wrong(`${quotePath(path)} can't be used: it has more or less than one URL`);
}

/**
 * The text of a small file that only root and this user may write to, without what is blank around it.
 *
 * @throws {Failure} `hub-database`
 */
export async function readTrusted(path: string): Promise<string> {
  const unusable = (reason: string, cause?: unknown) =>
    wrong(`${quotePath(path)} can't be used: ${reason}`, cause);
  let info: Deno.FileInfo;
  let text: string;
  try {
    info = await Deno.stat(path);
    if (info.size > MAX_FILE) throw new RangeError("it is too long");
    text = (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    throw unusable(unreadableReason(cause), cause);
  }
  const distrusted = distrust(path, info);
  if (distrusted !== null) throw unusable(distrusted.reason);
  return text;
}

function wrong(reason: string, cause?: unknown): Failure {
  return new Failure("hub-database", `Cannot use the database: ${reason}`, { data: {}, cause });
}

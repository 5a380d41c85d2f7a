/**
 * Where notifications may go: resolves a name once, refuses what must not be dialled, and begins
 * connections to the very address that was judged, so that a name that means something else a moment
 * later gains nothing. Must not read the environment: a proxy is given, or there is none.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { isAddress, refusalOf } from "./address.ts";

/** Where to. */
export interface DialTarget {
  /** Name or address; an IPv6 address with or without brackets. */
  readonly hostname: string;
  /** 1–65535. */
  readonly port: number;
  /** Whether it may be this machine. */
  readonly allowLoopback: boolean;
}

/** Opens connections to addresses that may be dialled. */
export interface Dialer {
  /** What requests go through, or null: then they go to an address that was judged. */
  readonly proxy: URL | null;
  /** PEM texts of authorities to trust besides the usual ones. */
  readonly caCerts: readonly string[];
  /** The addresses of a target, all of which may be dialled. Throws {@linkcode DialError}. */
  resolve(target: DialTarget, options: { readonly signal: AbortSignal }): Promise<string[]>;
}

/** What a dialer is made of. */
export interface DialerOptions {
  /** Every address of a name. Default: the system's resolver, `/etc/hosts` included. */
  readonly lookup?: (hostname: string) => Promise<string[]>;
  /** `http://[user:password@]host:port` or `https://…`; it is trusted, and not judged. */
  readonly proxy?: URL;
  /** PEM texts of authorities to trust besides the usual ones. */
  readonly caCerts?: readonly string[];
}

/** Why there is no answer; words for a person are chosen where it is shown. */
export type DialCause =
  /** No complete answer in time. */
  | "timeout"
  /** The name can't be resolved. */
  | "name"
  /** No connection could be made, or it broke. */
  | "connection"
  /** The receiver's certificate can't be trusted, or it offers no encryption. */
  | "tls"
  /** The address must not be dialled. */
  | "address"
  /** The channel's settings can't be used. */
  | "settings";

/** Why no connection could be made. The message holds no more of the target than its host. */
export class DialError extends Error {
  /** Tells this error from others. */
  override readonly name = "DialError";
  /** What it means for the message. */
  readonly why: DialCause;

  /** `cause` is what was caught. */
  constructor(why: DialCause, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.why = why;
  }
}

/** A dialer. Nothing is opened before it is asked. */
export function createDialer(options: DialerOptions = {}): Dialer {
  const lookup = options.lookup ?? systemLookup;
  const resolve: Dialer["resolve"] = async (target, { signal }) => {
    const hostname = withoutBrackets(target.hostname);
    const addresses = isAddress(hostname)
      ? [hostname]
      : await abortable(resolved(hostname, lookup), signal);
    // One bad address spoils them all: which of them is dialled is not the name's to decide.
    for (const address of addresses) {
      const refusal = refusalOf(address, target);
      if (refusal !== null) throw refused(hostname, address, refusal);
    }
    return addresses;
  };
  return { resolve, proxy: options.proxy ?? null, caCerts: options.caCerts ?? [] };
}

/**
 * Begins to connect to an address; `hostname` is the name that a certificate must be for, null for
 * no encryption. The socket tells by `connect`, then `secureConnect`, else `error`.
 */
export function openSocket(
  address: string,
  port: number,
  options: { readonly hostname: string | null; readonly caCerts: readonly string[] },
): Socket {
  const { hostname, caCerts } = options;
  if (hostname === null) return connect({ host: address, port });
  const name = withoutBrackets(hostname);
  return connectSecurely({
    host: address,
    port,
    ...nameOf(name),
    ...(caCerts.length > 0 && { ca: [...caCerts] }),
  });
}

/** As a certificate has it; that of an address is not named, but the address itself. */
export function nameOf(hostname: string): { servername?: string } {
  return isAddress(hostname) ? {} : { servername: hostname };
}

/** Whether an error of a connection is about encryption: there is no better sign of it. */
export function isAboutEncryption(error: unknown): boolean {
  return error instanceof Error &&
    /certificate|altnames|TLS|SSL/i.test(`${(error as { code?: string }).code} ${error.message}`);
}

async function systemLookup(hostname: string): Promise<string[]> {
  // Loaded with the first message: nothing else of the program resolves names.
  const { lookup } = await import("node:dns/promises");
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}

async function resolved(
  hostname: string,
  lookup: (hostname: string) => Promise<string[]>,
): Promise<string[]> {
  let addresses: string[];
  try {
    addresses = await lookup(hostname);
  } catch (error) {
    throw new DialError("name", `Cannot resolve ${JSON.stringify(hostname)}`, error);
  }
  if (addresses.length === 0) {
    throw new DialError("name", `Cannot resolve ${JSON.stringify(hostname)}: it has no address`);
  }
  return addresses;
}

function refused(hostname: string, address: string, refusal: string): DialError {
  const what = hostname === address ? address : `${hostname} (${address})`;
  return new DialError("address", `Cannot dial ${what}: ${refusal} addresses are refused`);
}

/** An IPv6 address as it is dialled; whatever else is the same. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Settles with the promise, or rejects with the signal's reason as soon as that aborts. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

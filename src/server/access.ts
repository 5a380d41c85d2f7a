/**
 * What may ask over TCP: the host that the request names, the site that it comes from. The unix
 * socket needs none of it: its file mode is the check. Who asks is not this file's to know.
 *
 * @module
 */

import { isLoopback } from "../loopback.ts";
import { quote } from "../text.ts";
import { ProblemDetails } from "./problem_details.ts";

/** What a listener demands. */
export interface AccessRules {
  /** The token in the file, which opens everything. */
  readonly token: string;
  /** One that opens `/metrics` alone; null without. */
  readonly metricsToken: string | null;
  /** Lower-case names and addresses without port; IPv6 without brackets. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** Where a request came in. */
export interface Entrance {
  /** Which of the two; each has room for so many live feeds. */
  readonly name: "tcp" | "socket";
  /** What is demanded there; null where reaching it is permission enough. */
  readonly rules: AccessRules | null;
  /** IP address of who asks, `… via …` a proxy; null over the socket and within this process. */
  readonly remote: string | null;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** Whether it comes from this process itself. */
  readonly inside: boolean;
  /** User id of who asks over the socket, asked while it is open; null where nobody knows. */
  user(): number | null;
}

/** Within this process. */
export const TRUSTED: Entrance = {
  ...{ name: "socket", rules: null, remote: null, secure: false, inside: true },
  user: () => null,
};

/**
 * The same entrance with who a proxy says that it asks for. Believed of a proxy on this host alone,
 * and where people come through one; what it is believed of is told with it.
 */
export function seenThrough(
  entrance: Entrance,
  request: Request,
  { baseUrl }: { readonly baseUrl: URL | null },
): Entrance {
  const { remote } = entrance;
  if (baseUrl === null || remote === null || !isLoopback(remote)) return entrance;
  // What stands before the last one was said by whoever came to the proxy.
  const last = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  if (!/^[0-9a-f.:]{3,45}$/i.test(last)) return entrance;
  return { ...entrance, remote: `${last} via ${remote}` };
}

/** Methods that change nothing, so that a foreign page may cause them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a method changes nothing. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/**
 * Refuses a request for a host that is not ours: a page whose name was rebound to our address is
 * same-origin to its browser, but the browser still sends that name.
 *
 * @throws {ProblemDetails} `forbidden-host`.
 */
export function checkHost(request: Request, rules: AccessRules): void {
  // HTTP/2 has no Host header; there the authority stands in the URL.
  const host = request.headers.get("host") ?? authority(request.url);
  const name = hostName(host);
  if (name !== null && rules.allowedHosts.has(name)) return;
  throw new ProblemDetails(
    "forbidden-host",
    `Cannot answer for host ${quote(host, 128)}: it is not on the list`,
    { hint: "ask for a host that is on the daemon's list of allowed hosts" },
  );
}

/**
 * Refuses what changes something and was caused by a page of another site.
 *
 * @throws {ProblemDetails} `forbidden-origin`.
 */
export function checkOrigin(request: Request, own: { readonly baseUrl: URL | null }): void {
  if (isSafe(request.method)) return;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const foreign = site !== null && site !== "same-origin" && site !== "none"
    ? `Sec-Fetch-Site is ${quote(site, 32)}`
    : origin !== null && !isOwnOrigin(origin, request, own)
    ? `Origin is ${quote(origin, 128)}`
    : null;
  if (foreign === null) return;
  throw new ProblemDetails(
    "forbidden-origin",
    `Cannot let another site change anything: ${foreign}`,
  );
}

/**
 * Whether a page of this origin is ours. Scheme aside, because whoever terminates TLS in front of us
 * changes it; one that changes the host too is known by where people reach it.
 */
export function isOwnOrigin(
  origin: string,
  request: Request,
  { baseUrl }: { readonly baseUrl: URL | null },
): boolean {
  if (baseUrl !== null && origin === baseUrl.origin) return true;
  const own = (request.headers.get("host") ?? authority(request.url)).toLowerCase();
  return /^https?:\/\//.test(origin) && authority(origin).toLowerCase() === own;
}

/** What stands between the scheme and the path. */
function authority(url: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
}

/** The name or address of a Host header, lower case, or null when it is none. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+?)\.?)(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

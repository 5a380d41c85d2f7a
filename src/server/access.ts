/**
 * Who may ask over TCP: the host that the request names, the site that it comes from, the token
 * that it carries. The unix socket needs none of it: its file mode is the check.
 *
 * @module
 */

import { isSameSecret } from "../secret.ts";
import { quote } from "../text.ts";
import { Problem } from "./problem.ts";

/** What a listener demands. */
export interface AccessRules {
  /** The token that opens everything. */
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
  /** IP address of who asks; null over the socket and within this process. */
  readonly remote: string | null;
}

/** Within this process, and over the socket. */
export const TRUSTED: Entrance = { name: "socket", rules: null, remote: null };

/** Methods that change nothing, so that a foreign page may cause them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a request for a host that is not ours: a page whose name was rebound to our address is
 * same-origin to its browser, but the browser still sends that name.
 *
 * @throws {Problem} `forbidden-host`.
 */
export function checkHost(request: Request, rules: AccessRules): void {
  // HTTP/2 has no Host header; there the authority stands in the URL.
  const host = request.headers.get("host") ?? authority(request.url);
  const name = hostName(host);
  if (name !== null && rules.allowedHosts.has(name)) return;
  throw new Problem(
    "forbidden-host",
    `Cannot answer for host ${quote(host, 128)}: it is not on the list`,
    { hint: "ask for a host that is on the daemon's list of allowed hosts" },
  );
}

/**
 * Refuses what changes something and was caused by a page of another site.
 *
 * @throws {Problem} `forbidden-origin`.
 */
export function checkOrigin(request: Request): void {
  if (SAFE_METHODS.has(request.method)) return;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const foreign = site !== null && site !== "same-origin" && site !== "none"
    ? `Sec-Fetch-Site is ${quote(site, 32)}`
    : origin !== null && !isOwnOrigin(origin, request)
    ? `Origin is ${quote(origin, 128)}`
    : null;
  if (foreign === null) return;
  throw new Problem("forbidden-origin", `Cannot let another site change anything: ${foreign}`);
}

/**
 * Refuses a request without the token, or for metrics without one of the two.
 *
 * @throws {Problem} `unauthorized`.
 */
export function checkToken(
  request: Request,
  rules: AccessRules,
  { forMetrics = false }: { forMetrics?: boolean } = {},
): void {
  const given = request.headers.get("authorization");
  const token = given === null ? null : /^Bearer +(\S+) *$/i.exec(given)?.[1] ?? "";
  if (token !== null && isSameSecret(token, rules.token)) return;
  const { metricsToken } = rules;
  if (token !== null && metricsToken !== null && isSameSecret(token, metricsToken)) {
    if (forMetrics) return;
    throw new Problem("unauthorized", "Cannot answer: this token is for /metrics alone", {
      headers: CHALLENGE,
    });
  }
  throw new Problem(
    "unauthorized",
    `Cannot answer: ${token === null ? "no token" : "wrong token"}`,
    {
      hint: "send `Authorization: Bearer …` with what stands in the file `token` of the data " +
        "directory, or use the socket there",
      headers: CHALLENGE,
    },
  );
}

const CHALLENGE: Readonly<Record<string, string>> = {
  "www-authenticate": 'Bearer realm="tinyforge"',
};

/** Scheme aside, because whoever terminates TLS in front of us changes it. */
function isOwnOrigin(origin: string, request: Request): boolean {
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

/**
 * What the value of a setting means: addresses, names, paths, keys. Each adds what is wrong to the
 * problems, so that all are told together. Reads nothing but the value.
 *
 * @module
 */

import type { GivenSetting, SettingProblem } from "./failure.ts";
import type { FlagName } from "./flags.ts";
import { RETENTION } from "./model/past.ts";
import { hasControls } from "./text.ts";
/** A setting that is used otherwise than given, and how. */
export interface SettingNote extends GivenSetting {
  /** What is used instead, and why. */
  readonly used: string;
}

/** A TCP address to listen on. */
export interface ListenAddress {
  /** Name or IP address; IPv6 without brackets. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** How others reach what runs here. */
export interface RouteSettings {
  /** Name or address of this host, for who asks for a published port; IPv6 without brackets. */
  readonly address: string;
  /** The network in which containers are reached at their own address; null: none. */
  readonly network: string | null;
  /** What subdomains without a dot are below, lower case; null: they are complete. */
  readonly domain: string | null;
  /** How people reach host names. */
  readonly scheme: "http" | "https";
}

/** A value and what gave it. */
export interface Setting extends GivenSetting {
  /** As it was given. */
  readonly value: string;
}

const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "::1"];
const ANY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];

/** Where to listen over TCP; null: nowhere. */
export function readListen(
  setting: Setting | undefined,
  problems: SettingProblem[],
): ListenAddress | null {
  if (setting === undefined) return { hostname: "127.0.0.1", port: 7475 };
  const { value } = setting;
  if (value === "none") return null;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(value);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (hostname === "") {
    problems.push({
      ...setting,
      reason: `no host; write "127.0.0.1:${port}", or "0.0.0.0:${port}" to listen on every address`,
    });
  } else if (hostname === undefined || !(port <= 65535)) {
    problems.push({
      ...setting,
      reason: 'not an address; write "127.0.0.1:7475", "[::1]:7475" or "none"',
    });
  }
  return { hostname: hostname?.toLowerCase() ?? "", port };
}

/** The names that requests may be for, lower case. */
export function readAllowedHosts(
  setting: Setting | undefined,
  { listen, baseUrl }: { readonly listen: ListenAddress | null; readonly baseUrl: URL | null },
  problems: SettingProblem[],
  notes: SettingNote[],
): readonly string[] {
  const named = baseUrl === null ? [] : [baseUrl.hostname.replace(/^\[|\]$/g, "")];
  if (setting === undefined) {
    if (listen === null) return [...LOOPBACK_NAMES, ...named];
    if (ANY_ADDRESS.includes(listen.hostname) && baseUrl === null) {
      notes.push({
        setting: "allowed-hosts",
        variable: null,
        value: null,
        used: "listening on every address, but only loopback names are allowed as host",
      });
      return LOOPBACK_NAMES;
    }
    const own = ANY_ADDRESS.includes(listen.hostname) ? [] : [listen.hostname];
    return [...new Set([...LOOPBACK_NAMES, ...own, ...named])];
  }
  const names = setting.value.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) {
    problems.push({ ...setting, reason: "empty" });
  }
  const allowed = names.map((name) => {
    const match = /^(?:\[?([0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]?|([A-Za-z0-9_.-]+))$/.exec(
      name,
    );
    if (match === null) {
      problems.push({
        ...setting,
        value: name,
        reason: "not a host name; write names or addresses without port, separated by commas",
      });
    }
    return (match?.[1] ?? name).toLowerCase();
  });
  return [...new Set([...allowed, ...named])];
}

/** An absolute path; null when it is not set. */
export function readAbsolute(
  setting: Setting | undefined,
  problems: SettingProblem[],
): string | null {
  if (setting === undefined) return null;
  const { value } = setting;
  // A service is started in another directory than the one it was tried in.
  if (!value.startsWith("/") || hasControls(value)) {
    problems.push({ ...setting, reason: "not an absolute path" });
  }
  return value.replace(/(?<=.)\/+$/, "");
}

/** Whether each is a key that can be encrypted to is found out by whoever encrypts. */
export function readRecipients(
  setting: Setting | undefined,
  problems: SettingProblem[],
): readonly string[] {
  const keys = setting?.value.split(",").map((key) => key.trim()).filter((key) => key !== "") ?? [];
  const wrong = keys.find((key) => !/^age1[0-9a-z]{50,}$/.test(key));
  if (setting !== undefined && (wrong !== undefined || keys.length === 0)) {
    const reason = wrong?.startsWith("AGE-SECRET-KEY-")
      ? "a private key; write the public key that belongs to it, age1…"
      : "not a public key of age; write age1…";
    // A private key that was given by mistake must not get into a log.
    problems.push({ ...setting, value: wrong?.startsWith("age1") ? wrong : null, reason });
  }
  return keys;
}

/** An address over HTTP. It may be a secret, so that what is wrong with it is told without it. */
export function readUrl(setting: Setting | undefined, problems: SettingProblem[]): URL | null {
  if (setting === undefined) return null;
  const url = URL.parse(setting.value);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  problems.push({ ...setting, value: null, reason: "not an http or https URL" });
  return null;
}

/** Where people reach the daemon: what stands before every path, and no more. */
export function readBaseUrl(setting: Setting | undefined, problems: SettingProblem[]): URL | null {
  const url = readUrl(setting, problems);
  if (url === null || setting === undefined) return url;
  if (url.username === "" && url.password === "" && url.search === "" && url.hash === "") {
    return url;
  }
  const reason = "more than scheme, host, port and path; write https://ops.example/tinyforge";
  // It may hold a secret.
  problems.push({ ...setting, value: null, reason });
  return null;
}

/** The two files of a certificate; null when neither is named. */
export function readTls(
  given: (name: FlagName) => Setting | undefined,
  problems: SettingProblem[],
): { readonly cert: string; readonly key: string } | null {
  const [certSetting, keySetting] = [given("tls-cert"), given("tls-key")];
  const cert = readAbsolute(certSetting, problems);
  const key = readAbsolute(keySetting, problems);
  if (cert !== null && key !== null) return { cert, key };
  const alone = certSetting ?? keySetting;
  if (alone !== undefined) {
    const other = certSetting === undefined ? "tls-cert" : "tls-key";
    problems.push({ ...alone, reason: `of no use without ${other}` });
  }
  return null;
}

/** What is asked while all is well, and while it is not. */
export function readHeartbeat(
  given: (name: FlagName) => Setting | undefined,
  problems: SettingProblem[],
): { readonly url: URL; readonly failUrl: URL | null } | null {
  const failing = given("heartbeat-fail-url");
  const url = readUrl(given("heartbeat-url"), problems);
  const failUrl = readUrl(failing, problems);
  if (url !== null) return { url, failUrl };
  if (failing !== undefined) {
    problems.push({ ...failing, value: null, reason: "of no use without heartbeat-url" });
  }
  return null;
}

/** How others reach what runs here. */
export function readRoutes(
  given: (name: FlagName) => Setting | undefined,
  problems: SettingProblem[],
): RouteSettings {
  const [address, network, domain] = [
    given("route-address"),
    given("route-network"),
    given("route-domain"),
  ];
  const bare = address?.value.replace(/^\[(.*)\]$/, "$1").toLowerCase() ?? "127.0.0.1";
  if (
    !/^(?:[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)$/.test(bare)
  ) {
    problems.push({ ...address!, reason: "not a host name or address without port" });
  }
  if (network !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(network.value)) {
    problems.push({ ...network, reason: "not a name of a network" });
  }
  const below = domain?.value.toLowerCase() ?? null;
  if (
    below !== null && !/^(?=.{1,190}$)[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_][a-z0-9_-]*)*$/.test(below)
  ) {
    problems.push({ ...domain!, reason: "not a domain; write it as in example.org" });
  }
  const scheme = readChoice(given("route-scheme"), ["http", "https"], problems) ?? "https";
  return { address: bare, network: network?.value ?? null, domain: below, scheme };
}

/** How long the past is kept, seconds: an hour to ten years. */
export function readHistoryAge(setting: Setting | undefined, problems: SettingProblem[]): number {
  if (setting === undefined) return RETENTION.maxAgeSeconds;
  const [, number, unit] = /^(\d{1,6})(h|d)$/.exec(setting.value) ?? [];
  const seconds = Number(number) * (unit === "d" ? 86_400 : 3600);
  if (seconds >= 3600 && seconds <= 3650 * 86_400) return seconds;
  problems.push({ ...setting, reason: 'not a time from 1h to 3650d; write "12h" or "30d"' });
  return RETENTION.maxAgeSeconds;
}

/** How many changes are kept: a thousand to a million. */
export function readHistoryCount(setting: Setting | undefined, problems: SettingProblem[]): number {
  if (setting === undefined) return RETENTION.maxCount;
  const count = /^\d{1,9}$/.test(setting.value) ? Number(setting.value) : NaN;
  if (count >= 1000 && count <= 1_000_000) return count;
  problems.push({ ...setting, reason: "not a whole number from 1000 to 1000000" });
  return RETENTION.maxCount;
}

/** One of these words. */
export function readChoice<Choice extends string>(
  setting: Setting | undefined,
  choices: readonly Choice[],
  problems: SettingProblem[],
): Choice | undefined {
  const choice = choices.find((choice) => choice === setting?.value);
  if (setting !== undefined && choice === undefined) {
    problems.push({ ...setting, reason: `not one of ${choices.join(", ")}` });
  }
  return choice;
}

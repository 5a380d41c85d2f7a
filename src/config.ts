/**
 * What the program is told: flags beat environment beats default, read once and checked as a
 * whole, so that every problem is reported at the same time.
 * Must not open, create or connect to anything: it turns text into values.
 *
 * @module
 */

import { CONFIG_FLAGS, type FlagName } from "./flags.ts";
import { effectiveUid } from "./system/libc.ts";

/** Where the Engine is said to be; what the text means is the Docker client's business. */
export interface DockerSettings {
  /** The address as given, null to look for a socket. */
  readonly host: string | null;
  /** The flag or variable that gave it, for messages; null without one. */
  readonly givenBy: string | null;
  /** `DOCKER_TLS_VERIFY` is set to anything, as Docker's own client reads it. */
  readonly tlsVerify: boolean;
  /** `DOCKER_CERT_PATH`. */
  readonly certPath: string | null;
}

/** A TCP address to listen on. */
export interface ListenAddress {
  /** Name or IP address; IPv6 without brackets. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** The validated configuration. */
export interface Config {
  /** As given: not created, not checked. */
  readonly dataDir: string;
  /** Where the Engine is. */
  readonly docker: DockerSettings;
  /** Milliseconds between two full passes, 1 to 300,000. */
  readonly intervalMs: number;
  /** Compose projects whose name begins so are taken for stacks. */
  readonly composePrefix: string;
  /** Null: no TCP listener. */
  readonly listen: ListenAddress | null;
  /** Lower-case host names and addresses without port; IPv6 without brackets. */
  readonly allowedHosts: readonly string[];
  /** The least important level to log. */
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** How log lines are written. */
  readonly logFormat: "text" | "json";
  /** What was understood otherwise than written; to be logged once. */
  readonly notes: readonly string[];
}

/** Where {@link resolveConfig} reads from. */
export interface ConfigSources {
  /** Flag values as typed; a flag that was not given is absent. */
  readonly flags: { readonly [name in FlagName]?: string | undefined };
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Whether this process is root. Asks the system by default. */
  readonly isRoot?: () => boolean;
  /** Throws an error with a hint for an Engine's address that can't be used. */
  readonly checkDockerHost?: (address: string) => unknown;
  /** Whether messages go to a terminal. Asks stderr by default. */
  readonly isTerminal?: () => boolean;
}

/** The configuration can't be used; lists everything that is wrong with it. */
export class ConfigError extends Error {
  /** Tells this error from others after it was serialized. */
  override readonly name = "ConfigError";
  /** One sentence for each problem. */
  readonly problems: readonly string[];
  /** What to do about it. */
  readonly hint: string;

  /** Takes at least one problem. */
  constructor(
    problems: readonly string[],
    hint = "tinyforge help lists every flag with its variable and default",
  ) {
    super(
      problems.length === 1
        ? problems[0]
        : `Cannot use the configuration: ${problems.length} problems\n` +
          problems.map((problem) => `  - ${problem}`).join("\n"),
    );
    this.problems = problems;
    this.hint = hint;
  }
}

const DEFAULT_INTERVAL_MS = 30_000;
const MAX_INTERVAL_MS = 300_000;
const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "::1"];
const ANY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Reads, checks and completes the configuration; throws {@link ConfigError}. */
export function resolveConfig(sources: ConfigSources): Config {
  const problems: string[] = [];
  const notes: string[] = [];
  const given = (name: FlagName) => findSetting(sources, name, problems);

  const listen = readListen(given("listen"), problems);
  const docker = given("docker-host");
  const config: Config = {
    dataDir: readDataDir(given("data-dir"), sources, problems),
    docker: {
      host: docker?.value ?? null,
      givenBy: docker?.from ?? null,
      tlsVerify: Boolean(sources.env("DOCKER_TLS_VERIFY")),
      certPath: sources.env("DOCKER_CERT_PATH") || null,
    },
    intervalMs: readInterval(given("interval"), problems, notes),
    composePrefix: readComposePrefix(given("compose-prefix"), problems),
    listen,
    allowedHosts: readAllowedHosts(given("allowed-hosts"), listen, problems, notes),
    logLevel: readChoice(given("log-level"), ["debug", "info", "warn", "error"], problems) ??
      "info",
    logFormat: readChoice(given("log-format"), ["text", "json"], problems) ??
      ((sources.isTerminal ?? (() => Deno.stderr.isTerminal()))() ? "text" : "json"),
    notes,
  };
  const unusable = docker && addressError(docker, sources);
  if (unusable) problems.push(unusable.message);
  if (problems.length > 0) {
    throw new ConfigError(problems, problems.length === 1 ? unusable?.hint : undefined);
  }
  return config;
}

/** What is wrong with the Engine's address, and who gave it. */
function addressError(
  { value, from }: Setting,
  { checkDockerHost }: ConfigSources,
): { message: string; hint?: string } | undefined {
  try {
    checkDockerHost?.(value);
    return undefined;
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    return { message: `${message} (${from})`, ...(hint !== undefined && { hint }) };
  }
}

/** Milliseconds of `500ms`, `30s`, `1.5m`; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  if (/^[+-]?0+$/.test(text)) return 0;
  const match = /^([+-]?\d{1,12}(?:\.\d{1,6})?)(ms|s|m)$/.exec(text);
  return match === null ? null : Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** A value and what gave it. */
interface Setting {
  readonly value: string;
  readonly from: string;
}

function findSetting(
  sources: ConfigSources,
  name: FlagName,
  problems: string[],
): Setting | undefined {
  const flag = sources.flags[name];
  if (flag === "") problems.push(`Cannot use --${name}: it needs a value`);
  if (flag !== undefined) return flag === "" ? undefined : { value: flag, from: `--${name}` };
  for (const variable of CONFIG_FLAGS.find((flag) => flag.name === name)!.env) {
    // An empty variable is an unset one: that is how unit files and Compose files unset them.
    const value = sources.env(variable);
    if (value) return { value, from: variable };
  }
  return undefined;
}

function readDataDir(
  setting: Setting | undefined,
  sources: ConfigSources,
  problems: string[],
): string {
  const dataDir = setting?.value ?? defaultDataDir(sources);
  if (dataDir === null) {
    problems.push(
      "Cannot choose a data directory: neither HOME nor XDG_STATE_HOME is set; give --data-dir",
    );
    return "";
  }
  if (hasControls(dataDir)) {
    problems.push(
      `Cannot use ${setting?.from ?? "the data directory"} ${quote(dataDir)}: ` +
        "it has control characters",
    );
  }
  return dataDir.length > 1 ? dataDir.replace(/\/+$/, "") || "/" : dataDir;
}

function defaultDataDir({ env, isRoot = () => effectiveUid() === 0 }: ConfigSources) {
  // systemd lists several directories when the unit asks for several; the first is the main one.
  const stateDirectory = env("STATE_DIRECTORY")?.split(":")[0];
  if (stateDirectory) return stateDirectory;
  if (isRoot()) return "/var/lib/tinyforge";
  // A relative XDG path is to be ignored, says the specification.
  const stateHome = env("XDG_STATE_HOME");
  if (stateHome?.startsWith("/")) return `${stateHome.replace(/\/+$/, "")}/tinyforge`;
  const home = env("HOME");
  return home ? `${home.replace(/\/+$/, "")}/.local/state/tinyforge` : null;
}

function readInterval(
  setting: Setting | undefined,
  problems: string[],
  notes: string[],
): number {
  if (setting === undefined) return DEFAULT_INTERVAL_MS;
  const { value, from } = setting;
  const ms = parseDuration(value);
  if (ms === null) {
    const better = /^\d+$/.test(value) ? `"${value}s"` : '"500ms", "30s" or "5m"';
    problems.push(`Cannot use ${from} ${quote(value)}: not a time with a unit; write ${better}`);
    return DEFAULT_INTERVAL_MS;
  }
  if (ms <= 0) {
    notes.push(`${from} ${quote(value)} is not above zero: 30s is used`);
    return DEFAULT_INTERVAL_MS;
  }
  if (ms > MAX_INTERVAL_MS) {
    notes.push(`${from} ${quote(value)} is above the longest interval: 5m is used`);
    return MAX_INTERVAL_MS;
  }
  return Math.max(1, Math.round(ms));
}

function readComposePrefix(setting: Setting | undefined, problems: string[]): string {
  if (setting === undefined) return "tinyforge-";
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(setting.value)) {
    problems.push(
      `Cannot use ${setting.from} ${quote(setting.value)}: a Compose project name begins with a ` +
        "lower-case letter or digit and goes on with those, - and _",
    );
  }
  return setting.value;
}

function readListen(setting: Setting | undefined, problems: string[]): ListenAddress | null {
  if (setting === undefined) return { hostname: "127.0.0.1", port: 7475 };
  const { value, from } = setting;
  if (value === "none") return null;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(value);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (hostname === "") {
    problems.push(
      `Cannot use ${from} ${quote(value)}: no host; write "127.0.0.1:${port}", or ` +
        `"0.0.0.0:${port}" to listen on every address`,
    );
  } else if (hostname === undefined || !(port <= 65535)) {
    problems.push(
      `Cannot use ${from} ${quote(value)}: not an address; write "127.0.0.1:7475", ` +
        '"[::1]:7475" or "none"',
    );
  }
  return { hostname: hostname?.toLowerCase() ?? "", port };
}

function readAllowedHosts(
  setting: Setting | undefined,
  listen: ListenAddress | null,
  problems: string[],
  notes: string[],
): readonly string[] {
  if (setting === undefined) {
    if (listen === null) return LOOPBACK_NAMES;
    if (ANY_ADDRESS.includes(listen.hostname)) {
      notes.push(
        "listening on every address, but only loopback names are allowed as host: " +
          "name the others with --allowed-hosts",
      );
      return LOOPBACK_NAMES;
    }
    return [...new Set([...LOOPBACK_NAMES, listen.hostname])];
  }
  const names = setting.value.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length === 0) {
    problems.push(`Cannot use ${setting.from} ${quote(setting.value)}: empty`);
  }
  return names.map((name) => {
    const match = /^(?:\[?([0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]?|([A-Za-z0-9_.-]+))$/.exec(
      name,
    );
    if (match === null) {
      problems.push(
        `Cannot use ${setting.from} ${quote(name)}: not a host name; write names or addresses ` +
          "without port, separated by commas",
      );
    }
    return (match?.[1] ?? name).toLowerCase();
  });
}

function readChoice<Choice extends string>(
  setting: Setting | undefined,
  choices: readonly Choice[],
  problems: string[],
): Choice | undefined {
  const choice = choices.find((choice) => choice === setting?.value);
  if (setting !== undefined && choice === undefined) {
    problems.push(
      `Cannot use ${setting.from} ${quote(setting.value)}: not one of ${choices.join(", ")}`,
    );
  }
  return choice;
}

function hasControls(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /[\x00-\x1f\x7f-\x9f]/.test(text);
}

/** The value as a person can read it back: escaped and cut. */
function quote(value: string): string {
  const cut = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return JSON.stringify(cut);
}

/**
 * What the program is told: flags beat environment beats default, read once and checked as a
 * whole, so that every problem is reported at the same time.
 * Must not open, create or connect to anything: it turns text into values.
 *
 * @module
 */

import {
  type DockerHost,
  findDockerHost,
  parseDockerHost,
  type Surroundings,
} from "./docker_host.ts";
import { Failure, isFailure, type SettingProblem } from "./failure.ts";
import { CONFIG_FLAGS, type FlagName } from "./flags.ts";
import {
  type ListenAddress,
  readAbsolute,
  readAllowedHosts,
  readBaseUrl,
  readChoice,
  readHeartbeat,
  readHistoryAge,
  readHistoryCount,
  readListen,
  readRecipients,
  readRoutes,
  readTls,
  readUrl,
  type RouteSettings,
  type Setting,
  type SettingNote,
} from "./setting_values.ts";
import type { Retention } from "./model/past.ts";
import type { ProblemSettings } from "./model/problem_settings.ts";
import { readProblemSettings } from "./problem_setting_values.ts";
import { UNIT_MS } from "./span.ts";
import { defaultDataDir } from "./system/default_data_dir.ts";
import { lookAtSocket, readSmallFile, subfolders } from "./system/files.ts";
import { hostName } from "./system/host_name.ts";
import { groupId } from "./system/libc.ts";
import { hasControls, quote } from "./text.ts";

/** The validated configuration. */
export interface Config {
  /** As given: not created, not checked. */
  readonly dataDir: string;
  /** Where the Engine is. */
  readonly docker: DockerHost;
  /** Milliseconds between two full passes, 100 to 300,000. */
  readonly intervalMs: number;
  /** Compose projects whose name begins so are taken for stacks. */
  readonly composePrefix: string;
  /** Null: no TCP listener. */
  readonly listen: ListenAddress | null;
  /** Lower-case host names and addresses without port; IPv6 without brackets. */
  readonly allowedHosts: readonly string[];
  /** Absolute paths of what TLS is spoken with over TCP; null: HTTP without. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Where the daemon makes backups by itself, absolute; null: it makes none. */
  readonly backupDir: string | null;
  /** Public keys to encrypt backups to; none: they are not encrypted. */
  readonly backupRecipients: readonly string[];
  /** How much of the past is kept. */
  readonly history: Retention;
  /** How long what has to last before it is a problem, and before it is over. */
  readonly problemSettings: ProblemSettings;
  /** Absolute path of a file with a token for `/metrics` alone; null without. */
  readonly metricsTokenFile: string | null;
  /** Where the daemon makes its socket. */
  readonly socketDir: string;
  /** Id of the group that may use the socket too; null: this user and root alone. */
  readonly socketGroup: number | null;
  /** Whether {@link dataDir} is a default: nobody named it. */
  readonly dataDirIsDefault: boolean;
  /** How proxies and people reach what runs here. */
  readonly routes: RouteSettings;
  /** Where people reach the daemon, for links; null: no links. */
  readonly baseUrl: string | null;
  /** What notifications call this host, one line; null: nobody knows what it is called. */
  readonly hostName: string | null;
  /** Language of notifications. */
  readonly language: "en" | "ru";
  /** What notifications go through; null: nothing. Holds its login. */
  readonly notifyProxy: URL | null;
  /** Asked every minute while all is well, and while it is not; null: nothing is asked. Secret. */
  readonly heartbeat: { readonly url: URL; readonly failUrl: URL | null } | null;
  /** The least important level to log. */
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** How log lines are written. */
  readonly logFormat: "text" | "json";
  /** What was understood otherwise than written; to be logged once. */
  readonly notes: readonly SettingNote[];
}

/** Where {@link resolveConfig} reads from. */
export interface ConfigSources {
  /** Flag values as typed; a flag that was not given is absent. */
  readonly flags: { readonly [name in FlagName]?: string | undefined };
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Whether this process is root. Asks the system by default. */
  readonly isRoot?: () => boolean;
  /** Looks for an Engine where none is named. Looks at the file system by default. */
  readonly surroundings?: Omit<Surroundings, "env">;
  /** What this machine calls itself, or null. Asks the system by default. */
  readonly machineName?: () => string | null;
  /** Whether messages go to a terminal. Asks stderr by default. */
  readonly isTerminal?: () => boolean;
}

const DEFAULT_INTERVAL_MS = 30_000;
const MAX_INTERVAL_MS = 300_000;
/** Below it passes would follow each other without a pause on a host of some size. */
const MIN_INTERVAL_MS = 100;

/** Reads, checks and completes the configuration; throws {@link Failure} `config`. */
export function resolveConfig(sources: ConfigSources): Config {
  const problems: SettingProblem[] = [];
  const notes: SettingNote[] = [];
  const given = (name: FlagName) => findSetting(sources, name, problems);

  const listen = readListen(given("listen"), problems);
  const baseUrl = readBaseUrl(given("base-url"), problems);
  const namedDataDir = given("data-dir");
  const dataDir = readDataDir(namedDataDir, sources, problems);
  const socketGroup = readGroup(given("socket-group"), problems);
  // What systemd keeps for a service's data nobody else gets to; there it makes this one for us.
  const runtimeDir = socketGroup === null ? undefined : sources.env("RUNTIME_DIRECTORY");
  const config: Config = {
    dataDir,
    socketDir: runtimeDir?.split(":")[0] || dataDir,
    socketGroup,
    dataDirIsDefault: namedDataDir === undefined && !sources.env("STATE_DIRECTORY"),
    intervalMs: readInterval(given("interval"), problems, notes),
    composePrefix: readComposePrefix(given("compose-prefix"), problems),
    listen,
    allowedHosts: readAllowedHosts(given("allowed-hosts"), { listen, baseUrl }, problems, notes),
    tls: readTls(given, problems),
    backupDir: readAbsolute(given("backup-dir"), problems),
    backupRecipients: readRecipients(given("backup-recipients"), problems),
    history: {
      maxAgeSeconds: readHistoryAge(given("history-age"), problems),
      maxCount: readHistoryCount(given("history-count"), problems),
    },
    problemSettings: readProblemSettings(given("problem-settings"), problems),
    metricsTokenFile: readAbsolute(given("metrics-token-file"), problems),
    routes: readRoutes(given, problems),
    baseUrl: baseUrl?.href.replace(/\/$/, "") ?? null,
    hostName: readHostName(given("host-name"), sources, problems),
    language: readChoice(given("language"), ["en", "ru"], problems) ?? "en",
    notifyProxy: readUrl(given("notify-proxy"), problems),
    heartbeat: readHeartbeat(given, problems),
    logLevel: readChoice(given("log-level"), ["debug", "info", "warn", "error"], problems) ??
      "info",
    logFormat: readChoice(given("log-format"), ["text", "json"], problems) ??
      ((sources.isTerminal ?? (() => Deno.stderr.isTerminal()))() ? "text" : "json"),
    // The last one, so that its problem, which names what gave it behind, is told last.
    docker: readDockerHost(given("docker-host"), sources, problems),
    notes,
  };
  refuse(problems);
  return config;
}

/** The Engine alone, as {@link resolveConfig} reads it; throws {@link Failure} `config`. */
export function resolveDockerHost(sources: ConfigSources): DockerHost {
  const problems: SettingProblem[] = [];
  const host = readDockerHost(findSetting(sources, "docker-host", problems), sources, problems);
  refuse(problems);
  return host;
}

function refuse(problems: readonly SettingProblem[]): void {
  if (problems.length === 0) return;
  const told = problems.map(({ setting, value, reason }) =>
    `${setting}${value === null ? "" : ` ${quote(value, MAX_QUOTED)}`}: ${reason}`
  );
  throw new Failure("config", `Cannot use the configuration: ${told.join("; ")}`, {
    data: { problems },
  });
}

/** The one that is named, else the one that is found. */
function readDockerHost(
  setting: Setting | undefined,
  { env, surroundings = FILE_SYSTEM }: ConfigSources,
  problems: SettingProblem[],
): DockerHost {
  if (setting === undefined) return findDockerHost({ env, ...surroundings });
  try {
    return parseDockerHost(setting.value, { env });
  } catch (error) {
    if (!isFailure(error, "engine-host")) throw error;
    problems.push({ ...setting, reason: error.message, host: error.data });
    return { kind: "unix", path: "" };
  }
}

const FILE_SYSTEM: Omit<Surroundings, "env"> = {
  look: lookAtSocket,
  read: readSmallFile,
  folders: subfolders,
};

/** How much of a value is shown. */
const MAX_QUOTED = 80;

/** Milliseconds of `500ms`, `30s`, `1.5m`; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  if (/^[+-]?0+$/.test(text)) return 0;
  const match = /^([+-]?\d{1,12}(?:\.\d{1,6})?)(ms|s|m)$/.exec(text);
  return match === null ? null : Number(match[1]) * UNIT_MS[match[2] as "ms" | "s" | "m"];
}

function findSetting(
  sources: ConfigSources,
  name: FlagName,
  problems: SettingProblem[],
): Setting | undefined {
  const flag = sources.flags[name];
  if (flag === "") {
    problems.push({ setting: name, variable: null, value: null, reason: "it needs a value" });
  }
  if (flag !== undefined) {
    return flag === "" ? undefined : { setting: name, variable: null, value: flag };
  }
  for (const variable of CONFIG_FLAGS.find((flag) => flag.name === name)!.env) {
    // An empty variable is an unset one: that is how unit files and Compose files unset them.
    const value = sources.env(variable);
    if (value) return { setting: name, variable, value };
  }
  return undefined;
}

function readDataDir(
  setting: Setting | undefined,
  sources: ConfigSources,
  problems: SettingProblem[],
): string {
  const dataDir = setting?.value ??
    defaultDataDir({ look: FILE_SYSTEM.look, ...sources.surroundings, ...sources });
  if (dataDir === null) {
    const reason = "neither HOME nor XDG_STATE_HOME is set";
    problems.push({ setting: "data-dir", variable: null, value: null, reason });
    return "";
  }
  const by = setting ?? { setting: "data-dir", variable: null };
  const reason = "it has control characters";
  if (hasControls(dataDir)) problems.push({ ...by, value: dataDir, reason });
  return dataDir.length > 1 ? dataDir.replace(/\/+$/, "") || "/" : dataDir;
}

/** What is given, else what the machine calls itself. */
function readHostName(
  setting: Setting | undefined,
  { machineName = hostName }: ConfigSources,
  problems: SettingProblem[],
): string | null {
  if (setting === undefined) return machineName();
  const reason = hasControls(setting.value)
    ? "it has control characters"
    : setting.value.length > MAX_HOST_NAME
    ? `it is longer than ${MAX_HOST_NAME} characters`
    : null;
  if (reason === null) return setting.value;
  problems.push({ ...setting, reason });
  return null;
}

/** The longest that a machine's own can be. */
const MAX_HOST_NAME = 64;

function readGroup(setting: Setting | undefined, problems: SettingProblem[]): number | null {
  if (setting === undefined) return null;
  const { value } = setting;
  const id = /^\d{1,9}$/.test(value) ? Number(value) : hasControls(value) ? null : groupId(value);
  if (id === null) problems.push({ ...setting, reason: "there is no such group" });
  return id;
}

function readInterval(
  setting: Setting | undefined,
  problems: SettingProblem[],
  notes: SettingNote[],
): number {
  if (setting === undefined) return DEFAULT_INTERVAL_MS;
  const { value } = setting;
  const ms = parseDuration(value);
  if (ms === null) {
    const better = /^\d{1,12}$/.test(value) ? `"${value}s"` : '"500ms", "30s" or "5m"';
    problems.push({ ...setting, reason: `not a time with a unit; write ${better}` });
    return DEFAULT_INTERVAL_MS;
  }
  if (ms <= 0) {
    notes.push({ ...setting, used: "is not above zero: 30s is used" });
    return DEFAULT_INTERVAL_MS;
  }
  if (ms < MIN_INTERVAL_MS) {
    problems.push({
      ...setting,
      reason:
        `below the shortest interval of ${MIN_INTERVAL_MS}ms; changes are seen at once anyway`,
    });
  }
  if (ms > MAX_INTERVAL_MS) {
    notes.push({ ...setting, used: "is above the longest interval: 5m is used" });
    return MAX_INTERVAL_MS;
  }
  return Math.round(ms);
}

function readComposePrefix(setting: Setting | undefined, problems: SettingProblem[]): string {
  if (setting === undefined) return "tinyforge-";
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(setting.value)) {
    problems.push({
      ...setting,
      reason: "a Compose project name begins with a lower-case letter or digit and goes on with " +
        "those, - and _",
    });
  }
  return setting.value;
}

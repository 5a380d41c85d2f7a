/**
 * `tinyforge systemd`: a unit for this binary and these flags, or one for the socket of its port.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { Config } from "../../config.ts";
import { DEFAULT_SOCKET, type DockerHost } from "../../docker_host.ts";
import { CONFIG_FLAGS, type ConfigFlag, type FlagName } from "../../flags.ts";
import { groupName } from "../../system/libc.ts";
import {
  type Credential,
  hubUnitText,
  socketUnitText,
  type UnitEngine,
  unitText,
} from "../../system/unit.ts";
import { type CommandLine, EXIT, usageError } from "../command.ts";
import type { Output } from "../output.ts";
import { quote, quotePath } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";

/** Where the unit finds the binary when this program is not one. */
const INSTALLED = "/usr/local/bin/tinyforge";

/** Prints the unit; what differs from the defaults goes into its command line. */
export function run(invocation: InvocationOf<"systemd">): Promise<number> {
  const { out } = invocation;
  // Read for its checks too: a unit that can't start is no use.
  const { docker, listen, backupDir } = invocation.config();
  if (invocation.on("socket")) {
    if (listen === null) {
      throw usageError("Cannot write a socket unit: --listen none says there is no port", "");
    }
    out.raw(socketUnitText(listen));
    return Promise.resolve(EXIT.done);
  }
  if (invocation.on("hub")) return Promise.resolve(printHubUnit(invocation));
  for (const name of ["database-file", "channel-key-file"] as const) {
    if (invocation.flag(name) === undefined) continue;
    throw usageError(`Cannot write --${name} into a daemon's unit`, "--hub is a hub's");
  }
  out.raw(unitFor(invocation));
  const binary = Deno.build.standalone ? Deno.execPath() : INSTALLED;
  const environment = tlsEnvironment(docker);
  const certificates = environment["DOCKER_CERT_PATH"];
  if (certificates !== undefined && isHidden(certificates)) {
    out.notes(
      `The service can't see the certificates in ${quotePath(certificates)}: copy ` +
        "them to a directory like /etc/tinyforge/certs and name it in DOCKER_CERT_PATH.",
    );
  }
  const named = given(CONFIG_FLAGS.find(({ name }) => name === "docker-host")!, invocation);
  const socket = named && docker.kind === "unix" ? docker.path : "";
  if (isHidden(socket)) {
    out.notes(`The service can't see the Engine's socket ${quote(socket)}: name one elsewhere.`);
  }
  if (backupDir !== null && !backupDir.startsWith("/var/lib/")) {
    out.notes(
      `The service runs as a user of its own in the group docker, which must be able to write to ` +
        `${quotePath(backupDir)}; a directory below /var/lib is made for it.`,
    );
  }
  noteBinary(out, binary);
  return Promise.resolve(EXIT.done);
}

/** What a hub has no use for. */
const OF_A_DAEMON: ReadonlySet<string> = new Set([
  ...["docker-host", "interval", "compose-prefix", "backup-dir", "backup-recipients"],
  ...["metrics-token-file", "socket-group"],
]);

const HUB_DATA = "/var/lib/tinyforge-hub";

function printHubUnit(invocation: InvocationOf<"systemd">): number {
  const { out } = invocation;
  const { tls } = invocation.config();
  const useless = [...OF_A_DAEMON].find((name) => invocation.flag(name as FlagName) !== undefined);
  if (useless !== undefined) {
    throw usageError(`Cannot write --${useless} into a hub's unit: it is a daemon's`, "");
  }
  const binary = Deno.build.standalone ? Deno.execPath() : INSTALLED;
  const databaseFile = invocation.flag("database-file") ?? "/etc/tinyforge-hub/database";
  const channelKeyFile = invocation.flag("channel-key-file");
  for (const path of [databaseFile, channelKeyFile]) {
    if (path === undefined || path.startsWith("/")) continue;
    throw usageError(`Cannot write ${quotePath(path)} into a unit: not an absolute path`, "");
  }
  const settings = CONFIG_FLAGS
    .filter(({ name }) => !OF_THE_UNIT.has(name) && !OF_A_DAEMON.has(name))
    .map((flag) => ({ ...flag, value: given(flag, invocation) }));
  const dataDir = invocation.flag("data-dir") ?? HUB_DATA;
  out.raw(hubUnitText({
    binary,
    dataDir: dataDir.replace(/\/+$/, ""),
    args: settings.filter(({ value, fallback }) => value && value !== fallback)
      .map(({ name, value }) => `--${name}=${value}`),
    credentials: credentialsOf({
      "database-file": databaseFile,
      "channel-key-file": channelKeyFile,
    }, tls),
  }));
  out.notes(
    `The URL of its database is read from ${quotePath(databaseFile)}, which should be root's ` +
      "alone (mode 600): neither `ps` nor the service's environment shows it.",
  );
  noteBinary(out, binary);
  return EXIT.done;
}

function noteBinary(out: Output, binary: string): void {
  if (!Deno.build.standalone) {
    out.notes(`This is not the compiled program: put it at ${INSTALLED} (deno task compile).`);
  } else if (isHidden(binary)) {
    out.notes(`The service can't see ${quote(binary)}: move it to ${INSTALLED} and print again.`);
  }
}

/** What is told on a command line, whatever the command. */
export interface Told extends Pick<CommandLine, "config"> {
  /** The value of a flag, undefined when it was not given. */
  flag(name: FlagName): string | undefined;
}

/**
 * The unit that runs the daemon with these flags.
 *
 * @throws {Failure} `unit`: it can't say that.
 */
export function unitFor(told: Told): string {
  const { docker, backupDir, tls } = told.config();
  const binary = Deno.build.standalone ? Deno.execPath() : INSTALLED;
  const settings = CONFIG_FLAGS.map((flag) => ({ ...flag, value: given(flag, told) }));
  const dataDir = settings.find(({ name }) => name === "data-dir")?.value;
  const args = settings
    .filter(({ name, value, fallback }) => !OF_THE_UNIT.has(name) && value && value !== fallback)
    .map(({ name, value }) => `--${name}=${value}`);
  const valueOf = (wanted: string) => settings.find(({ name }) => name === wanted)?.value;
  // A service finds no Docker context, and other sockets than this user.
  if (!valueOf("docker-host") && docker.kind === "unix" && docker.path !== DEFAULT_SOCKET) {
    args.push(`--docker-host=unix://${docker.path}`);
  }
  const [socketGroup, metricsTokenFile] = [valueOf("socket-group"), valueOf("metrics-token-file")];
  if (socketGroup) args.push(`--socket-group=${socketGroup}`);
  return unitText({
    binary,
    args,
    environment: tlsEnvironment(docker),
    backupDir: backupDir ?? undefined,
    engine: unitEngine(docker),
    credentials: credentialsOf({ "metrics-token-file": metricsTokenFile }, tls),
    ...(socketGroup && { socketGroup }),
    ...(dataDir && { dataDir: dataDir.replace(/\/+$/, "") }),
  });
}

/** What the service manager reads for the service, by the flags that name it to the program. */
function credentialsOf(
  files: Readonly<Record<string, string | undefined>>,
  tls: Config["tls"],
): Credential[] {
  const all = { ...files, "tls-cert": tls?.cert, "tls-key": tls?.key };
  return Object.entries(all).flatMap(([flag, path]) =>
    path ? [{ name: flag.replace(/-file$/, ""), flag: `--${flag}`, path }] : []
  );
}

/** What the unit says in its own way. */
const OF_THE_UNIT: ReadonlySet<string> = new Set([
  "data-dir",
  "socket-group",
  "metrics-token-file",
  "tls-cert",
  "tls-key",
]);

/** Who reaches the Engine's socket as it is now; where it isn't there yet, as packages make it. */
function unitEngine(docker: DockerHost): UnitEngine {
  if (docker.kind === "tcp") return { units: null, reach: "all" };
  const { path } = docker;
  const units = /podman/.test(path) ? "podman" : "docker";
  try {
    const { gid, mode } = Deno.statSync(path);
    const group = gid === null || gid === 0 ? null : groupName(gid);
    // Root's own group is root's by another name, and its folder is mostly closed to it.
    if (((mode ?? 0) & 0o006) === 0o006) return { units, reach: "all" };
    if (group === null || ((mode ?? 0) & 0o060) !== 0o060) return { units, reach: "root" };
    return { units, reach: { group } };
  } catch {
    return { units, reach: units === "podman" ? "root" : { group: "docker" } };
  }
}

/** Docker's own variables, which have no flag. */
function tlsEnvironment(docker: DockerHost): Readonly<Record<string, string>> {
  if (docker.kind !== "tcp" || docker.tls === undefined) return {};
  return { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: dirname(docker.tls.ca) };
}

/** Whether a service is kept from seeing this path: ProtectHome and PrivateTmp do. */
function isHidden(path: string): boolean {
  return /^\/(home|root|run\/user|tmp|var\/tmp)(\/|$)/.test(path);
}

/** As the configuration reads it: a service doesn't get this environment. */
function given({ name, env }: ConfigFlag, { flag }: Told): string | undefined {
  return flag(name) ?? env.map((variable) => Deno.env.get(variable)).find(Boolean);
}

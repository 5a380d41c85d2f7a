/**
 * systemd: tells the service manager how the daemon is, and writes the unit that runs it.
 * Must not decide when the daemon is ready, nor fail when no service manager is there.
 *
 * @module
 */

import { type DatagramSocket, openDatagramSocket } from "./libc.ts";
import { clip, hasControls, onOneLine, quotePath } from "../text.ts";

/** Longer texts are cut: the service manager shows one line. */
const MAX_STATUS_LENGTH = 256;

/**
 * The connection to the service manager that started this process. Without one every method does
 * nothing and answers false. Closed by disposal.
 */
export class ServiceManager implements Disposable {
  readonly #socket: DatagramSocket | null;
  /**
   * Milliseconds between two calls of {@link watchdog}: half of what the service manager allows;
   * null when it does not watch.
   */
  readonly watchdogIntervalMs: number | null;

  /** Use {@link ServiceManager.fromEnvironment}. */
  constructor(socket: DatagramSocket | null, watchdogIntervalMs: number | null) {
    this.#socket = socket;
    this.watchdogIntervalMs = watchdogIntervalMs;
  }

  /** Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. */
  static fromEnvironment(
    env: (name: string) => string | undefined = (name) => Deno.env.get(name),
  ): ServiceManager {
    const address = env("NOTIFY_SOCKET");
    return new ServiceManager(
      address ? openDatagramSocket(address) : null,
      watchdogInterval(env("WATCHDOG_USEC"), env("WATCHDOG_PID")),
    );
  }

  /** Whether there is anyone to tell. */
  get present(): boolean {
    return this.#socket !== null;
  }

  /** The daemon does its work from now on. */
  ready(status?: string): boolean {
    return this.#tell("READY=1", status);
  }

  /** One line for people, shown by `systemctl status`. */
  status(status: string): boolean {
    return this.#tell(null, status);
  }

  /** The daemon is about to end. */
  stopping(status?: string): boolean {
    return this.#tell("STOPPING=1", status);
  }

  /** The main loop turns. */
  watchdog(): boolean {
    return this.#tell("WATCHDOG=1");
  }

  /** Closes the socket; idempotent. */
  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }

  #tell(state: string | null, status?: string): boolean {
    const lines = state === null ? [] : [state];
    // A line break in a status would begin an assignment of its own.
    const text = status && clip(onOneLine(status), MAX_STATUS_LENGTH);
    if (text !== undefined) lines.push(`STATUS=${text}`);
    return this.#socket?.send(`${lines.join("\n")}\n`) ?? false;
  }
}

/** The first descriptor that a service manager hands over, says its protocol. */
const FIRST_INHERITED = 3;

/**
 * The socket that the service manager listens on for this process (`LISTEN_FDS`, `LISTEN_PID`);
 * null without one. Of several, the first.
 */
export function inheritedSocket(
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
): number | null {
  // The variables are inherited: a PID that is not ours speaks of a parent.
  if (env("LISTEN_PID") !== String(Deno.pid)) return null;
  return /^[1-9]\d{0,3}$/.test(env("LISTEN_FDS") ?? "") ? FIRST_INHERITED : null;
}

function watchdogInterval(usec: string | undefined, pid: string | undefined): number | null {
  if (usec === undefined || !/^[1-9]\d{0,14}$/.test(usec)) return null;
  // The variables are inherited: a PID that is not ours speaks of a parent.
  if (pid && pid !== String(Deno.pid)) return null;
  return Math.max(1, Math.floor(Number(usec) / 2000));
}

/** What {@link unitText} is told. */
export interface UnitOptions {
  /** Absolute path of the program. */
  readonly binary: string;
  /** The data directory: `/var/lib/NAME`, default `/var/lib/tinyforge`. */
  readonly dataDir?: string;
  /** Where backups go, absolute; none by default. */
  readonly backupDir?: string | undefined;
  /** Arguments after `reconcile`, for what differs from the defaults. */
  readonly args?: readonly string[];
  /** How the Engine is reached; default: over Docker's socket. */
  readonly engine?: UnitEngine;
  /** Name or number of the group that may use the socket, which is below /run then. */
  readonly socketGroup?: string;
  /** Absolute path of the file with the token for metrics, which root alone need be able to read. */
  readonly metricsTokenFile?: string;
  /** Absolute paths of a certificate and its key, which root alone need be able to read. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Variables that the program reads and has no flag for. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a service needs in order to reach its Engine. */
export interface UnitEngine {
  /** systemd's units of the Engine; none for one on another machine. */
  readonly units: "docker" | "podman" | null;
  /** Who reaches it: a group's members, root alone, or everybody. */
  readonly reach: { readonly group: string } | "root" | "all";
}

/** Docker where its packages put it. */
const DOCKER: UnitEngine = { units: "docker", reach: { group: "docker" } };

/**
 * A socket unit for the TCP port: systemd holds it from the boot on, so that nobody else can, also
 * while the service is down. Throws `TypeError` for a host name, which a socket unit can't have.
 */
export function socketUnitText({ hostname, port }: { hostname: string; port: number }): string {
  const ip = /^[0-9.]+$/.test(hostname) || hostname.includes(":");
  const address = hostname === "localhost" ? "127.0.0.1" : hostname;
  if (!ip && hostname !== "localhost" || port === 0) {
    throw new TypeError(
      `Cannot write a socket unit for ${
        JSON.stringify(`${hostname}:${port}`)
      }: systemd listens on ` +
        "an IP address and a port above 0; give both with --listen",
    );
  }
  return `[Unit]
Description=Tinyforge's port, held for it alone

[Socket]
ListenStream=${address.includes(":") ? `[${address}]` : address}:${port}
Backlog=128

[Install]
WantedBy=sockets.target
`;
}

const STATE_ROOT = "/var/lib/";

/**
 * A unit that runs the daemon with as little as it needs. Throws `TypeError` for a path that a unit
 * can't have and for a data directory outside `/var/lib`, because systemd makes and owns it.
 */
export function unitText(
  options: UnitOptions,
): string {
  const { binary, dataDir = "/var/lib/tinyforge", args = [], environment = {} } = options;
  const { backupDir, engine = DOCKER, socketGroup, metricsTokenFile, tls } = options;
  if (!binary.startsWith("/")) {
    throw new TypeError(`Cannot write a unit for ${quotePath(binary)}: not an absolute path`);
  }
  const name = stateName(dataDir);
  if (name === null) {
    throw new TypeError(
      `Cannot write a unit for data directory ${quotePath(dataDir)}: systemd keeps a ` +
        `service's data under ${STATE_ROOT}; leave --data-dir out or name a directory there`,
    );
  }
  // What is in the data directory can be written; what is beside it systemd makes as well.
  const inside = backupDir === undefined || `${backupDir}/`.startsWith(`${dataDir}/`);
  const beside = inside ? null : stateName(backupDir);
  const besides = beside === null ? [] : [beside];
  const writable = inside || beside !== null ? "" : `ReadWritePaths=${unitWord(backupDir)}\n`;
  const variables = Object.entries(environment)
    .map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}\n`).join("");
  const command = [unitWord(binary), "reconcile", ...args.map(unitArgument)];
  if (socketGroup !== undefined) command.push(unitArgument(`--socket-group=${socketGroup}`));
  // The service manager reads these files for us, wherever they are and whoever may read them.
  const credentials = Object.entries({
    "metrics-token": ["--metrics-token-file", metricsTokenFile],
    "tls-cert": ["--tls-cert", tls?.cert],
    "tls-key": ["--tls-key", tls?.key],
  }).filter(([, [, path]]) => path !== undefined);
  for (const [name, [flag]] of credentials) {
    command.push(`${flag}=\${CREDENTIALS_DIRECTORY}/${name}`);
  }
  const { units, reach } = engine;
  const groups = [
    ...typeof reach === "object" ? [reach.group] : [],
    ...socketGroup === undefined ? [] : [socketGroup],
  ];
  const engineUnits = units === null ? "" : `${units}.socket ${units}.service `;
  const identity = [
    reach === "root" ? "User=root" : "DynamicUser=yes",
    // systemd makes no user of the service's name where there is a group of that name.
    ...reach !== "root" && socketGroup === name ? [`User=${name}-daemon`] : [],
    ...groups.length === 0 ? [] : [`SupplementaryGroups=${[...new Set(groups)].join(" ")}`],
    ...socketGroup === undefined ? [] : [`RuntimeDirectory=${name}`],
    ...credentials.map(([name, [, path]]) => `LoadCredential=${unitWord(`${name}:${path}`)}`),
  ];
  return `[Unit]
Description=Tinyforge, the containers index of this host
After=${engineUnits}network-online.target
Wants=${units === null ? "" : `${units}.socket `}network-online.target

[Service]
Type=notify
NotifyAccess=main
${variables}ExecStart=${command.join(" ")}
Restart=on-failure
RestartSec=2s
RestartPreventExitStatus=2 5
WatchdogSec=30s
TimeoutStopSec=15s
# Connections are capped below it: with fewer descriptors there is room for fewer clients.
LimitNOFILE=65536

${identity.join("\n")}
StateDirectory=${[name, ...besides].join(" ")}
StateDirectoryMode=0700
${writable}UMask=0077

CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# No MemoryDenyWriteExecute: the JavaScript engine compiles to machine code.

[Install]
WantedBy=multi-user.target
`;
}

/** What systemd calls a directory that it keeps for a service; null for others. */
function stateName(path: string): string | null {
  const name = path.slice(STATE_ROOT.length);
  const isName = /^[\w.-]+(?:\/[\w.-]+)*$/.test(name) && !/\.\./.test(name);
  return path.startsWith(STATE_ROOT) && isName ? name : null;
}

/** An argument of ExecStart: like the path, but systemd would put variables into it. */
function unitArgument(word: string): string {
  return unitWord(word.replaceAll("$", "$$$$"));
}

/** One word of ExecStart: quoted where it must be, with specifiers escaped. */
function unitWord(word: string): string {
  if (hasControls(word)) {
    throw new TypeError(`Cannot write a unit with ${quotePath(word)}: control characters`);
  }
  const escaped = word.replaceAll("%", "%%");
  if (/^[\w./:@%$=+,-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

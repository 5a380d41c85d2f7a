/**
 * The units that have systemd run this program: with as little as it needs, and no secret in them.
 * Writes no file and asks no service manager.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { hasControls, quotePath } from "../text.ts";

/** What {@link unitText} is told. */
export interface UnitOptions {
  /** Absolute path of the program. */
  readonly binary: string;
  /** The data directory: `/var/lib/NAME`, default `/var/lib/tinyforge`. */
  readonly dataDir?: string;
  /** Where backups go, absolute; none by default. */
  readonly backupDir?: string | undefined;
  /** Arguments after `reconcile`: what differs from the defaults, and the group of the socket. */
  readonly args?: readonly string[];
  /** How the Engine is reached; default: over Docker's socket. */
  readonly engine?: UnitEngine;
  /** Name or number of the group that may use the socket, which is below /run then. */
  readonly socketGroup?: string;
  /** Files that root alone need be able to read. */
  readonly credentials?: readonly Credential[];
  /** Variables that the program reads and has no flag for. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A file that the service manager reads for a service, wherever it is and whoever may read it. */
export interface Credential {
  /** What the service manager calls it. */
  readonly name: string;
  /** What of the program's command line names it. */
  readonly flag: string;
  /** Where it is, absolute. */
  readonly path: string;
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
 * while the service is down.
 *
 * @throws {Failure} `unit`: for a host name, which a socket unit can't have.
 */
export function socketUnitText({ hostname, port }: { hostname: string; port: number }): string {
  const ip = /^[0-9.]+$/.test(hostname) || hostname.includes(":");
  const address = hostname === "localhost" ? "127.0.0.1" : hostname;
  if (!ip && hostname !== "localhost" || port === 0) {
    const given = JSON.stringify(`${hostname}:${port}`);
    throw new Failure(
      "unit",
      `Cannot write a socket unit for ${given}: systemd listens on an IP address and a port ` +
        "above 0",
      { data: { wrong: "address" } },
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
 * A unit that runs the daemon with as little as it needs.
 *
 * @throws {Failure} `unit`: for a path that a unit can't have, and for a data directory outside
 *   `/var/lib`, because systemd makes and owns it.
 */
export function unitText(
  options: UnitOptions,
): string {
  const { binary, dataDir = "/var/lib/tinyforge", args = [], environment = {} } = options;
  const { backupDir, engine = DOCKER, socketGroup, credentials = [] } = options;
  const name = checkedName(binary, dataDir);
  // What is in the data directory can be written; what is beside it systemd makes as well.
  const inside = backupDir === undefined || `${backupDir}/`.startsWith(`${dataDir}/`);
  const beside = inside ? null : stateName(backupDir);
  const besides = beside === null ? [] : [beside];
  const writable = inside || beside !== null ? "" : `ReadWritePaths=${unitWord(backupDir)}\n`;
  const variables = Object.entries(environment)
    .map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}\n`).join("");
  const command = [unitWord(binary), "reconcile", ...args.map(unitArgument)];
  command.push(...credentials.map(credentialArgument));
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
    ...credentials.map(loadCredential),
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

${SANDBOX}# No MemoryDenyWriteExecute: the JavaScript engine compiles to machine code.

[Install]
WantedBy=multi-user.target
`;
}

/** What a service of this program is kept from, whatever it serves. */
const SANDBOX = `CapabilityBoundingSet=
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
`;

/** What {@link hubUnitText} is told. */
export interface HubUnitOptions {
  /** Absolute path of the program. */
  readonly binary: string;
  /** The hub's data directory: `/var/lib/NAME`. */
  readonly dataDir: string;
  /** Arguments after `hub`, for what differs from the defaults. */
  readonly args?: readonly string[];
  /** Files that root alone need be able to read: that with the database's URL, keys. */
  readonly credentials: readonly Credential[];
}

/**
 * A unit that runs a hub with as little as it needs: no Engine, and neither the database's URL nor a
 * key in its command line or its environment.
 *
 * @throws {Failure} `unit`, as {@link unitText} does.
 */
export function hubUnitText(options: HubUnitOptions): string {
  const { binary, dataDir, credentials, args = [] } = options;
  const name = checkedName(binary, dataDir);
  const command = [unitWord(binary), "hub", ...args.map(unitArgument)];
  command.push(...credentials.map(credentialArgument));
  return `[Unit]
Description=Tinyforge's hub, the containers index of many hosts
After=postgresql.service network-online.target
Wants=network-online.target
# However long its database is away: it is tried again.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command.join(" ")}
Restart=on-failure
RestartSec=5s
RestartPreventExitStatus=2
WatchdogSec=30s
# A new version may have a large database to bring to its schema.
TimeoutStartSec=15min
TimeoutStopSec=15s
# Connections are capped below it: with fewer descriptors there is room for fewer hosts.
LimitNOFILE=65536

DynamicUser=yes
${credentials.map((each) => `${loadCredential(each)}\n`).join("")}StateDirectory=${name}
StateDirectoryMode=0700
UMask=0077

${SANDBOX}# No MemoryDenyWriteExecute: the JavaScript engine compiles to machine code.

[Install]
WantedBy=multi-user.target
`;
}

/** What systemd calls the data directory of a service that can be. */
function checkedName(binary: string, dataDir: string): string {
  if (!binary.startsWith("/")) {
    throw new Failure(
      "unit",
      `Cannot write a unit for ${quotePath(binary)}: not an absolute path`,
      { data: { wrong: "binary" } },
    );
  }
  const name = stateName(dataDir);
  if (name !== null) return name;
  throw new Failure(
    "unit",
    `Cannot write a unit for data directory ${quotePath(dataDir)}: systemd keeps a service's ` +
      `data under ${STATE_ROOT}`,
    { data: { wrong: "data-dir" } },
  );
}

function credentialArgument({ name, flag }: Credential): string {
  return `${flag}=\${CREDENTIALS_DIRECTORY}/${name}`;
}

function loadCredential({ name, path }: Credential): string {
  return `LoadCredential=${unitWord(`${name}:${path}`)}`;
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
    throw new Failure("unit", `Cannot write a unit with ${quotePath(word)}: control characters`, {
      data: { wrong: "word" },
    });
  }
  const escaped = word.replaceAll("%", "%%");
  if (/^[\w./:@%$=+,-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

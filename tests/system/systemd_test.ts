/**
 * systemd: what arrives at a real datagram socket, and what systemd's own tools say of the unit.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { inheritedSocket, ServiceManager } from "../../src/system/systemd.ts";
import {
  type Credential,
  hubUnitText,
  socketUnitText,
  type UnitOptions,
  unitText,
} from "../../src/system/unit.ts";
import { Receiver } from "../harness/datagram.ts";

const CI = Deno.env.get("CI") === "true";

function manager(variables: Record<string, string>): ServiceManager {
  return ServiceManager.fromEnvironment((name) => variables[name]);
}

function tellEverything(socket: string): boolean[] {
  using systemd = manager({ NOTIFY_SOCKET: socket });
  assert(systemd.present);
  return [
    systemd.ready("first pass done: 3 containers"),
    systemd.status("größe 3"),
    systemd.watchdog(),
    systemd.stopping(),
  ];
}

const EVERYTHING = [
  "READY=1\nSTATUS=first pass done: 3 containers\n",
  "STATUS=größe 3\n",
  "WATCHDOG=1\n",
  "STOPPING=1\n",
];

Deno.test("ServiceManager tells a socket with a path", async () => {
  const dir = await Deno.makeTempDir();
  try {
    using receiver = new Receiver(`${dir}/notify`);
    assertEquals(tellEverything(`${dir}/notify`), [true, true, true, true]);
    assertEquals(receiver.received(), EVERYTHING);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("ServiceManager tells an abstract socket", () => {
  const address = `@tinyforge-test-${crypto.randomUUID()}`;
  using receiver = new Receiver(address);
  assertEquals(tellEverything(address), [true, true, true, true]);
  assertEquals(receiver.received(), EVERYTHING);
});

Deno.test("ServiceManager finds a socket that is bound after it was opened", () => {
  const address = `@tinyforge-test-${crypto.randomUUID()}`;
  using systemd = manager({ NOTIFY_SOCKET: address });
  assertFalse(systemd.ready());
  using receiver = new Receiver(address);
  assert(systemd.ready());
  assertEquals(receiver.received(), ["READY=1\n"]);
});

Deno.test("ServiceManager does nothing without a service manager", () => {
  for (const address of [undefined, "", "relative", "vsock:2:1234", `/${"x".repeat(200)}`]) {
    using systemd = manager(address === undefined ? {} : { NOTIFY_SOCKET: address });
    assertFalse(systemd.present, address);
    assertEquals(
      [systemd.ready(), systemd.status("s"), systemd.watchdog(), systemd.stopping()],
      [false, false, false, false],
    );
  }
});

Deno.test("ServiceManager answers false when nobody listens, and after it was closed", () => {
  const systemd = manager({ NOTIFY_SOCKET: "/nonexistent/notify" });
  assertFalse(systemd.ready());
  systemd[Symbol.dispose]();
  systemd[Symbol.dispose]();
  assertFalse(systemd.ready());
});

Deno.test("ServiceManager lets no status forge an assignment or grow without bound", () => {
  const address = `@tinyforge-test-${crypto.randomUUID()}`;
  using receiver = new Receiver(address);
  using systemd = manager({ NOTIFY_SOCKET: address });
  systemd.status("odd name\nSTOPPING=1\r\n\u0000");
  systemd.status("x".repeat(10_000));
  const [forged, long] = receiver.received();
  assertEquals(forged, "STATUS=odd name STOPPING=1 \n");
  assertLessOrEqual(long!.length, 300);
});

Deno.test("ServiceManager does not wait for ever for a receiver that reads nothing", () => {
  const address = `@tinyforge-test-${crypto.randomUUID()}`;
  using receiver = new Receiver(address);
  using systemd = manager({ NOTIFY_SOCKET: address });
  let sent = 0;
  // The kernel queues a few datagrams per socket (net.unix.max_dgram_qlen, 10 to 512).
  while (sent < 5000 && systemd.watchdog()) sent++;
  assert(sent < 5000, "the queue has no end");
  assertEquals(receiver.received().length, sent);
  assert(systemd.watchdog());
});

Deno.test("ServiceManager calls the watchdog at half its time, and only for this process", () => {
  const interval = (variables: Record<string, string>) => {
    using systemd = manager(variables);
    return systemd.watchdogIntervalMs;
  };
  const mine = String(Deno.pid);
  assertEquals(interval({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: mine }), 15_000);
  assertEquals(interval({ WATCHDOG_USEC: "30000000" }), 15_000);
  assertEquals(interval({ WATCHDOG_USEC: "1" }), 1);
  assertEquals(interval({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "1" }), null);
  for (const usec of ["0", "-1", "x", "", "1e6"]) {
    assertEquals(interval({ WATCHDOG_USEC: usec }), null, usec);
  }
  assertEquals(interval({}), null);
});

const credential = (name: string, flag: string, path: string): Credential => ({ name, flag, path });

Deno.test("unitText() asks for what the daemon needs and nothing else", () => {
  const unit = unitText({ binary: "/usr/local/bin/tinyforge" });
  const settings = new Set(unit.split("\n").filter((line) => line.includes("=")));
  for (
    const setting of [
      "After=docker.socket docker.service network-online.target",
      "Type=notify",
      "NotifyAccess=main",
      "ExecStart=/usr/local/bin/tinyforge reconcile",
      "Restart=on-failure",
      "RestartSec=2s",
      "RestartPreventExitStatus=2 5",
      "TimeoutStopSec=15s",
      "LimitNOFILE=65536",
      "DynamicUser=yes",
      "SupplementaryGroups=docker",
      "StateDirectory=tinyforge",
      "StateDirectoryMode=0700",
      "UMask=0077",
      "CapabilityBoundingSet=",
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
      "SystemCallFilter=@system-service",
    ]
  ) assert(settings.has(setting), setting);
  assertFalse(unit.includes("\nRequires="), "it outlives dockerd");
  assertFalse(unit.includes("\nMemoryDenyWriteExecute="), "the engine compiles");
});

Deno.test("unitText() gives the service what reaches its Engine, its group and its token", () => {
  const lines = (options: Omit<UnitOptions, "binary">) =>
    unitText({ binary: "/bin/true", ...options }).split("\n").filter((line) =>
      /^(After|Wants|User|DynamicUser|Supplementary|RuntimeD|LoadC|ExecStart)/.test(line)
    );
  assertEquals(lines({ engine: { units: "podman", reach: "root" } }), [
    "After=podman.socket podman.service network-online.target",
    "Wants=podman.socket network-online.target",
    "ExecStart=/bin/true reconcile",
    "User=root",
  ]);
  assertEquals(lines({ engine: { units: null, reach: "all" } }), [
    "After=network-online.target",
    "Wants=network-online.target",
    "ExecStart=/bin/true reconcile",
    "DynamicUser=yes",
  ]);
  const more = {
    args: ["--socket-group=forge"],
    socketGroup: "forge",
    credentials: [
      credential("metrics-token", "--metrics-token-file", "/etc/tinyforge/metrics-token"),
    ],
  };
  assertEquals(lines(more).slice(2), [
    "ExecStart=/bin/true reconcile --socket-group=forge " +
    "--metrics-token-file=${CREDENTIALS_DIRECTORY}/metrics-token",
    "DynamicUser=yes",
    "SupplementaryGroups=docker forge",
    "RuntimeDirectory=tinyforge",
    "LoadCredential=metrics-token:/etc/tinyforge/metrics-token",
  ]);
  // A group as the README makes it: beside one of its own name systemd starts no dynamic user.
  const [, , , ...identity] = lines({ socketGroup: "tinyforge" });
  assertEquals(identity.slice(0, 3), [
    "DynamicUser=yes",
    "User=tinyforge-daemon",
    "SupplementaryGroups=docker tinyforge",
  ]);
  const tls = [
    credential("tls-cert", "--tls-cert", "/etc/letsencrypt/live/x/fullchain.pem"),
    credential("tls-key", "--tls-key", "/etc/letsencrypt/live/x/k"),
  ];
  assertEquals(lines({ credentials: tls }).slice(2), [
    "ExecStart=/bin/true reconcile --tls-cert=${CREDENTIALS_DIRECTORY}/tls-cert " +
    "--tls-key=${CREDENTIALS_DIRECTORY}/tls-key",
    "DynamicUser=yes",
    "SupplementaryGroups=docker",
    "LoadCredential=tls-cert:/etc/letsencrypt/live/x/fullchain.pem",
    "LoadCredential=tls-key:/etc/letsencrypt/live/x/k",
  ]);
});

Deno.test("unitText() quotes what systemd would otherwise read as its own", () => {
  const exec = (binary: string, args: string[]) =>
    unitText({ binary, args }).split("\n").find((line) => line.startsWith("ExecStart="));
  assertEquals(
    exec('/opt/my $x "tiny"/100%', ["--interval", "10s", "--compose-prefix", "$a b%"]),
    'ExecStart="/opt/my $x \\"tiny\\"/100%%" reconcile --interval 10s --compose-prefix "$$a b%%"',
  );
  assertThrows(() => unitText({ binary: "tinyforge" }), Failure, "not an absolute path");
  assertThrows(() => unitText({ binary: "/a\nExecStartPre=/b" }), Failure, "control characters");
});

Deno.test("socketUnitText() holds the port that is listened on", () => {
  const lines = (hostname: string, port: number) =>
    socketUnitText({ hostname, port }).split("\n").filter((line) => line.startsWith("Listen"));
  assertEquals(lines("127.0.0.1", 7475), ["ListenStream=127.0.0.1:7475"]);
  assertEquals(lines("localhost", 80), ["ListenStream=127.0.0.1:80"]);
  assertEquals(lines("::1", 7475), ["ListenStream=[::1]:7475"]);
  assertThrows(() => lines("host.example", 7475), Failure, "an IP address");
  assertThrows(() => lines("127.0.0.1", 0), Failure, "above 0");
});

const HUB = {
  binary: "/bin/true",
  dataDir: "/var/lib/tinyforge-hub",
  args: ["--listen=0.0.0.0:7480"],
  credentials: [
    credential("database", "--database-file", "/etc/tinyforge-hub/database"),
    credential("tls-cert", "--tls-cert", "/etc/tinyforge-hub/cert.pem"),
    credential("tls-key", "--tls-key", "/etc/tinyforge-hub/key.pem"),
  ],
};

Deno.test("hubUnitText() gives a hub its database and key as credentials, and no Engine", () => {
  const unit = hubUnitText(HUB);
  const lines = unit.split("\n").filter((line) =>
    /^(After|Wants|User|DynamicUser|Supplementary|State|LoadC|ExecStart|Environ|StartLimit)/.test(
      line,
    )
  );
  assertEquals(lines, [
    "After=postgresql.service network-online.target",
    "Wants=network-online.target",
    "StartLimitIntervalSec=0",
    "ExecStart=/bin/true hub --listen=0.0.0.0:7480 " +
    "--database-file=${CREDENTIALS_DIRECTORY}/database " +
    "--tls-cert=${CREDENTIALS_DIRECTORY}/tls-cert --tls-key=${CREDENTIALS_DIRECTORY}/tls-key",
    "DynamicUser=yes",
    "LoadCredential=database:/etc/tinyforge-hub/database",
    "LoadCredential=tls-cert:/etc/tinyforge-hub/cert.pem",
    "LoadCredential=tls-key:/etc/tinyforge-hub/key.pem",
    "StateDirectory=tinyforge-hub",
    "StateDirectoryMode=0700",
  ]);
  assertFalse(/docker|podman/i.test(unit), "a hub asks no Engine");
  assertThrows(
    () => hubUnitText({ ...HUB, dataDir: "/srv/hub" }),
    Failure,
    "systemd keeps a service's data under /var/lib/",
  );
});

Deno.test("inheritedSocket() takes what was handed to this process alone", () => {
  const of = (env: Record<string, string>) => inheritedSocket((name) => env[name]);
  const pid = String(Deno.pid);
  assertEquals(of({ LISTEN_PID: pid, LISTEN_FDS: "1" }), 3);
  assertEquals(of({ LISTEN_PID: pid, LISTEN_FDS: "2" }), 3);
  for (const LISTEN_FDS of ["0", "-1", "", "x", "1x"]) {
    assertEquals(of({ LISTEN_PID: pid, LISTEN_FDS }), null);
  }
  assertEquals(of({ LISTEN_PID: "1", LISTEN_FDS: "1" }), null);
  assertEquals(of({ LISTEN_FDS: "1" }), null);
  assertEquals(of({}), null);
});

Deno.test("unitText() keeps the data where systemd makes it", () => {
  const state = (dataDir: string) =>
    unitText({ binary: "/bin/true", dataDir }).match(/^StateDirectory=(.*)$/m)?.[1];
  assertEquals(state("/var/lib/tinyforge-2"), "tinyforge-2");
  assertEquals(state("/var/lib/forge/main"), "forge/main");
  for (const dataDir of ["/srv/forge", "/var/lib/", "/var/lib/../x", "/var/lib/a b", "/var/lib"]) {
    assertThrows(() => state(dataDir), Failure, "systemd keeps a service's data under /var/lib/");
  }
});

Deno.test("unitText() lets the service write where its backups go", () => {
  const lines = (backupDir: string) =>
    unitText({ binary: "/bin/true", backupDir }).split("\n")
      .filter((line) => /^(StateDirectory|ReadWritePaths)=/.test(line));
  assertEquals(lines("/var/lib/tinyforge/backups"), ["StateDirectory=tinyforge"]);
  assertEquals(lines("/var/lib/backups"), ["StateDirectory=tinyforge backups"]);
  assertEquals(lines("/mnt/a b"), ["StateDirectory=tinyforge", 'ReadWritePaths="/mnt/a b"']);
});

/** Runs `systemd-analyze` on a unit in a directory of its own. */
async function analyze(
  unit: string,
  args: string[],
  socket?: string,
): Promise<{ code: number; text: string }> {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/tinyforge.${socket === undefined ? "service" : "socket"}`;
    await Deno.writeTextFile(`${dir}/tinyforge.service`, unit);
    if (socket !== undefined) await Deno.writeTextFile(path, socket);
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: [...args, path],
      env: { SYSTEMD_PAGER: "cat", SYSTEMD_COLORS: "0" },
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, text: decode(stdout) + decode(stderr) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const installed = await analyze("", ["--version"]).then(() => true, () => false);
const ignore = !installed && !CI;
const reason = ignore ? " (ignored: systemd-analyze is not installed)" : "";

Deno.test(`unitText() passes systemd-analyze verify${reason}`, { ignore }, async () => {
  const dir = await Deno.makeTempDir({ prefix: "tiny $forge 100% " });
  try {
    const binary = `${dir}/tinyforge`;
    await Deno.writeTextFile(binary, "#!/bin/sh\n", { mode: 0o755 });
    const whole = unitText({
      binary,
      args: ["--interval", "5m", "--socket-group=daemon"],
      socketGroup: "daemon",
      credentials: [
        credential("metrics-token", "--metrics-token-file", "/etc/tinyforge/metrics-token"),
      ],
    });
    const { code, text } = await analyze(whole, ["verify"]);
    assertEquals(text.split("\n").filter((line) => line.includes("tinyforge")), []);
    assertEquals(code, 0, text);
    const broken = unitText({ binary: `${dir}/missing` });
    assert((await analyze(broken, ["verify"])).text.includes("is not executable"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test(`hubUnitText() passes systemd-analyze verify${reason}`, { ignore }, async () => {
  const { code, text } = await analyze(hubUnitText(HUB), ["verify"]);
  assertEquals(text.split("\n").filter((line) => line.includes("tinyforge")), []);
  assertEquals(code, 0, text);
  const broken = hubUnitText(HUB).replace("WatchdogSec", "WatchdocSec");
  assert((await analyze(broken, ["verify"])).text.includes("WatchdocSec"));
  const rated = await analyze(hubUnitText(HUB), ["security", "--offline=true", "--threshold=20"]);
  assertEquals(rated.code, 0, rated.text);
});

Deno.test(`socketUnitText() passes systemd-analyze verify${reason}`, { ignore }, async () => {
  const unit = unitText({ binary: "/bin/true" });
  const socket = socketUnitText({ hostname: "::1", port: 7475 });
  const { code, text } = await analyze(unit, ["verify"], socket);
  assertEquals(text.split("\n").filter((line) => line.includes("tinyforge")), []);
  assertEquals(code, 0, text);
  const broken = socket.replace("ListenStream", "ListenString");
  assert((await analyze(unit, ["verify"], broken)).text.includes("ListenString"));
});

Deno.test(
  `unitText() is rated at most 2.0 by systemd-analyze security${reason}`,
  { ignore },
  async () => {
    const unit = unitText({ binary: "/bin/true" });
    const { code, text } = await analyze(unit, ["security", "--offline=true", "--threshold=20"]);
    assertMatch(text, /Overall exposure level for tinyforge.service: \d/);
    assertEquals(code, 0, text);
  },
);

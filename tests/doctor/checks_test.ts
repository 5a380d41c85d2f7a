/**
 * What an index, a listing, a directory and units show that is wrong or will be: each provoked.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { daemonFindings } from "../../src/doctor/daemon_checks.ts";
import { type Finding, inShownOrder } from "../../src/doctor/finding.ts";
import { dataDirFindings, otherEngines } from "../../src/doctor/host_checks.ts";
import { type ExaminedIndex, indexFindings } from "../../src/doctor/index_checks.ts";
import { movedNames, sharedProjects } from "../../src/doctor/listing_checks.ts";
import { type UnitFacts, unitFindings } from "../../src/doctor/unit_checks.ts";
import type { ContainerDetails } from "../../src/model/details.ts";
import type { Problem } from "../../src/model/problem.ts";
import { unitText } from "../../src/system/unit.ts";
import { container } from "../harness/world.ts";
import { HUB_TROUBLES, type HubLinkStatus, type HubTrouble } from "../../src/model/views.ts";
import { STATUS } from "../harness/temp_server.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const DAY = 86_400_000;

const DETAILS: ContainerDetails = {
  startedAt: null,
  finishedAt: null,
  restartCount: 0,
  restartPolicy: "always",
  oomKilled: false,
  error: "",
  healthOutput: null,
  healthCheck: true,
  publishes: [],
};

const WELL: ExaminedIndex = {
  now: NOW,
  rows: [],
  problems: [],
  channels: [],
  damages: { database: null, values: [] },
  backups: { folder: "/backups", lastAt: NOW - DAY },
};

function row(
  name: string,
  details: Partial<ContainerDetails>,
  wanted: "running" | null = "running",
) {
  return {
    id: name,
    workload: `site/${name}`,
    state: "running",
    container: name,
    wanted,
    details: { ...DETAILS, ...details },
  };
}

const brief = (findings: readonly Finding[]) =>
  findings.map(({ code, severity }) => `${severity} ${code}`);

Deno.test("indexFindings() finds nothing in an index where all is well", () => {
  const rows = [row("blog", {}), { ...row("new", {}), details: null }];
  assertEquals(indexFindings({ ...WELL, rows }), []);
});

Deno.test("indexFindings() names what won't return after a reboot, with the command that helps", () => {
  const rows = [
    row("blog", { restartPolicy: "no" }),
    row("once", { restartPolicy: "no" }, null),
    { ...row("gone", { restartPolicy: "no" }), state: "missing" },
  ];
  const found = indexFindings({ ...WELL, rows });
  assertEquals(brief(found), ["warning no-restart-policy"]);
  assertEquals(found[0]?.do, "`docker update --restart unless-stopped blog`");
  const several = ["b", "a"].map((name) => ({
    ...row(name, { restartPolicy: "no" }),
    workload: "stack/shop",
  }));
  const [one, ...others] = indexFindings({ ...WELL, rows: several });
  assertEquals([one?.what, one?.do, others], [
    '"a", "b" of stack/shop have no restart policy',
    "`docker update --restart unless-stopped a b`",
    [],
  ]);
});

Deno.test("indexFindings() names a port that two ask for, wherever they can't both have it", () => {
  const found = (...publishes: string[][]) =>
    indexFindings({ ...WELL, rows: publishes.map((p, i) => row(`c${i}`, { publishes: p })) });
  assertEquals(brief(found(["0.0.0.0:80/tcp"], ["0.0.0.0:80/tcp"])), [
    "warning port-claimed-twice",
  ]);
  assertEquals(brief(found(["0.0.0.0:80/tcp"], ["127.0.0.1:80/tcp"])), [
    "warning port-claimed-twice",
  ]);
  assertEquals(brief(found(["[::]:80/tcp"], ["127.0.0.1:80/tcp"])), ["warning port-claimed-twice"]);
  assertEquals(found(["10.0.0.1:80/tcp"], ["127.0.0.1:80/tcp"]), []);
  assertEquals(found(["0.0.0.0:80/tcp"], ["0.0.0.0:80/udp"], ["0.0.0.0:81/tcp"]), []);
  assertEquals(found(["0.0.0.0:80/tcp", "[::]:80/tcp"]), []);
});

Deno.test("indexFindings() counts what has no health check, in one line", () => {
  const rows = Array.from({ length: 7 }, (_, i) => row(`c${i}`, { healthCheck: false }));
  const found = indexFindings({ ...WELL, rows });
  assertEquals(brief(found), ["info no-health-check"]);
  assertStringIncludes(found[0]!.what, "and 2 more");
});

Deno.test("indexFindings() names problems of a week, failing channels, old backups and damage", () => {
  const problem = {
    kind: "missing",
    since: NOW - 8 * DAY,
    containerName: "blog",
    rowId: "r",
    workloadId: "w",
    host: "local",
  } as Problem;
  const channel = { name: "ops", state: "ok", reason: "", failingSince: null } as const;
  const found = indexFindings({
    ...WELL,
    problems: [problem, { ...problem, since: NOW - DAY }],
    channels: [
      channel,
      { ...channel, name: "phone", state: "broken", reason: "401" },
      { ...channel, name: "mail", failingSince: NOW - 2 * 3_600_000 },
      { ...channel, name: "chat", failingSince: NOW - 60_000 },
    ],
    damages: { database: "row 3 missing from index", values: [`channels.config of "ops"`] },
    backups: { folder: "/my backups", lastAt: NOW - 5 * DAY },
  });
  assertEquals(brief(found), [
    "failure database-damaged",
    "failure value-damaged",
    "warning backup-old",
    "warning problem-old",
    "warning channel-failing",
    "warning channel-failing",
  ]);
  assertEquals(found[2]?.do, "`tinyforge backup '/my backups/'` says what is in the way");
  assertEquals(found[4]?.do, "`tinyforge notify test phone`");
  assertEquals(brief(indexFindings({ ...WELL, backups: null })), ["info no-backups"]);
  const never = { folder: "/backups", lastAt: null };
  assertEquals(brief(indexFindings({ ...WELL, backups: never })), ["warning backup-missing"]);
});

Deno.test("sharedProjects() names a Compose project of two directories", () => {
  const of = (id: string, project: string, directory: string) =>
    container({
      id,
      labels: {
        "com.docker.compose.project": project,
        "com.docker.compose.project.working_dir": directory,
      },
    });
  const found = sharedProjects([
    of("1", "app", "/srv/a"),
    of("2", "app", "/srv/a"),
    of("3", "web", "/srv/a"),
    of("4", "web", "/home/me/web"),
  ]);
  assertEquals(brief(found), ["warning compose-project-shared"]);
  assertStringIncludes(found[0]!.what, '"/home/me/web", "/srv/a"');
});

Deno.test("movedNames() finds the containers that are listed by their image's id", () => {
  const rows = [
    { containerId: "1", container: "a", image: "app:1" },
    { containerId: "2", container: "b", image: "app:1" },
    { containerId: "3", container: "c", image: `sha256:${"0".repeat(64)}` },
  ];
  const id = `sha256:${"0".repeat(64)}`;
  const listed = [
    container({ id: "1", image: id }),
    container({ id: "2", image: "app:1" }),
    container({ id: "3", image: id }),
  ];
  assertEquals(movedNames(rows, listed).map(({ container }) => container), ["a"]);
});

Deno.test("dataDirFindings() looks at mode, owner, room and file system, and chmod cures the mode", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-doctor-" });
  try {
    const room = { free: () => 1e12, network: () => null };
    const found = (more = {}) => dataDirFindings(dir, { ...room, ...more });
    await Deno.chmod(dir, 0o700);
    assertEquals(await found(), []);
    await Deno.chmod(dir, 0o755);
    const [wide] = await found();
    assertEquals([wide?.code, wide?.severity], ["data-dir-mode", "warning"]);
    await Deno.chmod(dir, 0o777);
    assertEquals(brief(await found()), ["failure data-dir-mode"]);
    const [, command = ""] = /^`(.*)`$/.exec(wide!.do) ?? [];
    assertEquals((await new Deno.Command("sh", { args: ["-c", command] }).output()).code, 0);
    assertEquals(await found(), []);
    assertEquals(brief(await found({ free: () => 100 << 20 })), ["warning data-dir-room"]);
    const [tight] = await found({ free: () => 100e6 });
    assertStringIncludes(tight!.what, "100 MB are free where ");
    assertEquals(brief(await found({ free: () => 1 << 20 })), ["failure data-dir-room"]);
    assertEquals(brief(await found({ network: () => "NFS" })), ["warning data-dir-network"]);
    if (Deno.uid() === 0) {
      const database = join(dir, "tinyforge.db");
      await Deno.writeTextFile(database, "");
      await Deno.chown(database, 12_345, 12_345);
      assertEquals(brief(await found()), ["failure data-dir-owner"]);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("otherEngines() names the sockets of others, and not the one in use by another path", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tinyforge-doctor-" }));
  const path = join(dir, "docker.sock");
  using _ = Deno.listen({ transport: "unix", path });
  try {
    const env = (name: string) => name === "XDG_RUNTIME_DIR" ? dir : undefined;
    const all = await otherEngines({ kind: "unix", path: "/nowhere.sock" }, env);
    assertEquals(brief(all), ["info other-engines"]);
    assertStringIncludes(all[0]!.what, path);
    await Deno.symlink(path, join(dir, "link.sock"));
    const others = await otherEngines({ kind: "unix", path: join(dir, "link.sock") }, env);
    assertEquals(others.some(({ what }) => what.includes(path)), false);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("unitFindings() tells what does not come back after a reboot, and an old unit", () => {
  const printed = unitText({ binary: "/usr/local/bin/tinyforge" });
  const other = unitText({
    binary: "/opt/tinyforge",
    args: ["--interval=5s"],
    socketGroup: "ops",
    dataDir: "/var/lib/other",
  });
  const well: UnitFacts = { installed: other, printed, enabled: true, dockerEnabled: true };
  assertEquals(unitFindings(well), []);
  assertEquals(brief(unitFindings({ ...well, installed: null })), ["info no-unit"]);
  assertEquals(brief(unitFindings({ ...well, enabled: false })), ["warning unit-not-enabled"]);
  assertEquals(brief(unitFindings({ ...well, dockerEnabled: false })), [
    "warning docker-not-enabled",
  ]);
  assertEquals(unitFindings({ ...well, dockerEnabled: null }), []);
  const old = other.replace("WatchdogSec=30s\n", "");
  const [differs] = unitFindings({ ...well, installed: old });
  assertEquals([differs?.code, differs?.severity], ["unit-differs", "warning"]);
  assertStringIncludes(differs!.what, "WatchdogSec=30s");
});

Deno.test("daemonFindings() tells each way in which a daemon does not do its work", () => {
  const found = (changes: Partial<typeof STATUS>) =>
    brief(daemonFindings({ ...STATUS, ...changes }, { version: STATUS.version, now: NOW }));
  assertEquals(found({}), []);
  const engine = STATUS.engine;
  assertEquals(found({ engine: { ...engine, up: false, error: "refused" } }), [
    "failure engine-down",
  ]);
  const changed = { accepted: "A", found: "B" };
  assertEquals(found({ ready: false, engine: { ...engine, changed } }), ["failure engine-changed"]);
  assertEquals(found({ ready: false }), ["failure not-ready"]);
  assertEquals(found({ events: { up: false, reconnects: 3 } }), ["warning events-down"]);
  assertEquals(found({ lastError: "the disk is full" }), ["failure passes-fail"]);
  assertEquals(found({ tcp: { address: null, error: "taken" } }), ["warning port-not-open"]);
  assertEquals(found({ version: "0.0.1" }), ["warning version-differs"]);
});

Deno.test("daemonFindings() says what keeps a hub from being told, and what cures it", () => {
  const well = {
    ...{ url: "https://hub:7480", name: "web-1", joinedAt: null, up: true, trouble: null },
    ...{ error: null, acknowledgedAt: "2026-01-01T00:00:00.000Z", behind: 0 },
  };
  const found = (changes: Partial<HubLinkStatus>) =>
    daemonFindings({ ...STATUS, hub: { ...well, ...changes } }, {
      ...{ version: STATUS.version, now: NOW },
    });
  assertEquals(found({}), []);
  // Before the first message nothing is known, and nothing wrong.
  assertEquals(found({ up: false, acknowledgedAt: null, behind: null }), []);
  const cures = (trouble: HubTrouble) => {
    const [finding, ...others] = found({ up: false, trouble, error: "why", behind: 7 });
    assertEquals(others, []);
    assertStringIncludes(finding!.what, "https://hub:7480 is not told: why, 7 changes");
    return `${finding!.severity} ${finding!.code}: ${finding!.do}`;
  };
  assertEquals(HUB_TROUBLES.map(cures), [
    "warning hub-unreachable: `curl https://hub:7480/livez` on this host says what is in the way",
    "failure hub-certificate: `tinyforge join https://hub:7480 --ca FILE` with the authority that " +
    "signed its certificate",
    "failure hub-not-known: `tinyforge leave`, `tinyforge hub enroll web-1` at the hub, and join anew",
    "failure hub-contested: `tinyforge leave` on the copy; 90 seconds later the other one is heard again",
    "info hub-waits: wait for half a minute",
    "failure hub-refuses: `journalctl -u tinyforge-hub` at the hub; is it of a version next to this one?",
  ]);
});

Deno.test("inShownOrder() shows groups in their order, and the worst of each first", () => {
  const of = (group: Finding["group"], severity: Finding["severity"]) => ({
    ...{ group, severity, code: `${group} ${severity}`, what: "", why: "", do: "" },
  });
  const mixed = [of("containers", "info"), of("engine", "info"), of("engine", "failure")];
  assertEquals(inShownOrder(mixed).map(({ code }) => code), [
    "engine failure",
    "engine info",
    "containers info",
  ]);
});

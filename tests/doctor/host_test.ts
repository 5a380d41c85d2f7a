/**
 * What `tinyforge doctor` finds of a host and its users: a host with a service manager, with file
 * systems and with sockets of the test's own, where the commands that it prints are run.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { FakeEngine } from "../engines/scripted.ts";
import { until } from "../harness/until.ts";
import { SharedHost, type User } from "../harness/users.ts";
import { testAsRoot } from "../lock/privileged.ts";
import { codesOf, commandsOf, type Examined, examined, theFinding } from "./findings.ts";

const ROOT: User = { id: 0 };
const ANN: User = { id: 23_001 };
const GROUP = 23_500;
const MEMBER: User = { id: 23_002, groups: [GROUP] };

/** No service manager runs here, so `systemctl` writes its files and starts nothing. */
const SYSTEMCTL = `#!/bin/sh
case "$1" in start | restart | daemon-reload) exit 0 ;; esac
for word; do
  shift
  [ "$word" = --now ] || set -- "$@" "$word"
done
PATH="\${PATH#*:}" SYSTEMD_OFFLINE=1 SYSTEMCTL_SKIP_SYSV=1 exec systemctl "$@"
`;

const doctor = async (host: SharedHost, user = ROOT, ...args: string[]): Promise<Examined> =>
  examined(await host.run(user, "doctor", "--json", ...args));

const ofGroup = ({ findings }: Examined, group: string) =>
  codesOf({ findings: findings.filter((each) => each.group === group) });

/** Runs a shell's line as root; fails where that does. */
async function must(host: SharedHost, script: string): Promise<string> {
  const { code, stdout, stderr } = await host.shell(ROOT, script);
  assertEquals(code, 0, `${script}: ${stderr}`);
  return stdout;
}

testAsRoot(
  "doctor finds what systemd would not bring back after a reboot, and its commands cure each",
  async () => {
    await using host = await SharedHost.make();
    assertEquals(ofGroup(await doctor(host), "host"), [], "without a service manager");
    await Deno.mkdir(join(host.dir, "bin"));
    await Deno.writeTextFile(join(host.dir, "bin/systemctl"), SYSTEMCTL, { mode: 0o755 });
    await must(
      host,
      "mkdir -p /run/systemd/system && mount -t tmpfs tmpfs /etc/systemd && " +
        "mkdir /etc/systemd/system && printf '[Service]\\nExecStart=/bin/true\\n[Install]\\n" +
        "WantedBy=multi-user.target\\n' > /etc/systemd/system/docker.service",
    );
    const cure = async (code: string) => {
      const [command] = commandsOf(theFinding(await doctor(host), code));
      await must(host, command!);
    };
    assertEquals(ofGroup(await doctor(host), "host"), ["docker-not-enabled", "no-unit"]);
    await cure("docker-not-enabled");
    assertEquals(ofGroup(await doctor(host), "host"), ["no-unit"]);
    await cure("no-unit");
    assertEquals(ofGroup(await doctor(host), "host"), []);

    await must(host, "systemctl disable tinyforge");
    assertEquals(ofGroup(await doctor(host), "host"), ["unit-not-enabled"]);
    await cure("unit-not-enabled");
    assertEquals(ofGroup(await doctor(host), "host"), []);

    await must(host, "sed -i /WatchdogSec/d /etc/systemd/system/tinyforge.service");
    const differs = theFinding(await doctor(host), "unit-differs");
    assertStringIncludes(differs.what, "WatchdogSec=");
    await cure("unit-differs");
    assertEquals(ofGroup(await doctor(host), "host"), []);
  },
);

testAsRoot(
  "doctor finds a data directory that is another's, open to others or full, and its commands cure it",
  async () => {
    await using host = await SharedHost.make();
    await must(
      host,
      "mkdir -m 700 /var/lib/tinyforge && " +
        "mount -t tmpfs -o size=1g,mode=700 tmpfs /var/lib/tinyforge && tinyforge add site blog",
    );
    const data = async () => ofGroup(await doctor(host), "data");
    const cure = async (code: string) => {
      const [command] = commandsOf(theFinding(await doctor(host), code));
      await must(host, command!);
    };
    assertEquals(await data(), ["no-backups"]);

    await must(host, `chown ${ANN.id} /var/lib/tinyforge/tinyforge.db`);
    assertEquals((await doctor(host)).code, 3);
    await cure("data-dir-owner");
    assertEquals(await data(), ["no-backups"]);

    for (const mode of ["755", "777"]) {
      await must(host, `chmod ${mode} /var/lib/tinyforge`);
      const { severity } = theFinding(await doctor(host), "data-dir-mode");
      assertEquals(severity, mode === "777" ? "failure" : "warning");
      await cure("data-dir-mode");
      assertEquals(await data(), ["no-backups"]);
    }

    for (const [size, severity] of [["100m", "warning"], ["12m", "failure"]] as const) {
      await must(host, `mount -o remount,size=${size} /var/lib/tinyforge`);
      const room = theFinding(await doctor(host), "data-dir-room");
      assertEquals(room.severity, severity);
      assertStringIncludes(await must(host, commandsOf(room)[0]!), "/var/lib/tinyforge");
    }
    await must(host, "mount -o remount,size=1g /var/lib/tinyforge");
    assertEquals(await data(), ["no-backups"]);
  },
);

testAsRoot(
  "doctor finds an Engine that is closed to its user, until he is a member of its group",
  async () => {
    await using host = await SharedHost.make();
    await using engine = await FakeEngine.start({ path: join(host.dir, "docker.sock") });
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    await Deno.chmod(engine.path, 0o600);
    const closed = await doctor(host, ANN);
    assertEquals(closed.code, 3);
    const permission = theFinding(closed, "engine-permission");
    assertEquals([permission.severity, permission.group], ["failure", "engine"]);
    assertStringIncludes(permission.what, "permission denied");
    assertStringIncludes(permission.do, "usermod -aG docker");
    assertEquals(ofGroup(await doctor(host, ROOT), "engine"), []);

    // As packages make it; and who is in the group may.
    await Deno.chown(engine.path, 0, GROUP);
    await Deno.chmod(engine.path, 0o660);
    assertEquals(ofGroup(await doctor(host, ANN), "engine"), ["engine-permission"]);
    assertEquals(ofGroup(await doctor(host, MEMBER), "engine"), []);
  },
);

testAsRoot(
  "doctor takes an Engine that is closed to its user for none of the daemon's worries",
  async () => {
    await using host = await SharedHost.make();
    await using engine = await FakeEngine.start({ path: join(host.dir, "docker.sock") });
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    host.env["TINYFORGE_LISTEN"] = "none";
    await Deno.chmod(engine.path, 0o600);
    await host.start(ROOT, ["reconcile", "--socket-group", String(GROUP)]);
    await until("it is ready", async () => (await host.run(ROOT, "healthcheck")).code === 0);
    const found = await doctor(host, MEMBER);
    assertEquals(theFinding(found, "engine-permission").severity, "info");
    assertEquals([found.code, ofGroup(found, "daemon")], [0, []]);
  },
);

testAsRoot("doctor names another Engine of the host, and how to ask that one", async () => {
  await using host = await SharedHost.make();
  await using used = await FakeEngine.start({ path: join(host.dir, "docker.sock") });
  await using other = await FakeEngine.start({ path: join(host.dir, "podman.sock") });
  host.env["TINYFORGE_DOCKER_HOST"] = `unix://${used.path}`;
  await must(host, `mkdir /run/podman && ln -s ${other.path} /run/podman/podman.sock`);
  const found = await doctor(host);
  const { severity, do: remedy } = theFinding(found, "other-engines");
  assertEquals(severity, "info");
  const [, ...flags] = /: (--docker-host) (\S+)$/.exec(remedy) ?? [];
  other.add({ name: "theirs" });
  assert(!codesOf(await doctor(host, ROOT, ...flags)).includes("other-engines"));
  assert(other.count("list") > 0, "it was asked");
});

/**
 * The binary as it is shipped: built by the compile task, run where there is nothing but glibc,
 * against the real Engine, killed and started again. Only where a denort for this machine is at
 * hand; elsewhere the reason is in the tests' names.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { run } from "./engines/run.ts";
import { makeKeys } from "./harness/backups.ts";
import { binaryTest, Build, copyLinked, ROOT } from "./harness/build.ts";
import { freePort } from "./harness/free_port.ts";
import { startCluster } from "./harness/postgres.ts";
import { until } from "./harness/until.ts";
import { MisbehavingReceivers } from "./receivers/misbehaving.ts";
import { Receiver } from "./receivers/receiver.ts";

/**
 * A root directory with the binary, the libraries it is linked to, and nothing else: no user, no
 * home, no configuration. The binary finds data directory and Engine by its defaults.
 */
class BareHost implements AsyncDisposable {
  readonly root: string;
  readonly #engineSocket: string;
  #daemon: Deno.ChildProcess | null = null;

  private constructor(root: string, engineSocket: string) {
    this.root = root;
    this.#engineSocket = engineSocket;
  }

  static async make(binary: string, engineSocket: string): Promise<BareHost> {
    const host = new BareHost(await Deno.makeTempDir({ prefix: "tinyforge-bare-" }), engineSocket);
    await copyLinked(binary, host.root);
    await run("cp", [binary, join(host.root, "tinyforge")]);
    for (const folder of ["proc", "tmp", "var/run"]) {
      await Deno.mkdir(join(host.root, folder), { recursive: true });
    }
    await Deno.writeTextFile(join(host.root, "var/run/docker.sock"), "");
    return host;
  }

  get dataDir(): string {
    return join(this.root, "var/lib/tinyforge");
  }

  /** Runs the binary to its end; the mounts are seen by it alone and go with it. */
  tinyforge(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.run("/tinyforge", ...args);
  }

  /** The same for a program wherever it lies. */
  async run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code, stdout, stderr } = await this.#command(args, "piped").output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  /** Starts the daemon; resolves when the index is ready. Its events must do the rest. */
  async up(): Promise<void> {
    const args = [
      "/tinyforge",
      "reconcile",
      "--interval",
      "5m",
      "--listen",
      "none",
      "--backup-dir",
      "/backups",
    ];
    this.#daemon = this.#command(args, "null").spawn();
    await until("the daemon is ready", async () => {
      const { stdout } = await this.tinyforge("status", "--json");
      return stdout !== "" && JSON.parse(stdout).daemon?.ready === true;
    });
  }

  /** Starts a hub whose directory is `/hub`; it ends with what is returned. */
  async hub(...more: string[]): Promise<AsyncDisposable> {
    const args = ["hub", "--data-dir", "/hub", ...more];
    const hub = this.#command(["/tinyforge", ...args], "null").spawn();
    await until("the hub listens", async () => {
      return (await this.tinyforge("hub", "list", "--data-dir", "/hub")).code === 0;
    });
    return {
      async [Symbol.asyncDispose]() {
        hub.kill("SIGTERM");
        assertEquals((await hub.status).code, 0);
      },
    };
  }

  async down(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    const daemon = this.#daemon!;
    this.#daemon = null;
    daemon.kill(signal);
    return await daemon.status;
  }

  /** Of the daemon that answers. */
  async pid(): Promise<number> {
    return JSON.parse((await this.tinyforge("status", "--json")).stdout).daemon.pid;
  }

  /** State of each row, by role. */
  async states(): Promise<Record<string, string>> {
    const { stdout, stderr } = await this.tinyforge("ps", "--json");
    // Where no daemon keeps it, the index's age is told.
    assertMatch(stderr, this.#daemon === null ? /^This may be old [^\n]*\n$/ : /^$/);
    const rows: { role: string; state: string }[] = JSON.parse(stdout).items;
    return Object.fromEntries(rows.map(({ role, state }) => [role, state]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon !== null) await this.down("SIGKILL");
    await Deno.remove(this.root, { recursive: true });
  }

  #command(args: string[], output: "piped" | "null"): Deno.Command {
    const script = 'mount -t proc proc "$0/proc" && ' +
      'mount --bind "$1" "$0/var/run/docker.sock" && ' +
      'root=$0 && shift && exec env -i TMPDIR=/tmp "$(command -v chroot)" "$root" "$@"';
    return new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", script, this.root, this.#engineSocket, ...args],
      stdin: "null",
      stdout: output,
      stderr: output,
    });
  }
}

binaryTest("the binary keeps the index on a host with nothing but glibc", async (scope, t) => {
  await using build = await Build.make();
  // Size and start-up time as a step's name: the quiet test runner swallows what a test prints.
  await t.step(build.said.split("\n").at(-1)!, async () => {
    assertMatch(build.said, /^dist\/tinyforge: \d+\.\d MiB for .*, starts in \d+ ms$/m);
    await run("sha256sum", ["--check", "--quiet", "tinyforge.sha256"], {
      cwd: `${build.directory}/dist`,
    });
  });
  assert(scope.host.kind === "unix");
  await using host = await BareHost.make(build.binary, scope.host.path);

  await t.step("it tells what it is made of, and writes its unit", async () => {
    const version = await host.tinyforge("version", "--json");
    assertEquals(version.code, 0, version.stderr);
    assertEquals(Object.keys(JSON.parse(version.stdout)), ["tinyforge", "deno", "sqlite"]);
    assertMatch(JSON.parse(version.stdout).sqlite, /^3\./);
    const unit = await host.tinyforge("systemd");
    assertStringIncludes(unit.stdout, "ExecStart=/tinyforge reconcile");
    assertEquals(unit.stderr.includes("can't see"), false, unit.stderr);
    // The unit has a /tmp of its own.
    await Deno.copyFile(build.binary, join(host.root, "tmp/tinyforge"));
    const hidden = await host.run("/tmp/tinyforge", "systemd");
    assertStringIncludes(
      hidden.stderr,
      'The service can\'t see "/tmp/tinyforge": move it to /usr/local/bin/tinyforge',
    );
    await Deno.remove(join(host.root, "tmp/tinyforge"));
  });

  let both = "";
  await t.step("one row comes by the boot pass, one by an event", async () => {
    assertEquals((await host.tinyforge("add", "stack", scope.name)).code, 0);
    const { stdout } = await host.tinyforge("labels", scope.name, "--json");
    const workload: string = JSON.parse(stdout).labels["tinyforge.workload.id"];
    const labelled = (role: string) => ({
      labels: { "tinyforge.workload.id": workload, "tinyforge.workload.role": role },
    });
    await scope.run("before", labelled("before"));
    await host.up();
    assertEquals(await host.states(), { before: "running" });
    await scope.run("after", labelled("after"));
    await until("the event is seen", async () => (await host.states()).after === "running");
    both = new Date().toISOString();
  });

  await t.step("killed, it starts again, lost nothing and catches up", async () => {
    await host.down("SIGKILL");
    await scope.docker("kill", scope.containerName("after"));
    await host.up();
    assertEquals(await host.states(), { before: "running", after: "stopped" });
  });

  await t.step("it tells what was: history, ps --at, diff, availability", async () => {
    const told = async (...args: string[]) => {
      const { code, stdout, stderr } = await host.tinyforge(...args, "--json");
      assertEquals(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const then = await told("ps", "--at", both);
    assertEquals(
      then.items.map((row: Record<string, string>) => [row["role"], row["state"]]).toSorted(),
      [["after", "running"], ["before", "running"]],
    );
    const { items } = await told("diff", "--since", both);
    assertEquals(
      items.map(({ now, differs }: { now: { role: string; state: string }; differs: string[] }) => [
        ...[now.role, now.state, differs],
      ]),
      [["after", "stopped", ["state"]]],
    );
    const history = (await told("history")).items as { what: string; to: string | null }[];
    assertEquals(history[0]!.what, "audit");
    assertEquals(
      history.flatMap(({ what, to }) => what === "transition" ? [to] : []).filter((to) =>
        to !== "created"
      ),
      ["running", "running", "stopped"],
    );
    assertEquals(
      history.flatMap(({ what }) => what.startsWith("watch") ? [what] : []),
      ["watch-began", "watch-ended", "watch-began"],
    );
    const { workloads: [stack] } = await told("availability", scope.name, "--days", "1");
    const { runningMs, unknownMs, rows } = stack;
    assertEquals([runningMs > 0, unknownMs > 0, rows.length], [true, true, 2]);
    const table = await host.tinyforge("history", scope.name);
    assertMatch(table.stdout, /running → ○ stopped \(137\)/);
  });

  await t.step(
    "it takes in a Compose project by its files and its person's environment",
    async () => {
      const name = `${scope.name}-shop`;
      await Deno.writeTextFile(
        join(host.root, "compose.yaml"),
        'services: { web: { image: "web:${TMPDIR}${TAG}", scale: 2 } }',
      );
      await Deno.writeTextFile(join(host.root, ".env"), "TMPDIR=of-the-file\nTAG=-1\n");
      const compose = { project: name, service: "web", "container-number": "1" };
      const files = { "project.working_dir": "/", "project.config_files": "/compose.yaml" };
      await scope.run("shop", {
        labels: Object.fromEntries(
          Object.entries({ ...compose, ...files })
            .map(([label, value]) => [`com.docker.compose.${label}`, value]),
        ),
      });
      const adopted = await host.tinyforge("adopt", name);
      assertEquals(adopted.code, 0, adopted.stderr);
      const expected = JSON.parse((await host.tinyforge("expect", name, "--json")).stdout).items;
      assertEquals(
        expected.map((
          each: Record<string, unknown>,
        ) => [each["role"], each["image"], each["source"]]),
        [["web", "web:/tmp-1", "compose"]],
      );
      assertEquals((await host.tinyforge("rm", "stack", name, "--force")).code, 0);
      await scope.docker("rm", "--force", scope.containerName("shop"));
    },
  );

  await t.step("no receiver of notifications ends its daemon, however it answers", async () => {
    await using bad = new MisbehavingReceivers();
    const pid = await host.pid();
    const outcomes = await Promise.all([...bad.origins].map(async ([what, origin]) => {
      const name = what.replaceAll(" ", "-");
      const added = await host.tinyforge("notify", "add", name, origin, "--allow-loopback");
      assertEquals(added.code, 0, added.stderr);
      const { code, stderr } = await host.tinyforge("notify", "test", name);
      return [what, code, /Not delivered \((\w+)\)/.exec(stderr)?.[1] ?? stderr];
    }));
    assertEquals(outcomes, [
      ["says nothing", 1, "timeout"],
      ["hangs in its head", 1, "timeout"],
      ["hangs in its body", 1, "answer"],
      ["hangs in a chunk", 1, "answer"],
      ["drips without end", 1, "answer"],
      ["floods without end", 1, "answer"],
      ["closes in its body", 1, "answer"],
      ["closes in a chunk", 1, "answer"],
      ["has chunks that are none", 1, "answer"],
      ["says more than it announced", 1, "answer"],
      ["answers twice", 1, "answer"],
      ["upgrades", 1, "connection"],
      ["is no HTTP", 1, "connection"],
      // Some Deno say nothing of a connection that is reset before an answer.
      ["closes at once", 1, outcomes.at(-1)![2] === "timeout" ? "timeout" : "connection"],
    ]);
    assertEquals(await host.pid(), pid);
  });

  await t.step("it backs itself up beside its daemon, and restores that", async () => {
    const backups = join(host.root, "backups");
    // A thread of its own makes it, soon after the start.
    await until(
      "the daemon made one by itself",
      () => Deno.readTextFile(join(backups, "SHA256SUMS")).catch(() => null),
      { withinMs: 60_000 },
    );
    const { recipient, identity } = await makeKeys();
    await Deno.writeTextFile(join(host.root, "key"), identity);
    const made = await host.tinyforge("backup", "/one.tar.age", "--recipient", recipient);
    assertEquals(made.code, 0, made.stderr);
    const refused = await host.tinyforge("restore", "/one.tar.age", "--identity", "/key");
    assertEquals(refused.code, 5, refused.stderr);
    assertEquals((await host.down("SIGTERM")).code, 0);
    const restored = await host.tinyforge("restore", "/one.tar.age", "--identity", "/key");
    assertEquals(restored.code, 0, restored.stderr);
    assertEquals(await host.states(), { before: "running", after: "stopped" });
    assertMatch((await host.tinyforge("history")).stdout, /restored from a backup +- +made .*\n$/);
    const [own] = (await Array.fromAsync(Deno.readDir(backups), ({ name }) => name))
      .filter((name) => name.endsWith(".tar"));
    const verified = await host.tinyforge("backup", "verify", `/backups/${own}`);
    assertEquals(verified.code, 0, verified.stderr);
  });

  await t.step("it is a hub, which its host joins, and which people are told by", async () => {
    await using cluster = await startCluster();
    await using inbox = new Receiver(() => new Response());
    const address = `127.0.0.1:${freePort()}`;
    await using _hub = await host.hub(
      ...["--database", await cluster.newDatabase(), "--listen", address],
      // Of the step before.
      ...["--channel-key-file", "/key"],
    );
    const atHub = async (...args: string[]) => {
      const { code, stdout, stderr } = await host.tinyforge(...args, "--data-dir", "/hub");
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const join = await atHub("hub", "enroll", "one", "--url", `http://${address}`);
    assertMatch(await atHub("hub", "list"), /^one +not joined/m);
    const joined = await host.tinyforge(...join.trim().split(" ").slice(1));
    assertEquals(joined.code, 0, joined.stderr);
    await host.up();
    await until("the hub has its rows", async () => {
      const { items } = JSON.parse(await atHub("ps", "--json"));
      return items.length === 2 && items;
    });
    assertMatch(await atHub("hub", "list"), /^one +known/m);
    assertMatch(await atHub("ps", "--host", "one"), /^one .*after .*stopped/m);
    // What is loaded only when it is needed is in the binary.
    await atHub(
      "notify",
      "add",
      "ops",
      `${inbox.origin}/hook`,
      "--allow-loopback",
      "--host",
      "one",
    );
    await atHub("notify", "test", "ops");
    assertEquals(inbox.requests.length, 1);
    await atHub("silence", "--host", "one", "--cron", "0 3 * * SUN", "--for", "1h");
    assertMatch(await atHub("silence", "list"), /one +for 1h each time/);
    assertEquals((await host.tinyforge("leave")).code, 0);
    assertEquals((await host.down("SIGTERM")).code, 0);
  });

  await t.step("it loads nothing that others planted", () => rejectsWhatOthersPlant(host));
  await t.step("it goes to no proxy for what is on this machine", async () => {
    const rights = ["read", "write", "net", "env", "run", "sys"].map((right) => `--allow-${right}`);
    const script = join(ROOT, "tests/http/behind_proxies.ts");
    const deno = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...rights];
    const said = JSON.parse(await run("unshare", ["--net", ...deno, script, build.binary]));
    assertEquals(said.results.filter((each: { well: boolean }) => !each.well), []);
    assertEquals([said.strays, said.results.length], [[], 10]);
  });
});

/** A library that was changed in the data directory, and files in the shared temporary directory. */
async function rejectsWhatOthersPlant(host: BareHost): Promise<void> {
  const folder = join(host.dataDir, "lib");
  const [library] = await Array.fromAsync(Deno.readDir(folder));
  const path = join(folder, library!.name);
  const genuine = await Deno.readFile(path);
  await Deno.writeTextFile(path, "not the library");
  const planted = ["deno-compile-tinyforge.cache", "tinyforge.cache", library!.name];
  for (const name of planted) await Deno.writeTextFile(join(host.root, "tmp", name), "planted");

  const { code, stderr } = await host.tinyforge("reconcile", "--once");
  assertEquals(code, 0, stderr);
  assertEquals(await Deno.readFile(path), genuine);
  const left = (await Array.fromAsync(Deno.readDir(join(host.root, "tmp")))).map(({ name }) =>
    name
  );
  assertEquals(left.sort(), planted.sort(), "the binary keeps nothing in the temporary directory");
  for (const name of planted) {
    assertEquals(await Deno.readTextFile(join(host.root, "tmp", name)), "planted");
  }
}

/**
 * Several users on one host: who finds which index, and who may use the service's.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { freePort } from "./harness/free_port.ts";
import { missing } from "./harness/missing.ts";
import { until } from "./harness/until.ts";
import { Running } from "./harness/program.ts";
import { SharedHost, type User } from "./harness/users.ts";
import { testAsRoot } from "./lock/privileged.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));

const ROOT: User = { id: 0 };
const ANN: User = { id: 23_001 };
const GROUP = 23_500;
const MEMBER: User = { id: 23_002, groups: [GROUP] };

/** Root's service on its default data directory, listening. */
async function service(host: SharedHost, ...args: string[]): Promise<void> {
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${freePort()}`;
  const daemon = await host.start(ROOT, ["reconcile", ...args]);
  await until("the service listens", () => {
    if (daemon.stderr.includes('"message":"started"')) return true;
    return false;
  });
}

testAsRoot(
  "a user who isn't root is told of root's service, and makes no second index unasked",
  async () => {
    await using host = await SharedHost.make();
    await service(host);
    const address = host.env["TINYFORGE_LISTEN"]!;
    const own = join(host.home(ANN), ".local/state/tinyforge");

    for (const args of [["add", "site", "blog"], ["reconcile"], ["reconcile", "--once"]]) {
      const { code, stderr } = await host.run(ANN, ...args);
      assertEquals(code, 2, args.join(" "));
      assertStringIncludes(stderr, `Cannot write to "${own}": another user's Tinyforge keeps`);
    }
    const refused = await host.run(ANN, "add", "site", "blog", "--json");
    assertEquals(JSON.parse(refused.stderr).error.code, "other-daemon");
    assertEquals(await Deno.stat(join(host.home(ANN), ".local")).catch(() => null), null);

    const asked = await host.run(ANN, "add", "site", "blog", "--data-dir", own);
    assertEquals(asked.code, 0, asked.stderr);
    const { stdout } = await host.run(ROOT, "list", "sites", "--json");
    assertEquals(JSON.parse(stdout).items, []);

    const read = await host.run(ANN, "list", "sites");
    assertMatch(read.stdout, /^blog /m);
    assertStringIncludes(
      read.stderr,
      `another user's Tinyforge keeps of this host (it answers on ${address})`,
    );
    assertStringIncludes(read.stderr, `--data-dir "${own}"`);
  },
);

/** What each of them can't do where the one daemon of the host is another user's. */
const NEED_DAEMON: readonly (readonly [args: readonly string[], action: string, code: number])[] = [
  [["dashboard"], "make a link to the dashboard", 4],
  [["ps"], "read the index", 4],
  [["list"], "read the index", 4],
  [["routes"], "read the index", 4],
  [["discover"], "read the index", 4],
  [["explain", "blog"], "read the index", 4],
  [["session", "list"], "read the index", 4],
  [["rm", "site", "blog"], "reach the index", 4],
  [["session", "rm", "--all"], "reach the index", 4],
  [["notify", "test", "x"], "reach the index", 4],
  [["check"], "check", 4],
  [["backup", "-"], "back up", 4],
  [["join", "https://hub.example.org", "x"], "join", 4],
  [["leave"], "leave", 4],
  [["status"], "ask the daemon", 0],
  [["healthcheck"], "ask the daemon", 1],
  [["doctor"], "look at the daemon", 3],
];

testAsRoot(
  "a user without an index is told whose the daemon of this host is, and how to reach it, by whatever needs it",
  async () => {
    await using host = await SharedHost.make();
    await service(host);
    const address = host.env["TINYFORGE_LISTEN"]!;
    for (const [args, action, expected] of NEED_DAEMON) {
      const { code, stdout, stderr } = await host.run(ANN, ...args);
      const said = stdout + stderr;
      assertEquals(code, expected, `${args.join(" ")}: ${said}`);
      assertStringIncludes(
        said,
        `Cannot ${action}: another user's Tinyforge keeps the index of this host ` +
          `(it answers on ${address}), and its socket is closed to this user`,
        args.join(" "),
      );
      if (code !== 1) {
        assertStringIncludes(said, "use sudo, or have it started with --socket-group");
      }
      if (code !== 1) assertStringIncludes(said, `with a token, http://${address} answers you too`);
      // No way out that leads to a second index or a second daemon.
      assertEquals(/makes one|start it with|systemctl start tiny|begin/.exec(said), null, said);
    }
    const { stderr } = await host.run(ANN, "dashboard", "--json");
    assertEquals(JSON.parse(stderr).error.code, "other-daemon");
    assertEquals(await Deno.stat(join(host.home(ANN), ".local")).catch(() => null), null);
  },
);

testAsRoot("what asks a hub says when its socket is closed to this user", async () => {
  await using host = await SharedHost.make();
  const dataDir = join(host.dir, "hub");
  await Deno.mkdir(dataDir, { mode: 0o700 });
  for (const args of [["list"], ["enroll", "one"], ["rm", "one"], ["status"], ["healthcheck"]]) {
    const { code, stdout, stderr } = await host.run(ANN, "hub", ...args, "--data-dir", dataDir);
    assertEquals(code, stderr === "" ? 1 : 4, args.join(" "));
    assertStringIncludes(
      stdout + stderr,
      `Cannot reach the hub at "${dataDir}/hub.sock": permission denied`,
    );
    if (code === 4) assertStringIncludes(stderr, "as the user that the hub runs as (0), or as a");
  }
});

testAsRoot(
  "a closed data directory is not to be given away while a daemon may keep it",
  async () => {
    await using host = await SharedHost.make();
    await service(host);
    for (const args of [["ps"], ["add", "site", "blog"], ["dashboard"], ["leave"]]) {
      const { code, stderr } = await host.run(ANN, ...args, "--data-dir", "/var/lib/tinyforge");
      assertEquals(code, 1, stderr);
      assertMatch(
        stderr,
        /permission denied, "\/var\/lib\/tinyforge" belongs to another user \(0\)\nhint: run as root \(sudo\), or have the daemon there started with --socket-group .*; where none is to keep it any more/,
      );
    }
  },
);

testAsRoot(
  "a user who isn't root waits for nothing that says nothing on the service's port",
  async () => {
    await using host = await SharedHost.make();
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${silent.addr.port}`;
    const { code, stderr } = await host.run(ANN, "add", "site", "blog");
    assertEquals(code, 0, stderr);
  },
);

/** What each of them needs the index for, and what becomes of it where that can't be had. */
const NEED_INDEX: readonly (readonly string[])[] = [
  ["ps"],
  ["list"],
  ["status"],
  ["routes"],
  ["explain", "blog"],
  ["labels", "blog"],
  ["problems"],
  ["history"],
  ["expect", "blog"],
  ["secret", "show", "blog"],
  ["token", "list"],
  ["backup", "-"],
  ["add", "site", "shop"],
  ["rename", "site", "blog", "shop"],
  ["rm", "site", "blog"],
  ["secret", "rotate", "blog"],
  ["reconcile"],
  ["reconcile", "--once"],
];

for (const given of ["nothing of it", "its directory alone", "all but the lock's guard"] as const) {
  testAsRoot(
    `what root's first command made, the service's user, given ${given}, is told whose it is and what to do`,
    async () => {
      await using host = await SharedHost.make();
      const dataDir = join(host.dir, "data");
      const where = ["--data-dir", dataDir];
      const root = (...args: string[]) => host.command(ROOT, args).output();
      assertEquals((await host.run(ROOT, "add", "site", "blog", ...where)).code, 0);
      if (given === "its directory alone") await root("chown", String(ANN.id), dataDir);
      if (given === "all but the lock's guard") {
        await root("chown", "--recursive", String(ANN.id), dataDir);
        await root("chown", "0", join(dataDir, "tinyforge.lock.guard"));
      }
      const writes = NEED_INDEX.slice(NEED_INDEX.findIndex(([name]) => name === "add"));
      const files = () => everyFile(dataDir);
      const before = await files();
      const all = `chown -R ${ANN.id} "${dataDir}"`;
      for (const args of given === "all but the lock's guard" ? writes : NEED_INDEX) {
        const { code, stderr } = await host.run(ANN, ...args, ...where);
        assertEquals(code, 1, `${args.join(" ")}: ${stderr}`);
        assertMatch(stderr, /belongs to (another )?user \(?0\b/, args.join(" "));
        assertMatch(stderr, /^Cannot [^\n]*"\/[^\n]*data(\/tinyforge[a-z.]+)?"/m, args.join(" "));
        assertStringIncludes(stderr, all, args.join(" "));
      }
      assertEquals(await files(), before, "nothing is made, changed or lost");

      await root("chown", "--recursive", String(ANN.id), dataDir);
      assertMatch((await host.run(ANN, "list", "sites", ...where)).stdout, /^blog /m);
      // Root may look, and what it looks at stays the user's.
      for (const args of [["ps"], ["status"], ["list"]]) {
        assertEquals((await host.run(ROOT, ...args, ...where)).code, 0, args.join());
      }
      const refused = await host.run(ROOT, "add", "site", "other", ...where);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, `sudo -u '#${ANN.id}'`);
      const added = await host.run(ANN, "add", "site", "shop", ...where);
      assertEquals(added.code, 0, added.stderr);
    },
  );
}

/** Each file below, with its owner, mode and size. */
async function everyFile(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    const { uid, mode, size } = await Deno.lstat(path);
    found.push([path, uid, mode, size].join(" "));
    if (isDirectory) found.push(...await everyFile(path));
  }
  return found.sort();
}

testAsRoot(
  "the socket's group reads and writes the service's index, and nobody else does",
  async () => {
    await using host = await SharedHost.make();
    await service(host, "--socket-group", String(GROUP));
    const added = await host.run(MEMBER, "add", "site", "blog");
    assertEquals([added.code, /hint|another/.exec(added.stderr)], [0, null], added.stderr);
    assertMatch((await host.run(ROOT, "list", "sites")).stdout, /^blog /m);
    assertMatch((await host.run(MEMBER, "list", "sites")).stdout, /^blog /m);
    assertEquals(await Deno.stat(join(host.home(MEMBER), ".local")).catch(() => null), null);

    const [dir, file, database] = await Promise.all(
      ["", "/tinyforge.sock", "/tinyforge.db"].map(async (name) => {
        const args = ["stat", "--format", "%a %u %g", `/var/lib/tinyforge${name}`];
        const { stdout } = await host.command(ROOT, args).output();
        return new TextDecoder().decode(stdout).trim();
      }),
    );
    assertEquals([dir, file, database], [`710 0 ${GROUP}`, `660 0 ${GROUP}`, "600 0 0"]);

    const stranger = await host.run(ANN, "add", "site", "other");
    assertEquals(stranger.code, 2, stranger.stderr);
    const named = await host.run(ANN, "add", "site", "other", "--data-dir", "/var/lib/tinyforge");
    assertEquals(named.code, 1, named.stderr);
  },
);

testAsRoot(
  "a service whose data nobody else gets to has its group's socket below /run",
  async () => {
    await using host = await SharedHost.make();
    const dynamic: User = { id: 23_900, groups: [GROUP] };
    // As systemd has it for a dynamic user, which alone gets through what is private.
    const script =
      "mkdir -p -m 700 /var/lib/private /var/lib/private/tinyforge /run/tinyforge && " +
      `chown ${dynamic.id} /var/lib/private /var/lib/private/tinyforge /run/tinyforge && chmod 755 /run/tinyforge && ` +
      "ln -s private/tinyforge /var/lib/tinyforge";
    assertEquals((await host.command(ROOT, ["sh", "-c", script]).output()).code, 0);
    const daemon = await host.start(dynamic, ["reconcile"], {
      STATE_DIRECTORY: "/var/lib/private/tinyforge",
      RUNTIME_DIRECTORY: "/run/tinyforge",
      TINYFORGE_SOCKET_GROUP: String(GROUP),
      TINYFORGE_LISTEN: "none",
    });
    await until("it listens", () => daemon.stderr.includes('"message":"started"'));
    const added = await host.run(MEMBER, "add", "site", "blog");
    assertEquals(added.code, 0, added.stderr);
    for (const user of [ROOT, MEMBER]) {
      const listed = await host.run(user, "list", "sites");
      assertMatch(listed.stdout, /^blog /m, listed.stderr);
    }
    const stranger = await host.run(ANN, "add", "site", "other");
    assertEquals(stranger.code, 2);
    assertStringIncludes(stranger.stderr, 'its socket is "/run/tinyforge/tinyforge.sock"');
  },
);

const prometheus = await new Deno.Command("prometheus", { args: ["--version"] }).output()
  .then(() => testAsRoot, () => (name: string) => missing(name, "prometheus is not installed"));

for (const kept of ["in a file that the daemon is given", "by the daemon"] as const) {
  prometheus(
    `the README's Prometheus, not root, reads metrics with its token and nothing else: kept ${kept}`,
    async () => {
      await using host = await SharedHost.make();
      const file = join(host.dir, "metrics-token");
      if (kept === "by the daemon") {
        await service(host);
        const { code, stderr } = await host.run(
          ROOT,
          ...["token", "add", "prometheus", "--role", "metrics", "--file", file],
        );
        assertEquals(code, 0, stderr);
        await share(file);
      } else {
        await Deno.writeTextFile(file, "metrics-0123456789abcdef0123456789abcdef\n");
        await share(file);
        await service(host, "--metrics-token-file", file);
      }
      await scrapedWith(host, file);
    },
  );
}

/** As the README has it: root's, and Prometheus' group reads it. */
async function share(file: string): Promise<void> {
  await Deno.chown(file, 0, GROUP);
  await Deno.chmod(file, 0o640);
}

async function scrapedWith(host: SharedHost, file: string): Promise<void> {
  const address = host.env["TINYFORGE_LISTEN"]!;
  const own = freePort();
  const block = /```yaml\n(scrape_configs:\n[^`]*)```/.exec(README)![1]!
    .replaceAll("127.0.0.1:7475", address)
    .replaceAll("/etc/prometheus/tinyforge.token", file);
  const config = join(host.dir, "prometheus.yml");
  await Deno.writeTextFile(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s }\n${block}`,
  );
  const data = join(host.dir, "prometheus");
  await Deno.mkdir(data, { mode: 0o700 });
  await Deno.chown(data, MEMBER.id, MEMBER.id);
  await using scraper = new Running(
    host.command(MEMBER, [
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${own}`,
    ]).spawn(),
  );
  const up = await until("Prometheus has scraped", async () => {
    const query = "up{job='tinyforge'}";
    const answer = await fetch(
      `http://127.0.0.1:${own}/api/v1/query?query=${encodeURIComponent(query)}`,
    )
      .then((response) => response.json()).catch(() => null);
    return answer?.data?.result?.[0]?.value?.[1] ?? null;
  }, { withinMs: 30_000 });
  assertEquals(up, "1", scraper.stderr);

  const token = (await Deno.readTextFile(file)).trim();
  const get = async (path: string, method = "GET") => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://${address}${path}`, { method, headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(
    [await get("/metrics"), await get("/api/containers"), await get("/api/reconcile", "POST")],
    [200, 403, 403],
  );
}

testAsRoot("a daemon that may not give its socket to the group says so and ends", async () => {
  await using host = await SharedHost.make();
  const { code, stderr } = await host.run(ANN, "reconcile", "--socket-group", String(GROUP));
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /Cannot give ".*tinyforge" to group 23500: .*\nhint: the daemon's user must be a member/,
  );
});

testAsRoot("adopt reads Compose files as the person who runs it", async () => {
  await using host = await SharedHost.make();
  const file = join(host.dir, "compose.yaml");
  await Deno.writeTextFile(file, "services: { web: {} }\n", { mode: 0o600 });
  const adopt = () => host.run(ANN, "adopt", "shop", "--compose", file);
  const refused = await adopt();
  assertEquals([refused.code, refused.stdout], [1, ""]);
  assertStringIncludes(refused.stderr, `Cannot read "${file}": this user may not read it\n`);
  assertEquals(await Deno.stat(join(host.home(ANN), ".local")).catch(() => null), null);

  // With the file it goes on to what is in its way next: here runs no Engine.
  await Deno.chmod(file, 0o644);
  assertStringIncludes((await adopt()).stderr, "no-engine.sock");
});

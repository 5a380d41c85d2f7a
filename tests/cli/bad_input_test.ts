import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { problem, writeProblems } from "../harness/problems.ts";
import { DENO_ARGS, pass, type Ran, siteRow, TestHost } from "../harness/program.ts";

const { Database } = await import("@db/sqlite");

const IS_ROOT = Deno.uid() === 0;
const STRICT = Deno.env.get("CI") === "true";

/** A test that mounts file systems; in CI one that can't is a failure. */
function rootTest(name: string, fn: () => Promise<void>): void {
  const ignore = !IS_ROOT && !STRICT;
  Deno.test({ name: ignore ? `${name} (ignored: needs root)` : name, ignore, fn });
}

async function mount(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("mount", { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** A host whose data directory is a file system of its own, 1 MiB. */
async function hostOnTmpfs(): Promise<TestHost & AsyncDisposable> {
  const host = await TestHost.make();
  await Deno.mkdir(host.dataDir);
  await mount("-t", "tmpfs", "-o", "size=1m,mode=0700", "tinyforge-test", host.dataDir);
  const dispose = host[Symbol.asyncDispose].bind(host);
  host[Symbol.asyncDispose] = async () => {
    await new Deno.Command("umount", { args: ["--lazy", host.dataDir] }).output();
    await dispose();
  };
  return host;
}

function assertFails(ran: Ran, code: number, message: string | RegExp): void {
  assertEquals([ran.code, ran.stdout], [code, ""], ran.stderr);
  if (typeof message === "string") assertStringIncludes(ran.stderr, message);
  else assertMatch(ran.stderr, message);
  assertMatch(ran.stderr, /^Cannot /);
  assert(!/^ {4}at /m.test(ran.stderr), `a trace: ${ran.stderr}`);
}

Deno.test("an unknown flag is an error with the nearest one, and nothing is done", async () => {
  await using host = await TestHost.make();
  assertFails(
    await host.run("add", "site", "blog", "--domian", "x"),
    2,
    'Cannot use "--domian": no such flag\nhint: did you mean --domain?\n',
  );
  assertFails(await host.run("reconcil"), 2, 'hint: did you mean "reconcile"?\n');
  assert(await Deno.lstat(host.dataDir).then(() => false, () => true));
});

Deno.test("a bad interval and whatever else is wrong are reported together", async () => {
  await using host = await TestHost.make();
  const ran = await host.run(
    ...["reconcile", "--interval", "soon", "--listen", "everywhere", "--docker-host", "ssh://x"],
  );
  assertFails(ran, 2, "Cannot use the configuration: 3 problems\n");
  assertStringIncludes(ran.stderr, '  - Cannot use --interval "soon": not a time with a unit');
  assertStringIncludes(ran.stderr, '  - Cannot use --listen "everywhere": not an address');
  assertStringIncludes(ran.stderr, '  - Cannot use Docker host "ssh://x": the scheme ssh');
  assertStringIncludes(ran.stderr, "(--docker-host)\nhint: ");
  host.env["DOCKER_HOST"] = "/var/run/docker.sock";
  delete host.env["TINYFORGE_DOCKER_HOST"];
  for (const command of [["reconcile", "--once"], ["systemd"]]) {
    const bad = await host.run(...command);
    assertFails(bad, 2, 'Cannot use Docker host "/var/run/docker.sock": it has no scheme');
    assertStringIncludes(bad.stderr, "(DOCKER_HOST)\nhint: write unix:///var/run/docker.sock\n");
  }
  assert(await Deno.lstat(host.dataDir).then(() => false, () => true), "something was made");
  host.env["DOCKER_HOST"] = "";
  host.env["TINYFORGE_INTERVAL"] = "30";
  assertFails(
    await host.run("ps"),
    2,
    'Cannot use TINYFORGE_INTERVAL "30": not a time with a unit; write "30s"',
  );
});

Deno.test("a data directory that is a file is refused by every command, and left as it is", async () => {
  await using host = await TestHost.make();
  await Deno.writeTextFile(host.dataDir, "mine");
  for (
    const args of [["ps"], ["status"], ["add", "site", "blog"], ["reconcile"], [
      "reconcile",
      "--once",
    ]]
  ) {
    assertFails(
      await host.run(...args),
      2,
      `Cannot use data directory "${host.dataDir}": it is a file\nhint: choose another with --data-dir`,
    );
  }
  assertEquals(await Deno.readTextFile(host.dataDir), "mine");
  assertFails(
    await host.run("ps", "--data-dir", `${host.dataDir}/x`),
    2,
    "a part of its path is a file",
  );
});

Deno.test("a data directory where the runtime lets nobody in is refused in our own words", async () => {
  await using host = await TestHost.make();
  for (const args of [["ps"], ["add", "site", "blog"], ["reconcile"], ["reconcile", "--once"]]) {
    const ran = await host.run(...args, "--data-dir", "/proc/x");
    assertFails(
      ran,
      2,
      'Cannot use data directory "/proc/x": this program may not use that path\nhint: choose another',
    );
    assert(!ran.stderr.includes("--allow"), ran.stderr);
  }
});

Deno.test("a data directory too long for a socket is refused, with its path and the limit", async () => {
  await using host = await TestHost.make();
  const dataDir = `${host.dataDir}${"-long".repeat(20)}`;
  for (const args of [["add", "site", "blog"], ["reconcile"], ["reconcile", "--once"]]) {
    const ran = await host.run(...args, "--data-dir", dataDir);
    assertFails(ran, 2, `"${dataDir}/tinyforge.sock": a socket's path has at most 107 bytes\n`);
    assertStringIncludes(ran.stderr, "\nhint: choose a shorter --data-dir\n");
  }
  assert(await Deno.lstat(dataDir).then(() => false, () => true), "nothing is made");
});

rootTest(
  "a read-only data directory can be read, and a write says why it can't be done",
  async () => {
    await using host = await hostOnTmpfs();
    assertEquals((await host.run("add", "site", "blog")).code, 0);
    await mount("-o", "remount,ro", host.dataDir);
    assertFails(await host.run("add", "site", "shop"), 1, /read-only|EROFS/i);
    assertFails(await host.run("reconcile"), 1, /read-only|EROFS/i);
    await mount("-o", "remount,rw", host.dataDir);
    const { items } = await host.json("list");
    assertEquals(items.map((item: { name: string }) => item.name), ["blog"]);
  },
);

rootTest("a full disk is said, nothing is lost, and it works again with room", async () => {
  await using host = await hostOnTmpfs();
  assertEquals((await host.run("add", "site", "blog")).code, 0);
  const filler = `${host.dataDir}/filler`;
  await new Deno.Command("dd", {
    args: ["if=/dev/zero", `of=${filler}`, "bs=4k"],
    stderr: "null",
  }).output();
  assertFails(await host.run("add", "site", "shop"), 1, /full|no space|ENOSPC/i);
  await Deno.remove(filler);
  assertEquals((await host.run("add", "site", "shop")).code, 0);
  const { items } = await host.json("list");
  assertEquals(items.map((item: { name: string }) => item.name), ["blog", "shop"]);
});

Deno.test("a database of a newer version is refused by name and left as it is", async () => {
  await using host = await TestHost.seeded((store) =>
    store.registry.create("site", { name: "blog" })
  );
  const db = new Database(host.database);
  db.exec("INSERT INTO schema_migrations VALUES (999, '0999_future', '2030-01-01T00:00:00Z')");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const before = await Deno.readFile(host.database);
  for (const args of [["ps"], ["add", "site", "x"], ["reconcile"], ["reconcile", "--once"]]) {
    const ran = await host.run(...args);
    assertFails(ran, 1, 'it is at schema 999 ("0999_future"), this program knows schema');
    assertStringIncludes(ran.stderr, "\nhint: run the newer tinyforge that wrote it");
  }
  assertEquals(await Deno.readFile(host.database), before);
});

Deno.test("a corrupted database is refused and left as it is", async () => {
  await using host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    pass(store, [siteRow(workloadId)]);
  });
  const db = new Database(host.database);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const bytes = await Deno.readFile(host.database);
  bytes.fill(0xff, 4096);
  await Deno.writeFile(host.database, bytes);
  for (const args of [["add", "site", "x"], ["reconcile", "--once"], ["ps"]]) {
    assertFails(await host.run(...args), 1, /^Cannot [^\n]+corrupted[^\n]*\nhint: [^\n]+\n$/);
  }
  assertEquals(await Deno.readFile(host.database), bytes);
  await Deno.writeTextFile(
    host.database,
    "not a database at all, and longer than a header is: ".repeat(4),
  );
  assertFails(await host.run("ps"), 1, "the file is not a SQLite database");
  assertFails(await host.run("add", "site", "x"), 1, "the file is not a SQLite database");
});

/** A host with something in each column that holds JSON. */
async function hostOfJson(): Promise<{ host: TestHost; rowId: string }> {
  let rowId = "";
  const host = await TestHost.seeded((store) => {
    const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
    const running = siteRow(workloadId, { port: 80 });
    rowId = running.id;
    pass(store, [running]);
    const found = problem({ kind: "unhealthy", do: { code: "explain", rowId }, rowId, workloadId });
    writeProblems(store, found);
    store.silences.add({
      ...{ scope: "all", targetId: "", kinds: ["unhealthy"], reason: "", startsAt: Date.now() },
      ...{ endsAt: Date.now() + 3.6e6, cron: null, timeZone: null, lastsMs: 3.6e6 },
    }, Date.now());
  });
  const db = new Database(host.database);
  db.exec("UPDATE containers SET meta = '{}', inspected = '{}'");
  db.exec(`UPDATE transitions SET origin = '{"by":"prose","text":""}'`);
  db.prepare("INSERT INTO deaths (row_id, count, at_least, ring) VALUES (?, 1, 0, '[]')").run(
    rowId,
  );
  db.exec(`INSERT INTO channels (id, name, type, config, created_at)
    VALUES ('c', 'team', 'webhook', '{}', '2026-01-01T00:00:00.000Z')`);
  db.exec(`INSERT INTO audit (at, who, via, action, path, details)
    VALUES ('2026-01-01T00:00:00.000Z', 'me', 'socket', 'POST', '/api/x', '{}')`);
  db.close();
  return { host, rowId };
}

Deno.test("what another hand wrote over JSON in the database is damage, told with where it is", async () => {
  const { host, rowId } = await hostOfJson();
  await using _ = host;
  const columns: [column: string, of: string, commands: readonly string[]][] = [
    ["containers.addresses", `"${rowId}"`, ["ps", "explain"]],
    ["containers.meta", `"${rowId}"`, ["ps", "explain"]],
    ["containers.inspected", `"${rowId}"`, ["explain"]],
    ["transitions.origin", "1", ["history", "explain"]],
    ["problems.evidence", `"unhealthy:${rowId}"`, ["problems", "history"]],
    ["problems.remedy", `"unhealthy:${rowId}"`, ["problems"]],
    ["deaths.ring", `"${rowId}"`, ["explain"]],
    ["hosts.last_pass", "", ["status"]],
    ["silences.kinds", "", ["silence list"]],
    ["channels.config", '"team"', ["notify list"]],
    ["audit.details", "1", ["audit"]],
  ];
  const db = new Database(host.database);
  for (const [column, of, commands] of columns) {
    const [table, name] = column.split(".");
    const [before] = db.prepare(`SELECT ${name} FROM ${table}`).value<[string]>()!;
    for (const damaged of ["{bad", "5"]) {
      // As a value of a row this is JSON, though not what was kept.
      if (damaged === "5" && table === "containers" && name !== "inspected") continue;
      db.exec(`UPDATE ${table} SET ${name} = ?`, damaged);
      for (const command of commands) {
        const args = command === "explain" ? [command, rowId] : command.split(" ");
        const ran = await host.run(...args);
        assertEquals([ran.code, ran.stdout], [1, ""], `${command} of ${column}: ${ran.stderr}`);
        assertStringIncludes(ran.stderr, `Cannot read the index: ${column}`);
        assertStringIncludes(ran.stderr, of === "" ? "" : ` of ${of} is not the JSON it was\n`);
        assertStringIncludes(ran.stderr, "\nhint: undo what another program or hand wrote into");
        assert(!ran.stderr.includes(damaged === "5" ? '"5"' : damaged), ran.stderr);
      }
    }
    db.exec(`UPDATE ${table} SET ${name} = ?`, before);
  }
  db.close();
});

Deno.test("names with control characters, slashes or 10 kB are refused, shown escaped and cut", async () => {
  await using host = await TestHost.make();
  const names: [name: string, message: string][] = [
    ["a\x1b[2Jb", 'Cannot use "a\\u001b[2Jb" as site name: it has control characters'],
    ["a\nb", 'Cannot use "a\\nb" as site name: it has control characters'],
    ["a/b", 'Cannot use "a/b" as site name: it has a "/"'],
    ["x".repeat(10_000), `Cannot use "${"x".repeat(64)}…" as site name: it has 10000 characters`],
    [" ", 'Cannot use " " as site name'],
    ["a\u200bb", 'Cannot use "a\\u200bb" as site name: it has invisible characters'],
    ["a\u{e0041}b", 'Cannot use "a\\udb40\\udc41b" as site name: it has invisible characters'],
  ];
  for (const [name, message] of names) {
    const ran = await host.run("add", "site", name);
    assertFails(ran, 2, message);
    assert(ran.stderr.length < 500);
  }
  for (const args of [["labels"], ["explain"], ["secret", "rotate"], ["rm", "site"]]) {
    const ran = await host.run(...args, "x".repeat(10_000));
    assertEquals(ran.code, 1);
    assert(ran.stderr.length < 500, ran.stderr);
  }
});

Deno.test("output that can't be written ends with 1 and says why, as no fault of the program", async () => {
  await using host = await TestHost.make();
  for (const args of [["help"], ["ps"], ["version"]]) {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'exec "$@" > /dev/full', "sh", Deno.execPath(), ...DENO_ARGS, ...args],
      clearEnv: true,
      env: host.env,
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1, said);
    assertEquals(
      said.split("\n").filter((line) => /^Cannot|^hint/.test(line)),
      [
        "Cannot write to stdout: no space left on the disk",
        "hint: what was written so far is not all of it",
      ],
    );
  }
});

Deno.test("--interval 1ms is a mistake, not a busy loop", async () => {
  await using host = await TestHost.make();
  const ran = await host.run("reconcile", "--once", "--interval", "1ms");
  assertFails(ran, 2, 'Cannot use --interval "1ms": below the shortest interval of 100ms');
});

Deno.test("a duplicate name and a duplicate Compose project are refused with who has it", async () => {
  await using host = await TestHost.seeded((store) => {
    store.registry.create("site", { name: "blog" });
    store.registry.create("stack", { name: "shop", composeProjectName: "shop-1" });
  });
  assertFails(
    await host.run("add", "site", "blog"),
    1,
    'Cannot add site "blog": a site named "blog" exists already\nhint: choose another name',
  );
  assertFails(
    await host.run("add", "stack", "crm", "--compose-project", "shop-1"),
    1,
    'Compose project "shop-1" belongs to stack "shop" already\nhint: name another one with --compose-project',
  );
  assertEquals((await host.json("list")).items.length, 2);
});

Deno.test("--log-level debug shows where an error was thrown, and nothing else does", async () => {
  await using host = await TestHost.make();
  const ran = await host.run("labels", "blog", "--log-level", "debug");
  assertEquals(ran.code, 1);
  assertMatch(ran.stderr, /^ {4}at .*data_dir\.ts/m);
  assertFails(await host.run("labels", "blog"), 1, "there is no index yet");
});

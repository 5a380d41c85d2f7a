/**
 * Backups as a person makes, checks and restores them, and as other programs read them.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { look, makeIndex, makeKeys } from "../harness/backups.ts";
import { missing } from "../harness/missing.ts";
import { DENO_ARGS, Running, TestHost } from "../harness/program.ts";

async function livingHost(): Promise<TestHost> {
  const host = await TestHost.make();
  await makeIndex(host.dataDir, { name: "living" });
  return host;
}

/** A key pair in a file of the host's, as `age-keygen` writes it. */
async function keysOf(host: TestHost) {
  const keys = await makeKeys();
  const file = join(host.dir, "key.txt");
  await Deno.writeTextFile(file, `# public key: ${keys.recipient}\n${keys.identity}\n`);
  return { ...keys, file };
}

/** The program's command line, for a shell. */
const program = (host: TestHost, ...args: string[]) =>
  ["env", ...Object.entries(host.env).map(([name, value]) => `${name}=${value}`), Deno.execPath()]
    .concat(DENO_ARGS, args).map((word) => `'${word}'`).join(" ");

async function shell(script: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    env,
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${err}`);
  return out!;
}

/** A test that needs another program. */
function testWith(tool: string, name: string, test: () => Promise<void>): void {
  const isHere = new Deno.Command("which", { args: [tool], stdout: "null" }).outputSync().success;
  if (isHere) Deno.test(name, test);
  else missing(name, `no ${tool} here`);
}

Deno.test("backup, backup verify and restore say where, what, and what is next", async () => {
  await using host = await livingHost();
  const { recipient, file } = await keysOf(host);
  const made = await host.run("backup", ".", "--recipient", recipient);
  assertEquals(made.code, 0, made.stderr);
  assertMatch(made.stdout, /^\.?\/?tinyforge-\d{8}T\d{6}Z\.tar\.age\n$/);
  assertMatch(made.stderr, /^Backed up: \d+ kB, 2 workloads, 0 rows, encrypted\.\n$/);
  const backup = join(host.dir, made.stdout.trim());
  const checked = await host.run("backup", "verify", backup, "--identity", file);
  assertMatch(checked.stdout, /^sound +yes/);
  assertMatch(checked.stdout, /\nrows .*static_sites 2/);
  assertMatch(checked.stdout, /\nfiles +tinyforge\.db \(\d+ kB\), token \(\d+ B\), secrets\.json/);
  const restored = await host.run("restore", backup, "--identity", file);
  assertEquals(restored.code, 0, restored.stderr);
  assertMatch(restored.stderr, /What was there is in ".*before-restore-\d{8}T\d{6}Z"/);
  assertStringIncludes(restored.stderr, "tinyforge reconcile");
  // What was there is a data directory like any other.
  const kept = /What was there is in "(.*?)"/.exec(restored.stderr)![1]!;
  const before = await host.run("list", "--data-dir", kept);
  assertMatch(before.stdout, /^living-a /m);
  assert(!(made.stderr + checked.stdout + restored.stderr).includes("AGE-SECRET"));
});

Deno.test("backup in the clear says so, and prints one JSON document when asked", async () => {
  await using host = await livingHost();
  const to = join(host.dir, "one.tar");
  const ran = await host.run("backup", to, "--json");
  const { path, encrypted, bytes, manifest } = JSON.parse(ran.stdout);
  assertEquals([path, encrypted, bytes], [to, false, (await Deno.lstat(to)).size]);
  assertEquals(manifest.counts.workloads, 2);
  assertStringIncludes(ran.stderr, "It is not encrypted");
  const verified = await host.json("backup", "verify", to);
  assertEquals(verified.manifest, manifest);
  const restored = await host.json("restore", to);
  assertEquals((await look(host.dataDir)).epoch, restored.epoch);
});

Deno.test("backup takes the directory and the recipients of the configuration", async () => {
  await using host = await livingHost();
  const { recipient } = await keysOf(host);
  host.env["TINYFORGE_BACKUP_DIR"] = host.dir;
  host.env["TINYFORGE_BACKUP_RECIPIENTS"] = recipient;
  const { stdout } = await host.run("backup");
  assertMatch(stdout, new RegExp(`^${host.dir}/tinyforge-.*\\.tar\\.age\n$`));
});

Deno.test("backup, verify and restore end with what went wrong, and a hint", async () => {
  await using host = await livingHost();
  const { recipient, identity, file } = await keysOf(host);
  const to = join(host.dir, "one.tar.age");
  assertEquals((await host.run("backup", to, "--recipient", recipient)).code, 0);
  const other = join(host.dir, "other.txt");
  await Deno.writeTextFile(other, (await makeKeys()).identity);
  const cases: readonly (readonly [string[], number, RegExp])[] = [
    [["backup", to], 1, /^Cannot write backup ".*": it exists\nhint: name another/],
    [["backup", join(host.dir, "no", "one.tar")], 1, /there is no directory/],
    [["backup", join(host.dir, "no/")], 2, /there is no such directory/],
    [
      ["backup", host.dir, "--recipient", "age1bob"],
      2,
      /not a public key of age\nhint: .*age-keygen/,
    ],
    [["backup", "-", "--json"], 2, /--json goes with a file/],
    [["backup", "verify", to], 1, /it is encrypted\nhint: .*--identity/],
    [["backup", "verify", to, "--identity", other], 1, /encrypted to other keys\nhint: /],
    [["backup", "verify", to, "--identity", to], 1, /something else than private keys/],
    [["backup", "verify", to, "--identity", identity], 2, /everyone on this machine/],
    [["backup", "verify", join(host.dir, "none")], 1, /there is no such file/],
    [["backup", "verify", file], 1, /it is not one of this program's\nhint: /],
    [["restore", file], 1, /it is not one of this program's\nhint: /],
    [["restore", host.dir], 1, /it is a directory/],
    [["backup", "verify"], 2, /FILE is missing/],
  ];
  for (const [args, code, said] of cases) {
    const ran = await host.run(...args);
    assertEquals(ran.code, code, `${args}: ${ran.stderr}`);
    assertMatch(ran.stderr, said);
    assertEquals(ran.stdout, "");
    assert(!ran.stderr.includes(identity), "a private key was told");
  }
  await using empty = await TestHost.make();
  assertMatch((await empty.run("backup", host.dir)).stderr, /there is no index yet/);
});

Deno.test("backup - ends with 1 where nobody reads it to its end", async () => {
  await using host = await livingHost();
  const said = await shell(`${program(host, "backup", "-")} | head -c 1`)
    .catch((error) => error.message);
  assertMatch(said, /ended with 1: .*Cannot write the backup: nobody reads it any more/);
  const names = await Array.fromAsync(Deno.readDir(host.dataDir), ({ name }) => name);
  assertEquals(names.filter((name) => name.includes(".partial")), []);
});

Deno.test("backup shows on a terminal how far it is, and nowhere else", async () => {
  await using host = await livingHost();
  const to = join(host.dir, "one.tar");
  const words = [Deno.execPath(), ...DENO_ARGS, "backup", to].join(" ");
  await using running = new Running(
    new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", words, "/dev/null"],
      clearEnv: true,
      env: { ...host.env, TERM: "xterm" },
      ...{ stdin: "piped", stdout: "piped", stderr: "piped" } as const,
    }).spawn(),
  );
  await running.process.stdin.close();
  const { code, stdout } = await running.ended();
  assertEquals(code, 0, stdout);
  const [before, ...shown] = stdout.split("\r\x1b[K");
  assertEquals([before, shown[0], shown[1]], ["", "copying", "checking"]);
  assertMatch(shown[2]!, /^packing \d+ %$/);
  assertEquals(shown.at(-2), "packing 100 %");
  assert(shown.at(-1)!.startsWith(`${to}\r\n`), "the line is cleared before anything is printed");
  const plain = await host.run("backup", join(host.dir, "two.tar"));
  assert(!plain.stderr.includes("packing"));
});

testWith("restic", "backup goes through restic and comes back", async () => {
  await using host = await livingHost();
  await using other = await TestHost.make();
  const { recipient, file } = await keysOf(host);
  const env = {
    RESTIC_REPOSITORY: join(host.dir, "repository"),
    RESTIC_PASSWORD: "secret",
    RESTIC_CACHE_DIR: join(host.dir, "cache"),
  };
  await shell("restic init", env);
  // As the README has it, where each of the two is on the same host.
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const [, block] = /run by tests\/cli\/backup_test\.ts -->\n+```sh\n([^`]*)```/.exec(readme)!;
  const before = await look(host.dataDir);
  await shell(
    block!.replaceAll("tinyforge backup", program(host, "backup"))
      .replaceAll("tinyforge restore", program(host, "restore")),
    env,
  );
  const after = await look(host.dataDir);
  assertEquals([after.sites, after.restoredFrom], [before.sites, before.epoch]);
  for (const args of [["backup", "-"], ["backup", "-", "--recipient", recipient]]) {
    await shell(
      `${program(host, ...args)} | restic backup --stdin --stdin-filename tinyforge.tar`,
      env,
    );
    await shell(
      `restic dump latest tinyforge.tar | ${program(other, "restore", "-", "--identity", file)}`,
      env,
    );
    const [found, living] = [await look(other.dataDir), await look(host.dataDir)];
    assertEquals([found.sites, found.restoredFrom], [living.sites, living.epoch]);
  }
  // With the keys it brought what is secret.
  assertEquals((await look(other.dataDir)).secrets, '{"of":"living"}');
});

testWith(
  "age",
  "a backup is opened with age, tar and sqlite alone, and one of age's is restored",
  async () => {
    await using host = await livingHost();
    const { recipient, file } = await keysOf(host);
    const to = join(host.dir, "one.tar.age");
    assertEquals((await host.run("backup", to, "--recipient", recipient)).code, 0);
    const listed = await shell(`age --decrypt -i ${file} ${to} | tar -t`);
    assertEquals(listed.trim().split("\n"), [
      ...["manifest.json", "tinyforge.db", "token", "secrets.json", "seal.sha256"],
    ]);
    const plain = join(host.dir, "one.tar");
    await shell(`age --decrypt -i ${file} -o ${plain} ${to}`);
    assertEquals((await host.run("backup", "verify", plain)).code, 0);
    const again = join(host.dir, "again.age");
    await shell(`age --encrypt -r ${recipient} -o ${again} ${plain}`);
    assertEquals((await host.run("backup", "verify", again, "--identity", file)).code, 0);
  },
);

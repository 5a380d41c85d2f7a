/**
 * What can be trusted in a data directory, and what nobody starts on.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { ownData } from "../../src/data.ts";
import { loadToken } from "../../src/server/token.ts";
import { hintFor } from "../../src/cli/words.ts";
import type { Failure } from "../../src/failure.ts";
import { sqliteLibrary } from "../../src/store/library.ts";
import { openStore } from "../../src/store/store.ts";
import { distrust } from "../../src/system/private.ts";
import { failsWith } from "../harness/failures.ts";
import { command, testAsRoot } from "../lock/privileged.ts";

const NOBODY = 65_534;
const DATABASE = "tinyforge.db";

/** A directory of its own; disposal removes it. */
class Folder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "tinyforge-private-" });
  readonly database: string = join(this.path, DATABASE);

  list(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function refusal(attempt: () => Promise<{ close(): void }>): Promise<Failure<"untrusted">> {
  return await failsWith("untrusted", async () => (await attempt()).close());
}

Deno.test("distrust() is of what others may write to", async () => {
  await using folder = new Folder();
  for (const [mode, trusted] of [[0o700, true], [0o755, true], [0o775, false], [0o702, false]]) {
    await Deno.chmod(folder.path, mode as number);
    assertEquals(distrust("x", await Deno.lstat(folder.path)) === null, trusted, String(mode));
  }
});

Deno.test("distrust() is of other users, and not of root or ourselves", async () => {
  await using folder = new Folder();
  const info = await Deno.lstat(folder.path);
  for (const [uid, wrong] of [[0, null], [info.uid, null], [12345, "owner"]] as const) {
    assertEquals(distrust("x", { ...info, uid, mode: 0o700 })?.wrong ?? null, wrong, String(uid));
  }
});

// For the process's life: importing the store's driver loads it.
await sqliteLibrary({ dataDir: "/nonexistent" });
await import("@db/sqlite");

Deno.test("ownData() refuses a directory that others may write to, and leaves it alone", async () => {
  await using folder = new Folder();
  for (const mode of [0o777, 0o770, 0o1777]) {
    await Deno.chmod(folder.path, mode);
    const error = await refusal(() => ownData(folder.path));
    assertStringIncludes(error.message, `others may write to "${folder.path}"`);
    assertStringIncludes(hintFor(error), "chmod go-w");
    assertEquals(folder.list(), []);
  }
  await Deno.chmod(folder.path, 0o755);
  (await ownData(folder.path)).close();
});

testAsRoot("ownData() refuses another user's directory, and says how to go on", async () => {
  await using folder = new Folder();
  await Deno.chown(folder.path, NOBODY, NOBODY);
  const link = `${folder.path}.link`;
  await Deno.symlink(folder.path, link);
  try {
    for (const path of [folder.path, link]) {
      const error = await refusal(() => ownData(path));
      assertStringIncludes(error.message, `"${path}" belongs to another user (${NOBODY})`);
      assertStringIncludes(hintFor(error), `sudo -u '#${NOBODY}'`);
    }
  } finally {
    await Deno.remove(link);
  }
  assertEquals(folder.list(), []);
});

testAsRoot("loadToken() refuses a token that another user made or may have", async () => {
  await using folder = new Folder();
  const path = join(folder.path, "token");
  await Deno.writeTextFile(path, "a".repeat(40), { mode: 0o600 });
  await Deno.chown(path, NOBODY, NOBODY);
  await assertRejects(() => loadToken(folder.path), Error, "belongs to another user");
  await Deno.chown(path, 0, 0);
  await Deno.chmod(path, 0o622);
  await assertRejects(() => loadToken(folder.path), Error, "others may write");
  await Deno.chmod(path, 0o600);
  assertEquals(await loadToken(folder.path), "a".repeat(40));
});

Deno.test("openStore() opens no link, directory or FIFO, to write or to read", async (t) => {
  await using other = new Folder();
  (await openStore(other.database)).close();
  const made: Record<string, (path: string) => Promise<void>> = {
    "a symbolic link": (path) => Deno.symlink(other.database, path),
    "a second name": (path) => Deno.link(other.database, path),
    "a directory": (path) => Deno.mkdir(path),
    "not a regular file": (path) => command("mkfifo", path),
  };
  for (const [what, make] of Object.entries(made)) {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) {
      for (const readonly of [false, true]) {
        await t.step(`${what} as ${DATABASE}${suffix}${readonly ? ", to read" : ""}`, async () => {
          await using folder = new Folder();
          if (suffix !== "") (await openStore(folder.database)).close();
          await make(folder.database + suffix);
          const error = await refusal(() => openStore(folder.database, { readonly }));
          assertStringIncludes(error.message, `"${folder.database}${suffix}"`);
          assertStringIncludes(error.message, what);
        });
      }
    }
  }
});

testAsRoot("openStore() writes to no database of another user, and reads it", async () => {
  await using folder = new Folder();
  (await openStore(folder.database)).close();
  await Deno.chown(folder.database, NOBODY, NOBODY);
  const error = await refusal(() => openStore(folder.database));
  assertStringIncludes(error.message, `"${folder.database}" belongs to another user (${NOBODY})`);
  (await openStore(folder.database, { readonly: true })).close();
});

Deno.test("openStore() trusts no view or trigger with what SQLite can do", async () => {
  await using folder = new Folder();
  const { Database } = await import("@db/sqlite");
  const { exec } = Database.prototype;
  for (const readonly of [false, true]) {
    let opened: InstanceType<typeof Database> | null = null;
    Database.prototype.exec = function (sql, ...params): number {
      opened = this;
      return exec.call(this, sql, ...params);
    };
    try {
      using _store = await openStore(folder.database, { readonly });
      const pragma = opened!.prepare("PRAGMA trusted_schema");
      assertEquals(pragma.value<[bigint]>()?.map(Number), [0]);
    } finally {
      Database.prototype.exec = exec;
    }
  }
});

testAsRoot("openStore() reads a database on a read-only file system", async () => {
  await using folder = new Folder();
  const path = join(folder.path, "a %41 ?#'\" db", DATABASE);
  await command("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tinyforge-test", folder.path);
  try {
    await Deno.mkdir(join(path, ".."));
    const [closed, killed] = [await openStore(path), await openStore(`${path}.killed`)];
    // Whoever is killed leaves a log beside the database, with what is not in that yet.
    for (const store of [closed, killed]) store.registry.create("site", { name: "blog" });
    closed.close();
    await command("cp", `${path}.killed`, `${path}-`);
    for (const suffix of ["-wal", "-shm"]) {
      await command("cp", `${path}.killed${suffix}`, `${path}-${suffix}`);
    }
    killed.close();
    await command("mount", "-o", "remount,ro", folder.path);
    for (const each of [path, `${path}-`]) {
      using read = await openStore(each, { readonly: true });
      assertEquals(read.workloads.list().map(({ name }) => name), ["blog"]);
    }
  } finally {
    await command("umount", "--lazy", folder.path);
  }
});

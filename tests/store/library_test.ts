/**
 * Which SQLite library is loaded, and that nothing another user could have put there ever is.
 *
 * @module
 */

import { hintFor } from "../../src/cli/words.ts";
import { isFailure } from "../../src/failure.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type EmbeddedLibrary,
  installLibrary,
  removeOtherLibraries,
  sqliteLibrary,
} from "../../src/store/library.ts";
import { command, testAsRoot } from "../lock/privileged.ts";

const SYSTEM_PATHS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"];
const STRANGER = 65534;

const root = Deno.uid() === 0;
const CI = Deno.env.get("CI") === "true";
const asRoot = {
  ignore: !root && !CI,
  reason: root || CI ? "" : " (ignored: only root gives files to another user)",
};

const content = await systemLibrary();
const library: EmbeddedLibrary = {
  sha256: await sha256(content),
  read: () => Promise.resolve(content.slice()),
};

async function systemLibrary(): Promise<Uint8Array<ArrayBuffer>> {
  for (const folder of SYSTEM_PATHS) {
    const file = await Deno.readFile(`${folder}/libsqlite3.so.0`).catch(() => null);
    if (file !== null) return file;
  }
  throw new Error("Cannot test the library: no libsqlite3.so.0; run `deno task setup`");
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Runs a test in a data directory of its own, with `DENO_SQLITE_PATH` unset. */
async function inDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const before = Deno.env.get("DENO_SQLITE_PATH");
  const dataDir = await Deno.makeTempDir({ prefix: "tinyforge-library-" });
  Deno.env.delete("DENO_SQLITE_PATH");
  try {
    await test(dataDir);
  } finally {
    if (before === undefined) Deno.env.delete("DENO_SQLITE_PATH");
    else Deno.env.set("DENO_SQLITE_PATH", before);
    await Deno.remove(dataDir, { recursive: true });
  }
}

const install = (dataDir: string) =>
  installLibrary(library, [{ parent: dataDir, makeParent: false }]);

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
}

testAsRoot("installLibrary() on a full disk leaves no part of a library", async () => {
  await inDataDir(async (dataDir) => {
    const size = `size=${content.length >> 1},mode=0700`;
    await command("mount", "-t", "tmpfs", "-o", size, "tinyforge-test", dataDir);
    try {
      await assertRejects(() => install(dataDir), Error, "Cannot load the SQLite library");
      assertEquals(await names(`${dataDir}/lib`), []);
    } finally {
      await command("umount", "--lazy", dataDir);
    }
  });
});

Deno.test("installLibrary() writes a library that only this user reads, whatever the umask", async () => {
  await inDataDir(async (dataDir) => {
    const before = Deno.umask(0);
    try {
      const { mode } = await Deno.stat(await install(dataDir));
      assertEquals(mode! & 0o777, 0o600);
    } finally {
      Deno.umask(before);
    }
  });
});

Deno.test("sqliteLibrary() lets DENO_SQLITE_PATH win", async () => {
  await inDataDir(async (dataDir) => {
    Deno.env.set("DENO_SQLITE_PATH", "/opt/sqlite/libsqlite3.so");
    const path = await sqliteLibrary({ dataDir, embedded: library });
    assertEquals(path, "/opt/sqlite/libsqlite3.so");
    assertEquals(await names(dataDir), []);
  });
});

Deno.test("sqliteLibrary() takes the system's library in development", async () => {
  await inDataDir(async (dataDir) => {
    assertEquals(await sqliteLibrary({ dataDir }), "libsqlite3.so.0");
    assertEquals(Deno.env.get("DENO_SQLITE_PATH"), "libsqlite3.so.0");
    assertEquals(await names(dataDir), []);
  });
});

Deno.test("sqliteLibrary() writes the carried library under its SHA-256, for its owner alone", async () => {
  await inDataDir(async (dataDir) => {
    const path = await sqliteLibrary({ dataDir, embedded: library });
    assertEquals(path, `${await Deno.realPath(dataDir)}/lib/${library.sha256}.so`);
    assertEquals(Deno.env.get("DENO_SQLITE_PATH"), path);
    assertEquals((await Deno.stat(`${dataDir}/lib`)).mode! & 0o777, 0o700);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals(await sha256(await Deno.readFile(path)), library.sha256);
    assertEquals(await names(`${dataDir}/lib`), [`${library.sha256}.so`]);
  });
});

Deno.test("removeOtherLibraries() removes what other versions left, and nothing else", async () => {
  await inDataDir(async (dataDir) => {
    const path = await install(dataDir);
    const [old, linked, folder] = ["a", "b", "c"].map((digit) => `${digit.repeat(64)}.so`);
    const draft = `${"d".repeat(64)}.so.${crypto.randomUUID()}`;
    for (const name of [old!, draft, "mine.so", "target"]) {
      await Deno.writeTextFile(`${dataDir}/lib/${name}`, "");
    }
    await Deno.symlink("target", `${dataDir}/lib/${linked}`);
    await Deno.mkdir(`${dataDir}/lib/${folder}`);
    const kept = [`${library.sha256}.so`, linked!, folder!, draft, "mine.so", "target"].sort();

    await removeOtherLibraries("/opt/sqlite/libsqlite3.so", dataDir);
    assertEquals((await names(`${dataDir}/lib`)).sort(), [...kept, old!].sort());
    await removeOtherLibraries(path, dataDir);
    assertEquals((await names(`${dataDir}/lib`)).sort(), kept);
    await removeOtherLibraries(`${dataDir}/gone/lib/x.so`, `${dataDir}/gone`);
  });
});

Deno.test("installLibrary() keeps a library that is right", async () => {
  await inDataDir(async (dataDir) => {
    const path = await install(dataDir);
    const before = await Deno.stat(path);
    assertEquals(await install(dataDir), path);
    const after = await Deno.stat(path);
    assertEquals([after.ino, after.mtime], [before.ino, before.mtime]);
  });
});

Deno.test("installLibrary() replaces a file that was tampered with, whatever was done", async () => {
  await inDataDir(async (dataDir) => {
    const path = await install(dataDir);
    const flipped = content.slice();
    flipped[flipped.length >> 1]! ^= 1;
    const longer = new Uint8Array(content.length + 1);
    longer.set(content);
    for (const tampered of [new Uint8Array(), content.slice(0, 4096), flipped, longer]) {
      await Deno.writeFile(path, tampered);
      await install(dataDir);
      assertEquals(await sha256(await Deno.readFile(path)), library.sha256);
    }
    await Deno.chmod(path, 0o666);
    await install(dataDir);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals(await names(`${dataDir}/lib`), [`${library.sha256}.so`]);
  });
});

Deno.test("installLibrary() replaces a link and leaves what it pointed to alone", async () => {
  await inDataDir(async (dataDir) => {
    await Deno.mkdir(`${dataDir}/lib`, { mode: 0o700 });
    const path = `${dataDir}/lib/${library.sha256}.so`;
    // Even a link to the right content: whoever owns the target could change it later.
    await Deno.writeFile(`${dataDir}/elsewhere`, content);
    for (const target of [`${dataDir}/elsewhere`, "/nonexistent"]) {
      await Deno.remove(path).catch(() => {});
      await Deno.symlink(target, path);
      await install(dataDir);
      assert((await Deno.lstat(path)).isFile);
    }
    assertEquals(await Deno.readFile(`${dataDir}/elsewhere`), content);
  });
});

Deno.test("installLibrary() refuses a directory in the library's place", async () => {
  await inDataDir(async (dataDir) => {
    await Deno.mkdir(`${dataDir}/lib/${library.sha256}.so`, { recursive: true, mode: 0o700 });
    await assertRejects(() => install(dataDir), Error, "is a directory");
  });
});

Deno.test("installLibrary() refuses a folder that is a link, a file or open to others", async () => {
  await inDataDir(async (dataDir) => {
    const lib = `${dataDir}/lib`;
    await Deno.mkdir(`${dataDir}/other`, { mode: 0o700 });
    await Deno.symlink(`${dataDir}/other`, lib);
    await assertRejects(() => install(dataDir), Error, `lib" is not a directory`);
    assertEquals(await names(`${dataDir}/other`), []);
    await Deno.remove(lib);

    await Deno.writeTextFile(lib, "");
    await assertRejects(() => install(dataDir), Error, `lib" is not a directory`);
    await Deno.remove(lib);

    for (const mode of [0o770, 0o777, 0o1777]) {
      await Deno.mkdir(lib);
      await Deno.chmod(lib, mode);
      await assertRejects(() => install(dataDir), Error, `others may write to "`);
      assertEquals(await names(lib), []);
      await Deno.remove(lib);
    }
    await Deno.chmod(dataDir, 0o777);
    await assertRejects(() => install(dataDir), Error, `others may write to "`);
    assertEquals(await names(dataDir), ["other"]);
  });
});

Deno.test("installLibrary() accepts a data directory that is a link, as systemd makes one", async () => {
  await inDataDir(async (dataDir) => {
    await Deno.mkdir(`${dataDir}/private`, { mode: 0o700 });
    await Deno.symlink("private", `${dataDir}/state`);
    const path = await install(`${dataDir}/state`);
    assertEquals(path, `${await Deno.realPath(dataDir)}/private/lib/${library.sha256}.so`);
  });
});

Deno.test(`installLibrary() loads nothing that belongs to another user${asRoot.reason}`, {
  ignore: asRoot.ignore,
}, async () => {
  await inDataDir(async (dataDir) => {
    const path = await install(dataDir);
    // A file of another user in our own folder is replaced, even when its content is right.
    await Deno.chown(path, STRANGER, STRANGER);
    await install(dataDir);
    assertEquals((await Deno.stat(path)).uid, 0);
    // A folder of another user is not used at all, because they could swap the file any time.
    await Deno.chown(`${dataDir}/lib`, STRANGER, STRANGER);
    await assertRejects(() => install(dataDir), Error, `lib" belongs to another user`);
    await Deno.chown(`${dataDir}/lib`, 0, 0);
    await Deno.chown(dataDir, STRANGER, STRANGER);
    await assertRejects(() => install(dataDir), Error, "belongs to another user");
  });
});

Deno.test(`installLibrary() goes on to a folder of our own beside someone else's${asRoot.reason}`, {
  ignore: asRoot.ignore,
}, async () => {
  await inDataDir(async (dataDir) => {
    const [theirs, ours] = [`${dataDir}/theirs`, `${dataDir}/cache/tinyforge`];
    await Deno.mkdir(`${theirs}/lib`, { recursive: true });
    await Deno.writeTextFile(`${theirs}/lib/${library.sha256}.so`, "planted");
    for (const path of [theirs, `${theirs}/lib`, `${theirs}/lib/${library.sha256}.so`]) {
      await Deno.chown(path, STRANGER, STRANGER);
    }
    const path = await installLibrary(library, [
      { parent: theirs, makeParent: false },
      { parent: ours, makeParent: true },
    ]);
    assertEquals(path, `${await Deno.realPath(ours)}/lib/${library.sha256}.so`);
    assertEquals(await Deno.readTextFile(`${theirs}/lib/${library.sha256}.so`), "planted");
  });
});

Deno.test("installLibrary() says what is wrong with every folder, and what to do", async () => {
  await inDataDir(async (dataDir) => {
    await Deno.writeTextFile(`${dataDir}/file`, "");
    const error = await assertRejects(() =>
      installLibrary(library, [
        { parent: `${dataDir}/missing`, makeParent: false },
        { parent: `${dataDir}/file`, makeParent: false },
      ]), Error);
    assert(error.message.startsWith("Cannot load the SQLite library: "), error.message);
    assert(error.message.includes("missing"), error.message);
    assert(error.message.includes(`file" is not a directory`), error.message);
    assert(isFailure(error, "io"));
    assertStringIncludes(hintFor(error), "DENO_SQLITE_PATH");
  });
});

Deno.test("installLibrary() never writes a library that is not the one carried", async () => {
  await inDataDir(async (dataDir) => {
    const damaged: EmbeddedLibrary = {
      sha256: library.sha256,
      read: () => Promise.resolve(content.slice(1)),
    };
    await assertRejects(
      () => installLibrary(damaged, [{ parent: dataDir, makeParent: false }]),
      Error,
      "the library that this program carries is damaged",
    );
    assertEquals(await names(`${dataDir}/lib`), []);
  });
});

Deno.test("installLibrary() reports a library that can't be loaded from there", async () => {
  await inDataDir(async (dataDir) => {
    const text = new TextEncoder().encode("not a library");
    const unloadable = { sha256: await sha256(text), read: () => Promise.resolve(text) };
    await assertRejects(
      () => installLibrary(unloadable, [{ parent: dataDir, makeParent: false }]),
      Error,
      "Cannot load the SQLite library",
    );
  });
});

Deno.test("installLibrary() serves several processes that start at once", async () => {
  await inDataDir(async (dataDir) => {
    const paths = await Promise.all(Array.from({ length: 8 }, () => install(dataDir)));
    assertEquals(new Set(paths).size, 1);
    assertEquals(await sha256(await Deno.readFile(paths[0]!)), library.sha256);
    assertEquals((await names(`${dataDir}/lib`)).length, 1);
  });
});

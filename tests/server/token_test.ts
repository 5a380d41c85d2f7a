/**
 * The token file.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadGivenToken, loadToken, TokenFile } from "../../src/server/token.ts";
import { Log } from "../../src/telemetry/log.ts";

Deno.test("loadToken() makes a token of 256 bits that only its owner can read, once", async () => {
  await using dir = await tempDir();
  const token = await loadToken(dir.path);
  assertMatch(token, /^[A-Za-z0-9_-]{43}$/);
  assertEquals(await loadToken(dir.path), token);
  const file = join(dir.path, "token");
  assertEquals(await Deno.readTextFile(file), `${token}\n`);
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
  assertEquals(await Array.fromAsync(Deno.readDir(dir.path), ({ name }) => name), ["token"]);
  await using other = await tempDir();
  assertEquals(await loadToken(other.path) === token, false);
});

Deno.test("loadToken() keeps a token that someone chose, and closes its file to others", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "token");
  const chosen = "chosen-by-a-person-0123456789abcdef";
  await Deno.writeTextFile(file, `  ${chosen}\r\n`, { mode: 0o644 });
  await Deno.chmod(file, 0o644);
  assertEquals(await loadToken(dir.path), chosen);
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
});

Deno.test("loadToken() has the token on disk before its file has its name", async () => {
  await using dir = await tempDir();
  const { rename } = Deno;
  const { sync } = Deno.FsFile.prototype;
  let synced = 0;
  const named: number[] = [];
  Deno.FsFile.prototype.sync = async function () {
    await sync.call(this);
    synced = (await this.stat()).size;
  };
  Deno.rename = (...args) => {
    named.push(synced);
    return rename(...args);
  };
  try {
    const token = await loadToken(dir.path);
    // A power failure in between would leave a file without what was written.
    assertEquals(named, [token.length + 1]);
  } finally {
    Deno.rename = rename;
    Deno.FsFile.prototype.sync = sync;
  }
});

Deno.test("loadToken() is not troubled by what a crash left", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "token.new"), "");
  assertMatch(await loadToken(dir.path), /^[A-Za-z0-9_-]{43}$/);
  assertEquals(await Array.fromAsync(Deno.readDir(dir.path), ({ name }) => name), ["token"]);
});

for (
  const [what, content, reason] of [
    ["an empty file", "", "it has 0 characters, at least 32 are needed"],
    ["a short token", "secret", "it has 6 characters"],
    ["several lines", `${"a".repeat(32)}\n${"b".repeat(32)}`, "characters that can't be sent"],
    ["control characters", `${"a".repeat(40)}\u0000`, "characters that can't be sent"],
  ] as const
) {
  Deno.test(`loadToken() refuses ${what} and leaves it as it is`, async () => {
    await using dir = await tempDir();
    const file = join(dir.path, "token");
    await Deno.writeTextFile(file, content);
    const error = await assertRejects(() => loadToken(dir.path), Error, reason);
    assertStringIncludes(error.message, `Cannot use the token "${file}"`);
    assertEquals(await Deno.readTextFile(file), content);
  });
}

Deno.test("loadToken() refuses what is no regular file, a symbolic link among it", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "token");
  await Deno.mkdir(file);
  await assertRejects(() => loadToken(dir.path), Error, "it is not a regular file");
  await Deno.remove(file);
  const target = join(dir.path, "target");
  await Deno.writeTextFile(target, "a".repeat(40), { mode: 0o644 });
  await Deno.symlink(target, file);
  await assertRejects(() => loadToken(dir.path), Error, "it is not a regular file");
});

Deno.test("loadToken() says where it can't write", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "nowhere");
  await assertRejects(() => loadToken(path), Error, `Cannot write the token "${path}/token"`);
});

Deno.test("loadGivenToken() reads a token that others may read, changes nothing, and makes none", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "metrics-token");
  await assertRejects(() => loadGivenToken(file), Error, "it is not there");
  const chosen = "chosen-by-a-person-0123456789abcdef";
  await Deno.writeTextFile(file, `${chosen}\n`);
  await Deno.chmod(file, 0o644);
  assertEquals(await loadGivenToken(file), chosen);
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o644);
  await Deno.chmod(file, 0o664);
  await assertRejects(() => loadGivenToken(file), Error, "others may write to");
  await Deno.writeTextFile(file, "short");
  await Deno.chmod(file, 0o644);
  await assertRejects(() => loadGivenToken(file), Error, "it has 5 characters");
});

async function tempDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "tinyforge-token-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("TokenFile takes a token that was replaced, says it once, and keeps the one before a bad one", async () => {
  await using dir = await tempDir();
  const lines: string[] = [];
  const log = new Log({
    format: "json",
    write: (line) => void lines.push(JSON.parse(new TextDecoder().decode(line)).message),
  });
  const token = await TokenFile.open(dir.path, { log });
  const replace = async (text: string) => {
    await Deno.writeTextFile(join(dir.path, "token.tmp"), text, { mode: 0o600 });
    await Deno.rename(join(dir.path, "token.tmp"), join(dir.path, "token"));
    await token.reload();
  };
  await replace("a".repeat(40));
  assertEquals([token.token, lines.splice(0)], ["a".repeat(40), ["token replaced"]]);
  await replace("short");
  await token.reload();
  await token.reload();
  assertEquals([token.token, lines.splice(0)], [
    "a".repeat(40),
    ["token not replaced, the one before stays valid"],
  ]);
  await replace("a".repeat(40));
  assertEquals([token.token, lines.splice(0)], ["a".repeat(40), []]);
});

Deno.test("TokenFile.refresh() looks at the file when the last look is a second ago", async () => {
  await using dir = await tempDir();
  const token = await TokenFile.open(dir.path, { log: new Log({ write: () => {} }) });
  const first = token.token;
  await Deno.writeTextFile(join(dir.path, "token"), "b".repeat(40));
  const { now } = performance;
  const start = now.call(performance);
  try {
    performance.now = () => start + 500;
    await token.refresh();
    assertEquals(token.token, first);
    performance.now = () => start + 1000;
    await token.refresh();
    assertEquals(token.token, "b".repeat(40));
  } finally {
    performance.now = now;
  }
});

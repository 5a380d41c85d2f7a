/** What nobody is shown of a hub's channels is sealed with the key that its hubs have. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { UNSEALED } from "../../src/hub/channel_key.ts";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { makeKeys } from "../harness/backups.ts";
import { startHub } from "../harness/hub.ts";
import { startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { fresh, Inbox, looked, quietHost } from "./telling.ts";

/** A file with a new private key in it, as `age-keygen` writes one; after these lines. */
async function keyFile(dir: string, name: string, before = ""): Promise<string> {
  const { recipient, identity } = await makeKeys();
  const path = `${dir}/${name}`;
  await Deno.writeTextFile(path, `${before}# public key: ${recipient}\n${identity}\n`, {
    mode: 0o600,
  });
  return path;
}

/** All that the database has of channels, as text. */
async function kept(sql: Sql): Promise<string[]> {
  const rows = await sql<{ secrets: string; all: string }[]>`
    SELECT secrets, to_jsonb(c)::text AS all FROM tinyforge.channels AS c ORDER BY created_at`;
  return rows.map(({ all }) => all);
}

Deno.test("hubs with a key seal the secrets of channels, and send with what they sealed", async () => {
  await using cluster = await startCluster();
  await using inbox = new Inbox();
  await using host = await TestHost.make();
  await using other = await TestHost.make();
  const database = await cluster.newDatabase();
  const sql = await openDatabase(database, { connections: 1 });
  const add = async (name: string) => {
    const { code, stderr } = await host.run(
      ...["notify", "add", name, `${inbox.origin}/s3cr3t-${name}`, "--allow-loopback"],
    );
    assertEquals(code, 0, stderr);
  };
  const plain = await startHub(host, { database });
  await add("early");
  assertStringIncludes((await kept(sql))[0]!, "s3cr3t-early");
  await plain.running.stop("SIGTERM");

  // What stood there in clear is sealed, and what comes.
  const key = await keyFile(host.dir, "key");
  const args = ["--channel-key-file", key];
  const hub = await startHub(host, { database, args });
  await add("late");
  for (const text of await kept(sql)) assert(!text.includes("s3cr3t"), text);
  await startHub(other, { database, args });
  for (const name of ["early", "late"]) {
    const tried = await other.run("notify", "test", name);
    assertEquals(tried.code, 0, tried.stderr);
  }
  assertEquals(inbox.requests.map(({ target }) => target), ["/s3cr3t-early", "/s3cr3t-late"]);
  const alpha = await quietHost(sql, "alpha");
  await looked(sql);
  await alpha.batch([], { problems: [fresh()] });
  await until("both are told", () => inbox.requests.length === 4, { withinMs: 30_000 });

  // Without it, and with another, a hub says so and does not start.
  await hub.running.stop("SIGTERM");
  const wrong = await keyFile(host.dir, "wrong");
  for (const words of [[], ["--channel-key-file", wrong]]) {
    const refused = await host.run("hub", "--listen", "none", ...words);
    assert(refused.code !== 0, refused.stdout);
    assertStringIncludes(refused.stderr, "channels' secrets are sealed");
    assertStringIncludes(refused.stderr, "--channel-key-file");
  }
  // A new key before the old one: all is sealed with the new one.
  const both = await keyFile(host.dir, "both");
  await Deno.writeTextFile(both, await Deno.readTextFile(key), { append: true });
  const before = await kept(sql);
  const renewed = await startHub(host, { database, args: ["--channel-key-file", both] });
  const after = await kept(sql);
  assertEquals(after.filter((text) => before.includes(text)), []);
  const tried = await host.run("notify", "test", "early");
  assertEquals(tried.code, 0, tried.stderr);
  // A hub that has the old one alone leaves them to those that can open them.
  await alpha.batch([], { problems: [fresh({ key: "missing:b", rowId: "b" })] });
  await until("both are told", () => inbox.requests.length === 7, { withinMs: 30_000 });
  await renewed.running.stop("SIGTERM");
  await startHub(host, { database, args: ["--channel-key-file", both] });
  assertEquals(await kept(sql), after, "what is sealed with the first key stays");
  await sql.end({ timeout: 1 });
});

Deno.test("a hub takes no key file that has something else in it, or that others may write to", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DATABASE"] = "postgres://nobody@127.0.0.1:1/x";
  const path = `${host.dir}/key`;
  const refused = async () => (await host.run("hub", "--channel-key-file", path)).stderr;
  assertStringIncludes(await refused(), "can't be used");
  await Deno.writeTextFile(path, "AGE-SECRET-KEY-1QQ\nmore", { mode: 0o600 });
  assertStringIncludes(await refused(), "something else than private keys");
  await Deno.writeTextFile(path, "AGE-SECRET-KEY-1QQ", { mode: 0o600 });
  const incomplete = await refused();
  assertStringIncludes(incomplete, "not complete");
  assert(!incomplete.includes("1QQ"), incomplete);
  await Deno.chmod(path, 0o622);
  assertStringIncludes(await refused(), "others may write to");
});

Deno.test("UNSEALED opens nothing that is sealed", async () => {
  assertEquals(await UNSEALED.open(await UNSEALED.seal({ url: "x" })), { url: "x" });
  const failed = await UNSEALED.open("age:xyz").then(() => null, (error) => error);
  assertEquals(failed.code, "hub-database");
});

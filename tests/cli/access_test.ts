/**
 * `tinyforge dashboard`, `token` and `audit`, with and without a daemon.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { fullTimeText } from "../../src/cli/moments.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const TOKEN = /^[A-Za-z0-9_-]{43}\n$/;

async function daemonOn(host: TestHost): Promise<{ daemon: LivingDaemon; url: string }> {
  host.env["TINYFORGE_LISTEN"] = "127.0.0.1:0";
  const daemon = new LivingDaemon(host);
  return { daemon, url: `http://${await daemon.address()}` };
}

Deno.test("token add prints the token alone, and needs no daemon", async () => {
  await using host = await TestHost.make();
  const { code, stdout, stderr } = await host.run("token", "add", "ci", "--role", "deploy");
  assertEquals(code, 0, stderr);
  assertMatch(stdout, TOKEN);
  assertStringIncludes(stderr, 'Token "ci" has the role deploy');
  assert(!stderr.includes(stdout.trim()));

  const again = await host.run("token", "add", "ci", "--role", "read");
  assertEquals([again.code, again.stdout], [1, ""]);
  assertStringIncludes(again.stderr, "tinyforge token rm");

  const { items } = await host.json("token", "list");
  assertEquals(
    items.map(({ name, role, expiresAt }: Record<string, unknown>) => [
      name,
      role,
      expiresAt,
    ]),
    [["ci", "deploy", null]],
  );
  assert(!JSON.stringify(items).includes(stdout.trim()));

  assertEquals((await host.run("token", "rm", "ci")).code, 0);
  assertEquals((await host.json("token", "list")).items, []);
  const gone = await host.run("token", "rm", "ci");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.stderr, "tinyforge token list");
});

Deno.test("token add --file makes a file for this user alone, or no token", async () => {
  await using host = await TestHost.make();
  const file = `${host.dir}/token`;
  const args = ["token", "add", "prometheus", "--role", "metrics", "--file", file];
  const made = await host.run(...args, "--expires", "90d");
  assertEquals([made.code, made.stdout], [0, ""], made.stderr);
  assertMatch(await Deno.readTextFile(file), TOKEN);
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
  const [{ expiresAt }] = (await host.json("token", "list")).items;
  const days = (Date.parse(expiresAt) - Date.now()) / 86_400_000;
  assert(days > 89.9 && days <= 90, `${days}`);

  const taken = await host.run("token", "add", "other", "--role", "read", "--file", file);
  assertEquals(taken.code, 1);
  assertStringIncludes(taken.stderr, "there is a file already");
  assertEquals((await host.json("token", "list")).items.length, 1);

  const nowhere = await host.run(...args.slice(0, -1), `${host.dir}/none/token`);
  assertEquals(nowhere.code, 1);
  assertStringIncludes(nowhere.stderr, 'none/token": there is no such directory\nhint: make it\n');
  assertEquals((await host.json("token", "list")).items.length, 1);

  // What can't be made leaves no file behind.
  const refused = await host.run("token", "add", "a b", "--role", "read", "--file", `${file}2`);
  assertEquals(refused.code, 2);
  assertEquals(await Deno.stat(`${file}2`).catch(() => null), null);
});

Deno.test("token add says what is missing or wrong", async () => {
  await using host = await TestHost.make();
  for (
    const [args, said] of [
      [["token", "add", "ci"], "--role metrics|read|deploy|admin"],
      [["token", "add", "ci", "--role", "root"], "root"],
      [["token", "add", "ci", "--role", "read", "--expires", "soon"], "not a span of time"],
      [["token", "add", "ci", "--role", "read", "--expires", "0s"], "it would be over"],
      [["token", "add", "ci", "--role", "read", "--expires", "999999999d"], "too far away"],
    ] as const
  ) {
    const { code, stdout, stderr } = await host.run(...args);
    assertEquals([args, code, stdout], [args, 2, ""]);
    assertStringIncludes(stderr, said);
  }
});

Deno.test("token renew has the same token open things until another moment", async () => {
  await using host = await TestHost.make();
  const { daemon, url } = await daemonOn(host);
  await using _ = daemon;
  const { stdout } = await host.run("token", "add", "ci", "--role", "read", "--expires", "30m");
  const opens = async () => {
    const answer = await fetch(`${url}/api/containers`, {
      headers: { authorization: `Bearer ${stdout.trim()}` },
    });
    await answer.body?.cancel();
    return answer.status === 200;
  };
  assert(await opens());
  const soon = await host.run("token", "list");
  assertMatch(soon.stderr, /Token "ci" ends in [23]\dm: tinyforge token renew ci --expires 90d/);
  const { code, stderr } = await host.run("token", "renew", "ci", "--expires", "90d");
  assertEquals(code, 0, stderr);
  const { items: [token] } = await host.json("token", "list");
  const days = (Date.parse(token.expiresAt) - Date.now()) / 86_400_000;
  assert(days > 89.9 && days <= 90, token.expiresAt);
  const end = fullTimeText(token.expiresAt);
  assertStringIncludes(stderr, `Token "ci" has the role read, until ${end}.`);
  assertEquals((await host.run("token", "list")).stderr, "");
  const renewed = await host.json("token", "renew", "ci", "--expires", "never");
  assertEquals([renewed.name, renewed.expiresAt], ["ci", null]);
  assertEquals(JSON.stringify(renewed).includes(stdout.trim()), false);
  assert(await opens());

  await host.run("token", "renew", "ci", "--expires", "1s");
  await until("it is over", async () => !await opens());
  const over = await host.run("token", "renew", "ci", "--expires", "90d");
  assertEquals(over.code, 2);
  const ended = (await host.json("token", "list")).items[0].expiresAt;
  assertStringIncludes(over.stderr, `it is over since ${fullTimeText(ended)} and stays so\n`);
  const told = await host.run("token", "renew", "ci", "--expires", "90d", "--json");
  assertStringIncludes(JSON.parse(told.stderr).error.message, `since ${ended} and`);
  const { stdout: audit } = await host.run("audit");
  assertStringIncludes(audit, `expiresAt=${fullTimeText(ended)}`);
  assertStringIncludes(over.stderr, "make another with `tinyforge token add`");
  assert(!await opens());
  await host.run("token", "rm", "ci");
  const gone = await host.run("token", "renew", "ci", "--expires", "90d");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.stderr, "tinyforge token list");
  const endless = await host.run("token", "renew", "ci");
  assertEquals(endless.code, 2);
  assertStringIncludes(endless.stderr, "say --expires 90d");
  const actions = (await host.json("audit")).items.map(({ action }: { action: string }) => action);
  assertEquals(
    actions.filter((action: string) => action.startsWith("PATCH /api/tokens")).length,
    3,
  );
});

Deno.test("dashboard prints a link that logs in once", async () => {
  await using host = await TestHost.make();
  const { daemon, url } = await daemonOn(host);
  await using _ = daemon;
  const { code, stdout, stderr } = await host.run("dashboard");
  assertEquals(code, 0, stderr);
  assertMatch(stdout, new RegExp(`^${url}/#code=[A-Za-z0-9_-]{43}\n$`));
  assertStringIncludes(stderr, "ssh -L");
  const logIn = () =>
    fetch(`${url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: stdout.trim().split("code=")[1] }),
    });
  const first = await logIn();
  const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
  assertEquals([first.status, (await first.json()).role], [201, "admin"]);
  const second = await logIn();
  await second.body?.cancel();
  assertEquals(second.status, 401);
  const who = await (await fetch(`${url}/api/session`, { headers: { cookie } })).json();
  assertMatch(who.who, new RegExp(`\\(uid ${Deno.uid()}\\)$`));

  const { items } = await host.json("session", "list");
  assertEquals(items.map(({ role, remote }: Record<string, unknown>) => [role, remote]), [
    ["admin", "127.0.0.1"],
  ]);
  assertEquals((await host.run("session", "rm")).code, 2);
  assertEquals((await host.run("session", "rm", items[0].id, "--all")).code, 2);
  assertEquals((await host.run("session", "rm", "none")).code, 1);
  assertStringIncludes((await host.run("session", "rm", "--all")).stderr, "Ended 1 session.");
  const after = await fetch(`${url}/api/session`, { headers: { cookie } });
  await after.body?.cancel();
  assertEquals(after.status, 401);
});

Deno.test("dashboard says so where no daemon runs, and where none listens over TCP", async () => {
  await using host = await TestHost.make();
  const without = await host.run("dashboard");
  assertEquals(await Deno.stat(host.dataDir).catch(() => null), null);
  await host.seed(() => {});
  for (const alone of [without, await host.run("dashboard")]) {
    assertEquals([alone.code, alone.stdout], [4, ""]);
    assertStringIncludes(alone.stderr, "Cannot make a link to the dashboard: no daemon runs");
    assertMatch(alone.stderr, /^hint: start it with `tinyforge reconcile`, or as a service/m);
  }
  await using daemon = new LivingDaemon(host);
  await until("the daemon answers", async () => await daemon.status() !== null, {
    withinMs: 20_000,
  });
  const deaf = await host.run("dashboard");
  assertEquals([deaf.code, deaf.stdout], [1, ""]);
  assertStringIncludes(
    deaf.stderr,
    "nothing listens over TCP\nhint: start the daemon with an address",
  );
  assertStringIncludes(deaf.stderr, "--listen 127.0.0.1:7475");
});

Deno.test("dashboard --open hands the browser a file, and no code on a command line", async () => {
  await using host = await TestHost.make();
  const { daemon } = await daemonOn(host);
  await using _ = daemon;
  host.env["XDG_RUNTIME_DIR"] = host.dir;
  const bin = `${host.dir}/bin`;
  await Deno.mkdir(bin);
  const seen = `${host.dir}/seen`;
  await Deno.writeTextFile(
    `${bin}/xdg-open`,
    `#!/bin/sh\necho "$@" > ${seen}.new\nmv ${seen}.new ${seen}\n`,
  );
  await Deno.chmod(`${bin}/xdg-open`, 0o755);
  host.env["PATH"] = `${bin}:${host.env["PATH"]}`;
  const { code, stdout, stderr } = await host.run("dashboard", "--open");
  assertEquals(code, 0, stderr);
  await until("it was opened", async () => await Deno.stat(seen).catch(() => null) !== null);
  const path = (await Deno.readTextFile(seen)).trim();
  assertEquals(path, `${host.dir}/tinyforge-dashboard.html`);
  assertStringIncludes(await Deno.readTextFile(path), stdout.trim());
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("audit tells who changed what, and follows", async () => {
  await using host = await TestHost.make();
  assertEquals((await host.run("add", "site", "blog")).code, 0);
  const { items: [entry] } = await host.json("audit");
  assertEquals([entry.via, entry.action, entry.path, entry.details], [
    "command",
    "POST /api/sites",
    "/api/sites",
    { name: "blog" },
  ]);
  const { daemon } = await daemonOn(host);
  await using _ = daemon;
  const table = (await host.run("audit")).stdout.split("\n");
  assertMatch(table[0]!, /^WHEN +WHO +BY +FROM +WHAT +WITH/);
  assertMatch(table[1]!, /\(uid \d+\) +command +- +added a site +name=blog/);

  await using following = host.start("audit", "--follow", "--json");
  await until("what was is shown", () => following.stdout.includes('"blog"'), { withinMs: 20_000 });
  assertEquals((await host.run("add", "site", "shop")).code, 0);
  await until("what comes is shown", () => following.stdout.includes('"shop"'), {
    withinMs: 10_000,
  });
  const lines = following.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ via, details }) => [via, details.name]), [
    ["command", "blog"],
    ["socket", "shop"],
  ]);
  assertEquals((await following.stop("SIGTERM")).code, 0);
});

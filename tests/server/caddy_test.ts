/**
 * Behind Caddy, as the README has it: a login by link, what is shown and changed, and a live feed.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { missing } from "../engines/docker.ts";
import { freePort } from "../harness/free_port.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { Running, TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

const caddyTest = await new Deno.Command("caddy", { args: ["version"] }).output()
  .then(() => Deno.test, () => (name: string) => missing(name, "caddy is not installed"));

caddyTest("the README's Caddy lets a browser log in, change things and follow them", async () => {
  await using host = await TestHost.make();
  const [own, before] = [freePort(), freePort()];
  const base = `http://127.0.0.1:${before}/tinyforge`;
  const file = `${host.dir}/Caddyfile`;
  const block = /```\n(# Caddyfile[^`]*)```/.exec(README)![1]!
    .replace("ops.example.org {", `http://127.0.0.1:${before} {`)
    .replaceAll("127.0.0.1:7475", `127.0.0.1:${own}`);
  assertStringIncludes(block, `reverse_proxy /tinyforge* 127.0.0.1:${own}`);
  await Deno.writeTextFile(file, `{\n admin off\n auto_https off\n}\n${block}`);
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${own}`;
  host.env["TINYFORGE_BASE_URL"] = base;
  await using _ = new LivingDaemon(host);
  await using caddy = new Running(
    new Deno.Command("caddy", {
      args: ["run", "--config", file, "--adapter", "caddyfile"],
      clearEnv: true,
      env: { HOME: host.dir, PATH: host.env["PATH"]! },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  await until("both listen", async () => {
    const answer = await fetch(`${base}/livez`).catch(() => null);
    return answer !== null && await answer.text() === "ok\n";
  }, { withinMs: 20_000 });

  const { stdout } = await host.run("dashboard");
  assertMatch(stdout, new RegExp(`^${base}/#code=[\\w-]{43}\n$`));
  const origin = new URL(base).origin;
  const json = { "content-type": "application/json", origin };
  const login = await fetch(`${base}/api/session`, {
    method: "POST",
    headers: json,
    body: JSON.stringify({ code: stdout.trim().split("code=")[1] }),
  });
  assertEquals(login.status, 201, await login.text());
  const set = login.headers.get("set-cookie")!;
  assertStringIncludes(set, "; Path=/tinyforge; ");
  const cookie = set.split(";")[0]!;

  const feed = await fetch(`${base}/api/events`, { headers: { cookie } });
  const reader = feed.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!seen.includes("event: snapshot")) seen += (await reader.read()).value;

  const made = await fetch(`${base}/api/projects`, {
    method: "POST",
    headers: { ...json, cookie },
    body: JSON.stringify({ name: "app" }),
  });
  const { id, workloadId } = await made.json();
  assertEquals([made.status, made.headers.get("location")], [201, `/tinyforge/api/projects/${id}`]);
  const row = await fetch(`${base}/api/containers`, {
    method: "POST",
    headers: { ...json, cookie },
    body: JSON.stringify({ id: "app-1", workloadId }),
  });
  assertEquals(row.status, 201, await row.text());
  // Through the proxy, as it happens.
  while (!seen.includes("app-1")) seen += (await reader.read()).value;

  const out = await fetch(`${base}/api/session`, { method: "DELETE", headers: { origin, cookie } });
  assertEquals(out.status, 204);
  while (!(await reader.read()).done);
  const { items } = await host.json("audit");
  assert(items.length >= 3);
  assertEquals(items.at(-1).via, "session");
  assertEquals(caddy.stderr.includes("panic"), false);
});

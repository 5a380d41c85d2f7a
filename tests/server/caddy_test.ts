/**
 * Behind Caddy, as the README has it: a login by link, what is shown and changed, and a live feed.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { behindCaddy, CADDY } from "../harness/caddy.ts";
import { missing } from "../harness/missing.ts";
import { TestHost } from "../harness/program.ts";

const caddyTest = CADDY ? Deno.test : (name: string) => missing(name, "caddy is not installed");

caddyTest("the README's Caddy lets a browser log in, change things and follow them", async () => {
  await using host = await TestHost.make();
  await using behind = await behindCaddy(host);
  const { base, caddy } = behind;

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

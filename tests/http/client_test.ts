import { assert, assertEquals } from "@std/assert";
import { HttpClient, KEPT_IDLE_MS, PROXY_VARIABLES } from "../../src/http/client.ts";
import { IDLE_MS } from "../../src/server/server.ts";
import { FakeEngine } from "../engines/scripted.ts";

/** Runs `work` while these variables are all the environment names of proxies. */
async function under(variables: Record<string, string>, work: () => Promise<void>): Promise<void> {
  const before = PROXY_VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  for (const [name] of before) Deno.env.delete(name);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    await work();
    for (const name of PROXY_VARIABLES) assertEquals(Deno.env.get(name), variables[name]);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

/** A server that counts who comes. */
function counter() {
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    seen.push(request.url);
    return new Response("counted");
  });
  return Object.assign(server, { seen, url: `http://127.0.0.1:${server.addr.port}` });
}

for (const name of ["NO_PROXY", "no_proxy"]) {
  for (const value of ["127.0.0.1", "127.0.0.0/8", "*", "localhost,127.0.0.1,.example.com"]) {
    Deno.test(`HttpClient reaches its socket under ${name}=${value}`, async () => {
      await using engine = await FakeEngine.start();
      await under({ [name]: value }, async () => {
        using client = new HttpClient(engine.host);
        assertEquals(await (await client.request("/_ping")).json().catch(() => "OK"), "OK");
        assertEquals(engine.count("ping"), 1);
      });
    });
  }
}

for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
  Deno.test(`HttpClient goes past ${name} to this machine, and through it elsewhere`, async () => {
    await using proxy = counter();
    await using server = counter();
    await under({ [name]: proxy.url }, async () => {
      using near = new HttpClient({ kind: "tcp", url: server.url });
      await (await near.request("/near")).body?.cancel();
      assertEquals([server.seen.length, proxy.seen.length], [1, 0]);
      using far = new HttpClient({ kind: "tcp", url: "http://engine.invalid:2375" });
      await (await far.request("/far")).body?.cancel();
      assertEquals([server.seen.length, proxy.seen.length], [1, 1]);
    });
  });
}

Deno.test("HttpClient leaves a redirect to who asked", async () => {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) =>
      new URL(request.url).pathname === "/elsewhere"
        ? new Response("followed")
        : new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
  );
  await using _server = server;
  using client = new HttpClient({ kind: "tcp", url: `http://127.0.0.1:${server.addr.port}` });
  const response = await client.request("/here");
  assertEquals([response.status, response.redirected], [302, false]);
  await response.body?.cancel();
});

Deno.test("HttpClient lets go of an idle connection well before the daemon ends it", () => {
  assert(KEPT_IDLE_MS <= IDLE_MS / 2);
});

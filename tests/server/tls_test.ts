/**
 * TCP over TLS, with certificates that openssl made.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { connect } from "node:tls";
import { Failure } from "../../src/failure.ts";
import { Certificate } from "../../src/server/certificate.ts";
import { Log } from "../../src/telemetry/log.ts";
import { Authority } from "../harness/certificates.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import {
  observed,
  passWrites,
  type TempServer,
  tempServer,
  TOKEN,
} from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";

const silent = new Log({ write() {} });

async function inFolder(use: (dir: string, authority: Authority) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-tls-" });
  try {
    await use(dir, await Authority.make(dir));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function tlsServer(
  files: { cert: string; key: string },
  limits = {},
): Promise<{ server: TempServer; certificate: Certificate }> {
  const certificate = await Certificate.open(files, { log: silent });
  const server = await tempServer({ config: { tls: files }, serve: { certificate, limits } });
  return { server, certificate };
}

async function readToEnd(conn: Deno.Conn): Promise<void> {
  try {
    while (await conn.read(new Uint8Array(1024)) !== null);
  } catch {
    // It was reset, which ends it as well.
  }
}

/** The subject of the certificate that is shown. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject?.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

Deno.test("TCP speaks TLS, the socket does not, and a cookie is this host's alone", async () => {
  await inFolder(async (_, authority) => {
    const { server } = await tlsServer(await authority.issue("one"));
    await using _server = server;
    using client = Deno.createHttpClient({ caCerts: [authority.pem] });
    const url = `https://localhost:${server.port}`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${url}/api/status`, { client, headers });
    assertEquals([answer.status, (await answer.json()).pid], [200, 4242]);

    const { url: link, code } = await (await server.send("POST", "/api/session/codes")).json();
    assertStringIncludes(link, "https://127.0.0.1:7475/#code=");
    const login = await fetch(`${url}/api/session`, {
      client,
      method: "POST",
      headers: { "content-type": "application/json", origin: url },
      body: JSON.stringify({ code }),
    });
    await login.body?.cancel();
    const cookie = login.headers.get("set-cookie")!;
    assertMatch(cookie, /^__Host-tinyforge=[\w-]{43}; Path=\/; .*; Secure$/);
    const me = await fetch(`${url}/api/session`, {
      client,
      headers: { cookie: cookie.split(";")[0]! },
    });
    const { via } = await me.json();
    assertEquals(via, "session");

    // A feed, which is sent in another way.
    const feed = await fetch(`${url}/api/events`, { client, headers });
    const reader = feed.body!.getReader();
    await reader.read();
    await reader.cancel();
    const overSocket = await (await server.ask("/api/session")).json();
    assertEquals(overSocket.via, "socket");
  });
});

Deno.test("TCP with TLS answers a large body whole, and many requests on one connection", async () => {
  await inFolder(async (_, authority) => {
    const { server } = await tlsServer(await authority.issue("one"));
    await using _server = server;
    using client = Deno.createHttpClient({ caCerts: [authority.pem], poolMaxIdlePerHost: 1 });
    for (let i = 0; i < 50; i++) {
      const answer = await fetch(`https://localhost:${server.port}/openapi.json`, { client });
      const { openapi } = await answer.json();
      assertEquals(openapi, "3.1.0");
    }
  });
});

Deno.test("TCP with TLS answers a page that is made meanwhile whole", async () => {
  await inFolder(async (_, authority) => {
    const { server } = await tlsServer(await authority.issue("one"));
    await using _server = server;
    const { workloadId } = server.store.registry.create("site", { name: "blog" }).entry;
    const rows = Array.from({ length: 3000 }, (_, i) => observed({ id: `${i}`, workloadId }));
    passWrites(server.store, rows, { at: "2026-01-01T00:00:00.000Z" });
    const path = "/api/containers?limit=10000";
    const wanted = await (await server.ask(path)).text();
    using client = Deno.createHttpClient({ caCerts: [authority.pem], poolMaxIdlePerHost: 1 });
    const headers = { authorization: `Bearer ${TOKEN}` };
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(`https://localhost:${server.port}${path}`, { client, headers });
      assertEquals(await answer.text(), wanted);
    }
  });
});

Deno.test("whoever speaks no TLS, or says nothing, holds no connection", async () => {
  await inFolder(async (_, authority) => {
    const { server } = await tlsServer(await authority.issue("one"), { headersMs: 300 });
    await using _server = server;
    for (const said of ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "", "\x16\x03\x01"]) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await conn.write(new TextEncoder().encode(said));
      const chunks: string[] = [];
      const buffer = new Uint8Array(1024);
      try {
        for (let n; (n = await conn.read(buffer)) !== null;) {
          chunks.push(new TextDecoder().decode(buffer.subarray(0, n)));
        }
      } catch (error) {
        assert(error instanceof Deno.errors.ConnectionReset, String(error));
      }
      assert(!chunks.join("").includes("HTTP/1.1 200"), said);
    }
    assertEquals(await shownBy(server.port), "one");
  });
});

Deno.test("connections over TLS are capped as others are, and idle ones end", async () => {
  await inFolder(async (_, authority) => {
    const certificate = await Certificate.open(await authority.issue("one"), { log: silent });
    await using server = await tempServer({
      serve: {
        certificate,
        connections: { tcp: 4, socket: 4 },
        // Longer than it takes to make them all.
        limits: { idleMs: 3000 },
      },
    });
    const open: Deno.TlsConn[] = [];
    const ended = new Set<number>();
    for (let i = 0; i < 6; i++) {
      const conn = await Deno.connectTls({
        ...{ hostname: "localhost", port: server.port, caCerts: [authority.pem] },
      });
      open.push(conn);
      void readToEnd(conn).then(() => ended.add(i));
    }
    await until("the crowd's oldest are closed", () => ended.size >= 2);
    assertEquals([...ended].sort(), [0, 1]);
    // One that asked, and then does nothing.
    await open[5]!.write(
      new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    );
    await until("an idle one is closed", () => ended.has(5));
    for (const conn of open) conn.close();
  });
});

Deno.test("Certificate shows the renewed one after a reload, and keeps the old one where it can't", async () => {
  await inFolder(async (dir, authority) => {
    const [first, second] = [await authority.issue("first"), await authority.issue("second")];
    // As certbot does: links to where the newest is.
    const files = { cert: `${dir}/live.pem`, key: `${dir}/live.key` };
    const link = async ({ cert, key }: { cert: string; key: string }) => {
      for (const [name, target] of [[files.cert, cert], [files.key, key]] as const) {
        await Deno.remove(name).catch(() => {});
        await Deno.symlink(target, name);
      }
    };
    await link(first);
    const { server, certificate } = await tlsServer(files);
    await using _ = server;
    assertEquals(await shownBy(server.port), "first");
    await link(second);
    assertEquals(await shownBy(server.port), "first");
    await certificate.reload();
    assertEquals(await shownBy(server.port), "second");
    await link({ cert: first.cert, key: second.key });
    await certificate.reload();
    assertEquals(await shownBy(server.port), "second");
    await Deno.remove(files.cert);
    await certificate.reload();
    assertEquals(await shownBy(server.port), "second");
  });
});

Deno.test("Certificate.open() says which file can't be used, and why", async () => {
  await inFolder(async (dir, authority) => {
    const [one, two] = [await authority.issue("one"), await authority.issue("two")];
    const wide = `${dir}/wide.key`;
    await Deno.copyFile(one.key, wide);
    await Deno.chmod(wide, 0o666);
    for (
      const [files, what, wrong] of [
        [{ ...one, cert: `${dir}/none` }, "certificate", "file"],
        [{ ...one, key: `${dir}/none` }, "key", "file"],
        [{ ...one, cert: one.key }, "certificate", "form"],
        [{ ...one, key: one.cert }, "key", "form"],
        [{ ...one, key: two.key }, "key", "other"],
        [{ ...one, key: wide }, "key", "file"],
      ] as const
    ) {
      const error = await assertRejects(() => Certificate.open(files, { log: silent }), Failure);
      assertEquals([error.code, error.data], ["certificate", { what, wrong }]);
    }
  });
});

Deno.test("Certificate tells of one that is over soon", async () => {
  await inFolder(async (_, authority) => {
    const lines: string[] = [];
    const log = new Log({
      format: "json",
      write: (line) => void lines.push(new TextDecoder().decode(line)),
    });
    await Certificate.open(await authority.issue("brief"), { log });
    assertStringIncludes(lines.join(""), "certificate is over soon");
  });
});

Deno.test("the daemon listens with --tls-cert and --tls-key, and takes a renewed one on SIGHUP", async () => {
  await using host = await TestHost.make();
  const authority = await Authority.make(host.dir);
  const [first, second] = [await authority.issue("first"), await authority.issue("second")];
  const files = { cert: `${host.dir}/cert.pem`, key: `${host.dir}/key.pem` };
  const install = async ({ cert, key }: { cert: string; key: string }) => {
    await Deno.copyFile(cert, files.cert);
    await Deno.copyFile(key, files.key);
  };
  await install(first);
  host.env["TINYFORGE_LISTEN"] = "127.0.0.1:0";
  host.env["TINYFORGE_TLS_CERT"] = files.cert;
  host.env["TINYFORGE_TLS_KEY"] = files.key;
  await using daemon = new LivingDaemon(host);
  const port = Number((await daemon.address()).split(":").at(-1));
  assertEquals(await shownBy(port), "first");
  const { stdout } = await host.run("dashboard");
  assertStringIncludes(stdout, `https://127.0.0.1:${port}/#code=`);
  await install(second);
  daemon.running.process.kill("SIGHUP");
  await until("the second is shown", async () => await shownBy(port) === "second");
});

Deno.test("the daemon does not start with a certificate that it can't use: exit code 2", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_LISTEN"] = "127.0.0.1:0";
  host.env["TINYFORGE_TLS_CERT"] = "/nowhere/cert.pem";
  host.env["TINYFORGE_TLS_KEY"] = "/nowhere/key.pem";
  const { code, stderr } = await host.run("reconcile");
  assertEquals(code, 2);
  assertMatch(stderr, /Cannot use the (?:certificate|key) "\/nowhere\/\w+\.pem": it is not there/);
});

/**
 * What is typed to run many hosts: whom a host believes, how it says its link is, how a hub is asked
 * how it is, and where its database's URL may stand.
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Authority } from "../harness/certificates.ts";
import { freePort } from "../harness/free_port.ts";
import { enrolled, startHub } from "../harness/hub.ts";
import { sharedCluster, startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { openDatabase } from "../../src/hub/database.ts";
import { databaseAddress, hasPassword } from "../../src/hub/database_url.ts";
import { Failure } from "../../src/failure.ts";

const cluster = sharedCluster();

/** A certificate signed by itself, paths; `ca`: an authority's, as `openssl req -x509` makes it. */
async function selfSigned(dir: string, ca = "FALSE"): Promise<{ cert: string; key: string }> {
  const [cert, key] = [`${dir}/self.pem`, `${dir}/self.key`];
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=hub"],
      ...[
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        `basicConstraints=critical,CA:${ca}`,
      ],
    ],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return { cert, key };
}

Deno.test("join believes a hub's certificate by the authority that it is told, and keeps that", async () => {
  await using hubHost = await TestHost.make();
  await using host = await TestHost.make();
  await host.seed(() => {});
  const database = await cluster.newDatabase();
  const port = freePort();
  const { cert, key } = await (await Authority.make(hubHost.dir)).issue("hub");
  const hub = await startHub(hubHost, {
    ...{ database, port, args: ["--tls-cert", cert, "--tls-key", key] },
  });
  const url = hub.url.replace("http:", "https:");
  const [, , token] = await enrolled(hubHost, hub, "one");
  const refused = await host.run("join", url, token);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "its certificate is of nobody whom this host trusts");
  assertStringIncludes(refused.stderr, "--ca FILE");
  await Deno.writeTextFile(`${host.dir}/none.pem`, "no certificate");
  for (const [file, says] of [["none.pem", "no certificate in it"], ["nil.pem", "not there"]]) {
    const { code, stderr } = await host.run("join", url, token, "--ca", `${host.dir}/${file}`);
    assertEquals(code, 1);
    assertStringIncludes(stderr, says!);
  }
  // The file is needed no more afterwards, and no key that stands beside a certificate is kept.
  const ca = `${host.dir}/ca.pem`;
  const key2 = await Deno.readTextFile(key);
  await Deno.writeTextFile(ca, key2 + await Deno.readTextFile(`${hubHost.dir}/ca.pem`));
  const joined = await host.run("join", url, token, "--ca", ca);
  assertEquals(joined.code, 0, joined.stderr);
  await Deno.remove(ca);
  assert(!(await Deno.readTextFile(`${host.dataDir}/hub.json`)).includes("PRIVATE"));
  const daemon = host.start("reconcile");
  const link = async () => (await host.json("status")).daemon?.hub ?? null;
  await until("the hub is told", async () => (await link())?.up);
  const { joinedAt, acknowledgedAt, ...told } = await link();
  assertEquals(told, { url, name: "one", up: true, trouble: null, error: null, behind: 0 });
  for (const at of [joinedAt, acknowledgedAt]) assert(Date.now() - Date.parse(at) < 60_000);
  const said = await host.run("status");
  assertStringIncludes(said.stdout, `● told: ${url} as "one", joined`);
  assertStringIncludes(said.stdout, "nothing is left to tell");

  // The hub gets a certificate of another authority: told of, with what helps, and mended by that.
  assertEquals((await hub.running.stop()).code, 0);
  const own = await selfSigned(hubHost.dir);
  const next = await startHub(hubHost, {
    ...{ database, port, args: ["--tls-cert", own.cert, "--tls-key", own.key] },
  });
  await until("it is noticed", async () => (await link()).trouble === "certificate", {
    withinMs: 60_000,
  });
  assertStringIncludes((await host.run("status")).stdout, "✗ not told");
  const { findings } = JSON.parse((await host.run("doctor", "--json")).stdout);
  const found = findings.find(({ code }: { code: string }) => code === "hub-certificate");
  assertEquals(found?.do.includes(`tinyforge join ${url} --ca FILE`), true);
  const wrong = await host.run("join", url, "--ca", `${hubHost.dir}/ca.pem`);
  assertEquals(wrong.code, 1, "an authority that does not help changes nothing");
  const mended = await host.run("join", url, "--ca", own.cert);
  assertEquals(mended.code, 0, mended.stderr);
  await until("the hub is told again", async () => (await link())?.up, { withinMs: 60_000 });
  assertEquals((await next.running.stop()).code, 0);

  // What openssl makes where nobody says otherwise is no server's: also that is told.
  const raw = await selfSigned(hubHost.dir, "TRUE");
  await startHub(hubHost, {
    ...{ database, port, args: ["--tls-cert", raw.cert, "--tls-key", raw.key] },
  });
  const unfit = await host.run("join", url, "--ca", raw.cert);
  assertEquals(unfit.code, 1);
  assertStringIncludes(unfit.stderr, "CA:FALSE");
  assertEquals((await daemon.stop()).code, 0);
});

Deno.test("status, doctor and leave do without the hub", async () => {
  await using hubHost = await TestHost.make();
  await using host = await TestHost.make();
  await host.seed(() => {});
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  const [, url, token] = await enrolled(hubHost, hub, "one");
  const bare = await host.run("join", url);
  assertEquals([bare.code, bare.stderr.includes("without a token")], [2, true]);
  assertEquals((await host.run("join", url, token)).code, 0);
  const alone = await host.run("status");
  assertStringIncludes(alone.stdout, `○ not told while no daemon answers: ${url} as "one"`);
  assertEquals((await host.json("status")).membership.name, "one");

  // Forgotten by the hub: the daemon says so, and goes on.
  host.start("reconcile");
  const link = async () => (await host.json("status")).daemon?.hub ?? null;
  await until("the hub is told", async () => (await link())?.up);
  assertEquals((await hubHost.run("hub", "rm", "one")).code, 0);
  const codes = async () =>
    JSON.parse((await host.run("doctor", "--json")).stdout).findings
      .map(({ code }: { code: string }) => code);
  assertEquals((await host.run("add", "project", "shop")).code, 0);
  await until("it is refused", async () => (await link()).trouble === "not-known", {
    withinMs: 60_000,
  });
  assert((await codes()).includes("hub-not-known"));

  await hub.running.stop("SIGKILL");
  await until("it is away", async () => (await link()).trouble === "connection", {
    withinMs: 60_000,
  });
  assert((await codes()).includes("hub-unreachable"));
  const left = await host.run("leave");
  assertEquals(left.code, 0, left.stderr);
  await until("the daemon knows of no hub", async () => await link() === null);
  assertEquals((await codes()).filter((code: string) => code.startsWith("hub-")), []);

  // What can't be read is told of, and forgotten by the same command.
  await Deno.writeTextFile(`${host.dataDir}/hub.json`, "{", { mode: 0o600 });
  assert((await codes()).includes("hub-membership"));
  assertEquals((await host.run("leave")).code, 0);
  assert(!(await codes()).includes("hub-membership"));
});

Deno.test("hub status and hub healthcheck say how the hub, its database and its hosts are", async () => {
  await using cluster = await startCluster();
  await using hubHost = await TestHost.make();
  await hubHost.seed(() => {});
  const nobody = await hubHost.run("hub", "healthcheck");
  assertEquals(nobody.code, 1);
  assertStringIncludes(nobody.stdout, "no hub listens in");
  const hub = await startHub(hubHost, { database: await cluster.newDatabase() });
  await using host = await TestHost.make();
  await host.seed((store) => {
    const { workloadId } = store.registry.create("project", { name: "shop" }).entry;
    store.deployed.putDeployedContainer({ id: "a", workloadId });
  });
  const joined = await host.run(...await enrolled(hubHost, hub, "one"));
  assertEquals(joined.code, 0, joined.stderr);
  await enrolled(hubHost, hub, "two");
  host.start("reconcile");
  await until(
    "the host is known",
    async () => (await hubHost.json("hub", "status")).hosts.known === 1,
  );
  const { hosts, rows, ready } = await hubHost.json("hub", "status");
  assertEquals({ hosts, rows, ready }, { hosts: { known: 1 }, rows: 1, ready: true });
  const shown = await hubHost.run("hub", "status");
  assertStringIncludes(shown.stdout, "● ready");
  assertEquals((await hubHost.run("hub", "healthcheck")).stdout, "ready\n");

  const setReadOnly = async (value: "on" | "off") => {
    await cluster.ask(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await cluster.ask("SELECT pg_reload_conf()");
    await until(`it is ${value}`, async () => {
      const { code } = await hubHost.run("hub", "healthcheck");
      return (code === 1) === (value === "on");
    });
  };
  await setReadOnly("on");
  const kept = await hubHost.run("hub", "healthcheck");
  assertStringIncludes(
    kept.stdout,
    "not ready: the database can only be read: it is a standby, or",
  );
  assertEquals(
    (await fetch(`${hub.url}/readyz`).then((it) => it.text())).includes("standby"),
    true,
  );
  assertEquals((await hubHost.json("hub", "list")).items.length, 1);
  const readable = await hubHost.run("hub", "status");
  assertEquals(readable.code, 1);
  assertMatch(
    readable.stdout,
    /^hub +✗ not ready: the database can only be read.*\nhosts +1 known\nrows +1$/m,
  );
  await setReadOnly("off");

  await cluster.lose();
  const ill = await hubHost.run("hub", "healthcheck");
  assertEquals(ill.code, 1);
  assertStringIncludes(ill.stdout, "not ready: the database can't be reached");
  const lost = await hubHost.run("hub", "status", "--json");
  assertEquals([lost.code, JSON.parse(lost.stdout)], [1, {
    ...{ dataDir: hubHost.dataDir, ready: false, reason: "the database can't be reached" },
    ...{ hosts: null, rows: null },
  }]);
  const ended = await hub.running.stop();
  assertEquals(ended.code, 0, ended.stderr);
});

Deno.test("hub takes its database's URL from a file of root's or its own, and no password from a command line", async () => {
  await using host = await TestHost.make();
  const file = `${host.dir}/database`;
  const port = freePort();
  await Deno.writeTextFile(file, `${await cluster.newDatabase()}\n`, { mode: 0o600 });
  const args = ["--listen", `127.0.0.1:${port}`, "--database-file", file];
  const hub = host.start("hub", ...args);
  await until("it is started", () => hub.stderr.includes("hub started"));
  const { stdout } = await new Deno.Command("ps", {
    args: ["-ww", "-o", "args=", "-p", String(hub.process.pid)],
  }).output();
  const commandLine = new TextDecoder().decode(stdout);
  assertStringIncludes(commandLine, `--database-file ${file}`);
  assert(!commandLine.includes("postgres:"), commandLine);
  await hub.stop();
  for (
    const [say, code, ...words] of [
      ["a command line", 2, "--database", "postgres://me:secret@127.0.0.1/x"],
      ["at once", 2, "--database", "postgres://me@127.0.0.1/x", "--database-file", file],
      ["it is not there", 1, "--database-file", `${host.dir}/none`],
    ] as const
  ) {
    const ran = await host.run("hub", ...words as string[]);
    assertEquals(ran.code, code, ran.stderr);
    assertStringIncludes(ran.stderr, say === "a command line" ? "the command line" : say);
    assert(!ran.stderr.includes("secret"), ran.stderr);
  }
  await Deno.chmod(file, 0o622);
  const open = await host.run("hub", ...args);
  assertStringIncludes(open.stderr, "others may write to");
});

Deno.test("systemd --hub prints a unit without the database's URL in it", async () => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DATABASE"] = "postgres://me:secret@db/x";
  delete host.env["TINYFORGE_DATA_DIR"];
  host.env["TINYFORGE_LISTEN"] = "0.0.0.0:7480";
  const { code, stdout, stderr } = await host.run("systemd", "--hub");
  assertEquals(code, 0, stderr);
  assertStringIncludes(
    stdout,
    "ExecStart=/usr/local/bin/tinyforge hub --listen=0.0.0.0:7480 " +
      "--database-file=${CREDENTIALS_DIRECTORY}/database\n",
  );
  assertStringIncludes(stdout, "LoadCredential=database:/etc/tinyforge-hub/database\n");
  assert(!stdout.includes("secret"));
  const sealed = await host.run("systemd", "--hub", "--channel-key-file", "/etc/hub/key");
  assertStringIncludes(sealed.stdout, "LoadCredential=channel-key:/etc/hub/key\n");
  assertStringIncludes(
    sealed.stdout,
    "--channel-key-file=${CREDENTIALS_DIRECTORY}/channel-key",
  );
  const daemons = await host.run("systemd", "--channel-key-file", "/etc/hub/key");
  assertEquals(daemons.code, 2, daemons.stdout);
  const wrong = await host.run("systemd", "--hub", "--interval", "5s");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "it is a daemon's");
});

Deno.test("databaseAddress() encrypts and verifies whatever is not on this machine", () => {
  const of = (url: string) => {
    const { hosts, tls } = databaseAddress(url);
    const named = hosts.map((host) => "path" in host ? host.path : `${host.host} ${host.port}`);
    return `${named.join(", ")}: ${tls === null ? "plain" : tls.authority ?? "system"}`;
  };
  assertEquals(of("postgres://u@127.0.0.1/x"), "127.0.0.1 5432: plain");
  assertEquals(of("postgres://u@[::1]:1/x"), "::1 1: plain");
  assertEquals(of("postgresql://u@localhost:5433/x"), "localhost 5433: plain");
  assertEquals(of("postgresql://u@[::ffff:127.0.0.1]/x"), "::ffff:127.0.0.1 5432: plain");
  assertEquals(of("postgresql://u@127.example.org/x"), "127.example.org 5432: system");
  assertEquals(of("postgres://u@%2Frun%2Fpostgresql/x"), "/run/postgresql/.s.PGSQL.5432: plain");
  assertEquals(of("postgres://u:p@db.example/x"), "db.example 5432: system");
  assertEquals(of("postgres://u@db/x?sslmode=disable"), "db 5432: plain");
  assertEquals(of("postgres://u@127.0.0.1/x?sslmode=require"), "127.0.0.1 5432: system");
  assertEquals(of("postgres://u@db/x?sslrootcert=/etc/ca.pem"), "db 5432: /etc/ca.pem");
  assertEquals(of("postgres://u@127.0.0.1,db:1/x"), "127.0.0.1 5432, db 1: system");
  const { url } = databaseAddress("postgres://u:p@db/x?sslmode=require&search_path=a");
  assertEquals(url, "postgres://u:p@127.0.0.1/x?search_path=a");
  for (
    const wrong of [
      "mysql://u@db/x",
      "db",
      "postgres://u@db/x?sslmode=prefer",
      "postgres://u@a:b:c/x",
      "postgres://u@db/x?target_session_attrs=standby",
    ]
  ) {
    try {
      databaseAddress(wrong);
    } catch (error) {
      assert(error instanceof Failure && error.code === "hub-database", wrong);
      continue;
    }
    throw new Error(`taken: ${wrong}`);
  }
  assert(hasPassword("postgres://u:p@h/x") && hasPassword("postgres://h/x?password=p"));
  assert(!hasPassword("postgres://u@h:5432/x"));
});

Deno.test("openDatabase() believes PostgreSQL's certificate by its authority, and nobody else's", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const authority = await Authority.make(dir);
    await using cluster = await startCluster({ tls: await authority.issue("db") });
    const url = await cluster.newDatabase();
    const opened = async (query: string) => {
      const sql = await openDatabase(`${url}${query}`, { connections: 1 });
      const [{ ssl }] = await sql<[{ ssl: boolean }]>`
        SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
      await sql.end();
      return ssl;
    };
    assertEquals(await opened(`?sslrootcert=${dir}/ca.pem`), true);
    for (
      const [query, says] of [
        // The server lets nobody in without; a certificate of nobody known is none.
        ["", "no encryption"],
        ["?sslmode=require", "ertificate"],
        [`?sslrootcert=${dir}/none.pem`, "sslrootcert"],
      ] as const
    ) {
      const error = await assertRejects(() => opened(query), Failure);
      assertStringIncludes(error.message, says);
    }
    await using foreign = await startCluster({
      tls: await authority.issue("db", "DNS:other.example"),
    });
    const other = await foreign.newDatabase();
    const error = await assertRejects(
      () => openDatabase(`${other}?sslrootcert=${dir}/ca.pem`, { connections: 1 }),
      Failure,
    );
    assertStringIncludes(error.message, "ertificate");
    await using plain = await startCluster();
    const bare = await plain.newDatabase();
    const unspoken = await assertRejects(
      () => openDatabase(`${bare}?sslmode=require`, { connections: 1 }),
      Failure,
    );
    assertStringIncludes(unspoken.message, "the server does not speak TLS");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

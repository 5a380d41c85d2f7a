/**
 * PostgreSQL for tests: a cluster of their own in a temporary directory, on a free port of loopback;
 * in it a database for each test, and beside it a standby where a test wants one.
 *
 * @module
 */

import { join } from "@std/path";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** PostgreSQL refuses root; Debian's nobody owns nothing else. */
const NOBODY = { uid: 65534, gid: 65534 };

const ENV = { LC_ALL: "C", TZ: "UTC" };

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** `postgres://…` of a new, empty database. */
  newDatabase(): Promise<string>;
  /** Stops it at once, as a lost machine would, and starts it again. */
  restart(): Promise<void>;
  /** Stops it at once, for good. */
  lose(): Promise<void>;
  /** What a statement answers, as `psql` prints it without frills. */
  ask(statement: string): Promise<string>;
  /**
   * A standby that follows it. `synchronous`: from now on nothing is acknowledged there before the
   * standby has it.
   */
  standby(options: { synchronous: boolean }): Promise<Standby>;
}

/** A server that follows another. */
export interface Standby extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Hears nothing more from the one that it follows. */
  cutOff(): Promise<void>;
  /** Takes over. */
  promote(): Promise<void>;
}

/** How a cluster is. */
export interface ClusterOptions {
  /** It syncs, for tests of what outlives a crash. */
  readonly durable?: boolean;
  /** Files for TLS, `ssl_cert_file` and `ssl_key_file`; without TLS nobody is let in then. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts one. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { durable = false, tls } = options;
  const bin = await binFolder();
  const dir = await newFolder();
  const data = join(dir, "data");
  await made("/bin", "cp", dir, ["-a", await (template ??= makeTemplate(bin)), data]);
  const settings = durable ? [] : ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
  if (tls !== undefined) {
    settings.push("ssl=on");
    for (const [name, path] of Object.entries(tls)) {
      const own = join(data, `server-${name}.pem`);
      await Deno.copyFile(path, own);
      await Deno.chmod(own, 0o600);
      if (Deno.uid() === 0) await Deno.chown(own, NOBODY.uid, NOBODY.gid);
      settings.push(`ssl_${name}_file=${own}`);
    }
    const rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
    await Deno.writeTextFile(join(data, "pg_hba.conf"), rules);
  }
  const server = new Server(bin, { dir, data, settings });
  await server.start();
  let count = 0;
  return {
    address: server.address,
    async newDatabase() {
      const name = `test${++count}`;
      await server.ask(`CREATE DATABASE ${name}`);
      return `postgres://tinyforge@${server.address}/${name}`;
    },
    async restart() {
      await server.stop();
      await server.start();
    },
    lose: () => server.stop(),
    ask: (statement) => server.ask(statement),
    standby: (options) => standbyOf(server, options),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/**
 * The cluster of a test file, started before its first test and ended after its last: for tests that
 * leave it as it is, each with databases of its own.
 */
export function sharedCluster(): Pick<Cluster, "newDatabase"> {
  let cluster: Cluster | null = null;
  Deno.test.beforeAll(async () => void (cluster = await startCluster()));
  Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());
  return { newDatabase: () => cluster!.newDatabase() };
}

async function standbyOf(
  first: Server,
  { synchronous }: { synchronous: boolean },
): Promise<Standby> {
  const { bin } = first;
  const dir = await newFolder();
  const data = join(dir, "data");
  await made(bin, "pg_basebackup", dir, [
    ...["-h", first.dir, "-p", String(first.port), "-U", "tinyforge", "-D", data],
    ...["-R", "-X", "stream", "-c", "fast", "--no-sync"],
  ]);
  const server = new Server(bin, { dir, data, settings: ["fsync=off"] });
  await server.start();
  await until(
    "the standby follows",
    async () =>
      await first.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") === "1",
  );
  if (synchronous) {
    await first.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await first.ask("SELECT pg_reload_conf()");
    await until(
      "the standby is waited for",
      async () => await first.ask("SELECT sync_state FROM pg_stat_replication") === "sync",
    );
  }
  return {
    address: server.address,
    async cutOff() {
      await server.ask("ALTER SYSTEM SET primary_conninfo = ''");
      await server.ask("SELECT pg_reload_conf()");
      await until(
        "the standby is cut off",
        async () => await server.ask("SELECT count(*) FROM pg_stat_wal_receiver") === "0",
      );
    },
    promote: async () => void await server.ask("SELECT pg_promote()"),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** A server over a data directory. */
class Server {
  readonly bin: string;
  readonly dir: string;
  readonly port = freePort();
  readonly #args: string[];
  #process: Deno.ChildProcess | null = null;

  constructor(
    bin: string,
    { dir, data, settings }: { dir: string; data: string; settings: readonly string[] },
  ) {
    this.bin = bin;
    this.dir = dir;
    const all = [
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${dir}`,
      "max_connections=60",
      // As much as a test needs: all of it is gone through when a server starts and ends.
      "shared_buffers=16MB",
      // With small segments it would be little, and every so much ends with a checkpoint.
      "max_wal_size=1GB",
      ...settings,
    ];
    this.#args = ["-D", data, ...all.flatMap((setting) => ["-c", setting])];
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#process = new Deno.Command(join(this.bin, "postgres"), {
      args: this.#args,
      ...{ cwd: this.dir, env: ENV, stdin: "null", stdout: "null", stderr: "null", ...who() },
    }).spawn();
    await until("PostgreSQL answers", () => this.ask("SELECT 1").catch(() => null));
  }

  /** At once: nothing is written any more. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process === null) return;
    process.kill("SIGQUIT");
    await process.status;
  }

  async ask(statement: string): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(join(this.bin, "psql"), {
      args: [
        ...["-qXAt", "-h", this.dir, "-p", String(this.port), "-U", "tinyforge"],
        ...["-d", "postgres", "-c", statement],
      ],
      env: ENV,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  }
}

/** The data directory of a cluster that never ran, which all clusters of a test file begin as. */
let template: Promise<string> | null = null;

async function makeTemplate(bin: string): Promise<string> {
  const dir = await newFolder();
  addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
  const data = join(dir, "data");
  await made(bin, "initdb", dir, [
    ...["--no-sync", "--auth=trust", "--username=tinyforge", "--encoding=UTF8"],
    // A segment is written in full before there is anything in it.
    ...["--wal-segsize=1", "-D", data],
  ]);
  return data;
}

async function newFolder(): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-pg-" });
  if (Deno.uid() === 0) await Deno.chown(dir, NOBODY.uid, NOBODY.gid);
  return dir;
}

async function made(bin: string, program: string, cwd: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(join(bin, program), {
    args,
    ...{ cwd, env: ENV, stdout: "null", stderr: "piped", ...who() },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function who(): { uid?: number; gid?: number } {
  return Deno.uid() === 0 ? NOBODY : {};
}

/** A migrated database of a cluster, closed with this. */
export async function openTestDatabase(
  cluster: Pick<Cluster, "newDatabase">,
  options: { connections?: number } = {},
): Promise<{ sql: Sql; url: string } & AsyncDisposable> {
  const url = await cluster.newDatabase();
  const sql = await openDatabase(url, options);
  return { sql, url, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

/** Debian keeps one folder for each major version. */
async function binFolder(): Promise<string> {
  const versions: number[] = [];
  for await (const { name } of Deno.readDir("/usr/lib/postgresql")) versions.push(Number(name));
  return `/usr/lib/postgresql/${Math.max(...versions)}/bin`;
}

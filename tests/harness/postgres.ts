/**
 * PostgreSQL for tests: a cluster of their own in a temporary directory, on a free port of loopback;
 * and in it a database for each test.
 *
 * @module
 */

import { join } from "@std/path";
import { openDatabase, type Sql } from "../../src/hub/database.ts";
import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** PostgreSQL refuses root; Debian's nobody owns nothing else. */
const NOBODY = { uid: 65534, gid: 65534 };

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** `postgres://…` of a new, empty database. */
  newDatabase(): Promise<string>;
  /** Stops it at once, as a lost machine would, and starts it again. */
  restart(): Promise<void>;
}

/** Starts one. `durable`: it syncs, for tests of what outlives a crash. */
export async function startCluster(
  { durable = false }: { durable?: boolean } = {},
): Promise<Cluster> {
  const bin = await binFolder();
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-pg-" });
  const asRoot = Deno.uid() === 0;
  if (asRoot) await Deno.chown(dir, NOBODY.uid, NOBODY.gid);
  const who = asRoot ? NOBODY : {};
  const env = { LC_ALL: "C", TZ: "UTC" };
  const data = join(dir, "data");
  const made = await new Deno.Command(join(bin, "initdb"), {
    args: ["--no-sync", "--auth=trust", "--username=tinyforge", "--encoding=UTF8", "-D", data],
    ...{ cwd: dir, env, stdout: "null", stderr: "piped", ...who },
  }).output();
  if (!made.success) throw new Error(new TextDecoder().decode(made.stderr));
  const sync = durable ? [] : ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
  const port = freePort();
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${dir}`,
    "max_connections=60",
  ];
  const start = () =>
    new Deno.Command(join(bin, "postgres"), {
      args: ["-D", data, ...[...settings, ...sync].flatMap((setting) => ["-c", setting])],
      ...{ cwd: dir, env, stdin: "null", stdout: "null", stderr: "null", ...who },
    }).spawn();
  let server = start();
  const urlOf = (name: string) => `postgres://tinyforge@127.0.0.1:${port}/${name}`;
  const answers = () => psql("postgres", "SELECT 1");
  async function psql(database: string, statement: string): Promise<boolean> {
    const { success } = await new Deno.Command(join(bin, "psql"), {
      args: [
        "-qX",
        "-h",
        dir,
        "-p",
        String(port),
        "-U",
        "tinyforge",
        "-d",
        database,
        "-c",
        statement,
      ],
      ...{ env, stdout: "null", stderr: "null" },
    }).output();
    return success;
  }
  await until("PostgreSQL answers", answers);
  let count = 0;
  return {
    async newDatabase() {
      const name = `test${++count}`;
      if (!await psql("postgres", `CREATE DATABASE ${name}`)) throw new Error("no database");
      return urlOf(name);
    },
    async restart() {
      server.kill("SIGQUIT");
      await server.status;
      server = start();
      await until("PostgreSQL answers again", answers);
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGQUIT");
      await server.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** A migrated database of a cluster, closed with this. */
export async function openTestDatabase(
  cluster: Cluster,
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

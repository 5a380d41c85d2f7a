/**
 * What benches run on: a simulated Engine in a process of its own, a store that knows its
 * workloads, and everything between them. Measures nothing itself.
 *
 * @module
 */

import { join } from "@std/path";
import { assemble, type Assembly } from "../../src/daemon.ts";
import { hashSecret } from "../../src/secret.ts";
import { Feed } from "../../src/feed.ts";
import type { Written } from "../../src/model/written.ts";
import { Log } from "../../src/telemetry/log.ts";
import { openStore } from "../../src/store/store.ts";
import { SimEngine, simId, simLabels, simWorkloads } from "../engines/crowd.ts";
import { testConfig } from "../harness/config.ts";
import { loadSqlite } from "../jsr/sqlite_library.ts";

const sqlite = await loadSqlite();

/** A log that nobody reads. */
export const NO_LOG = new Log({ level: "error", write: () => {} });

/** A bench's own host. */
export interface World extends Omit<Assembly, "close"> {
  readonly engine: SimEngine;
  /** Directory of the database. */
  readonly dir: string;
}

/** An Engine with `containers` containers and a store that knows their workloads. */
export async function world(containers: number): Promise<World> {
  const engine = await SimEngine.start({ containers });
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-bench-" });
  const path = join(dir, "tinyforge.db");
  const feed = new Feed<Written>();
  const store = await openStore(path, { feed });
  register(path, containers);
  const config = testConfig({ host: engine.host, intervalMs: 300_000 });
  const data = { store, feed, close: () => store.close() };
  const { close, ...parts } = assemble(config, data, { log: NO_LOG, version: "bench" });
  return {
    ...parts,
    engine,
    dir,
    async [Symbol.asyncDispose]() {
      await close();
      await engine[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/**
 * Writes the workloads that the simulated Engine's labels speak of, with the ids they speak of,
 * which the registry would not choose, and the deployer's rows of project containers.
 */
export function register(path: string, containers: number): void {
  const db = new sqlite.Database(path, { int64: true });
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    const now = new Date().toISOString();
    const tables = { project: "projects", stack: "stacks", site: "static_sites" };
    db.transaction(() => {
      for (const { kind, key } of simWorkloads(containers)) {
        const id = `${key}-ref`;
        const refId = kind === "site" ? key : id;
        if (kind === "stack") {
          db.exec(
            `INSERT INTO stacks (id, name, compose_project_name, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?)`,
            refId,
            key,
            key,
            now,
            now,
          );
        } else {
          db.exec(
            `INSERT INTO ${tables[kind]} (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)`,
            refId,
            key,
            now,
            now,
          );
        }
        db.exec(
          `INSERT INTO workloads (id, kind, ref_id, name, webhook_secret, webhook_secret_hash,
             created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          key,
          kind,
          refId,
          key,
          `secret of ${key}`,
          hashSecret(`secret of ${key}`),
          now,
          now,
        );
      }
      for (let index = 0; index < containers; index++) {
        const labels = simLabels(index);
        if (labels["tinyforge.workload.kind"] !== "project") continue;
        db.exec(
          `INSERT INTO containers (id, workload_id, workload_kind, role, container_id, host, state,
             subdomain, created_at, updated_at)
           VALUES (?, ?, 'project', ?, ?, 'local', 'pending', ?, ?, ?)`,
          `instance-${index}`,
          labels["tinyforge.workload.id"],
          labels["tinyforge.workload.role"],
          simId(index),
          `app-${index}`,
          now,
          now,
        );
      }
    })();
  } finally {
    db.close();
  }
}

/** The listing as a client without a program would get it: fetched and parsed. */
export async function bare(client: Deno.HttpClient): Promise<unknown[]> {
  const response = await fetch("http://127.0.0.1/v1.41/containers/json?all=1", { client });
  return JSON.parse(await response.text());
}

/** The listing's bytes, counted and thrown away: the least that any reader pays. */
export async function bareRead(client: Deno.HttpClient): Promise<number> {
  const response = await fetch("http://127.0.0.1/v1.41/containers/json?all=1", { client });
  let bytes = 0;
  for await (const chunk of response.body!) bytes += chunk.length;
  return bytes;
}

/** A client for {@linkcode bare} and {@linkcode bareRead} on the Engine with this socket. */
export function bareClient({ path }: { readonly path: string }): Deno.HttpClient {
  return Deno.createHttpClient({ proxy: { transport: "unix", path } });
}

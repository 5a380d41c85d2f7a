/**
 * Who reads a hub in the bench: pages over HTTP, and what is told of each change.
 *
 * @module
 */

import { openDatabase } from "../../src/hub/database.ts";
import { CHANNEL } from "../../src/hub/hub_store.ts";
import type { TestHub } from "../harness/hub.ts";
import type { TestHost } from "../harness/program.ts";

/** Asks as a reader with the hub's token; the database that the hub is over. */
export interface Read {
  (path: string): Promise<Response>;
  readonly database: string;
}

/** A reader of a hub. */
export async function readWith(hub: TestHub, host: TestHost): Promise<Read> {
  const token = (await Deno.readTextFile(`${host.dataDir}/token`)).trim();
  const read = (path: string) =>
    fetch(hub.url + path, { headers: { authorization: `Bearer ${token}` } });
  return Object.assign(read, { database: host.env["TINYFORGE_DATABASE"]! });
}

/** Who is told of each change. */
export interface Followed extends AsyncDisposable {
  /** Resolves when it is told of something of this host. */
  next(name: string): Promise<void>;
}

/** Follows a hub. */
export async function followed(read: Read): Promise<Followed> {
  const sql = await openDatabase(read.database, { connections: 1 });
  const hosts = await sql<{ id: string; name: string }[]>`SELECT id, name FROM tinyforge.hosts`;
  const names = new Map(hosts.map(({ id, name }) => [id, name]));
  const waiting = new Map<string, () => void>();
  await sql.listen(CHANNEL, (id) => waiting.get(names.get(id) ?? "")?.());
  return {
    next: (name) => new Promise<void>((resolve) => waiting.set(name, resolve)),
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}

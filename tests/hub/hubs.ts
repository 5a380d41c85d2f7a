/**
 * Hubs of one database within a test, each with sockets of its own, and hosts that say what the test
 * has them say.
 *
 * @module
 */

import { join } from "@std/path";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { openDatabase } from "../../src/hub/database.ts";
import type { Sql } from "../../src/hub/sql.ts";
import { beat, greet, type HostBeat } from "../../src/hub/hub_store.ts";
import { Announcements } from "../../src/hub/announcements.ts";
import { ingest } from "../../src/hub/ingest.ts";
import { type Hello, readIngest } from "../../src/hub/protocol.ts";
import { assembleHub } from "../../src/hub_daemon.ts";
import { type AppOptions, type Listeners, serve } from "../../src/server/server.ts";
import { Log } from "../../src/telemetry/log.ts";
import { fixedToken } from "../harness/temp_server.ts";

/** An answer, read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever is answered
  readonly json: any;
}

/** A hub that listens. */
export interface TestedHub extends AsyncDisposable {
  readonly sql: Sql;
  readonly port: number;
  /** The token in its file. */
  readonly token: string;
  readonly socketPath: string;
  /** Over TCP, with this token or, by default, the one in its file. */
  ask(path: string, init?: RequestInit & { token?: string }): Promise<Answered>;
  /** Over its socket. */
  askSocket(path: string, init?: RequestInit): Promise<Answered>;
  /** Open. */
  readonly listeners: Listeners;
}

/** Starts one over the database at this URL. */
export async function startHub(
  database: string,
  { token = "t".repeat(43), bounds = {} }: { token?: string; bounds?: AppOptions } = {},
): Promise<TestedHub> {
  const sql = await openDatabase(database);
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-hub-" });
  const log = new Log({ write() {} });
  let listeners: Listeners | null = null;
  const parts = assembleHub({
    ...{ sql, log, version: "1.2.3", baseUrl: null, encrypted: false, bounds },
    tcp: () => listeners?.tcp ?? { address: null },
  });
  const socketPath = join(dir, "hub.sock");
  const open = listeners = await serve(parts.app, {
    socketPath,
    listen: { hostname: "127.0.0.1", port: 0 },
    token: fixedToken(token),
    allowedHosts: ["127.0.0.1"],
    log,
    connections: { tcp: 64, socket: 64 },
  });
  const ending = new AbortController();
  const running = parts.run(ending.signal);
  const port = open.tcpAddress!.port;
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socketPath } });
  return {
    ...{ sql, port, token, socketPath, listeners: open },
    ask: async (path, { token: shown = token, ...init } = {}) =>
      await read(
        await fetch(`http://127.0.0.1:${port}${path}`, {
          ...init,
          headers: { authorization: `Bearer ${shown}`, ...jsonIf(init.body), ...init.headers },
        }),
      ),
    askSocket: async (path, init = {}) =>
      await read(
        await fetch(`http://127.0.0.1${path}`, {
          ...init,
          client,
          headers: { ...jsonIf(init.body), ...init.headers },
        }),
      ),
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
      await parts.close();
      await open.shutdown({ deadlineMs: 1000 });
      client.close();
      await sql.end({ timeout: 1 });
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Asks a hub over its socket. */
export function askerOf(
  hub: Pick<TestedHub, "askSocket">,
): (method: string, path: string, body?: unknown) => Promise<Answered> {
  return (method, path, body) =>
    hub.askSocket(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

function jsonIf(body: unknown): Record<string, string> {
  return body === undefined ? {} : { "content-type": "application/json" };
}

async function read(response: Response): Promise<Answered> {
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, json: text.startsWith("{") ? JSON.parse(text) : text };
}

/** A host that was let in and says what a test has it say. */
export interface SayingHost {
  readonly id: string;
  readonly name: string;
  /** All rows; `more` of the message, as the `upTo` of a part. */
  snapshot(rows: unknown[], more?: object): Promise<unknown>;
  /** What changed since: rows, and of `more` workloads, problems, transitions. */
  batch(rows: unknown[], more?: object, announcements?: Announcements): Promise<unknown>;
  /** A sign of life. */
  beat(told?: Partial<HostBeat>): Promise<unknown>;
  /** As if it had said nothing for a minute. */
  fallSilent(): Promise<void>;
}

/** Lets one in, by this name. */
export async function sayingHost(sql: Sql, name: string): Promise<SayingHost> {
  const { token } = await enroll(sql, name);
  const { host: id } = (await admit(sql, token))!;
  const hello: Hello = {
    ...{ protocol: 1, epoch: `epoch of ${name}`, seq: 0, run: `run of ${name}`, attempt: 1 },
    ...{ transitionSeq: 0, version: "1.2.3", machine: name },
  };
  const begun = await greet(sql, id, hello);
  if (begun.result !== "accepted") throw new Error(begun.result);
  const said = { session: begun.session, epoch: hello.epoch };
  let seq = 0;
  return {
    ...{ id, name },
    snapshot: (rows, more = {}) => {
      // A part that others follow is of the same state as they are.
      const to = "after" in more ? seq : ++seq;
      return ingest(sql, id, readIngest({ ...said, to, rows, ...more }));
    },
    batch: (rows, more = {}, announcements = new Announcements(sql)) => {
      const told = readIngest({ ...said, from: seq, to: ++seq, rows, gone: [], ...more });
      return ingest(sql, id, told, announcements);
    },
    beat: (told = {}) =>
      beat(sql, [{
        ...{ hostId: id, ...said, seq, digest: null, besideDigest: null, past: null, fresh: true },
        ...{ ending: false, ...told },
        lastPassAt: told.lastPassAt ?? "2026-01-01T00:00:00.000Z",
      }]),
    fallSilent: async () =>
      void await sql`UPDATE tinyforge.hosts SET heard_at = now() - interval '1 minute',
        lease_until = now() - interval '15 seconds' WHERE id = ${id}`,
  };
}

/** A workload as hosts tell it. */
export function toldWorkload(id: string, name: string, expectations: unknown[] = []): object {
  return { id, kind: "project", refId: `ref of ${id}`, name, expectations };
}

/**
 * A hub's HTTP: what hosts send, what readers ask, and who may. Whose rows are written is told by the
 * secret that a message comes with, never by the message. Knows no socket.
 *
 * @module
 */

import { Deadline } from "../http/deadline.ts";
import { readText } from "../http/body.ts";
import { Failure } from "../failure.ts";
import { isSameSecret } from "../secret.ts";
import type { Sql } from "./database.ts";
import { admit, enroll, expel, hostWith } from "./enrolment.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { greet, ingest } from "./hub_store.ts";
import { type HubFilter, listContainers, listHosts } from "./hub_views.ts";
import { readHeartbeat, readHello, readIngest } from "./protocol.ts";
import { isObject } from "./told_fields.ts";

/** Why a request is not answered as asked. */
export type Refusal =
  | "malformed"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "too-large"
  | "overloaded";

/** What a hub's HTTP is given. */
export interface HubAppOptions {
  /** The database. */
  readonly sql: Sql;
  /** Takes signs of life. */
  readonly heartbeats: Heartbeats;
  /** What is answered to a refusal. */
  readonly refused: (why: Refusal, detail: string, headers?: Record<string, string>) => Response;
  /** What is answered to whatever was thrown. */
  readonly failed: (error: unknown) => Response;
  /** Most messages with many rows that are taken in at once. Default 20. */
  readonly maxLarge?: number;
  /** A number from 0 up to 1; for tests. */
  readonly random?: () => number;
}

/** Where a request came in: null over the socket, else what readers must show. */
export type ReadersToken = string | null;

/** Longest message, bytes before it is unpacked and after. */
const MAX_PACKED = 16 << 20;
const MAX_MESSAGE = 64 << 20;

/** From so many bytes on a message has many rows. */
const LARGE = 64 << 10;

/** Until a whole message has come, milliseconds. */
const BODY_MS = 60_000;

const MAX_PAGE = 1000;

/** Who may ask: anyone, a host for itself, readers, or whoever reaches the socket. */
type Who = "open" | "host" | "reader" | "socket";

interface Asked {
  readonly request: Request;
  readonly url: URL;
  /** What the path has after the route's. */
  readonly rest: string;
  /** Id of the host that asks; empty where none does. */
  readonly hostId: string;
}

/** Answers requests. */
export class HubApp {
  readonly #o: HubAppOptions;
  readonly #routes:
    readonly (readonly [string, string, Who, (asked: Asked) => Promise<Response>])[];
  readonly #stopping = new AbortController();
  #large = 0;

  /** Over these parts; starts nothing. */
  constructor(options: HubAppOptions) {
    this.#o = options;
    const { sql, heartbeats } = options;
    this.#routes = [
      ["GET", "/livez", "open", () => Promise.resolve(new Response("ok\n"))],
      ["GET", "/readyz", "open", async () => {
        await sql`SELECT 1`;
        return new Response("ok\n");
      }],
      ["POST", "/api/join", "open", (asked) => this.#join(asked)],
      [
        "POST",
        "/api/hello",
        "host",
        async (asked) => json(await greet(sql, asked.hostId, readHello(await this.#body(asked)))),
      ],
      ["POST", "/api/ingest", "host", (asked) => this.#ingest(asked)],
      ["POST", "/api/heartbeat", "host", async (asked) =>
        json(
          await heartbeats.take({
            hostId: asked.hostId,
            ...readHeartbeat(await this.#body(asked)),
          }),
        )],
      ["GET", "/api/hosts", "reader", async () => json({ items: await listHosts(sql) })],
      ["GET", "/api/containers", "reader", (asked) => this.#containers(asked)],
      ["POST", "/api/hosts", "socket", async (asked) => {
        const body = await this.#body(asked);
        const name = isObject(body) && typeof body.name === "string" ? body.name : "";
        return json(await enroll(sql, name), 201);
      }],
      ["DELETE", "/api/hosts/", "socket", async ({ rest }) => {
        await expel(sql, decodeURIComponent(rest));
        return new Response(null, { status: 204 });
      }],
    ];
  }

  /** Answers one; never rejects. */
  async fetch(request: Request, token: ReadersToken): Promise<Response> {
    const { refused, failed } = this.#o;
    try {
      const url = new URL(request.url);
      const route = this.#routes.find(([method, path]) =>
        method === request.method &&
        (path.endsWith("/") ? url.pathname.startsWith(path) : url.pathname === path)
      );
      if (route === undefined) return refused("not-found", "Cannot find this path");
      const [, path, who, answer] = route;
      const hostId = await this.#admitted(request, who, token);
      if (hostId instanceof Response) return hostId;
      return await answer({ request, url, rest: url.pathname.slice(path.length), hostId });
    } catch (error) {
      if (error instanceof Refused) return refused(error.why, error.message, error.headers);
      return failed(error);
    } finally {
      await request.body?.cancel().catch(() => {});
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.#stopping.abort(new DOMException("The hub is stopping", "AbortError"));
  }

  async #admitted(request: Request, who: Who, token: ReadersToken): Promise<string | Response> {
    const { sql, refused } = this.#o;
    const given = /^Bearer ([^\s]{1,200})$/.exec(request.headers.get("authorization") ?? "")?.[1];
    switch (who) {
      case "open":
        return "";
      case "host": {
        const id = given === undefined ? null : await hostWith(sql, given);
        return id ?? refused("unauthorized", "Cannot take this: its secret is no host's");
      }
      case "reader":
        if (token === null || (given !== undefined && isSameSecret(given, token))) return "";
        return refused("unauthorized", "Cannot answer: the token is missing or wrong");
      case "socket":
        if (token === null) return "";
        return refused("forbidden", "Cannot do this over the network: only over the hub's socket");
    }
  }

  async #join(asked: Asked): Promise<Response> {
    const body = await this.#body(asked);
    const token = isObject(body) && typeof body.token === "string" ? body.token : "";
    const made = await admit(this.#o.sql, token);
    if (made !== null) return json(made, 201);
    return this.#o.refused("unauthorized", "Cannot join: the token is wrong, used or over");
  }

  async #ingest(asked: Asked): Promise<Response> {
    const { maxLarge = 20, random = Math.random } = this.#o;
    const length = Number(asked.request.headers.get("content-length") ?? Infinity);
    const large = !(length <= LARGE);
    if (large && this.#large >= maxLarge) {
      const seconds = 1 + Math.floor(random() * 10);
      throw new Refused("overloaded", "Cannot take this now: too much comes at once", {
        "retry-after": String(seconds),
      });
    }
    if (large) this.#large++;
    try {
      const told = readIngest(await this.#body(asked));
      return json(await ingest(this.#o.sql, asked.hostId, told));
    } finally {
      if (large) this.#large--;
    }
  }

  async #containers({ url }: Asked): Promise<Response> {
    const query = Object.fromEntries(url.searchParams);
    const { host, kind, state, workload, after, limit = "200", ...rest } = query;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw new Refused("malformed", `Cannot filter by "${unknown}"`);
    if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MAX_PAGE) {
      throw new Refused("malformed", `Cannot list so many rows: limit is 1 to ${MAX_PAGE}`);
    }
    const filter: HubFilter = {
      ...host !== undefined && { host },
      ...kind !== undefined && { kind },
      ...state !== undefined && { state },
      ...workload !== undefined && { workload },
      ...after !== undefined && { after: cursor(after) },
      limit: Number(limit) + 1,
    };
    const found = await listContainers(this.#o.sql, filter);
    const items = found.slice(0, Number(limit));
    const last = items.at(-1);
    const next = found.length > items.length && last !== undefined
      ? JSON.stringify([last.host, last.id])
      : null;
    return json({ items, next });
  }

  async #body({ request }: Asked): Promise<unknown> {
    const { body, headers } = request;
    if (Number(headers.get("content-length") ?? 0) > MAX_PACKED) {
      throw new Refused("too-large", `Cannot take this: it is longer than ${MAX_PACKED} bytes`);
    }
    using deadline = new Deadline(BODY_MS, [this.#stopping.signal]);
    const { signal } = deadline;
    const packed = headers.get("content-encoding") === "gzip";
    const plain = packed ? body?.pipeThrough(new DecompressionStream("gzip")) ?? null : body;
    let text: string | null;
    try {
      text = await readText(plain, { signal, limit: MAX_MESSAGE });
    } catch (cause) {
      throw new Refused("malformed", `Cannot read the body: ${(cause as Error).message}`);
    }
    if (text === null) throw new Refused("too-large", `Cannot take more than ${MAX_MESSAGE} bytes`);
    try {
      return JSON.parse(text);
    } catch {
      throw new Refused("malformed", "Cannot read the body: it is not JSON");
    }
  }
}

class Refused extends Error {
  constructor(
    readonly why: Refusal,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

function cursor(text: string): { host: string; id: string } {
  try {
    const [host, id] = JSON.parse(text);
    if (typeof host === "string" && typeof id === "string") return { host, id };
  } catch {
    // Told below.
  }
  throw new Failure("invalid", "Cannot go on there: after is no `next` of a page", { data: {} });
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/**
 * What hosts send a hub over HTTP. Whose rows are written is told by the secret that a message comes
 * with, never by the message. Knows no socket, and nobody who reads.
 *
 * @module
 */

import { Deadline } from "../http/deadline.ts";
import { readText } from "../http/body.ts";
import { readPacked } from "../http/packed.ts";
import type { Sql } from "./sql.ts";
import { admit, type HostSecrets } from "./enrolment.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { greet } from "./hub_store.ts";
import type { Intake } from "./intake.ts";
import { readIngestText } from "./ingest_text.ts";
import { readHeartbeat, readHello } from "./protocol.ts";
import { isObject } from "./told_fields.ts";

/** Why a request is not answered as asked. */
export type HubRefusal =
  | "malformed"
  | "unauthorized"
  | "not-found"
  | "too-large"
  | "too-many-requests"
  | "overloaded";

/** What a hub's HTTP is given. */
export interface HubAppOptions {
  /** The database. */
  readonly sql: Sql;
  /** Takes signs of life. */
  readonly heartbeats: Heartbeats;
  /** Takes in what hosts tell. */
  readonly intake: Intake;
  /** Knows hosts by their secrets. */
  readonly secrets: HostSecrets;
  /** What is answered to a refusal. */
  readonly refused: (why: HubRefusal, detail: string, headers?: Record<string, string>) => Response;
  /** What is answered to whatever was thrown. */
  readonly failed: (error: unknown) => Response;
  /**
   * Told of each wrong token and secret, with the address that it came from: 0, or after how many
   * seconds the next is looked at. Whoever shows the right one is let in all the same.
   */
  readonly guessed?: (remote: string | null) => number;
  /** Most messages with many rows that are taken in at once. Default 20. */
  readonly maxLarge?: number;
  /** A number from 0 up to 1; for tests. */
  readonly random?: () => number;
}

/** How long something may be that is sent, bytes. */
interface Longest {
  /** Before it is unpacked. */
  readonly packed: number;
  /** After. */
  readonly whole: number;
}

/** Of a message with many rows, of which so few are taken in at once … */
const MAX_LARGE: Longest = { packed: 16 << 20, whole: 64 << 20 };
/** … of any other, whose rows are not so much alike … */
const MAX_SMALL: Longest = { packed: 16 << 10, whole: 4 << 20 };
/** … of a sign of life, which tells of up to 5,000 stretches that were watched … */
const MAX_BEAT: Longest = { packed: 1 << 20, whole: 1 << 20 };
/** … and of who says no more than who it is, and may be anybody. */
const MAX_HELLO: Longest = { packed: 64 << 10, whole: 64 << 10 };

/**
 * So many messages of one host are taken in at once. It sends one after the other, and may have sent
 * some whose answers it does not wait for any more.
 */
const MOST_OF_A_HOST = 4;

/** Until a whole message has come, milliseconds. */
const BODY_MS = 60_000;

/** The one message that needs no secret yet. */
const JOIN = "/api/join";

interface Asked {
  readonly request: Request;
  /** Id of the host that asks; empty where none does. */
  readonly hostId: string;
  /** IP address that it came from; null over the socket. */
  readonly remote: string | null;
}

/** Answers requests. */
export class HubApp {
  readonly #o: HubAppOptions;
  readonly #routes: ReadonlyMap<string, (asked: Asked) => Promise<Response>>;
  readonly #stopping = new AbortController();
  /** Messages under way, by the id of their host. */
  readonly #underWay = new Map<string, number>();
  #large = 0;
  #mostLarge = 0;

  /** Over these parts; starts nothing. */
  constructor(options: HubAppOptions) {
    this.#o = options;
    const { sql, heartbeats } = options;
    this.#routes = new Map([
      [JOIN, (asked) => this.#join(asked)],
      [
        "/api/hello",
        async (asked) =>
          json(await greet(sql, asked.hostId, readHello(await this.#body(asked, MAX_HELLO)))),
      ],
      ["/api/ingest", (asked) => this.#ingest(asked)],
      ["/api/heartbeat", async (asked) =>
        json(
          await heartbeats.take({
            hostId: asked.hostId,
            ...readHeartbeat(await this.#body(asked, MAX_BEAT)),
          }),
        )],
    ]);
  }

  /**
   * Answers what a host sends from this address; null where it is another request. Never rejects.
   */
  async fetch(request: Request, remote: string | null): Promise<Response | null> {
    const { refused, failed } = this.#o;
    const path = new URL(request.url).pathname;
    const answer = this.#routes.get(path);
    if (answer === undefined || request.method !== "POST") return null;
    try {
      if (path === JOIN) return await answer({ request, hostId: "", remote });
      const hostId = await this.#host(request);
      if (hostId !== null) {
        return await this.#inTurn(hostId, () => answer({ request, hostId, remote }));
      }
      throw this.#guess(remote, "Cannot take this: its secret is no host's");
    } catch (error) {
      if (error instanceof Refused) return refused(error.why, error.message, error.headers);
      return failed(error);
    } finally {
      await request.body?.cancel().catch(() => {});
    }
  }

  /** Messages with many rows that were taken in at once, the most so far. */
  get mostLarge(): number {
    return this.#mostLarge;
  }

  /** Ends what is under way. */
  close(): void {
    this.#stopping.abort(new DOMException("The hub is stopping", "AbortError"));
  }

  async #host({ headers }: Request): Promise<string | null> {
    const secret = /^Bearer ([^\s]{1,200})$/.exec(headers.get("authorization") ?? "")?.[1];
    return secret === undefined ? null : await this.#o.secrets.hostWith(secret);
  }

  async #inTurn<T>(hostId: string, answer: () => Promise<T>): Promise<T> {
    const others = this.#underWay.get(hostId) ?? 0;
    if (others >= MOST_OF_A_HOST) {
      const headers = { "retry-after": "1" };
      throw new Refused("overloaded", "Cannot take so much of one host at once", headers);
    }
    this.#underWay.set(hostId, others + 1);
    try {
      return await answer();
    } finally {
      const left = this.#underWay.get(hostId)! - 1;
      if (left > 0) this.#underWay.set(hostId, left);
      else this.#underWay.delete(hostId);
    }
  }

  async #join(asked: Asked): Promise<Response> {
    const body = await this.#body(asked, MAX_HELLO);
    const token = isObject(body) && typeof body.token === "string" ? body.token : "";
    const made = await admit(this.#o.sql, token);
    if (made !== null) return json(made, 201);
    throw this.#guess(asked.remote, "Cannot join: the token is wrong, used or over");
  }

  /** What is answered to who shows what is wrong. */
  #guess(remote: string | null, message: string): Refused {
    const seconds = this.#o.guessed?.(remote) ?? 0;
    if (seconds === 0) return new Refused("unauthorized", message);
    const headers = { "retry-after": String(seconds) };
    return new Refused("too-many-requests", "Cannot take so many wrong guesses", headers);
  }

  async #ingest(asked: Asked): Promise<Response> {
    const { maxLarge = 20, random = Math.random } = this.#o;
    const length = Number(asked.request.headers.get("content-length") ?? Infinity);
    // From there on it has some hundred rows.
    const large = !(length <= MAX_SMALL.packed);
    if (large && this.#large >= maxLarge) {
      const seconds = 1 + Math.floor(random() * 10);
      throw new Refused("overloaded", "Cannot take this now: too much comes at once", {
        "retry-after": String(seconds),
      });
    }
    if (large) this.#mostLarge = Math.max(this.#mostLarge, ++this.#large);
    try {
      const told = parsed(readIngestText, await this.#text(asked, large ? MAX_LARGE : MAX_SMALL));
      return json(await this.#o.intake.take({ hostId: asked.hostId, told }));
    } finally {
      if (large) this.#large--;
    }
  }

  async #body(asked: Asked, longest: Longest): Promise<unknown> {
    return parsed(JSON.parse, await this.#text(asked, longest));
  }

  async #text({ request }: Asked, longest: Longest): Promise<string> {
    const { body, headers } = request;
    if (Number(headers.get("content-length") ?? 0) > longest.packed) {
      throw new Refused("too-large", `Cannot take this: it is longer than ${longest.packed} bytes`);
    }
    using deadline = new Deadline(BODY_MS, [this.#stopping.signal]);
    const { signal } = deadline;
    const packed = headers.get("content-encoding") === "gzip";
    let text: string | null;
    try {
      text = packed
        ? await readPacked(body, { signal, limit: longest.whole, packedLimit: longest.packed })
        : await readText(body, { signal, limit: longest.whole });
    } catch (cause) {
      throw new Refused("malformed", `Cannot read the body: ${(cause as Error).message}`);
    }
    if (text === null) {
      throw new Refused("too-large", `Cannot take more than ${longest.whole} bytes`);
    }
    return text;
  }
}

function parsed<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refused("malformed", "Cannot read the body: it is not JSON");
  }
}

class Refused extends Error {
  constructor(
    readonly why: HubRefusal,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/**
 * One HTTP request to the Engine at a time: over its socket or TCP, within a deadline, every body
 * read or cancelled, every failure explained. Knows nothing of what is asked.
 *
 * @module
 */

import { type DockerEndpoint, Failure, isEngineFailure, isFailure } from "../failure.ts";
import { readText } from "../http/body.ts";
import { HttpClient, type HttpIdentity } from "../http/client.ts";
import type { Deadline } from "../http/deadline.ts";
import {
  connectionError,
  httpError,
  malformed,
  noSocket,
  outcomeOf,
  timeoutError,
} from "./error.ts";
import type { DockerHost, DockerTls } from "../docker_host.ts";
import { quotePath } from "../text.ts";
import { lookAtSocket } from "../system/files.ts";
import { NearSocket } from "../system/near_socket.ts";

// What is read of an error answer; the Engine's are one sentence.
const MAX_ERROR_BODY = 64 * 1024;

/** Longest answer that is read, bytes; a listing of 100,000 containers has half of this. */
export const MAX_BODY: number = 256 * 1024 * 1024;

/** Told of each request when it ended: `ok`, `aborted` or the code of its `Failure` without `engine-`. */
export type Observe = (endpoint: DockerEndpoint, outcome: string) => void;

/** What a request is made for, and by when. */
export interface AskedFor {
  /** What errors speak of: a ping may be for a listing. */
  readonly purpose: DockerEndpoint;
  /** When the answer must have been read. */
  readonly deadline: Deadline;
  /** Longest answer that is read, bytes after decompression; {@linkcode MAX_BODY} by default. */
  readonly maxBytes?: number | undefined;
}

/** A request to make. */
export interface Ask<T> extends AskedFor {
  /** What is asked, as {@linkcode Observe} counts it. */
  readonly endpoint: DockerEndpoint;
  /** Path and query. */
  readonly path: string;
  /** Reads the answer, which has status 200, or hands its body on. */
  readonly read: (response: Response, ask: AskedFor) => Promise<T>;
}

/** Makes requests; keeps connections open between them. */
export class Transport implements Disposable {
  readonly #host: DockerHost;
  readonly #observe: Observe;
  #client: HttpClient | undefined;
  #near: NearSocket | undefined;

  /** Inert: connects with the first request. */
  constructor(host: DockerHost, observe: Observe) {
    this.#host = host;
    this.#observe = observe;
  }

  /** Throws `Failure`, or the reason of the deadline's signal. */
  async ask<T>(ask: Ask<T>): Promise<T> {
    const { endpoint, purpose, deadline } = ask;
    try {
      const client = this.#client ??= this.#open();
      const response = await client.request(ask.path, { signal: deadline.signal });
      if (response.status !== 200) {
        const limits = { signal: deadline.signal, limit: MAX_ERROR_BODY };
        const text = await readText(response.body, limits) ?? "";
        throw httpError(purpose, { status: response.status, text, path: ask.path });
      }
      const result = await ask.read(response, ask);
      this.#observe(endpoint, "ok");
      return result;
    } catch (cause) {
      const error = this.explain(cause, ask);
      this.#observe(endpoint, isEngineFailure(error) ? outcomeOf(error.code) : "aborted");
      throw error;
    }
  }

  /** What a failed request throws: an abort's reason as it is, everything else a `Failure`. */
  explain(cause: unknown, ask: AskedFor): unknown {
    const { purpose, deadline } = ask;
    if (deadline.expired) return timeoutError(purpose, deadline.timeoutMs);
    if (deadline.signal.aborted) return deadline.signal.reason;
    if (isEngineFailure(cause)) return cause;
    const host = this.#host;
    if (host.kind === "tcp") return connectionError(purpose, host.url, { cause });
    const error = connectionError(purpose, host.path, { cause, rejected: host.rejected });
    // The kernel says of a file and a directory what it says of a socket nobody listens on.
    if (!isFailure(error, "engine-refused") || lookAtSocket(host.path) !== "no-socket") {
      return error;
    }
    return noSocket(purpose, host.path, { cause });
  }

  /** Drops idle connections; idempotent. */
  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
    this.#near?.[Symbol.dispose]();
    this.#near = undefined;
  }

  #open(): HttpClient {
    const host = this.#host;
    if (host.kind === "tcp") {
      return new HttpClient(host, host.tls === undefined ? undefined : readIdentity(host.tls));
    }
    this.#near = new NearSocket(host.path);
    return new HttpClient({ kind: "unix", path: this.#near.path });
  }
}

/** Reads an answer as JSON. Throws `Failure` `engine-malformed`. */
export async function readJson(
  response: Response,
  ask: AskedFor,
): Promise<unknown> {
  const limits = { signal: ask.deadline.signal, limit: ask.maxBytes ?? MAX_BODY };
  const text = await readText(response.body, limits);
  if (text === null) throw tooLong(ask);
  return parseJson(text, ask);
}

/** The answer is longer than what is read of one. */
export function tooLong({ purpose, maxBytes = MAX_BODY }: AskedFor): Failure {
  return malformed(purpose, `the answer is longer than ${maxBytes} bytes`);
}

/** The JSON of a whole answer. Throws `Failure` `engine-malformed`. */
export function parseJson(text: string, ask: AskedFor): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = `the answer of ${text.length} characters is not valid JSON`;
    throw malformed(ask.purpose, what, cause);
  }
}

function readIdentity({ ca, cert, key }: DockerTls): HttpIdentity {
  return { ca: readPem(ca), cert: readPem(cert), key: readPem(key) };
}

function readPem(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new Failure(
      "engine-host",
      `Cannot use Docker host: ${quotePath(path)} can't be read: ${(cause as Error).message}`,
      { data: { wrong: "certificate", better: null }, cause },
    );
  }
}

/**
 * A receiver of notifications on loopback: real HTTP, each request kept, and answers that a test
 * puts before the receiver's own.
 *
 * @module
 */

/** A request as it came. */
export interface Received {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** Answers one request. */
export type Answering = (received: Received) => Response | Promise<Response>;

/** A receiver that runs. */
export class Receiver implements AsyncDisposable {
  /** Every request, in the order in which they came. */
  readonly requests: Received[] = [];
  /** Answers to give before the receiver's own, first to last. */
  readonly next: Answering[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #secure: boolean;

  /** Listens on a free port of 127.0.0.1. */
  constructor(answer: Answering, options: { certificate?: { cert: string; key: string } } = {}) {
    this.#secure = options.certificate !== undefined;
    const handle = async (request: Request) => {
      const url = new URL(request.url);
      const received: Received = {
        method: request.method,
        target: `${url.pathname}${url.search}`,
        url,
        headers: request.headers,
        body: await request.text(),
      };
      this.requests.push(received);
      return await (this.next.shift() ?? answer)(received);
    };
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...options.certificate },
      handle,
    );
  }

  /** Port that it listens on. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** `http://127.0.0.1:port`. */
  get origin(): string {
    return `${this.#secure ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  /** The last request's body as JSON. */
  // deno-lint-ignore no-explicit-any -- tests look into what they know the shape of
  get lastJson(): any {
    return JSON.parse(this.requests.at(-1)!.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** An answer of JSON. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(value, { status, headers });
}

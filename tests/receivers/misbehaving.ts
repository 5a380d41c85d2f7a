/**
 * Receivers on loopback that answer as none should: with half an answer, with no end, with garbage, or
 * by cutting the connection at each point.
 *
 * @module
 */

/** What one does with a connection whose request has begun to come. */
type Misbehaviour = (connection: Deno.TcpConn) => Promise<void>;

const text = (text: string) => new TextEncoder().encode(text);
const HEAD = "HTTP/1.1 500 Broken\r\nContent-Type: text/plain\r\n";

/** By what it does. */
const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  "says nothing": hang,
  "hangs in its head": (connection) => say(connection, HEAD).then(() => hang(connection)),
  "hangs in its body": (connection) =>
    say(connection, `${HEAD}Content-Length: 100\r\n\r\nhalf`).then(() => hang(connection)),
  "hangs in a chunk": (connection) =>
    say(connection, `${HEAD}Transfer-Encoding: chunked\r\n\r\n64\r\nhalf`).then(() =>
      hang(connection)
    ),
  "drips without end": async (connection) => {
    await say(connection, `${HEAD}Content-Length: 1000000\r\n\r\n`);
    for (;;) {
      await say(connection, "x");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  },
  "floods without end": async (connection) => {
    await say(connection, `${HEAD}\r\n`);
    for (;;) await connection.write(new Uint8Array(65_536).fill(120));
  },
  "closes in its body": (connection) =>
    say(connection, `${HEAD}Content-Length: 100\r\n\r\nhalf`).then(() => connection.close()),
  "closes in a chunk": (connection) =>
    say(connection, `${HEAD}Transfer-Encoding: chunked\r\n\r\n64\r\nhalf`)
      .then(() => connection.close()),
  "has chunks that are none": (connection) =>
    say(connection, `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf`)
      .then(() => connection.close()),
  "says more than it announced": (connection) =>
    say(connection, `${HEAD}Content-Length: 2\r\n\r\nmore than two`)
      .then(() => connection.close()),
  "answers twice": (connection) =>
    say(connection, `${HEAD}Content-Length: 0\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`)
      .then(() => connection.close()),
  "upgrades": (connection) =>
    say(connection, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxx")
      .then(() => hang(connection)),
  "is no HTTP": (connection) => say(connection, "\x00\xff\r\n\r\n").then(() => connection.close()),
  "closes at once": (connection) => Promise.resolve(connection.close()),
};

/** One of each, each on a port of its own. */
export class MisbehavingReceivers implements AsyncDisposable {
  /** What it does, and where: `http://127.0.0.1:port`. */
  readonly origins: ReadonlyMap<string, string>;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>[] = [];

  constructor() {
    this.origins = new Map(
      Object.entries(MISBEHAVIOURS).map(([what, misbehave]) => {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        this.#listeners.push(listener);
        this.#serving.push(this.#serve(listener, misbehave));
        return [what, `http://127.0.0.1:${listener.addr.port}`];
      }),
    );
  }

  async #serve(listener: Deno.TcpListener, misbehave: Misbehaviour): Promise<void> {
    for await (const connection of listener) {
      this.#connections.add(connection);
      this.#serving.push((async () => {
        try {
          await connection.read(new Uint8Array(65_536));
          await misbehave(connection);
        } catch {
          // The other side had enough of it.
        }
      })());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of [...this.#listeners, ...this.#connections]) {
      try {
        open.close();
      } catch {
        // It is closed already.
      }
    }
    for (let done = 0; done < this.#serving.length; done++) await this.#serving[done];
  }
}

async function say(connection: Deno.TcpConn, what: string): Promise<void> {
  await connection.write(text(what));
}

/** Until the other side goes away. */
async function hang(connection: Deno.TcpConn): Promise<void> {
  while (await connection.read(new Uint8Array(1024)) !== null);
}

/**
 * The scripted Engine's end of its socket: connections, requests' first lines, bytes that go out.
 * Speaks HTTP/1.1 itself, so that answers can be cut and malformed at any byte; knows no answer.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Answers one request; false when the connection is done for. */
export type Answer = (connection: Deno.Conn, method: string, target: string) => Promise<boolean>;

/** A socket that can go away and come back. */
export class ScriptedSocket {
  readonly #path: string;
  readonly #answer: Answer;
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving = new Set<Promise<void>>();
  #listener: Deno.Listener | undefined;
  #accepting: Promise<void> = Promise.resolve();
  #listened = 0;

  constructor(path: string, answer: Answer) {
    this.#path = path;
    this.#answer = answer;
  }

  /** Listens, if it does not. */
  up(): void {
    if (this.#listener !== undefined) return;
    // A closed listener removes its path some time later: let that be another one.
    const path = `${this.#path}.${this.#listened++}`;
    this.#listener = Deno.listen({ transport: "unix", path });
    Deno.renameSync(path, this.#path);
    this.#accepting = Promise.all([this.#accepting, this.#accept(this.#listener)]).then(() => {});
  }

  /**
   * Closes everything; the socket's file goes away or stays. All that is so at once but for the
   * latter, which the promise waits for.
   */
  down(options: { leaveSocket?: boolean } = {}): Promise<void> {
    if (this.#listener !== undefined && !options.leaveSocket) Deno.removeSync(this.#path);
    this.#listener?.close();
    this.#listener = undefined;
    for (const connection of [...this.#connections]) this.close(connection);
    return this.#accepting;
  }

  /** Closes one connection. */
  close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  /** Resolves when nothing is being answered any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#serving);
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const connection of listener) {
      this.#connections.add(connection);
      const serving = this.#serve(connection)
        .catch(() => {}) // the client went away
        .finally(() => {
          this.close(connection);
          this.#serving.delete(serving);
        });
      this.#serving.add(serving);
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    let received = "";
    for (;;) {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) {
        const count = await connection.read(chunk);
        if (count === null) return;
        received += decoder.decode(chunk.subarray(0, count));
        continue;
      }
      const head = received.slice(0, end);
      received = received.slice(end + 4);
      const [method = "", target = ""] = head.split(" ", 2);
      if (!await this.#answer(connection, method, target)) return;
    }
  }
}

/** The head of an answer with a JSON body of so many bytes, or of a chunked one. */
export function headOf(
  status: number,
  { apiVersion, length }: { apiVersion: string; length: number | "chunked" },
): Uint8Array {
  const framing = length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return encoder.encode(
    `HTTP/1.1 ${status} ${status === 200 ? "OK" : "Error"}\r\nApi-Version: ${apiVersion}\r\n` +
      `Content-Type: application/json\r\n${framing}\r\n\r\n`,
  );
}

/** One chunk of a chunked body; the empty one ends it. */
export function frame(text: string): Uint8Array {
  const length = encoder.encode(text).length;
  return encoder.encode(`${length.toString(16)}\r\n${text}\r\n`);
}

/** Writes all of it. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

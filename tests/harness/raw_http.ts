/**
 * HTTP/1.1 by hand, for what no client library sends.
 *
 * @module
 */

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

/** Sends text over TCP and reads one answer with a Content-Length. */
export async function exchange(port: number, text: string): Promise<RawAnswer> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(connection, text);
  return await readAnswer(connection);
}

/** Writes all of it. */
export async function writeAll(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

/** Reads one answer with a Content-Length. */
export async function readAnswer(connection: Deno.Conn): Promise<RawAnswer> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16_384);
  let text = "";
  while (true) {
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) {
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = text.slice(end + 4);
      if (new TextEncoder().encode(body).length >= length) {
        return { status: Number(head.split(" ")[1]), head, body };
      }
    }
    const read = await connection.read(buffer);
    if (read === null) throw new Error(`The answer ended early: ${JSON.stringify(text)}`);
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
}

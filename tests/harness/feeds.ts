/**
 * Server-sent events as a client sees them.
 *
 * @module
 */

/** One event, or a comment. */
export interface ServerEvent {
  readonly id: string | null;
  /** `comment` for a comment. */
  readonly event: string;
  readonly data: string;
}

/** Reads events one by one; to be disposed, which disconnects. */
export class EventReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  /** Reads this answer. */
  constructor(response: Response) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event that is no comment, or null at the end of the stream. */
  async next(): Promise<ServerEvent | null> {
    while (true) {
      const event = await this.any();
      if (event?.event !== "comment") return event;
    }
  }

  /** The next event or comment, or null at the end of the stream. */
  async any(): Promise<ServerEvent | null> {
    while (true) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return parse(block);
      }
      const { done, value } = await this.#reader.read();
      if (done) {
        if (this.#text !== "") throw new Error(`Cut off in the middle: ${this.#text}`);
        return null;
      }
      this.#text += value;
    }
  }

  /** The parts of a snapshot, which must come next. */
  async snapshot(): Promise<{ ids: string[]; parts: number; id: number }> {
    const ids: string[] = [];
    for (let parts = 1;; parts++) {
      const event = await this.next();
      if (event?.event !== "snapshot") throw new Error(`No snapshot: ${JSON.stringify(event)}`);
      const { first, last, items } = JSON.parse(event.data);
      if (first !== (parts === 1)) throw new Error("Parts out of order");
      if ((event.id !== null) !== last) throw new Error("Only the last part has an id");
      ids.push(...items.map((item: { id: string }) => item.id));
      if (last) return { ids, parts, id: Number(event.id) };
    }
  }

  /** The next change, which must come next. */
  async change(): Promise<{ id: number; items: Record<string, unknown>[]; removed: string[] }> {
    const event = await this.next();
    if (event?.event !== "change") throw new Error(`No change: ${JSON.stringify(event)}`);
    return { id: Number(event.id), ...JSON.parse(event.data) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}

function parse(block: string): ServerEvent {
  let [id, event, data]: [string | null, string, string] = [null, "comment", ""];
  for (const line of block.split("\n")) {
    const [name, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)];
    if (name === "id") id = value;
    if (name === "event") event = value;
    if (name === "data") data += value;
    if (name === "") data = value;
  }
  return { id, event, data };
}

/**
 * Server-sent events out of a stream of text. Pure but for what it has of an unfinished event.
 *
 * @module
 */

/** One event. */
export interface SentEvent {
  /** Its name; `message` where none was sent. */
  readonly name: string;
  /** Its id, or null. */
  readonly id: string | null;
  /** Its data, lines joined. */
  readonly data: string;
}

/** Takes pieces of the stream, gives the events that they complete. */
export class EventParser {
  /** Pieces of a line that has not ended. */
  #pieces: string[] = [];
  #name = "";
  #id: string | null = null;
  #data: string[] = [];

  /** The events that end in this piece. Lines end with `\n`, as our server ends them. */
  push(piece: string): SentEvent[] {
    const events: SentEvent[] = [];
    let from = 0;
    for (;;) {
      const end = piece.indexOf("\n", from);
      if (end < 0) break;
      this.#pieces.push(piece.slice(from, end));
      const event = this.#line(
        this.#pieces.length === 1 ? this.#pieces[0]! : this.#pieces.join(""),
      );
      if (event !== null) events.push(event);
      this.#pieces = [];
      from = end + 1;
    }
    if (from < piece.length) this.#pieces.push(piece.slice(from));
    return events;
  }

  #line(line: string): SentEvent | null {
    if (line === "") return this.#end();
    if (line.startsWith("data: ")) this.#data.push(line.slice(6));
    else if (line.startsWith("event: ")) this.#name = line.slice(7);
    else if (line.startsWith("id: ")) this.#id = line.slice(4);
    return null;
  }

  #end(): SentEvent | null {
    const event = { name: this.#name || "message", id: this.#id, data: this.#data.join("\n") };
    const said = this.#data.length > 0;
    this.#name = "";
    this.#id = null;
    this.#data = [];
    return said ? event : null;
  }
}

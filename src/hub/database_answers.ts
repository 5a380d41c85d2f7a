/**
 * Whether PostgreSQL owes an answer, by the messages of its protocol: what it tells though nobody asked
 * is none. Speaks to nobody.
 *
 * @module
 */

/** Each of these is answered by one {@link READY}. */
const ASKS = ["S", "Q"].map((letter) => letter.charCodeAt(0));

const READY = "Z".charCodeAt(0);

/** A type, and a length that counts itself. */
const HEAD = 5;

/** What is owed over one connection. */
export class AwaitedAnswers {
  readonly #asked = new Messages();
  readonly #told = new Messages();
  #started = false;
  #count = 0;
  #isOwed = false;
  #isReady = false;

  /** Something was said to the server. */
  asked(chunk: Uint8Array): void {
    this.#isOwed = true;
    // The first is of another form: it says who speaks.
    if (!this.#started) this.#count++;
    else this.#asked.read(chunk, (type) => void (ASKS.includes(type) && this.#count++));
    this.#started = true;
  }

  /** The server said something. */
  told(chunk: Uint8Array): void {
    this.#told.read(chunk, (type) => {
      if (type !== READY) return;
      this.#isOwed = --this.#count > 0;
      this.#isReady = true;
    });
  }

  /** Whether it let in who speaks. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether it owes one. */
  get isOwed(): boolean {
    return this.#isOwed;
  }
}

/** Finds where messages begin, however they are cut. */
class Messages {
  readonly #head = new Uint8Array(HEAD);
  #inHead = 0;
  #left = 0;

  read(chunk: Uint8Array, found: (type: number) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        at += skipped;
        this.#left -= skipped;
        continue;
      }
      this.#head[this.#inHead++] = chunk[at++]!;
      if (this.#inHead < HEAD) continue;
      this.#inHead = 0;
      this.#left = new DataView(this.#head.buffer).getUint32(1) - (HEAD - 1);
      found(this.#head[0]!);
    }
  }
}

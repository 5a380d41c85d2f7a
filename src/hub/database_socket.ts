/**
 * What the driver speaks to PostgreSQL through. It writes to a connection for a while after that has
 * ended, which would end this process, or leave a query without an answer for ever; so the end is
 * told late, and what is written until then is answered by an error. A server that does not answer is
 * taken for gone. Also encrypts, which the driver would do without asking who is there.
 *
 * @module
 */

import { EventEmitter } from "node:events";
import { isIP, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AwaitedAnswers } from "./database_answers.ts";

/** Where a server may be. */
export type DatabaseHost =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** How connections are made. */
export interface SocketOptions {
  /** Where to connect, asked for each. */
  readonly host: () => Promise<DatabaseHost>;
  /** PEM text of the authority to believe besides the system's, or ""; null: not encrypted. */
  readonly tls: { readonly ca: string } | null;
  /** Called when one that was made ends, or could not be made. */
  readonly onEnd?: () => void;
  /** Called when one that was in use ends though the driver did not end it; before {@link onEnd}. */
  readonly onLost?: () => void;
  /** How long an answer may be without a sign of life, milliseconds; null, the default: for ever. */
  readonly answerMs?: () => number | null;
}

/** How long what was lost is answered for, milliseconds: longer than a transaction rests. */
const LOST_MS = 1000;

/** Asks a server whether it speaks TLS. */
const TLS_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

const YES = "S".charCodeAt(0);

/** A connection as the driver uses one: of a socket of `node:net` only what it calls. */
export class DatabaseSocket extends EventEmitter {
  readonly #o: SocketOptions;
  #raw = new Socket();
  /** What was written before there was anything to write to; null: there is. */
  #early: Uint8Array[] | null = [];
  #ended = false;
  readonly #answers = new AwaitedAnswers();
  /** The driver wants it to end. */
  #ending = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #error: Error | null = null;

  /** Connects; never throws. */
  constructor(options: SocketOptions) {
    super();
    this.#o = options;
    options.host().then((host) => this.#connect(host), (error) => this.#end(error));
  }

  /** `opening`, `open` or `closed`. */
  get readyState(): string {
    return this.#ended ? "closed" : this.#early === null ? "open" : "opening";
  }

  /** Writes, later where it is not connected yet; once it has ended, an `error` answers. */
  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.#ended) {
      setTimeout(() => this.#tell("error", this.#reason()));
      return true;
    }
    if (this.#early !== null) this.#early.push(chunk.slice());
    else {
      this.#raw.write(chunk, written);
      this.#asked(chunk);
    }
    // Were it told to wait and then to go on, it would give a transaction's connection to others.
    return true;
  }

  /** Writes, and ends. */
  end(chunk?: Uint8Array): this {
    this.#ending = true;
    if (this.#early !== null || this.#ended) return this.destroy();
    if (chunk !== undefined) this.#raw.write(chunk);
    this.#raw.end();
    return this;
  }

  /** Ends at once. */
  destroy(): this {
    this.#end();
    return this;
  }

  /** Ends at once, and tells that it did. */
  close(): void {
    this.#ending = true;
    this.#end();
    if (this.#closing === undefined) return;
    clearTimeout(this.#closing);
    this.#closed();
  }

  /** Says now and then that it is there. */
  setKeepAlive(on: boolean, ms: number): this {
    this.#raw.setKeepAlive(on, ms);
    return this;
  }

  /** Takes nothing in. */
  pause(): this {
    this.#raw.pause();
    return this;
  }

  /** Goes on taking in. */
  resume(): this {
    this.#raw.resume();
    return this;
  }

  #connect(host: DatabaseHost): void {
    if (this.#ended) return;
    const { tls } = this.#o;
    const raw = this.#raw;
    raw.on("error", (error) => this.#end(error));
    raw.on("close", () => this.#end());
    raw.once("connect", () => {
      if (tls === null) return this.#opened();
      raw.write(TLS_REQUEST);
      raw.once("data", (answer) => {
        if (answer[0] === YES) return this.#encrypt(host, tls.ca);
        this.#end(new Error("the server does not speak TLS"));
      });
    });
    if ("path" in host) raw.connect(host.path);
    else raw.connect(host.port, host.host);
  }

  #encrypt(host: DatabaseHost, ca: string): void {
    if ("path" in host) return this.#end(new Error("a socket of this machine is not encrypted"));
    const plain = this.#raw;
    plain.removeAllListeners();
    plain.on("error", (error) => this.#end(error));
    this.#raw = connectTls({
      ...{ socket: plain, host: host.host, rejectUnauthorized: true },
      ...(isIP(host.host) === 0 && { servername: host.host }),
      ...(ca !== "" && { ca }),
    }, () => this.#opened());
    this.#raw.on("error", (error) => this.#end(error));
    this.#raw.on("close", () => this.#end());
  }

  #opened(): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.#raw.on("data", (chunk) => {
      clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#answers.told(chunk);
      this.#awaitAnswer();
      this.#tell("data", chunk);
    });
    for (const chunk of early) {
      this.#raw.write(chunk);
      this.#asked(chunk);
    }
  }

  #end(error: Error | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    clearTimeout(this.#silence);
    this.#raw.destroy();
    const lost = this.#answers.isReady && !this.#ending;
    if (lost) this.#o.onLost?.();
    this.#o.onEnd?.();
    // What waits for an answer has one; what is written because of that comes before the timer.
    this.#tell("error", this.#reason());
    this.#closing = setTimeout(() => {
      this.#closing = setTimeout(() => this.#closed());
    }, lost ? LOST_MS : 0);
  }

  #closed(): void {
    this.#closing = undefined;
    // Without an error, as the driver has it: else what was asked since the last would wait for ever.
    this.#tell("close", false);
  }

  #asked(chunk: Uint8Array): void {
    this.#answers.asked(chunk);
    this.#awaitAnswer();
  }

  #awaitAnswer(): void {
    const answerMs = this.#o.answerMs?.() ?? null;
    if (answerMs === null || this.#silence !== undefined || !this.#answers.isOwed) return;
    const silent = () => this.#end(new Error(`the database is silent for ${answerMs / 1000} s`));
    this.#silence = setTimeout(silent, answerMs);
  }

  #reason(): Error {
    const cause = this.#error;
    const reason = cause?.message ?? "the database closed the connection";
    // By the code it is known wherever a statement fails by it.
    return Object.assign(new Error(reason, { cause }), { code: "DATABASE_GONE" });
  }

  #tell(event: string, value?: unknown): void {
    if (this.listenerCount(event) > 0) this.emit(event, value);
  }
}

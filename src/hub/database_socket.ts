/**
 * What the driver speaks to PostgreSQL through. It writes to a connection for a moment after that has
 * ended, which would end this process, or leave a query without an answer for ever; so the end is
 * told late, and what is written until then is answered by an error. Also encrypts, which the driver
 * would do without asking who is there.
 *
 * @module
 */

import { EventEmitter } from "node:events";
import { isIP, Socket } from "node:net";
import { connect as connectTls } from "node:tls";

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
}

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
    if (this.#early === null) return this.#raw.write(chunk, written);
    this.#early.push(chunk.slice());
    return true;
  }

  /** Writes, and ends. */
  end(chunk?: Uint8Array): this {
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
    this.#raw.on("data", (chunk) => this.#tell("data", chunk));
    this.#raw.on("drain", () => this.#tell("drain"));
    for (const chunk of early) this.#raw.write(chunk);
  }

  #end(error: Error | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#raw.destroy();
    this.#o.onEnd?.();
    // What waits for an answer has one; what is written because of that comes before the timer.
    this.#tell("error", this.#reason());
    setTimeout(() => setTimeout(() => this.#tell("close", true)));
  }

  #reason(): Error {
    return this.#error ?? new Error("the database closed the connection");
  }

  #tell(event: string, value?: unknown): void {
    if (this.listenerCount(event) > 0) this.emit(event, value);
  }
}

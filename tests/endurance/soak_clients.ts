/**
 * Who asks the daemon in a soak: pollers, followers of live feeds, and such as read slowly or
 * never. Measures how long `/livez` takes. Must not write.
 *
 * @module
 */

import { join } from "@std/path";
import { EventReader } from "../harness/feeds.ts";
import { writeAll } from "../harness/raw_http.ts";
import { Mirror } from "./mirror.ts";
import type { SoakLoad } from "./soak_load.ts";

const READERS = 3;
const SLOW_READERS = 10;
const NEVER_READERS = 10;

/** Pollers and readers of live feeds. */
export class SoakClients {
  /** What one of the live feeds tells, followed over every gap. */
  readonly mirror: Mirror = new Mirror();
  /** Connections that are held open to the daemon. */
  connections = 0;
  readonly #load: SoakLoad;
  readonly #mirroring = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #livezMs: number[] = [];

  constructor(load: SoakLoad) {
    this.#load = load;
  }

  /** All of them, until the load ends; the mirror follows until {@linkcode leave}. */
  loops(): Promise<void>[] {
    this.#following = this.#follow(this.mirror, this.#mirroring.signal);
    return [
      this.#load.every(100, () => this.#measureLivez()),
      this.#load.every(200, () => this.#poll("/api/containers?limit=10000")),
      this.#load.every(500, () => this.#poll("/api/status")),
      this.#load.every(500, () => this.#poll("/readyz?verbose")),
      this.#load.every(1000, () => this.#poll("/api/routes")),
      this.#load.every(1000, () => this.#poll("/api/workloads")),
      this.#load.every(1000, () => this.#glance()),
      ...times(READERS - 1, () => this.#follow(new Mirror(), this.#load.signal)),
      ...times(SLOW_READERS, () => this.#readSlowly()),
      ...times(NEVER_READERS, () => this.#readNever()),
    ];
  }

  /** The mirror no longer follows. */
  async leave(): Promise<void> {
    this.#mirroring.abort();
    await this.#following;
  }

  /** How long `/livez` took each time since this was called last. */
  takeLivezMs(): number[] {
    return this.#livezMs.splice(0);
  }

  async #poll(path: string): Promise<void> {
    const response = await this.#load.daemon.send("GET", path);
    await response.text();
    if (response.status !== 200 && !path.startsWith("/readyz")) {
      this.#load.violations.push(`GET ${path} is answered ${response.status}`);
    }
    this.#load.count("requests that only read");
  }

  async #measureLivez(): Promise<void> {
    const begin = performance.now();
    await this.#poll("/livez");
    this.#livezMs.push(performance.now() - begin);
  }

  /** One that comes for a moment. */
  async #glance(): Promise<void> {
    this.connections++;
    await using reader = new EventReader(await this.#load.daemon.send("GET", "/api/events"));
    await reader.next();
    this.connections--;
    this.#load.count("live feeds opened");
  }

  /** Follows a live feed, and again when it ends. */
  async #follow(mirror: Mirror, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.connections++;
      const reader = new EventReader(await this.#load.daemon.send("GET", "/api/events"));
      const cancel = () => void reader[Symbol.asyncDispose]();
      signal.addEventListener("abort", cancel, { once: true });
      try {
        await mirror.read(reader);
      } catch (error) {
        if (!signal.aborted) this.#load.violations.push(`a live feed broke: ${error}`);
      } finally {
        signal.removeEventListener("abort", cancel);
        this.connections--;
        this.#load.count("live feeds opened");
      }
    }
  }

  /** Takes less than there is, and is dropped for it. */
  async #readSlowly(): Promise<void> {
    await this.#feedsByHand(async (connection) => {
      const buffer = new Uint8Array(2048);
      while (await connection.read(buffer) !== null) await this.#load.pause(250);
      this.#load.count("slow live feeds dropped");
    });
  }

  /** Asks, and never reads a byte. */
  async #readNever(): Promise<void> {
    await this.#feedsByHand(() => this.#load.pause(55_000));
  }

  async #feedsByHand(use: (connection: Deno.Conn) => Promise<void>): Promise<void> {
    const path = join(this.#load.daemon.host.dataDir, "tinyforge.sock");
    const request = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const { signal } = this.#load;
    while (!signal.aborted) {
      const connection = await Deno.connect({ transport: "unix", path });
      const close = () => connection.close();
      signal.addEventListener("abort", close);
      this.connections++;
      try {
        await writeAll(connection, request);
        await use(connection);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", close);
        if (!signal.aborted) close();
        this.connections--;
        this.#load.count("live feeds opened");
      }
    }
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

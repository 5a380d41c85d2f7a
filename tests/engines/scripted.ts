/**
 * A scriptable Engine on a temp socket: containers that a test changes at will, events as a real
 * Engine sends them, and every way an Engine can fail. Speaks HTTP/1.1 itself, so that answers can
 * be cut, delayed and malformed at any byte. Must not know anything of the program under test.
 *
 * @module
 */

import { type FakeContainer, matches, randomId, toJson } from "./scripted_container.ts";
import type { Fault } from "./scripted_fault.ts";
import {
  type Endpoint,
  endpointOf,
  eventLine,
  type EventSubject,
  type Filters,
  parseFilters,
} from "./wire.ts";

/** One request that came in. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly endpoint: Endpoint;
  /** `performance.now()`. */
  readonly at: number;
  /** Ids of a `list_ids`, else empty. */
  readonly ids: readonly string[];
}

/** How {@linkcode FakeEngine.start} makes one. */
export interface FakeEngineOptions {
  /** Path of the socket; a temp one by default. */
  path?: string;
  /** `ID` of `/info`. */
  id?: string;
  /** Newest API version, 1.41 by default. */
  apiVersion?: string;
  /** Oldest API version, 1.12 by default. */
  minApiVersion?: string;
  kind?: "docker" | "podman";
}

/** An open event stream. */
interface Subscriber {
  readonly connection: Deno.Conn;
  /** Serializes writes. */
  writing: Promise<unknown>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the Engine keeps of events for those who ask with `since`. */
const EVENT_RING = 256;

/** A simulated Engine; stops with `await using`. */
export class FakeEngine implements AsyncDisposable {
  /** Path of the socket. */
  readonly path: string;
  /** For `new DockerClient({ host })`. */
  readonly host: { readonly kind: "unix"; readonly path: string };
  /** By id; the order is the listing's. */
  readonly containers: Map<string, FakeContainer> = new Map();
  /** Every request so far. */
  readonly requests: LoggedRequest[] = [];
  /** Whether changes through the methods below also send events; true at first. */
  emitting = true;
  id: string;
  apiVersion: string;
  minApiVersion: string;
  kind: "docker" | "podman";

  readonly #ownDirectory: string | null;
  readonly #faults = new Map<Endpoint | "any", { fault: Fault; left: number }>();
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #ring: { at: number; line: string }[] = [];
  readonly #timers = new Set<{ timer: ReturnType<typeof setTimeout>; wake: () => void }>();
  #held: string[] | null = null;
  #healed = Promise.withResolvers<void>();
  #frozen: PromiseWithResolvers<void> | null = null;
  #listener: Deno.Listener | undefined;
  #accepting: Promise<void> = Promise.resolve();
  #names = 0;
  #listened = 0;
  #lastNano = 0n;

  private constructor(path: string, ownDirectory: string | null, options: FakeEngineOptions) {
    this.path = path;
    this.host = { kind: "unix", path };
    this.#ownDirectory = ownDirectory;
    this.id = options.id ?? "FAKE:ENGINE:ID";
    this.kind = options.kind ?? "docker";
    this.apiVersion = options.apiVersion ?? "1.41";
    this.minApiVersion = options.minApiVersion ?? (this.kind === "podman" ? "1.24" : "1.12");
  }

  /** Listens at once. */
  static async start(options: FakeEngineOptions = {}): Promise<FakeEngine> {
    const directory = options.path === undefined ? await Deno.makeTempDir() : null;
    const path = options.path ?? `${directory}/docker.sock`;
    const engine = new FakeEngine(path, directory, options);
    engine.up();
    return engine;
  }

  // ---- containers

  /** Adds one, running unless told otherwise, and sends `create` and `start`. */
  add(fields: Partial<FakeContainer> = {}): FakeContainer {
    const container: FakeContainer = {
      id: randomId(),
      name: `container-${++this.#names}`,
      image: "example/app:1",
      state: "running",
      health: null,
      exitCode: 0,
      labels: {},
      ports: [],
      networks: {},
      created: 1_700_000_000 + this.#names,
      status: null,
      json: {},
      details: {},
      ...fields,
    };
    this.containers.set(container.id, container);
    if (this.emitting) {
      this.emit("create", container);
      if (container.state === "running") this.emit("start", container);
    }
    return container;
  }

  /** Changes the state and sends what a real Engine sends for it. */
  setState(container: FakeContainer, state: string, exitCode = 0): void {
    const before = container.state;
    container.state = state;
    container.exitCode = exitCode;
    if (state !== "running") container.health = null;
    if (!this.emitting) return;
    if (state === "paused") this.emit("pause", container);
    else if (state === "running") this.emit(before === "paused" ? "unpause" : "start", container);
    else if (state === "exited") {
      this.emit("die", container, { exitCode: String(exitCode) });
      this.emit("stop", container);
    } else if (state === "restarting") {
      this.emit("die", container, { exitCode: String(exitCode) });
    }
  }

  /** Changes the health and sends `health_status`. */
  setHealth(container: FakeContainer, health: FakeContainer["health"]): void {
    container.health = health;
    if (this.emitting && health !== null) this.emit(`health_status: ${health}`, container);
  }

  /** Removes one and sends `die` if it ran, and `destroy`. */
  remove(container: FakeContainer): void {
    this.containers.delete(container.id);
    if (!this.emitting) return;
    if (container.state === "running") this.emit("die", container, { exitCode: "137" });
    this.emit("destroy", container);
  }

  // ---- events

  /** Sends an event of this container to whoever follows. */
  emit(
    action: string,
    container: EventSubject,
    attributes: Record<string, string> = {},
  ): void {
    const nano = this.#now();
    const line = eventLine(action, container, { nano, attributes });
    this.#ring.push({ at: Number(nano) / 1e9, line });
    if (this.#ring.length > EVENT_RING) this.#ring.shift();
    if (this.#held !== null) this.#held.push(line);
    else this.writeEvents(line);
  }

  /** Sends these bytes on every open event stream: garbage, half lines, several lines. */
  writeEvents(text: string): void {
    const bytes = frame(text);
    for (const subscriber of this.#subscribers) {
      subscriber.writing = subscriber.writing.then(async () => {
        await this.#frozen?.promise;
        await writeAll(subscriber.connection, bytes);
      }).catch(() => {});
    }
  }

  /** Keeps events back until {@linkcode releaseEvents}. */
  holdEvents(): void {
    this.#held ??= [];
  }

  /** Sends what was kept back as `arrange` puts it: reversed, doubled, dropped. */
  releaseEvents(arrange: (lines: string[]) => string[] = (lines) => lines): void {
    const lines = this.#held ?? [];
    this.#held = null;
    const text = arrange(lines).join("");
    if (text !== "") this.writeEvents(text);
  }

  /** When the last event happened, milliseconds since the Unix epoch; null before the first. */
  get lastEventAt(): number | null {
    return this.#lastNano === 0n ? null : Number(this.#lastNano) / 1e6;
  }

  /** Number of open event streams. */
  get followers(): number {
    return this.#subscribers.size;
  }

  /** Ends every event stream: properly, as proxies do, or by closing the connection. */
  cutEvents(how: "end" | "close" = "end"): void {
    for (const subscriber of [...this.#subscribers]) {
      this.#subscribers.delete(subscriber);
      subscriber.writing = subscriber.writing
        .then(() => how === "end" ? writeAll(subscriber.connection, frame("")) : undefined)
        .catch(() => {})
        .then(() => this.#close(subscriber.connection));
    }
  }

  // ---- faults

  /** From now on, or for the next `times` requests, this endpoint (or any) fails so. */
  fail(endpoint: Endpoint | "any", fault: Fault, times: number = Infinity): void {
    this.#faults.set(endpoint, { fault, left: times });
  }

  /** Ends all faults; requests that hang are answered. */
  heal(): void {
    this.#faults.clear();
    this.#healed.resolve();
    this.#healed = Promise.withResolvers();
  }

  /** Connections stay and nothing comes through them any more, events neither: half-open. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  /** Undoes {@linkcode freeze}. */
  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = null;
  }

  /**
   * The Engine dies: connections close and the socket goes away, or stays behind without anybody
   * listening. All that is so at once but for the latter, which the promise waits for.
   */
  down(options: { leaveSocket?: boolean } = {}): Promise<void> {
    if (this.#listener !== undefined && !options.leaveSocket) Deno.removeSync(this.path);
    this.#listener?.close();
    this.#listener = undefined;
    this.#subscribers.clear();
    for (const connection of [...this.#connections]) this.#close(connection);
    return this.#accepting;
  }

  /** It comes back, with another id if given. */
  up(options: { id?: string } = {}): void {
    if (options.id !== undefined) this.id = options.id;
    if (this.#listener !== undefined) return;
    // A closed listener removes its path some time later: let that be another one.
    const path = `${this.path}.${this.#listened++}`;
    this.#listener = Deno.listen({ transport: "unix", path });
    Deno.renameSync(path, this.path);
    this.#accepting = Promise.all([this.#accepting, this.#accept(this.#listener)]).then(() => {});
  }

  /** {@linkcode down} and {@linkcode up}. */
  restart(options: { id?: string } = {}): void {
    void this.down();
    this.up(options);
  }

  // ---- what was asked

  /** Number of requests, of one endpoint or all. */
  count(endpoint?: Endpoint): number {
    if (endpoint === undefined) return this.requests.length;
    return this.requests.filter((request) => request.endpoint === endpoint).length;
  }

  /** Forgets the requests so far. */
  clearRequests(): void {
    this.requests.length = 0;
  }

  /** Stops, closes everything and removes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    const down = this.down();
    this.heal();
    for (const { timer, wake } of this.#timers) {
      clearTimeout(timer);
      wake();
    }
    await down;
    await Promise.all(this.#serving);
    if (this.#ownDirectory !== null) await Deno.remove(this.#ownDirectory, { recursive: true });
  }

  // ---- the server

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const connection of listener) {
      this.#connections.add(connection);
      const serving = this.#serve(connection)
        .catch(() => {}) // the client went away
        .finally(() => {
          this.#close(connection);
          this.#serving.delete(serving);
        });
      this.#serving.add(serving);
    }
  }

  #close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
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

  /** False when the connection is done for. */
  async #answer(connection: Deno.Conn, method: string, target: string): Promise<boolean> {
    // Deno sends the whole URL, as to a proxy.
    const url = new URL(target, "http://docker");
    target = url.pathname + url.search;
    const [, version = null, path = ""] = /^(?:\/v(\d+\.\d+))?(\/.*)$/.exec(url.pathname) ?? [];
    const filters = parseFilters(url.searchParams.get("filters"));
    const endpoint = endpointOf(path, filters);
    const ids = endpoint === "list_ids" ? filters["id"] ?? [] : [];
    this.requests.push({ method, target, endpoint, at: performance.now(), ids });

    await this.#frozen?.promise;
    const fault = this.#takeFault(endpoint);
    if (fault?.kind === "delay") await this.#sleep(fault.ms);
    if (fault?.kind === "hang" && fault.at !== "body") await this.#healed.promise;
    if (fault?.kind === "cut" && fault.at !== "body") return false;
    if (fault?.kind === "raw") {
      await writeAll(connection, encoder.encode(fault.bytes));
      return false;
    }
    if (fault?.kind === "status") {
      const body = fault.body ?? JSON.stringify({ message: fault.message ?? "injected" });
      await this.#respond(connection, fault.status, body);
      return true;
    }
    const refusal = this.#refuseVersion(version);
    if (refusal !== null) {
      await this.#respond(connection, 400, JSON.stringify({ message: refusal }));
      return true;
    }
    if (endpoint === "events") return await this.#follow(connection, url, fault);

    const answer = this.#answerOf(endpoint, filters, path);
    if (answer === undefined) {
      await this.#respond(connection, 404, JSON.stringify({ message: "page not found" }));
      return true;
    }
    let body = typeof answer === "string" ? answer : JSON.stringify(answer);
    if (fault?.kind === "edit") body = JSON.stringify(fault.edit(JSON.parse(body)));
    if (fault?.kind === "body") body = fault.body;
    const pieces = fault?.kind === "slow" ? fault.pieces : 1;
    const bytes = encoder.encode(body);
    await writeAll(connection, this.#head(200, bytes.length));
    if ((fault?.kind === "hang" || fault?.kind === "cut") && fault.at === "body") {
      const half = bytes.length >> 1;
      await writeAll(connection, bytes.subarray(0, half));
      if (fault.kind === "cut") return false;
      await this.#healed.promise;
      await writeAll(connection, bytes.subarray(half));
      return true;
    }
    const size = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let from = 0; from < bytes.length; from += size) {
      if (fault?.kind === "slow" && from > 0) await this.#sleep(fault.everyMs);
      await writeAll(connection, bytes.subarray(from, from + size));
    }
    return true;
  }

  #takeFault(endpoint: Endpoint): Fault | undefined {
    for (const key of [endpoint, "any"] as const) {
      const entry = this.#faults.get(key);
      if (entry === undefined || entry.left <= 0) continue;
      entry.left--;
      return entry.fault;
    }
    return undefined;
  }

  /** Subscribes, then sends the head at once and events until the stream is cut. */
  async #follow(connection: Deno.Conn, url: URL, fault: Fault | undefined): Promise<boolean> {
    const head = `HTTP/1.1 200 OK\r\nApi-Version: ${this.apiVersion}\r\n` +
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const since = Number(url.searchParams.get("since") ?? Infinity);
    const missed = this.#ring.filter(({ at }) => at >= since).map(({ line }) => line).join("") +
      (fault?.kind === "body" ? fault.body : "");
    const subscriber: Subscriber = {
      connection,
      writing: writeAll(connection, encoder.encode(head))
        .then(() => missed === "" ? undefined : writeAll(connection, frame(missed)))
        .catch(() => {}), // the client went away
    };
    this.#subscribers.add(subscriber);
    try {
      if (fault?.kind === "cut") return false;
      // Nothing more is sent by a client: this returns when it goes away.
      while (await connection.read(new Uint8Array(1024)) !== null);
    } finally {
      this.#subscribers.delete(subscriber);
      await subscriber.writing;
    }
    return false;
  }

  #refuseVersion(version: string | null): string | null {
    if (version === null || this.kind === "podman") return null;
    if (minor(version) > minor(this.apiVersion)) {
      return `client version ${version} is too new. Maximum supported API version is ${this.apiVersion}`;
    }
    if (minor(version) < minor(this.minApiVersion)) {
      return `client version ${version} is too old. Minimum supported API version is ` +
        `${this.minApiVersion}, please upgrade your client to a newer version`;
    }
    return null;
  }

  #answerOf(endpoint: Endpoint, filters: Filters, path: string): unknown {
    switch (endpoint) {
      case "ping":
        return "OK";
      case "version":
        return {
          Components: [{ Name: this.kind === "podman" ? "Podman Engine" : "Engine" }],
          Version: this.kind === "podman" ? "4.3.1" : "20.10.24",
          ApiVersion: this.apiVersion,
          MinAPIVersion: this.minApiVersion,
        };
      case "info":
        return {
          ID: this.kind === "podman" ? crypto.randomUUID() : this.id,
          Name: this.kind === "podman" ? this.id : "fake-host",
          DockerRootDir: "/var/lib/fake",
          Containers: this.containers.size,
        };
      case "list":
      case "list_ids":
        return [...this.containers.values()].filter((one) => matches(one, filters)).map(toJson);
      case "inspect":
        return this.containers.get(path.split("/")[2]!)?.details;
      default:
        return undefined;
    }
  }

  async #respond(connection: Deno.Conn, status: number, body: string): Promise<void> {
    const bytes = encoder.encode(body);
    await writeAll(connection, this.#head(status, bytes.length));
    await writeAll(connection, bytes);
  }

  #head(status: number, length: number): Uint8Array {
    return encoder.encode(
      `HTTP/1.1 ${status} ${
        status === 200 ? "OK" : "Error"
      }\r\nApi-Version: ${this.apiVersion}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
    );
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = {
      wake: resolve,
      timer: setTimeout(() => {
        this.#timers.delete(entry);
        resolve();
      }, ms),
    };
    this.#timers.add(entry);
    return promise;
  }

  /** Nanoseconds since the epoch, never the same twice. */
  #now(): bigint {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    return this.#lastNano;
  }
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}

/** One chunk of a chunked body; the empty one ends it. */
function frame(text: string): Uint8Array {
  const length = encoder.encode(text).length;
  return encoder.encode(`${length.toString(16)}\r\n${text}\r\n`);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

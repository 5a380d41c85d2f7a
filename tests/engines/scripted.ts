/**
 * A scriptable Engine on a temp socket: containers that a test changes at will, events as a real
 * Engine sends them, and every way an Engine can fail. Must not know anything of the program under
 * test.
 *
 * @module
 */

import { answerOf, refusalOf } from "./scripted_answers.ts";
import { type FakeContainer, randomId } from "./scripted_container.ts";
import type { Fault } from "./scripted_fault.ts";
import { ScriptedEvents } from "./scripted_events.ts";
import { headOf, ScriptedSocket, writeAll } from "./scripted_socket.ts";
import { type Endpoint, endpointOf, type EventSubject, parseFilters } from "./wire.ts";

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

const encoder = new TextEncoder();

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
  readonly #timers = new Set<{ timer: ReturnType<typeof setTimeout>; wake: () => void }>();
  readonly #socket: ScriptedSocket;
  readonly #events = new ScriptedEvents(() => this.#frozen?.promise);
  #healed = Promise.withResolvers<void>();
  #frozen: PromiseWithResolvers<void> | null = null;
  #names = 0;

  private constructor(path: string, ownDirectory: string | null, options: FakeEngineOptions) {
    this.path = path;
    this.host = { kind: "unix", path };
    this.#ownDirectory = ownDirectory;
    this.#socket = new ScriptedSocket(path, (...request) => this.#answer(...request));
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
    this.#events.emit(action, container, attributes);
  }

  /** Sends these bytes on every open event stream: garbage, half lines, several lines. */
  writeEvents(text: string): void {
    this.#events.write(text);
  }

  /** Keeps events back until {@linkcode releaseEvents}. */
  holdEvents(): void {
    this.#events.hold();
  }

  /** Sends what was kept back as `arrange` puts it: reversed, doubled, dropped. */
  releaseEvents(arrange: (lines: string[]) => string[] = (lines) => lines): void {
    this.#events.release(arrange);
  }

  /** When the last event happened, milliseconds since the Unix epoch; null before the first. */
  get lastEventAt(): number | null {
    return this.#events.lastAt;
  }

  /** Number of open event streams. */
  get followers(): number {
    return this.#events.followers;
  }

  /** Ends every event stream: properly, as proxies do, or by closing the connection. */
  cutEvents(how: "end" | "close" = "end"): void {
    this.#events.cut(how, (connection) => this.#socket.close(connection));
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
    this.#events.drop();
    return this.#socket.down(options);
  }

  /** It comes back, with another id if given. */
  up(options: { id?: string } = {}): void {
    if (options.id !== undefined) this.id = options.id;
    this.#socket.up();
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
    await this.#socket.idle();
    if (this.#ownDirectory !== null) await Deno.remove(this.#ownDirectory, { recursive: true });
  }

  // ---- answers

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
    const refusal = refusalOf(version, this);
    if (refusal !== null) {
      await this.#respond(connection, 400, JSON.stringify({ message: refusal }));
      return true;
    }
    if (endpoint === "events") {
      const since = Number(url.searchParams.get("since") ?? Infinity);
      const start = { head: this.#head(200, "chunked"), since, text: "" };
      if (fault?.kind === "body") start.text = fault.body;
      if (fault?.kind === "cut") await writeAll(connection, start.head);
      else await this.#events.follow(connection, start);
      return false;
    }

    if (endpoint === "top") {
      const asked = this.containers.get(path.split("/")[2]!);
      if (asked !== undefined) this.emit("top", asked);
    }
    const answer = answerOf({ endpoint, filters, path }, this);
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

  async #respond(connection: Deno.Conn, status: number, body: string): Promise<void> {
    const bytes = encoder.encode(body);
    await writeAll(connection, this.#head(status, bytes.length));
    await writeAll(connection, bytes);
  }

  #head(status: number, length: number | "chunked"): Uint8Array {
    return headOf(status, { apiVersion: this.apiVersion, length });
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
}

/**
 * A simulated Engine for size: thousands of containers from prepared bytes, so that what is
 * measured is the client's side. Faultless; for faults see `fake_engine.ts`. Runs as a process of
 * its own ({@linkcode SimEngine}), or by hand:
 *
 *     deno run --allow-net --allow-read --allow-write tests/engines/crowd.ts --socket PATH --containers 10000
 *
 * Beside the Engine's API it answers `/sim/…` on the same socket, with which containers are
 * changed and counters read; {@linkcode SimEngine} has a method for each.
 *
 * @module
 */

/** What the simulation was asked so far. */
export interface SimStats {
  /** Requests by purpose: `ping`, `version`, `info`, `list`, `list_ids`, `events`, `unknown`. */
  readonly requests: Readonly<Record<string, number>>;
  /** Ids asked for in all `list_ids` together. */
  readonly idsAsked: number;
  /** Open event streams. */
  readonly followers: number;
  /** Containers there are. */
  readonly containers: number;
  /** Events sent. */
  readonly events: number;
}

/** A state to bring containers into. */
export interface SimChange {
  /** Which containers, by index. */
  readonly indexes: readonly number[];
  readonly state: "running" | "exited" | "paused" | "restarting";
  readonly exitCode?: number;
  readonly health?: "healthy" | "unhealthy" | "starting" | null;
  /** Whether events tell of it; true by default. */
  readonly events?: boolean;
}

/** A burst of events. */
export interface SimBurst {
  /** Events in all. */
  readonly events: number;
  /** Containers with index 0 … n-1, each in turn. */
  readonly containers: number;
  /** Spread over this time, milliseconds; at once by default. */
  readonly overMs?: number;
}

/** A workload that the built-in labels speak of. */
export interface SimWorkload {
  readonly kind: "project" | "stack" | "site";
  /** Workload id for `tinyforge.workload.id`, or the site's id, or the Compose project's name. */
  readonly key: string;
}

/** How {@linkcode SimEngine.start} makes one. */
export interface SimOptions {
  /** Number of containers, 10,000 by default. */
  readonly containers?: number;
  /** Path of the socket; a temp one by default. */
  readonly socket?: string;
  /**
   * Labels of container i: entry i modulo length, `$i` in a value standing for i. By default the
   * mix of {@linkcode simLabels}.
   */
  readonly labels?: readonly Readonly<Record<string, string>>[];
}

/** Containers per workload in the built-in mix. */
const PER_WORKLOAD = 10;

/**
 * Built-in labels of container `index`. Of ten: four of a stack's Compose project, two of a
 * project's workload, two with a stack's workload id and role, one of a static site, one of
 * nobody.
 */
export function simLabels(index: number): Record<string, string> {
  const group = Math.floor(index / PER_WORKLOAD);
  const labels: Record<string, string> = {
    "maintainer": "Somebody <somebody@example.com>",
    "org.opencontainers.image.source": "https://example.com/team/application",
  };
  const place = index % PER_WORKLOAD;
  if (place < 4) {
    labels["com.docker.compose.project"] = `tinyforge-sim-${group}`;
    labels["com.docker.compose.service"] = place < 2 ? "web" : `worker${place}`;
    labels["com.docker.compose.container-number"] = String(place < 2 ? place + 1 : 1);
    labels["com.docker.compose.oneoff"] = "False";
    labels["com.docker.compose.version"] = "1.29.2";
    labels["com.docker.compose.config-hash"] = hex(index, 64);
  } else if (place < 6) {
    labels["tinyforge.workload.id"] = `sim-project-${group}`;
    labels["tinyforge.workload.kind"] = "project";
    labels["tinyforge.workload.role"] = place === 4 ? "production" : "staging";
  } else if (place < 8) {
    labels["tinyforge.workload.id"] = `sim-stack-${group}`;
    labels["tinyforge.workload.role"] = `role${place}`;
  } else if (place === 8) {
    labels["tinyforge.static-site"] = `sim-site-${group}`;
  }
  return labels;
}

/** The workloads that {@linkcode simLabels} speaks of, for `containers` containers. */
export function simWorkloads(containers: number): SimWorkload[] {
  const workloads: SimWorkload[] = [];
  for (let group = 0; group * PER_WORKLOAD < containers; group++) {
    workloads.push({ kind: "stack", key: `tinyforge-sim-${group}` });
    workloads.push({ kind: "project", key: `sim-project-${group}` });
    workloads.push({ kind: "stack", key: `sim-stack-${group}` });
    workloads.push({ kind: "site", key: `sim-site-${group}` });
  }
  return workloads;
}

/** Id of container `index`: 64 hex digits. */
export function simId(index: number): string {
  return hex(index, 64);
}

/** A simulated Engine in a process of its own; ends with `await using`. */
export class SimEngine implements AsyncDisposable {
  /** Path of the socket. */
  readonly path: string;
  /** For `new DockerClient({ host })`. */
  readonly host: { readonly kind: "unix"; readonly path: string };
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #client: Deno.HttpClient;
  readonly #directory: string;

  private constructor(path: string, directory: string, process: Deno.ChildProcess) {
    this.path = path;
    this.host = { kind: "unix", path };
    this.#directory = directory;
    this.#process = process;
    this.#stdin = process.stdin.getWriter();
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }

  /** Resolves when it answers. */
  static async start(options: SimOptions = {}): Promise<SimEngine> {
    const directory = await Deno.makeTempDir();
    const path = options.socket ?? `${directory}/docker.sock`;
    const args = ["run", "--quiet", "--no-config", "--allow-net", "--allow-read", "--allow-write"];
    args.push(import.meta.filename!, "--socket", path, "--exit-with-stdin");
    args.push("--containers", String(options.containers ?? 10_000));
    if (options.labels !== undefined) {
      await Deno.writeTextFile(`${directory}/labels.json`, JSON.stringify(options.labels));
      args.push("--labels", `${directory}/labels.json`);
    }
    const process = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    // Its only line says that it listens.
    const reader = process.stdout.getReader();
    const { done } = await reader.read();
    await reader.cancel();
    if (done) throw new Error("Cannot start the simulated Engine: it ended at once");
    return new SimEngine(path, directory, process);
  }

  /** Process id of the simulation. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Brings containers into a state. */
  async change(change: SimChange): Promise<void> {
    await this.#post("change", change);
  }

  /**
   * Stops and starts containers in turn, an event for each step; resolves when the last event is
   * out. An even number of events per container leaves them running.
   */
  async burst(burst: SimBurst): Promise<void> {
    await this.#post("burst", burst);
  }

  /** Sends that many events that change nothing, as health checks do (`exec_start` and the like). */
  async chatter(burst: SimBurst): Promise<void> {
    await this.#post("chatter", burst);
  }

  /** Adds containers at the end, running. */
  async add(count: number): Promise<void> {
    await this.#post("add", { count });
  }

  /** Removes containers; their indexes are not used again. */
  async remove(indexes: readonly number[]): Promise<void> {
    await this.#post("remove", { indexes });
  }

  /** Ends every event stream properly. */
  async cutEvents(): Promise<void> {
    await this.#post("cut", {});
  }

  /** Counters since the start or the last {@linkcode resetStats}. */
  async stats(): Promise<SimStats> {
    return await this.#post("stats", {}) as SimStats;
  }

  /** Sets the counters to zero. */
  async resetStats(): Promise<void> {
    await this.#post("reset", {});
  }

  /** State by container id: what an index must show in the end. */
  async truth(): Promise<Map<string, string>> {
    return new Map(await this.#post("truth", {}) as [string, string][]);
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#stdin.close().catch(() => {}); // it may be gone already
    await this.#process.status;
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #post(what: string, body: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1/sim/${what}`, {
      method: "POST",
      body: JSON.stringify(body),
      client: this.#client,
    });
    if (!response.ok) throw new Error(`Cannot ${what}: ${await response.text()}`);
    return await response.json();
  }
}

// ---- the simulation itself

interface SimContainer {
  readonly index: number;
  readonly id: string;
  readonly labels: Record<string, string>;
  state: string;
  exitCode: number;
  health: string | null;
  /** Its JSON, null after a change. */
  bytes: Uint8Array<ArrayBuffer> | null;
}

const encoder = new TextEncoder();
const COMMA = encoder.encode(",");

class Simulation {
  readonly #containers = new Map<string, SimContainer>();
  readonly #labels: readonly Record<string, string>[] | null;
  readonly #followers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #next = 0;
  #listing: Uint8Array<ArrayBuffer> | null = null;
  #requests: Record<string, number> = {};
  #idsAsked = 0;
  #events = 0;

  constructor(count: number, labels: readonly Record<string, string>[] | null) {
    this.#labels = labels;
    this.add(count);
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/sim/")) {
      return await this.#control(url.pathname.slice(5), request);
    }
    const path = url.pathname.replace(/^\/v\d+\.\d+/, "");
    switch (path) {
      case "/_ping":
        this.#count("ping");
        return new Response("OK", { headers: { "api-version": "1.41" } });
      case "/version":
        this.#count("version");
        return Response.json({ ApiVersion: "1.41", MinAPIVersion: "1.12", Version: "20.10.24" });
      case "/info":
        this.#count("info");
        return Response.json({ ID: "SIMU:LATE:D", Name: "sim" });
      case "/events":
        this.#count("events");
        return json(this.#follow());
      case "/containers/json": {
        const filters = JSON.parse(url.searchParams.get("filters") ?? "{}");
        if (filters.id === undefined) {
          this.#count("list");
          return json(this.#list());
        }
        this.#count("list_ids");
        this.#idsAsked += filters.id.length;
        return json(this.#join(filters.id.map((id: string) => this.#containers.get(id))));
      }
      default:
        this.#count("unknown");
        return Response.json({ message: "page not found" }, { status: 404 });
    }
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) {
      const index = this.#next++;
      const id = simId(index);
      const container: SimContainer = {
        index,
        id,
        labels: this.#labelsOf(index),
        state: "running",
        exitCode: 0,
        health: index % 4 === 0 ? "healthy" : null,
        bytes: null,
      };
      this.#containers.set(id, container);
      if (this.#followers.size > 0) this.#emit("start", container);
    }
    this.#listing = null;
  }

  async #control(what: string, request: Request): Promise<Response> {
    const body = await request.json();
    switch (what) {
      case "change":
        this.#change(body);
        break;
      case "burst":
        await this.#spread(body, (container) => {
          this.#change({
            indexes: [container.index],
            state: container.state === "running" ? "exited" : "running",
          });
        });
        break;
      case "chatter":
        await this.#spread(body, (container) => this.#emit("exec_start: /bin/check", container));
        break;
      case "add":
        this.add(body.count);
        break;
      case "remove":
        for (const index of body.indexes) {
          const container = this.#containers.get(simId(index));
          if (container === undefined) continue;
          this.#containers.delete(container.id);
          this.#listing = null;
          this.#emit("destroy", container);
        }
        break;
      case "cut":
        for (const follower of this.#followers) follower.close();
        this.#followers.clear();
        break;
      case "reset":
        this.#requests = {};
        this.#idsAsked = 0;
        this.#events = 0;
        break;
      case "truth":
        return Response.json([...this.#containers.values()].map(({ id, state }) => [id, state]));
      case "stats":
        return Response.json(
          {
            requests: this.#requests,
            idsAsked: this.#idsAsked,
            followers: this.#followers.size,
            containers: this.#containers.size,
            events: this.#events,
          } satisfies SimStats,
        );
      default:
        return new Response(`no such control: ${what}`, { status: 404 });
    }
    return Response.json({});
  }

  #change(change: SimChange): void {
    for (const index of change.indexes) {
      const container = this.#containers.get(simId(index));
      if (container === undefined) continue;
      container.state = change.state;
      container.exitCode = change.exitCode ?? 0;
      if (change.health !== undefined) container.health = change.health;
      container.bytes = null;
      this.#listing = null;
      if (change.events === false) continue;
      const action = { running: "start", exited: "die", paused: "pause", restarting: "die" };
      this.#emit(action[change.state], container);
    }
  }

  async #spread(burst: SimBurst, step: (container: SimContainer) => void): Promise<void> {
    const started = performance.now();
    for (let i = 0; i < burst.events; i++) {
      const due = started + (burst.overMs ?? 0) * i / burst.events;
      const early = due - performance.now();
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
      const container = this.#containers.get(simId(i % burst.containers));
      if (container !== undefined) step(container);
    }
  }

  #emit(action: string, container: SimContainer): void {
    this.#events++;
    if (this.#followers.size === 0) return;
    const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const event = JSON.stringify({
      status: action,
      id: container.id,
      from: "example/app:1",
      Type: "container",
      Action: action,
      Actor: {
        ID: container.id,
        Attributes: {
          ...container.labels,
          exitCode: String(container.exitCode),
          name: name(container),
        },
      },
      scope: "local",
      time: Math.floor(micros / 1e6),
    });
    const line = encoder.encode(`${event.slice(0, -1)},"timeNano":${micros}000}\n`);
    for (const follower of this.#followers) follower.enqueue(line);
  }

  #follow(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let controller: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (own) => {
        controller = own;
        this.#followers.add(own);
      },
      cancel: () => {
        this.#followers.delete(controller);
      },
    });
  }

  #list(): Uint8Array<ArrayBuffer> {
    return this.#listing ??= this.#join([...this.#containers.values()]);
  }

  #join(containers: readonly (SimContainer | undefined)[]): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    let length = 2;
    for (const container of containers) {
      if (container === undefined) continue;
      if (parts.length > 0) parts.push(COMMA);
      parts.push(container.bytes ??= encoder.encode(render(container)));
      length += parts.at(-1)!.length + (parts.length > 1 ? 1 : 0);
    }
    const all = new Uint8Array(length);
    all[0] = 0x5b; // [
    all[length - 1] = 0x5d; // ]
    let at = 1;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #labelsOf(index: number): Record<string, string> {
    if (this.#labels === null) return simLabels(index);
    const entry = this.#labels[index % this.#labels.length] ?? {};
    return Object.fromEntries(
      Object.entries(entry).map(([key, value]) => [key, value.replaceAll("$i", String(index))]),
    );
  }

  #count(endpoint: string): void {
    this.#requests[endpoint] = (this.#requests[endpoint] ?? 0) + 1;
  }
}

function json(body: BodyInit): Response {
  return new Response(body, { headers: { "content-type": "application/json" } });
}

function name(container: SimContainer): string {
  return `sim-container-${container.index}`;
}

/** About 900 bytes with the built-in labels, with what a real Engine sends and nobody reads. */
function render(container: SimContainer): string {
  const { index, state, health } = container;
  const image = `registry.example.com/team/app-${index % 40}:1.${index % 7}`;
  const status = {
    running: health === null ? "Up 3 hours" : `Up 3 hours (${health})`,
    exited: `Exited (${container.exitCode}) 3 hours ago`,
    paused: "Up 3 hours (Paused)",
    restarting: `Restarting (${container.exitCode}) 3 seconds ago`,
  }[state] ?? "";
  const address = `172.17.${(index >> 8) & 255}.${index & 255}`;
  return JSON.stringify({
    Id: container.id,
    Names: [`/${name(container)}`],
    Image: image,
    ImageID: `sha256:${hex(index % 40, 64)}`,
    Command: "/docker-entrypoint.sh app --listen :8080",
    Created: 1_700_000_000 + index,
    Ports: index % 3 === 0
      ? [
        { IP: "0.0.0.0", PrivatePort: 8080, PublicPort: 20000 + index % 10000, Type: "tcp" },
        { IP: "::", PrivatePort: 8080, PublicPort: 20000 + index % 10000, Type: "tcp" },
      ]
      : [{ PrivatePort: 8080, Type: "tcp" }],
    Labels: container.labels,
    State: state,
    Status: status,
    HostConfig: { NetworkMode: "bridge" },
    NetworkSettings: {
      Networks: {
        bridge: {
          NetworkID: hex(1, 64),
          Gateway: "172.17.0.1",
          IPAddress: address,
        },
      },
    },
    Mounts: [],
  });
}

/** Looks random, is the same for the same number. */
function hex(number: number, digits: number): string {
  let text = "";
  let x = (number + 1) * 2654435761 >>> 0;
  while (text.length < digits) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    text += (x >>> 0).toString(16).padStart(8, "0");
  }
  return text.slice(0, digits);
}

async function main(args: readonly string[]): Promise<void> {
  const value = (flag: string) => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args[at + 1];
  };
  const path = value("--socket");
  if (path === undefined) throw new Error("Cannot start: --socket PATH is missing");
  const labels = value("--labels");
  const simulation = new Simulation(
    Number(value("--containers") ?? 10_000),
    labels === undefined ? null : JSON.parse(await Deno.readTextFile(labels)),
  );
  const server = Deno.serve({
    path,
    onListen: () => Deno.stdout.writeSync(encoder.encode(`listening on ${path}\n`)),
  }, (request) => simulation.handle(request));
  if (args.includes("--exit-with-stdin")) {
    // Whoever started it holds the other end: it ends with that process, however that ends.
    for await (const _ of Deno.stdin.readable);
    Deno.exit(0);
  }
  await server.finished;
}

if (import.meta.main) await main(Deno.args);

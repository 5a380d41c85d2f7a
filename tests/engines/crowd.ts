/**
 * A simulated Engine for size: thousands of containers from prepared bytes, so that what is
 * measured is the client's side. Faultless; for faults see `scripted.ts`. Starts it as a process of
 * its own (`crowd_simulation.ts`) and steers it from a test; must not answer as one itself.
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
  /** For how long its `Status` says that it has been so. */
  readonly minutes?: number;
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

const SIMULATION = new URL("./crowd_simulation.ts", import.meta.url).pathname;

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
    args.push(SIMULATION, "--socket", path, "--exit-with-stdin");
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

/** Looks random, is the same for the same number. */
export function hex(number: number, digits: number): string {
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

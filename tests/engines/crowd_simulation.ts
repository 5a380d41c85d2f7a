/**
 * The process of the simulated Engine that `crowd.ts` starts, or by hand:
 *
 *     deno run --allow-net --allow-read --allow-write tests/engines/crowd_simulation.ts --socket PATH --containers 10000
 *
 * Beside the Engine's API it answers `/sim/…` on the same socket, with which containers are
 * changed and counters read; `SimEngine` has a method for each.
 *
 * @module
 */

import { hex, type SimBurst, type SimChange, simId, simLabels, type SimStats } from "./crowd.ts";
import { type Endpoint, endpointOf, eventLine, parseFilters, statusOf } from "./wire.ts";

interface SimContainer {
  readonly index: number;
  readonly id: string;
  readonly labels: Record<string, string>;
  state: string;
  exitCode: number;
  health: string | null;
  minutes: number;
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
    const filters = parseFilters(url.searchParams.get("filters"));
    const endpoint = endpointOf(url.pathname.replace(/^\/v\d+\.\d+/, ""), filters);
    this.#count(endpoint);
    switch (endpoint) {
      case "ping":
        return new Response("OK", { headers: { "api-version": "1.41" } });
      case "version":
        return Response.json({ ApiVersion: "1.41", MinAPIVersion: "1.12", Version: "20.10.24" });
      case "info":
        return Response.json({ ID: "SIMU:LATE:D", Name: "sim" });
      case "events":
        return json(this.#follow());
      case "list":
        return json(this.#list());
      case "list_ids": {
        const ids = filters["id"] ?? [];
        this.#idsAsked += ids.length;
        return json(this.#join(ids.map((id) => this.#containers.get(id))));
      }
      case "inspect":
      case "image":
      case "top":
      case "unknown":
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
        minutes: 3,
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
      if (change.minutes !== undefined) container.minutes = change.minutes;
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
    const line = encoder.encode(eventLine(action, {
      id: container.id,
      name: name(container),
      image: "example/app:1",
      labels: container.labels,
    }, {
      nano: BigInt(micros) * 1000n,
      attributes: { exitCode: String(container.exitCode) },
    }));
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

  #count(endpoint: Endpoint): void {
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
  const { index, state } = container;
  const image = `registry.example.com/team/app-${index % 40}:1.${index % 7}`;
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
    Status: statusOf(container),
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

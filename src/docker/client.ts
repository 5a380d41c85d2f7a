/**
 * Asks the Engine: every container, some of them, its id, its events. Each answer comes within a
 * deadline and complete, or not at all. Knows nothing of workloads, must not retry on its own and
 * must not remember what it was told (but for the API version agreed on).
 *
 * @module
 */

import { type DockerEndpoint, isEngineFailure, isFailure } from "../failure.ts";
import type { Listing } from "../model/container.ts";
import { chunksOf, readText } from "../http/body.ts";
import { Deadline } from "../http/deadline.ts";
import { isForbidden } from "./error.ts";
import { decodeEvents, type EngineEvent } from "./events.ts";
import type { DockerHost } from "../docker_host.ts";
import type { ContainerDetails } from "../model/details.ts";
import { decodeDetails } from "./inspect.ts";
import { ListingReader } from "./listing.ts";
import { type Ask, type AskedFor, type Observe, readJson, Transport } from "./transport.ts";
import { type EngineVersion, identify, negotiate, negotiateBlindly, type Pong } from "./version.ts";
import { decodeListing } from "./wire.ts";

/** Time within which an answer must have come completely, milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** How a {@link DockerClient} asks. */
export interface DockerClientOptions {
  /** The Engine's address. */
  readonly host: DockerHost;
  /** Deadline of each call, from connecting to the last byte, milliseconds; 10 s by default. */
  readonly timeoutMs?: number;
  /**
   * Called once for each request when it ends (for `events`: when the stream opens) with `ok`,
   * `aborted` or the code of its `Failure` without `engine-`.
   */
  readonly observe?: Observe;
  /** Longest answer that is read, bytes after decompression; 256 MiB by default. */
  readonly maxBytes?: number;
}

/** What every call takes. */
export interface AskOptions {
  /** Ends the call; its reason is what the call throws then. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline, milliseconds; the client's by default. */
  readonly timeoutMs?: number | undefined;
}

/** What {@linkcode DockerClient.list} takes. */
export interface ListOptions extends AskOptions {
  /** Only these containers, by full id; all when left out. */
  readonly ids?: Iterable<string> | undefined;
}

/** What {@linkcode DockerClient.events} takes. */
export interface EventsOptions extends AskOptions {
  /** Also what the Engine remembers since then, milliseconds since the Unix epoch. */
  readonly since?: number | undefined;
  /** Called once, when the Engine has accepted the subscription. */
  readonly onOpen?: (() => void) | undefined;
  /** Called for each line that is no event, with why. */
  readonly onGarbage?: ((why: string) => void) | undefined;
  /** Called for each line that is too long to be read, whatever it told. */
  readonly onSkipped?: (() => void) | undefined;
}

/** Asks one Engine; opens nothing until asked, to be closed at the end. */
export class DockerClient implements Disposable {
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #maxBytes: number | undefined;
  readonly #closing = new AbortController();
  readonly #listings = new ListingReader();
  #version: EngineVersion | undefined;

  /** Inert: connects with the first request. */
  constructor(options: DockerClientOptions) {
    this.#transport = new Transport(options.host, options.observe ?? (() => {}));
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#maxBytes = options.maxBytes;
  }

  /**
   * Every container of the Engine, or exactly those of `ids` that exist. Complete or an error:
   * throws `Failure`, or the signal's reason.
   */
  async list(options: ListOptions = {}): Promise<Listing> {
    const ids = options.ids === undefined ? null : new Set(options.ids);
    if (ids?.size === 0) return { scope: ids, containers: [] };
    const endpoint = ids === null ? "list" : "list_ids";
    const filters = ids === null ? "" : `&filters=${encode({ id: [...ids] })}`;
    using deadline = this.#deadline(options);
    const containers = await this.#ask(endpoint, `/containers/json?all=1${filters}`, {
      deadline,
      read: ids === null
        ? (response, ask) => this.#listings.read(response, ask)
        : async (response, ask) => decodeListing(await readJson(response, ask), { endpoint }),
    });
    if (ids === null) return { scope: "all", containers };
    // The Engine takes an id for a prefix or a pattern: what else matched was not asked for.
    return { scope: ids, containers: containers.filter((container) => ids.has(container.id)) };
  }

  /**
   * What a listing does not tell of the container with this full id; null when it is not there. Throws
   * `Failure`, or the signal's reason.
   */
  async inspect(id: string, options: AskOptions = {}): Promise<ContainerDetails | null> {
    using deadline = this.#deadline(options);
    try {
      return await this.#ask("inspect", `/containers/${encodeURIComponent(id)}/json`, {
        deadline,
        read: async (response, ask) => decodeDetails(await readJson(response, ask)),
      });
    } catch (error) {
      if (isFailure(error, "engine-http") && error.data.status === 404) return null;
      throw error;
    }
  }

  /**
   * The Engine's id: the same for as long as the Engine keeps its containers. Throws
   * `Failure`, or the signal's reason.
   */
  async engineId(options: AskOptions = {}): Promise<string> {
    using deadline = this.#deadline(options);
    const info = await this.#ask("info", "/info", {
      deadline,
      read: readJson,
    });
    return identify(info, await this.#agree("info", deadline));
  }

  /** What the Engine's clock says now, milliseconds since the Unix epoch; null where it does not tell. */
  async clock(options: AskOptions = {}): Promise<number | null> {
    using deadline = this.#deadline(options);
    const info = await this.#ask("info", "/info", { deadline, read: readJson });
    const { SystemTime: time } = (info ?? {}) as { SystemTime?: unknown };
    const ms = typeof time === "string" ? Date.parse(time) : NaN;
    return Number.isNaN(ms) ? null : ms;
  }

  /**
   * Lists a running container's processes and forgets them: changes nothing, and Docker announces
   * it. Throws `Failure`, or the signal's reason.
   */
  async top(id: string, options: AskOptions = {}): Promise<void> {
    using deadline = this.#deadline(options);
    const path = `/containers/${encodeURIComponent(id)}/top`;
    await this.#ask("top", path, { deadline, read: readJson });
  }

  /** Id of the image that this reference names; null for none. Throws `Failure`, or the signal's reason. */
  async imageId(ref: string, options: AskOptions = {}): Promise<string | null> {
    using deadline = this.#deadline(options);
    // Docker takes the slashes of a name as they are.
    const name = ref.split("/").map(encodeURIComponent).join("/");
    try {
      const image = await this.#ask("image", `/images/${name}/json`, { deadline, read: readJson });
      const { Id: id } = (image ?? {}) as { Id?: unknown };
      return typeof id === "string" ? id : null;
    } catch (error) {
      if (isFailure(error, "engine-http") && error.data.status === 404) return null;
      throw error;
    }
  }

  /** What was agreed on with the Engine. Throws `Failure`, or the signal's reason. */
  async version(options: AskOptions = {}): Promise<EngineVersion> {
    using deadline = this.#deadline(options);
    return await this.#agree("version", deadline);
  }

  /**
   * Whether listings tell how healthy containers are: Podman's don't, and its events do. True until
   * something else is known.
   */
  get listsHealth(): boolean {
    return this.#version?.kind !== "podman";
  }

  /** Resolves when the Engine answers. Throws `Failure`, or the signal's reason. */
  async ping(options: AskOptions = {}): Promise<void> {
    using deadline = this.#deadline(options);
    await this.#ping("ping", deadline);
  }

  /**
   * What happens to containers from now on. The deadline holds until the stream is open, then
   * there is none. Ends when the Engine ends the stream, which is normal; throws `Failure`, or
   * the signal's reason. Nothing is asked before the first `next()`.
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<EngineEvent, void, undefined> {
    using deadline = this.#deadline(options);
    const since = options.since === undefined ? "" : `&since=${(options.since / 1000).toFixed(6)}`;
    const body = await this.#ask("events", `/events?filters=${encode(FOLLOWED)}${since}`, {
      deadline,
      read: (response) => Promise.resolve(response.body),
    });
    deadline.lift();
    options.onOpen?.();
    if (body === null) return;
    try {
      yield* decodeEvents(chunksOf(body, deadline.signal), options);
    } catch (error) {
      throw this.#transport.explain(error, { purpose: "events", deadline });
    }
  }

  /** Ends every call under way with an `AbortError`; idempotent. */
  close(): void {
    this.#closing.abort(new DOMException("The Docker client was closed", "AbortError"));
    this.#transport[Symbol.dispose]();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #deadline(options: AskOptions): Deadline {
    const sources = [this.#closing.signal, options.signal];
    return new Deadline(options.timeoutMs ?? this.#timeoutMs, sources);
  }

  /** Asks under the agreed version; agrees once more when another Engine answers by now. */
  async #ask<T>(
    endpoint: DockerEndpoint,
    path: string,
    options: Pick<Ask<T>, "deadline" | "read">,
  ): Promise<T> {
    const { deadline, read } = options;
    for (;;) {
      const remembered = this.#version !== undefined;
      const { apiVersion } = await this.#agree(endpoint, deadline);
      try {
        return await this.#transport.ask({
          endpoint,
          purpose: endpoint,
          path: apiVersion === "" ? path : `/v${apiVersion}${path}`,
          deadline,
          maxBytes: this.#maxBytes,
          read,
        });
      } catch (error) {
        // An answer, however bad, is this Engine's. After all else, another may be next.
        if (!isEngineFailure(error)) throw error;
        if (isFailure(error, "engine-http", "engine-malformed")) throw error;
        this.#version = undefined;
        if (!isFailure(error, "engine-api-version") || !remembered) throw error;
      }
    }
  }

  async #agree(purpose: DockerEndpoint, deadline: Deadline): Promise<EngineVersion> {
    if (this.#version !== undefined) return this.#version;
    const pong = await this.#ping(purpose, deadline).catch(unlessForbidden);
    const read = async (response: Response, ask: AskedFor) =>
      negotiate(pong?.apiVersion ?? null, await readJson(response, ask), { purpose });
    const version = await this.#transport.ask({
      endpoint: "version",
      purpose,
      path: "/version",
      deadline,
      read,
    }).catch(unlessForbidden);
    return this.#version = version ?? negotiateBlindly(pong ?? UNTOLD, { purpose });
  }

  #ping(purpose: DockerEndpoint, deadline: Deadline): Promise<Pong> {
    return this.#transport.ask({
      endpoint: "ping",
      purpose,
      path: "/_ping",
      deadline,
      read: async ({ body, headers }) => {
        await readText(body, { signal: deadline.signal, limit: 1024 });
        return {
          apiVersion: headers.get("api-version"),
          podman: headers.has("libpod-api-version"),
        };
      },
    });
  }
}

/** What a ping tells that may not be asked. */
const UNTOLD: Pong = { apiVersion: null, podman: false };

/** Goes on without an answer that a proxy keeps back; throws anything else. */
function unlessForbidden(error: unknown): null {
  if (isForbidden(error)) return null;
  throw error;
}

// Of networks, because to be connected to one changes a container's ports without an event of its own.
const FOLLOWED = { type: ["container", "network"] };

function encode(filters: Record<string, string[]>): string {
  return encodeURIComponent(JSON.stringify(filters));
}

/**
 * The one way in which a command reads or changes something: requests of the HTTP API, answered by
 * the running daemon or, without one, in this process: under the lock, or over the index opened to
 * be read. Must not know what the requests mean, so that both ways validate and fail alike.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { OpenData } from "../data.ts";
import { unkept } from "../core/freshness.ts";
import { isFailure } from "../failure.ts";
import { Log } from "../telemetry/log.ts";
import { checkPieces, readAnswer } from "./answer.ts";
import { CommandError, type CommandLine } from "./command.ts";
import { VERSION } from "./commands/version.ts";
import { indexExists, noIndex } from "./data_dir.ts";
import { otherDaemonHint, refuseSecondIndex, refuseWithout, withoutIndex } from "./other_daemon.ts";
import { quotePath } from "../text.ts";
import {
  type Answer,
  type AnswerInPieces,
  type DaemonClient,
  DaemonGone,
  findDaemon,
} from "./daemon_socket.ts";

/** Answers requests that change nothing. */
export interface ReadApi {
  /** Whether a hub answers: the index is of many hosts. */
  readonly many: boolean;
  /**
   * The answer's JSON.
   *
   * @throws {CommandError} The answer is an error, or there is none.
   */
  get<T>(path: string): Promise<T>;
  /** The same in UTF-8, for whoever only hands it on. */
  getInPieces(path: string): Promise<readonly Uint8Array[]>;
}

/** Answers requests of the HTTP API. */
export interface Api extends ReadApi {
  /**
   * The answer's JSON; undefined where it has none.
   *
   * @throws {CommandError} The answer is an error, or there is none.
   */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/** Makes requests. */
export interface Asking {
  /** Makes one, with a JSON body where there is one. */
  ask(path: string, request?: { method: string; body: unknown }): Promise<Answer>;
  /** The same without a body, of an answer that is only handed on. */
  askInPieces(path: string): Promise<AnswerInPieces>;
}

/**
 * Another process that works for a moment, or a daemon that starts, is waited for this long: on a busy
 * machine a moment has some seconds, and a pass of `--once` takes as long as an Engine's answer may.
 */
const LOCK_PATIENCE_MS = 12_000;
const LOCK_RETRY_MS = 100;

/** A daemon that has not answered a read by then hangs; milliseconds. */
export const READ_TIMEOUT_MS = 5000;

/** The same where the daemon asks its Engine first, and waits for that as long as it may. */
export const ENGINE_TIMEOUT_MS = 12_000;

/** The same where the answer waits for a pass, which may wait for the one before it. */
export const PASS_TIMEOUT_MS = 60_000;

/**
 * Runs `use` with an API whose requests nobody else's get between, unless a daemon answers them.
 *
 * @param options `creates`: makes an index where there is none; without it that is an error, so
 *   that a mistyped data directory is not made. `action`: what can't be done where the index of this
 *   host is another user's.
 * @throws {CommandError | Failure}
 */
export async function withApi<T>(
  config: Config,
  use: (api: Api) => Promise<T>,
  options: { creates?: boolean; action?: string } = {},
): Promise<T> {
  const { creates = false, action = "reach the index" } = options;
  // Its daemon may be had where the directory itself may not be looked into.
  const exists = await indexExists(config.dataDir).catch((error: Error) => error);
  let deadline = Date.now() + LOCK_PATIENCE_MS;
  let holder: number | null = null;
  for (;;) {
    const answered = { any: false };
    const daemon = await findDaemon(config.dataDir).catch((error) => {
      throw exists instanceof Error ? exists : error;
    });
    try {
      if (daemon !== null) return await throughDaemon(daemon, use, { answered });
      if (exists instanceof Error) throw exists;
      if (!exists && !creates) throw await withoutIndex(action, config);
      await refuseSecondIndex(config);
      const { ownData } = await import("../data.ts");
      return await inProcess(config, await ownData(config.dataDir), use);
    } catch (error) {
      // Only what was thrown before anything was asked: the lock's holder is another command, soon
      // done, or a daemon that does not listen yet; or the daemon has just stopped.
      const held = isFailure(error, "lock-held");
      const gone = error instanceof DaemonGone && !answered.any;
      if (!held && !gone) throw error;
      const { pid = null } = held ? error.data : {};
      if (pid !== null && pid !== holder) {
        // Each of several has its own.
        holder = pid;
        deadline = Date.now() + LOCK_PATIENCE_MS;
      } else if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }
}

/**
 * Runs `use` with an API to read from; with null where there is no index yet. What a daemon doesn't
 * answer is read from disk, from the beginning, after a message on stderr.
 *
 * @param options `timeoutMs`: when a daemon hangs, milliseconds. Default 5 s. `silent`: no message.
 *   `fresh`: what the Engine has now is asked for, which what is on disk does not tell.
 * @throws {CommandError | Failure}
 */
export async function withIndex<T>(
  line: CommandLine,
  use: (api: ReadApi | null) => Promise<T>,
  options: { timeoutMs?: number; silent?: boolean; fresh?: boolean } = {},
): Promise<T> {
  const { silent = false, fresh = false } = options;
  const { timeoutMs = fresh ? PASS_TIMEOUT_MS : READ_TIMEOUT_MS } = options;
  const config = line.config();
  // Whatever is in the socket's way is in the way of what asks the Engine, and of writes: the index
  // is there to be read.
  let beside = false;
  const daemon = await findDaemon(config.dataDir).catch(async (error) => {
    if (fresh && await indexExists(config.dataDir)) throw error;
    beside = true;
    return null;
  });
  if (daemon === null) {
    const other = silent ? null : await refuseWithout("read the index", config);
    if (other !== null) {
      line.out.notes(
        `This is not the index that ${other.whose} keeps of this host (${other.where}), but ` +
          `${quotePath(config.dataDir)}.`,
        `hint: ${otherDaemonHint(other, config)}`,
      );
    }
    return await onDisk(config, use, { beside });
  }
  try {
    return await throughDaemon(daemon, use, { timeoutMs });
  } catch (error) {
    const unanswered = error instanceof CommandError && UNANSWERED.has(error.code);
    if (fresh || !unanswered || !await indexExists(config.dataDir)) throw error;
    if (!silent && !(error instanceof DaemonGone)) {
      line.out.notes(`${error.message}. What follows was read from disk.`);
    }
    return await onDisk(config, use, { beside: true });
  }
}

/** Codes of errors that are no answer to what was asked. */
const UNANSWERED: ReadonlySet<string> = new Set(["unreachable", "stopping"]);

/**
 * As {@link withIndex}, for commands that can do nothing without an index.
 *
 * @throws {CommandError | Failure} Also when there is none yet.
 */
export function requireIndex<T>(
  line: CommandLine,
  use: (api: ReadApi) => Promise<T>,
): Promise<T> {
  return withIndex(line, async (api) => {
    if (api === null) throw noIndex(line.config().dataDir);
    return await use(api);
  });
}

/**
 * Reads the index without asking whether a daemon runs.
 *
 * @param options `beside`: one does and does not answer. Its Engine is not asked in its place: which
 *   one that is it alone knows.
 * @throws {CommandError | Failure}
 */
export async function onDisk<T>(
  config: Config,
  use: (api: ReadApi | null) => Promise<T>,
  { beside = false }: { beside?: boolean } = {},
): Promise<T> {
  if (!await indexExists(config.dataDir)) return await use(null);
  const data = await readWhole(config.dataDir);
  return data === null ? await use(null) : await inProcess(config, data, use, { beside });
}

/** The index, once a daemon that starts has made it whole; null where there is nothing in it yet. */
async function readWhole(dataDir: string): Promise<OpenData | null> {
  const { readData } = await import("../data.ts");
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return await readData(dataDir);
    } catch (error) {
      if (!isFailure(error, "not-found")) throw error;
      if (error.data.thing === "index") return null;
      const { readOwner } = await import("../lock/lock.ts");
      const starting = error.data.thing === "schema" && readOwner(dataDir)?.live === true;
      if (!starting || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }
}

async function throughDaemon<T>(
  daemon: DaemonClient,
  use: (api: Api) => Promise<T>,
  { answered, timeoutMs }: { answered?: { any: boolean }; timeoutMs?: number },
): Promise<T> {
  using open = daemon;
  const timeout = timeoutMs === undefined ? {} : { timeoutMs };
  const noted = <A>(answer: A): A => {
    if (answered !== undefined) answered.any = true;
    return answer;
  };
  return await use(apiOf({ many: open.isHub }, {
    ask: async (path, request) => noted(await open.ask(path, { ...request, ...timeout })),
    askInPieces: async (path) => noted(await open.askInPieces(path, timeout)),
  }));
}

async function inProcess<T>(
  config: Config,
  data: OpenData,
  use: (api: Api) => Promise<T>,
  { beside = false }: { beside?: boolean } = {},
): Promise<T> {
  const { assemble } = await import("../daemon.ts");
  await using parts = assemble(config, data, {
    // What goes wrong is the answer, and the answer becomes this command's message. Faults of the
    // program are told for who looks for them.
    log: config.logLevel === "debug" ? new Log({ level: "debug" }) : new Log({ write() {} }),
    version: VERSION,
  });
  const app = await parts.app({
    status: null,
    readiness: () => ({
      ready: false,
      lastPass: null,
      index: unkept(parts.store.hosts.lastPassAt()),
    }),
    reconcileNow: null,
    requestPass: () => {},
    ...beside && await withoutEngine(),
  });
  return await use(apiOf({ many: false }, {
    ask: async (path, request) => {
      const response = await app.request(path, {
        method: request?.method ?? "GET",
        ...(request?.body !== undefined && {
          body: JSON.stringify(request.body),
          headers: { "content-type": "application/json" },
        }),
      });
      const { ok, status } = response;
      return { ok, status, text: await response.text() };
    },
    askInPieces: async (path) => {
      const { ok, status, body } = await app.request(path);
      return { ok, status, pieces: body === null ? [] : await Array.fromAsync(body) };
    },
  }));
}

/** What asks the Engine, where that is for another to do. */
async function withoutEngine() {
  const { ProblemDetails } = await import("../server/problem_details.ts");
  // deno-lint-ignore require-await -- it rejects, as the Engine's client does
  const refuse = async () => {
    throw new ProblemDetails("no-daemon", "Cannot ask the Engine: the daemon does not answer");
  };
  return { dispatched: refuse, listContainers: refuse, inspectContainer: refuse };
}

/** The API over whatever makes its requests. */
export function apiOf({ many }: Pick<ReadApi, "many">, asking: Asking): Api {
  return {
    many,
    get: async (path) => readAnswer(await asking.ask(path)),
    getInPieces: async (path) => checkPieces(await asking.askInPieces(path)),
    request: async (method, path, body) => readAnswer(await asking.ask(path, { method, body })),
  };
}

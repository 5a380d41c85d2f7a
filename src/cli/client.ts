/**
 * The one way in which a command changes something: a request of the HTTP API, answered by the
 * running daemon or, without one, in this process under the lock. Must not know what the requests
 * mean, so that both ways validate and fail alike.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { isFailure } from "../failure.ts";
import { CommandError, EXIT } from "./command.ts";
import { indexExists, noIndex } from "./data_dir.ts";
import { type Answer, type Daemon, DaemonGone, findDaemon } from "./daemon_socket.ts";
import { Log } from "../telemetry/log.ts";
import { VERSION } from "./commands/version.ts";
import { hintForProblem } from "./words.ts";

/** Answers requests of the HTTP API. */
export interface Api {
  /**
   * The answer's JSON; undefined where it has none.
   *
   * @throws {CommandError} The answer is an error, or there is none.
   */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/** Another process that works for a moment is waited for this long. */
const LOCK_PATIENCE_MS = 2000;
const LOCK_RETRY_MS = 100;

/**
 * Runs `use` with an API whose requests nobody else's get between, unless a daemon answers them.
 *
 * @param options `creates`: makes an index where there is none; without it that is an error, so
 *   that a mistyped data directory is not made.
 * @throws {CommandError | Failure}
 */
export async function withApi<T>(
  config: Config,
  use: (api: Api) => Promise<T>,
  options: { creates?: boolean } = {},
): Promise<T> {
  const exists = await indexExists(config.dataDir);
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    const answered = { any: false };
    const daemon = await findDaemon(config.dataDir);
    try {
      if (daemon !== null) return await throughDaemon(daemon, use, answered);
      if (!exists && !options.creates) throw noIndex(config.dataDir);
      return await inProcess(config, use);
    } catch (error) {
      // Only what was thrown before anything was asked: the lock's holder is another command, soon
      // done, or a daemon that does not listen yet; or the daemon has just stopped.
      const held = isFailure(error, "lock-held");
      const gone = error instanceof DaemonGone && !answered.any;
      if (!held && !gone || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }
}

/**
 * The answer's JSON.
 *
 * @throws {CommandError} What an error answer says.
 */
export function readAnswer<T>({ ok, status, text }: Answer): T {
  if (!ok) throw problemError(status, text);
  try {
    return (text === "" ? undefined : JSON.parse(text)) as T;
  } catch (cause) {
    throw new CommandError("Cannot read the daemon's answer: it is not JSON", { cause });
  }
}

async function throughDaemon<T>(
  daemon: Daemon,
  use: (api: Api) => Promise<T>,
  answered: { any: boolean },
): Promise<T> {
  using open = daemon;
  return await use({
    request: async <T>(method: string, path: string, body?: unknown) => {
      const answer = await open.ask(path, { method, body });
      answered.any = true;
      return readAnswer<T>(answer);
    },
  });
}

async function inProcess<T>(config: Config, use: (api: Api) => Promise<T>): Promise<T> {
  const [{ assemble }, { ownData }] = await Promise.all([
    import("../daemon.ts"),
    import("../data.ts"),
  ]);
  await using parts = assemble(config, await ownData(config.dataDir), {
    // What goes wrong is the answer, and the answer becomes this command's message. Faults of the
    // program are told for who looks for them.
    log: config.logLevel === "debug" ? new Log({ level: "debug" }) : new Log({ write() {} }),
    version: VERSION,
  });
  const app = await parts.app({
    status: () => {
      throw new TypeError("Cannot tell a daemon's status: there is none");
    },
    readiness: () => ({ ready: false, lastPass: null }),
    reconcileNow: null,
    requestPass: () => {},
  });
  return await use({
    request: async <T>(method: string, path: string, body?: unknown) => {
      const response = await app.request(path, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
      });
      const { ok, status } = response;
      return readAnswer<T>({ ok, status, text: await response.text() });
    },
  });
}

/** The members of a problem document (RFC 9457) that are read, each of which may lack. */
interface Problem {
  readonly code?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly hint?: unknown;
  readonly data?: unknown;
  readonly errors?: unknown;
}

function problemError(status: number, text: string): CommandError {
  const { code, title, detail, hint, data, errors } = parseProblem(text);
  const said = [detail, title].filter((each) => typeof each === "string")[0] ??
    `the answer is ${status}`;
  const fields = (Array.isArray(errors) ? errors : [])
    // The first ones stand in the detail already.
    .filter(({ message }) => !said.includes(message))
    .map(({ path, message }) => path ? `${path}: ${message}` : `${message}`);
  const message = [said, ...fields].join("; ");
  return new CommandError(message.startsWith("Cannot ") ? message : `Cannot do it: ${message}`, {
    exitCode: EXIT_CODES[String(code)] ?? EXIT.failed,
    // What the API says is for who sends requests; here there are commands.
    hint: hintForProblem(code, data) ?? (typeof hint === "string" ? hint : ""),
  });
}

const EXIT_CODES: Readonly<Record<string, number>> = {
  "malformed": EXIT.usage,
  "invalid": EXIT.usage,
  "pass-failed": EXIT.unreachable,
  "pass-timeout": EXIT.unreachable,
  "stopping": EXIT.unreachable,
};

function parseProblem(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null ? problem : {};
  } catch {
    return {};
  }
}

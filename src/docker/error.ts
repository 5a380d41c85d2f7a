/**
 * What can go wrong between this program and the Engine, and the one place that tells the codes
 * apart. Does no I/O and must not retry, log or decide what follows.
 *
 * @module
 */

import {
  type DockerEndpoint,
  type EngineCode,
  Failure,
  type FailureCode,
  type FailureData,
  isFailure,
  type RejectedSocket,
} from "../failure.ts";
import { reasonOf } from "../http/reason.ts";
import { quote, quotePath } from "../text.ts";

/** What each request is for, in words that follow "Cannot". */
const PURPOSE: Record<DockerEndpoint, string> = {
  host: "use Docker host",
  ping: "reach the Engine",
  version: "agree with the Engine on an API version",
  info: "read the Engine's id",
  list: "list containers",
  list_ids: "read containers",
  events: "follow the Engine's events",
  inspect: "inspect a container",
  top: "list a container's processes",
  image: "inspect an image",
};

/** What of a failure's data does not follow from what was being asked, and what was caught. */
export type Details<Code extends EngineCode> = Omit<FailureData[Code], "endpoint"> & {
  readonly cause?: unknown;
};

/** The codes of failed requests. */
export type RequestCode = Exclude<EngineCode, "engine-host">;

/** A request to the Engine that failed; `reason` completes "Cannot list containers: …". */
export function engineFailure<Code extends RequestCode>(
  code: Code,
  { endpoint, reason, ...details }: { endpoint: DockerEndpoint; reason: string } & Details<Code>,
): Failure<Code> {
  const { cause, ...known } = details;
  return new Failure(code, `Cannot ${PURPOSE[endpoint]}: ${reason}`, {
    // What is left of the details is what the code's data has besides the endpoint.
    data: { endpoint, ...known } as unknown as FailureData[Code],
    cause,
  });
}

/** The name of a failure's code in metrics: without the prefix that all of them have. */
export function outcomeOf(code: FailureCode): string {
  return code.replace(/^engine-/, "");
}

/** The answer breaks the API's promise; `what` says which part and where. */
export function malformed(
  endpoint: DockerEndpoint,
  what: string,
  cause?: unknown,
): Failure<"engine-malformed"> {
  return engineFailure("engine-malformed", { endpoint, reason: what, cause });
}

/**
 * The Engine answered with an error status; `text` is its body, JSON with a message as a rule, and
 * `path` what was asked for.
 */
export function httpError(
  endpoint: DockerEndpoint,
  answer: { status: number; text: string; path: string },
): Failure<"engine-http" | "engine-api-version"> {
  const { status, text, path } = answer;
  const message = engineMessage(text);
  const said = message === "" ? "" : `: ${quote(message, 500)}`;
  if (FORBIDDEN.has(status)) {
    const forbids = path.replace(/^\/v[\d.]+(?=\/)/, "").replace(/\?.*$/s, "");
    const reason =
      `a proxy in front of the Engine forbids GET ${forbids}, it answered ${status}${said}`;
    return engineFailure("engine-http", { endpoint, reason, status, forbids });
  }
  const reason = `the Engine answered ${status}${said}`;
  // The Engine has no status of its own for this: 400 and a sentence.
  return status === 400 && /client version [\d.]+ is too (old|new)/.test(message)
    ? engineFailure("engine-api-version", { endpoint, reason, status, old: "agreement" })
    : engineFailure("engine-http", { endpoint, reason, status });
}

/** What socket proxies answer to what they don't let through; no Engine does. */
const FORBIDDEN: ReadonlySet<number> = new Set([403, 405]);

/** Whether a proxy in front of the Engine doesn't let this question through. */
export function isForbidden(error: unknown): error is Failure<"engine-http"> {
  return isFailure(error, "engine-http") && error.data.forbids !== undefined;
}

/** No complete answer within `timeoutMs`. */
export function timeoutError(
  endpoint: DockerEndpoint,
  timeoutMs: number,
): Failure<"engine-timeout"> {
  const reason = `no complete answer within ${timeoutMs / 1000} s`;
  return engineFailure("engine-timeout", { endpoint, reason });
}

/** Tells apart why a request to `target` failed before or while it was answered. */
export function connectionError(
  endpoint: DockerEndpoint,
  target: string,
  options: { cause: unknown; rejected?: readonly RejectedSocket[] | undefined },
): Failure<RequestCode> {
  const { cause, rejected } = options;
  const text = reasonOf(cause);
  const at = quotePath(target);

  if (cause instanceof Deno.errors.NotCapable) {
    const reason = `this program was started without the right to open ${at}`;
    return engineFailure("engine-permission", { endpoint, reason, by: "runtime", cause });
  }
  if (/No such file or directory|Not a directory/.test(text)) {
    const reason = `there is no socket at ${at}`;
    const looked = rejected === undefined ? {} : { rejected };
    return engineFailure("engine-no-socket", { endpoint, reason, cause, ...looked });
  }
  if (/Permission denied|Operation not permitted/.test(text)) {
    const reason = `permission denied on ${at}`;
    return engineFailure("engine-permission", { endpoint, reason, by: "system", cause });
  }
  if (/Connection refused/.test(text)) {
    return engineFailure("engine-refused", { endpoint, reason: `nothing listens on ${at}`, cause });
  }
  if (/invalid HTTP|message head|header parsed/.test(text)) return malformed(endpoint, text, cause);
  const reason = `the connection to ${at} failed: ${text}`;
  const tls = /CaUsedAsEndEntity/.test(text) ? "authority" : /certificate|tls/i.test(text);
  return engineFailure("engine-connection", { endpoint, reason, tls, cause });
}

/** What is at the path is a file or a directory. */
export function noSocket(
  endpoint: DockerEndpoint,
  path: string,
  options: { cause: unknown },
): Failure<"engine-no-socket"> {
  const reason = `what is at ${quotePath(path)} is not a socket`;
  return engineFailure("engine-no-socket", { endpoint, reason, cause: options.cause });
}

/** The `message` of the Engine's error body, else the body itself, on one line and bounded. */
function engineMessage(text: string): string {
  let message = text;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "message" in body) {
      if (typeof body.message === "string") message = body.message;
    }
  } catch {
    // Not JSON: older Engines and proxies answer in plain text.
  }
  return message.trim();
}

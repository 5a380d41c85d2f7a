/**
 * What can go wrong between this program and the Engine: one error with a kind, and the one place
 * that tells the kinds apart. Does no I/O and must not retry, log or decide what follows.
 *
 * @module
 */

/**
 * Why the Engine could not be asked.
 *
 * - `host`: the Docker host's address can't be used
 * - `no-socket`: there is no socket at that path
 * - `permission`: the socket is there, this user may not open it
 * - `refused`: nobody listens behind it
 * - `timeout`: no complete answer within the deadline
 * - `connection`: the connection could not be made or broke
 * - `http`: the Engine answered with an error of its own
 * - `api-version`: no API version is spoken by both
 * - `malformed`: the answer is not what the Engine's API promises
 */
export type DockerErrorKind =
  | "host"
  | "no-socket"
  | "permission"
  | "refused"
  | "timeout"
  | "connection"
  | "http"
  | "api-version"
  | "malformed";

/** What was being asked: one word for each request this program makes. */
export type DockerEndpoint = "host" | "ping" | "version" | "info" | "list" | "list_ids" | "events";

/** What each request is for, in words that follow "Cannot". */
const PURPOSE: Record<DockerEndpoint, string> = {
  host: "use Docker host",
  ping: "reach the Engine",
  version: "agree with the Engine on an API version",
  info: "read the Engine's id",
  list: "list containers",
  list_ids: "read containers",
  events: "follow the Engine's events",
};

/** What a {@link DockerError} is made of. */
export interface DockerErrorDetails {
  /** Why. */
  readonly kind: DockerErrorKind;
  /** What was being asked. */
  readonly endpoint: DockerEndpoint;
  /** What a person can do about it. */
  readonly hint: string;
  /** HTTP status of the Engine's answer. */
  readonly status?: number | undefined;
  /** What was caught. */
  readonly cause?: unknown;
}

/** The Engine could not be asked, or its answer can't be used. */
export class DockerError extends Error {
  /** Always `DockerError`. */
  override readonly name = "DockerError";
  /** Why. */
  readonly kind: DockerErrorKind;
  /** What was being asked. */
  readonly endpoint: DockerEndpoint;
  /** HTTP status of the Engine's answer, null where there was none. */
  readonly status: number | null;
  /** What a person can do about it: lower case, without a period, for a line of its own. */
  readonly hint: string;

  /** `reason` completes "Cannot list containers: …". */
  constructor(reason: string, details: DockerErrorDetails) {
    super(
      `Cannot ${PURPOSE[details.endpoint]}${details.endpoint === "host" ? " " : ": "}${reason}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.kind = details.kind;
    this.endpoint = details.endpoint;
    this.status = details.status ?? null;
    this.hint = details.hint;
  }
}

/** The answer breaks the API's promise; `what` says which part and where. */
export function malformed(endpoint: DockerEndpoint, what: string, cause?: unknown): DockerError {
  return new DockerError(what, {
    kind: "malformed",
    endpoint,
    hint: "something else than a Docker Engine may be answering there, or a proxy cut the answer",
    cause,
  });
}

/** The Engine answered with an error status; `text` is its body, JSON with a message as a rule. */
export function httpError(endpoint: DockerEndpoint, status: number, text: string): DockerError {
  const message = engineMessage(text);
  // The Engine has no status of its own for this: 400 and a sentence.
  const version = status === 400 && /client version [\d.]+ is too (old|new)/.test(message);
  return new DockerError(
    `the Engine answered ${status}${message === "" ? "" : `: ${quote(message)}`}`,
    {
      kind: version ? "api-version" : "http",
      endpoint,
      status,
      hint: version
        ? "the Engine was exchanged for another version meanwhile: try again"
        : status >= 500
        ? "the Engine's own log says more (journalctl -u docker)"
        : "the Engine does not accept this request; is it a Docker Engine, and is a proxy in between?",
    },
  );
}

/** No complete answer within `timeoutMs`. */
export function timeoutError(endpoint: DockerEndpoint, timeoutMs: number): DockerError {
  return new DockerError(`no complete answer within ${timeoutMs / 1000} s`, {
    kind: "timeout",
    endpoint,
    hint: "the Engine hangs or is overloaded; `docker ps` shows whether others get an answer",
  });
}

/** Tells apart why a request to `target` failed before or while it was answered. */
export function connectionError(
  endpoint: DockerEndpoint,
  target: string,
  options: { cause: unknown },
): DockerError {
  const { cause } = options;
  const text = reasonOf(cause);
  const at = JSON.stringify(target);
  const fail = (kind: DockerErrorKind, reason: string, hint: string) =>
    new DockerError(reason, { kind, endpoint, hint, cause });

  if (cause instanceof Deno.errors.NotCapable) {
    return fail(
      "permission",
      `this program was started without the right to open ${at}`,
      "start it with --allow-net, --allow-read and --allow-write",
    );
  }
  if (/No such file or directory|Not a directory/.test(text)) {
    return fail(
      "no-socket",
      `there is no socket at ${at}`,
      "start Docker (systemctl start docker), or name another Engine with --docker-host",
    );
  }
  if (/Permission denied|Operation not permitted/.test(text)) {
    return fail(
      "permission",
      `permission denied on ${at}`,
      "add this user to the docker group (usermod -aG docker USER, then log in again), or run as root",
    );
  }
  if (/Connection refused/.test(text)) {
    return fail(
      "refused",
      `nothing listens on ${at}`,
      "start Docker (systemctl start docker); the socket may be left over from one that died",
    );
  }
  if (/invalid HTTP|message head|header parsed/.test(text)) return malformed(endpoint, text, cause);
  return fail(
    "connection",
    `the connection to ${at} failed: ${text}`,
    /certificate|tls/i.test(text)
      ? "check DOCKER_CERT_PATH: ca.pem must have signed the Engine's certificate for that name"
      : "the Engine may be restarting: try again, and if that fails too, see its log (journalctl -u docker)",
  );
}

/** The innermost reason: fetch says only "fetch failed" and puts what happened into the cause. */
export function reasonOf(error: unknown): string {
  let text = "unknown error";
  for (let at: unknown = error; at instanceof Error; at = at.cause) text = at.message;
  return text.replace(/^error sending request for url \([^)]*\): /, "")
    .replace(/^client error \(\w+\): /, "");
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
  return message.trim().slice(0, 500);
}

/** Quoted on one line, without what a terminal would obey: JSON leaves the C1 controls in. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f]/g, "\ufffd");
}

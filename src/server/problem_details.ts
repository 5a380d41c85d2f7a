/**
 * Every way in which a request fails, in one table, and how that looks on the wire: the problem
 * details of RFC 9457. Must not decide what went wrong: whoever finds out throws.
 *
 * @module
 */

import {
  type BackupCode,
  type EngineCode,
  type FailureCode,
  isFailure,
  type LockCode,
} from "../failure.ts";
import { INDEX_HINTS } from "../index_hints.ts";
import { storeError } from "../store/error.ts";
import { isDatabaseAway } from "./database_away.ts";

/** Failures that the store does not know of. */
export type RequestErrorCode =
  | "malformed"
  | "unauthorized"
  | "forbidden"
  | "forbidden-host"
  | "forbidden-origin"
  | "method-not-allowed"
  | "request-timeout"
  | "precondition-failed"
  | "too-large"
  | "unsupported-media-type"
  | "too-many-requests"
  | "too-many-feeds"
  | "too-many-rows"
  | "overloaded"
  | "internal"
  | "pass-failed"
  | "no-daemon"
  | "not-here"
  | "not-ready"
  | "stopping"
  | "pass-timeout";

/** The codes of failures in the index. */
export type IndexCode = Exclude<
  FailureCode,
  | EngineCode
  | LockCode
  | BackupCode
  | "config"
  | "listen"
  | "token"
  | "certificate"
  | "unit"
  | "hub"
  | "hub-database"
>;

/** The `code` of problem details; those of the index are passed on as they are. */
export type ProblemTypeCode = IndexCode | RequestErrorCode;

/** How one way of failing looks from outside: RFC 9457's problem type. */
export interface ProblemType {
  /** HTTP status. */
  readonly status: number;
  /** What it is, whatever the case. */
  readonly title: string;
  /** What whoever sent the request can do; by the value of one member of its data, or always. */
  readonly hint?: string | TypeHints;
}

/** A member of the data, and a hint for each of its values. */
export type TypeHints = readonly [member: string, hints: Readonly<Record<string, string>>];

/** No request does: the daemon must be stopped for it. */
const RESTORED_THERE = "no request mends it: a backup must be restored on the host itself";

/** Code → status, title and hint. */
export const PROBLEM_TYPES: Readonly<Record<ProblemTypeCode, ProblemType>> = {
  "malformed": { status: 400, title: "The request can't be read" },
  "unauthorized": { status: 401, title: "The token is missing or wrong" },
  "forbidden": {
    status: 403,
    title: "The token or session may not do this",
    hint: ["needs", {
      read: "use a token with the role read, deploy or admin",
      deploy: "use a token with the role deploy or admin",
      admin: "use a token with the role admin",
      socket: "type it on the hub's own machine",
    }],
  },
  "forbidden-host": { status: 403, title: "The request names a host that is not allowed" },
  "forbidden-origin": { status: 403, title: "The request comes from another site" },
  "not-found": {
    status: 404,
    title: "There is no such thing",
    hint: ["thing", {
      project: "GET /api/projects lists them",
      silence: "GET /api/silences lists them",
      stack: "GET /api/stacks lists them",
      site: "GET /api/sites lists them",
      workload: "GET /api/workloads lists them",
      row: "GET /api/containers lists them",
      channel: "GET /api/channels lists them",
      rule: "GET /api/rules lists them",
      candidate: "GET /api/discover lists them",
      token: "GET /api/tokens lists them",
      session: "GET /api/sessions lists them",
    }],
  },
  "method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "conflict": {
    status: 409,
    title: "Something else has that name or binding",
    hint: ["over", {
      "name": "choose another name, or rename the other",
      "token-name": "choose another name, or remove the other first",
      "host-name": "choose another name, or remove the other first",
      "id": "leave the id out, or choose another",
      "compose-project": "name another Compose project",
      "domain": "give this site another domain, or take it from the other first",
      "adopted": "POST /api/workloads/{id}/accept takes what runs now for what should run",
      "container-name": "name another container, or change the other site",
      "row": "change it, or remove it first",
      "container": "change that row, or remove it first",
      "subdomain": "change that row first, or both in one POST /api/containers/batch",
      "instances":
        "remove a row of the stage first, in one POST /api/containers/batch, or raise the " +
        "stage's maxInstances",
    }],
  },
  "in-use": {
    status: 409,
    title: "Something refers to it",
    hint: "remove them first, or repeat the request with ?force=true; containers are left alone",
  },
  "precondition-failed": {
    status: 412,
    title: "The row is not as it was read",
    hint: "read it again, and repeat the request with its new ETag",
  },
  "too-many-rows": {
    status: 422,
    title: "These are more rows than can be followed at once",
    hint: "GET /api/hosts lists the hosts; `host=` names one",
  },
  "too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body is not JSON" },
  "invalid": {
    status: 422,
    title: "The request has values that are not allowed",
    hint: ["need", {
      "container": "give the container id too",
      "full-container-id": "use the full id, as the Engine's API gives it",
      "compose-project": "name one in composeProjectName",
      "new-token": "remove it, and make another with POST /api/tokens",
      "role": "GET /api/workloads/{id}/expectations and its rows tell the roles",
      "allow-loopback": "allowLoopback says that it is meant to be on this machine",
    }],
  },
  "too-many-requests": { status: 429, title: "Too many wrong guesses" },
  "internal": { status: 500, title: "A fault of this program" },
  "io": {
    status: 500,
    title: "The database can't be read or written",
    hint: "look at the disk that the data directory is on, and at the kernel's log",
  },
  "untrusted": {
    status: 500,
    title: "The database can't be trusted",
    hint: "look at who owns the data directory and its files",
  },
  "corrupt": {
    status: 500,
    title: "The database is corrupted",
    hint: ["found", {
      "damage": RESTORED_THERE,
      "malformed": RESTORED_THERE,
      "no-database": RESTORED_THERE,
      "value": INDEX_HINTS.value,
    }],
  },
  "newer": {
    status: 500,
    title: "The database is of a newer version",
    hint: "the host needs the version that wrote it, or a backup made before it",
  },
  "pass-failed": {
    status: 502,
    title: "The pass failed",
    hint: ["failure", {
      "engine-host": "correct the Engine's address in the daemon's configuration",
      "engine-no-socket": "start the Engine, or name another one in the daemon's configuration",
      "engine-permission": "let the daemon's user use the Engine's socket",
      "engine-refused": "start the Engine; its socket may be left over from one that died",
      "engine-timeout": "the Engine hangs or is overloaded",
      "engine-connection": "the Engine may be restarting: try again, then see its log",
      "engine-http": "the Engine's own log says more",
      "engine-api-version": "upgrade whichever of the Engine and Tinyforge is older",
      "engine-malformed": "something else than a Docker Engine may be answering there",
    }],
  },
  "busy": { status: 503, title: "The database is busy", hint: "try again" },
  "readonly": {
    status: 503,
    title: "The database can't be written",
    hint: INDEX_HINTS.readonly,
  },
  "no-daemon": { status: 503, title: "No daemon is running", hint: "start the daemon" },
  "not-here": { status: 501, title: "Only the host itself can do this" },
  "not-ready": {
    status: 503,
    title: "The index can't be trusted yet",
    hint: "GET /readyz?verbose tells why; go on with what was answered last",
  },
  "stopping": { status: 503, title: "The daemon is stopping" },
  "overloaded": { status: 503, title: "Too many bytes are on their way" },
  "too-many-feeds": { status: 503, title: "Too many live feeds are open" },
  "pass-timeout": {
    status: 504,
    title: "The pass takes too long",
    hint: "it goes on; GET /api/status tells how it ended",
  },
  "full": {
    status: 507,
    title: "The disk is full",
    hint: INDEX_HINTS.full,
  },
};

/** When to ask again whose database is away, seconds: another server takes its place soon. */
const AWAY_SECONDS = 1;

/** A value that is not allowed, and where it stands. */
export interface FieldError {
  /** Names of the fields from the outside in, joined with dots. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

/** What belongs to problem details besides their code and detail. */
export interface ProblemDetailsOptions {
  /** What a person can do about it; by default what {@link PROBLEM_TYPES} says. */
  readonly hint?: string;
  /** What is known of it. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** One for each field at fault. */
  readonly errors?: readonly FieldError[];
  /** To be sent with the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What it was caused by. */
  readonly cause?: unknown;
}

/** A request that can't be answered as asked; thrown by whoever handles it. */
export class ProblemDetails extends Error {
  /** Tells this error from others. */
  override readonly name = "ProblemDetails";
  /** Which row of the table. */
  readonly code: ProblemTypeCode;
  /** What a person can do about it; may be empty. */
  readonly hint: string;
  /** What is known of it; null when that is all in the detail. */
  readonly data: Readonly<Record<string, unknown>> | null;
  /** One for each field at fault. */
  readonly errors: readonly FieldError[];
  /** To be sent with the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` says what can't be done and why. */
  constructor(code: ProblemTypeCode, detail: string, options: ProblemDetailsOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? null;
    this.hint = options.hint ?? hintFor(code, this.data);
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}

/** Whatever was thrown, as problem details. What nobody expected is `internal` and says nothing. */
export function asProblemDetails(error: unknown): ProblemDetails {
  if (error instanceof ProblemDetails) return error;
  // Reading is not wrapped query by query; what SQLite throws there means the same everywhere.
  const known = storeError("Cannot read the index", error);
  if (isFailure(known) && isIndexCode(known.code)) {
    return new ProblemDetails(known.code, known.message, { data: { ...known.data }, cause: error });
  }
  if (isDatabaseAway(error)) {
    return new ProblemDetails("not-ready", "Cannot answer: the database can't be reached", {
      headers: { "retry-after": String(AWAY_SECONDS) },
      cause: error,
    });
  }
  return new ProblemDetails("internal", "Cannot answer: an error that should not happen", {
    hint: "the daemon's log says more",
    cause: error,
  });
}

/** Problem details as an answer. */
export function problemDetailsResponse(problem: ProblemDetails): Response {
  const { status, title } = PROBLEM_TYPES[problem.code];
  const body = {
    type: `/problems/${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...(problem.hint !== "" && { hint: problem.hint }),
    ...(problem.data !== null && { data: problem.data }),
    ...(problem.errors.length > 0 && { errors: problem.errors }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...problem.headers, "content-type": "application/problem+json" },
  });
}

function hintFor(code: ProblemTypeCode, data: Readonly<Record<string, unknown>> | null): string {
  const { hint } = PROBLEM_TYPES[code];
  if (hint === undefined || typeof hint === "string") return hint ?? "";
  const [member, hints] = hint;
  return hints[String(data?.[member])] ?? "";
}

function isIndexCode(code: FailureCode): code is IndexCode {
  return Object.hasOwn(PROBLEM_TYPES, code);
}

/**
 * Where the Engine is: parses a Docker host and finds one where none is named. Pure: environment
 * and file system come in as functions; must not connect to anything.
 *
 * @module
 */

import { Failure, type FailureData, type RejectedSocket } from "./failure.ts";
import type { SocketLook } from "./system/files.ts";
import { MAX_SOCKET_PATH } from "./system/libc.ts";
import { isReachable, MAX_SOCKET_NAME } from "./system/near_socket.ts";
import { quote } from "./text.ts";

/** An Engine's address. */
export type DockerHost =
  | {
    readonly kind: "unix";
    /** Absolute path of the socket. */
    readonly path: string;
    /** What was looked for before this one, when it was not named but found. */
    readonly rejected?: readonly RejectedSocket[];
  }
  | {
    readonly kind: "tcp";
    /** `http://host:port` or `https://host:port`, without a trailing slash. */
    readonly url: string;
    /** Set when the connection is encrypted; the Engine's certificate is always verified. */
    readonly tls?: DockerTls;
  };

/** Paths of PEM files. */
export interface DockerTls {
  /** The authority that signed the Engine's certificate. */
  readonly ca: string;
  /** Our certificate. */
  readonly cert: string;
  /** Our key. */
  readonly key: string;
}

/** What {@linkcode findDockerHost} asks of the machine. */
export interface Surroundings {
  /** Value of an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** What stands where a socket is looked for. */
  readonly look: (path: string) => SocketLook;
  /** The text of a small file; null when there is none. */
  readonly read: (path: string) => string | null;
  /** Names of the folders in a folder. */
  readonly folders: (path: string) => readonly string[];
}

/** Where Docker's own packages put the socket. */
export const DEFAULT_SOCKET = "/var/run/docker.sock";

const WHY_NOT: Readonly<Record<Exclude<SocketLook, "usable">, string>> = {
  "nothing": "there is nothing",
  "forbidden": "permission denied",
  "no-socket": "it is not a socket",
};

/**
 * The Engine to use where none is named: the Docker context in use, else the first socket that this
 * user may use, else {@linkcode DEFAULT_SOCKET} (Docker may be installed later).
 */
export function findDockerHost(surroundings: Surroundings): DockerHost {
  const { env, look } = surroundings;
  const rejected: RejectedSocket[] = [];
  const found = (path: string): DockerHost => ({
    kind: "unix",
    path,
    ...(rejected.length > 0 && { rejected }),
  });

  const context = contextInUse(surroundings);
  if (context !== null) {
    const host = contextHost(context, surroundings);
    const why = typeof host === "string"
      ? host
      : host.kind === "tcp"
      ? null
      : whyNot(host.path, look);
    if (typeof host !== "string" && why === null) return host;
    rejected.push({ at: `context ${quote(context)}`, why: why ?? "it names no Engine" });
  }
  const paths = socketCandidates(env);
  for (const path of paths) {
    const why = whyNot(path, look);
    if (why === null) return found(path);
    rejected.push({ at: path, why });
  }
  // One that is there but closed to this user says more than one that is not there.
  const closed = paths.find((path) => look(path) === "forbidden");
  return found(closed ?? DEFAULT_SOCKET);
}

/** Where a socket is looked for when none is named, in this order. */
export function socketCandidates(env: Surroundings["env"]): string[] {
  const candidates = [DEFAULT_SOCKET];
  const runtime = env("XDG_RUNTIME_DIR");
  if (runtime) candidates.push(`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`);
  const home = env("HOME");
  if (home) {
    candidates.push(`${home}/.docker/run/docker.sock`, `${home}/.docker/desktop/docker.sock`);
  }
  candidates.push("/run/podman/podman.sock");
  return candidates;
}

function whyNot(path: string, look: Surroundings["look"]): string | null {
  const seen = look(path);
  return seen === "usable" ? null : WHY_NOT[seen];
}

/** The name of the Docker context in use; null when it is the default one, which is no file. */
function contextInUse({ env, read }: Surroundings): string | null {
  const folder = dockerConfig(env);
  const named = env("DOCKER_CONTEXT") ||
    (folder === null ? undefined : member(parsed(read(`${folder}/config.json`)), "currentContext"));
  return typeof named === "string" && named !== "" && named !== "default" ? named : null;
}

/** The Engine that a Docker context names, or why it can't be used. */
function contextHost(context: string, { env, read, folders }: Surroundings): DockerHost | string {
  const folder = `${dockerConfig(env) ?? ""}/contexts`;
  // Docker names a context's folder by the hash of its name; the name itself stands inside.
  for (const name of folders(`${folder}/meta`)) {
    const meta = parsed(read(`${folder}/meta/${name}/meta.json`));
    if (member(meta, "Name") !== context) continue;
    const address = member(member(member(meta, "Endpoints"), "docker"), "Host");
    if (typeof address !== "string") return "it names no Engine";
    const tls = `${folder}/tls/${name}/docker`;
    const certificates = read(`${tls}/ca.pem`) === null ? undefined : tls;
    try {
      // The context's own certificates, not those that the environment names.
      const variables = { DOCKER_CERT_PATH: certificates };
      return parseDockerHost(address, {
        env: (variable) => variables[variable as keyof typeof variables],
      });
    } catch (error) {
      return (error as Error).message;
    }
  }
  return "there is no such context";
}

function dockerConfig(env: Surroundings["env"]): string | null {
  const home = env("HOME");
  return env("DOCKER_CONFIG") || (home ? `${home}/.docker` : null);
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/**
 * Parses `unix:///path` or `tcp://host[:port]`; for the latter `DOCKER_TLS_VERIFY` and
 * `DOCKER_CERT_PATH` decide about TLS. Throws `Failure` `engine-host`.
 */
export function parseDockerHost(
  text: string,
  options: { env?: Surroundings["env"] } = {},
): DockerHost {
  const unquoted = /^(["'])(.*)\1$/s.exec(text)?.[2];
  if (unquoted !== undefined) {
    throw unusable(text, "it has quotation marks around it", { wrong: "form", better: unquoted });
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === "unix") return parseUnix(text);
  if (scheme === "tcp") return parseTcp(text, options.env ?? (() => undefined));
  const rest = text.slice(text.indexOf("://") + "://".length);
  switch (scheme) {
    case undefined:
      throw unusable(text, ...withoutScheme(text));
    case "http":
    case "https":
      throw unusable(text, `the scheme ${scheme} is not used for Engines`, {
        wrong: scheme === "https" ? "tls" : "form",
        better: `tcp://${rest}`,
      });
    case "ssh":
      throw unusable(text, "the scheme ssh is not supported", {
        wrong: "ssh",
        // Fit for a command line as it is, or not shown there.
        better: /^[A-Za-z0-9][A-Za-z0-9@._-]*$/.test(rest) ? rest : null,
      });
    default:
      throw unusable(text, `the scheme ${scheme} is not supported`, {
        wrong: "scheme",
        better: null,
      });
  }
}

/** Why, and what to write instead. */
function withoutScheme(text: string): [why: string, FailureData["engine-host"]] {
  const [, word, path] = /^(unix|tcp):(?=[^/]|\/)(.*)$/is.exec(text) ?? [];
  if (word?.toLowerCase() === "unix") {
    const better = `unix:///${path!.replace(/^\/+/, "")}`;
    return ['after "unix:" come three slashes', { wrong: "form", better }];
  }
  if (word !== undefined) {
    const better = `tcp://${path!.replace(/^\/+/, "")}`;
    return ['after "tcp:" come two slashes', { wrong: "form", better }];
  }
  const better = text.startsWith("/") ? `unix://${text}` : `tcp://${text || "HOST:2375"}`;
  return ["it has no scheme", { wrong: "form", better }];
}

function parseUnix(text: string): DockerHost {
  const path = text.slice("unix://".length);
  if (!path.startsWith("/")) {
    throw unusable(text, "the path is not absolute", PATH);
  }
  if (path.includes("\0")) {
    throw unusable(text, "the path has a NUL character", PATH);
  }
  if (!isReachable(path)) {
    const why = `the path is longer than the ${MAX_SOCKET_PATH} bytes the system allows, and the ` +
      `socket's own name than ${MAX_SOCKET_NAME}`;
    throw unusable(text, why, { wrong: "long", better: null });
  }
  return { kind: "unix", path };
}

function parseTcp(text: string, env: Surroundings["env"]): DockerHost {
  // As for Docker's own client: any value switches TLS on, "0" too.
  const encrypted = Boolean(env("DOCKER_TLS_VERIFY")) || Boolean(env("DOCKER_CERT_PATH"));
  const protocol = encrypted ? "https" : "http";
  const url = URL.parse(`${protocol}://${text.slice("tcp://".length)}`);
  if (url === null || url.hostname === "") {
    throw unusable(text, "it is not host:port", ADDRESS);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw unusable(text, "it has more than host, port and path", ADDRESS);
  }
  // URL drops a port that is the protocol's own, so look for it in the text.
  const named = /:\d+$/.test(text.slice("tcp://".length).replace(/\/.*$/, ""));
  const port = url.port !== "" || named ? url.host : `${url.host}:${encrypted ? 2376 : 2375}`;
  const base = `${protocol}://${port}${url.pathname.replace(/\/+$/, "")}`;
  if (!encrypted) return { kind: "tcp", url: base };
  const certificates = env("DOCKER_CERT_PATH") || `${env("HOME") ?? ""}/.docker`;
  return {
    kind: "tcp",
    url: base,
    tls: {
      ca: `${certificates}/ca.pem`,
      cert: `${certificates}/cert.pem`,
      key: `${certificates}/key.pem`,
    },
  };
}

const PATH: FailureData["engine-host"] = {
  wrong: "path",
  better: "unix:///path/of/docker.sock",
};
const ADDRESS: FailureData["engine-host"] = { wrong: "form", better: "tcp://HOST:2375" };

function unusable(
  text: string,
  why: string,
  data: FailureData["engine-host"],
): Failure<"engine-host"> {
  return new Failure("engine-host", `Cannot use Docker host ${quote(text, 256)}: ${why}`, { data });
}

/**
 * Where the Engine is: parses a Docker host and finds the default one. Pure: environment and file
 * system come in as functions; must not open anything.
 *
 * @module
 */

import { DockerError } from "./error.ts";

/** An Engine's address. */
export type DockerHost =
  | {
    readonly kind: "unix";
    /** Absolute path of the socket. */
    readonly path: string;
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

/** What {@linkcode resolveDockerHost} and {@linkcode parseDockerHost} ask of the machine. */
export interface HostSurroundings {
  /** Value of an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Whether something is at this path. */
  readonly exists: (path: string) => boolean;
}

/** Where Docker's own packages put the socket. */
export const DEFAULT_SOCKET = "/var/run/docker.sock";

// The kernel's limit for a socket's path, the terminating NUL included.
const MAX_SOCKET_PATH = 108;

/**
 * The Engine to use: `flag` if given, else `TINYFORGE_DOCKER_HOST`, else `DOCKER_HOST`, else the
 * first socket that exists, else {@linkcode DEFAULT_SOCKET} (Docker may be installed later).
 * Throws `DockerError` of kind `host`.
 */
export function resolveDockerHost(
  flag: string | undefined,
  surroundings: HostSurroundings,
): DockerHost {
  const { env, exists } = surroundings;
  for (const text of [flag, env("TINYFORGE_DOCKER_HOST"), env("DOCKER_HOST")]) {
    if (text !== undefined && text !== "") return parseDockerHost(text, { env });
  }
  return { kind: "unix", path: socketCandidates(env).find(exists) ?? DEFAULT_SOCKET };
}

/** Where a socket is looked for when none is named, in this order. */
export function socketCandidates(env: HostSurroundings["env"]): string[] {
  const candidates = [DEFAULT_SOCKET];
  const runtime = env("XDG_RUNTIME_DIR");
  if (runtime) candidates.push(`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`);
  const home = env("HOME");
  if (home) candidates.push(`${home}/.docker/run/docker.sock`);
  return candidates;
}

/**
 * Parses `unix:///path` or `tcp://host[:port]`; for the latter `DOCKER_TLS_VERIFY` and
 * `DOCKER_CERT_PATH` decide about TLS. Throws `DockerError` of kind `host`.
 */
export function parseDockerHost(
  text: string,
  options: { env?: HostSurroundings["env"] } = {},
): DockerHost {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === "unix") return parseUnix(text);
  if (scheme === "tcp") return parseTcp(text, options.env ?? (() => undefined));
  if (scheme === undefined) {
    throw unusable(
      text,
      "it has no scheme",
      text.startsWith("/") ? `write unix://${text}` : `write tcp://${text || "HOST:2375"}`,
    );
  }
  if (scheme === "http" || scheme === "https") {
    throw unusable(
      text,
      `the scheme ${scheme} is not used for Engines`,
      scheme === "http"
        ? `write tcp://${text.slice("http://".length)}`
        : `write tcp://${text.slice("https://".length)} and set DOCKER_TLS_VERIFY=1`,
    );
  }
  throw unusable(
    text,
    `the scheme ${scheme} is not supported`,
    scheme === "ssh"
      ? "run Tinyforge on that machine, or forward its socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST"
      : "supported are unix:///path/of/docker.sock and tcp://host:port",
  );
}

function parseUnix(text: string): DockerHost {
  const path = text.slice("unix://".length);
  if (!path.startsWith("/")) {
    throw unusable(text, "the path is not absolute", "write unix:///path/of/docker.sock");
  }
  if (path.includes("\0")) {
    throw unusable(text, "the path has a NUL character", "write unix:///path/of/docker.sock");
  }
  if (new TextEncoder().encode(path).length >= MAX_SOCKET_PATH) {
    throw unusable(
      text,
      `the path is longer than the ${MAX_SOCKET_PATH - 1} bytes the system allows`,
      "use a shorter path, or a symbolic link to its directory",
    );
  }
  return { kind: "unix", path };
}

function parseTcp(text: string, env: HostSurroundings["env"]): DockerHost {
  // As for Docker's own client: any value switches TLS on, "0" too.
  const encrypted = Boolean(env("DOCKER_TLS_VERIFY")) || Boolean(env("DOCKER_CERT_PATH"));
  const protocol = encrypted ? "https" : "http";
  const url = URL.parse(`${protocol}://${text.slice("tcp://".length)}`);
  if (url === null || url.hostname === "") {
    throw unusable(text, "it is not host:port", "write tcp://HOST:2375");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw unusable(text, "it has more than host, port and path", "write tcp://HOST:2375");
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

function unusable(text: string, why: string, hint: string): DockerError {
  return new DockerError(`${JSON.stringify(text)}: ${why}`, {
    kind: "host",
    endpoint: "host",
    hint,
  });
}

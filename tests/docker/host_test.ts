import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { DockerError } from "../../src/docker/error.ts";
import {
  type DockerHost,
  parseDockerHost,
  resolveDockerHost,
  socketCandidates,
} from "../../src/docker/host.ts";

function env(values: Record<string, string>): (name: string) => string | undefined {
  return (name) => values[name];
}

function unusable(text: string): DockerError {
  const error = assertThrows(() => parseDockerHost(text), DockerError);
  assertEquals(error.kind, "host");
  assertStringIncludes(error.message, `Cannot use Docker host ${JSON.stringify(text)}: `);
  assertMatch(error.hint, /^[^A-Z].*[^.]$/, "one line, lower case, no period");
  return error;
}

Deno.test("parseDockerHost() takes a unix socket's absolute path", () => {
  assertEquals(parseDockerHost("unix:///var/run/docker.sock"), {
    kind: "unix",
    path: "/var/run/docker.sock",
  });
  assertEquals(parseDockerHost("UNIX:///tmp/a b.sock"), { kind: "unix", path: "/tmp/a b.sock" });
});

Deno.test("parseDockerHost() refuses a unix path that no socket can have", () => {
  assertStringIncludes(unusable("unix://docker.sock").message, "not absolute");
  assertStringIncludes(unusable("unix://").message, "not absolute");
  assertStringIncludes(unusable("unix:///a\0b").message, "NUL");
  assertStringIncludes(unusable(`unix:///${"x".repeat(107)}`).message, "107 bytes");
  assertEquals(parseDockerHost(`unix:///${"x".repeat(106)}`).kind, "unix");
  // The limit is in bytes.
  assertStringIncludes(unusable(`unix:///${"ä".repeat(60)}`).message, "107 bytes");
});

Deno.test("parseDockerHost() takes tcp with and without a port", () => {
  const urls: Record<string, string> = {
    "tcp://10.0.0.1:2375": "http://10.0.0.1:2375",
    "tcp://engine": "http://engine:2375",
    "tcp://engine/": "http://engine:2375",
    "tcp://engine:80": "http://engine",
    "tcp://[::1]:2375": "http://[::1]:2375",
    "tcp://[::1]": "http://[::1]:2375",
    "tcp://proxy:8080/docker/": "http://proxy:8080/docker",
  };
  for (const [text, url] of Object.entries(urls)) {
    assertEquals(parseDockerHost(text), { kind: "tcp", url });
  }
});

Deno.test("parseDockerHost() reads TLS from the environment", () => {
  const files = (folder: string) => ({
    ca: `${folder}/ca.pem`,
    cert: `${folder}/cert.pem`,
    key: `${folder}/key.pem`,
  });
  const cases: [Record<string, string>, DockerHost][] = [
    [
      { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs", HOME: "/home/me" },
      { kind: "tcp", url: "https://engine:2376", tls: files("/certs") },
    ],
    [
      { DOCKER_TLS_VERIFY: "1", HOME: "/home/me" },
      { kind: "tcp", url: "https://engine:2376", tls: files("/home/me/.docker") },
    ],
    // Never less than verified, also where Docker's own client would not verify.
    [
      { DOCKER_CERT_PATH: "/certs" },
      { kind: "tcp", url: "https://engine:2376", tls: files("/certs") },
    ],
    [{ DOCKER_TLS_VERIFY: "" }, { kind: "tcp", url: "http://engine:2375" }],
  ];
  for (const [values, host] of cases) {
    assertEquals(parseDockerHost("tcp://engine", { env: env(values) }), host);
  }
});

Deno.test("parseDockerHost() refuses what is not host and port", () => {
  for (const text of ["tcp://", "tcp://:2375", "tcp://a:99999", "tcp://u:p@a", "tcp://a?x=1"]) {
    unusable(text);
  }
});

Deno.test("parseDockerHost() refuses other schemes and says what to write", () => {
  assertStringIncludes(unusable("http://engine:2375").hint, "tcp://engine:2375");
  assertStringIncludes(unusable("https://engine:2376").hint, "DOCKER_TLS_VERIFY=1");
  assertStringIncludes(unusable("ssh://me@engine").hint, "ssh -L");
  for (const text of ["npipe:////./pipe/docker_engine", "fd://", "systemd://x", "ftp://a"]) {
    assertStringIncludes(unusable(text).message, "is not supported");
  }
});

Deno.test("parseDockerHost() refuses an address without a scheme and says what to write", () => {
  assertStringIncludes(unusable("/var/run/docker.sock").hint, "unix:///var/run/docker.sock");
  assertStringIncludes(unusable("10.0.0.1:2375").hint, "tcp://10.0.0.1:2375");
  unusable("");
});

Deno.test("resolveDockerHost() prefers flag, then Tinyforge's, then Docker's variable", () => {
  const exists = () => true;
  const values = { TINYFORGE_DOCKER_HOST: "unix:///b", DOCKER_HOST: "unix:///c" };
  const path = (flag: string | undefined, given: Record<string, string>) => {
    const host = resolveDockerHost(flag, { env: env(given), exists });
    return host.kind === "unix" ? host.path : host.url;
  };
  assertEquals(path("unix:///a", values), "/a");
  assertEquals(path(undefined, values), "/b");
  assertEquals(path(undefined, { DOCKER_HOST: "unix:///c" }), "/c");
  assertEquals(path("", { ...values, TINYFORGE_DOCKER_HOST: "" }), "/c");
  assertEquals(path(undefined, {}), "/var/run/docker.sock");
});

Deno.test("resolveDockerHost() takes the first socket that exists, in Docker's order", () => {
  const surroundings = { XDG_RUNTIME_DIR: "/run/user/7", HOME: "/home/me" };
  const candidates = socketCandidates(env(surroundings));
  assertEquals(candidates, [
    "/var/run/docker.sock",
    "/run/user/7/docker.sock",
    "/run/user/7/podman/podman.sock",
    "/home/me/.docker/run/docker.sock",
  ]);
  for (let first = 0; first < candidates.length; first++) {
    const there = new Set(candidates.slice(first));
    const host = resolveDockerHost(undefined, {
      env: env(surroundings),
      exists: (path) => there.has(path),
    });
    assertEquals(host, { kind: "unix", path: candidates[first]! });
  }
});

Deno.test("resolveDockerHost() falls back to Docker's socket where none exists", () => {
  const host = resolveDockerHost(undefined, { env: env({}), exists: () => false });
  assertEquals(host, { kind: "unix", path: "/var/run/docker.sock" });
});

Deno.test("resolveDockerHost() does not fall through from an address that can't be used", () => {
  const values = { TINYFORGE_DOCKER_HOST: "ssh://x", DOCKER_HOST: "unix:///c" };
  assertThrows(
    () => resolveDockerHost(undefined, { env: env(values), exists: () => true }),
    DockerError,
  );
});

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { hintFor } from "../src/cli/words.ts";
import { Failure } from "../src/failure.ts";
import {
  DEFAULT_SOCKET,
  type DockerHost,
  findDockerHost,
  parseDockerHost,
  socketCandidates,
  type Surroundings,
} from "../src/docker_host.ts";

function env(values: Record<string, string>): (name: string) => string | undefined {
  return (name) => values[name];
}

function unusable(text: string): Failure {
  const error = assertThrows(() => parseDockerHost(text), Failure);
  assertEquals(error.code, "engine-host");
  assertStringIncludes(error.message, `Cannot use Docker host ${JSON.stringify(text)}: `);
  assertMatch(hintFor(error), /^[^A-Z].*[^.]$/, "one line, lower case, no period");
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
  // Where only its folder is deep it can be reached all the same.
  assertEquals(parseDockerHost(`unix:///${"x".repeat(200)}/${"y".repeat(50)}`).kind, "unix");
  assertStringIncludes(
    unusable(`unix:///${"x".repeat(60)}/${"y".repeat(51)}`).message,
    "the socket's own name than 50",
  );
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
  assertStringIncludes(hintFor(unusable("http://engine:2375")), "tcp://engine:2375");
  assertStringIncludes(hintFor(unusable("https://engine:2376")), "DOCKER_TLS_VERIFY=1");
  assertStringIncludes(hintFor(unusable("ssh://me@engine")), "ssh -L");
  for (const text of ["npipe:////./pipe/docker_engine", "fd://", "systemd://x", "ftp://a"]) {
    assertStringIncludes(unusable(text).message, "is not supported");
  }
});

Deno.test("parseDockerHost() refuses an address without a scheme and says what to write", () => {
  assertStringIncludes(hintFor(unusable("/var/run/docker.sock")), "unix:///var/run/docker.sock");
  assertStringIncludes(hintFor(unusable("10.0.0.1:2375")), "tcp://10.0.0.1:2375");
  unusable("");
});

Deno.test("parseDockerHost() says what was meant by an address that is nearly right", () => {
  const hint = (text: string) => hintFor(unusable(text));
  assertEquals(hint("unix:/run/docker.sock"), "write unix:///run/docker.sock");
  assertEquals(hint("unix:run/docker.sock"), "write unix:///run/docker.sock");
  assertEquals(hint("tcp:engine:2375"), "write tcp://engine:2375");
  assertEquals(hint('"unix:///run/docker.sock"'), "write unix:///run/docker.sock");
  assertEquals(hint("'tcp://engine'"), "write tcp://engine");
  // What goes into a command line must be nothing but a word there.
  assertStringIncludes(hint("ssh://a;reboot"), ":/var/run/docker.sock HOST");
});

const SURROUNDINGS = { XDG_RUNTIME_DIR: "/run/user/7", HOME: "/home/me" };

/** A machine with these sockets and files; what is not told of is not there. */
function machine(
  looks: Readonly<Record<string, ReturnType<Surroundings["look"]>>>,
  files: Readonly<Record<string, string>> = {},
  values: Readonly<Record<string, string>> = SURROUNDINGS,
): Surroundings {
  return {
    env: env(values),
    look: (path) => looks[path] ?? "nothing",
    read: (path) => files[path] ?? null,
    folders: (path) => [
      ...new Set(
        Object.keys(files).filter((file) => file.startsWith(`${path}/`))
          .map((file) => file.slice(path.length + 1).split("/")[0]!),
      ),
    ],
  };
}

/** The path or URL of the Engine found. */
function found(surroundings: Surroundings): string {
  const host = findDockerHost(surroundings);
  return host.kind === "unix" ? host.path : host.url;
}

Deno.test("findDockerHost() takes the first socket that can be used, in Docker's order", () => {
  const candidates = socketCandidates(env(SURROUNDINGS));
  assertEquals(candidates, [
    "/var/run/docker.sock",
    "/run/user/7/docker.sock",
    "/run/user/7/podman/podman.sock",
    "/home/me/.docker/run/docker.sock",
    "/home/me/.docker/desktop/docker.sock",
    "/run/podman/podman.sock",
  ]);
  for (let first = 0; first < candidates.length; first++) {
    const usable = candidates.slice(first).map((path) => [path, "usable"] as const);
    assertEquals(findDockerHost(machine(Object.fromEntries(usable))), {
      kind: "unix",
      path: candidates[first]!,
      ...(first > 0 && {
        rejected: candidates.slice(0, first).map((at) => ({ at, why: "there is nothing" })),
      }),
    });
  }
});

Deno.test("findDockerHost() passes by a socket that is closed to this user, and says so", () => {
  const rootless = "/run/user/7/docker.sock";
  const host = findDockerHost(machine({ [DEFAULT_SOCKET]: "forbidden", [rootless]: "usable" }));
  assertEquals(host, {
    kind: "unix",
    path: rootless,
    rejected: [{ at: DEFAULT_SOCKET, why: "permission denied" }],
  });
  assertEquals(found(machine({ [DEFAULT_SOCKET]: "no-socket", [rootless]: "usable" })), rootless);
});

Deno.test("findDockerHost() falls back to Docker's socket, or to one that is closed", () => {
  assertEquals(found(machine({})), DEFAULT_SOCKET);
  const podman = "/run/podman/podman.sock";
  assertEquals(found(machine({ [podman]: "forbidden" })), podman);
  const without = findDockerHost(machine({}, {}, {}));
  assert(without.kind === "unix");
  assertEquals(without.rejected?.map(({ at }) => at), [DEFAULT_SOCKET, podman]);
});

Deno.test("findDockerHost() uses the Docker context in use before any socket", () => {
  const contexts = "/home/me/.docker/contexts";
  const context = (host: string, name = "far") => ({
    "/home/me/.docker/config.json": '{"currentContext":"far"}',
    [`${contexts}/meta/abc/meta.json`]: JSON.stringify({
      Name: name,
      Endpoints: { docker: { Host: host } },
    }),
  });
  const sockets = { [DEFAULT_SOCKET]: "usable", "/run/other.sock": "usable" } as const;
  assertEquals(found(machine(sockets, context("unix:///run/other.sock"))), "/run/other.sock");
  assertEquals(found(machine(sockets, context("tcp://far"))), "http://far:2375");
  const certified = { ...context("tcp://far"), [`${contexts}/tls/abc/docker/ca.pem`]: "x" };
  assertEquals(findDockerHost(machine(sockets, certified)), {
    kind: "tcp",
    url: "https://far:2376",
    tls: {
      ca: `${contexts}/tls/abc/docker/ca.pem`,
      cert: `${contexts}/tls/abc/docker/cert.pem`,
      key: `${contexts}/tls/abc/docker/key.pem`,
    },
  });
  // The environment names another one, or none.
  const values = { ...SURROUNDINGS, DOCKER_CONTEXT: "default" };
  assertEquals(found(machine(sockets, context("tcp://far"), values)), DEFAULT_SOCKET);
});

Deno.test("findDockerHost() passes by a context that can't be used, and says why", () => {
  const files = (text: string) => ({
    "/home/me/.docker/config.json": '{"currentContext":"far"}',
    "/home/me/.docker/contexts/meta/abc/meta.json": text,
  });
  const cases: [string, string][] = [
    ['{"Name":"far","Endpoints":{"docker":{"Host":"ssh://far"}}}', "ssh is not supported"],
    ['{"Name":"far","Endpoints":{"docker":{"Host":"unix:///gone"}}}', "there is nothing"],
    ['{"Name":"far","Endpoints":{"docker":{"Host":7}}}', "it names no Engine"],
    ['{"Name":"far"}', "it names no Engine"],
    ['{"Name":"near"}', "there is no such context"],
    ["not JSON", "there is no such context"],
  ];
  for (const [text, why] of cases) {
    const host = findDockerHost(machine({ [DEFAULT_SOCKET]: "usable" }, files(text)));
    assert(host.kind === "unix");
    assertEquals([host.path, host.rejected?.length], [DEFAULT_SOCKET, 1]);
    assertEquals(host.rejected?.[0]?.at, 'context "far"');
    assertStringIncludes(host.rejected?.[0]?.why ?? "", why);
  }
});

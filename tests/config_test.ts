/**
 * The configuration: what beats what, what each value may be, and that every problem is told.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { hintFor, linesFor } from "../src/cli/words.ts";
import {
  type Config,
  type ConfigSources,
  parseDuration,
  resolveConfig,
  resolveDockerHost,
} from "../src/config.ts";
import { Failure, isFailure } from "../src/failure.ts";
import { PROBLEM_DEFAULTS } from "../src/model/problem_settings.ts";
import type { SocketLook } from "../src/system/files.ts";
import { CONFIG_ENVIRONMENT, CONFIG_FLAGS, type FlagName } from "../src/flags.ts";

type Flags = { [name in FlagName]?: string };
type Env = Record<string, string>;

function resolve(flags: Flags = {}, env: Env = {}, root = false): Config {
  return resolveConfig({
    flags,
    env: (name) => ({ HOME: "/home/ann", ...env })[name],
    isRoot: () => root,
    isTerminal: () => false,
    machineName: () => "nas",
    surroundings: NOWHERE,
  });
}

/** A machine without an Engine. */
const NOWHERE: NonNullable<ConfigSources["surroundings"]> = {
  look: () => "nothing",
  read: () => null,
  folders: () => [],
};

function refused(operation: () => unknown): Failure<"config"> {
  const error = assertThrows(operation, Failure);
  assert(isFailure(error, "config"), error.code);
  return error;
}

/** What is wrong, in the words of the command line. */
function problems(flags: Flags = {}, env: Env = {}): readonly string[] {
  const lines = linesFor(refused(() => resolve(flags, env)));
  return lines.length === 1 ? lines : lines.slice(1);
}

/** The Engine that is used where none can be found. */
const DEFAULT_ENGINE = resolve().docker;

/** A public key of age. */
const KEY = "age1uhr7v6czjxa8kr7qfj77kvg7kvd4a4wdh70085dhsm5nfy33a34qgj9758";

Deno.test("resolveConfig() reads where backups go and whom they are for", () => {
  const { backupDir, backupRecipients } = resolve({
    "backup-dir": "/mnt/backups/",
    "backup-recipients": `${KEY}, ${KEY}`,
  });
  assertEquals([backupDir, backupRecipients], ["/mnt/backups", [KEY, KEY]]);
  assertEquals(problems({ "backup-dir": "backups" }), [
    'Cannot use --backup-dir "backups": not an absolute path',
  ]);
  assertEquals(problems({ "backup-recipients": "bob" }), [
    "Cannot use --backup-recipients: not a public key of age; write age1…",
  ]);
  // A private key given by mistake is not told on.
  assertEquals(problems({ "backup-recipients": `AGE-SECRET-KEY-1${KEY.toUpperCase()}` }), [
    "Cannot use --backup-recipients: a private key; write the public key that belongs to it, age1…",
  ]);
});

Deno.test("resolveConfig() gives the documented defaults", () => {
  assertEquals(resolve(), {
    dataDir: "/home/ann/.local/state/tinyforge",
    docker: DEFAULT_ENGINE,
    intervalMs: 30_000,
    composePrefix: "tinyforge-",
    listen: { hostname: "127.0.0.1", port: 7475 },
    allowedHosts: ["localhost", "127.0.0.1", "::1"],
    tls: null,
    backupDir: null,
    backupRecipients: [],
    history: { maxAgeSeconds: 2_592_000, maxCount: 100_000 },
    problemSettings: PROBLEM_DEFAULTS,
    metricsTokenFile: null,
    socketDir: "/home/ann/.local/state/tinyforge",
    socketGroup: null,
    dataDirIsDefault: true,
    routes: { address: "127.0.0.1", network: null, domain: null, scheme: "https" },
    baseUrl: null,
    hostName: "nas",
    language: "en",
    notifyProxy: null,
    heartbeat: null,
    logLevel: "info",
    logFormat: "json",
    notes: [],
  });
});

Deno.test("resolveConfig() lets a flag beat the environment and the environment the default", () => {
  const env = { TINYFORGE_INTERVAL: "10s", TINYFORGE_LOG_LEVEL: "warn" };
  const config = resolve({ interval: "20s" }, env);
  assertEquals(config.intervalMs, 20_000);
  assertEquals(config.logLevel, "warn");
});

/** Of no use without the other. */
const PARTNERS: { readonly [name in FlagName]?: FlagName } = {
  "heartbeat-fail-url": "heartbeat-url",
  "tls-cert": "tls-key",
  "tls-key": "tls-cert",
};

Deno.test("resolveConfig() lets every flag's environment variable stand in for the flag", () => {
  const values: Record<FlagName, string> = {
    "data-dir": "/srv/index",
    "docker-host": "tcp://engine:2376",
    "interval": "7s",
    "compose-prefix": "prod-",
    "listen": "[::1]:80",
    "allowed-hosts": "forge.example",
    "tls-cert": "/etc/tls/cert.pem",
    "tls-key": "/etc/tls/key.pem",
    "backup-dir": "/srv/backups",
    "backup-recipients": KEY,
    "history-age": "365d",
    "history-count": "5000",
    "problem-settings": "unhealthy-opens=3m",
    "metrics-token-file": "/etc/tinyforge/metrics-token",
    "socket-group": "daemon",
    "route-address": "proxy.internal",
    "route-network": "edge",
    "route-domain": "example.org",
    "route-scheme": "http",
    "base-url": "https://forge.example",
    "host-name": "web-1",
    "language": "ru",
    "notify-proxy": "http://proxy.example:3128",
    "heartbeat-url": "https://beat.example/1",
    "heartbeat-fail-url": "https://beat.example/1/fail",
    "log-level": "debug",
    "log-format": "text",
  };
  for (const { name, env } of CONFIG_FLAGS) {
    const partner = PARTNERS[name];
    const beside = partner === undefined ? {} : { [partner]: values[partner] };
    for (const variable of env) {
      const byFlag = resolve({ ...beside, [name]: values[name] });
      const byVariable = resolve(beside, { [variable]: values[name] });
      assertEquals(byVariable, byFlag);
      assert(JSON.stringify(byFlag) !== JSON.stringify(resolve()), `${name} changes nothing`);
    }
  }
});

Deno.test("resolveConfig() shows nothing of a URL that may be a secret", () => {
  for (const name of ["base-url", "notify-proxy", "heartbeat-url"] as const) {
    const [told, ...others] = problems({ [name]: "ftp://secret@host/secret" });
    assertEquals(others, []);
    assert(told!.includes(name) && !told!.includes("secret"), told);
  }
  assertEquals(problems({ "heartbeat-fail-url": "https://beat.example/secret" }).length, 1);
});

Deno.test("resolveConfig() takes the slash from the end of --base-url, and cuts what it quotes", () => {
  assertEquals(resolve({ "base-url": "https://forge.example/" }).baseUrl, "https://forge.example");
  assertEquals(
    resolve({ "base-url": "https://forge.example/a/" }).baseUrl,
    "https://forge.example/a",
  );
  const value = "x".repeat(10_000);
  const error = assertThrows(
    () => resolveConfig({ flags: { interval: value }, env: () => undefined }),
    Failure,
  );
  assert(error.message.length < 400, `${error.message.length} characters`);
});

Deno.test("resolveConfig() allows the host of --base-url, whatever else is allowed", () => {
  const hosts = (flags: Flags) => resolve(flags).allowedHosts;
  const loopback = ["localhost", "127.0.0.1", "::1"];
  const base = { "base-url": "https://OPS.example:8443/tinyforge/" };
  assertEquals(hosts(base), [...loopback, "ops.example"]);
  assertEquals(hosts({ ...base, listen: "0.0.0.0:80" }), [...loopback, "ops.example"]);
  assertEquals(resolve({ ...base, listen: "0.0.0.0:80" }).notes, []);
  assertEquals(hosts({ ...base, "allowed-hosts": "a.example" }), ["a.example", "ops.example"]);
  assertEquals(hosts({ "base-url": "http://[fd00::1]/" }), [...loopback, "fd00::1"]);
});

Deno.test("resolveConfig() refuses a --base-url with more than a path, and shows none of it", () => {
  for (const rest of ["?key=secret", "#secret"]) {
    const [told] = problems({ "base-url": `https://ops.example/${rest}` });
    assert(told!.includes("--base-url") && !told!.includes("secret"), told);
  }
  const [told] = problems({ "base-url": "https://user:secret@ops.example/" });
  assert(told!.includes("--base-url") && !told!.includes("secret"), told);
});

Deno.test("resolveConfig() takes a certificate with its key, and neither alone", () => {
  const both = { "tls-cert": "/etc/tls/c.pem", "tls-key": "/etc/tls/k.pem" };
  assertEquals(resolve(both).tls, { cert: "/etc/tls/c.pem", key: "/etc/tls/k.pem" });
  assertEquals(problems({ "tls-cert": "/c" }), [
    'Cannot use --tls-cert "/c": of no use without tls-key',
  ]);
  assertEquals(problems({ "tls-key": "/k" }), [
    'Cannot use --tls-key "/k": of no use without tls-cert',
  ]);
  assertEquals(problems({ ...both, "tls-key": "k" }), [
    'Cannot use --tls-key "k": not an absolute path',
  ]);
});

Deno.test("resolveConfig() takes an empty variable as unset and an empty flag as a mistake", () => {
  assertEquals(resolve({}, { TINYFORGE_INTERVAL: "", DOCKER_HOST: "" }), resolve());
  assertEquals(problems({ interval: "" }), ["Cannot use --interval: it needs a value"]);
});

Deno.test("resolveConfig() reads no variable that CONFIG_ENVIRONMENT does not name", () => {
  const asked = new Set<string>();
  resolveConfig({
    flags: {},
    env: (name) => void asked.add(name),
    isRoot: () => true,
    isTerminal: () => true,
    surroundings: { ...NOWHERE, read: () => "{}", folders: () => ["x"] },
  });
  for (const name of asked) assert(CONFIG_ENVIRONMENT.includes(name), name);
});

Deno.test("resolveConfig() chooses the data directory by service, user and home", () => {
  const dataDir = (env: Env, root: boolean) => resolve({}, env, root).dataDir;
  assertEquals(dataDir({ STATE_DIRECTORY: "/var/lib/tf" }, true), "/var/lib/tf");
  assertEquals(dataDir({ STATE_DIRECTORY: "/var/lib/a:/var/lib/b" }, false), "/var/lib/a");
  assertEquals(dataDir({}, true), "/var/lib/tinyforge");
  assertEquals(dataDir({ XDG_STATE_HOME: "/state/" }, false), "/state/tinyforge");
  assertEquals(dataDir({ XDG_STATE_HOME: "relative" }, false), "/home/ann/.local/state/tinyforge");
  assertEquals(resolve({ "data-dir": "/x/" }, { STATE_DIRECTORY: "/y" }).dataDir, "/x");
  assertEquals(resolve({ "data-dir": "/" }).dataDir, "/");
  assertEquals(problems({}, { HOME: "" }), [
    "Cannot choose a data directory: neither HOME nor XDG_STATE_HOME is set; give --data-dir",
  ]);
  assertEquals(problems({ "data-dir": "/a\n\u001b[31m" }), [
    'Cannot use --data-dir "/a\\n\\u001b[31m": it has control characters',
  ]);
});

Deno.test("resolveConfig() means the service's index where its socket may be used, and no daemon of one's own runs", () => {
  const own = "/home/ann/.local/state/tinyforge";
  const dataDir = (looks: Record<string, SocketLook>) =>
    resolveConfig({
      flags: {},
      env: (name) => name === "HOME" ? "/home/ann" : undefined,
      isRoot: () => false,
      surroundings: { ...NOWHERE, look: (path) => looks[path] ?? "nothing" },
    }).dataDir;
  const [kept, run] = ["/var/lib/tinyforge/tinyforge.sock", "/run/tinyforge/tinyforge.sock"];
  assertEquals(dataDir({ [kept]: "usable" }), "/var/lib/tinyforge");
  assertEquals(dataDir({ [kept]: "forbidden", [run]: "usable" }), "/var/lib/tinyforge");
  assertEquals(dataDir({ [kept]: "forbidden", [run]: "forbidden" }), own);
  assertEquals(dataDir({ [run]: "usable", [`${own}/tinyforge.sock`]: "usable" }), own);
});

Deno.test("resolveConfig() has the socket where its group gets to it", () => {
  const socketDir = (flags: Flags, env: Env) => resolve(flags, env).socketDir;
  const env = { STATE_DIRECTORY: "/var/lib/tinyforge", RUNTIME_DIRECTORY: "/run/tinyforge" };
  assertEquals(socketDir({ "socket-group": "0" }, env), "/run/tinyforge");
  assertEquals(socketDir({}, env), "/var/lib/tinyforge");
  assertEquals(socketDir({ "socket-group": "0" }, {}), "/home/ann/.local/state/tinyforge");
  assertEquals(resolve({ "socket-group": "daemon" }).socketGroup, 1);
  assertEquals(problems({ "socket-group": "no-such-group" }), [
    'Cannot use --socket-group "no-such-group": there is no such group',
  ]);
  assertEquals(problems({ "metrics-token-file": "token" }), [
    'Cannot use --metrics-token-file "token": not an absolute path',
  ]);
});

Deno.test("resolveConfig() takes for routes what can stand in a URL or a rule, and nothing else", () => {
  const routes = (flags: Flags) => resolve(flags).routes;
  assertEquals(routes({ "route-address": "[FD00::7]" }).address, "fd00::7");
  assertEquals(routes({ "route-domain": "Example.ORG" }).domain, "example.org");
  for (const address of ["a b", "127.0.0.1:80", "http://host", "a/b", "a`b", "-a", "[::1"]) {
    assertEquals(problems({ "route-address": address }), [
      `Cannot use --route-address "${address}": not a host name or address without port`,
    ]);
  }
  for (const domain of [".example.org", "example.org.", "a`) || Host(`b", "*.example.org"]) {
    assertEquals(problems({ "route-domain": domain }).length, 1, domain);
  }
  assertEquals(problems({ "route-network": "a/b" }).length, 1);
  assertEquals(problems({ "route-scheme": "ftp" }).length, 1);
});

Deno.test("resolveConfig() asks the system who it is when nothing else decides", () => {
  const config = resolveConfig({ flags: {}, env: (name) => name === "HOME" ? "/h" : undefined });
  const expected = Deno.uid() === 0 ? "/var/lib/tinyforge" : "/h/.local/state/tinyforge";
  assertEquals(config.dataDir, expected);
});

Deno.test("resolveConfig() reads the Engine's address, TLS included", () => {
  const env = { DOCKER_HOST: "tcp://a:1", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" };
  assertEquals(resolve({}, env).docker, {
    kind: "tcp",
    url: "https://a:1",
    tls: { ca: "/certs/ca.pem", cert: "/certs/cert.pem", key: "/certs/key.pem" },
  });
  const both = { ...env, TINYFORGE_DOCKER_HOST: "unix:///b" };
  assertEquals(resolve({}, both).docker, { kind: "unix", path: "/b" });
  assertEquals(resolve({ "docker-host": "unix:///c" }, both).docker, { kind: "unix", path: "/c" });
});

Deno.test("resolveConfig() does not fall through from an Engine's address that can't be used", () => {
  const values = { TINYFORGE_DOCKER_HOST: "ssh://me@engine", DOCKER_HOST: "unix:///c" };
  const error = refused(() => resolve({}, values));
  assertEquals(linesFor(error), [
    'Cannot use Docker host "ssh://me@engine": the scheme ssh is not supported ' +
    "(TINYFORGE_DOCKER_HOST)",
  ]);
  assertStringIncludes(hintFor(error), "/var/run/docker.sock me@engine");
});

Deno.test("resolveDockerHost() reads nothing but what is about the Engine", () => {
  const env = (name: string) => ({ TINYFORGE_INTERVAL: "soon", DOCKER_HOST: "unix:///c" })[name];
  assertEquals(resolveDockerHost({ flags: {}, env }), { kind: "unix", path: "/c" });
  const error = refused(() =>
    resolveDockerHost({ flags: { "docker-host": "x" }, env, surroundings: NOWHERE })
  );
  assertEquals(error.data.problems.length, 1);
});

Deno.test("resolveConfig() turns an interval of zero or less into the default, and says so", () => {
  for (const interval of ["0", "0s", "-5s", "-0.5m"]) {
    const config = resolve({ interval });
    assertEquals(config.intervalMs, 30_000, interval);
    assertEquals(config.notes, [{
      setting: "interval",
      variable: null,
      value: interval,
      used: "is not above zero: 30s is used",
    }]);
  }
});

Deno.test("resolveConfig() cuts an interval above five minutes, and says so", () => {
  assertEquals(resolve({ interval: "5m" }).notes, []);
  const config = resolve({}, { TINYFORGE_INTERVAL: "301s" });
  assertEquals(config.intervalMs, 300_000);
  assertEquals(config.notes, [{
    setting: "interval",
    variable: "TINYFORGE_INTERVAL",
    value: "301s",
    used: "is above the longest interval: 5m is used",
  }]);
});

Deno.test("resolveConfig() refuses an interval that leaves no pause between passes", () => {
  assertEquals(resolve({ interval: "100ms" }).intervalMs, 100);
  for (const interval of ["1ms", "0.1ms", "0.0001s", "99.9ms"]) {
    assertEquals(problems({ interval }), [
      `Cannot use --interval "${interval}": below the shortest interval of 100ms; changes are ` +
      "seen at once anyway",
    ]);
  }
});

Deno.test("resolveConfig() refuses an interval that is no time, quoting it", () => {
  assertEquals(problems({ interval: "30" }), [
    'Cannot use --interval "30": not a time with a unit; write "30s"',
  ]);
  for (const interval of ["10x", "s", "1e3s", "1 s", "30s ", "NaN", "1h", "∞", "1s\n"]) {
    assertEquals(problems({ interval }), [
      `Cannot use --interval ${JSON.stringify(interval)}: not a time with a unit; ` +
      'write "500ms", "30s" or "5m"',
    ]);
  }
});

Deno.test("resolveConfig() listens where it is told, or nowhere", () => {
  const listen = (text: string) => resolve({ listen: text }).listen;
  assertEquals(listen("127.0.0.1:7475"), { hostname: "127.0.0.1", port: 7475 });
  assertEquals(listen("[::1]:7475"), { hostname: "::1", port: 7475 });
  assertEquals(listen("LocalHost:0"), { hostname: "localhost", port: 0 });
  assertEquals(listen("none"), null);
});

Deno.test("resolveConfig() refuses an address it can't listen on, and says what to write", () => {
  assertEquals(problems({ listen: ":8080" }), [
    'Cannot use --listen ":8080": no host; write "127.0.0.1:8080", or "0.0.0.0:8080" to listen ' +
    "on every address",
  ]);
  for (const listen of ["7475", "localhost", "::1:80", "a:65536", "a:x", "http://a:1", "a b:1"]) {
    assertEquals(problems({ listen }), [
      `Cannot use --listen "${listen}": not an address; write "127.0.0.1:7475", "[::1]:7475" or ` +
      '"none"',
    ]);
  }
});

Deno.test("resolveConfig() allows loopback names and the address listened on by default", () => {
  const loopback = ["localhost", "127.0.0.1", "::1"];
  assertEquals(resolve({ listen: "10.0.0.5:80" }).allowedHosts, [...loopback, "10.0.0.5"]);
  assertEquals(resolve({ listen: "none" }).allowedHosts, loopback);
  const everywhere = resolve({ listen: "[::]:80" });
  assertEquals(everywhere.allowedHosts, loopback);
  assertEquals(everywhere.notes.length, 1);
});

Deno.test("resolveConfig() reads a list of allowed hosts", () => {
  const hosts = (text: string) => resolve({ "allowed-hosts": text }).allowedHosts;
  assertEquals(hosts("Forge.Example, 10.0.0.5 ,,[::1],fe80::1"), [
    "forge.example",
    "10.0.0.5",
    "::1",
    "fe80::1",
  ]);
  assertEquals(problems({ "allowed-hosts": "ok,*.example" }), [
    'Cannot use --allowed-hosts "*.example": not a host name; write names or addresses without ' +
    "port, separated by commas",
  ]);
  assertEquals(problems({ "allowed-hosts": "a:80" }).length, 1);
  assertEquals(problems({ "allowed-hosts": " , " }).length, 1);
});

Deno.test("resolveConfig() takes log level and format from their lists only", () => {
  assertEquals(resolve({ "log-level": "debug", "log-format": "text" }).logFormat, "text");
  assertEquals(problems({ "log-level": "INFO" }), [
    'Cannot use --log-level "INFO": not one of debug, info, warn, error',
  ]);
  assertEquals(problems({ "log-format": "xml" }), [
    'Cannot use --log-format "xml": not one of text, json',
  ]);
  const onTerminal = resolveConfig({
    flags: {},
    env: () => undefined,
    isRoot: () => true,
    isTerminal: () => true,
  });
  assertEquals(onTerminal.logFormat, "text");
});

Deno.test("resolveConfig() refuses a Compose prefix that no project name can begin with", () => {
  assertEquals(resolve({ "compose-prefix": "prod_1-" }).composePrefix, "prod_1-");
  for (const prefix of ["Prod-", "-a", "a/b", "a".repeat(64), "%"]) {
    assertEquals(problems({ "compose-prefix": prefix }).length, 1, prefix);
  }
});

Deno.test("resolveConfig() reports every problem at once, in one message with a hint", () => {
  const error = refused(() =>
    resolve({ interval: "10x", listen: "nowhere" }, { TINYFORGE_LOG_LEVEL: "loud" })
  );
  assertEquals(error.data.problems.length, 3);
  assertEquals(
    linesFor(error).join("\n"),
    `Cannot use the configuration: 3 problems
  - Cannot use --listen "nowhere": not an address; write "127.0.0.1:7475", "[::1]:7475" or "none"
  - Cannot use --interval "10x": not a time with a unit; write "500ms", "30s" or "5m"
  - Cannot use TINYFORGE_LOG_LEVEL "loud": not one of debug, info, warn, error`,
  );
  assertEquals(hintFor(error), "`tinyforge help` lists every flag with its variable and default");
  assertEquals(problems({ interval: "10x" }).length, 1);
});

Deno.test("resolveConfig() cuts a value of ten kilobytes in its message", () => {
  const [problem] = problems({ interval: "x".repeat(10_000) });
  assert(problem!.length < 250, problem);
});

Deno.test("parseDuration() knows ms, s and m", () => {
  assertEquals(parseDuration("250ms"), 250);
  assertEquals(parseDuration("1.5s"), 1500);
  assertEquals(parseDuration("2m"), 120_000);
  assertEquals(parseDuration("-2m"), -120_000);
  assertEquals(parseDuration("0"), 0);
  for (const text of ["", "5", "ms", "1h", "1m30s", "0x5s", " 1s"]) {
    assertEquals(parseDuration(text), null, text);
  }
});

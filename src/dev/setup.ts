/**
 * Makes a fresh machine ready: `deno task setup` for running the program, `deno task setup:test`
 * for its tests too. Looks first and changes only what is missing, so that it can run before every
 * start. On Debian and Ubuntu as root it installs packages and starts the Engine; elsewhere, and
 * with `--check`, it only says what to do.
 * Not part of the binary.
 *
 * @module
 */

import { DockerClient } from "../docker/client.ts";
import { resolveDockerHost } from "../config.ts";
import { DEFAULT_SOCKET, type DockerHost } from "../docker_host.ts";
import { startEngine } from "./engine.ts";
import { installQuietly } from "./quiet_services.ts";

/** What fails without it: the program, the Engine (needed where none answers), or the tests. */
type Need = "the program" | "an Engine" | "the tests";

/** Something that must be on the machine. */
interface Requirement {
  readonly need: Need;
  readonly name: string;
  /** Debian's package. */
  readonly package: string;
  /** The package that newer releases moved it to. */
  readonly movedTo?: string;
  /** The service that the package would start, and nobody here needs. */
  readonly service?: string;
  readonly isHere: () => Promise<boolean>;
}

const LIBRARY_FOLDERS: readonly string[] = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
];

/** One line for each: a library's or a program's name, Debian's package, what else is to know. */
const REQUIREMENTS: readonly Requirement[] = [
  library("the program", "libsqlite3.so.0", "libsqlite3-0"),

  program("an Engine", "dockerd", "docker.io"),
  program("an Engine", "containerd", "containerd"),
  program("an Engine", "iptables", "iptables"),

  program("the tests", "age", "age"),
  program("the tests", "busybox", "busybox-static"),
  program("the tests", "caddy", "caddy", { service: "caddy" }),
  program("the tests", "chromium", "chromium"),
  program("the tests", "containerd", "containerd"),
  program("the tests", "curl", "curl"),
  program("the tests", "docker", "docker.io", { movedTo: "docker-cli" }),
  program("the tests", "docker-compose", "docker-compose"),
  program("the tests", "dockerd", "docker.io"),
  program("the tests", "fish", "fish"),
  program("the tests", "iptables", "iptables"),
  program("the tests", "openssl", "openssl"),
  program("the tests", "podman", "podman"),
  program("the tests", "pg_ctlcluster", "postgresql", { service: "postgresql" }),
  program("the tests", "prometheus", "prometheus", { service: "prometheus" }),
  program("the tests", "ps", "procps"),
  program("the tests", "restic", "restic"),
  program("the tests", "systemd-analyze", "systemd"),
  program("the tests", "unshare", "util-linux"),
  program("the tests", "zsh", "zsh"),
];

if (import.meta.main) {
  Deno.exit(
    await setup({
      change: !Deno.args.includes("--check"),
      forTests: Deno.args.includes("--tests"),
    }),
  );
}

/** The exit code: 0 when what was asked for can run here. */
async function setup(
  { change, forTests }: { change: boolean; forTests: boolean },
): Promise<number> {
  const host = findHost();
  let problem = await engineProblem(host);
  const startsEngine = problem !== null && isDefaultHost(host);
  const needs = new Set<Need>(["the program"]);
  if (startsEngine) needs.add("an Engine");
  if (forTests) needs.add("the tests");

  const missing = await findMissing(needs);
  const canInstall = change && await isRoot() && await isDebian();
  if (missing.length > 0 && canInstall) {
    const services = missing.flatMap(({ service }) => service ?? []);
    if (services.length > 0) say(`not starting the services of ${services.join(", ")}`);
    await installQuietly(services, { install: () => install(missing, needs) });
  }
  if (startsEngine && canInstall) {
    say("starting dockerd");
    problem = await startEngine(() => engineProblem(host));
  }

  const left = await findMissing(needs);
  if (left.length > 0) explain(left);
  if (problem !== null) {
    say(`No Engine answers: ${problem}`);
    say("the program needs one: install and start Docker, or name another with DOCKER_HOST");
  }
  const cached = !change || await cacheDependencies({ forTests }) && await buildDashboard();
  const usable = problem === null && cached && !left.some(({ need }) => need === "the program");
  // Tests whose tools are missing are told by the tests themselves, unless this runs in CI.
  if (usable) {
    const all = left.length === 0;
    say(all ? `ready for ${forTests ? "the tests" : "the program"}` : "ready, not for all tests");
  }
  return usable ? 0 : 1;
}

function library(need: Need, name: string, debian: string): Requirement {
  const paths = LIBRARY_FOLDERS.map((folder) => `${folder}/${name}`);
  return { need, name, package: debian, isHere: () => someExists(paths) };
}

function program(
  need: Need,
  name: string,
  debian: string,
  more: Pick<Requirement, "movedTo" | "service"> = {},
): Requirement {
  const folders = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/sbin");
  return {
    need,
    name,
    package: debian,
    ...more,
    isHere: () => someExists(folders.map((folder) => `${folder}/${name}`)),
  };
}

async function someExists(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) return true;
  }
  return false;
}

async function findMissing(needs: ReadonlySet<Need>): Promise<Requirement[]> {
  const missing = new Map<string, Requirement>();
  for (const requirement of REQUIREMENTS) {
    const { need, name } = requirement;
    if (!needs.has(need) || missing.has(name)) continue;
    if (!await requirement.isHere()) missing.set(name, requirement);
  }
  return [...missing.values()];
}

/** Through a program: asking Deno takes a permission of its own. */
async function isRoot(): Promise<boolean> {
  const { stdout } = await new Deno.Command("/usr/bin/id", { args: ["-u"] }).output();
  return new TextDecoder().decode(stdout).trim() === "0";
}

async function isDebian(): Promise<boolean> {
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(release) &&
    await someExists(["/usr/bin/apt-get"]);
}

async function install(
  missing: readonly Requirement[],
  needs: ReadonlySet<Need>,
): Promise<void> {
  const packages = [...new Set(missing.map((requirement) => requirement.package))];
  say(`installing ${packages.join(", ")}`);
  const hasLists = await Array.fromAsync(Deno.readDir("/var/lib/apt/lists"))
    .then((entries) => entries.some((entry) => entry.name.includes("_Packages")), () => false);
  if (!hasLists || !await aptInstall(packages)) {
    // No lists yet, or so old that what they name is gone.
    await apt("update");
    if (!await aptInstall(packages)) await installOneByOne(packages);
  }
  for (const { movedTo } of await findMissing(needs)) {
    if (movedTo !== undefined) await aptInstall([movedTo]);
  }
}

/** One package that this release does not have must not keep the others away. */
async function installOneByOne(packages: readonly string[]): Promise<void> {
  for (const name of packages) {
    if (!await aptInstall([name])) say(`apt-get could not install ${name}`);
  }
}

function aptInstall(packages: readonly string[]): Promise<boolean> {
  return apt("install", "--yes", "--no-install-recommends", ...packages);
}

async function apt(...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command("apt-get", {
    args: ["--quiet=2", "--option=DPkg::Lock::Timeout=120", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

function findHost(): DockerHost | string {
  try {
    return resolveDockerHost({ flags: {}, env: (name) => Deno.env.get(name) });
  } catch (error) {
    return messageOf(error);
  }
}

/** The socket that a dockerd which is started here would answer on. */
function isDefaultHost(host: DockerHost | string): boolean {
  return typeof host === "object" && host.kind === "unix" && host.path === DEFAULT_SOCKET;
}

/** Null when the Engine answers, else why not. */
async function engineProblem(host: DockerHost | string): Promise<string | null> {
  if (typeof host === "string") return host;
  try {
    using docker = new DockerClient({ host, timeoutMs: 5000 });
    await docker.ping();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function explain(left: readonly Requirement[]): void {
  say("missing:");
  for (const { name, need, package: debian } of left) {
    say(`  ${name}, for ${need} (Debian, Ubuntu: ${debian})`);
  }
  const packages = [...new Set(left.map((requirement) => requirement.package))];
  say(`on Debian or Ubuntu: sudo apt-get install --no-install-recommends ${packages.join(" ")}`);
}

/** Fetches what the lock file names and is needed, so that nothing is downloaded later. */
async function cacheDependencies({ forTests }: { forTests: boolean }): Promise<boolean> {
  const root = new URL("../../", import.meta.url).pathname;
  const entries = [
    "main.ts",
    "src/web/app.tsx",
    "src/dev/web.ts",
    ...forTests ? await testFiles(`${root}tests`) : [],
  ];
  const locked = await someExists([`${root}deno.lock`]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...(locked ? ["--frozen"] : []), ...entries],
    cwd: root,
    env: { RUST_BACKTRACE: "0" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) say(`Cannot fetch dependencies: ${new TextDecoder().decode(stderr).trim()}`);
  return success;
}

/** Only now: what it is built with was fetched a moment ago. */
async function buildDashboard(): Promise<boolean> {
  try {
    const { buildWeb } = await import("./web.ts");
    await buildWeb();
    return true;
  } catch (error) {
    say(`Cannot build the dashboard: ${messageOf(error)}`);
    return false;
  }
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await testFiles(path));
    else if (/_(?:test|bench)\.ts$/.test(entry.name)) files.push(path);
  }
  return files;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(text: string): void {
  // deno-lint-ignore no-console
  console.log(`setup: ${text}`);
}

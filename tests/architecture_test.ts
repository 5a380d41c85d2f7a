/**
 * The house rules that no compiler checks: who may import whom, what files may be called, how long
 * they may be, and that nothing runs with all permissions. Reads the sources as text, so that a
 * rule also holds for a file that nothing imports yet.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, fromFileUrl, join, relative } from "@std/path";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** Modules that know nothing of each other but what is listed, and nothing of what is above. */
const LEAVES: Readonly<Record<string, readonly string[]>> = {
  model: [],
  alike: [],
  carried: [],
  clock: [],
  feed: [],
  flags: [],
  size: [],
  span: [],
  failure: [],
  index_hints: [],
  http: ["loopback"],
  loopback: [],
  text: [],
  secret: [],
  bytes: [],
  system: ["failure", "text"],
  docker_host: ["failure", "system", "text"],
  setting_values: ["failure", "flags", "model", "text"],
  problem_setting_values: ["failure", "model", "setting_values", "span"],
  config: [
    "problem_setting_values",
    "span",
    "setting_values",
    "model",
    "docker_host",
    "failure",
    "flags",
    "system",
    "text",
  ],
  telemetry: ["model", "system", "text"],
  recurrence: ["failure", "text"],
  silence_windows: ["model", "recurrence"],
  shell_word: ["text"],
  remedy_command: ["model", "shell_word"],
};
const EVERY_LEAF = Object.keys(LEAVES);

/** What each part of the program may import of the others. A part is a folder or a root file. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...LEAVES,
  core: ["model", "failure", "text"],
  docker: EVERY_LEAF,
  store: [...EVERY_LEAF, "core"],
  lock: EVERY_LEAF,
  reconcile: [...EVERY_LEAF, "core", "docker", "store"],
  problems: [...EVERY_LEAF, "core", "docker", "store"],
  exports: [...EVERY_LEAF, "core"],
  server: [...EVERY_LEAF, "core", "exports", "store", "doctor"],
  doctor: [...EVERY_LEAF, "core", "docker"],
  notify: [...EVERY_LEAF, "core", "store"],
  hub: [...EVERY_LEAF, "core", "store", "notify"],
  supervision: [...EVERY_LEAF, "lock", "reconcile"],
  safekeeping: [...EVERY_LEAF, "core", "store", "lock"],
  data: [...EVERY_LEAF, "store", "lock", "safekeeping"],
  gauges: ["clock", "store", "telemetry"],
  daily_backups: ["config", "problems", "safekeeping", "server"],
  daemon: [
    ...EVERY_LEAF,
    "gauges",
    "daily_backups",
    "core",
    "docker",
    "problems",
    "store",
    "lock",
    "data",
    "safekeeping",
    "reconcile",
    "hub",
    "notify",
    "server",
    "supervision",
  ],
  hub_daemon: [...EVERY_LEAF, "hub", "server", "store", "supervision"],
  cli: [
    ...EVERY_LEAF,
    ...["core", "docker", "store", "lock", "reconcile", "server", "supervision", "data", "daemon"],
    ...["hub", "hub_daemon"],
    "safekeeping",
    "doctor",
  ],
  main: ["cli"],
  // Of the server, the store and the core nothing but types: see below.
  web: ["alike", "model", "text", "shell_word", "remedy_command", "core", "store", "server"],
  jsr: [],
  dev: [...EVERY_LEAF, "docker"],
};

/** Why not. The first that fits is what a violation is told. */
const REASONS: readonly { from: string[]; to: string[]; because: string }[] = [
  { from: ["*"], to: ["main"], because: "the program's entry has nothing that anyone could use" },
  { from: ["*"], to: ["dev"], because: "what builds and sets up is not part of the binary" },
  {
    from: ["*"],
    to: ["jsr"],
    because: "linked packages are imported by their registry name, so that removing the link " +
      "gives the same program on the real package",
  },
  {
    from: ["jsr"],
    to: ["*"],
    because: "a linked package stands in for a published one, which knows nothing of this program",
  },
  { from: ["model"], to: ["*"], because: "the domain is what everything else is written in" },
  {
    from: EVERY_LEAF,
    to: ["*"],
    because: "a leaf is used by every part, so it must be understood and tested without any",
  },
  {
    from: ["core"],
    to: ["*"],
    because: "what is decided depends on nothing but what is known: no SQL, no Engine, no clock",
  },
  {
    from: ["exports"],
    to: ["*"],
    because: "what a proxy is told follows from rows and settings alone",
  },
  {
    from: ["docker"],
    to: ["store", "lock"],
    because: "an adapter knows one technology; only the composition root knows two",
  },
  {
    from: ["store"],
    to: ["docker", "lock"],
    because: "the index must be readable where no Engine is, and without owning the directory",
  },
  {
    from: ["lock"],
    to: ["docker", "store"],
    because: "the lock comes before everything it protects, and is proven on its own",
  },
  {
    from: ["reconcile"],
    to: ["server"],
    because: "a pass must be the same whether or not anyone is listening",
  },
  {
    from: ["server"],
    to: ["reconcile"],
    because: "HTTP asks for a pass through a function; it must not know how one is made",
  },
  {
    from: ["server"],
    to: ["docker"],
    because: "no request may reach the Engine: readers read the index",
  },
  {
    from: ["reconcile", "server"],
    to: ["lock"],
    because: "who owns the directory is settled before either exists",
  },
  {
    from: ["supervision"],
    to: ["docker", "store", "server"],
    because: "it watches over the loop and the lock; their tools are the daemon's to know",
  },
  {
    from: ["notify"],
    to: ["*"],
    because: "it is given what there is to tell; where that comes from is not its concern",
  },
  {
    from: ["*"],
    to: ["web"],
    because: "the dashboard runs in browsers; the server sends it as files that were built",
  },
  {
    from: ["hub"],
    to: ["*"],
    because:
      "a hub never asks a host anything: it knows what was told, and neither Engines nor locks",
  },
  { from: ["main"], to: ["*"], because: "it hands over to the command line and nothing else" },
  { from: ["dev"], to: ["*"], because: "setting up must work before the program does" },
  { from: ["*"], to: ["*"], because: "imports run downward only" },
];

/** The only parts that may know a package of others. */
const PACKAGES: readonly { name: RegExp; parts: string[]; because: string }[] = [
  { name: /^@std\/path$/, parts: ["*"], because: "" },
  {
    name: /^node:(?:https?|net)$/,
    parts: [
      "hub/database_socket.ts",
      "server/exchange.ts",
      "server/node_listener.ts",
      "notify/channels/email.ts",
      "notify/dial.ts",
      "notify/exchange.ts",
      "notify/tunnel.ts",
    ],
    because:
      "the fetch API does, but where a listener needs limits, a mail program or a database " +
      "a socket, or a request an address that was judged",
  },
  {
    name: /^node:async_hooks$/,
    parts: ["server/asking.ts"],
    because:
      "what a function works with is told to it; only whom a change is written down to isn't",
  },
  {
    name: /^node:buffer$/,
    parts: ["docker/listing_pieces.ts"],
    because: "it compares bytes at the memory's speed, which matters where megabytes come again",
  },
  {
    name: /^@db\/sqlite$/,
    // The version of SQLite is told without an index to open.
    parts: ["store", "cli/commands/version.ts"],
    because: "SQL stays behind the store",
  },
  {
    name: /^hono(?:\/|$)/,
    parts: ["server"],
    because: "HTTP stays behind the server, and is loaded only by it",
  },
  {
    name: /^zod$/,
    parts: ["server", "cli/compose_file.ts"],
    because: "what comes from outside is checked where it enters",
  },
  {
    name: /^(?:modern-tar|age-encryption|node:crypto)$/,
    parts: ["safekeeping", "server/certificate.ts", "hub/authority.ts", "hub/channel_key.ts"],
    because: "what a backup is made of stays where backups are made",
  },
  {
    name: /^(?:nodemailer|node:tls|node:dns\/promises)$/,
    parts: ["notify", "hub/database_socket.ts"],
    because: "names are resolved and sockets opened where it is judged which may be",
  },
  {
    name: /^node:events$/,
    parts: ["hub/database_socket.ts"],
    because: "who is told of something awaits it or follows a feed; a driver asks for events",
  },
  {
    name: /^(?:preact|@preact\/signals)(?:\/|$)/,
    parts: ["web"],
    because: "what draws pages runs in browsers",
  },
  {
    name: /^(?:@gfx\/zopfli|esbuild|node:zlib)$/,
    parts: ["dev/web.ts", "dev/compile.ts"],
    because: "bundles are made before the program runs",
  },
  {
    name: /^postgres$/,
    parts: ["hub/database_pool.ts", "hub/sql.ts"],
    because: "SQL of many hosts stays behind the hub",
  },
  { name: /^@std\/cli(?:\/|$)/, parts: ["cli"], because: "arguments are the command line's" },
  {
    name: /^croner$/,
    parts: ["recurrence"],
    because: "when something recurs is reckoned in one place",
  },
  {
    name: /^yaml$/,
    parts: ["cli/compose_yaml.ts"],
    because: "Compose files are read by commands, never by the daemon",
  },
  {
    name: /deno\.json$/,
    parts: ["cli/commands/version.ts"],
    because: "the version is asked of the one who tells it",
  },
];

/** A statement is prepared on its database, in the package that this one stands in for too. */
const KNOWN_CIRCLES = /^src\/jsr\/db-sqlite\//;

const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "types",
  "constants",
  "services",
  "misc",
  "shared",
  // Barrels.
  "mod",
  "index",
]);

/** Lines that are neither blank nor comment: documentation should not be what is saved on. */
const MAX_CODE_LINES = 300;
const MAX_LINES = 400;

interface SourceFile {
  /** Path from the root, as `src/store/store.ts`. */
  readonly path: string;
  readonly text: string;
}

async function read(folder: string, extension: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const entry of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await read(path, extension));
    else if (path.endsWith(extension)) {
      files.push({ path, text: await Deno.readTextFile(join(ROOT, path)) });
    }
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

const sources = [...await read("src", ".ts"), ...await read("src", ".tsx")];
try {
  sources.push({ path: "main.ts", text: await Deno.readTextFile(join(ROOT, "main.ts")) });
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Source without comments; strings stay, because imports are strings. */
function withoutComments(text: string): string {
  // At the begin of a line: elsewhere it may be part of a text, as in "text/plain, */*".
  return text.replace(/^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** Source without the imports that are of types alone. */
function withoutTypes(text: string): string {
  return text.replace(/^import type [^;]*;/gm, "");
}

interface Import {
  readonly specifier: string;
  /** `import("…")`, or of types alone: not loaded with the module. */
  readonly deferred: boolean;
}

function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (
    const [, type, specifier] of code.matchAll(
      /^(?:import|export)\s+(type\s)?[^;"']*?\bfrom\s*"([^"]+)"/gm,
    )
  ) found.push({ specifier: specifier!, deferred: type !== undefined });
  for (const [, specifier] of code.matchAll(/^import\s*"([^"]+)"/gm)) {
    found.push({ specifier: specifier!, deferred: false });
  }
  for (const [, specifier] of code.matchAll(/\bimport\(\s*"([^"]+)"\s*,?\s*\)/g)) {
    found.push({ specifier: specifier!, deferred: true });
  }
  return found;
}

/** `store` for `src/store/store.ts`, `config` for `src/config.ts`, `main` for `main.ts`. */
function partOf(path: string): string {
  return path.replace(/^src\//, "").split("/")[0]!.replace(/\.tsx?$/, "");
}

function resolve(from: string, specifier: string): string {
  return relative(ROOT, join(ROOT, dirname(from), specifier));
}

function reasonAgainst(from: string, to: string): string | null {
  if (from === to || MAY_IMPORT[from]?.includes(to)) return null;
  const fits = (parts: string[], part: string) => parts.includes("*") || parts.includes(part);
  return REASONS.find((rule) => fits(rule.from, from) && fits(rule.to, to))!.because;
}

function violationsOf({ path, text }: SourceFile): string[] {
  const from = partOf(path);
  const violations: string[] = [];
  for (const { specifier } of importsOf(text)) {
    const target = specifier.startsWith(".") ? resolve(path, specifier) : specifier;
    if (/^(?:src\/|main\.ts$)/.test(target)) {
      const crossesPackages = from === "jsr" && target.split("/")[2] !== path.split("/")[2];
      const because = crossesPackages
        ? "each linked package stands alone, like the one it stands for"
        : reasonAgainst(from, partOf(target));
      if (because !== null) violations.push(`${path} imports ${target}: ${because}`);
      continue;
    }
    const rule = PACKAGES.find(({ name }) => name.test(target));
    const allowed = from !== "jsr" &&
      rule?.parts.some((part) => part === "*" || part === from || `src/${part}` === path);
    if (!allowed) {
      violations.push(
        `${path} imports ${target}: ${rule?.because || "no part of the program may know it"}`,
      );
    }
  }
  return violations;
}

Deno.test("imports run downward only", () => {
  assertEquals(sources.flatMap(violationsOf), []);
});

Deno.test("the import rules see what they forbid", () => {
  const broken = (path: string, text: string) => violationsOf({ path, text }).length;
  assertEquals(broken("src/docker/x.ts", 'import { a } from "../store/store.ts";'), 1);
  assertEquals(broken("src/docker/x.ts", 'import type {\n  A,\n} from "../lock/lock.ts";'), 1);
  assertEquals(broken("src/server/api/x.ts", 'export { a } from "../../reconcile/loop.ts";'), 1);
  assertEquals(broken("src/core/x.ts", 'import { a } from "../store/store.ts";'), 1);
  assertEquals(broken("src/server/x.ts", 'const a = await import("../docker/client.ts");'), 1);
  assertEquals(broken("src/server/x.ts", 'const a = await import(\n  "../lock/lock.ts",\n);'), 1);
  assertEquals(broken("src/reconcile/x.ts", 'import "../server/server.ts";'), 1);
  assertEquals(broken("src/telemetry/log.ts", 'import { a } from "../config.ts";'), 1);
  assertEquals(broken("src/http/x.ts", 'import { a } from "../docker/error.ts";'), 1);
  assertEquals(broken("src/model/pass.ts", 'import { a } from "../telemetry/log.ts";'), 1);
  assertEquals(broken("src/cli/x.ts", 'import { a } from "../dev/setup.ts";'), 1);
  assertEquals(broken("src/cli/x.ts", 'import { a } from "../jsr/std-path/mod.ts";'), 1);
  assertEquals(broken("src/jsr/db-sqlite/x.ts", 'import { a } from "../std-path/mod.ts";'), 1);
  assertEquals(broken("src/cli/x.ts", 'import { Database } from "@db/sqlite";'), 1);
  assertEquals(broken("src/store/x.ts", 'import { Hono } from "hono/tiny";'), 1);
  assertEquals(broken("src/store/x.ts", 'import process from "node:process";'), 1);
  assertEquals(broken("src/store/x.ts", '// import { a } from "../docker/client.ts";'), 0);
  assertEquals(broken("src/daemon.ts", 'import { a } from "./server/server.ts";'), 0);
});

// The type checker is content with a deferred import of what is not there.
Deno.test("every import names a file that is there", () => {
  const there = new Set(sources.map(({ path }) => path));
  const missing = (files: readonly SourceFile[]) =>
    files.flatMap(({ path, text }) =>
      importsOf(text).filter(({ specifier }) => /^\..*\.tsx?$/.test(specifier))
        .map(({ specifier }) => resolve(path, specifier))
        .filter((target) => target.startsWith("src/") && !there.has(target))
        .map((target) => `${path}: ${target}`)
    );
  assertEquals(missing(sources), []);
  const made = { path: "src/cli/a.ts", text: 'const { b } = await import("./never.ts");' };
  assertEquals(missing([made]), ["src/cli/a.ts: src/cli/never.ts"]);
});

Deno.test("commands reach the index through the API alone", () => {
  // Errors are told apart, and the library is asked for its version: neither reads an index.
  const allowed = /^src\/store\/(?:error|library)\.ts$/;
  const found = sources.filter(({ path }) => path.startsWith("src/cli/")).flatMap(
    ({ path, text }) =>
      importsOf(withoutTypes(text)).map(({ specifier }) => resolve(path, specifier))
        .filter((target) => target.startsWith("src/store/") && !allowed.test(target))
        .map((target) => `${path} imports ${target}`),
  );
  assertEquals(found, []);
});

Deno.test("the dashboard has nothing of the program but types, what there is, what is alike, and commands to paste", () => {
  const own = sources.filter(({ path }) => path.startsWith("src/web/"));
  assert(own.length > 20, "the folder was renamed");
  const found = new Set(
    own.flatMap(({ path, text }) =>
      importsOf(withoutTypes(text)).map(({ specifier }) => resolve(path, specifier))
    ).filter((target) => target.startsWith("src/") && !target.startsWith("src/web/")),
  );
  assertEquals([...found].sort(), [
    "src/alike.ts",
    ...["problem", "role", "workload"].map((name) => `src/model/${name}.ts`),
    "src/remedy_command.ts",
    "src/shell_word.ts",
  ]);
});

Deno.test("every part of the program has its place in the table of imports", () => {
  const unplaced = new Set(sources.map(({ path }) => partOf(path)))
    .difference(new Set(Object.keys(MAY_IMPORT)));
  assertEquals([...unplaced], []);
});

/** What is loaded before a module runs; deferred imports and types are not. */
function loadedWith(entry: string): Set<string> {
  const byPath = new Map(sources.map((file) => [file.path, file]));
  const loaded = new Set<string>();
  const visit = (path: string) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { specifier, deferred } of importsOf(byPath.get(path)?.text ?? "")) {
      if (!deferred) visit(specifier.startsWith(".") ? resolve(path, specifier) : specifier);
    }
  };
  visit(entry);
  return loaded;
}

Deno.test("help and mistakes load neither the daemon, HTTP, SQL nor the Engine's client", () => {
  const loaded = loadedWith("main.ts");
  assert(loaded.has("src/cli/cli.ts"), "the walk did not begin");
  const heavy = [...loaded].filter((path) =>
    /^src\/(?:daemon|data|server|store|docker|reconcile|lock)\b(?!\/error\.ts$)|^@db\/|hono|^yaml$|^zod$/
      .test(
        path,
      )
  );
  assertEquals(heavy, []);
});

/** Ways from a module back to itself, types included: what is read together must be one file. */
function circlesOf(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const begin = way.indexOf(path);
    if (begin >= 0) circles.push([...way.slice(begin), path].join(" → "));
    if (begin >= 0 || done.has(path)) return;
    for (const { specifier } of importsOf(byPath.get(path)?.text ?? "")) {
      if (specifier.startsWith(".")) visit(resolve(path, specifier), [...way, path]);
    }
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return circles;
}

Deno.test("no module needs itself by way of others", () => {
  assertEquals(circlesOf(sources).filter((circle) => !KNOWN_CIRCLES.test(circle)), []);
  assertEquals(
    circlesOf([
      { path: "src/store/a.ts", text: 'import { b } from "../core/b.ts";' },
      { path: "src/core/b.ts", text: 'import type { A } from "../store/a.ts";' },
    ]),
    ["src/store/a.ts → src/core/b.ts → src/store/a.ts"],
  );
});

Deno.test("the daemon's start loads nothing of backups", () => {
  const loaded = [...loadedWith("src/daemon.ts")];
  assert(loaded.includes("src/reconcile/loop.ts"), "the walk did not begin");
  const heavy = loaded.filter((path) =>
    /^src\/safekeeping\/|^src\/store\/snapshot|^(?:modern-tar|age-encryption|node:crypto)$/.test(
      path,
    )
  );
  assertEquals(heavy, []);
});

Deno.test("zod is imported by its parts, so that a binary leaves out what nobody uses", () => {
  const users = sources.filter(({ text }) => /from "zod"/.test(text));
  assert(users.length > 20, "no schema was found");
  // Whoever takes `z` takes its messages in fifty languages along: a third of a megabyte, twice.
  const whole = users.filter(({ text }) => !/^import (?:type )?\* as z from "zod";$/m.test(text));
  assertEquals(whole.map(({ path }) => path), []);
});

Deno.test("no channel is loaded before one is opened, and no mail program before it sends", () => {
  const opening = loadedWith("src/notify/open_channel.ts");
  assertEquals([...opening], ["src/notify/open_channel.ts"]);
  const channels = sources.filter(({ path }) => path.startsWith("src/notify/channels/"));
  assert(channels.length > 0, "no channel was found");
  for (const { path } of channels) {
    const loaded = loadedWith(path);
    assert(loaded.has("src/notify/texts.ts"), "the walk did not begin");
    assert(!loaded.has("nodemailer") && !loaded.has("node:dns/promises"), path);
  }
});

Deno.test("files are named for what they are, in snake_case", () => {
  for (const { path } of sources) {
    const names = path.replace(/\.tsx?$/, "").split("/").slice(1);
    const linked = path.startsWith("src/jsr/");
    for (const name of linked ? names.slice(2) : names) {
      assertMatch(name, /^[a-z0-9]+(?:_[a-z0-9]+)*$/, path);
      assert(!FORBIDDEN_NAMES.has(name) || (linked && name === "mod"), `${path}: says nothing`);
    }
  }
});

Deno.test("source files stay short enough to be read at once", () => {
  const long = sources.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n").length;
    const code = withoutComments(text).split("\n").filter((line) => line.trim() !== "").length;
    return lines > MAX_LINES || code > MAX_CODE_LINES
      ? [`${path}: ${lines} lines, ${code} of them code`]
      : [];
  });
  assertEquals(long, []);
});

Deno.test("every module says what it is", () => {
  const silent = sources.filter(({ text }) => !/^\/\*\*[\s\S]*?@module\s*\*\//.test(text));
  assertEquals(silent.map(({ path }) => path), []);
});

Deno.test("nothing is exported by default", () => {
  const found = sources.filter(({ text }) => /^export default\b/m.test(withoutComments(text)));
  assertEquals(found.map(({ path }) => path), []);
});

/** What a module exports that is more than a type; but for what its own exported types are made of. */
function exportedValues(text: string): string[] {
  const code = withoutComments(text);
  return [...code.matchAll(/^export (?:async )?(?:function\*?|class|const) (\w+)/gm)]
    .map(([, name]) => name!)
    .filter((name) => !new RegExp(`\\btypeof ${name}\\b`).test(code));
}

/** `path: name` of what is exported and named by nobody who imports the module. */
function unusedExports(
  files: readonly SourceFile[],
  { users }: { users: readonly SourceFile[] },
): string[] {
  const texts = new Map<string, string[]>();
  for (const { path, text } of users) {
    for (const { specifier } of importsOf(text)) {
      if (!specifier.startsWith(".")) continue;
      const target = resolve(path, specifier);
      const known = texts.get(target);
      if (known === undefined) texts.set(target, [text]);
      else known.push(text);
    }
  }
  return files.flatMap(({ path, text }) =>
    exportedValues(text)
      .filter((name) => !texts.get(path)?.some((user) => new RegExp(`\\b${name}\\b`).test(user)))
      .map((name) => `${path}: ${name}`)
  );
}

// Of a type, `deno doc --lint` asks that it is exported where it is part of what is.
Deno.test("nothing is exported that nobody imports", async () => {
  const tests = [...await read("tests", ".ts"), ...await read("tests", ".tsx")];
  const ours = sources.filter(({ path }) => !path.startsWith("src/jsr/"));
  assert(ours.flatMap(({ text }) => exportedValues(text)).length > 1000, "no export was found");
  assertEquals(unusedExports(ours, { users: [...sources, ...tests] }), []);

  const made = { path: "src/core/a.ts", text: "export const A = 1;\nexport function b() {}" };
  const user = { path: "tests/core/a_test.ts", text: 'import { b } from "../../src/core/a.ts";' };
  assertEquals(unusedExports([made], { users: [user, made] }), ["src/core/a.ts: A"]);
});

Deno.test("only the log, the command line and the tasks write to the terminal", () => {
  const found = sources.filter(({ path, text }) =>
    !/^src\/(?:telemetry\/log\.ts$|cli\/|dev\/)/.test(path) &&
    /\bconsole\.|\bDeno\.(?:stdout|stderr)\.(?:write|writable)/.test(withoutComments(text))
  );
  assertEquals(found.map(({ path }) => path), []);
});

/** Lines of code that tell a person what to type: a command line, or a flag of one. */
function commandsIn(text: string): string[] {
  const commands = new RegExp(
    "`(?:tinyforge|deno|docker|fuser) |\\btinyforge (?:a(?:ccept|dd|dopt)|backup|discover|doctor|e(?:ngine|xpect|xplain)|help|join|leave|list|notify|ps|reconcile|re?m|restore|set|status)\\b|" +
      "\\b(?:apt-get|dmesg|journalctl|mkdir|systemctl|ulimit|usermod) -?\\w|\\bssh -|(?<![\\w-])--(?!this\\b)[a-z]{2}",
  );
  return withoutComments(text).split("\n")
    .map((line) => line.replace(/\s\/\/.*$/, "").trim())
    .filter((line) => commands.test(line));
}

/** What these have to say stands behind no failure, so that no code chooses the words. */
const ADVISE_IN_THE_LOG: ReadonlySet<string> = new Set([
  "src/reconcile/first_run.ts",
  "src/reconcile/engine_identity.ts",
]);

// The API's words are for who sends requests, not for who has a shell.
Deno.test("adapters, passes and the API name no commands or flags", () => {
  const adapters =
    /^src\/(?:docker|store|lock|core|model|server|reconcile|problems|hub|safekeeping|exports|http|system|telemetry)\/|^src\/(?!flags\b|remedy_command\b|\w*daemon\b)\w+\.ts$/;
  const told = sources.filter(({ path }) => adapters.test(path) && !ADVISE_IN_THE_LOG.has(path));
  assert(told.length > 30, "the folders were renamed");
  const found = told.flatMap(({ path, text }) =>
    commandsIn(text).map((line) => `${path}: ${line}`)
  );
  assertEquals(found, []);
});

Deno.test("the rule on commands and flags sees what it forbids", () => {
  const lines = [
    'hint: "`tinyforge ps` shows them",',
    'hint: "run tinyforge doctor",',
    'hint: "name one with --compose-project",',
    '"start the daemon with tinyforge reconcile",',
    '"add this user (usermod -aG docker USER)",',
    '"run it with --allow-ffi",',
    '"build it with `deno task compile`",',
  ];
  for (const line of lines) assertEquals(commandsIn(line).length, 1, line);
  const after = ['const accept = "*/*";', ...lines, "/** Ends it. */"].join("\n");
  assertEquals(commandsIn(after).length, lines.length);
  for (const line of ["if (--left === 0) return;", "/** `tinyforge ps` */", "a--;", "x - --y"]) {
    assertEquals(commandsIn(line).filter((found) => !found.includes("left")), [], line);
  }
});

/** What only one module may spell out; the others import it. */
const TOLD_ONCE: readonly { what: RegExp; where: string; because: string }[] = [
  {
    what: /'\\\\''/,
    where: "src/shell_word.ts",
    because: "how a shell quotes is known in one place",
  },
  {
    what: /\\x1f|\\u001f|\\p\{C[cf]\}.*\\u2028/,
    where: "src/text.ts",
    because: "there is one notion of a control character",
  },
  {
    what: /function isLoopback\b|7f\[0-9a-f\]/,
    where: "src/loopback.ts",
    because: "which addresses are this machine's is known in one place",
  },
  {
    what: /difference \|=/,
    where: "src/secret.ts",
    because: "secrets are compared in one place, in constant time",
  },
  {
    what: /new Uint8Array\(32\)/,
    where: "src/secret.ts",
    because: "secrets are made in one place",
  },
  {
    what: /\b10[78]\b/,
    where: "src/system/libc.ts",
    because: "how long a socket's path may be is the C library's to know",
  },
  {
    what: /"libc\.so/,
    where: "src/system/libc.ts",
    because: "what the C library is called is known in one place",
  },
  {
    what: /"(?:DOCKER_HOST|DOCKER_TLS_VERIFY|DOCKER_CERT_PATH|DOCKER_CONTEXT)"\)/,
    where: "src/docker_host.ts",
    because: "what names the Engine is read in one place",
  },
];

Deno.test("what must agree everywhere is told once", () => {
  for (const { what, where, because } of TOLD_ONCE) {
    const told = sources.filter(({ path, text }) =>
      !path.startsWith("src/jsr/") && what.test(withoutComments(text))
    ).map(({ path }) => path);
    assertEquals(told, [where], because);
  }
});

Deno.test("a hint for the terminal and the same for the API stand in one place", () => {
  const literals = (path: string) => {
    const { text } = sources.find((source) => source.path === path)!;
    return [...withoutComments(text).matchAll(/"((?:[^"\\\n]|\\.){25,})"/g)].map(([, it]) => it!);
  };
  const api = new Set(literals("src/server/problem_details.ts"));
  assert(api.size > 20, "they are found");
  const terminal = ["words", "index_words", "file_words"].flatMap((name) =>
    literals(`src/cli/${name}.ts`)
  );
  assertEquals(terminal.filter((hint) => api.has(hint)), []);
});

Deno.test("nothing runs with all permissions", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const commands: [string, string][] = Object.entries(manifest.tasks);
  for (const path of [".ci/run", ".github/workflows/ci.yml", ".github/workflows/release.yml"]) {
    const text = await Deno.readTextFile(join(ROOT, path)).catch(() => "");
    commands.push([path, text.replaceAll(/^\s*#.*$/gm, "")]);
  }
  const compile = sources.find(({ path }) => path === "src/dev/compile.ts")!;
  commands.push([compile.path, withoutComments(compile.text)]);
  for (const [name, command] of commands) {
    assert(!/(?:^|[\s"'])(?:-A|--allow-all)(?:$|[\s"'])/m.test(command), name);
  }
  assert(!/--allow-run/.test(withoutComments(compile.text)), "the binary starts no programs");
});

Deno.test("what the README names of the tree is there", async () => {
  const readme = await Deno.readTextFile(join(ROOT, "README.md"));
  const named = [...readme.matchAll(/`((?:src|tests)\/[\w./-]+)`/g)].map(([, path]) => path!)
    .filter((path) => !path.includes("NAME"));
  assert(named.length > 20, "nothing was found");
  const missing: string[] = [];
  for (const path of named) {
    if (await Deno.stat(join(ROOT, path)).then(() => false, () => true)) missing.push(path);
  }
  assertEquals(missing, []);
});

Deno.test("migrations are numbered without a gap", async () => {
  const names = (await read("src/store/migrations", ".sql")).map(({ path }) =>
    path.slice("src/store/migrations/".length)
  );
  assert(names.length > 0);
  names.forEach((name, i) => {
    assertMatch(name, new RegExp(`^${String(i + 1).padStart(4, "0")}_[a-z0-9_]+\\.sql$`));
  });
});

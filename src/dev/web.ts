/**
 * Builds the dashboard: `deno task web` → `src/web/dist/`, one script and one style sheet with
 * hashed names, compressed beside themselves, and a manifest. Does nothing when no source is newer than
 * what was built, so that it can run before every start. Not part of the binary.
 *
 * @module
 */

import { join } from "@std/path";
import { sha256Of } from "../secret.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCES = join(ROOT, "src/web");
/** What the server reads and the binary carries. */
const DIST = join(SOURCES, "dist");
const MANIFEST = join(DIST, "manifest.json");

/** What the first load may weigh, bytes of gzip. */
const MOST_BYTES = 60_000;

/** What the dashboard is made of besides its own sources: types of the API, and what is pinned. */
const ALSO: readonly string[] = [
  "deno.json",
  "src/alike.ts",
  "src/dev/web.ts",
  "src/model/problem.ts",
  "src/model/role.ts",
  "src/model/workload.ts",
  "src/remedy_command.ts",
  "src/shell_word.ts",
  "src/text.ts",
];

type Esbuild = typeof import("esbuild");

/** What was built. */
export interface WebBuild {
  /** Whether anything had to be. */
  readonly built: boolean;
  /** Bytes of the first load, compressed with gzip. */
  readonly bytes: number;
}

if (import.meta.main) {
  const { built, bytes } = await buildWeb({ always: Deno.args.includes("--always") });
  // deno-lint-ignore no-console
  if (built) console.error(`web: ${(bytes / 1000).toFixed(1)} kB with gzip`);
}

/** Builds it, unless what is there is newer than every source. */
export async function buildWeb({ always = false }: { always?: boolean } = {}): Promise<WebBuild> {
  const builtAt = await Deno.stat(MANIFEST).then((info) => info.mtime?.getTime() ?? 0, () => 0);
  if (!always && builtAt > await newest(SOURCES)) return { built: false, bytes: 0 };
  const { script, style } = await bundle();
  const icon = unindented(await Deno.readTextFile(join(SOURCES, "icon.svg")));
  const files = new Map<string, { type: string; text: string; immutable: boolean }>();
  const named = async (name: string, extension: string, type: string, text: string) => {
    const hash = (await sha256Of(new TextEncoder().encode(text))).slice(0, 10);
    const path = `${name}-${hash}.${extension}`;
    files.set(path, { type, text, immutable: true });
    return path;
  };
  const page = unindented(await Deno.readTextFile(join(SOURCES, "page.html")))
    .replace("__ICON__", await named("icon", "svg", "image/svg+xml", icon))
    .replace("__STYLE__", await named("app", "css", "text/css; charset=utf-8", style))
    .replace("__SCRIPT__", await named("app", "js", "text/javascript; charset=utf-8", script));
  files.set("index.html", { type: "text/html; charset=utf-8", text: page, immutable: false });
  return { built: true, bytes: await write(files) };
}

/** Without what only who reads the source needs: line breaks between elements, and before them. */
function unindented(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, "");
}

/** Writes everything, the manifest last: who reads it finds what it names. */
async function write(
  files: ReadonlyMap<string, { type: string; text: string; immutable: boolean }>,
): Promise<number> {
  const { brotliCompressSync, constants } = await import("node:zlib");
  // A twentieth less than zlib at its best, for two seconds when it is built.
  const { gzipAsync } = await import("@gfx/zopfli");
  const stale = await Array.fromAsync(Deno.readDir(DIST)).catch(() => []);
  await Deno.mkdir(DIST, { recursive: true });
  const wanted = new Set(["manifest.json"]);
  let bytes = 0;
  for (const [name, { text }] of files) {
    const body = new TextEncoder().encode(text);
    // The page is rewritten for its base and sent as it is.
    const asItIs = name === "index.html";
    const gzip = asItIs ? body : await gzipAsync(body, { numiterations: 15 });
    const br = brotliCompressSync(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
    });
    await Deno.writeFile(join(DIST, name), body);
    wanted.add(name);
    bytes += gzip.length;
    if (asItIs) continue;
    await Deno.writeFile(join(DIST, `${name}.gz`), gzip);
    await Deno.writeFile(join(DIST, `${name}.br`), br);
    wanted.add(`${name}.gz`).add(`${name}.br`);
  }
  if (bytes > MOST_BYTES) {
    throw new Error(`Cannot build the dashboard: ${bytes} bytes are more than ${MOST_BYTES}`);
  }
  const manifest = Object.fromEntries(
    [...files].map(([name, { type, immutable }]) => [`/${name}`, { type, immutable }]),
  );
  await Deno.writeTextFile(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
  for (const { name } of stale) if (!wanted.has(name)) await Deno.remove(join(DIST, name));
  return bytes;
}

async function bundle(): Promise<{ script: string; style: string }> {
  // Only here, so that who has built needs no bundler.
  const esbuild = await import("esbuild");
  try {
    return { script: await bundleScript(esbuild), style: await bundleStyle(esbuild) };
  } finally {
    await esbuild.stop();
  }
}

async function bundleScript({ build }: Esbuild): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCES, "app.tsx")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2023",
    charset: "utf8",
    legalComments: "none",
    // Shorter by a hundredth than what "automatic" makes of it, which names children in each element.
    jsx: "transform",
    jsxFactory: "h",
    jsxFragment: "Fragment",
    inject: [await fileOf("preact")],
    logLevel: "error",
    plugins: [{
      name: "packages of deno.json",
      setup: (build) =>
        build.onResolve(
          { filter: /^@?[a-z]/ },
          ({ path, kind }) =>
            kind === "entry-point" ? null : fileOf(path).then((path) => ({ path })),
        ),
    }],
  });
  return outputFiles[0]!.text;
}

/** Where Deno keeps a module of a package; fetched first where that is nowhere yet. */
async function fileOf(specifier: string): Promise<string> {
  if (!import.meta.resolve(specifier).startsWith("file:")) await import(specifier);
  return new URL(import.meta.resolve(specifier)).pathname;
}

/** The sheets in the order of their names: what comes later wins. */
async function bundleStyle({ transform }: Esbuild): Promise<string> {
  const folder = join(SOURCES, "style");
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(join(folder, name))));
  const { code } = await transform(texts.join("\n"), {
    loader: "css",
    minify: true,
    charset: "utf8",
    target: ["chrome123", "firefox121", "safari17.5"],
  });
  return code;
}

/** When a source was last changed, milliseconds since the Unix epoch. */
async function newest(folder: string): Promise<number> {
  let last = 0;
  const look = async (path: string) => {
    const { mtime } = await Deno.stat(path);
    last = Math.max(last, mtime?.getTime() ?? 0);
  };
  const walk = async (path: string): Promise<void> => {
    for await (const entry of Deno.readDir(path)) {
      const child = join(path, entry.name);
      if (child === DIST) continue;
      if (entry.isDirectory) await walk(child);
      else await look(child);
    }
  };
  await walk(folder);
  for (const path of ALSO) await look(join(ROOT, path));
  return last;
}

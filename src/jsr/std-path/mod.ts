/**
 * File paths under the names and with the behaviour of `@std/path` 1.1.6 on Linux: the part of it
 * that is used here. Must not touch the file system; only {@link resolve} and {@link relative}
 * ask for the working directory, and only for paths that need it.
 *
 * @module
 */

/** Joins paths, at least one, with slashes and normalizes the result; `.` for empty ones. */
export function join(path: string, ...paths: string[]): string {
  const all = [path, ...paths];
  all.forEach(assertPath);
  const joined = all.filter((part) => part !== "").join("/");
  return joined === "" ? "." : normalize(joined);
}

/**
 * Resolves `.` and `..` and drops doubled slashes; a trailing slash and leading `..` of a relative
 * path stay. `.` for the empty path.
 */
export function normalize(path: string): string {
  assertPath(path);
  const root = path.startsWith("/") ? "/" : "";
  const body = settle(path, { aboveRoot: root === "" });
  if (body === "") return root || (path.endsWith("/") ? "./" : ".");
  return `${root}${body}${path.endsWith("/") ? "/" : ""}`;
}

/** An absolute path, from right to left, starting at the working directory where needed. */
export function resolve(...pathSegments: string[]): string {
  let path = "";
  for (const segment of pathSegments.toReversed()) {
    assertPath(segment);
    if (segment === "") continue;
    path = `${segment}/${path}`;
    if (segment.startsWith("/")) break;
  }
  if (!path.startsWith("/")) path = `${Deno.cwd()}/${path}`;
  return `/${settle(path, { aboveRoot: false })}`;
}

/** The way from one path to another; empty when they are the same. */
export function relative(from: string, to: string): string {
  assertPath(from);
  assertPath(to);
  const source = resolve(from).split("/").filter(Boolean);
  const target = resolve(to).split("/").filter(Boolean);
  let shared = 0;
  while (shared < source.length && source[shared] === target[shared]) shared++;
  const up = source.slice(shared).map(() => "..");
  return [...up, ...target.slice(shared)].join("/");
}

/** The path without its last part; trailing slashes don't count. `.` when nothing is left. */
export function dirname(path: string): string {
  assertPath(path);
  const body = trimSlashes(path);
  const slash = body.lastIndexOf("/");
  if (slash === -1) return ".";
  return slash === 0 ? "/" : trimSlashes(body.slice(0, slash));
}

/** The last part of the path without `suffix`, unless it consists of that alone. */
export function basename(path: string, suffix = ""): string {
  assertPath(path);
  const body = trimSlashes(path);
  const name = body === "/" ? body : body.slice(body.lastIndexOf("/") + 1);
  const strip = suffix.length < name.length && suffix !== "" && name.endsWith(suffix);
  return strip ? name.slice(0, -suffix.length) : name;
}

/** What follows the last dot of the last part, dot included; empty for dotfiles and `..`. */
export function extname(path: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf(".");
  return dot <= 0 || name === ".." ? "" : name.slice(dot);
}

/** True when the path begins at the root. */
export function isAbsolute(path: string): boolean {
  assertPath(path);
  return path.startsWith("/");
}

/** The path that a `file:` URL stands for; throws a TypeError for any other URL. */
export function fromFileUrl(url: URL | string): string {
  const { protocol, pathname } = url instanceof URL ? url : new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${protocol}"`);
  }
  // A percent sign that begins no escape stands for itself.
  return decodeURIComponent(pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}

/** The `file:` URL of an absolute path; throws a TypeError for a relative one. */
export function toFileUrl(path: string): URL {
  if (!isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  const url = new URL("file:///");
  // What the URL parser would read as an escape, a slash, or drop.
  url.pathname = path.replace(
    /[%\\\t\n\v\f\r ]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return url;
}

/** The parts of a path with `.` and `..` worked off. */
function settle(path: string, { aboveRoot }: { aboveRoot: boolean }): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (aboveRoot) parts.push("..");
  }
  return parts.join("/");
}

/** Without slashes at the end; a path of slashes alone becomes one. */
function trimSlashes(path: string): string {
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

function assertPath(path: unknown): void {
  if (typeof path === "string") return;
  throw new TypeError(`Path must be a string, received "${JSON.stringify(path)}"`);
}

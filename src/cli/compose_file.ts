/**
 * Compose files → what should run: services, how many of each, which end by themselves. Read by
 * the command, as the person who runs it; never by the daemon. Guesses nothing: what only Compose
 * could tell is said to be unknown.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import * as z from "zod";
import type { Expectation } from "../model/problem.ts";
import { sizeText } from "../size.ts";
import { clip, quote } from "../text.ts";
import { CommandError } from "./command.ts";
import { interpolate, parseEnvFile, type Variables } from "./compose_variables.ts";
import { Override, parseYaml, RESET, unreadable } from "./compose_yaml.ts";

/** A service of a Compose project. */
export interface ComposeService {
  /** Its name: the role of its containers. */
  readonly name: string;
  /** Whether it would be started: it has no profile, or one that is enabled. */
  readonly enabled: boolean;
  /** How many containers; null when that is not known. */
  readonly replicas: number | null;
  /** Whether it is meant to end by itself with 0. */
  readonly completes: boolean;
  /** Image reference, null when it is built or not known. */
  readonly image: string | null;
  /** Name of its container, null when Compose makes it. */
  readonly containerName: string | null;
  /** `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`; null when not known. */
  readonly restart: string | null;
}

/** Why something is known in part only. */
export interface PartlyKnown {
  /** The service, or null for the whole project. */
  readonly service: string | null;
  /** What can't be told: services of other files, what is inherited, a variable, a policy. */
  readonly because: "include" | "extends" | "variable" | "restart";
  /** The variable's name, or the word that is no policy; else empty. */
  readonly value: string;
}

/** A Compose project as its files tell it. */
export interface ComposeProject {
  /** What the files call it, or null. */
  readonly name: string | null;
  /** By name. */
  readonly services: readonly ComposeService[];
  /** What is known in part only; empty when everything is known. */
  readonly partly: readonly PartlyKnown[];
}

/** What Compose files are read with. */
export interface ComposeOptions {
  /** Values of variables. */
  readonly variables?: Variables;
  /** Enabled profiles; `*` enables all. Those of the variable COMPOSE_PROFILES by default. */
  readonly profiles?: readonly string[];
}

const NO_VARIABLES: Variables = () => undefined;

/** Longest Compose file that is read, bytes. Real ones have a few thousand. */
export const MAX_COMPOSE_FILE = 1024 * 1024;

/** Longest output of `docker compose config` that is read, bytes. */
export const MAX_COMPOSE_JSON: number = 16 * 1024 * 1024;

/**
 * Reads the files of one project, the later ones over the earlier, with the `.env` file beside the
 * first. Follows symbolic links, to regular files only. Throws {@linkcode CommandError}.
 */
export async function readComposeFiles(
  paths: readonly string[],
  options: ComposeOptions = {},
): Promise<ComposeProject> {
  const files: ComposeText[] = [];
  for (const path of paths) files.push({ file: path, text: await readBounded(path) });
  const env = paths[0] === undefined ? {} : await readEnv(join(dirname(paths[0]), ".env"));
  const { variables = NO_VARIABLES } = options;
  const ofFile = (name: string) => Object.hasOwn(env, name) ? env[name] : undefined;
  const either = (name: string) => variables(name) ?? ofFile(name);
  return parseComposeFiles(files, { ...options, variables: either });
}

/** A file's text and what to call it. */
export interface ComposeText {
  /** What messages call it. */
  readonly file: string;
  /** What it holds. */
  readonly text: string;
}

/** Reads the texts of one project's files. Throws {@linkcode CommandError}. */
export function parseComposeFiles(
  files: readonly ComposeText[],
  { variables = NO_VARIABLES, profiles = profilesOf(variables) }: ComposeOptions = {},
): ComposeProject {
  let merged: unknown = {};
  for (const { file, text } of files) {
    for (const document of parseYaml(text, file)) {
      if (!isRecord(document)) throw unreadable(file, "it is no mapping");
      checked(document, file);
      merged = mergedWith(merged, document);
    }
  }
  const file = files.map(({ file }) => file).join(", ");
  const raw = checked(merged, file);
  if (raw.services === undefined && raw.include === undefined) {
    throw unreadable(file, "it has no services");
  }
  return projectOf(raw, { variables, isEnabled: (own) => isEnabled(own, profiles) });
}

/**
 * Reads what `docker compose config --format json` writes: exact, variables and profiles resolved.
 * Throws {@linkcode CommandError}.
 */
export function parseComposeJson(text: string, file = "-"): ComposeProject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`Cannot read ${quote(file)}: it is not JSON`, {
      hint: "pipe `docker compose config --format json` into it",
      cause: error,
    });
  }
  const raw = checked(value, file);
  if (raw.services === undefined) throw unreadable(file, "it has no services");
  // It names only what is enabled, and a dollar sign that is left is one.
  return projectOf(raw, { variables: null, isEnabled: () => true });
}

/** What a project's files say is expected of a workload. */
export function expectationsOf(
  { services }: ComposeProject,
  { workloadId, now }: { readonly workloadId: string; readonly now: number },
): Expectation[] {
  return services.flatMap(({ name: role, enabled, replicas, completes, image }) => {
    // Of a service whose number nobody knows nothing is said: then every row that was is expected.
    if (enabled && replicas === null) return [];
    return [
      {
        workloadId,
        role,
        mode: !enabled ? "any" : completes ? "completed" : "running",
        replicas: enabled ? replicas! : 0,
        image: enabled ? image : null,
        source: "compose",
        setAt: now,
      } as const,
    ];
  });
}

/** A scalar that may be written with or without quotes. */
const Word = z.union([z.string(), z.number(), z.boolean()]).nullish();
const Marked = z.custom<typeof RESET>((value) => value === RESET);
const or = <T extends z.ZodType>(type: T) => z.union([type, Marked, z.instanceof(Override)]);

const DependsOn = z.union([
  z.array(z.string()),
  z.record(z.string(), or(z.looseObject({ condition: Word }).nullable())),
]).nullish();
const Deploy = z.looseObject({ replicas: or(Word).optional(), mode: or(Word).optional() })
  .nullish();
const Service = z.looseObject({
  image: or(Word).optional(),
  container_name: or(Word).optional(),
  restart: or(Word).optional(),
  scale: or(Word).optional(),
  profiles: or(z.array(Word).nullish()).optional(),
  deploy: or(Deploy).optional(),
  depends_on: or(DependsOn).optional(),
  extends: z.unknown().optional(),
}).nullable();
const Project = z.looseObject({
  name: or(Word).optional(),
  include: z.unknown().optional(),
  services: or(z.record(z.string().regex(/^[A-Za-z0-9._-]{1,128}$/), or(Service)).nullish())
    .optional(),
});
type Project = z.infer<typeof Project>;

function checked(value: unknown, file: string): Project {
  const result = Project.safeParse(value);
  // The value itself: a copy would lack keys that objects have of themselves.
  if (result.success) return value as Project;
  const where = deepest(result.error.issues).map(String).join(".");
  const what = where === "" ? "it is no mapping" : `${quote(where, 200)} is not as Compose has it`;
  throw unreadable(file, what, result.error);
}

/** The path of what is wrong, as deep as it can be told. */
function deepest(issues: readonly z.core.$ZodIssue[]): readonly PropertyKey[] {
  let path: readonly PropertyKey[] = [];
  for (const issue of issues) {
    const within = issue.code === "invalid_union" ? deepest(issue.errors.flat()) : [];
    const whole = [...issue.path, ...within];
    if (whole.length > path.length) path = whole;
  }
  return path;
}

/** How Compose puts a file over another: mappings are merged, lists joined, the rest replaced. */
function mergedWith(below: unknown, above: unknown): unknown {
  if (above === RESET) return undefined;
  if (above instanceof Override) return above.value;
  if (Array.isArray(below) && Array.isArray(above)) return [...new Set([...below, ...above])];
  if (!isRecord(above)) return above;
  const base = isRecord(below) ? below : Array.isArray(below) ? byName(below) : {};
  const merged: Record<string, unknown> = Object.assign(Object.create(null), base);
  for (const [key, value] of Object.entries(above)) {
    const result = mergedWith(merged[key], value);
    if (result === undefined) delete merged[key];
    else merged[key] = result;
  }
  return merged;
}

/** `depends_on` is a list or a mapping. */
function byName(names: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [String(name), {}]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Override);
}

interface ReadingOptions {
  /** Null: there are none left. */
  readonly variables: Variables | null;
  isEnabled(profiles: readonly string[]): boolean;
}

function projectOf(raw: Project, { variables, isEnabled }: ReadingOptions): ComposeProject {
  const partly: PartlyKnown[] = [];
  const resolve = (value: unknown, service: string | null): string | null => {
    if (value === undefined || value === null || value === RESET) return null;
    const text = String(value instanceof Override ? value.value : value);
    if (variables === null) return text;
    const { text: resolved, unresolved } = interpolate(text, variables);
    for (const name of unresolved) partly.push({ service, because: "variable", value: name });
    return unresolved.length > 0 ? UNKNOWN : resolved;
  };
  if (raw.include !== undefined && raw.include !== null) {
    partly.push({ service: null, because: "include", value: "" });
  }
  const services = isRecord(raw.services) ? raw.services : {};
  const completing = new Set<string>();
  const read: ComposeService[] = [];
  for (const [name, service] of Object.entries(services)) {
    const fields = isRecord(service) ? service : {};
    const of = (value: unknown) => resolve(value, name);
    if (fields["extends"] !== undefined) {
      partly.push({ service: name, because: "extends", value: "" });
    }
    const deploy = isRecord(fields["deploy"]) ? fields["deploy"] : {};
    const mode = of(deploy["mode"]) ?? "";
    const restart = of(fields["restart"]);
    const policy = restartPolicy(restart);
    if (policy === null && restart !== UNKNOWN) {
      partly.push({ service: name, because: "restart", value: clip(restart!, 64) });
    }
    const dependsOn = isRecord(fields["depends_on"]) ? fields["depends_on"] : {};
    for (const [other, how] of Object.entries(dependsOn)) {
      const condition = isRecord(how) ? of(how["condition"]) : null;
      if (condition === "service_completed_successfully") completing.add(other);
    }
    const profiles = Array.isArray(fields["profiles"]) ? fields["profiles"].map(of) : [];
    read.push({
      name,
      enabled: isEnabled(profiles.filter((profile) => profile !== null)),
      replicas: mode.startsWith("global")
        ? 1
        : count(of(fields["scale"]) ?? of(deploy["replicas"])),
      completes: mode.endsWith("-job"),
      image: known(of(fields["image"])),
      containerName: known(of(fields["container_name"])),
      restart: policy,
    });
  }
  return {
    name: known(resolve(raw.name, null)),
    services: read
      .map((service) => completing.has(service.name) ? { ...service, completes: true } : service)
      .sort((a, b) => a.name < b.name ? -1 : 1),
    partly,
  };
}

/** What stands for text with a variable that has no value; no text of a file can be it. */
const UNKNOWN = "\u0000unknown";

function known(text: string | null): string | null {
  return text === UNKNOWN || text === "" ? null : text;
}

function count(text: string | null): number | null {
  if (text === null) return 1;
  return /^[0-9]{1,6}$/.test(text) ? Number(text) : null;
}

function restartPolicy(text: string | null): string | null {
  if (text === null || text === "" || text === "false") return "no";
  return /^(?:no|always|unless-stopped|on-failure(?::[0-9]{1,9})?)$/.test(text) ? text : null;
}

function profilesOf(variables: Variables): string[] {
  const told = variables("COMPOSE_PROFILES") ?? "";
  return told.split(",").map((profile) => profile.trim()).filter((profile) => profile !== "");
}

function isEnabled(own: readonly string[], enabled: readonly string[]): boolean {
  if (own.length === 0 || enabled.includes("*")) return true;
  return own.some((profile) => enabled.includes(profile));
}

async function readEnv(path: string): Promise<Readonly<Record<string, string>>> {
  try {
    return parseEnvFile(await readBounded(path));
  } catch {
    // Without it variables are unresolved, which is said.
    return {};
  }
}

/** The text of a regular file that is not too long. */
async function readBounded(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { isFile } = await file.stat();
    // Reading a pipe may never end.
    if (!isFile) throw unreadable(path, "it is no file");
    const bytes = new Uint8Array(MAX_COMPOSE_FILE + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = await file.read(bytes.subarray(length));
      if (read === null) break;
      length += read;
    }
    if (length > MAX_COMPOSE_FILE) {
      throw unreadable(path, `it is longer than ${sizeText(MAX_COMPOSE_FILE)}`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof Deno.errors.NotFound) throw unreadable(path, "it is not there", error);
    if (error instanceof Deno.errors.PermissionDenied) {
      throw unreadable(path, "this user may not read it", error);
    }
    throw unreadable(path, error instanceof TypeError ? "it is not UTF-8" : String(error), error);
  }
}

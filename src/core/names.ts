/**
 * What names and ids may look like. Pure; everything that enters the registry passes here.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { hasControls, hasInvisible, quote } from "../text.ts";

/**
 * Returns `value`, in NFC, when it can name something: 1–128 characters, none of them invisible
 * or a slash, no space at either end, no dash in front (it would read as a flag).
 *
 * @throws {Failure} `invalid`, quoting the value as far as it can be shown.
 */
export function validName(value: string, what: string): string {
  const wrong = value.length === 0
    ? "it is empty"
    : value.length > 128
    ? `it has ${value.length} characters, at most 128 are allowed`
    : hasControls(value)
    ? "it has control characters"
    : hasInvisible(value)
    ? "it has invisible characters"
    : !value.isWellFormed()
    ? "it is not well-formed text"
    : value.includes("/")
    ? 'it has a "/"'
    : value.trim() !== value
    ? "it begins or ends with a space"
    : value.startsWith("-")
    ? 'it begins with "-"'
    : null;
  if (wrong !== null) throw invalid(what, value, wrong);
  return value.normalize("NFC");
}

/**
 * Refuses what can't be the name of a channel or a token, which are typed on command lines and stand
 * in logs: 1–64 letters, digits, dots, dashes and underscores, a letter or digit first.
 *
 * @param whose `a channel`, `a token`.
 * @throws {Failure} `invalid`.
 */
export function requirePlainName(name: string, whose: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  throw new Failure(
    "invalid",
    `Cannot use ${quote(name)} as ${whose}'s name: 1–64 letters, digits, dots, dashes and ` +
      "underscores, and no dash or dot in front",
    { data: {} },
  );
}

/** What two names have in common that differ only by case; of names in NFC. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/**
 * Returns `value` when it can be a container row's id: 1–256 letters, digits, `.`, `_`, `-`, `:`. The
 * reconciler's own (`<workload>:<role>`) are of that form.
 *
 * @throws {Failure} `invalid`.
 */
export function validRowId(value: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,255}$/.test(value)) return value;
  throw invalid(
    "container row id",
    value,
    "an id is 1–256 letters, digits, dots, dashes, underscores or colons",
  );
}

/**
 * Returns `value` when it can be the name of a Compose project.
 *
 * @throws {Failure} `invalid`.
 */
export function validComposeProject(value: string): string {
  if (isComposeProject(value)) return value;
  throw invalid(
    "Compose project name",
    value,
    "such a name has letters, digits, dots, dashes and underscores, a letter or digit first",
  );
}

/**
 * Returns `value` when an Engine accepts it as a container's name.
 *
 * @throws {Failure} `invalid`.
 */
export function validContainerName(value: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(value)) return value;
  throw invalid(
    "container name",
    value,
    "such a name has letters, digits, dots, dashes and underscores, a letter or digit first",
  );
}

/**
 * Whether a Compose project can have this name. Compose itself makes lower-case ones without dots;
 * earlier versions and other programs that write its labels (`domain.co.il`, `KAST`) don't.
 */
export function isComposeProject(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** The Compose project name that a stack of this name gets; null when none can be made of it. */
export function defaultComposeProject(prefix: string, stackName: string): string | null {
  const slug = stackName.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "");
  return slug === "" ? null : `${prefix}${slug}`;
}

/**
 * Returns `value` when it is a host name.
 *
 * @throws {Failure} `invalid`.
 */
export function validDomain(value: string, what = "domain"): string {
  if (isDomain(value)) return value;
  throw invalid(what, value, "it is not a host name");
}

/** Whether the text is a host name: ASCII labels with dots between them, and none at the end. */
export function isDomain(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text);
}

const LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?";
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/**
 * Returns `value` when it is text for a column: at most `max` characters, no control characters.
 *
 * @throws {Failure} `invalid`.
 */
export function validText(value: string, what: string, max = 512): string {
  if (value.length > max) throw invalid(what, value, `it has more than ${max} characters`);
  if (hasInvisible(value)) throw invalid(what, value, "it has control or invisible characters");
  if (!value.isWellFormed()) throw invalid(what, value, "it is not well-formed text");
  return value;
}

/** Bytes that a deployer's own data may take as JSON. */
const MAX_META_BYTES = 4096;

/** Levels in it; SQLite reads no more than a thousand. */
const MAX_META_DEPTH = 32;

/**
 * Returns `value` when it can be kept with a row: a JSON object of at most {@link MAX_META_BYTES}
 * bytes and 32 levels.
 *
 * @throws {Failure} `invalid`.
 */
export function validMeta<Meta extends object>(value: Meta): Meta {
  // Before it is written as JSON, which goes as deep as the value does.
  if (!isShallow(value, MAX_META_DEPTH)) {
    throw invalidMeta(`it has more than ${MAX_META_DEPTH} levels`);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > MAX_META_BYTES) {
    throw invalidMeta(`it takes ${bytes} bytes as JSON, at most ${MAX_META_BYTES} are allowed`);
  }
  return value;
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
}

function invalidMeta(reason: string): Failure {
  return new Failure("invalid", `Cannot use this as meta: ${reason}`, { data: {} });
}

/** A new id: 60 random bits in lower-case letters and digits. */
export function newId(): string {
  const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => alphabet[b & 31]).join("");
}

function invalid(what: string, value: string, reason: string): Failure {
  return new Failure("invalid", `Cannot use ${quote(value)} as ${what}: ${reason}`, { data: {} });
}

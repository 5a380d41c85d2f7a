/**
 * What a backup says of itself: the first file in it. Pure; what is read here came from a file that
 * anyone may have written.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { DATABASE, SECRETS, TOKEN } from "../system/files.ts";

/** Name of the manifest in a backup. */
export const MANIFEST = "manifest.json";

/** The longest manifest that is read, bytes. */
export const MAX_MANIFEST_BYTES: number = 1 << 20;

/** Files of a data directory that can be in a backup; those after the first only in encrypted ones. */
export const FILES: readonly string[] = [DATABASE, TOKEN, SECRETS];

/** Changes when a program that knows only the present one could not read what is written. */
const FORMAT = 1;
const KIND = "tinyforge-backup";

/** A file in a backup. */
export interface PackedFile {
  /** One of {@link FILES}. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** SHA-256 of its content, lower-case hexadecimal. */
  readonly sha256: string;
}

/** What a backup says of itself. */
export interface Manifest {
  /** When the copy was taken, RFC 3339 UTC. */
  readonly madeAt: string;
  /** The program's version. */
  readonly madeBy: string;
  /** The last migration of the database in it. */
  readonly schema: number;
  /** The epoch of the index; null where it is older than epochs. */
  readonly epoch: string | null;
  /** Rows by table. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is in it, in this order, after the manifest. */
  readonly files: readonly PackedFile[];
}

/** The manifest's file. */
export function writeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    `${JSON.stringify({ kind: KIND, format: FORMAT, ...manifest }, null, 2)}\n`,
  );
}

/**
 * Reads a manifest.
 *
 * @throws {Failure} `backup-foreign`, or `newer` for one of a later format.
 */
export function readManifest(content: Uint8Array): Manifest {
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch (cause) {
    throw foreign("its manifest can't be read", cause);
  }
  if (typeof read !== "object" || read === null || read.kind !== KIND) {
    throw foreign("it is not one of this program's");
  }
  if (read.format !== FORMAT) {
    const found = isCount(read.format) ? `format ${read.format}` : "a format of another kind";
    throw new Failure(
      "newer",
      `Cannot read the backup: it is of ${found}, this program knows format ${FORMAT}`,
      { data: {} },
    );
  }
  if (!isManifest(read)) throw foreign("its manifest is not complete");
  const names = read.files.map(({ name }) => name);
  if (names[0] !== DATABASE || new Set(names).size !== names.length) {
    throw foreign("its manifest names other files than a data directory has");
  }
  const { madeAt, madeBy, schema, epoch, counts, files } = read;
  return { madeAt, madeBy, schema, epoch, counts, files };
}

/** The failure for a file that is no backup of this program's. */
export function foreign(reason: string, cause?: unknown): Failure<"backup-foreign"> {
  return new Failure("backup-foreign", `Cannot read the backup: ${reason}`, { data: {}, cause });
}

/** The failure for a backup that is not what was packed. */
export function damaged(reason: string, cause?: unknown): Failure<"backup-damaged"> {
  return new Failure("backup-damaged", `Cannot read the backup: ${reason}`, { data: {}, cause });
}

function isManifest(read: Record<string, unknown>): read is Record<string, unknown> & Manifest {
  const { madeAt, madeBy, schema, epoch, counts, files } = read;
  return isText(madeAt) && !Number.isNaN(Date.parse(madeAt)) && isText(madeBy) &&
    isCount(schema) && (epoch === null || isText(epoch)) &&
    typeof counts === "object" && counts !== null && Object.values(counts).every(isCount) &&
    Array.isArray(files) && files.every(isPackedFile);
}

function isPackedFile(file: unknown): file is PackedFile {
  if (typeof file !== "object" || file === null) return false;
  const { name, bytes, sha256 } = file as Record<string, unknown>;
  return FILES.includes(name as string) && isCount(bytes) &&
    isText(sha256) && /^[0-9a-f]{64}$/.test(sha256);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= 256;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Makes a backup: a copy of the database taken beside whoever writes, looked into, packed,
 * encrypted, and given its name when all of it is on the disk. Needs no daemon and no lock, and
 * changes nothing in the data directory; never overwrites.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import { Failure, isFailure } from "../failure.ts";
import { sizeText } from "../size.ts";
import { refuseWhileRestoring } from "../store/data_dir.ts";
import { sqliteLibrary } from "../store/library.ts";
import {
  databaseBytes,
  inspectSnapshot,
  type SnapshotFacts,
  takeSnapshot,
} from "../store/snapshot.ts";
import { freeBytes, placeFile, syncDirectory } from "../system/disk.ts";
import { DATABASE } from "../system/files.ts";
import { quotePath } from "../text.ts";
import { type Entry, pack } from "./archive.ts";
import { FILES, MANIFEST, type Manifest, type PackedFile, writeManifest } from "./manifest.ts";
import { backupName } from "./names.ts";
import { Partial, sweepPartials } from "./partial.ts";
import { counted } from "./streams.ts";

/** Where a backup goes. */
export type Destination =
  /** This file, which must not exist. */
  | { readonly kind: "file"; readonly path: string }
  /** A file in this directory, named for the time. */
  | { readonly kind: "directory"; readonly path: string }
  /** A stream that someone else keeps. */
  | { readonly kind: "stream"; readonly stream: WritableStream<Uint8Array<ArrayBuffer>> };

/** How far a backup is. */
export interface Progress {
  /** What is done now. */
  readonly step: "copying" | "checking" | "packing";
  /** Bytes done and to be done; only of packing. */
  readonly done: number;
  /** Of the same. */
  readonly total: number;
}

/** What {@link makeBackup} is told. */
export interface BackupOptions {
  /** The data directory. */
  readonly dataDir: string;
  /** Where it goes. */
  readonly to: Destination;
  /** Public keys to encrypt to; none: not encrypted, and without what is secret. */
  readonly recipients: readonly string[];
  /** The program's version. */
  readonly version: string;
  /** The present time. */
  readonly now: Date;
  /** Is told how far it is. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What became of it. */
export interface BackupReport {
  /** Where it is; null for a stream. */
  readonly path: string | null;
  /** Its size. */
  readonly bytes: number;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string;
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
  /** What is in it. */
  readonly manifest: Manifest;
}

/** A token and secrets are small; what is larger is something else, bytes. */
const MAX_SECRET_BYTES = 1 << 20;
const MARGIN_BYTES = 1 << 20;

/**
 * Makes a backup; what failed leaves nothing behind.
 *
 * @throws {Failure} `backup-no-room`, `backup-exists`, `backup-refused`, `backup-recipient`, and
 *   what the database can fail with.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const { dataDir, to, recipients, onProgress = () => {} } = options;
  await sqliteLibrary({ dataDir });
  const source = join(dataDir, DATABASE);
  const encrypt = recipients.length === 0 ? null : await encryption(recipients);
  await refuseWhileRestoring(dataDir);
  await using place = await workplace(to, dataDir);
  const { folder } = place;
  const needed = await databaseBytes(source) * (to.kind === "stream" ? 1 : 2) + MARGIN_BYTES;
  try {
    await sweepPartials(folder);
    refuseWithoutRoom(folder, needed);
    if (to.kind === "file") await refuseTaken(to.path);
    await using partial = await Partial.create(folder);
    const copy = await partial.beside("db");
    onProgress({ step: "copying", done: 0, total: 0 });
    await takeSnapshot(source, copy);
    onProgress({ step: "checking", done: 0, total: 0 });
    const facts = await inspectSnapshot(copy);
    const { entries, manifest } = await contents(copy, facts, options);

    const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    const tally = counted((done) => onProgress({ step: "packing", done, total }));
    const packed = pack(entries);
    const written = (encrypt === null ? packed : await encrypt(packed)).pipeThrough(tally.stream);
    // The file stays open: it is synced afterwards.
    const file = new WritableStream<Uint8Array>({ write: (chunk) => partial.write(chunk) });
    await written.pipeTo(to.kind === "stream" ? to.stream : file);
    const path = await nameIt(partial, { to, folder, options, sha256: tally.sha256() });
    return {
      path,
      bytes: tally.bytes,
      sha256: tally.sha256(),
      encrypted: encrypt !== null,
      manifest,
    };
  } catch (error) {
    throw refused(error, { to, folder, needed });
  }
}

async function encryption(recipients: readonly string[]) {
  // Only for those who encrypt: the ciphers take a while to load.
  const { checkRecipients, encrypt } = await import("./encryption.ts");
  checkRecipients(recipients);
  return (content: ReadableStream<Uint8Array>) => encrypt(content, recipients);
}

/** Where unfinished files are; what was made for it alone goes with it. */
interface Workplace extends AsyncDisposable {
  readonly folder: string;
}

/** Beside the finished one, so that it only needs its name. */
async function workplace(to: Destination, dataDir: string): Promise<Workplace> {
  const lasting = (folder: string): Workplace => ({
    folder,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  if (to.kind === "file") return lasting(dirname(to.path));
  if (to.kind === "directory") return lasting(to.path);
  // A copy that is only passed on belongs where the database is; who may only read there, or reads
  // from a read-only disk, has a place of its own.
  try {
    await (await Partial.create(dataDir))[Symbol.asyncDispose]();
    return lasting(dataDir);
  } catch {
    const folder = await Deno.makeTempDir({ prefix: "tinyforge-backup-" });
    return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  }
}

function refuseWithoutRoom(folder: string, needed: number): void {
  const free = freeBytes(folder);
  if (free !== null && free < needed) throw noRoom(folder, { free, needed });
}

async function refuseTaken(path: string): Promise<void> {
  const taken = await Deno.lstat(path).then(() => true, () => false);
  if (taken) throw exists(path);
}

/** The files of a backup with their sums, and the manifest that says so, in front. */
async function contents(
  copy: string,
  facts: SnapshotFacts,
  { dataDir, recipients, version, now }: BackupOptions,
): Promise<{ entries: readonly Entry[]; manifest: Manifest }> {
  const files: PackedFile[] = [];
  const entries: Entry[] = [];
  for (const name of FILES) {
    if (name === DATABASE) {
      const { bytes, sha256 } = await sumOf(copy);
      files.push({ name, bytes, sha256 });
      entries.push({ name, bytes, open: async () => (await Deno.open(copy)).readable });
      continue;
    }
    // In the clear a backup has nothing that opens doors besides what the index itself holds.
    const content = recipients.length === 0 ? null : await readSecret(join(dataDir, name));
    if (content === null) continue;
    const sha256 = createHash("sha256").update(content).digest("hex");
    files.push({ name, bytes: content.length, sha256 });
    entries.push({ name, bytes: content.length, open: () => Promise.resolve(streamOf(content)) });
  }
  const manifest: Manifest = { madeAt: now.toISOString(), madeBy: version, ...facts, files };
  const content = writeManifest(manifest);
  const first: Entry = {
    name: MANIFEST,
    bytes: content.length,
    open: () => Promise.resolve(streamOf(content)),
  };
  return { entries: [first, ...entries], manifest };
}

async function readSecret(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    return isFile && size <= MAX_SECRET_BYTES ? await Deno.readFile(path) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Gives what was written its name, once it is on the disk as it was sent. */
async function nameIt(
  partial: Partial,
  { to, folder, options, sha256 }: {
    readonly to: Destination;
    readonly folder: string;
    readonly options: BackupOptions;
    readonly sha256: string;
  },
): Promise<string | null> {
  if (to.kind === "stream") return null;
  await partial.removeBeside();
  await partial.file.sync();
  if ((await sumOf(partial.path)).sha256 !== sha256) {
    throw new Failure("io", `Cannot write the backup: ${quotePath(folder)} gave back other bytes`, {
      data: { at: "disk" },
    });
  }
  for (let attempt = 1;; attempt++) {
    const encrypted = options.recipients.length > 0;
    const path = to.kind === "file"
      ? to.path
      : join(folder, backupName(options.now, { encrypted, attempt }));
    try {
      await placeFile(partial.path, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      // Another of the same second, in a directory where names are ours to choose.
      if (to.kind === "directory" && attempt < 100) continue;
      throw exists(path, error);
    }
    await syncDirectory(folder);
    return path;
  }
}

/** What the system said, as a failure that names the place. */
function refused(
  error: unknown,
  { to, folder, needed }: { to: Destination; folder: string; needed: number },
): unknown {
  const code = (error as { code?: unknown }).code;
  if (code === "ENOSPC" || code === "EDQUOT" || isFailure(error, "full")) {
    return noRoom(folder, { free: null, needed }, error);
  }
  if (isFailure(error) || typeof code !== "string") return error;
  if (to.kind === "stream") {
    const reason = code === "EPIPE" ? "nobody reads it any more" : (error as Error).message;
    return new Failure("backup-refused", `Cannot write the backup: ${reason}`, {
      data: { errno: code },
      cause: error,
    });
  }
  const place = to.kind === "file" ? to.path : folder;
  const reason = error instanceof Deno.errors.NotFound
    ? `there is no directory ${quotePath(folder)}`
    : error instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : (error as Error).message;
  return new Failure("backup-refused", `Cannot write backup ${quotePath(place)}: ${reason}`, {
    data: { errno: code },
    cause: error,
  });
}

function noRoom(
  folder: string,
  { free, needed }: { free: number | null; needed: number },
  cause?: unknown,
): Failure {
  const left = free === null ? "and it ran out" : `and ${sizeText(free)} are free`;
  return new Failure(
    "backup-no-room",
    `Cannot write a backup to ${quotePath(folder)}: it takes up to ${sizeText(needed)}, ${left}`,
    { data: { free, needed }, cause },
  );
}

function exists(path: string, cause?: unknown): Failure {
  return new Failure("backup-exists", `Cannot write backup ${quotePath(path)}: it exists`, {
    data: {},
    cause,
  });
}

/** Size and SHA-256 of a file as it is read from the disk. */
export async function sumOf(path: string): Promise<{ bytes: number; sha256: string }> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  // One for all of it: a stream makes a new one each time, and V8 lets tens of megabytes gather.
  const piece = new Uint8Array(64 * 1024);
  let bytes = 0;
  for (let read = await file.read(piece); read !== null; read = await file.read(piece)) {
    hash.update(piece.subarray(0, read));
    bytes += read;
  }
  return { bytes, sha256: hash.digest("hex") };
}

function streamOf(content: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from([content]);
}

/**
 * Takes a backup apart into a folder and looks at every part of it. Whatever is wrong is found
 * here, before anything is done with it; writes to that folder alone, under names of its own.
 *
 * @module
 */

import { join } from "@std/path";
import { joinedBytes } from "../bytes.ts";
import { Failure } from "../failure.ts";
import { sizeText } from "../size.ts";
import { inspectSnapshot } from "../store/snapshot.ts";
import { freeBytes } from "../system/disk.ts";
import { DATABASE } from "../system/files.ts";
import { quotePath } from "../text.ts";
import { unpack, type UnpackedEntry } from "./archive.ts";
import {
  damaged,
  foreign,
  MANIFEST,
  type Manifest,
  MAX_MANIFEST_BYTES,
  readManifest,
} from "./manifest.ts";
import { counted } from "./streams.ts";

/** What a backup turned out to be. */
export interface Unpacked {
  /** What it says of itself; all of it was found to be so. */
  readonly manifest: Manifest;
  /** Whether it was encrypted. */
  readonly encrypted: boolean;
}

/** What {@link unpackInto} is told. */
export interface UnpackOptions {
  /** An empty folder, for this user alone. */
  readonly folder: string;
  /** Private keys to open it with. */
  readonly identities: readonly string[];
}

/**
 * Unpacks a backup and checks it: its seal, the sum of each file, the database as SQLite sees it,
 * and that it holds what the manifest says.
 *
 * @throws {Failure} `backup-foreign`, `backup-damaged`, `backup-key`, `backup-no-room`, `newer`,
 *   `corrupt`.
 */
export async function unpackInto(
  source: ReadableStream<Uint8Array>,
  { folder, identities }: UnpackOptions,
): Promise<Unpacked> {
  const { head, stream } = await peeked(source, AGE.length);
  const encrypted = beginsWith(head, AGE);
  let manifest: Manifest | null = null;
  let unpacked = 0;
  const take = async (entry: UnpackedEntry) => {
    if (manifest === null) {
      manifest = await takeManifest(entry);
      refuseWithoutRoom(folder, manifest);
      return;
    }
    await takeFile(entry, { manifest, place: unpacked++, folder });
  };
  try {
    await unpack(encrypted ? await opened(stream, identities) : stream, take);
  } catch (error) {
    throw !encrypted && !beginsWith(head, OWN) && isDamage(error)
      ? foreign("it is not one of this program's", error)
      : changedBelow(error, folder);
  }
  const complete = manifest as Manifest | null;
  if (complete === null) throw foreign("there is nothing in it");
  if (unpacked !== complete.files.length) throw damaged("files are missing");
  await checkDatabase(join(folder, DATABASE), complete);
  return { manifest: complete, encrypted };
}

/** As in encryption.ts, which is loaded for encrypted backups alone. */
const AGE = new TextEncoder().encode("age-encryption.org/");
/** The first name in a tar of this program's. */
const OWN = new TextEncoder().encode(`${MANIFEST}\0`);

function beginsWith(head: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, i) => byte === head[i]);
}

async function opened(stream: ReadableStream<Uint8Array>, identities: readonly string[]) {
  const { decrypt } = await import("./encryption.ts");
  return await decrypt(stream, identities);
}

async function takeManifest({ name, bytes, plain, body }: UnpackedEntry): Promise<Manifest> {
  if (name !== MANIFEST || !plain || bytes > MAX_MANIFEST_BYTES) {
    throw foreign("it is not one of this program's");
  }
  return readManifest(new Uint8Array(await new Response(body as BodyInit).arrayBuffer()));
}

async function takeFile(
  { name, bytes, plain, body }: UnpackedEntry,
  { manifest, place, folder }: { manifest: Manifest; place: number; folder: string },
): Promise<void> {
  const told = manifest.files[place];
  if (told === undefined || name !== told.name || bytes !== told.bytes || !plain) {
    throw damaged("other files are in it than its manifest says");
  }
  // A name of ours, which the manifest was held against; not one that the archive chose.
  const file = await Deno.open(join(folder, told.name), {
    createNew: true,
    write: true,
    mode: 0o600,
  });
  const tally = counted();
  await body.pipeThrough(tally.stream).pipeTo(file.writable);
  if (tally.bytes !== told.bytes || tally.sha256() !== told.sha256) {
    throw damaged(`the sum of ${quotePath(told.name)} is another one`);
  }
}

async function checkDatabase(path: string, manifest: Manifest): Promise<void> {
  const { schema, epoch, counts } = await inspectSnapshot(path);
  const tables = new Set([...Object.keys(counts), ...Object.keys(manifest.counts)]);
  const same = schema === manifest.schema && epoch === manifest.epoch &&
    [...tables].every((name) => counts[name] === manifest.counts[name]);
  if (!same) throw damaged("the database is another one than its manifest says");
  if (schema === 0) throw foreign("the database in it has no index");
}

function refuseWithoutRoom(folder: string, { files }: Manifest): void {
  // Twice: the schema may have to be brought up to date, which is written beside.
  const needed = 2 * files.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = freeBytes(folder);
  if (free === null || free >= needed) return;
  throw new Failure(
    "backup-no-room",
    `Cannot unpack the backup in ${quotePath(folder)}: it takes up to ${sizeText(needed)}, and ` +
      `${sizeText(free)} are free`,
    { data: { free, needed } },
  );
}

/** What broke in a stream of another library, as what it says of the backup. */
function changedBelow(error: unknown, folder: string): unknown {
  if (error instanceof Failure) return error;
  const { code } = error as { code?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new Failure(
      "backup-no-room",
      `Cannot unpack the backup in ${quotePath(folder)}: no room is left`,
      { data: { free: null, needed: 0 }, cause: error },
    );
  }
  return typeof code === "string" ? error : damaged("it was cut short or changed", error);
}

function isDamage(error: unknown): boolean {
  return error instanceof Failure && error.code === "backup-damaged";
}

/** The first bytes of a stream, and the stream with them still in it. */
async function peeked(
  source: ReadableStream<Uint8Array>,
  length: number,
): Promise<{ head: Uint8Array; stream: ReadableStream<Uint8Array> }> {
  const reader = source.getReader();
  const read: Uint8Array[] = [];
  let size = 0;
  while (size < length) {
    const { done, value } = await reader.read();
    if (done) break;
    read.push(value);
    size += value.length;
  }
  const head = joinedBytes(read);
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(head),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { head: head.subarray(0, length), stream };
}

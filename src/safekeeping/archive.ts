/**
 * The tar in which a backup's files stand one behind the other, with a seal at its end: the SHA-256
 * of every byte before it. Knows no file by name, and writes none: an archive's own paths are
 * never followed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createTarDecoder, createTarPacker } from "modern-tar";
import { isFailure } from "../failure.ts";
import { damaged } from "./manifest.ts";

/** A file to be packed. */
export interface Entry {
  /** At most 100 ASCII letters. */
  readonly name: string;
  /** Exactly as many as `open` gives. */
  readonly bytes: number;
  /** Its content, opened when its turn comes. */
  readonly open: () => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** A file as it comes out; its content must be read or cancelled. */
export interface UnpackedEntry {
  /** As it stands in the archive: whatever its writer liked. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Whether it is a plain file. */
  readonly plain: boolean;
  /** Its content. */
  readonly body: ReadableStream<Uint8Array>;
}

const BLOCK = 512;
const SEAL = "seal.sha256";
/** The seal's content, then two blocks of zeros, which end a tar. */
const TAIL_BYTES = 3 * BLOCK;

/** Packs files in this order; errors of reading them come out of the stream. */
export function pack(entries: readonly Entry[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker();
  // With the seal's own header, which does not depend on what it says.
  const before = entries.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes), BLOCK);
  const hash = createHash("sha256");
  const sealed = Promise.withResolvers<string>();
  let seen = 0;
  const tap = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, out) {
      if (seen < before) hash.update(chunk.subarray(0, before - seen));
      seen += chunk.length;
      out.enqueue(chunk);
      if (seen >= before) sealed.resolve(hash.copy().digest("hex"));
    },
  });
  const write = async () => {
    for (const { name, bytes, open } of entries) {
      await (await open()).pipeTo(controller.add(header(name, bytes)));
    }
    const writer = controller.add(header(SEAL, BLOCK)).getWriter();
    await writer.write(new TextEncoder().encode(sealText(await sealed.promise)));
    await writer.close();
    controller.finalize();
  };
  write().catch((error) => controller.error(error));
  return readable.pipeThrough(tap);
}

/**
 * Hands each file of an archive to `take`, in order and one at a time. What was handed out may be
 * used only when this has resolved: only then is the seal known to be right.
 *
 * @throws {Failure} `backup-damaged`; and what the stream or `take` throws.
 */
export async function unpack(
  archive: ReadableStream<Uint8Array>,
  take: (entry: UnpackedEntry) => Promise<void>,
): Promise<void> {
  const seal = new SealCheck();
  try {
    const entries = archive.pipeThrough(seal.stream).pipeThrough(
      createTarDecoder({ strict: true }),
    );
    for await (const { header, body } of entries) {
      if (header.name === SEAL) await body.cancel();
      else {
        const { name, size, type = "file" } = header;
        await take({ name, bytes: size, plain: type === "file", body });
      }
    }
  } catch (error) {
    // What is wrong with a file says more than what is wrong with the whole, and that more than
    // what the library makes of it.
    if (isFailure(error)) throw error;
    if (seal.broken !== null) throw seal.broken;
    if ((error as { code?: string }).code !== undefined) throw error;
    throw damaged("it is not whole", error);
  }
  // A tar may end before its file does.
  if (!seal.right) throw damaged("something follows its end");
}

/** Holds the end of a stream back until all of it is there, and compares. */
class SealCheck {
  /** Whether all was read and is as it was written. */
  right = false;
  /** What was wrong. */
  broken: Error | null = null;
  readonly #hash = createHash("sha256");
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  readonly stream: TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> = new TransformStream({
    transform: (chunk, out) => {
      const all = concatenated(this.#held, chunk);
      const free = Math.max(0, all.length - TAIL_BYTES);
      this.#held = all.slice(free);
      if (free === 0) return;
      this.#hash.update(all.subarray(0, free));
      out.enqueue(all.subarray(0, free));
    },
    flush: (out) => {
      const expected = new TextEncoder().encode(sealText(this.#hash.digest("hex")));
      const tail = this.#held;
      const right = tail.length === TAIL_BYTES &&
        expected.every((byte, i) => byte === tail[i]) &&
        tail.subarray(BLOCK).every((byte) => byte === 0);
      if (!right) {
        this.broken = damaged("its seal does not fit; it was cut short or changed");
        throw this.broken;
      }
      this.right = true;
      out.enqueue(tail);
    },
  });
}

/** Exactly one block, so that no byte of it is without a meaning. */
function sealText(sha256: string): string {
  return `${sha256}\n`.padEnd(BLOCK, "\n");
}

function header(name: string, size: number) {
  return { name, size, mode: 0o600, mtime: new Date(0), uid: 0, gid: 0 };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

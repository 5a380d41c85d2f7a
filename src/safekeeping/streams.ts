/**
 * Streams of bytes that are counted while they pass, and their sizes in words.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Counts and sums what passes. */
export interface Tally {
  /** To be piped through. */
  readonly stream: TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>;
  /** Bytes that passed so far. */
  readonly bytes: number;
  /** SHA-256 of what passed so far, lower-case hexadecimal. */
  sha256(): string;
}

/** A stream that counts; `onBytes` is told how much passed, with each piece. */
export function counted(onBytes: (bytes: number) => void = () => {}): Tally {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    stream: new TransformStream({
      transform(chunk, out) {
        hash.update(chunk);
        bytes += chunk.length;
        onBytes(bytes);
        // No library here makes shared ones.
        out.enqueue(chunk as Uint8Array<ArrayBuffer>);
      },
    }),
    get bytes() {
      return bytes;
    },
    sha256: () => hash.copy().digest("hex"),
  };
}

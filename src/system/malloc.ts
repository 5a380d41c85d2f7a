/**
 * How the C library keeps what is allocated outside of the JavaScript engine's heap: buffers, SQLite's
 * pages, what the runtime has of its own. Must not be needed for anything but how much memory it takes.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

const M_MMAP_THRESHOLD = -3;
/** Bytes; where glibc begins by itself. */
const LARGE = 128 * 1024;

/**
 * Has large blocks taken from the system one by one and given back as soon as they are free. By itself
 * glibc takes the size of each that is freed for one that comes again, and puts the next of that size,
 * up to 32 MB, among the small ones, where the room it leaves stays with the process. True where that
 * is so from now on; a C library without such a setting keeps its ways.
 */
export function keepLargeBlocksApart(): boolean {
  try {
    const libc = Deno.dlopen(LIBC, {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
    });
    try {
      return libc.symbols.mallopt(M_MMAP_THRESHOLD, LARGE) === 1;
    } finally {
      libc.close();
    }
  } catch {
    return false;
  }
}

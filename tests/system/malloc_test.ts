/**
 * Where the C library puts large blocks.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { keepLargeBlocksApart } from "../../src/system/malloc.ts";

/** A chunk's size stands before it; this bit of it says that it was mapped by itself. */
const IS_MMAPPED = 2n;

Deno.test("keepLargeBlocksApart() has blocks mapped whose like was freed before", () => {
  const library = Deno.dlopen("libc.so.6", {
    malloc: { parameters: ["usize"], result: "pointer" },
    free: { parameters: ["pointer"], result: "void" },
  });
  const { malloc, free } = library.symbols;
  /** Whether the last of so many blocks of this size is mapped by itself. */
  const isMapped = (bytes: number, length: number) => {
    const blocks = Array.from({ length }, () => malloc(BigInt(bytes))!);
    const size = new Deno.UnsafePointerView(blocks.at(-1)!).getBigUint64(-8);
    for (const block of blocks) free(block);
    return (size & IS_MMAPPED) !== 0n;
  };
  try {
    // Nothing of that size lies about, and it is just below what is never put among the others.
    free(malloc(31n << 20n));
    assertEquals(isMapped(1 << 20, 32), false);
    assert(keepLargeBlocksApart());
    // More than what is left of those, should the process have kept it.
    assertEquals(isMapped(1 << 20, 128), true);
    assertEquals(isMapped(1 << 12, 1), false);
  } finally {
    library.close();
  }
});

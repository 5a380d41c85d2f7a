/**
 * Has this user's desktop open a file, with the program that it has for that. The one program that
 * is ever started, by the C library: the runtime would need the right to start any.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

const OPENER = "xdg-open";

/** Whether there was something to open it with; what becomes of it nobody waits for. */
export function openOnDesktop(path: string): boolean {
  const libc = Deno.dlopen(LIBC, {
    posix_spawnp: {
      parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "pointer"],
      result: "i32",
    },
    environ: { type: "pointer" },
  });
  try {
    const words = [OPENER, path].map((word) => new TextEncoder().encode(`${word}\0`));
    // An array of pointers, the last of them null.
    const argv = new BigUint64Array(words.length + 1);
    words.forEach((word, i) => {
      argv[i] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(word));
    });
    const { posix_spawnp, environ } = libc.symbols;
    return posix_spawnp(new Uint8Array(4), words[0]!, null, null, argv, environ) === 0;
  } finally {
    libc.close();
  }
}

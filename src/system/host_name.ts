/**
 * What this machine is called. Asks the C library, because the runtime's own way needs a permission
 * that the program does without; opens it for one call and closes it again.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

/** Names are at most 64 bytes long on Linux. */
const MAX_NAME = 256;

/** What this machine, or the container that this runs in, calls itself; null when nobody can tell. */
export function hostName(): string | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      gethostname: { parameters: ["buffer", "usize"], result: "i32" },
    });
    try {
      const name = new Uint8Array(MAX_NAME);
      if (libc.symbols.gethostname(name, BigInt(MAX_NAME)) !== 0) return null;
      const end = name.indexOf(0);
      return new TextDecoder().decode(name.subarray(0, end < 0 ? MAX_NAME : end)) || null;
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

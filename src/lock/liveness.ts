/**
 * Whether a process exists, asked of libc: needs neither a permission on that process nor
 * `/proc`. Must not signal anything.
 *
 * @module
 */

/** `no such process`, the only answer that means death. */
const ESRCH = 3;

/** glibc, then musl's names. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const SYMBOLS = {
  getpgid: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/**
 * Whether a process with this PID, 1 to 2^31-1, exists in this PID namespace. Any doubt counts
 * as life. Throws when no libc can be opened.
 */
export function isProcessAlive(pid: number): boolean {
  // Opened for the moment: a start asks once or twice in its life, an open library is for ever.
  const libc = openLibc();
  try {
    const errno = libc.symbols.__errno_location();
    if (libc.symbols.getpgid(pid) !== -1) return true;
    return errno === null || new Deno.UnsafePointerView(errno).getInt32() !== ESRCH;
  } finally {
    libc.close();
  }
}

function openLibc(): Deno.DynamicLibrary<typeof SYMBOLS> {
  const errors: unknown[] = [];
  for (const library of LIBRARIES) {
    try {
      return Deno.dlopen(library, SYMBOLS);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      errors.push(error);
    }
  }
  throw new Error(`Cannot open libc: tried ${LIBRARIES.join(", ")}`, { cause: errors[0] });
}

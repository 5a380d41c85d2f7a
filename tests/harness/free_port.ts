/**
 * A TCP port that nobody listens on, for a program that is to be told its own.
 *
 * @module
 */

/** From here up to {@linkcode END}: no program's own, and below those that the system gives away. */
const BEGIN = 20_000;

/** Not one of those: Linux gives away 32768 and more, unless somebody set it otherwise. */
const END = 32_768;

/** Those that were given here: who got one may not listen yet. */
const given = new Set<number>();

/**
 * One of 127.0.0.1 that is free, and stays so until it is listened on, though that takes a program's
 * start: no connection that is made meanwhile, and nobody who asks for any port, gets it. Two
 * processes can come upon the same by chance alone.
 */
export function freePort(): number {
  for (;;) {
    const port = BEGIN + Math.floor(Math.random() * (END - BEGIN));
    if (!given.has(port) && isFree(port)) {
      given.add(port);
      return port;
    }
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

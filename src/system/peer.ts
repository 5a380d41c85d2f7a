/**
 * Who is at the other end of a unix socket, as the kernel knows it, and what this host calls them.
 * Opens the C library for one call and closes it again.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** User id of who connected; null where the C library can't tell. */
export function peerUid(descriptor: number): number | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    });
    try {
      // struct ucred: pid, uid, gid.
      const credentials = new Uint32Array(3);
      const length = new Uint32Array([credentials.byteLength]);
      const failed = libc.symbols.getsockopt(
        descriptor,
        SOL_SOCKET,
        SO_PEERCRED,
        credentials,
        length,
      );
      return failed === 0 && length[0] === credentials.byteLength ? credentials[1]! : null;
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** The user with this id as people read it; null: nobody knows who. */
export function userText(uid: number | null): string {
  if (uid === null) return "unknown user";
  const name = userName(uid);
  return name === null ? `uid ${uid}` : `${name} (uid ${uid})`;
}

/** Name of the user with this id; null where it has none, or the C library can't be asked. */
function userName(id: number): string | null {
  try {
    const libc = Deno.dlopen(LIBC, { getpwuid: { parameters: ["u32"], result: "pointer" } });
    try {
      const user = libc.symbols.getpwuid(id);
      if (user === null) return null;
      const name = new Deno.UnsafePointerView(user).getPointer();
      return name === null ? null : new Deno.UnsafePointerView(name).getCString();
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

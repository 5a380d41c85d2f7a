/**
 * The few calls of the C library that Deno does not offer, or only for a wider permission: who we
 * are, who lives, what this process used, a datagram to a unix socket.
 * Opens the library for one call and closes it again; knows nothing of what the answers are for.
 *
 * @module
 */

/** What the C library is called. */
export const LIBC = "libc.so.6";

const CLOCK_BOOTTIME = 7;
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0x80002;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const RUSAGE_SELF = 0;
const RLIMIT_NOFILE = 7;
const SIG_IGN = 1n;
const F_DUPFD_CLOEXEC = 1030;
const POLLERR = 0x8;
const POLLNVAL = 0x20;
/** The longest path of a socket in bytes: what `sockaddr_un` has room for, less the final zero. */
export const MAX_SOCKET_PATH = 107;
const W_OK = 2;
/** poll() refuses more descriptors at once than the process may have open. */
const FD_BLOCK = 256;

/** What this process used since it started. */
export interface ProcessUsage {
  /** User and system time, seconds. */
  readonly cpuSeconds: number;
  /** Open file descriptors, null where they can't be counted. */
  readonly openFds: number | null;
}

/** Effective user id of this process. Throws `Deno.errors.NotCapable` without FFI permission. */
export function effectiveUid(): number {
  const libc = Deno.dlopen(LIBC, { geteuid: { parameters: [], result: "u32" } });
  try {
    return libc.symbols.geteuid();
  } finally {
    libc.close();
  }
}

/**
 * A variable of the environment, whatever it is called: for the person whose command it is, on whose
 * behalf it is looked at. Deno asks for one permission for each name, which must be known beforehand.
 * Undefined where it has no value, or the C library can't be asked.
 */
export function environmentVariable(name: string): string | undefined {
  try {
    const libc = Deno.dlopen(LIBC, { getenv: { parameters: ["buffer"], result: "pointer" } });
    try {
      const value = libc.symbols.getenv(new TextEncoder().encode(`${name}\0`));
      return value === null ? undefined : new Deno.UnsafePointerView(value).getCString();
    } finally {
      libc.close();
    }
  } catch {
    return undefined;
  }
}

/** Id of the group with this name; null where there is none, or the C library can't be asked. */
export function groupId(name: string): number | null {
  try {
    const libc = Deno.dlopen(LIBC, { getgrnam: { parameters: ["buffer"], result: "pointer" } });
    try {
      const group = libc.symbols.getgrnam(new TextEncoder().encode(`${name}\0`));
      // struct group: two pointers, then the id.
      return group === null ? null : new Deno.UnsafePointerView(group).getUint32(16);
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** Name of the group with this id; null where it has none, or the C library can't be asked. */
export function groupName(id: number): string | null {
  try {
    const libc = Deno.dlopen(LIBC, { getgrgid: { parameters: ["u32"], result: "pointer" } });
    try {
      const group = libc.symbols.getgrgid(id);
      if (group === null) return null;
      const name = new Deno.UnsafePointerView(group).getPointer();
      return name === null ? null : new Deno.UnsafePointerView(name).getCString();
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** When the host was booted, milliseconds since the Unix epoch; null where nobody knows. */
export function bootTime(now: number): number | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    });
    try {
      // struct timespec: seconds, nanoseconds.
      const time = new BigInt64Array(2);
      const failed = libc.symbols.clock_gettime(CLOCK_BOOTTIME, new Uint8Array(time.buffer)) !== 0;
      return failed ? null : now - Number(time[0]!) * 1000 - Number(time[1]!) / 1e6;
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** Whether this user may write to what is at the path; true where the C library can't be asked. */
export function mayWrite(path: string): boolean {
  try {
    const libc = Deno.dlopen(LIBC, {
      access: { parameters: ["buffer", "i32"], result: "i32" },
    });
    try {
      return libc.symbols.access(new TextEncoder().encode(`${path}\0`), W_OK) === 0;
    } finally {
      libc.close();
    }
  } catch {
    return true;
  }
}

/** `no such process`, the only answer that means death. */
const ESRCH = 3;

/** glibc, then musl's names. */
const LIBRARIES = [LIBC, "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const LIVENESS = {
  getpgid: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** What {@link isProcessAlive} needs of the C library. */
export interface LivenessLibrary {
  /** Its functions. */
  readonly symbols: {
    /** The process group, or -1. */
    getpgid(pid: number): number;
    /** Where the reason for a -1 is. */
    __errno_location(): Deno.PointerValue;
  };
  /** Closes it. */
  close(): void;
}

/**
 * Whether a process with this PID, 1 to 2^31-1, exists in this PID namespace. Any doubt counts
 * as life. Throws when no libc can be opened.
 */
export function isProcessAlive(pid: number, open: () => LivenessLibrary = openLibc): boolean {
  // Opened for the moment: a start asks once or twice in its life, an open library is for ever.
  const libc = open();
  try {
    const errno = libc.symbols.__errno_location();
    if (libc.symbols.getpgid(pid) !== -1) return true;
    return errno === null || new Deno.UnsafePointerView(errno).getInt32() !== ESRCH;
  } finally {
    libc.close();
  }
}

/** CPU time and open descriptors; null where the C library can't be asked. */
export function processUsage(): ProcessUsage | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      getrusage: { parameters: ["i32", "buffer"], result: "i32" },
      poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
    });
    try {
      // struct rusage: two timevals (seconds, microseconds), then 14 longs that are not read.
      const usage = new BigInt64Array(18);
      if (libc.symbols.getrusage(RUSAGE_SELF, new Uint8Array(usage.buffer)) !== 0) return null;
      const [userS, userUs, systemS, systemUs] = usage;
      const cpuSeconds = Number(userS! + systemS!) + Number(userUs! + systemUs!) / 1e6;
      return { cpuSeconds, openFds: countOpen(libc.symbols.poll) };
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/** How many file descriptors this process may have open; null where the C library can't be asked. */
export function descriptorLimit(): number | null {
  try {
    const libc = Deno.dlopen(LIBC, {
      getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    });
    try {
      // struct rlimit: the limit that holds, and how far it may be raised.
      const limits = new BigUint64Array(2);
      const failed = libc.symbols.getrlimit(RLIMIT_NOFILE, new Uint8Array(limits.buffer)) !== 0;
      return failed ? null : Number(limits[0]);
    } finally {
      libc.close();
    }
  } catch {
    return null;
  }
}

/**
 * Whether this process ignores a signal, as one that `nohup` started does. Ask before the first
 * signal listener: with it Deno takes several signals for itself. False where the C library can't
 * be asked.
 */
export function isSignalIgnored(number: number): boolean {
  try {
    const libc = Deno.dlopen(LIBC, {
      sigaction: { parameters: ["i32", "pointer", "buffer"], result: "i32" },
    });
    try {
      // struct sigaction begins with the handler; there is room for the rest.
      const action = new BigUint64Array(32);
      const failed = libc.symbols.sigaction(number, null, new Uint8Array(action.buffer)) !== 0;
      return !failed && action[0] === SIG_IGN;
    } finally {
      libc.close();
    }
  } catch {
    return false;
  }
}

/**
 * Another descriptor for what this one is for.
 *
 * @throws {Error} When there is no such descriptor, or no other to be had.
 */
export function duplicateDescriptor(fd: number): number {
  const libc = Deno.dlopen(LIBC, {
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  });
  try {
    const copy = libc.symbols.fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) throw new Error(`Cannot use file descriptor ${fd}: it is not open`);
    return copy;
  } finally {
    libc.close();
  }
}

/**
 * Whether this descriptor writes to a pipe or socket that nobody reads any more. False also where
 * the C library can't be asked.
 */
export function isReaderGone(fd: number): boolean {
  try {
    const libc = Deno.dlopen(LIBC, {
      poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
    });
    try {
      const pollFd = new Uint8Array(8);
      const view = new DataView(pollFd.buffer);
      view.setInt32(0, fd, true);
      return libc.symbols.poll(pollFd, 1n, 0) > 0 && (view.getInt16(6, true) & POLLERR) !== 0;
    } finally {
      libc.close();
    }
  } catch {
    return false;
  }
}

/** A socket to send datagrams to one unix address with. Closed by disposal. */
export interface DatagramSocket extends Disposable {
  /** False when the datagram was not delivered; waits at most a second for a full receiver. */
  send(text: string): boolean;
}

/**
 * Opens a socket for datagrams to a unix address: a path, or an abstract name after `@`. Null when
 * there is no such address or no socket to be had. Whoever receives need not be there yet.
 */
export function openDatagramSocket(address: string): DatagramSocket | null {
  const target = socketAddress(address);
  if (target === null) return null;
  let libc;
  try {
    libc = Deno.dlopen(LIBC, DATAGRAM_SYMBOLS);
  } catch {
    return null;
  }
  const { socket, setsockopt, sendto, close } = libc.symbols;
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) {
    libc.close();
    return null;
  }
  const oneSecond = new Uint8Array(new BigInt64Array([1n, 0n]).buffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, oneSecond, oneSecond.length);
  let closed = false;
  return {
    send(text) {
      if (closed) return false;
      const payload = new TextEncoder().encode(text);
      const length = BigInt(payload.length);
      return sendto(fd, payload, length, MSG_NOSIGNAL, target, target.length) === length;
    },
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      close(fd);
      libc.close();
    },
  };
}

const DATAGRAM_SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * /proc is closed to a scoped process, so the kernel is asked about descriptors by number: poll()
 * marks the ones that are not open. Numbers are handed out lowest first, so an empty block ends it.
 */
function countOpen(
  poll: (fds: BufferSource, count: bigint, timeout: number) => number,
): number | null {
  const fds = new Uint8Array(FD_BLOCK * 8);
  const view = new DataView(fds.buffer);
  let open = 0;
  for (let first = 0;; first += FD_BLOCK) {
    fds.fill(0);
    for (let i = 0; i < FD_BLOCK; i++) view.setInt32(i * 8, first + i, true);
    if (poll(fds, BigInt(FD_BLOCK), 0) < 0) return null;
    let found = 0;
    for (let i = 0; i < FD_BLOCK; i++) {
      if ((view.getInt16(i * 8 + 6, true) & POLLNVAL) === 0) found++;
    }
    open += found;
    if (found === 0) return open;
  }
}

/** `sockaddr_un` for a path or an abstract name; null when it can't be one. */
function socketAddress(address: string): Uint8Array<ArrayBuffer> | null {
  const abstract = address.startsWith("@");
  if (!abstract && !address.startsWith("/")) return null;
  const name = new TextEncoder().encode(address);
  if (name.length > MAX_SOCKET_PATH) return null;
  // A path ends with a zero byte; an abstract name begins with one and has no end mark.
  const bytes = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  if (abstract) bytes[2] = 0;
  return bytes;
}

function openLibc(): Deno.DynamicLibrary<typeof LIVENESS> {
  const errors: unknown[] = [];
  for (const library of LIBRARIES) {
    try {
      return Deno.dlopen(library, LIVENESS);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      errors.push(error);
    }
  }
  throw new Error(`Cannot open libc: tried ${LIBRARIES.join(", ")}`, { cause: errors[0] });
}

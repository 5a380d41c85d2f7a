/**
 * The other end of a unix datagram socket, which Deno can't bind without an unstable flag.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

/** The far end of NOTIFY_SOCKET: a datagram socket that is bound through libc. */
export class Receiver implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
  });
  readonly #fd: number;

  /** Binds a path, or with `@` in front an abstract name. */
  constructor(address: string) {
    const name = new TextEncoder().encode(address);
    const bytes = new Uint8Array(2 + name.length + (address.startsWith("@") ? 0 : 1));
    bytes[0] = 1;
    bytes.set(name, 2);
    if (address.startsWith("@")) bytes[2] = 0;
    this.#fd = this.#libc.symbols.socket(1, 2, 0);
    assertEquals(this.#libc.symbols.bind(this.#fd, bytes, bytes.length), 0, address);
  }

  /** Every datagram that has arrived. */
  received(): string[] {
    const datagrams: string[] = [];
    const buffer = new Uint8Array(4096);
    const DONTWAIT = 0x40;
    for (;;) {
      const length = this.#libc.symbols.recv(this.#fd, buffer, 4096n, DONTWAIT);
      if (length < 0n) return datagrams;
      datagrams.push(new TextDecoder().decode(buffer.subarray(0, Number(length))));
    }
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }
}

/**
 * A listener that is kept open, whatever ended it: with real sockets, some of which take nobody.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Log } from "../../src/telemetry/log.ts";
import { KeptListener } from "../../src/server/kept_listener.ts";
import type { Listener } from "../../src/server/listener.ts";
import { until } from "../harness/until.ts";

const PATIENCE = { firstMs: 5, mostMs: 20, lookMs: 5 };

/** A listener of these tests and how to harm it. */
class Harmed implements Listener {
  readonly #socket: Deno.TcpListener;
  readonly #ended = Promise.withResolvers<unknown>();
  readonly #taken: Deno.Conn[] = [];
  readonly full = false;
  accepted = 0;

  /** `deaf`: the system takes connections for it, and it looks at none of them. */
  constructor(options: { deaf?: boolean } = {}) {
    this.#socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    if (!options.deaf) void this.#accept();
  }

  get address(): { hostname: string; port: number } {
    return this.#socket.addr;
  }

  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#socket) {
      this.accepted++;
      this.#taken.push(connection);
    }
  }

  end(error: Error): void {
    this.#ended.resolve(error);
  }

  drain(): Promise<void> {
    return this.abort();
  }

  abort(): Promise<void> {
    try {
      this.#socket.close();
    } catch {
      // It is closed.
    }
    for (const connection of this.#taken.splice(0)) connection.close();
    this.#ended.resolve(undefined);
    return Promise.resolve();
  }
}

/** Keeps what `make` makes, told how many were made before. */
async function kept(
  make: (before: number) => Listener,
  use: (kept: KeptListener, told: string[]) => Promise<void>,
): Promise<void> {
  const told: string[] = [];
  let made = 0;
  const listener = new KeptListener({
    entrance: "tcp",
    open: () => Promise.resolve().then(() => make(made++)),
    connect: ({ address }) => Deno.connect(address!),
    log: new Log({
      format: "json",
      write: (line) => void told.push(new TextDecoder().decode(line)),
    }),
    patience: PATIENCE,
  });
  await listener.tryOpen();
  listener.keep();
  try {
    await use(listener, told);
  } finally {
    await listener.stop();
    await listener.listener?.abort();
  }
}

Deno.test("KeptListener leaves alone what takes connections", async () => {
  await kept(() => new Harmed(), async (kept, told) => {
    const first = kept.listener!;
    await until("it was looked after several times", () => first.accepted! > 5);
    assertEquals([kept.listener === first, kept.error, told], [true, null, []]);
  });
});

Deno.test("KeptListener opens anew what ended with an error", async () => {
  await kept(() => new Harmed(), async (kept, told) => {
    const first = kept.listener as Harmed;
    first.end(new Error("Too many open files"));
    await until("another is open", () => kept.listener !== null && kept.listener !== first);
    assertEquals(kept.error, null);
    assertStringIncludes(told[0]!, '"listener lost, opening it again"');
    assertStringIncludes(told[0]!, "Too many open files");
  });
});

Deno.test("KeptListener opens anew what nobody can connect to any more", async () => {
  await kept(() => new Harmed(), async (kept) => {
    const first = kept.listener as Harmed;
    using elsewhere = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    Object.defineProperty(first, "address", { value: { ...elsewhere.addr } });
    elsewhere.close();
    await until("another is open", () => kept.listener !== null && kept.listener !== first);
  });
});

Deno.test("KeptListener opens anew what goes on listening and takes nobody", async () => {
  await kept((before) => new Harmed({ deaf: before === 0 }), async (kept, told) => {
    const first = kept.listener!;
    await until("another is open", () => kept.listener !== null && kept.listener !== first);
    assertStringIncludes(told[0]!, "it takes no connections");
    await until("it is well", () => kept.listener!.accepted! > 0);
  });
});

Deno.test("KeptListener tells a reason once and tries until it works", async () => {
  const make = (before: number) => {
    if (before === 0 || before > 6) return new Harmed();
    throw new Error(before < 4 ? "Cannot listen: taken" : "Cannot listen: not ours");
  };
  await kept(make, async (kept, told) => {
    const first = kept.listener as Harmed;
    first.end(new Error("gone"));
    await until("it is open again", () => kept.listener !== null && kept.listener !== first);
    const reasons = told.filter((line) => line.includes("trying again"))
      .map((line) => JSON.parse(line).error);
    assertEquals(reasons, ["Cannot listen: taken", "Cannot listen: not ours"]);
    assertEquals(kept.error, null);
  });
});

Deno.test("KeptListener.stop() ends its watch and leaves the listener open", async () => {
  const listener = new KeptListener({
    entrance: "socket",
    open: () => Promise.resolve(new Harmed()),
    connect: ({ address }) => Deno.connect(address!),
    log: new Log({ write: () => {} }),
    patience: { ...PATIENCE, lookMs: 3_600_000 },
  });
  await listener.open();
  listener.keep();
  await listener.stop();
  assert(listener.listener !== null);
  const open = listener.listener;
  (await Deno.connect(open.address!)).close();
  await until("it is taken", () => open.accepted! > 0);
  await open.abort();
});

/**
 * Owning the data directory: who waits for whom, and for how long.
 */

import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { Clock } from "../src/clock.ts";
import { ownData, ownDataSoon } from "../src/data.ts";
import { Failure, isFailure } from "../src/failure.ts";
import { acquireLock } from "../src/lock/lock.ts";
import { Log } from "../src/telemetry/log.ts";
import { TestHost } from "./harness/program.ts";

const log = new Log({ write: () => {} });

Deno.test("ownDataSoon() does not wait for an owner that listens: it is here to stay", async () => {
  await using host = await TestHost.seeded(() => {});
  using _ = await acquireLock(host.dataDir);
  using _listening = Deno.listen({
    transport: "unix",
    path: join(host.dataDir, "tinyforge.sock"),
  });
  const clock = skipping();
  const error = await assertRejects(() => ownDataSoon(host.dataDir, { log, clock }), Failure);
  assertEquals([error.code, clock.slept], ["lock-held", 0]);
});

Deno.test("ownDataSoon() waits twelve seconds for an owner that does not listen, then says who it is", async () => {
  await using host = await TestHost.seeded(() => {});
  using _ = await acquireLock(host.dataDir);
  const clock = skipping();
  const error = await assertRejects(() => ownDataSoon(host.dataDir, { log, clock }), Failure);
  assert(isFailure(error, "lock-held"));
  assertEquals(error.data.pid, Deno.pid);
  assertGreaterOrEqual(clock.slept, 12_000);
  assertLess(clock.slept, 13_000);
});

Deno.test("ownDataSoon() takes the directory as soon as its owner is done", async () => {
  await using host = await TestHost.seeded(() => {});
  const owner = await acquireLock(host.dataDir);
  const clock = skipping((slept) => {
    if (slept >= 200) owner.release();
  });
  const data = await ownDataSoon(host.dataDir, { log, clock });
  assertEquals([clock.slept, data.lock.check().held], [200, true]);
  data.close();
});

Deno.test("ownData() closes the store before it gives the lock back, and gives it back whatever fails", async () => {
  await using host = await TestHost.make();
  const data = await ownData(host.dataDir);
  const close = data.store.close.bind(data.store);
  let held: boolean | null = null;
  data.store.close = () => {
    held = data.lock.check().held;
    close();
    throw new TypeError("it went wrong");
  };
  await assertRejects(() => Promise.try(() => data.close()), TypeError);
  assertEquals([held, data.lock.check().held], [true, false]);
});

Deno.test("ownData() gives the lock back when the store can't be opened", async () => {
  await using host = await TestHost.make();
  await Deno.mkdir(host.dataDir, { mode: 0o700 });
  await Deno.writeTextFile(host.database, "no database\n".repeat(1000), { mode: 0o600 });
  await assertRejects(() => ownData(host.dataDir), Failure);
  (await acquireLock(host.dataDir)).release();
});

Deno.test("ownData() makes the directory for this user alone, whatever the umask", async () => {
  await using host = await TestHost.make();
  const umask = Deno.umask(0);
  try {
    (await ownData(host.dataDir)).close();
  } finally {
    Deno.umask(umask);
  }
  assertEquals((await Deno.stat(host.dataDir)).mode! & 0o777, 0o700);
});

/** A clock on which a sleep passes at once; `after` is told how much was slept. */
function skipping(after: (slept: number) => void = () => {}): Clock & { readonly slept: number } {
  let slept = 0;
  return {
    now: () => slept,
    monotonic: () => slept,
    sleep: (ms) => {
      slept += ms;
      after(slept);
      return Promise.resolve();
    },
    get slept() {
      return slept;
    },
  };
}

/**
 * From a problem that opened to the first byte at whoever is told.
 *
 * @module
 */

import { join } from "@std/path";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { Notifications } from "../../src/notify/notifications.ts";
import { BURST_LIMIT } from "../../src/notify/schedule.ts";
import { SecretFile } from "../../src/notify/secret_file.ts";
import { Log } from "../../src/telemetry/log.ts";
import { writeProblems } from "../harness/problems.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";
import { opened } from "../notify/telling.ts";
import { type Bench, type Figure, median, percentile } from "./figure.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [{ name: "notify", run: openedToFirstByte }];

const ROUNDS = 40;

async function openedToFirstByte(): Promise<Figure[]> {
  await using temp = await tempStore();
  const { store, dir } = temp;
  let arrived: PromiseWithResolvers<number> = Promise.withResolvers();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(65_536);
      await connection.read(buffer);
      arrived.resolve(performance.now());
      await connection.write(
        new TextEncoder().encode("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
      );
      connection.close();
    }
  })();
  const origin = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const secrets = new SecretFile(join(dir, "secrets.json"));
  await secrets.set("ops", { url: `${origin}/hook` });
  const channel = {
    ...{ id: "ops", name: "ops", type: "webhook", fallbackId: null },
    config: { origin, allowLoopback: true },
  };
  const rule = { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null } as const;
  store.channels.add(channel, rule);
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // One for each round: more at once would be told as a list.
    const notifications = new Notifications({
      store,
      secrets,
      problems: (since) => store.problems.remembered(since),
      ...{ host: "nas", account: () => null },
      names: { workload: () => "shop", row: (id) => id },
      clock: SYSTEM_CLOCK,
      log: new Log({ level: "error" }),
      wording: { language: "en", timeZone: "UTC", baseUrl: null },
      proxy: null,
      onAttempt: () => {},
    });
    const stop = new AbortController();
    const running = notifications.run(stop.signal);
    await until("it looked", () => store.notices.lookedAt() !== null);
    for (let i = 0; i < BURST_LIMIT; i++) {
      arrived = Promise.withResolvers();
      writeProblems(store, opened(`row-${round}-${i}`, Date.now()));
      const committed = performance.now();
      notifications.wake();
      samples.push(await arrived.promise - committed);
      await until("it was delivered", () => store.notices.queue().length === 0);
    }
    stop.abort();
    await running;
  }
  listener.close();
  await serving;
  const row = "problem opened → first byte at a webhook";
  return [
    {
      row: `${row}, p99`,
      measured: percentile(samples, 99),
      unit: "ms",
      target: 250,
      bound: "most",
      note: `${samples.length} runs, median ${median(samples).toFixed(0)} ms`,
    },
  ];
}

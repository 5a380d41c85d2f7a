/**
 * What is told of clients without the right secret: each address once, then only new failures.
 */

import { assertEquals } from "@std/assert";
import { FailedLogins } from "../../src/server/failed_logins.ts";
import { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";

Deno.test("FailedLogins tells the first failure of an address at once, and the others by number", () => {
  const { logins, told } = made();
  for (let i = 0; i < 4; i++) logins.record("token", "10.0.0.1");
  logins.record("webhook", "10.0.0.1");
  logins.record("token", null);
  assertEquals(told(), ["token 10.0.0.1 1", "webhook 10.0.0.1 1", "token socket 1"]);
  logins.close();
  assertEquals(told(), ["token 10.0.0.1 3"]);
  logins.close();
  assertEquals(told(), [], "what was told is not told again");
});

Deno.test("FailedLogins tells each failure once, and of an address that rests nothing more", async () => {
  const { logins, told } = made(1);
  for (let i = 0; i < 3; i++) logins.record("token", "10.0.0.1");
  assertEquals(told(), ["token 10.0.0.1 1"]);
  // Three of its turns: the second forgets the address, since nothing came in between.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(told(), ["token 10.0.0.1 2"]);
  logins.record("token", "10.0.0.1");
  assertEquals(told(), ["token 10.0.0.1 1"], "it is told at once again");
  logins.close();
});

Deno.test("FailedLogins has room for 256 addresses, and tells of others together", () => {
  const { logins, told } = made();
  for (let i = 0; i < 300; i++) logins.record("token", `10.0.1.${i}`);
  assertEquals(told().length, 257);
  logins.close();
  assertEquals(told(), ["token others 43"]);
});

/** Fresh ones, and the lines since they were last asked for. */
function made(everyMs?: number): { logins: FailedLogins; told(): string[] } {
  const lines: string[] = [];
  const log = new Log({
    format: "json",
    write: (line) => {
      const { kind, address, failures } = JSON.parse(new TextDecoder().decode(line));
      lines.push(`${kind} ${address} ${failures}`);
    },
  });
  const metrics = createMetrics({ version: "test" });
  const logins = new FailedLogins({ log, metrics, ...(everyMs !== undefined && { everyMs }) });
  return { logins, told: () => lines.splice(0) };
}

/**
 * The token bucket.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { RateLimit } from "../../src/server/rate_limit.ts";

Deno.test("RateLimit allows a burst, then what refills", () => {
  let now = 0;
  const limit = new RateLimit(6, () => now);
  for (let i = 0; i < 6; i++) assertEquals(limit.take(), { taken: true });
  assertEquals(limit.take(), { taken: false, retryAfter: 10 });
  now = 9_500;
  assertEquals(limit.take(), { taken: false, retryAfter: 1 });
  now = 10_001;
  assertEquals(limit.take(), { taken: true });
  assertEquals(limit.take().taken, false);
});

Deno.test("RateLimit never saves up more than a minute's worth", () => {
  let now = 0;
  const limit = new RateLimit(2, () => now);
  now = 3_600_000;
  assertEquals([limit.take(), limit.take(), limit.take()].map(({ taken }) => taken), [
    true,
    true,
    false,
  ]);
});

Deno.test("RateLimit is not troubled by a clock that goes back", () => {
  let now = 100_000;
  const limit = new RateLimit(1, () => now);
  assertEquals(limit.take().taken, true);
  now = 0;
  assertEquals(limit.take().taken, false);
  now = 60_000;
  assertEquals(limit.take().taken, true);
});

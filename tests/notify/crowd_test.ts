/** A hub's worth of problems that begin at once, and end at once: what a look does with all of them. */

import { assertEquals, assertLess, fail } from "@std/assert";
import type { Problem } from "../../src/model/problem.ts";
import type { KeptChannel } from "../../src/store/channels.ts";
import { NoticeBook } from "../../src/notify/notice_book.ts";
import { Notifier } from "../../src/notify/notifier.ts";
import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { MINUTE, TEN } from "./notices.ts";
import { processorMs } from "../harness/processor_time.ts";

/** More than a function takes as its arguments. */
const MANY = 150_000;

Deno.test("Notifier.step() tells of a hundred thousand problems and more as one, and of their end", () => {
  let now = TEN;
  const book = new NoticeBook({
    ...{ lookedAt: TEN - MINUTE, notified: [], told: [], deliveries: [], lastSeq: 0 },
  });
  let problems: readonly Problem[] = [];
  const notifier = new Notifier({
    store: {
      channels: { any: () => true, list: () => [CHANNEL], rules: () => [] },
      notices: book,
    },
    ...{ problems: () => problems, names: { workload: () => "shop", row: () => null } },
    clock: { ...SYSTEM_CLOCK, now: () => now },
    ...{ host: "nas", account: () => null, language: "en", isSending: () => false },
    onDamage: (damage) => fail(damage.message),
  });
  const told = () => book.changes().notices.map(({ kind }) => kind);
  const turned = (ms: number) => {
    now += ms;
    notifier.step();
  };
  const began = processorMs();
  problems = Array.from({ length: MANY }, (_, i) => problem(i));
  for (let i = 0; i < 4 && told().length === 0; i++) turned(MINUTE);
  assertEquals(told(), ["digest"]);
  problems = problems.map((each) => ({
    ...each,
    ...{ status: "closed", closedAt: TEN + 5 * MINUTE, outcome: "recovered" },
  }));
  for (let i = 0; i < 4 && told().length === 1; i++) turned(MINUTE);
  assertEquals(told(), ["digest", "digest"]);
  // Each looked for among all of them would take minutes.
  assertLess(processorMs() - began, 30_000);
});

const CHANNEL: KeptChannel = {
  ...{ id: "c", name: "ops", type: "webhook", config: {}, fallbackId: null, state: "ok" },
  ...{ reason: "", since: null, failingSince: null, failures: 0, notBefore: 0 },
  createdAt: "2026-01-01T00:00:00.000Z",
};

function problem(i: number): Problem {
  return {
    ...{ key: `missing:${i}`, kind: "missing", severity: "high", status: "open", host: "nas" },
    ...{ workloadId: "w", rowId: `${i}`, containerId: null, containerName: "", since: TEN },
    ...{ dueAt: null, openedAt: TEN, closedAt: null, outcome: null, evidence: {} },
    ...{ do: { code: "explain", rowId: `${i}` }, batch: "baseline", muted: false },
    silenced: false,
  };
}

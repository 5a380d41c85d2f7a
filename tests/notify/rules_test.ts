import { assertEquals } from "@std/assert";
import {
  DEFAULT_RULE,
  MIN_REMIND_MS,
  recipientsOf,
  type RuledProblem,
} from "../../src/notify/rules.ts";
import type { KeptRule } from "../../src/store/channels.ts";

const channels = ["mail", "ntfy", "chat"];
const problem: RuledProblem = { workloadId: "w-shop", kind: "missing", severity: "high" };
const low: RuledProblem = { ...problem, severity: "low" };

function rule(over: Partial<KeptRule>): KeptRule {
  return { ...DEFAULT_RULE, id: "r", ...over };
}

/** The channels that are told. */
function told(about: RuledProblem, ...rules: KeptRule[]): string[] {
  return recipientsOf(about, { rules, channels }).map(({ channel }) => channel);
}

Deno.test("recipientsOf() tells every channel of all that is grave, where no rule was made", () => {
  assertEquals(told(problem), channels);
  assertEquals(told(low), []);
  assertEquals(told({ ...problem, workloadId: null, kind: "engine-down" }), channels);
});

Deno.test("recipientsOf() forgets the default rule once there is another", () => {
  assertEquals(told(problem, rule({ workloads: ["w-blog"] })), []);
});

Deno.test("recipientsOf() goes by workload, kind, severity and channel", () => {
  assertEquals(told(problem, rule({ workloads: ["w-shop"], channels: ["ntfy"] })), ["ntfy"]);
  assertEquals(told(problem, rule({ kinds: ["oom"] })), []);
  assertEquals(told(problem, rule({ kinds: ["oom", "missing"] })), channels);
  assertEquals(told(low, rule({ minSeverity: "low", channels: ["mail"] })), ["mail"]);
  assertEquals(told(problem, rule({ minSeverity: "low" })), channels);
  assertEquals(told(problem, rule({ channels: [] })), []);
  assertEquals(told(problem, rule({ channels: ["gone"] })), []);
});

Deno.test("recipientsOf() gives a host's problem to no rule for workloads", () => {
  const host: RuledProblem = { ...problem, workloadId: null };
  assertEquals(told(host, rule({ workloads: ["w-shop"] })), []);
  assertEquals(told(host, rule({ workloads: ["w-shop"] }), rule({ channels: ["chat"] })), ["chat"]);
});

Deno.test("recipientsOf() names a channel once, however many rules do", () => {
  const rules = [rule({ channels: ["chat", "mail"] }), rule({ channels: ["chat"] })];
  assertEquals(told(problem, ...rules), ["mail", "chat"]);
});

Deno.test("recipientsOf() tells no channel of itself", () => {
  const broken = { ...problem, workloadId: null, kind: "channel-broken", channelId: "ntfy" };
  assertEquals(told(broken), ["mail", "chat"]);
});

Deno.test("recipientsOf() reminds as soon as one of the rules wants, but not too soon", () => {
  const remind = (...after: (number | null)[]) =>
    recipientsOf(problem, {
      rules: after.map((remindAfterMs) => rule({ remindAfterMs, channels: ["mail"] })),
      channels,
    }).map(({ remindAfterMs }) => remindAfterMs);
  assertEquals(remind(null), [null]);
  assertEquals(remind(3_600_000, null, 7_200_000), [3_600_000]);
  assertEquals(remind(1000), [MIN_REMIND_MS]);
});

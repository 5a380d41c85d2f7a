/**
 * Histories of a host as data, and how to make random ones: what is registered, what runs, what the
 * deployer and the Engine do, when passes run. Decides nothing about what must come of them.
 *
 * @module
 */

import fc from "fast-check";
import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Fault } from "../engines/scripted_fault.ts";
import type { DeployerWrite } from "./oracle.ts";
import { type DeployerStep, type PassStep, SLOTS, type Twin } from "./twin.ts";

/** One step of a history. */
export type Step =
  | { kind: "toggle"; slot: number }
  | { kind: "run"; labels: LabelPlan; fields: Partial<FakeContainer> }
  | { kind: "change"; at: number; fields: Partial<FakeContainer> }
  | { kind: "remove"; at: number }
  | { kind: "hide"; at: number }
  | { kind: "replace"; at: number; keepOld: boolean; fields: Partial<FakeContainer> }
  | { kind: "deploy"; step: DeployerStep }
  | { kind: "forget" }
  | { kind: "exchange"; id: string }
  | { kind: "accept" }
  | { kind: "pass"; step: PassStep; again: boolean }
  | { kind: "partial"; lost: number[] };

/** Labels before it is known which ids workloads have. */
export interface LabelPlan {
  readonly workload?: number | string | undefined;
  readonly workloadKind?: string | undefined;
  readonly role?: string | undefined;
  /** One of the rows that there are then, or a text as it is. */
  readonly row?: number | string | undefined;
  readonly site?: number | string | undefined;
  readonly project?: string | undefined;
  readonly service?: string | undefined;
  readonly number?: string | undefined;
  readonly oneOff?: string | undefined;
  readonly hook?: string | undefined;
  readonly version?: string | undefined;
  readonly configHash?: string | undefined;
  readonly others?: Record<string, string>;
}

/** What nobody honest writes into a label. */
const hostile = fc.oneof(
  fc.constantFrom(
    "",
    "x".repeat(256),
    "x".repeat(257),
    "\u{1f600}".repeat(128),
    "a\nb",
    "a\u0000b",
    "a\u007fb",
    "a\u0085b",
    "\ud800",
    "web:2",
    "../../etc/passwd",
    "'; DROP TABLE containers; --",
    "<script>alert(1)</script>",
    "__proto__",
    "constructor",
    " web ",
    '["json"]',
    "null",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const slot = fc.nat({ max: SLOTS.length - 1 });
const role = fc.oneof(
  { arbitrary: fc.constantFrom("web", "api", "production"), weight: 6 },
  { arbitrary: hostile, weight: 1 },
);
/** Something in `weight` of `weight + 2` cases. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, weight: number) =>
  fc.oneof({ arbitrary, weight }, { arbitrary: fc.constant(undefined), weight: 2 });
const target = fc.oneof(
  { arbitrary: slot as fc.Arbitrary<number | string>, weight: 8 },
  { arbitrary: hostile, weight: 1 },
);
const none = fc.constant(undefined);
const rarely = (value: string) =>
  fc.oneof({ arbitrary: none, weight: 8 }, { arbitrary: fc.constant(value), weight: 1 });
const others = fc.dictionary(fc.constantFrom("__proto__", "maintainer", "constructor"), hostile, {
  maxKeys: 2,
});

const byWorkload: fc.Arbitrary<LabelPlan> = fc.record({
  workload: target,
  workloadKind: maybe(fc.constantFrom("project", "stack", "site", "Stack", "\u0000"), 1),
  role: maybe(role, 1),
  row: fc.oneof(
    { arbitrary: none as fc.Arbitrary<number | string | undefined>, weight: 3 },
    { arbitrary: fc.nat({ max: 9 }), weight: 3 },
    { arbitrary: hostile, weight: 1 },
  ),
  others,
});
const bySite: fc.Arbitrary<LabelPlan> = fc.record({ site: target, others });
const byCompose: fc.Arbitrary<LabelPlan> = fc.record({
  project: fc.oneof(
    { arbitrary: fc.constantFrom("tinyforge-blog", "wiki"), weight: 8 },
    { arbitrary: fc.constantFrom("tinyforge-nobody", "tinyforge-", "other"), weight: 1 },
    { arbitrary: hostile, weight: 1 },
  ),
  service: maybe(role, 5),
  number: maybe(
    fc.constantFrom("1", "2", "3", "0", "-1", "02", "1e3", "999999", "1000000", "two", "1\n"),
    2,
  ),
  oneOff: fc.oneof(
    { arbitrary: none, weight: 8 },
    { arbitrary: fc.constantFrom("True", "False", "true"), weight: 1 },
  ),
  hook: rarely("post_start"),
  version: maybe(fc.constant("2.40.3"), 1),
  configHash: maybe(fc.constant("e1ad"), 1),
  others,
});
const byAnything: fc.Arbitrary<LabelPlan> = fc.record({
  workload: maybe(target, 1),
  role: maybe(role, 1),
  site: maybe(target, 1),
  project: maybe(fc.constantFrom("tinyforge-blog", "wiki", "other"), 1),
  oneOff: rarely("True"),
  hook: rarely("pre_stop"),
  others,
});
/** Few rows that many want, by whatever rule. */
const crowd = fc.constantFrom<LabelPlan>(
  { project: "tinyforge-blog", service: "web" },
  { workload: 1, role: "web" },
  { site: 3 },
  { workload: 3, workloadKind: "site" },
);
/** Labels of every kind, hostile ones too. */
export const labelPlan: fc.Arbitrary<LabelPlan> = fc.oneof(
  { arbitrary: crowd, weight: 5 },
  { arbitrary: byWorkload, weight: 4 },
  { arbitrary: byCompose, weight: 4 },
  { arbitrary: bySite, weight: 1 },
  { arbitrary: byAnything, weight: 1 },
);

const state = fc.oneof(
  {
    arbitrary: fc.constantFrom(
      "running",
      "exited",
      "created",
      "restarting",
      "paused",
      "removing",
      "dead",
    ),
    weight: 12,
  },
  { arbitrary: fc.constantFrom("stopped", "unheard-of"), weight: 1 },
);
const port = fc.record({
  PrivatePort: fc.constantFrom(80, 443, 3000, 53),
  Type: fc.constantFrom("tcp", "tcp", "udp"),
  PublicPort: fc.constantFrom(8080, 8443),
  IP: fc.constantFrom("0.0.0.0", "::", "127.0.0.1", "10.0.0.7"),
}, { requiredKeys: ["PrivatePort", "Type"] });
const networks = fc.dictionary(
  fc.constantFrom("bridge", "shop_default", "id", "7", "__proto__"),
  fc.constantFrom("172.17.0.2", "172.18.0.3"),
  { maxKeys: 2 },
);
const condition = {
  state,
  health: fc.constantFrom(null, null, "healthy" as const, "unhealthy" as const),
  exitCode: fc.constantFrom(0, 1, 137),
};
/** A container to be. */
export const newContainer: fc.Arbitrary<Partial<FakeContainer>> = fc.record({
  ...condition,
  name: fc.constantFrom("one", "two", "web", "", "blog_web_tmp17"),
  image: fc.constantFrom("example/app:1", "example/app:2", "sha256:70e7fb1c"),
  ports: fc.array(port, { maxLength: 3 }),
  networks,
  // Few moments, so that the newest is not always one.
  created: fc.constantFrom(1_700_000_000, 1_700_000_001, 1_700_000_002),
});
/** What changes about a container. */
export const changed: fc.Arbitrary<Partial<FakeContainer>> = fc.oneof(
  fc.record(condition),
  fc.record({ name: fc.constantFrom("one", "renamed") }),
  fc.record({ ports: fc.array(port, { maxLength: 2 }) }),
  fc.record({ networks }),
);

const written: fc.Arbitrary<DeployerWrite> = fc.record({
  image_ref: fc.constantFrom("example/app:2", "example/app:3"),
  image_tag: fc.constantFrom("2", null),
  subdomain: fc.constantFrom("shop", "www.shop", "not a host name", null),
  proxy_route_id: fc.constantFrom("route-1", null),
  npm_proxy_id: fc.constantFrom(7, -1, null),
  meta: fc.constantFrom('{"a":[{"id":"x"}]}', "{}", null),
}, { requiredKeys: [] });
const bind = fc.oneof(
  { arbitrary: none, weight: 2 },
  { arbitrary: fc.nat({ max: 9 }), weight: 4 },
  { arbitrary: fc.constantFrom(null, "0".repeat(64), "no/id"), weight: 1 },
);
const deployerStep: fc.Arbitrary<DeployerStep> = fc.oneof(
  {
    arbitrary: fc.record({
      op: fc.constant("create" as const),
      target: fc.oneof(fc.constantFrom(0, 4), slot),
      bind,
      id: fc.constantFrom("own" as const, "own" as const, "role" as const, "site" as const),
      role: fc.constantFrom("production", "web", ""),
      replica: fc.constantFrom(1, 2),
      stage: fc.boolean(),
      write: written,
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      op: fc.constant("patch" as const),
      target: fc.nat({ max: 9 }),
      bind,
      stage: fc.boolean(),
      write: written,
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      op: fc.constant("remove" as const),
      target: fc.nat({ max: 9 }),
      write: fc.constant({}),
    }),
    weight: 1,
  },
);

const listFaults: Fault[] = [
  { kind: "status", status: 500 },
  { kind: "body", body: "" },
  { kind: "body", body: "[" },
  { kind: "body", body: "null" },
  { kind: "body", body: '{"message":"no"}' },
  { kind: "cut", at: "body" },
  { kind: "cut", at: "head" },
  { kind: "raw", bytes: "nonsense\r\n\r\n" },
  { kind: "edit", edit: (list) => [...list as unknown[], { Names: ["/nobody"] }] },
  { kind: "edit", edit: (list) => [...list as unknown[], null] },
];
const fault = fc.oneof(
  fc.record({ endpoint: fc.constant("list" as const), fault: fc.constantFrom(...listFaults) }),
  fc.record({
    endpoint: fc.constant("info" as const),
    fault: fc.constantFrom(...listFaults.slice(0, 4)),
  }),
);

const at = fc.nat({ max: 9 });
/** Arbitraries of steps with how often each is wanted among others. */
export type Mix = readonly { arbitrary: fc.Arbitrary<Step>; weight: number }[];

/** What happens to containers. */
export const containerSteps: Mix = [
  {
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      labels: labelPlan,
      fields: newContainer,
    }),
    weight: 7,
  },
  {
    arbitrary: fc.record({ kind: fc.constant("change" as const), at, fields: changed }),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: fc.constant("remove" as const), at }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant("hide" as const), at }), weight: 3 },
  {
    arbitrary: fc.record({
      kind: fc.constant("replace" as const),
      at,
      keepOld: fc.boolean(),
      fields: fc.record({ ...condition, created: fc.constantFrom(1_700_000_001, 1_700_000_003) }),
    }),
    weight: 2,
  },
];

/** What people, deployers and other processes do. */
export const peopleSteps: Mix = [
  { arbitrary: fc.record({ kind: fc.constant("toggle" as const), slot }), weight: 2 },
  {
    arbitrary: fc.record({ kind: fc.constant("deploy" as const), step: deployerStep }),
    weight: 5,
  },
  { arbitrary: fc.record({ kind: fc.constant("forget" as const) }), weight: 1 },
];
/** Full passes and the Engine's being exchanged. */
export const passes: Mix = [
  {
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      step: fc.oneof(
        { arbitrary: fc.record({ trusting: fc.boolean() }), weight: 5 },
        { arbitrary: fc.record({ meanwhile: deployerStep }), weight: 1 },
        { arbitrary: fc.record({ fault }), weight: 1 },
      ),
      again: fc.boolean(),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("exchange" as const),
      id: fc.constantFrom("FAKE:ENGINE:ID", "ANOTHER:ENGINE:ID"),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constant("accept" as const) }), weight: 1 },
];
/** Passes for what events named. */
export const partials: Mix = [
  {
    arbitrary: fc.record({
      kind: fc.constant("partial" as const),
      lost: fc.oneof(
        { arbitrary: fc.constant<number[]>([]), weight: 4 },
        { arbitrary: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }), weight: 1 },
      ),
    }),
    weight: 5,
  },
];

/** Most slots are registered, so that histories are about something from the start. */
export const beginning: readonly Step[] = [
  ...SLOTS.slice(0, 4).map((_, slot) => ({ kind: "toggle" as const, slot })),
  // The first Engine is the accepted one.
  { kind: "pass", step: {}, again: false },
];

/** Takes a step. */
export async function take(twin: Twin, step: Step): Promise<void> {
  switch (step.kind) {
    case "toggle":
      return twin.toggle(step.slot);
    case "run":
      return twin.run({ ...step.fields, labels: labels(twin, step.labels) });
    case "change":
      return twin.change(step.at, step.fields);
    case "remove":
      return twin.remove(step.at, {});
    case "hide":
      return twin.hide(step.at);
    case "replace":
      return twin.remove(step.at, { replacement: step.fields, keepOld: step.keepOld });
    case "deploy":
      return twin.deploy(step.step);
    case "forget":
      return twin.forget();
    case "exchange":
      return twin.exchange(step.id);
    case "accept":
      return twin.accept();
    case "pass":
      await twin.pass(step.step);
      if (step.again && !step.step.fault && !step.step.meanwhile) await twin.passAgain(step.step);
      return;
    case "partial":
      return await twin.partialPass({ lost: step.lost });
  }
}

/** The labels of a plan, now that ids are known. */
export function labels(
  twin: {
    workloadId(slot: number): string;
    refId(slot: number): string;
    rowId(at: number): string;
  },
  plan: LabelPlan,
): Record<string, string> {
  const id = (target: number | string | undefined, of: (slot: number) => string) =>
    typeof target === "number" ? of(target) : target;
  const entries = Object.entries({
    "tinyforge.workload.id": id(plan.workload, (slot) => twin.workloadId(slot)),
    "tinyforge.workload.kind": plan.workloadKind,
    "tinyforge.workload.role": plan.role,
    "tinyforge.row.id": id(plan.row, (at) => twin.rowId(at)),
    "tinyforge.static-site": id(plan.site, (slot) => twin.refId(slot)),
    "com.docker.compose.project": plan.project,
    "com.docker.compose.service": plan.service,
    "com.docker.compose.container-number": plan.number,
    "com.docker.compose.oneoff": plan.oneOff,
    "com.docker.compose.hook": plan.hook,
    "com.docker.compose.version": plan.version,
    "com.docker.compose.config-hash": plan.configHash,
    ...plan.others,
  });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

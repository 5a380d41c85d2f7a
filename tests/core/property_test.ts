/**
 * The real reconciler against the oracle, on random histories and on those that once told them
 * apart. `PROPERTY_RUNS` and `PROPERTY_SEED` set how many, and which.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FakeEngine } from "../engines/scripted.ts";
import {
  beginning,
  changed,
  containerSteps,
  labelPlan,
  labels,
  type Mix,
  newContainer,
  partials,
  passes,
  peopleSteps,
  type Step,
  take,
} from "./histories.ts";
import { Oracle } from "./oracle.ts";
import { type Rig, rig } from "../harness/rig.ts";
import { COMPOSE_PREFIX, listed, plainRow, SLOTS, Twin } from "./twin.ts";

const numRuns = Number(Deno.env.get("PROPERTY_RUNS") ?? 120);
const seed = Number(Deno.env.get("PROPERTY_SEED") ?? Date.now());

Deno.test("Reconciler agrees with the oracle on any history, to the time each row was seen", () =>
  check([...containerSteps, ...peopleSteps, ...passes]));

Deno.test("Reconciler agrees with the oracle on any history of passes and events", () =>
  check([...containerSteps, ...peopleSteps, ...passes, ...partials]));

Deno.test("Reconciler needs no full pass for what events name", () =>
  check([...containerSteps, ...partials]));

function check(mix: Mix): Promise<void> {
  const steps = fc.array(fc.oneof(...mix), { minLength: 1, maxLength: 40, size: "max" });
  return fc.assert(fc.asyncProperty(steps, history), { numRuns, seed }) as Promise<void>;
}

async function history(steps: readonly Step[]): Promise<void> {
  await using twin = await Twin.start();
  for (const step of [...beginning, ...steps]) await take(twin, step);
  await twin.pass();
  await twin.passAgain();
}

const running = { state: "running", image: "example/app:1", created: 1_700_000_000 };
const pass: Step = { kind: "pass", step: {}, again: true };

const named: Step = { kind: "partial", lost: [] };

Deno.test("Reconciler makes no row absent in a partial pass before it knows which Engine answers", () =>
  history([
    { kind: "run", labels: { project: "tinyforge-blog", service: "web" }, fields: running },
    { kind: "exchange", id: "ANOTHER:ENGINE:ID" },
    // A site's, which is expected by being registered.
    { kind: "deploy", step: { op: "remove", target: 0, write: {} } },
    named,
  ]));

Deno.test("Reconciler knows the accepted Engine again in a partial pass, and what it should have", () =>
  history([
    { kind: "run", labels: { project: "tinyforge-blog", service: "web" }, fields: running },
    { kind: "exchange", id: "ANOTHER:ENGINE:ID" },
    { ...pass, again: false },
    { kind: "exchange", id: "FAKE:ENGINE:ID" },
    { kind: "deploy", step: { op: "remove", target: 0, write: {} } },
    { kind: "deploy", step: { op: "remove", target: 0, write: {} } },
    { kind: "run", labels: { project: "tinyforge-blog", service: "web" }, fields: running },
    named,
  ]));

Deno.test("plan() gives a site's row no role, whatever its container's label says", () =>
  history([{ kind: "run", labels: { workload: 3, role: "web" }, fields: running }]));

Deno.test("plan() gives a container that loses its row the one its labels ask for at once", () =>
  history([
    { kind: "run", labels: { workload: 1, role: "web" }, fields: running },
    pass,
    { kind: "run", labels: { workload: 1, role: "api" }, fields: running },
    // The second container gets the first one's row, and stops: the first has it back.
    { kind: "deploy", step: { op: "patch", target: 0, bind: 1, write: {} } },
    { kind: "change", at: 1, fields: { state: "exited" } },
    pass,
  ]));

Deno.test("plan() gives a container a row once the foreign row it was bound to is taken", () =>
  history([
    { kind: "run", labels: { project: "tinyforge-blog", service: "web" }, fields: running },
    pass,
    { kind: "run", labels: { workload: 2 }, fields: running },
    { kind: "deploy", step: { op: "patch", target: 0, bind: 1, write: {} } },
    pass,
  ]));

Deno.test("plan() binds a deployer's row that was made first, and again when its container is made anew", () =>
  history([
    {
      kind: "deploy",
      step: {
        op: "create",
        target: 0,
        id: "own",
        role: "production",
        write: { subdomain: "shop" },
      },
    },
    { kind: "run", labels: { workload: 0, row: 0 }, fields: running },
    pass,
    { kind: "replace", at: 0, keepOld: true, fields: running },
    pass,
    { kind: "change", at: 0, fields: { state: "exited" } },
    pass,
    { kind: "remove", at: 0 },
    pass,
    { kind: "replace", at: 0, keepOld: false, fields: running },
    named,
    // The workload of the row is another: its label says nothing.
    { kind: "run", labels: { workload: 1, row: 0 }, fields: running },
    pass,
  ]));

const web: Step = {
  kind: "run",
  labels: { project: "tinyforge-blog", service: "web" },
  fields: running,
};

Deno.test("partialPass() asks the losers of a row whose container stops or goes", () =>
  history([
    web,
    web,
    pass,
    { kind: "change", at: 0, fields: { state: "exited" } },
    named,
    { kind: "change", at: 0, fields: { state: "running" } },
    named,
    { kind: "change", at: 1, fields: { state: "exited" } },
    named,
    { kind: "remove", at: 0 },
    named,
  ]));

Deno.test("fullPass() tells anew when a row was seen that it had once not confirmed", () =>
  history([
    web,
    pass,
    { kind: "exchange", id: "ANOTHER:ENGINE:ID" },
    { kind: "hide", at: 0 },
    { ...pass, again: false },
    { kind: "exchange", id: "FAKE:ENGINE:ID" },
    { kind: "hide", at: 0 },
    pass,
  ]));

/** What happens to containers, and what becomes of the events that tell of it. */
type Told = "told" | "doubled" | "reversed" | "lost" | "cut";

const happenings = fc.array(
  fc.record({
    told: fc.oneof(
      { arbitrary: fc.constant<Told>("told"), weight: 6 },
      { arbitrary: fc.constantFrom<Told>("doubled", "reversed", "cut"), weight: 2 },
      { arbitrary: fc.constant<Told>("lost"), weight: 1 },
    ),
    what: fc.array(
      fc.oneof(
        { arbitrary: fc.record({ labels: labelPlan, fields: newContainer }), weight: 2 },
        { arbitrary: fc.record({ at: fc.nat({ max: 9 }), fields: changed }), weight: 2 },
        { arbitrary: fc.record({ remove: fc.nat({ max: 9 }) }), weight: 1 },
      ),
      { minLength: 1, maxLength: 4 },
    ),
    wait: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8, size: "max" },
);

Deno.test("Loop leaves nothing for the oracle to do, whatever became of the events", () =>
  fc.assert(
    fc.asyncProperty(happenings, async (happenings) => {
      await using engine = await FakeEngine.start();
      await using r = await rig(engine.host, { composePrefix: COMPOSE_PREFIX });
      const ids = SLOTS.map(({ kind, name, composeProject }) => {
        const fields = composeProject === undefined ? {} : { composeProjectName: composeProject };
        return r.store.registry.create(kind, { name, ...fields }).entry;
      });
      const names = {
        workloadId: (slot: number) => ids[slot % ids.length]!.workloadId,
        refId: (slot: number) => ids[slot % ids.length]!.id,
        rowId: (at: number) => {
          const rows = r.store.views.list();
          return rows[at % Math.max(1, rows.length)]?.id ?? "no-row";
        },
      };
      const loop = r.loop;
      loop.start();
      await until(() => engine.followers > 0);
      await loop.reconcileNow();

      for (const { told, what, wait } of happenings) {
        engine.emitting = told !== "lost";
        if (told !== "told") engine.holdEvents();
        for (const one of what) {
          const all = [...engine.containers.values()];
          if ("labels" in one) engine.add({ ...one.fields, labels: labels(names, one.labels) });
          else if (all.length === 0) continue;
          else if ("remove" in one) engine.remove(all[one.remove % all.length]!);
          else {
            const container = all[one.at % all.length]!;
            Object.assign(container, one.fields);
            if (engine.emitting) engine.emit("update", container);
          }
        }
        if (told === "cut") engine.cutEvents();
        engine.releaseEvents((lines) =>
          told === "doubled"
            ? lines.flatMap((line) => [line, line])
            : told === "reversed"
            ? lines.toReversed()
            : told === "cut"
            ? []
            : lines
        );
        // Events lost on a stream that seems whole are what the tick is for.
        if (told === "lost") loop.request();
        if (wait) await until(() => left(r, engine).length === 0);
      }
      await until(() => left(r, engine).length === 0);
      assertEquals(left(r, engine), []);
    }),
    { numRuns: Math.ceil(numRuns / 8), seed },
  ) as Promise<void>);

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition() && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Rows as a plain pass over the index would leave them, where they are others than now. */
function left(r: Rig, engine: FakeEngine): unknown[] {
  using oracle = new Oracle();
  for (const workload of r.store.workloads.list()) {
    const composeProject = workload.kind === "stack"
      ? r.store.registry.get("stack", workload.refId).composeProjectName!
      : undefined;
    oracle.addWorkload({
      ...workload,
      ...(composeProject === undefined ? {} : { composeProject }),
    });
  }
  const rows = r.store.views.list().map((view) => ({ ...plainRow(view), last_seen_at: "now" }));
  oracle.load(rows);
  oracle.pass({ scope: "all", containers: [...engine.containers.values()].map(listed) }, {
    at: "now",
    candidates: oracle.candidates(),
    composePrefix: COMPOSE_PREFIX,
  });
  const now = new Map(rows.map((row) => [row.id, JSON.stringify(row)]));
  return oracle.rows().filter((row) => {
    const before = now.get(row.id);
    return before === undefined || JSON.stringify({ ...JSON.parse(before), ...row }) !== before;
  });
}

/**
 * What was, held against a plain account of random histories: rows come, change and go, daemons end
 * with and without a word, the past is pruned. One second after the other, and nothing clever.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { IndexRow } from "../../src/model/container.ts";
import type { Change } from "../../src/model/pass.ts";
import type { Availability, PastIndex } from "../../src/model/past.ts";
import { Past } from "../../src/safekeeping/past.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { pass } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { row } from "../harness/world.ts";

const SECOND = 1000;
const BASE = Date.parse("2026-10-25T00:00:00Z");
const textOf = (second: number) => new Date(BASE + second * SECOND).toISOString();

/** What one second of an account says. */
interface Second {
  /** Row id → state, container and image. */
  rows: Map<string, { state: string; container: string | null; image: string | null }>;
  watched: boolean;
}

const STATES = ["running", "running", "stopped", "restarting", "missing"] as const;
const SITES = ["blog", "shop"] as const;
const ROLES = ["a", "b"] as const;

const step = fc.record({
  op: fc.constantFrom(
    "pass",
    "pass",
    "event",
    "event",
    "lost",
    "crash",
    "remove-row",
    "remove-site",
    "prune-age",
    "prune-count",
    "gap",
  ),
  wait: fc.integer({ min: 0, max: 20 }),
  site: fc.constantFrom(...SITES),
  role: fc.constantFrom(...ROLES),
  state: fc.constantFrom(...STATES),
  container: fc.integer({ min: 1, max: 3 }),
  keep: fc.integer({ min: 0, max: 80 }),
});
type Step = ReturnType<typeof step.generate>["value"];

/** Plays steps on a real store and in an account of each second. */
class World {
  readonly account: Second[] = [];
  readonly ids = new Map<string, string>();
  store!: Store;
  #path: string;
  #rows = new Map<string, IndexRow>();
  #up = false;
  #lastSeen = -1;
  /** Whether what is written is known to be what runs. */
  #known = false;

  constructor(path: string) {
    this.#path = path;
  }

  get second(): number {
    return this.account.length;
  }

  async open(): Promise<void> {
    this.store = await openStore(this.#path, { now: () => textOf(this.second) });
  }

  begin(): void {
    for (const name of SITES) {
      this.ids.set(name, this.store.registry.create("site", { name }).entry.workloadId);
    }
  }

  /** Lets time pass: what is so stays so. */
  wait(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.account.push({
        rows: new Map(
          [...this.#rows].map(([id, { state, containerId, imageRef }]) => [
            id,
            { state, container: containerId, image: imageRef === "" ? null : imageRef },
          ]),
        ),
        watched: this.#known,
      });
    }
  }

  async play({ op, wait, site, role, state, container, keep }: Step): Promise<void> {
    const workloadId = this.ids.get(site)!;
    const id = `${workloadId}:${role}`;
    if (op === "pass" || op === "event") {
      // Events are followed only where everything was listed.
      this.#write(this.#known ? op : "pass", { id, workloadId, role, state, container });
    } else if (op === "lost") {
      this.store.hosts.watched.lost(textOf(this.second));
      this.#known = false;
      this.#up = false;
    } else if (op === "crash") {
      this.#forgetSinceSeen();
      this.store.close();
      await this.open();
    } else if (op === "remove-row" && this.#rows.has(id)) {
      this.store.deployed.deleteDeployedContainer(id);
      this.#rows.delete(id);
    } else if (op === "remove-site") {
      const found = this.store.registry.named("site", site);
      if (found !== undefined) this.store.registry.remove("site", found.id, { force: true });
      for (const each of ROLES) this.#rows.delete(`${workloadId}:${each}`);
    } else if (op === "prune-age") {
      this.store.transitions.prune(textOf(this.second), { maxAgeSeconds: keep, maxCount: 1000 });
    } else if (op === "prune-count") {
      this.store.transitions.prune(textOf(this.second), {
        maxAgeSeconds: 1e6,
        maxCount: keep / 8 | 0,
      });
    } else if (op === "gap") {
      // Nobody says that sight was lost, as when a machine sleeps; what is known ends with the last pass.
      this.wait(601);
      this.#forgetSinceSeen();
    }
    this.wait(wait);
  }

  #write(
    cause: "pass" | "event",
    { id, workloadId, role, state, container }: {
      id: string;
      workloadId: string;
      role: string;
      state: string;
      container: number;
    },
  ): void {
    const changes: Change[] = [];
    const before = this.#rows.get(id);
    const gone = state === "missing" && before === undefined;
    if (this.store.workloads.get(workloadId) !== undefined && !gone) {
      const containerId = state === "missing" ? before!.containerId : `c${container}`;
      const after = row({
        ...{ id, workloadId, role, state, containerId, workloadKind: "site" },
        containerName: `name-of-${containerId}`,
        imageRef: `image-of-${containerId}`,
      });
      const op = before === undefined ? "insert" : state === "missing" ? "sweep" : "update";
      changes.push({ op, row: after, from: before?.state ?? null });
      this.#rows.set(id, after);
    }
    const found = { listed: 1, claimed: 1, refused: [], unclaimed: [] };
    const unmanaged = { count: 0, composeProjects: {} };
    this.store.containers.reconcileContainers(changes, {
      at: textOf(this.second),
      cause,
      ...(cause === "pass" && { found: { ...found, unmanaged } }),
    });
    const told =
      changes.some(({ op, from, row: { state } }) => op === "insert" || from !== state) ||
      before?.containerId !== this.#rows.get(id)?.containerId;
    // An event that told nothing new leaves nothing behind.
    if (cause === "event" && (!told || state === "missing")) return;
    this.#known = this.#up = true;
    this.#lastSeen = this.second;
  }

  /** Of what was since the last pass, or an event after it, nobody knows any more. */
  #forgetSinceSeen(): void {
    if (this.#up) {
      for (const second of this.account.slice(this.#lastSeen)) {
        second.watched = false;
      }
    }
    this.#known = this.#up = false;
  }

  /** What is known at the end; returns whether the index is what runs now. */
  end({ fresh }: { fresh: boolean }): boolean {
    if (!fresh) this.#forgetSinceSeen();
    return fresh && this.#known;
  }
}

/** How long rows ran, by counting seconds. */
function counted(account: readonly Second[], ids: readonly string[]) {
  const ms = { runningMs: 0, partlyMs: 0, downMs: 0, unknownMs: 0 };
  for (const { rows, watched } of account) {
    const states = ids.flatMap((id) => rows.get(id)?.state ?? []);
    if (states.length === 0) continue;
    const up = states.filter((state) => state === "running").length;
    if (!watched) ms.unknownMs += SECOND;
    else if (up === states.length) ms.runningMs += SECOND;
    else if (up > 0) ms.partlyMs += SECOND;
    else ms.downMs += SECOND;
  }
  return ms;
}

async function played(
  steps: readonly Step[],
  fresh: boolean,
  check: (world: World, past: Past) => Promise<void>,
): Promise<void> {
  await using temp = await tempStore();
  const world = new World(temp.path);
  await world.open();
  try {
    world.begin();
    world.wait(3);
    for (const each of steps) await world.play(each);
    world.wait(1);
    const isFresh = world.end({ fresh });
    const now = () => BASE + world.second * SECOND;
    await check(world, new Past({ store: world.store, now, isFresh: () => isFresh }));
  } finally {
    world.store.close();
  }
}

const histories = fc.tuple(fc.array(step, { maxLength: 25 }), fc.boolean());

Deno.test("Past.at() tells each second of a random history, and never what was not", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ([steps, fresh]) => {
      await played(steps, fresh, async (world, past) => {
        for (let second = 0; second < world.second; second += second < 40 ? 1 : 11) {
          compare(await past.at(BASE + second * SECOND), world.account[second]!, second);
        }
      });
    }),
    { numRuns: 40 },
  );
});

function compare(found: PastIndex, { rows, watched }: Second, second: number): void {
  const told = `second ${second}`;
  assertEquals(found.at, textOf(second));
  const forgotten = found.forgottenUntil !== null && found.at < found.forgottenUntil;
  // That somebody watched may be forgotten, too; that nobody did is not made up.
  if (!forgotten || found.watched) assertEquals(found.watched, watched, told);
  for (const { id, state, containerId, imageRef } of found.items) {
    const was = rows.get(id);
    if (state === null) {
      assert(forgotten, `${told}: ${id} is not known, though nothing is forgotten`);
    } else {
      assertEquals(state, was?.state, `${told}: ${id}`);
      if (containerId !== null) assertEquals(containerId, was?.container, told);
      if (imageRef !== null) assertEquals(imageRef, was?.image, told);
    }
  }
  if (forgotten) return;
  const ids = found.items.map(({ id }) => id);
  assertEquals(ids, [...rows.keys()].sort(), told);
}

Deno.test("Past.availability() counts the seconds of a random history, unknown ones apart", async () => {
  await fc.assert(
    fc.asyncProperty(
      histories,
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      async ([steps, fresh], fromShare, untilShare) => {
        // Pruning is another matter: what it leaves unknown depends on what it leaves.
        const kept = steps.filter(({ op }) => !op.startsWith("prune"));
        await played(kept, fresh, async (world, past) => {
          const [from, until] = [fromShare, untilShare].sort((a, b) => a - b)
            .map((share) => Math.floor(share * world.second / 100)) as [number, number];
          const found = await past.availability({
            from: BASE + from * SECOND,
            until: BASE + until * SECOND,
            maxSpans: 500,
          });
          account(found, world.account.slice(from, until), [...world.ids.values()]);
        });
      },
    ),
    { numRuns: 100 },
  );
});

function account(found: Availability, seconds: readonly Second[], workloads: readonly string[]) {
  for (const workloadId of workloads) {
    const ids = ROLES.map((role) => `${workloadId}:${role}`);
    const told = found.workloads.find(({ id }) => id === workloadId);
    const together = counted(seconds, ids);
    assertEquals(timesOf(told), together);
    for (const id of ids) {
      assertEquals(timesOf(told?.rows.find((each) => each.id === id)), counted(seconds, [id]));
    }
    const { runningMs, partlyMs, downMs } = together;
    const known = runningMs + partlyMs + downMs;
    if (told === undefined) continue;
    assertEquals(told.share, known === 0 ? null : (runningMs + partlyMs) / known);
    // The spans say the same again, second by second.
    for (const span of told.spans) {
      for (let at = Date.parse(span.from); at < Date.parse(span.to); at += SECOND) {
        const one = counted([seconds[(at - Date.parse(found.from)) / SECOND]!], ids);
        assertEquals(one[`${span.state}Ms`], SECOND, `${span.from} ${span.state}`);
      }
    }
  }
}

function timesOf(
  told: Availability["workloads"][number]["rows"][number] | undefined | {
    runningMs: number;
    partlyMs: number;
    downMs: number;
    unknownMs: number;
  },
) {
  const { runningMs = 0, partlyMs = 0, downMs = 0, unknownMs = 0 } = told ?? {};
  return { runningMs, partlyMs, downMs, unknownMs };
}

Deno.test("Past.availability() says of a pruned past that it is unknown, and no more than there was", async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ([steps, fresh]) => {
      await played(steps, fresh, async (world, past) => {
        const found = await past.availability({
          from: BASE,
          until: BASE + world.second * SECOND,
          maxSpans: 0,
        });
        const { forgottenUntil } = found;
        const known = forgottenUntil === null
          ? 0
          : Math.max(0, (Date.parse(forgottenUntil) - BASE) / SECOND);
        for (const { rows } of found.workloads) {
          for (const told of rows) {
            const all = counted(world.account, [told.id]);
            const after = counted(world.account.slice(known), [told.id]);
            for (const what of ["runningMs", "downMs"] as const) {
              assert(told[what] <= all[what], `${told.id} ${what}`);
              assert(told[what] >= after[what], `${told.id} ${what}`);
            }
            assertEquals(told.spans, []);
          }
        }
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("Past tells of a row that was retired until then, as its workload's, and not after", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const begin = temp.now;
  const { workloadId } = store.registry.create("site", { name: "blog" }).entry;
  const id = `${workloadId}:old`;
  const of = (state: string) =>
    row({ id, workloadId, workloadKind: "site", state, containerId: "c1" });
  const passes: [string, number][] = [["running", 0], ["missing", 60]];
  for (const [state, second] of passes) {
    temp.now = begin + second * SECOND;
    pass(store, [of(state)], { at: new Date(temp.now).toISOString() });
  }
  temp.now = begin + 100 * SECOND;
  assertEquals(store.expectations.accept(workloadId).retired, [id]);
  temp.now = begin + 200 * SECOND;
  pass(store, [], { at: new Date(temp.now).toISOString() });

  const past = new Past({ store, now: () => temp.now, isFresh: () => true });
  const found = await past.availability({ from: begin, until: temp.now, maxSpans: 10 });
  assertEquals(found.workloads.map(({ name, rows }) => [name, rows.map((each) => each.id)]), [
    ["blog", [id]],
  ]);
  const [blog] = found.workloads;
  assertEquals([blog!.runningMs, blog!.downMs], [60 * SECOND, 40 * SECOND]);
  const at = async (second: number) => (await past.at(begin + second * SECOND)).items;
  assertEquals((await at(99)).map(({ state }) => state), ["missing"]);
  assertEquals(await at(150), []);
});

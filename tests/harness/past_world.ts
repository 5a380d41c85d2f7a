/**
 * Random histories of an index, played on a real store and in a plain account of each second: rows
 * come, change and go, daemons end with and without a word, the past is pruned.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { IndexRow } from "../../src/model/container.ts";
import type { Change } from "../../src/model/pass.ts";
import type { Availability, PastIndex } from "../../src/model/past.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { row } from "./world.ts";

/** Milliseconds. */
export const SECOND = 1000;
/** When a history begins. */
export const BASE = Date.parse("2026-10-25T00:00:00Z");
/** A second of a history, RFC 3339 UTC. */
export const textOf = (second: number): string => new Date(BASE + second * SECOND).toISOString();

/** What one second of an account says. */
export interface Second {
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
/** One of what a history is made of. */
export type Step = ReturnType<typeof step.generate>["value"];

/** Plays steps on a real store and in an account of each second. */
export class World {
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

  /** Whether what is written is known to be what runs. */
  get known(): boolean {
    return this.#known;
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
      found: cause === "pass" ? { ...found, unmanaged } : null,
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

/** Random ones, and whether the index is what runs at the end. */
export const histories = fc.tuple(fc.array(step, { maxLength: 25 }), fc.boolean());

/** Holds the index at a second against the account of it. */
export function compare(found: PastIndex, { rows, watched }: Second, second: number): void {
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

/** Holds times against the seconds of an account. */
export function account(
  found: Availability,
  seconds: readonly Second[],
  workloads: readonly string[],
): void {
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

/** What is told of a pruned past is no more than there was, and all of what is not forgotten. */
export function boundedBy(found: Availability, seconds: readonly Second[]): void {
  const { forgottenUntil } = found;
  const known = forgottenUntil === null
    ? 0
    : Math.max(0, (Date.parse(forgottenUntil) - BASE) / SECOND);
  for (const { rows } of found.workloads) {
    for (const told of rows) {
      const all = counted(seconds, [told.id]);
      const after = counted(seconds.slice(known), [told.id]);
      for (const what of ["runningMs", "downMs"] as const) {
        assert(told[what] <= all[what], `${told.id} ${what}`);
        assert(told[what] >= after[what], `${told.id} ${what}`);
      }
      assertEquals(told.spans, []);
    }
  }
}

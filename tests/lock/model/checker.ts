/**
 * Explores every interleaving of the steps of a few processes, with crashes, restarts, PIDs that
 * are given out again and refused steps, breadth first: so the first violation found is a
 * shortest one, and it is told as a story.
 *
 * A state is a row of numbers: what all see, and what each process knows, each stored once. So
 * states are small, are hashed as they are, and what a move does is computed once for each pair.
 *
 * @module
 */
import type { Actor } from "./actors.ts";
import {
  crashesOf,
  type Inner,
  type Life,
  type Move,
  movesOf,
  nameOf,
  type Rules,
  stepsOf,
  type View,
} from "./moves.ts";
import { grown, RowTable } from "./row_table.ts";
import { Pool, Symmetry } from "./symmetry.ts";
import { keyOf, newWorld, perform, type World } from "./world.ts";

/** Says what is wrong with a state, or null. */
export type Property = (view: View) => string | null;

/** What to explore. */
export interface Exploration extends Partial<Rules> {
  readonly actors: readonly Actor<unknown>[];
  /** Where it may begin. */
  readonly worlds: readonly World[];
  readonly properties: readonly Property[];
  /** How many of the processes, counted from the first, are interchangeable. */
  readonly interchangeable?: number;
}

/** What came out. */
export interface Explored {
  readonly states: number;
  /** The shortest way to a violation, or null. */
  readonly story: string | null;
  /** Every world in which no process runs any more, and none owns the lock. */
  readonly quiet: readonly World[];
}

/** Explores all that can happen. */
export function explore(exploration: Exploration): Explored {
  const { actors, worlds: beginnings, properties, interchangeable = 1 } = exploration;
  const { waitsAreLong = false, fusesLooks = false } = exploration;
  const rules: Rules = { waitsAreLong, fusesLooks };
  const worlds = new Pool<World>(keyOf);
  const inners = new Pool<Inner>();
  const symmetry = new Symmetry({ processes: actors.length, interchangeable }, { worlds, inners });
  const states = new RowTable(actors.length + 1);
  let parents = new Int32Array(1 << 12);
  const quiet = new Set<number>();
  const pairs = actors.map(() => new RowTable(2));
  const stepsFrom = actors.map((): (readonly NumberedMove[])[] => []);
  const crashesFrom = actors.map((): (readonly NumberedMove[])[] => []);

  const viewOf = ([world = 0, ...inner]: readonly number[]): View => ({
    world: worlds.at(world),
    inner: inner.map((n) => inners.at(n)),
    actors,
  });
  const numbered = (moves: readonly Move[]): readonly NumberedMove[] =>
    moves.map(({ world, inner, wrong }) => ({
      world: worlds.put(world),
      inner: inners.put(inner),
      wrong,
    }));
  const movesFrom = (row: readonly number[], view: View, i: number): readonly NumberedMove[] => {
    const [world = 0] = row;
    const pair = pairs[i]?.put([world, row[i + 1] ?? 0]) ?? 0;
    const steps = (stepsFrom[i] ?? [])[pair] ??= numbered(stepsOf(view, i, rules));
    if (!isAlive(view, i)) return steps;
    return [...steps, ...(crashesFrom[i] ?? [])[world] ??= numbered(crashesOf(view, i))];
  };
  const add = (row: readonly number[], parent: number): void => {
    const before = states.size;
    const state = states.put(symmetry.representative(row));
    if (states.size === before) return;
    if (state >= parents.length) parents = grown(parents);
    parents[state] = parent + 1;
  };
  const wayTo = (state: number): number[][] => {
    const way = [states.at(state)];
    for (let s = parents[state] ?? 0; s > 0; s = parents[s - 1] ?? 0) way.unshift(states.at(s - 1));
    return way;
  };
  const firstRow = (world: World): number[] => [
    worlds.put(world),
    ...actors.map((actor, i) => {
      const mind = actor.begin(world.processes[i]?.pid ?? 0, world.clock);
      return inners.put({ life: "running" satisfies Life, mind });
    }),
  ];
  const broken = (state: number, wrong: string): Explored => {
    return { states: states.size, story: tell(wayTo(state), wrong), quiet: [] };
  };
  /** The way is one of representatives: walk it again with everybody under their own name. */
  const tell = (way: readonly (readonly number[])[], wrong: string): string => {
    let row = beginnings.map(firstRow).find((row) => isSame(symmetry.representative(row), way[0]));
    const lines: string[] = [describe(viewOf(row ?? []))];
    for (const target of way.slice(1)) {
      for (let i = 0; row !== undefined && i < actors.length; i++) {
        const from: readonly number[] = row;
        const move = movesOf(viewOf(from), i, rules).find(({ world, inner }) =>
          isSame(
            symmetry.representative(after(from, i, worlds.put(world), inners.put(inner))),
            target,
          )
        );
        if (move === undefined) continue;
        lines.push(...move.tell());
        row = after(from, i, worlds.put(move.world), inners.put(move.inner));
        break;
      }
    }
    return [
      ...lines.map((line, n) => n === 0 ? `      ${line}` : `${String(n).padStart(4)}. ${line}`),
      `      → ${wrong}`,
    ].join("\n");
  };

  for (const world of beginnings) add(firstRow(world), -1);
  for (let state = 0; state < states.size; state++) {
    const row = states.at(state);
    const view = viewOf(row);
    for (const property of properties) {
      const wrong = property(view);
      if (wrong !== null) return broken(state, wrong);
    }
    if (isQuiet(view)) quiet.add(row[0] ?? 0);
    for (let i = 0; i < actors.length; i++) {
      for (const move of movesFrom(row, view, i)) {
        if (move.wrong !== null) return broken(state, move.wrong);
        add(after(row, i, move.world, move.inner), state);
      }
    }
  }
  return { states: states.size, story: null, quiet: [...quiet].map((n) => worlds.at(n)) };
}

/** Whether no process runs any more, and none owns the lock. */
export function isQuiet({ inner }: View): boolean {
  return inner.every(({ life }) => life === "exited" || life === "crashed");
}

/** How a process fared that started alone. */
export interface Alone {
  readonly verdict: string | null;
  /** How often it waited. */
  readonly sleeps: number;
  /** What it left. */
  readonly world: World;
}

/** Starts one process in a world where nobody else runs, with this PID, beside these strangers. */
export function startAlone(
  actor: Actor<unknown>,
  { paths, inodes, clock }: World,
  { pid, strangers }: { readonly pid: number; readonly strangers: readonly number[] },
): Alone {
  const process = { pid, namespace: 0, live: true };
  let world: World = { ...newWorld([process], { strangers }), paths, inodes, clock: clock + 1 };
  let mind = actor.begin(pid, world.clock);
  let sleeps = 0;
  for (let taken = 0; taken < 500; taken++) {
    const step = actor.step(mind);
    if (step === null) return { verdict: actor.verdict(mind), sleeps, world };
    if (step.op === "sleep") sleeps++;
    const [next, result] = perform(world, 0, step);
    world = next;
    mind = actor.advance(mind, result);
  }
  return { verdict: "going round in circles", sleeps, world };
}

interface NumberedMove {
  readonly world: number;
  readonly inner: number;
  readonly wrong: string | null;
}

function after(row: readonly number[], i: number, world: number, inner: number): number[] {
  const next = row.slice();
  next[0] = world;
  next[i + 1] = inner;
  return next;
}

function isAlive({ inner }: View, i: number): boolean {
  const life = inner[i]?.life;
  return life !== "exited" && life !== "crashed";
}

function isSame(a: readonly number[], b: readonly number[] | undefined): boolean {
  return b !== undefined && a.every((n, i) => n === b[i]);
}

function describe({ world, actors }: View): string {
  const files = Object.entries(world.paths).map(([path, inode]) =>
    `${path} ${JSON.stringify(world.inodes[inode]?.[0].trimEnd())}`
  );
  const who = actors.map((actor, i) => `${nameOf(i)} (${actor.name})`).join(", ");
  return `${who} start in ${files.length === 0 ? "an empty directory" : files.join(", ")}.`;
}

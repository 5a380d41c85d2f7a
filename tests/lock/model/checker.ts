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
import { type Inner, type Life, movesOf, nameOf, type Rules, type View } from "./moves.ts";
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

/** More than this means that something in the model grows without end. */
const MOST_STATES = 4_000_000;

/** Explores all that can happen. */
export function explore(exploration: Exploration): Explored {
  const { actors, worlds: beginnings, properties, interchangeable = 1 } = exploration;
  const { waitsAreLong = false, fusesLooks = false } = exploration;
  const rules: Rules = { waitsAreLong, fusesLooks };
  const worlds = new Pool<World>(keyOf);
  const inners = new Pool<Inner>();
  const symmetry = new Symmetry({ processes: actors.length, interchangeable }, { worlds, inners });
  const states = new States(actors.length);
  const quiet = new Set<number>();
  const caches = actors.map(() => new Map<number, readonly NumberedMove[]>());

  const viewOf = ([world = 0, ...inner]: readonly number[]): View => ({
    world: worlds.at(world),
    inner: inner.map((n) => inners.at(n)),
    actors,
  });
  const movesFrom = (row: readonly number[], i: number): readonly NumberedMove[] => {
    const key = (row[0] ?? 0) * LARGEST + (row[i + 1] ?? 0);
    let moves = caches[i]?.get(key);
    if (moves === undefined) {
      moves = movesOf(viewOf(row), i, rules).map(({ world, inner, wrong }) => ({
        world: worlds.put(world),
        inner: inners.put(inner),
        wrong,
      }));
      caches[i]?.set(key, moves);
    }
    return moves;
  };
  const firstRow = (world: World): number[] => [
    worlds.put(world),
    ...actors.map((actor, i) => {
      const mind = actor.begin(world.processes[i]?.pid ?? 0, world.clock);
      return inners.put({ life: "running" satisfies Life, mind });
    }),
  ];
  const broken = (state: number, wrong: string): Explored => {
    const way = states.wayTo(state).map((s) => states.row(s));
    return { states: states.size, story: tell(way, wrong), quiet: [] };
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
        lines.push(...move.told.split("\n"));
        row = after(from, i, worlds.put(move.world), inners.put(move.inner));
        break;
      }
    }
    return [
      ...lines.map((line, n) => n === 0 ? `      ${line}` : `${String(n).padStart(4)}. ${line}`),
      `      → ${wrong}`,
    ].join("\n");
  };

  for (const world of beginnings) states.add(symmetry.representative(firstRow(world)), -1);
  for (let state = 0; state < states.size; state++) {
    const row = states.row(state);
    const view = viewOf(row);
    for (const property of properties) {
      const wrong = property(view);
      if (wrong !== null) return broken(state, wrong);
    }
    if (isQuiet(view)) quiet.add(row[0] ?? 0);
    for (let i = 0; i < actors.length; i++) {
      for (const move of movesFrom(row, i)) {
        if (move.wrong !== null) return broken(state, move.wrong);
        states.add(symmetry.representative(after(row, i, move.world, move.inner)), state);
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

/** More different inner states than this can't be told apart in a hash key. */
const LARGEST = 2 ** 17;

function after(row: readonly number[], i: number, world: number, inner: number): number[] {
  const next = row.slice();
  next[0] = world;
  next[i + 1] = inner;
  return next;
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

/** Every state reached, in the order of discovery, and how. */
class States {
  readonly #width: number;
  #rows: Int32Array<ArrayBuffer>;
  #parents = new Int32Array(4096);
  readonly #known = new Map<number, Set<number>>();
  size = 0;

  constructor(processes: number) {
    this.#width = processes + 1;
    this.#rows = new Int32Array(this.#width * 4096);
  }

  add(row: readonly number[], parent: number): void {
    const [world = 0, ...inner] = row;
    if (inner.length > 3 || inner.some((n) => n >= LARGEST)) {
      throw new RangeError("Too large a row");
    }
    const key = inner.reduce((sum, n) => sum * LARGEST + n, 0);
    let known = this.#known.get(world);
    if (known === undefined) this.#known.set(world, known = new Set());
    if (known.has(key)) return;
    known.add(key);
    if (this.size === MOST_STATES) throw new RangeError(`More than ${MOST_STATES} states`);
    if (this.size === this.#parents.length) {
      this.#parents = grown(this.#parents);
      this.#rows = grown(this.#rows);
    }
    this.#rows.set(row, this.size * this.#width);
    this.#parents[this.size++] = parent;
  }

  row(state: number): number[] {
    return [...this.#rows.subarray(state * this.#width, (state + 1) * this.#width)];
  }

  wayTo(state: number): number[] {
    const way = [state];
    for (let s = this.#parents[state] ?? -1; s >= 0; s = this.#parents[s] ?? -1) way.unshift(s);
    return way;
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

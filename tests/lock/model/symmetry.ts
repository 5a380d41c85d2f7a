/**
 * Processes of one kind are interchangeable: a state and the same one with the processes renamed
 * lead to the same things. So of each such family only one state is explored.
 *
 * @module
 */
import type { Inner } from "./moves.ts";
import { PIDS, sorted, type World } from "./world.ts";

/** Values by number, each only once. */
export class Pool<T> {
  readonly #values: T[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #keyOf: (value: T) => string;

  /** `keyOf` writes equal values equally, and others not. */
  constructor(keyOf: (value: T) => string = JSON.stringify) {
    this.#keyOf = keyOf;
  }

  /** The number of a value. */
  put(value: T): number {
    const key = this.#keyOf(value);
    const found = this.#numbers.get(key);
    if (found !== undefined) return found;
    this.#numbers.set(key, this.#values.length);
    return this.#values.push(value) - 1;
  }

  /** The value with this number. */
  at(number: number): T {
    return this.#values[number] as T;
  }
}

/** Finds the one state that stands for all that differ only in who is who. */
export class Symmetry {
  readonly #worlds: Pool<World>;
  readonly #inners: Pool<Inner>;
  readonly #orders: readonly Order[];
  readonly #interchangeable: number;
  readonly #shapes = new Pool<string>();
  readonly #shapeOf: number[][];

  /** For so many processes, of which the first are of one kind. */
  constructor(
    { processes, interchangeable }: { processes: number; interchangeable: number },
    { worlds, inners }: { worlds: Pool<World>; inners: Pool<Inner> },
  ) {
    const all = [...Array(processes).keys()];
    const others = all.slice(interchangeable);
    this.#worlds = worlds;
    this.#inners = inners;
    this.#interchangeable = interchangeable;
    this.#orders = permutations(all.slice(0, interchangeable))
      .map((order) => ({ places: [...order, ...others], worlds: [], inners: [] }));
    this.#shapeOf = all.map(() => []);
  }

  /**
   * Of the rows [world, inner, inner, …] of one family always the same: one that has the
   * processes in the order of their shapes, and the least of these.
   */
  representative(row: readonly number[]): readonly number[] {
    const shapes = row.slice(1).map((inner, i) => this.#shape(i, inner));
    let least: readonly number[] | null = null;
    for (const order of this.#orders) {
      if (!this.#sorts(order, shapes)) continue;
      const renamed = this.#rename(order, row);
      if (least === null || isLess(renamed, least)) least = renamed;
    }
    return least ?? row;
  }

  #sorts({ places }: Order, shapes: readonly number[]): boolean {
    const sorted = Array<number>(this.#interchangeable);
    for (let i = 0; i < this.#interchangeable; i++) sorted[places[i] ?? 0] = shapes[i] ?? 0;
    return sorted.every((shape, i) => i === 0 || (sorted[i - 1] ?? 0) <= shape);
  }

  #rename({ places, worlds, inners }: Order, row: readonly number[]): readonly number[] {
    if (places.every((place, i) => place === i)) return row;
    const [world = 0] = row;
    const renamed = Array<number>(row.length);
    renamed[0] = worlds[world] ??= this.#worlds.put(renameWorld(this.#worlds.at(world), places));
    for (const [from, to] of places.entries()) {
      const inner = row[from + 1] ?? 0;
      renamed[to + 1] = inners[inner] ??= this.#inners.put(
        renameMind(this.#inners.at(inner), places),
      );
    }
    return renamed;
  }

  /** What a process knows, with the names taken out: a number that renaming doesn't change. */
  #shape(i: number, inner: number): number {
    const known = this.#shapeOf[i] ?? [];
    return known[inner] ??= this.#shapes.put(
      JSON.stringify(this.#inners.at(inner)).replace(
        PIDS,
        (_, series: string, digit: string) => series + (Number(digit) === i ? "-" : "+"),
      ),
    );
  }
}

/** A way to rename: process i becomes process places[i]. With what it makes of which parts. */
interface Order {
  readonly places: readonly number[];
  readonly worlds: number[];
  readonly inners: number[];
}

/** The world with process i in the place of process order[i]. */
function renameWorld(world: World, order: readonly number[]): World {
  const processes = world.processes.slice();
  const open = world.open.slice();
  let amid = 0;
  for (const [from, to] of order.entries()) {
    const process = world.processes[from] ?? { pid: 0, namespace: 0, live: false };
    processes[to] = { ...process, pid: renamePid(process.pid, order) };
    open[to] = renameKeys(world.open[from] ?? {}, order);
    if (world.amid & 1 << from) amid |= 1 << to;
  }
  const paths = renameKeys(world.paths, order);
  const inodes: Record<number, readonly [string, number]> = {};
  for (const inode in world.inodes) {
    const [text, mtime] = world.inodes[inode] ?? ["", 0];
    inodes[inode] = [renameText(text, order), mtime];
  }
  const flocks: Record<number, number> = {};
  for (const inode in world.flocks) {
    const holder = world.flocks[inode] ?? 0;
    flocks[inode] = order[holder] ?? holder;
  }
  const strangers = world.strangers.map((pid) => renamePid(pid, order)).sort();
  return { ...world, processes, open, amid, paths, inodes, flocks, strangers };
}

function renameKeys(
  record: Readonly<Record<string, number>>,
  order: readonly number[],
): Record<string, number> {
  const renamed: Record<string, number> = {};
  for (const key in record) renamed[renameText(key, order)] = record[key] ?? 0;
  return sorted(renamed);
}

function renameMind<T>(mind: T, order: readonly number[]): T {
  return JSON.parse(renameText(JSON.stringify(mind), order)) as T;
}

function renamePid(pid: number, order: readonly number[]): number {
  return Number(renameText(String(pid), order));
}

/** The PIDs of the model look like nothing else in it, so they can be replaced in a text. */
function renameText(text: string, order: readonly number[]): string {
  return text.replace(
    PIDS,
    (_, series: string, i: string) => series + String(order[Number(i)] ?? Number(i)),
  );
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, n] of a.entries()) if (n !== b[i]) return n < (b[i] ?? 0);
  return false;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest])
  );
}

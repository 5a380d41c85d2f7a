/**
 * What can happen next to one process of the model: it takes its step, the step is refused, it
 * begins to release, it crashes (and perhaps a stranger gets its PID), it is started again.
 *
 * @module
 */
import type { Result } from "../../../src/lock/attempt.ts";
import type { Actor } from "./actors.ts";
import { end, isNamed, otherPid, perform, start, type World, type WorldStep } from "./world.ts";

/** Where a process is in its life. */
export type Life = "running" | "owner" | "releasing" | "exited" | "crashed";

/** What only the process itself knows. */
export interface Inner {
  readonly life: Life;
  readonly mind: unknown;
}

/** A state: what all see, and what each process knows. */
export interface View {
  readonly world: World;
  readonly inner: readonly Inner[];
  readonly actors: readonly Actor<unknown>[];
}

/** One thing that can happen. */
export interface Move {
  readonly world: World;
  readonly inner: Inner;
  /** Its lines of the story. Seldom asked for. */
  readonly tell: () => string[];
  /** What is wrong with the step itself, or null. */
  readonly wrong: string | null;
}

/** How to move. */
export interface Rules {
  /** Whoever is amid a change gets through with it before anybody's wait is over. */
  readonly waitsAreLong: boolean;
  /**
   * Looks that nobody else can influence are taken together with the step before: at the guard, if
   * it is never removed; and among our own kind at the other files, for the guard's holder, if
   * only the holder changes them. Each step that is explored is held to these conditions.
   */
  readonly fusesLooks: boolean;
}

/** The name that a process has in stories. */
export function nameOf(i: number): string {
  return "ABCDE"[i] ?? String(i);
}

/** All that can happen to the process with this index. */
export function movesOf(view: View, i: number, rules: Rules): Move[] {
  return [...crashesOf(view, i), ...stepsOf(view, i, rules)];
}

/** How it can crash: the same whatever it knows. */
export function crashesOf({ world, inner, actors }: View, i: number): Move[] {
  const life = inner[i]?.life;
  const pid = world.processes[i]?.pid ?? 0;
  if (life === undefined || life === "exited" || life === "crashed" || world.crashes === 0) {
    return [];
  }
  const name = (): string => `${nameOf(i)} (${actors[i]?.name}, PID ${pid})`;
  const crashed: World = {
    ...end(world, i),
    crashes: world.crashes - 1,
    disturbed: true,
    acquired: false,
  };
  const after: Inner = { life: "crashed", mind: null };
  const tell = (): string[] => [`${name()} crashes`];
  const move: Move = { world: crashed, inner: after, tell, wrong: null };
  if (!isNamed(crashed, pid)) return [move];
  const reused = { ...crashed, strangers: [...crashed.strangers, pid].sort() };
  const tellMore = (): string[] => [`${name()} crashes, and a stranger gets its PID`];
  return [move, { world: reused, inner: after, tell: tellMore, wrong: null }];
}

/** What else can happen to it: what it does itself, or that it is started again. */
export function stepsOf({ world, inner, actors }: View, i: number, rules: Rules): Move[] {
  const me = inner[i];
  const actor = actors[i];
  const pid = world.processes[i]?.pid;
  if (me === undefined || actor === undefined || pid === undefined) return [];
  const name = (): string => `${nameOf(i)} (${actor.name}, PID ${pid})`;
  if (me.life === "exited") return [];
  if (me.life === "crashed") return restarts(world, i, actor, name);
  if (me.life === "owner") {
    const released: Inner = { life: "releasing", mind: actor.release(me.mind) };
    return [{
      world,
      inner: released,
      tell: () => [`${name()} begins to release`],
      wrong: null,
    }];
  }
  const step = actor.step(me.mind);
  if (step === null) return [];
  const moves: Move[] = [];
  const isAmongOurs = actors.every(({ isOurs }) => isOurs);
  const doer: Doer = { world, i, actor, me, name, isAmongOurs };
  if (step.op !== "sleep" || !rules.waitsAreLong || world.amid === 0) {
    moves.push(take(doer, step, rules));
  }
  if (world.faults > 0 && actor.isOurs && mayBeRefused(step)) {
    const faulty = { ...world, faults: world.faults - 1, disturbed: true, acquired: false };
    const refusal: Result = { is: "failed", code: step.op === "flock" ? "EIO" : "ENOSPC" };
    moves.push(take({ ...doer, world: faulty }, step, rules, refusal));
  }
  return moves;
}

/** A process in its world. */
interface Doer {
  readonly world: World;
  readonly i: number;
  readonly actor: Actor<unknown>;
  readonly me: Inner;
  readonly name: () => string;
  /** All processes are of our kind. */
  readonly isAmongOurs: boolean;
}

/** The process takes its step, and is told to go on, owns the lock, or ends. */
function take(doer: Doer, first: WorldStep, rules: Rules, refusal?: Result): Move {
  const { i, actor, me, name } = doer;
  let { world } = doer;
  let mind = me.mind;
  let step: WorldStep | null = first;
  let wrong: string | null = null;
  const taken: (readonly [WorldStep, Result])[] = [];
  do {
    if (rules.fusesLooks) wrong ??= breach({ ...doer, world }, step);
    const [next, result]: [World, Result] = refusal === undefined || step !== first
      ? perform(world, i, step)
      : [world, refusal];
    taken.push([step, result]);
    world = next;
    mind = actor.advance(mind, result);
    step = actor.step(mind);
  } while (rules.fusesLooks && step !== null && isPrivate({ ...doer, world }, step));

  const bit = 1 << i;
  world = { ...world, amid: actor.isAmid(mind) ? world.amid | bit : world.amid & ~bit };
  const tell = (end: string) => (): string[] => [
    ...taken.map(([step, result]) => `${name()}: ${sentence(step)} → ${outcome(result)}`),
    ...end === "" ? [] : [`${name()} ${end}`],
  ];
  if (step !== null) return { world, inner: { life: me.life, mind }, tell: tell(""), wrong };
  const verdict = actor.verdict(mind);
  if (verdict === "acquired" && me.life === "running") {
    // What only matters to undisturbed runs must not tell the others apart.
    const owned = { ...world, acquired: !world.disturbed };
    return { world: owned, inner: { life: "owner", mind }, tell: tell("owns the lock"), wrong };
  }
  const inner: Inner = { life: "exited", mind: world.disturbed ? null : { verdict } };
  return { world: end(world, i), inner, tell: tell(`ends: ${verdict}`), wrong };
}

/** With its former PID, or another: which makes a difference only if a file names it. */
function restarts(
  world: World,
  i: number,
  actor: Actor<unknown>,
  name: () => string,
): Move[] {
  const former = world.processes[i]?.pid ?? 0;
  const pids = isNamed(world, former) ? [former, otherPid(former)] : [former];
  return pids.filter((pid) => !world.strangers.includes(pid)).map((pid) => {
    const started = start(world, i, pid);
    const mind = actor.begin(pid, started.clock);
    const tell = (): string[] => [`${name()} is started again with PID ${pid}`];
    return { world: started, inner: { life: "running", mind }, tell, wrong: null };
  });
}

function mayBeRefused(step: WorldStep): boolean {
  return step.op !== "alive" && step.op !== "sleep" && step.op !== "close";
}

function isPrivate({ world, i, actor, isAmongOurs }: Doer, step: WorldStep): boolean {
  const guard = world.paths["guard"];
  if (guard === undefined || !actor.isOurs) return false;
  const isHolder = world.flocks[guard] === i;
  const isAlone = isHolder && isAmongOurs;
  switch (step.op) {
    case "create":
      return step.file in world.paths && (isAlone || step.file === "guard");
    case "lstat":
    case "open":
      return isAlone || step.file === "guard";
    case "read":
      return isAlone || isHolder && step.file === "guard";
    case "sleep":
      return isAlone;
    case "close":
      return !isHolder && !isNamed(world, world.processes[i]?.pid ?? 0);
    default:
      return false;
  }
}

/** What makes it wrong to call looks private, or null. */
function breach({ world, i, actor }: Doer, step: WorldStep): string | null {
  const guard = world.paths["guard"];
  const isHolder = guard !== undefined && world.flocks[guard] === i;
  switch (step.op) {
    case "create":
      if (step.file === "guard" || step.file in world.paths) return null;
      break;
    case "remove":
      if (step.file === "guard") return "the guard is removed, and nothing was refused";
      break;
    case "write":
    case "rename":
    case "link":
      break;
    default:
      return null;
  }
  const isRight = isHolder || !actor.isOurs && step.file !== "guard";
  return isRight ? null : `${nameOf(i)} changes the ${step.file} without holding the guard`;
}

function sentence(step: WorldStep): string {
  switch (step.op) {
    case "alive":
      return `asks whether PID ${step.pid} lives`;
    case "sleep":
      return "waits";
    case "close":
      return "closes its files";
    case "flock":
      return "flocks the guard";
    case "lstat":
      return `looks at the ${step.file}`;
    case "write":
      return `writes ${JSON.stringify(step.text.trimEnd())} to the ${step.file}`;
    case "rename":
    case "link":
      return `${step.op}s ${step.file} to ${step.to}`;
    default:
      return `${step.op}s the ${step.file}`;
  }
}

function outcome(result: Result): string {
  switch (result.is) {
    case "read":
      return JSON.stringify(result.sighting.text.trimEnd());
    case "created":
    case "opened":
    case "found":
      return `${result.is} (inode ${result.id.slice(2)})`;
    case "failed":
      return result.code;
    default:
      return result.is;
  }
}

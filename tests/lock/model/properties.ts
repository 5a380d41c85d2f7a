/**
 * What must be true of every state.
 *
 * @module
 */
import { isQuiet, type Property } from "./checker.ts";
import { nameOf, type View } from "./moves.ts";

/** At most one process owns the lock. */
export function onlyOneOwner(view: View): string | null {
  const owners = ownersOf(view);
  return owners.length > 1 ? `${owners.map(nameOf).join(" and ")} both own the lock` : null;
}

/** At most one of our own processes owns the lock, whatever others do. */
export function onlyOneOfOurs(view: View): string | null {
  const owners = ownersOf(view).filter((i) => view.actors[i]?.isOurs);
  return owners.length > 1 ? `${owners.map(nameOf).join(" and ")} both own the lock` : null;
}

/** The files of a live owner are where it put them, as it wrote them. */
export function ownersFilesStand(view: View): string | null {
  const { world } = view;
  for (const i of ownersOf(view)) {
    const mine = world.open[i] ?? {};
    if (world.paths["lock"] === undefined || world.paths["lock"] !== mine["lock"]) {
      return `the lock file of ${nameOf(i)}, who owns the lock, is gone`;
    }
    if (world.inodes[mine["lock"] ?? 0]?.[0] !== `${world.processes[i]?.pid}\n`) {
      return `the lock file of ${nameOf(i)}, who owns the lock, doesn't name it`;
    }
    if (!view.actors[i]?.isOurs) continue;
    if (world.paths["guard"] !== mine["guard"] || world.flocks[mine["guard"] ?? 0] !== i) {
      return `the guard of ${nameOf(i)}, who owns the lock, is gone`;
    }
  }
  return null;
}

/** Undisturbed, of those who start at once one gets the lock, and the others are told it's held. */
export function somebodyGetsIt(view: View): string | null {
  if (view.world.disturbed || !isQuiet(view)) return null;
  if (!view.world.acquired) return "all have ended and nobody ever got the lock";
  for (const [i, { mind }] of view.inner.entries()) {
    const { verdict } = mind as { verdict: string };
    if (verdict !== "held" && verdict !== "released") return `${nameOf(i)} ended with ${verdict}`;
  }
  return null;
}

/** Undisturbed, after the last release nothing is left but the guard. */
export function nothingIsLeft(view: View): string | null {
  if (view.world.disturbed || !view.world.acquired || !isQuiet(view)) return null;
  const left = Object.keys(view.world.paths).filter((path) => path !== "guard");
  return left.length > 0 ? `all have ended and left ${left.join(", ")}` : null;
}

/** All of the above, for processes of one kind. */
export const ALL: readonly Property[] = [
  onlyOneOwner,
  ownersFilesStand,
  somebodyGetsIt,
  nothingIsLeft,
];

/** The processes that own the lock. */
export function ownersOf({ inner }: View): number[] {
  return inner.flatMap(({ life }, i) => life === "owner" ? [i] : []);
}

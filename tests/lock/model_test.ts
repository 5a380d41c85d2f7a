/**
 * The shipped protocol under every interleaving, and its rivals under the same eyes.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type AnyActor,
  CARELESS,
  OURS,
  PERSISTENT,
  PLAIN,
  RENAME_ASIDE,
  WHOLE,
} from "./model/actors.ts";
import { type Exploration, explore, type Explored, startAlone } from "./model/checker.ts";
import {
  type Leftover,
  LEFTOVERS,
  NAMES_A_STARTER,
  SOME_LEFTOVERS,
  worldOf,
} from "./model/leftovers.ts";
import { ALL, onlyOneOfOurs, onlyOneOwner, ownersFilesStand } from "./model/properties.ts";
import { firstPid, newWorld, type World } from "./model/world.ts";
import { isRecorded, parseRecord } from "../../src/lock/record.ts";

/** What holds however badly things go. */
const SAFETY = [onlyOneOwner, ownersFilesStand];

/** A PID that no file of the model names. */
const FRESH = 3000;

Deno.test("acquireLock() has at most one owner, with 3 processes and 2 crashes anywhere", async (t) => {
  const found = among([OURS, OURS, OURS], LEFTOVERS, {
    properties: ALL,
    crashes: 2,
    fusesLooks: true,
  });
  await report(t, "3 processes, 2 crashes, looks fused", found);
  assertSound(found);
  const lone = found.quiet.flatMap(loneStarts);
  say(`${lone.length} lone starts in the ${found.quiet.length} directories that this leaves`);
  assert(lone.length > 5_000);
  assertEquals(lone.filter(({ verdict }) => verdict !== "acquired"), []);
  const waited = lone.filter(({ sleeps }) => sleeps > 0);
  assertEquals(
    waited.filter(({ recorded }) => recorded),
    [],
    "the grace time was paid for our own",
  );
});

Deno.test("acquireLock() has at most one owner when every look is a step of its own", async (t) => {
  const found = among([OURS, OURS, OURS], SOME_LEFTOVERS, { properties: ALL, crashes: 1 });
  await report(t, "3 processes, 1 crash", found);
  assertSound(found);
});

Deno.test("taking looks together leads to the same directories as taking each alone", async (t) => {
  const ends = async (fusesLooks: boolean): Promise<string[]> => {
    const found = among([OURS, OURS], LEFTOVERS, {
      properties: ALL,
      crashes: 1,
      fusesLooks,
      interchangeable: 1,
    });
    await report(t, `2 processes, 1 crash, looks ${fusesLooks ? "fused" : "alone"}`, found);
    assertSound(found);
    return found.quiet.map((world) => JSON.stringify(world)).sort();
  };
  assertEquals(await ends(true), await ends(false));
});

Deno.test("acquireLock() goes to exactly one even if a stale lock names one of the starters", async (t) => {
  const found = among([PERSISTENT, PERSISTENT, PERSISTENT], [NAMES_A_STARTER], {
    properties: ALL,
    waitsAreLong: true,
    fusesLooks: true,
  });
  await report(t, "3 processes, looking for the owner, the lock names a starter", found);
  assertSound(found);
});

Deno.test("looking for the owner's PID disturbs nobody", async (t) => {
  const found = among([PERSISTENT, PERSISTENT], [...SOME_LEFTOVERS, NAMES_A_STARTER], {
    properties: SAFETY,
    crashes: 1,
  });
  await report(t, "2 processes, 1 crash, looking for the owner", found);
  assertSound(found);
});

Deno.test("acquireLock() has at most one owner when all have the same PID in own namespaces", async (t) => {
  const files = [
    {},
    { lock: "1010\n" },
    { guard: leftover("our stale lock with a starter's PID").files["guard"] ?? "", lock: "1010\n" },
    { reclaim: "1010\n" },
  ];
  const found = explore({
    actors: [OURS, OURS, OURS] as AnyActor[],
    worlds: files.map((files) =>
      newWorld([0, 1, 2].map((namespace) => ({ pid: firstPid(0), namespace, live: true })), {
        files,
        crashes: 1,
      })
    ),
    properties: ALL,
    fusesLooks: true,
  });
  await report(t, "3 processes that are all PID 1, 1 crash", found);
  assertSound(found);
});

Deno.test("acquireLock() that is refused a step leaves one owner and a directory to start in", async (t) => {
  const found = among([OURS, OURS, OURS], SOME_LEFTOVERS, { properties: SAFETY, faults: 1 });
  await report(t, "3 processes, 1 refused step", found);
  assertSound(found);
  const crashed = among([OURS, OURS], SOME_LEFTOVERS, {
    properties: SAFETY,
    faults: 1,
    crashes: 1,
  });
  await report(t, "2 processes, 1 refused step, 1 crash", crashed);
  assertSound(crashed);
  for (const world of [...found.quiet, ...crashed.quiet]) {
    assertEquals(loneStarts(world).filter(({ verdict }) => verdict !== "acquired"), []);
  }
});

Deno.test("acquireLock() that is refused a step leaves nothing of its own", () => {
  for (const leftover of LEFTOVERS) {
    const before = worldOf(leftover, 1);
    const { quiet } = among([OURS], [leftover], { properties: SAFETY, faults: 1 });
    assert(quiet.length > 1, "nothing was refused");
    for (const { paths, inodes, disturbed, faults } of quiet) {
      if (!disturbed || faults > 0) continue;
      const named = Object.keys(paths).filter((path) =>
        inodes[paths[path] ?? 0]?.[0].startsWith(`${firstPid(0)}`) &&
        !(path in before.paths)
      );
      // Only if it is the removal itself that is refused: and then the guard tells of it.
      const recorded = parseRecord(inodes[paths["guard"] ?? 0]?.[0] ?? "")?.pid === firstPid(0);
      assertEquals(named.filter((path) => !(path === "reclaim" || recorded)), [], leftover.name);
    }
  }
});

Deno.test("each safeguard of the protocol is needed: without it the checker finds a way", () => {
  const without = (change: Partial<typeof OURS>): AnyActor => ({ ...OURS, ...change }) as AnyActor;
  const noFlock = without({
    advance: (a, r) => OURS.advance(a, a.at === "flockGuard" ? { is: "locked" } : r),
  });
  assertCaught(
    among([noFlock, noFlock], LEFTOVERS, { properties: [onlyOneOwner] }),
    "both own the lock",
  );
  const noSecondLookAtGuard = without({
    advance: (a, r) =>
      OURS.advance(
        a,
        a.at === "verifyGuard" ? { is: "found", kind: "file", id: a.guard ?? "" } : r,
      ),
  });
  assertCaught(
    among([noSecondLookAtGuard, noSecondLookAtGuard, noSecondLookAtGuard], LEFTOVERS, {
      properties: SAFETY,
      faults: 1,
    }),
    "is gone",
  );
  const removesBlindly = without({
    advance: (a, r) =>
      OURS.advance(
        a,
        a.at === "inspectOwnLock" ? { is: "found", kind: "file", id: a.lock ?? "" } : r,
      ),
  });
  assertCaught(
    mixed([removesBlindly, PLAIN], LEFTOVERS, { properties: SAFETY }),
    "is gone",
  );
  const keepsNoRecord = without({
    step: (a) => {
      const step = OURS.step(a);
      return step?.op === "write" && step.file === "guard" ? { ...step, text: "" } : step;
    },
  });
  const found = among([keepsNoRecord], LEFTOVERS, { properties: SAFETY, crashes: 1 });
  const wedged = found.quiet.flatMap(loneStarts).filter(({ verdict }) => verdict === "held");
  assert(wedged.length > 0, "without the record a reused PID must wedge the lock");
});

Deno.test("the plain protocol is caught: a lock is empty before it has its PID", async (t) => {
  const found = among([PLAIN, PLAIN], [LEFTOVERS[0]], { properties: [onlyOneOwner] });
  await report(t, "plain, 2 processes, empty directory", found);
  assertCaught(found, "A and B both own the lock");
  assertStringIncludes(found.story ?? "", 'reads the lock → ""');
  say(found.story ?? "");
});

Deno.test("the plain protocol is caught: a stale reclaim file is removed twice", async (t) => {
  const whole = (name: string): Explored =>
    among([WHOLE, WHOLE], [leftover(name)], { properties: [onlyOneOwner] });
  assertSound(whole("nothing"));
  assertSound(whole("a stale lock"));
  const found = whole("a stale lock and a stale reclaim file");
  await report(t, "plain with whole files, 2 processes, stale reclaim file", found);
  assertCaught(found, "A and B both own the lock");
  assertStringIncludes(found.story ?? "", "removes the reclaim → done");
  const plain = among([PLAIN, PLAIN], [leftover("a stale lock and a stale reclaim file")], {
    properties: [onlyOneOwner],
  });
  await report(t, "plain, 2 processes, stale reclaim file", plain);
  assertCaught(plain, "A and B both own the lock");
});

Deno.test("the plain protocol is caught: a stale lock with a reused PID is held for ever", () => {
  const { files } = leftover("our stale lock, its PID reused");
  const world = newWorld([], { files });
  const start = { pid: FRESH, strangers: [99] };
  assertEquals(startAlone(PLAIN as AnyActor, world, start).verdict, "held");
  assertEquals(startAlone(OURS as AnyActor, world, start).verdict, "acquired");
});

Deno.test("renaming a stale lock aside is right for 2 processes and caught with 3", async (t) => {
  const stale = [leftover("a stale lock")];
  const two = among([RENAME_ASIDE, RENAME_ASIDE], stale, { properties: [onlyOneOwner] });
  await report(t, "rename-aside, 2 processes", two);
  assertSound(two);
  const three = among([RENAME_ASIDE, RENAME_ASIDE, RENAME_ASIDE], stale, {
    properties: [onlyOneOwner],
  });
  await report(t, "rename-aside, 3 processes", three);
  assertCaught(three, "both own the lock");
});

Deno.test("beside a plain process never two of ours own the lock", async (t) => {
  const found = mixed([OURS, OURS, PLAIN], LEFTOVERS, { properties: [onlyOneOfOurs] });
  await report(t, "2 of ours beside 1 plain, however slow", found);
  assertSound(found);
});

Deno.test("beside a plain process an established owner is safe, theirs or ours", async (t) => {
  // An owner gets there from one of these, alone; who comes later finds it established.
  const calm = LEFTOVERS.filter(({ name }) => CALM.has(name));
  assertEquals(calm.length, CALM.size);
  for (const foreign of [PLAIN, WHOLE]) {
    const found = mixed([OURS, foreign], calm, { properties: SAFETY });
    await report(t, `1 of ours beside 1 ${foreign.name}, nothing to reclaim for it`, found);
    assertSound(found);
  }
});

Deno.test("beside a plain process that reclaims at the same moment nothing is sure", () => {
  const broken = LEFTOVERS.filter((leftover) =>
    mixed([OURS, PLAIN], [leftover], { properties: SAFETY }).story !== null
  );
  const names = broken.map(({ name }) => name);
  assertEquals(names, LEFTOVERS.map(({ name }) => name).filter((name) => !CALM.has(name)));
  // Nor beside one that doesn't look again before it removes what it judged: not even in calm.
  const careless = mixed([OURS, CARELESS], [LEFTOVERS[0]], { properties: SAFETY });
  assertCaught(careless, "is gone");
  // Nor beside one that is stopped between creating its file and writing to it, for longer than
  // our patience.
  const stopped = mixed([OURS, PLAIN], [LEFTOVERS[0]], { properties: SAFETY, waitsAreLong: false });
  assertCaught(stopped, "is gone");
});

/** Left-overs in which a plain process finds nothing that it would reclaim. */
const CALM: ReadonlySet<string> = new Set([
  "nothing",
  "a guard",
  "our stale lock, its PID reused",
  "a copy of a live owner's directory",
  "our stale lock with a starter's PID",
  "our lock, crashed before it was recorded whole",
  "a stale reclaim file",
  "an empty reclaim file",
  "a reclaim file with a starter's PID",
]);

interface Bounds extends Partial<Omit<Exploration, "actors" | "worlds">> {
  readonly crashes?: number;
  readonly faults?: number;
}

/** Explores processes of one kind. */
function among(
  // deno-lint-ignore no-explicit-any -- kinds with different minds in one list
  actors: readonly any[],
  leftovers: readonly (Leftover | undefined)[],
  { crashes = 0, faults = 0, properties = SAFETY, ...rest }: Bounds,
): Explored {
  return explore({
    interchangeable: actors.length,
    ...rest,
    actors,
    properties,
    worlds: leftovers.flatMap((leftover) =>
      leftover === undefined ? [] : [worldOf(leftover, actors.length, { crashes, faults })]
    ),
  });
}

/** Explores processes of different kinds; the last is the foreigner. */
function mixed(
  // deno-lint-ignore no-explicit-any -- kinds with different minds in one list
  actors: readonly any[],
  leftovers: readonly (Leftover | undefined)[],
  bounds: Bounds,
): Explored {
  const slow = bounds.properties?.includes(onlyOneOfOurs) ?? false;
  return among(actors, leftovers, {
    interchangeable: actors.length - 1,
    fusesLooks: true,
    waitsAreLong: !slow,
    ...bounds,
  });
}

function leftover(name: string): Leftover {
  const found = LEFTOVERS.find((leftover) => leftover.name === name);
  if (found === undefined) throw new Error(`No left-over is called ${name}`);
  return found;
}

interface LoneStart {
  readonly verdict: string | null;
  readonly sleeps: number;
  /** The guard tells of the lock that is found, and no reclaim file is. */
  readonly recorded: boolean;
  readonly files: string;
}

/**
 * Lone starts in this directory: with a PID of its own and with each that a file names, while
 * strangers have none of those PIDs, and while they have all that ours left there. (A PID that
 * another implementation left and that somebody has now can't be told from a live owner.)
 */
function loneStarts(world: World): LoneStart[] {
  const texts = Object.entries(world.paths).map(([path, inode]) =>
    [path, world.inodes[inode]?.[0] ?? ""] as const
  );
  const named = [
    ...new Set(texts.flatMap(([, text]) => text.match(/^(?:pid=)?(\d+)\b/)?.[1] ?? [])),
  ]
    .map(Number);
  const lock = world.paths["lock"];
  const [text = "", mtime = 0] = world.inodes[lock ?? 0] ?? [];
  const record = parseRecord(world.inodes[world.paths["guard"] ?? 0]?.[0] ?? "");
  const recorded = world.paths["reclaim"] === undefined && lock !== undefined &&
    isRecorded(record, { id: `1:${lock}`, text, mtime });
  const ours = named.filter((pid) => pid >= firstPid(0) || pid === record?.pid);
  return [FRESH, ...named].flatMap((pid) =>
    [[], ours.filter((other) => other !== pid)].map((strangers) => {
      const { verdict, sleeps } = startAlone(OURS as AnyActor, world, { pid, strangers });
      return { verdict, sleeps, recorded, files: JSON.stringify({ texts, pid, strangers }) };
    })
  );
}

function assertSound({ states, story }: Explored): void {
  assert(states > 1);
  assert(story === null, `\n${story}`);
}

function assertCaught({ story }: Explored, what: string): void {
  assert(story !== null, "the checker found nothing");
  assertStringIncludes(story, what);
}

/** As a step, so that the figures stand in every test run. */
async function report(t: Deno.TestContext, what: string, found: Explored): Promise<void> {
  const { states, story } = found;
  const outcome = story === null ? "no violation" : "violation found";
  await t.step(`${what}: ${states} states, ${outcome}`, () => assert(states > 1));
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

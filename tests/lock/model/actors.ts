/**
 * The kinds of processes that the model checker sets loose on one directory: ours, by the shipped
 * protocol, and its rivals.
 *
 * @module
 */
import type { Attempt, Patience, Result } from "../../../src/lock/attempt.ts";
import { advance, beginAcquire, beginRelease, nextStep } from "../../../src/lock/protocol.ts";
import { pidText } from "../../../src/lock/record.ts";
import {
  beginPlain,
  isAmidChange,
  type Plain,
  plainAdvance,
  plainStep,
  releasePlain,
} from "../plain_protocol.ts";
import {
  beginRenameAside,
  releaseRenameAside,
  type RenameAside,
  renameAsideAdvance,
  renameAsideStep,
} from "./rename_aside.ts";
import type { WorldStep } from "./world.ts";

/** Any kind of process: the checker doesn't look into minds. */
export type AnyActor = Actor<unknown>;

/** A kind of process; `Mind` is what one knows, as plain data. */
export interface Actor<Mind> {
  readonly name: string;
  /** It follows the shipped protocol. */
  readonly isOurs: boolean;
  begin(pid: number, startedAt: number): Mind;
  step(mind: Mind): WorldStep | null;
  advance(mind: Mind, result: Result): Mind;
  release(mind: Mind): Mind;
  /** `acquired`, `held`, `released` or another word, once it is decided. */
  verdict(mind: Mind): string | null;
  /** It is amid a change of the files, with which it will be through in no time. */
  isAmid(mind: Mind): boolean;
}

/** One poll makes up the grace time: more polls only repeat the same looks. */
const PATIENCE: Patience = { graceMs: 1, pollMs: 1, asks: 0, retries: 8 };

/** The shipped protocol. */
export const OURS: Actor<Attempt> = {
  name: "ours",
  isOurs: true,
  begin: (pid, startedAt) => beginAcquire({ pid, startedAt, patience: PATIENCE }),
  step: nextStep,
  advance,
  release: beginRelease,
  verdict: (a) => a.verdict?.is ?? null,
  isAmid: ({ at, flocked, verdict }) =>
    flocked && verdict?.is !== "acquired" && at !== "watchLock" && at !== "watchReclaim",
};

/** The shipped protocol as it is used: who is turned away looks for the owner, and tries again. */
export const PERSISTENT: Actor<Attempt> = {
  ...OURS,
  begin: (pid, startedAt) =>
    beginAcquire({ pid, startedAt, patience: { ...PATIENCE, graceMs: 3, asks: 2 } }),
};

/** The plain protocol. */
export const PLAIN: Actor<Plain> = {
  name: "plain",
  isOurs: false,
  begin: (pid) => beginPlain(pid),
  step: plainStep,
  advance: plainAdvance,
  release: releasePlain,
  verdict: (p) => p.verdict,
  isAmid: isAmidChange,
};

/** The plain protocol, its files appearing with their PID already in them. */
export const WHOLE: Actor<Plain> = {
  ...PLAIN,
  name: "plain, whole files",
  step: (p) => {
    const step = plainStep(p);
    return step?.op === "create" ? { ...step, text: pidText(p.pid) } : step;
  },
};

/** The plain protocol without a second look under the reclaim file. */
export const CARELESS: Actor<Plain> = {
  ...PLAIN,
  name: "careless",
  begin: (pid) => beginPlain(pid, { looksAgain: false }),
};

/** The rename-aside protocol. */
export const RENAME_ASIDE: Actor<RenameAside> = {
  name: "rename-aside",
  isOurs: false,
  begin: beginRenameAside,
  step: renameAsideStep,
  advance: renameAsideAdvance,
  release: releaseRenameAside,
  verdict: (r) => r.verdict,
  isAmid: () => false,
};

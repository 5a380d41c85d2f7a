/**
 * The plain PID file protocol, as other programs follow it: create the lock exclusively, write the
 * PID; if it exists and its owner is dead or it is malformed, take the reclaim file, look again,
 * remove it and create it anew. It knows nothing of the guard. Here it serves as the control that
 * the model checker and the stress referee must catch, and as the foreigner beside ours.
 *
 * @module
 */
import { parsePid, pidText } from "../../src/lock/record.ts";
import type { Answers, Result, Step } from "../../src/lock/attempt.ts";

/** A process that follows the plain protocol. */
export interface Plain {
  readonly at: PlainPlace;
  readonly pid: number;
  /** It looks at the lock again when it has the reclaim file. */
  readonly looksAgain: boolean;
  /** Whose PID is asked for. */
  readonly asked: number;
  readonly verdict: "acquired" | "held" | "released" | null;
}

/** Where it can be. */
export type PlainPlace =
  | ("create" | "write" | "open" | "read" | "ask")
  | ("reclaim" | "openReclaim" | "readReclaim" | "askReclaimer" | "removeReclaim" | "writeReclaim")
  | ("openAgain" | "readAgain" | "askAgain" | "remove" | "createAnew" | "writeAnew")
  | ("dropReclaim" | "dropAndGiveUp" | "close")
  | ("openOwn" | "readOwn" | "removeOwn")
  | "over";

/** Starts acquiring. */
export function beginPlain(pid: number, { looksAgain = true } = {}): Plain {
  return { at: "create", pid, looksAgain, asked: 0, verdict: null };
}

/** Starts releasing. */
export function releasePlain(plain: Plain): Plain {
  return { ...plain, at: "openOwn", verdict: "released" };
}

/** The step to perform next, or null when it is over. */
export function plainStep(p: Plain): Step | null {
  switch (p.at) {
    case "create":
    case "createAnew":
      return { op: "create", file: "lock" };
    case "write":
    case "writeAnew":
      return { op: "write", file: "lock", text: pidText(p.pid), sync: false };
    case "open":
    case "openAgain":
    case "openOwn":
      return { op: "open", file: "lock" };
    case "read":
    case "readAgain":
    case "readOwn":
      return { op: "read", file: "lock", through: "peek" };
    case "ask":
    case "askReclaimer":
    case "askAgain":
      return { op: "alive", pid: p.asked };
    case "reclaim":
      return { op: "create", file: "reclaim" };
    case "openReclaim":
      return { op: "open", file: "reclaim" };
    case "readReclaim":
      return { op: "read", file: "reclaim", through: "peek" };
    case "writeReclaim":
      return { op: "write", file: "reclaim", text: pidText(p.pid), sync: false };
    case "removeReclaim":
    case "dropReclaim":
    case "dropAndGiveUp":
      return { op: "remove", file: "reclaim" };
    case "remove":
    case "removeOwn":
      return { op: "remove", file: "lock" };
    case "close":
      return { op: "close" };
    case "over":
      return null;
  }
}

/** What it does after the answer. */
export function plainAdvance(p: Plain, result: Result): Plain {
  if (result.is === "failed") return { ...p, at: "over", verdict: "held" };
  const go = (at: PlainPlace): Plain => ({ ...p, at });
  switch (p.at) {
    case "create":
      return go(result.is === "created" ? "write" : "open");
    case "write":
      return { ...p, at: "over", verdict: "acquired" };
    case "open":
      return go(result.is === "opened" ? "read" : "create");
    case "read":
      return ask(p, result, { malformed: "reclaim", pid: "ask" });
    case "ask":
      return result.is === "alive" ? { ...p, at: "close", verdict: "held" } : go("reclaim");
    case "reclaim":
      return go(result.is === "created" ? "writeReclaim" : "openReclaim");
    case "openReclaim":
      return go(result.is === "opened" ? "readReclaim" : "reclaim");
    case "readReclaim":
      return ask(p, result, { malformed: "removeReclaim", pid: "askReclaimer" });
    case "askReclaimer":
      return result.is === "alive" ? { ...p, at: "close", verdict: "held" } : go("removeReclaim");
    case "removeReclaim":
      return go("reclaim");
    case "writeReclaim":
      return go(p.looksAgain ? "openAgain" : "remove");
    case "openAgain":
      return go(result.is === "opened" ? "readAgain" : "createAnew");
    case "readAgain":
      return ask(p, result, { malformed: "remove", pid: "askAgain" });
    case "askAgain":
      return go(result.is === "alive" ? "dropAndGiveUp" : "remove");
    case "remove":
      return go("createAnew");
    case "createAnew":
      return go(result.is === "created" ? "writeAnew" : "dropAndGiveUp");
    case "writeAnew":
      return go("dropReclaim");
    case "dropReclaim":
      return { ...p, at: "over", verdict: "acquired" };
    case "dropAndGiveUp":
      return { ...p, at: "close", verdict: "held" };
    case "openOwn":
      return go(result.is === "opened" ? "readOwn" : "close");
    case "readOwn":
      return go(parsePid(textOf(result)) === p.pid ? "removeOwn" : "close");
    case "removeOwn":
      return go("close");
    case "close":
    case "over":
      return go("over");
  }
}

/** Whether it is amid a change of the files: it created one that has no PID yet, or reclaims. */
export function isAmidChange(p: Plain): boolean {
  return [
    "write",
    "writeReclaim",
    "openAgain",
    "readAgain",
    "askAgain",
    "remove",
    "createAnew",
    "writeAnew",
    "dropReclaim",
    "dropAndGiveUp",
  ].includes(p.at);
}

function ask(
  p: Plain,
  result: Result,
  next: { readonly malformed: PlainPlace; readonly pid: PlainPlace },
): Plain {
  const pid = parsePid(textOf(result));
  return pid === null ? { ...p, at: next.malformed } : { ...p, at: next.pid, asked: pid };
}

function textOf(result: Result): string {
  return result.is === "read" ? (result as Answers["read"]).sighting.text : "";
}

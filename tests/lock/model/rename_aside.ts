/**
 * The usual "repair" of the plain protocol: the lock appears with its PID already in it (written
 * to a file of its own, then hard-linked), and a stale one is renamed aside before it is removed,
 * put back when it turns out to be somebody's after all. It has no empty file and no reclaim file,
 * and is right for two processes. The checker must catch it with three.
 *
 * @module
 */
import type { Answers, Result } from "../../../src/lock/attempt.ts";
import { parsePid, pidText } from "../../../src/lock/record.ts";
import type { WorldStep } from "./world.ts";

/** A process that follows it. */
export interface RenameAside {
  readonly at:
    | ("createMine" | "writeMine" | "link" | "open" | "read" | "ask")
    | ("aside" | "openAside" | "readAside" | "removeAside" | "putBack" | "dropAside")
    | ("openOwn" | "readOwn" | "removeOwn" | "removeMine" | "close" | "over");
  readonly pid: number;
  readonly judged: string;
  readonly verdict: "acquired" | "held" | "released" | null;
}

/** Starts acquiring. */
export function beginRenameAside(pid: number): RenameAside {
  return { at: "createMine", pid, judged: "", verdict: null };
}

/** Starts releasing. */
export function releaseRenameAside(r: RenameAside): RenameAside {
  return { ...r, at: "openOwn", verdict: "released" };
}

/** The step to perform next, or null when it is over. */
export function renameAsideStep(r: RenameAside): WorldStep | null {
  const mine = `lock.${r.pid}`;
  const aside = `lock.aside.${r.pid}`;
  switch (r.at) {
    case "createMine":
      return { op: "create", file: mine };
    case "writeMine":
      return { op: "write", file: mine, text: pidText(r.pid), sync: false };
    case "link":
      return { op: "link", file: mine, to: "lock" };
    case "open":
    case "openOwn":
      return { op: "open", file: "lock" };
    case "read":
    case "readOwn":
    case "readAside":
      return { op: "read", file: "lock", through: "peek" };
    case "ask":
      return { op: "alive", pid: parsePid(r.judged) ?? 0 };
    case "aside":
      return { op: "rename", file: "lock", to: aside };
    case "openAside":
      return { op: "open", file: aside };
    case "removeAside":
    case "dropAside":
      return { op: "remove", file: aside };
    case "putBack":
      return { op: "link", file: aside, to: "lock" };
    case "removeOwn":
      return { op: "remove", file: "lock" };
    case "removeMine":
      return { op: "remove", file: mine };
    case "close":
      return { op: "close" };
    case "over":
      return null;
  }
}

/** What it does after the answer. */
export function renameAsideAdvance(r: RenameAside, result: Result): RenameAside {
  const go = (at: RenameAside["at"]): RenameAside => ({ ...r, at });
  const text = result.is === "read" ? (result as Answers["read"]).sighting.text : "";
  switch (r.at) {
    case "createMine":
      return go("writeMine");
    case "writeMine":
      return go("link");
    case "link":
      return result.is === "done" ? { ...r, at: "over", verdict: "acquired" } : go("open");
    case "open":
      return go(result.is === "opened" ? "read" : "link");
    case "read":
      return { ...r, judged: text, at: parsePid(text) === null ? "aside" : "ask" };
    case "ask":
      return result.is === "alive" ? { ...r, at: "removeMine", verdict: "held" } : go("aside");
    case "aside":
      return go(result.is === "done" ? "openAside" : "link");
    case "openAside":
      return go("readAside");
    case "readAside":
      return go(text === r.judged ? "removeAside" : "putBack");
    case "removeAside":
      return go("link");
    case "putBack":
      return go("dropAside");
    case "dropAside":
      return { ...r, at: "removeMine", verdict: "held" };
    case "openOwn":
      return go(result.is === "opened" ? "readOwn" : "removeMine");
    case "readOwn":
      return go(parsePid(text) === r.pid ? "removeOwn" : "removeMine");
    case "removeOwn":
      return go("removeMine");
    case "removeMine":
      return go("close");
    case "close":
    case "over":
      return go("over");
  }
}

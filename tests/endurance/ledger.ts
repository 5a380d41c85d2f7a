/**
 * What writers were told, and what of it is certain: every acknowledged write must be there, every
 * other one as a whole or not at all. Sends nothing and reads no database itself.
 *
 * @module
 */

import type { Found, FoundThing } from "./found.ts";
import { Thing, type ThingKind, type ThingState, UNTOLD } from "./thing.ts";

/** A write over HTTP. */
export interface LedgerWrite {
  /** What is true once it is done. */
  readonly next: ThingState;
  readonly send: () => Promise<Response>;
}

/** What was written, and what of it is certain. */
export class Ledger {
  readonly things: Set<Thing> = new Set();
  /** Writes that were answered 2xx. */
  acknowledged = 0;
  /** Answers that were neither 2xx nor the end of the daemon, as `<status> <body>`. */
  readonly refusals: string[] = [];
  /** Writes that were under way when the daemon ended, by what became of them. */
  readonly unanswered: { whole: number; absent: number } = { whole: 0, absent: 0 };

  /** A new thing; it does not exist before a write says so. */
  thing(kind: ThingKind, id: string | null = null): Thing {
    const thing = new Thing(kind, id);
    this.things.add(thing);
    return thing;
  }

  /**
   * Sends a write. Returns the answer's body; null when it was refused or the daemon ended, so
   * that nobody knows.
   */
  async write(thing: Thing, { next, send }: LedgerWrite): Promise<Record<string, string> | null> {
    const before = thing.state;
    thing.possible = [before, next];
    let response: Response;
    try {
      response = await send();
    } catch {
      return null; // no answer came
    }
    // The head acknowledges, whatever becomes of the body.
    if (response.ok) {
      this.acknowledged++;
      thing.possible = [next];
      if (before !== null && before["secret"] !== next?.["secret"]) {
        thing.spent.add(before["secret"]!);
      }
    }
    const text = await response.text().catch(() => null);
    if (!response.ok) {
      this.refusals.push(`${response.status} ${text}`);
      thing.possible = [before];
      return null;
    }
    if (text === null) return null;
    const body = text === "" ? {} : JSON.parse(text);
    thing.id ??= body.id;
    thing.workloadId ??= body.workloadId ?? null;
    if (next !== null && next["secret"] === UNTOLD) {
      thing.possible = [{ ...next, secret: body.secret }];
    }
    return body;
  }

  /**
   * Compares with what a database holds, says what disagrees, and from then on takes what was
   * found for what is true.
   */
  compare(found: Found): string[] {
    const violations: string[] = [];
    const accounted = new Set<FoundThing>();
    for (const thing of [...this.things]) {
      const match = found.things.find((each) => isSame(thing, each));
      if (match !== undefined) accounted.add(match);
      const state = match?.state ?? null;
      const which = thing.possible.findLastIndex((possible) => agree(thing, possible, state));
      if (which < 0) {
        const wanted = thing.possible.map((each) => JSON.stringify(each)).join(" or ");
        violations.push(`${thing}: found ${JSON.stringify(state)}, wanted ${wanted}`);
      } else if (thing.possible.length > 1) {
        if (which === 1) this.unanswered.whole++;
        else this.unanswered.absent++;
      }
      thing.id ??= match?.id ?? null;
      thing.workloadId ??= match?.workloadId ?? null;
      thing.possible = [state];
      if (state === null) this.things.delete(thing);
    }
    for (const each of found.things) {
      if (!accounted.has(each)) violations.push(`nobody wrote ${JSON.stringify(each)}`);
    }
    return violations;
  }
}

/** One whose creation was not answered is known by its name alone; names are never used twice. */
function isSame(thing: Thing, found: FoundThing): boolean {
  if (thing.kind !== found.kind) return false;
  if (thing.id !== null) return thing.id === found.id;
  return thing.possible.some((state) => state !== null && state["name"] === found.state!["name"]);
}

function agree(thing: Thing, wanted: ThingState, found: ThingState): boolean {
  if (wanted === null || found === null) return wanted === found;
  return Object.entries(wanted).every(([column, value]) => {
    const other = found[column]!;
    if (column !== "secret" || value !== UNTOLD) return value === other;
    // It may be any, but none that was in use before: not even in this very state.
    const before = thing.possible[0]?.["secret"];
    return /^[A-Za-z0-9_-]{43}$/.test(other) && other !== before && !thing.spent.has(other);
  });
}

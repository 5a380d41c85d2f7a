/**
 * The state of a container: a symbol, a word, a colour. Must not decide what is wrong.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { wordOf, words } from "../words/words.ts";
import { Symbol, type SymbolName } from "./symbol.tsx";

/** How a state is to be taken. */
export type Tone = "good" | "bad" | "warn" | "quiet";

interface Look {
  readonly symbol: SymbolName;
  readonly tone: Tone;
}

const LOOKS: Readonly<Record<string, Look>> = {
  running: { symbol: "disc", tone: "good" },
  completed: { symbol: "tick", tone: "good" },
  stopped: { symbol: "square", tone: "quiet" },
  created: { symbol: "ring", tone: "quiet" },
  pending: { symbol: "dots", tone: "quiet" },
  absent: { symbol: "dots", tone: "warn" },
  restarting: { symbol: "turn", tone: "warn" },
  paused: { symbol: "bars", tone: "warn" },
  removing: { symbol: "cross", tone: "warn" },
  missing: { symbol: "cross", tone: "bad" },
  removed: { symbol: "cross", tone: "quiet" },
  retired: { symbol: "cross", tone: "quiet" },
};

const UNKNOWN: Look = { symbol: "question", tone: "warn" };

/** How a state looks; one of the future has a look of its own. */
function lookOf(state: string): Look {
  return Object.hasOwn(LOOKS, state) ? LOOKS[state]! : UNKNOWN;
}

/** The state, with what else tells how it is: a bad health, an exit code that is not 0. */
export function State(
  { state, lastState = null, health = null, exitCode = null }: {
    state: string;
    /** What it was when it was heard of last, where that is not known now. */
    lastState?: string | null;
    health?: string | null;
    exitCode?: number | null;
  },
): JSX.Element {
  const t = words.value;
  const ill = state === "running" && health !== null && health !== "healthy";
  const failed = state === "stopped" && exitCode !== null && exitCode !== 0;
  const { symbol, tone } = lookOf(state);
  const shown = ill ? (health === "unhealthy" ? "bad" : "warn") : failed ? "bad" : tone;
  return (
    <Sign tone={shown} symbol={ill ? (health === "unhealthy" ? "alert" : "clock") : symbol}>
      {wordOf(t.state, state)}
      {lastState !== null && (
        <span class="also">{`, ${t.hosts.was(wordOf(t.state, lastState))}`}</span>
      )}
      {ill && <span class="also">{`, ${wordOf(t.health, health)}`}</span>}
      {failed && <span class="also">{`, ${t.exit(exitCode)}`}</span>}
    </Sign>
  );
}

/** A symbol and words in the colour of how good they are. */
export function Sign(
  { tone, symbol, children }: {
    tone: Tone;
    symbol: SymbolName;
    children: ComponentChildren;
  },
): JSX.Element {
  return (
    <span class={`state ${tone}`}>
      <Symbol name={symbol} />
      <span>{children}</span>
    </span>
  );
}

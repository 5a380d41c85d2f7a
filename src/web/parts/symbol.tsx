/**
 * Symbols: what stands beside a word, so that nothing is said by colour alone. They are drawn, so
 * that no font has to have them. Decoration to who listens: the word says it.
 *
 * @module
 */

import type { JSX } from "preact";

/** The symbols there are. */
export type SymbolName =
  | "disc"
  | "ring"
  | "dots"
  | "square"
  | "cross"
  | "bars"
  | "turn"
  | "tick"
  | "alert"
  | "low"
  | "question"
  | "clock"
  | "bell-off"
  | "copy"
  | "up"
  | "down"
  | "open"
  | "outward"
  | "search"
  | "menu"
  | "plus";

const SHAPES: Readonly<Record<SymbolName, () => JSX.Element>> = {
  disc: () => <circle cx="8" cy="8" r="5" class="fill" />,
  ring: () => <circle cx="8" cy="8" r="4.5" />,
  dots: () => <circle cx="8" cy="8" r="4.5" stroke-dasharray="2.4 2.3" />,
  square: () => <rect x="3.5" y="3.5" width="9" height="9" rx="1.5" class="fill" />,
  cross: () => <path d="M4 4l8 8M12 4l-8 8" />,
  bars: () => <path d="M5.5 3.5v9M10.5 3.5v9" />,
  turn: () => <path d="M12.5 8a4.5 4.5 0 1 1-1.6-3.4M11.5 1.8v3.1H8.4" />,
  tick: () => <path d="M3.2 8.6l3.2 3.2 6.4-7" />,
  alert: () => <path d="M8 2.2l6.3 11.3H1.7zM8 6.4v3.4M8 11.6v.3" />,
  low: () => <path d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2zM8 5v3.6M8 11v.3" />,
  question: () => <path d="M5.6 6a2.4 2.4 0 1 1 3.4 2.2c-.7.4-1 .8-1 1.6M8 12.4v.2" />,
  clock: () => <path d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2zM8 4.8V8l2.2 1.6" />,
  "bell-off": () => (
    <path d="M2.5 2.5l11 11M4.6 6.5V9L3.5 11.5h7M6 3.4A3.6 3.6 0 0 1 11.4 6.5V9l.4 1M6.8 13.6h2.4" />
  ),
  copy: () => <path d="M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2" />,
  up: () => <path d="M4 10l4-4 4 4" />,
  down: () => <path d="M4 6l4 4 4-4" />,
  open: () => <path d="M6 4l4 4-4 4" />,
  outward: () => <path d="M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3L7.5 8.5" />,
  search: () => <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9zM10.4 10.4l3.4 3.4" />,
  menu: () => <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  plus: () => <path d="M8 3v10M3 8h10" />,
};

/** How much a problem matters. */
export function symbolOf(severity: string): SymbolName {
  return severity === "high" ? "alert" : "low";
}

/** One of them, as large as the text around it. */
export function Symbol({ name }: { name: SymbolName }): JSX.Element {
  return (
    <svg class="symbol" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {SHAPES[name]()}
    </svg>
  );
}

/**
 * Tables without borders: aligned, escaped, cut to a width. Pure.
 *
 * @module
 */

import { escapeControls } from "../text.ts";
import type { Style } from "./output.ts";

/** What stands in one place of a table. */
export type Cell = string | number | null | { readonly text: string; readonly style?: Style };

/** How to draw a table. */
export interface TableOptions {
  /** Titles of the columns; absent: none are drawn. */
  readonly header?: readonly string[];
  /** Cuts each line to this many characters. Null: lines are as long as they are. */
  readonly width?: number | null;
  /** Adds a style to escaped text. Default: none. */
  readonly paint?: (text: string, style: Style | undefined) => string;
}

const GAP = "  ";

/**
 * The lines of a table, without line ends. A column is as wide as its widest cell; null and empty
 * cells show as `-`, so that a column stays a column for whoever counts fields.
 */
export function tableLines(
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string[] {
  const { header, width = null, paint = (text) => text } = options;
  const all = header === undefined ? rows : [header, ...rows];
  const cells = all.map((row) => row.map(drawn));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.width));
  }
  return cells.map((row) => {
    let line = "";
    let left = width ?? Infinity;
    row.forEach((cell, i) => {
      if (left <= 0) return;
      const gap = i === 0 ? "" : GAP.slice(0, left);
      left -= gap.length;
      const text = cut(cell, left);
      left -= text.width;
      const last = i === row.length - 1;
      const padding = last ? 0 : Math.min(left, widths[i]! - text.width);
      left -= padding;
      line += gap + paint(text.text, cell.style) + " ".repeat(padding);
    });
    return line.trimEnd();
  });
}

/** How many places a terminal gives to the text, near enough for aligning. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

interface Drawn {
  readonly text: string;
  readonly width: number;
  readonly style?: Style | undefined;
}

function drawn(cell: Cell): Drawn {
  const text = typeof cell === "object" ? cell?.text ?? "" : String(cell);
  const escaped = text === "" ? "-" : escapeControls(text);
  return {
    text: escaped,
    width: displayWidth(escaped),
    style: typeof cell === "object" ? cell?.style : undefined,
  };
}

function cut(cell: Drawn, room: number): { text: string; width: number } {
  if (cell.width <= room) return cell;
  if (room < 1) return { text: "", width: 0 };
  let text = "";
  let width = 0;
  for (const char of cell.text) {
    const next = charWidth(char);
    if (width + next > room - 1) break;
    text += char;
    width += next;
  }
  return { text: `${text}…`, width: width + 1 };
}

const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

function charWidth(char: string): number {
  if (char <= "~") return 1;
  return ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}

/**
 * Tables without borders: aligned, escaped, cut to a width. Writes nowhere but to an output that it
 * is given.
 *
 * @module
 */

import { escapeControls } from "../text.ts";
import type { Output, Style } from "./output.ts";

/** What stands in one place of a table. */
export type Cell = string | number | null | { readonly text: string; readonly style?: Style };

/** How to draw a table. */
export interface TableOptions {
  /** Titles of the columns; absent: none are drawn. */
  readonly header?: readonly string[];
  /** Cuts each line to this many characters. Null: lines are as long as they are. */
  readonly width?: number | null;
  /** How columns make room where the width is not enough. Default: lines are cut at their end. */
  readonly fit?: Fit;
  /** Adds a style to escaped text. Default: none. */
  readonly paint?: (text: string, style: Style | undefined) => string;
}

/** Which columns matter, by their titles. */
export interface Fit {
  /** Never cut: what people copy from the table. */
  readonly keep: readonly string[];
  /** Left out when cutting the others is not enough, these first. */
  readonly drop: readonly string[];
}

/** How to print a table. */
export interface PrintOptions extends Pick<TableOptions, "header" | "fit"> {
  /** The first line that is printed: 1 leaves out the header, which goes into the widths. Default: 0. */
  readonly from?: number;
}

const GAP = "  ";

/** A cell that is cut keeps at least this many places. */
const LEAST = 8;

/** Prints a table as wide as the terminal is, or as it is where there is none. */
export function printTable(
  out: Output,
  rows: readonly (readonly Cell[])[],
  { from = 0, ...options }: PrintOptions = {},
): void {
  const width = out.size()?.columns ?? null;
  const lines = tableLines(rows, { ...options, width, paint: out.paint.bind(out) });
  out.raw(lines.slice(from).map((line) => `${line}\n`).join(""));
}

/**
 * The lines of a table, without line ends. A column is as wide as its widest cell; null and empty
 * cells show as `-`, so that a column stays a column for whoever counts fields.
 */
export function tableLines(
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string[] {
  const { header, width = null, fit, paint = (text) => text } = options;
  const all = header === undefined ? rows : [header, ...rows];
  const cells = all.map((row) => row.map(drawn));
  let widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.width));
  }
  if (fit !== undefined && header !== undefined && width !== null) {
    widths = fitted(widths, header, { ...fit, width });
  }
  const shown = [...widths.keys()].filter((i) => widths[i]! > 0);
  return cells.map((row) => {
    let line = "";
    let left = width ?? Infinity;
    shown.forEach((i, n) => {
      const cell = row[i];
      if (left <= 0 || cell === undefined) return;
      const gap = n === 0 ? "" : GAP.slice(0, left);
      left -= gap.length;
      const text = cut(cell, Math.min(left, widths[i]!));
      left -= text.width;
      const last = n === shown.length - 1;
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

/** Widths that fit, 0 for a column that is left out; too wide still where nothing more can go. */
function fitted(
  natural: readonly number[],
  header: readonly string[],
  { keep, drop, width }: Fit & { width: number },
): number[] {
  const widths = [...natural];
  const excess = () => {
    const shown = widths.filter((each) => each > 0);
    return shown.reduce((sum, each) => sum + each, GAP.length * (shown.length - 1)) - width;
  };
  const least = (i: number) => keep.includes(header[i]!) ? Infinity : LEAST;
  // One place at a time from the widest, so that what is long is cut before what is short.
  const cutDown = () => {
    while (excess() > 0) {
      let widest = -1;
      widths.forEach((each, i) => {
        if (each > least(i) && each > (widths[widest] ?? 0)) widest = i;
      });
      if (widest < 0) return;
      widths[widest]!--;
    }
  };
  cutDown();
  for (const title of drop) {
    if (excess() <= 0) break;
    const i = header.indexOf(title);
    if (i < 0) continue;
    // There is room again: begin anew without it.
    natural.forEach((each, at) => widths[at] = widths[at] === 0 || at === i ? 0 : each);
    cutDown();
  }
  return widths;
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

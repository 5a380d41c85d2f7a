/**
 * Texts of failed assertions: values written out and a line diff of two of them. Must not decide
 * whether anything is equal.
 *
 * @module
 */

/** A value in full, over several lines, with sorted keys so that equal values read the same. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    getters: true,
    strAbbreviateSize: Infinity,
  });
}

/** What follows the first sentence of a message: `: msg`, or a full stop. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

/** Paints a text red where colours are on. */
export function red(text: string): string {
  return paint(text, 31);
}

/** A diff of two values, line by line: `-` only in actual, `+` only in expected. */
export function diff(actual: unknown, expected: unknown): string {
  const texts = typeof actual === "string" && typeof expected === "string";
  const lines = (value: unknown): string[] =>
    texts && String(value).includes("\n")
      ? String(value).split("\n").map((line) => JSON.stringify(line))
      : format(value).split("\n");
  const rows = diffLines(lines(actual), lines(expected)).map(([sign, line]) => {
    if (sign === " ") return `    ${line}`;
    return paint(`${sign}   ${line}`, sign === "-" ? 31 : 32);
  });
  const title = `    [${paint("Diff", 1)}] ${paint("Actual", 31)} / ${paint("Expected", 32)}`;
  return ["", "", title, "", "", ...rows, ""].join("\n");
}

type DiffRow = [sign: " " | "-" | "+", line: string];

/** Above this many cells the middle is shown as removed and added, not aligned. */
const MAX_CELLS = 4_000_000;

function diffLines(a: string[], b: string[]): DiffRow[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head && tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) tail++;
  const same = (lines: string[]): DiffRow[] => lines.map((line): DiffRow => [" ", line]);
  return [
    ...same(a.slice(0, head)),
    ...align(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

/** Longest common subsequence by the usual table; fine for what people read. */
function align(a: string[], b: string[]): DiffRow[] {
  if (a.length * b.length > MAX_CELLS) {
    return [
      ...a.map((line): DiffRow => ["-", line]),
      ...b.map((line): DiffRow => ["+", line]),
    ];
  }
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j]
        ? at(i + 1, j + 1) + 1
        : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const rows: DiffRow[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && left === right) {
      rows.push([" ", left]);
      i++;
      j++;
    } else if (
      left !== undefined &&
      (right === undefined || at(i + 1, j) >= at(i, j + 1))
    ) {
      rows.push(["-", left]);
      i++;
    } else if (right !== undefined) {
      rows.push(["+", right]);
      j++;
    }
  }
  return rows;
}

function paint(text: string, code: number): string {
  if (Deno.noColor) return text;
  return `\x1b[${code}m${text}\x1b[${code === 1 ? 22 : 39}m`;
}

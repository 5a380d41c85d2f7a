/**
 * YAML as Compose writes it → plain values. What is built to exhaust whoever reads it is refused.
 * Knows nothing of services.
 *
 * @module
 */

import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  Scalar,
  visit,
} from "yaml";
import { quote, quotePath } from "../text.ts";
import { CommandError } from "./command.ts";

/** What stands for `!reset`: the key is as if no file had it. */
export const RESET: unique symbol = Symbol("!reset");

/** What `!override` marks: it replaces what files before say, and is not merged with it. */
export class Override {
  /** The value without its tag. */
  readonly value: unknown;
  /** Marks a value. */
  constructor(value: unknown) {
    this.value = value;
  }
}

/** Aliases that one file may resolve to, counted through: real files have dozens. */
const MAX_ALIASES = 1000;

/** Mappings and lists within each other. */
const MAX_DEPTH = 64;

/**
 * The documents of a file as plain values, in order; those that are empty are left out. Throws
 * {@linkcode CommandError} that says what is wrong where.
 */
export function parseYaml(text: string, file: string): unknown[] {
  if (deeperThan(text, MAX_DEPTH * 8)) throw unreadable(file, "it is nested too deeply");
  let documents: readonly Document[];
  try {
    // Finding the keys that are there twice takes the parser the square of their number.
    const parsed = parseAllDocuments(text, { merge: true, uniqueKeys: false, customTags: TAGS });
    documents = "empty" in parsed ? [] : parsed as readonly Document[];
  } catch (error) {
    throw unreadable(file, "it is not YAML", error);
  }
  return documents.flatMap((document) => {
    const [wrong] = document.errors;
    if (wrong !== undefined) {
      const tooDeep = /call stack/.test(wrong.message);
      const why = tooDeep ? "it is nested too deeply" : firstLine(wrong.message);
      throw unreadable(file, why, wrong);
    }
    checkShape(document, file);
    markOverrides(document, file);
    const value = toValue(document, file);
    return value === null || value === undefined ? [] : [value];
  });
}

const TAGS = [
  { tag: "!reset", resolve: () => RESET },
  { tag: "!reset", collection: "map" as const, resolve: resetNode },
  { tag: "!reset", collection: "seq" as const, resolve: resetNode },
  { tag: "!override", resolve: (text: string) => new Override(text) },
  { tag: "!override", collection: "map" as const, resolve: (node: unknown) => node },
  { tag: "!override", collection: "seq" as const, resolve: (node: unknown) => node },
];

function resetNode(): Scalar {
  return new Scalar(RESET);
}

/** A list within a list a thousand times over ends in no stack, whatever the parser does. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5b || unit === 0x7b) depth++;
    else if ((unit === 0x5d || unit === 0x7d) && depth > 0) depth--;
    else if (unit === 0x0a) depth = 0;
    if (depth > limit) return true;
  }
  return false;
}

/** Refuses keys that are there twice, what is part of itself, and what is nested too deeply. */
function checkShape(document: Document, file: string): void {
  visit(document, {
    Map: (_, map, path) => {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        const value = isScalar(key) ? key.value : key;
        if (value === "<<") continue;
        if (keys.has(value)) throw unreadable(file, `${quote(String(value))} is there twice`);
        keys.add(value);
      }
      tooDeep(path.length);
    },
    Seq: (_, __, path) => tooDeep(path.length),
    Alias: (_, { source }, path) => {
      const within = path.some((node) => isCollection(node) && node.anchor === source);
      if (within) throw unreadable(file, `${quote(`*${source}`)} is part of itself`);
    },
  });
  function tooDeep(depth: number): void {
    // Each level is a collection and, of a mapping, a pair.
    if (depth > MAX_DEPTH * 2) throw unreadable(file, "it is nested too deeply");
  }
}

/** A collection's tag is lost with its node, so its value is told here. */
function markOverrides(document: Document, file: string): void {
  visit(document, {
    Pair: (_, pair) => {
      const { value } = pair;
      if (!(isMap(value) || isSeq(value)) || value.tag !== "!override") return;
      pair.value = new Scalar(new Override(toValue(document, file, value)));
    },
  });
}

function toValue(document: Document, file: string, node?: Node): unknown {
  const options = { maxAliasCount: MAX_ALIASES };
  try {
    return node === undefined ? document.toJS(options) : node.toJS(document, options);
  } catch (error) {
    const bomb = error instanceof ReferenceError && /alias/i.test(error.message);
    throw unreadable(
      file,
      bomb ? "its aliases stand for more than anyone would write" : "it can't be resolved",
      error,
    );
  }
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]!.replace(/:$/, "");
}

/** A file that can't be used, and why. */
export function unreadable(file: string, why: string, cause?: unknown): CommandError {
  return new CommandError(`Cannot read ${quotePath(file)}: ${why}`, {
    hint: "`docker compose config --format json` tells the same exactly; give it on stdin",
    cause,
  });
}

/**
 * The parameters of one prepared statement: how many, under which names, and what is bound to them.
 * Must not step or reset.
 *
 * @module
 */

import { sqlite } from "./library.ts";
import { encodeTerminated } from "./text.ts";
import { type BindParameters, bindValue, type RestBindParameters } from "./value.ts";

/** Longer texts are not kept to compare with: a statement may be run once in its life. */
const MAX_KEPT = 128;

/** What is bound is not known, or equals nothing. */
const UNKNOWN = Symbol();

/** Binds values to a statement, by position and by name. */
export class Parameters {
  /** How many there are. */
  readonly count: number;
  readonly #indexes = new Map<string, number>();
  /** What each parameter is bound to, which it stays until it is bound anew. */
  readonly #bound: unknown[] = [];
  #fixed = false;

  /** Asks the statement for their number; a null pointer, an empty statement, has none. */
  constructor(pointer: Deno.PointerValue) {
    this.count = pointer === null ? 0 : sqlite.sqlite3_bind_parameter_count(pointer);
  }

  /** True once {@link Parameters.fix} has been called. */
  get fixed(): boolean {
    return this.#fixed;
  }

  /** Place of a name, counted from 1; 0 when there is none. `:` is assumed where no prefix is. */
  indexOf(pointer: Deno.PointerValue, name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      const full = /^[:@$]/.test(name) ? name : `:${name}`;
      index = sqlite.sqlite3_bind_parameter_index(pointer, encodeTerminated(full));
      this.#indexes.set(name, index);
    }
    return index;
  }

  /** Binds values for good; every later attempt to bind throws. */
  fix(pointer: Deno.PointerValue, args: RestBindParameters): void {
    this.bind(pointer, args);
    this.#fixed = true;
  }

  /** Binds values; parameters without one become NULL. Throws what binding a value throws. */
  bind(pointer: Deno.PointerValue, args: RestBindParameters): void {
    if (this.#fixed) throw new Error("Statement already bound to values");
    const [first] = args;
    const params = isParameters(first) ? first : args;
    if (!Array.isArray(params)) return this.#bindNamed(pointer, params);
    const { count } = this;
    const { length } = params;
    // When every parameter is bound anew, there is nothing left to clear.
    if (length < count) this.#clear(pointer);
    const bound = this.#bound;
    for (let i = 0; i < length; i++) {
      const value = params[i];
      if (bound[i] === value && i < bound.length) continue;
      // The real package skips both, so one too many passes.
      if (i >= count && (value === null || value === undefined)) continue;
      bound[i] = UNKNOWN;
      bindValue(pointer, i + 1, value);
      if (isKept(value)) bound[i] = value;
    }
  }

  #clear(pointer: Deno.PointerValue): void {
    sqlite.sqlite3_clear_bindings(pointer);
    this.#bound.length = 0;
  }

  #bindNamed(pointer: Deno.PointerValue, params: Exclude<BindParameters, unknown[]>): void {
    this.#clear(pointer);
    for (const [name, value] of Object.entries(params)) {
      const index = this.indexOf(pointer, name);
      if (index === 0) throw new Error(`No such parameter "${name}"`);
      bindValue(pointer, index, value);
    }
  }
}

/** Whether the value is bound the same whenever it comes: objects may change meanwhile. */
function isKept(value: unknown): boolean {
  return value === null || typeof value === "number" ||
    (typeof value === "string" && value.length <= MAX_KEPT);
}

function isParameters(value: unknown): value is BindParameters {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) &&
    !(value instanceof Date);
}

/**
 * The parameters of one prepared statement: how many, under which names, and what is bound to them.
 * Must not step or reset.
 *
 * @module
 */

import { sqlite } from "./library.ts";
import { encodeTerminated } from "./text.ts";
import { type BindParameters, bindValue, type RestBindParameters } from "./value.ts";

/** Binds values to a statement, by position and by name. */
export class Parameters {
  /** How many there are. */
  readonly count: number;
  readonly #indexes = new Map<string, number>();
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
    if (length < count) sqlite.sqlite3_clear_bindings(pointer);
    for (let i = 0; i < length; i++) {
      const value = params[i];
      // The real package skips both, so one too many passes.
      if (i >= count && (value === null || value === undefined)) continue;
      bindValue(pointer, i + 1, value);
    }
  }

  #bindNamed(pointer: Deno.PointerValue, params: Exclude<BindParameters, unknown[]>): void {
    sqlite.sqlite3_clear_bindings(pointer);
    for (const [name, value] of Object.entries(params)) {
      const index = this.indexOf(pointer, name);
      if (index === 0) throw new Error(`No such parameter "${name}"`);
      bindValue(pointer, index, value);
    }
  }
}

function isParameters(value: unknown): value is BindParameters {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) &&
    !(value instanceof Date);
}

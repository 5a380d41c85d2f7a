/**
 * Values that are read where they are shown, and shown anew when they change: what the rest of the
 * dashboard needs to know of the library's signals.
 *
 * @module
 */

// Whoever reads these lives in a browser.
/// <reference lib="dom" />

/** A value; a component that reads it is drawn anew when it changes. */
export interface Readable<Value> {
  /** As it is now. */
  readonly value: Value;
  /** The same, without being told of changes. */
  peek(): Value;
  /** Calls with the value, now and whenever it changes; ends with what is returned. */
  subscribe(call: (value: Value) => void): () => void;
}

/** A value that can be set. */
export interface Writable<Value> extends Readable<Value> {
  /** As it is now. */
  value: Value;
}

/**
 * The compiled statements that are alive, by connection, so that closing one frees its own. Must
 * not refer to a `Statement`, or none would ever be collected.
 *
 * @module
 */

import { sqlite } from "./library.ts";

/** A compiled statement; the pointer is null once it is freed. */
export interface StatementHandle {
  /** `sqlite3_stmt*` */
  pointer: Deno.PointerValue;
  /** The living handles of its connection. */
  readonly siblings: Set<StatementHandle>;
}

const byConnection = new WeakMap<object, Set<StatementHandle>>();

const abandoned = new FinalizationRegistry<StatementHandle>((handle) => {
  freeHandle(handle);
});

/** Takes over a compiled statement; it is freed at the latest when `owner` is collected. */
export function adoptHandle(
  pointer: Deno.PointerValue,
  { connection, owner }: { connection: object; owner: object },
): StatementHandle {
  let siblings = byConnection.get(connection);
  if (siblings === undefined) byConnection.set(connection, siblings = new Set());
  const handle: StatementHandle = { pointer, siblings };
  siblings.add(handle);
  abandoned.register(owner, handle, handle);
  return handle;
}

/** Frees a statement; more than once does nothing. */
export function freeHandle(handle: StatementHandle): void {
  if (!handle.siblings.delete(handle)) return;
  abandoned.unregister(handle);
  const { pointer } = handle;
  handle.pointer = null;
  sqlite.sqlite3_finalize(pointer);
}

/** Frees all statements of a connection. */
export function freeHandlesOf(connection: object): void {
  for (const handle of byConnection.get(connection) ?? []) freeHandle(handle);
}

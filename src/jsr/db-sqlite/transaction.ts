/**
 * Functions that run inside a transaction, or inside a savepoint where one is open. Must not know
 * what they do.
 *
 * @module
 */

import type { Database } from "./database.ts";
import type { Statement } from "./statement.ts";

/** A function made by `Database.transaction()`, with variants for how it begins. */
export type Transaction<
  // deno-lint-ignore no-explicit-any -- any function will do
  T extends (...args: any[]) => void,
> =
  & ((...args: Parameters<T>) => ReturnType<T>)
  & {
    /** BEGIN */
    default: Transaction<T>;
    /** BEGIN DEFERRED */
    deferred: Transaction<T>;
    /** BEGIN IMMEDIATE */
    immediate: Transaction<T>;
    /** BEGIN EXCLUSIVE */
    exclusive: Transaction<T>;
    /** The connection it runs on. */
    database: Database;
  };

// deno-lint-ignore no-explicit-any -- any function will do
type Callback = (...args: any[]) => void;

/** How a unit of work begins, ends well, and is undone, step by step. */
interface Frame {
  begin: Statement;
  commit: Statement;
  undo: readonly Statement[];
}

type Frames = Record<"default" | "deferred" | "immediate" | "exclusive" | "nested", Frame>;

const framesByDatabase = new WeakMap<Database, Frames>();

/** Wraps `fn` so that its work is committed when it returns and undone when it throws. */
export function wrapTransaction<
  // deno-lint-ignore no-explicit-any -- any function will do
  T extends (...args: any[]) => void,
>(db: Database, fn: T): Transaction<T> {
  const { nested, ...outer } = framesOf(db);
  const variants = {
    default: { value: guard(db, fn, { outer: outer.default, nested }) },
    deferred: { value: guard(db, fn, { outer: outer.deferred, nested }) },
    immediate: { value: guard(db, fn, { outer: outer.immediate, nested }) },
    exclusive: { value: guard(db, fn, { outer: outer.exclusive, nested }) },
  };
  const properties = { ...variants, database: { value: db, enumerable: true } };
  for (const variant of Object.values(variants)) Object.defineProperties(variant.value, properties);
  return variants.default.value as unknown as Transaction<T>;
}

function guard(
  db: Database,
  fn: Callback,
  { outer, nested }: { outer: Frame; nested: Frame },
): Callback {
  return function (this: unknown, ...args: unknown[]): void {
    const frame = db.inTransaction ? nested : outer;
    frame.begin.run();
    try {
      const result = fn.apply(this, args);
      frame.commit.run();
      return result;
    } catch (error) {
      // Some failures, such as a full disk, have rolled everything back already.
      if (!db.autocommit) { for (const step of frame.undo) step.run(); }
      throw error;
    }
  };
}

function framesOf(db: Database): Frames {
  const known = framesByDatabase.get(db);
  if (known !== undefined) return known;
  const commit = db.prepare("COMMIT");
  const undo = [db.prepare("ROLLBACK")];
  // One name serves every depth: RELEASE and ROLLBACK TO mean the innermost of it.
  const release = db.prepare('RELEASE "@db/sqlite"');
  const frames: Frames = {
    default: { begin: db.prepare("BEGIN"), commit, undo },
    deferred: { begin: db.prepare("BEGIN DEFERRED"), commit, undo },
    immediate: { begin: db.prepare("BEGIN IMMEDIATE"), commit, undo },
    exclusive: { begin: db.prepare("BEGIN EXCLUSIVE"), commit, undo },
    nested: {
      begin: db.prepare('SAVEPOINT "@db/sqlite"'),
      commit: release,
      undo: [db.prepare('ROLLBACK TO "@db/sqlite"'), release],
    },
  };
  framesByDatabase.set(db, frames);
  return frames;
}

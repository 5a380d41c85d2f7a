/**
 * One connection to the database: prepared statements, and transactions that say what they changed
 * once it is committed. Knows no table.
 *
 * @module
 */

import type { Database, Statement } from "@db/sqlite";
import { allOf } from "../bytes.ts";
import type { Feed } from "../feed.ts";
import { MAX_WRITTEN_ROWS, type Written, type WrittenRow } from "../model/written.ts";
import { guarded } from "./error.ts";
import { Unfinished } from "./unfinished.ts";

/** What a {@link Connection} works with. */
export interface ConnectionOptions {
  /** The present time, RFC 3339 UTC. */
  readonly now: () => string;
  /** Is told of each commit that changed what readers see; null: nobody is. */
  readonly feed: Feed<Written> | null;
  /** Whether others write and this connection does not. Default false: only this one writes. */
  readonly readonly?: boolean;
}

/**
 * A transaction under way. Only {@link Connection.write} makes one: whatever must be part of a
 * transaction takes it as an argument, and what it changes is said through it.
 */
export class Transaction {
  readonly #rows: WrittenRow[] = [];
  #names = false;
  readonly #problems: string[] = [];
  #expectations = false;

  /** A row was written or removed. */
  wrote(row: WrittenRow): void {
    this.#rows.push(row);
  }

  /** Names of workloads or stages changed. */
  renamed(): void {
    this.#names = true;
  }

  /** Problems with these keys opened, changed or closed. */
  judged(keys: readonly string[]): void {
    this.#problems.push(...keys);
  }

  /** What should run of some workload changed. */
  expected(): void {
    this.#expectations = true;
  }

  /** What was said so far. */
  get changes(): Changes {
    return {
      rows: this.#rows,
      names: this.#names,
      problems: this.#problems,
      expectations: this.#expectations,
    };
  }
}

/** What a transaction changed. */
export interface Changes {
  /** Rows that it wrote or removed. */
  readonly rows: readonly WrittenRow[];
  /** Whether names of workloads or stages changed. */
  readonly names: boolean;
  /** Keys of problems that opened, changed or closed. */
  readonly problems: readonly string[];
  /** Whether it changed what should run. */
  readonly expectations: boolean;
}

/** How a transaction is written. */
export interface WriteOptions {
  /**
   * Whether the disk has it before {@link Connection.write} returns; a pass that found nothing new
   * need not wait for that. Else a power failure may undo it, never in part, nor anything before it;
   * whatever else ends this process does not. Default true.
   */
  readonly synced?: boolean;
}

/** What belongs to a transaction besides what it does: written `before` its commit, told `after`. */
export interface Companion {
  /** In the transaction, at its end. */
  before(tx: Transaction): void;
  /** Once it is committed. Must not throw. */
  after(): void;
}

/** An open database and what is prepared on it. */
export class Connection {
  /** The present time, RFC 3339 UTC. */
  readonly now: () => string;
  /** Whether others write and this connection does not. */
  readonly readonly: boolean;
  readonly #db: Database;
  readonly #feed: Feed<Written> | null;
  readonly #unfinished = new Unfinished();
  readonly #copies: ((changes: Changes) => void)[] = [];
  readonly #statements = new Map<string, Statement>();
  #open: Transaction | null = null;
  #beforeCommit: (() => void) | null = null;
  #companion: (() => Companion | null) | null = null;

  /** On this database, which it closes. */
  constructor(db: Database, { now, feed, readonly = false }: ConnectionOptions) {
    this.#db = db;
    this.now = now;
    this.#feed = feed;
    this.readonly = readonly;
  }

  /** The prepared statement for this text; prepared once, kept until the connection closes. */
  sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Runs `operation`, whose statements all read the same state of the database. */
  read<T>(operation: () => T): T {
    return this.#db.transaction(operation).deferred() as T;
  }

  /**
   * The same pieces, read when they are asked for, and all of the moment when the first was: what
   * is left of them is read before a transaction begins. Where others write, all are read at once.
   */
  steady<Piece, End>(pieces: Generator<Piece, End, undefined>): Generator<Piece, End, undefined> {
    return this.readonly ? this.#atOnce(pieces) : this.#unfinished.steady(pieces);
  }

  /**
   * Runs `operation` in one immediate transaction; nests. What it throws rolls back, SQLite's failures
   * come out as a Failure with `action` in front, and nobody hears of it. After the outermost commit
   * first the copies in memory follow, then the feed is told.
   */
  write<T>(
    action: string,
    operation: (tx: Transaction) => T,
    { synced = true }: WriteOptions = {},
  ): T {
    const outer = this.#open;
    if (outer === null) this.#unfinished.finish();
    const tx = this.#open = new Transaction();
    const companion = outer === null ? this.#companion?.() ?? null : null;
    let accompanied = false;
    const whole = (tx: Transaction) => {
      const changesBefore = this.#db.totalChanges;
      const result = operation(tx);
      if (outer === null && isNoticed(tx.changes)) this.#beforeCommit?.();
      if (companion === null) return result;
      accompanied = this.#db.totalChanges !== changesBefore;
      if (accompanied) companion.before(tx);
      return result;
    };
    // What it is part of, or what belongs to it, is not to be undone.
    const unsynced = !synced && outer === null && companion === null;
    let result: T;
    try {
      if (unsynced) this.#db.exec("PRAGMA synchronous = NORMAL");
      result = guarded(action, () => this.#db.transaction(() => whole(tx)).immediate());
    } finally {
      this.#open = outer;
      if (unsynced) this.#db.exec("PRAGMA synchronous = FULL");
    }
    if (accompanied) companion?.after();
    const { changes } = tx;
    if (outer === null) this.#committed(changes);
    else {
      for (const row of changes.rows) outer.wrote(row);
      if (changes.names) outer.renamed();
      outer.judged(changes.problems);
      if (changes.expectations) outer.expected();
    }
    return result;
  }

  /**
   * Asks from now on, before each outermost transaction, what belongs to it; if it changes anything,
   * that is part of it. `companion` must not throw.
   */
  onChange(companion: () => Companion | null): void {
    this.#companion = companion;
  }

  /** Runs at the end of each outermost transaction that changed what readers see, and in it. */
  beforeCommit(act: () => void): void {
    this.#beforeCommit = act;
  }

  /** Has a copy in memory follow what is committed here. Must not throw. */
  onCommit(follow: (changes: Changes) => void): void {
    this.#copies.push(follow);
  }

  /** Rows changed through this connection since it was opened, as SQLite counts them. */
  get totalChanges(): number {
    return this.#db.totalChanges;
  }

  /** Changes when another connection wrote. */
  dataVersion(): number {
    return this.sql("PRAGMA data_version").value<[number]>()![0];
  }

  /** How long a statement waits for another process's write lock, milliseconds. */
  setBusyTimeout(ms: number): void {
    this.#db.exec(`PRAGMA busy_timeout = ${Math.trunc(ms)}`);
  }

  /** Closes the database. */
  close(): void {
    this.#statements.clear();
    // Finalizes its statements too, and unlike them does not repeat the error of a failed step.
    this.#db.close();
  }

  *#atOnce<Piece, End>(pieces: Generator<Piece, End, undefined>): Generator<Piece, End, undefined> {
    const { all, end } = this.read(() => allOf(pieces));
    yield* all;
    return end;
  }

  #committed(changes: Changes): void {
    const { rows, names, problems } = changes;
    if (!isNoticed(changes)) return;
    for (const follow of this.#copies) follow(changes);
    // Of what should run the feed says nothing: what that makes of rows, it does.
    if (rows.length === 0 && !names && problems.length === 0) return;
    const many = rows.length > MAX_WRITTEN_ROWS;
    this.#feed?.publish({
      rows: many ? [] : rows,
      all: names || many,
      ...(problems.length > 0 && { problems: problems.slice(0, MAX_WRITTEN_ROWS) }),
    });
  }
}

/** Whether a reader can tell that it was committed. */
function isNoticed({ rows, names, problems, expectations }: Changes): boolean {
  return rows.length > 0 || names || problems.length > 0 || expectations;
}

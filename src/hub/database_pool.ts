/**
 * Connections to PostgreSQL. The driver goes on with what is left of a connection that was lost, and
 * then waits for ever, or ends the process; so when one is lost, all are left, and others are made.
 * Knows no statement.
 *
 * @module
 */

import postgres from "postgres";
import type { DatabaseSocket } from "./database_socket.ts";
import type { Sql, TransactionSql } from "./sql.ts";

/** How connections are made. */
export interface PoolOptions {
  /** Connections at once. */
  readonly connections: number;
  /** Makes what one speaks through; calls `onLost` when that was in use and ended by itself. */
  readonly socket: (onLost: () => void) => DatabaseSocket;
}

/** How long what was asked before a loss may go on over those that are left, milliseconds. */
const LEFT_MS = 30_000;

/**
 * How long a transaction may wait for the hub that began it, milliseconds: of one that does not go on,
 * because its process or machine stands still, the server ends it, and with it the locks that it has,
 * which others wait for. Well below the lease of a host; the URL may say otherwise.
 */
const FROZEN_MS = 10_000;

/** How long the driver rests before it connects anew, seconds: nothing is tried that nobody asked. */
const BACKOFF_SECONDS = 0.05;

/** Nothing connects before the first statement. */
export function openPool(
  url: string,
  { connections, socket }: PoolOptions,
): Sql {
  const left = new Map<Sql, ReturnType<typeof setTimeout>>();
  const sockets = new Set<DatabaseSocket>();
  const made = (settings: (socket: () => DatabaseSocket) => Sql): Sql => {
    const own: Sql = settings(() => {
      const one = socket(() => renew(own));
      sockets.add(one);
      one.once("close", () => sockets.delete(one));
      return one;
    });
    return own;
  };
  let ended = false;
  let current = made((socket) =>
    postgres(url, {
      // Its types do not know of it.
      ...{ socket },
      max: connections,
      onnotice: () => {},
      connect_timeout: 10,
      connection: {
        application_name: "tinyforge hub",
        idle_in_transaction_session_timeout: FROZEN_MS,
      },
      ssl: false,
      backoff: () => BACKOFF_SECONDS,
    })
  );
  const renew = (lost: Sql) => {
    if (lost !== current || ended) return;
    current = made((socket) => again(lost, { max: connections, socket }));
    void (lost as unknown as { close(): Promise<void> }).close().catch(() => {});
    const over = () => {
      left.delete(lost);
      void lost.end({ timeout: 1 });
    };
    left.set(lost, setTimeout(over, LEFT_MS));
  };
  const end = async (options: { timeout?: number } = {}) => {
    ended = true;
    for (const timer of left.values()) clearTimeout(timer);
    await Promise.all([current, ...left.keys()].map((each) => each.end(options)));
    for (const each of sockets) each.close();
  };
  return new Proxy((() => {}) as unknown as Sql, {
    apply: (_target, _self, args) => Reflect.apply(current, undefined, args),
    get: (_target, key) => {
      if (key === "end") return end;
      return key === "begin"
        ? (...args: unknown[]) => begin(current, args)
        : Reflect.get(current, key);
    },
  });
}

/**
 * A transaction. When its connection is lost it fails; the driver would still write what comes after,
 * the ROLLBACK if nothing else, to a socket that is none.
 */
function begin(sql: Sql, args: unknown[]): Promise<unknown> {
  const act = args.pop() as (tx: TransactionSql) => unknown;
  let over = false;
  const never = new Promise<never>(() => {});
  const guarded = async (tx: TransactionSql) => {
    const own = new Proxy(tx, {
      apply: (target, self, args) => over ? never : Reflect.apply(target, self, args),
    });
    try {
      const made = await act(own);
      return over ? await never : made;
    } catch (error) {
      if (over) await never;
      throw error;
    }
  };
  const done: Promise<unknown> = Reflect.apply(sql.begin, undefined, [...args, guarded]);
  return done.finally(() => over = true);
}

/** One connection, which is not another after it was lost. */
export interface Alone extends AsyncDisposable {
  /** Asks over it. */
  readonly sql: Sql;
  /** Aborted when it ended: nothing is to be asked over it any more. */
  readonly lost: AbortSignal;
}

/**
 * Makes one to the database of others; `hear` is given what is told it. `idleMs`: something is asked
 * over it at least so often, else the server ends it.
 */
export function openAlone(
  pool: Sql,
  hear: (text: string) => void = () => {},
  { idleMs }: { idleMs?: number } = {},
): Alone {
  const lost = new AbortController();
  const { connection } = pool.options;
  const sql = again(pool, {
    ...{ max: 1, idle_timeout: null, max_lifetime: null, fetch_types: false },
    connection: { ...(idleMs !== undefined && { idle_session_timeout: idleMs }), ...connection },
    onnotify: (_channel: string, text: string) => hear(text),
    onclose: () => lost.abort(new Error("the connection to the database was lost")),
  });
  return {
    sql,
    lost: lost.signal,
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}

/** Others like these, with the types that are known of the server. */
function again({ options }: Sql, changes: Record<string, unknown>): Sql {
  const { shared } = options as unknown as { shared: Record<string, unknown> };
  return postgres({
    ...options,
    shared: { ...shared, retries: 0 },
    ...changes,
  } as unknown as postgres.Options<Record<string, never>>) as Sql;
}

/**
 * The types of lists are known from now on. The driver asks for them with each connection, and one
 * that is lost meanwhile would end this process.
 */
export function keepTypes({ options }: Sql): void {
  (options as { fetch_types: boolean }).fetch_types = false;
}

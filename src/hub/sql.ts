/**
 * What statements are run through: connections to PostgreSQL. Types alone.
 *
 * @module
 */

import type postgres from "postgres";

/** Connections to PostgreSQL, to be ended. */
export type Sql = postgres.Sql;

/** What either can. */
export type AnySql = postgres.ISql;

/** The same within a transaction. */
export type TransactionSql = postgres.TransactionSql;

/**
 * A part of a statement.
 *
 * @ignore
 */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

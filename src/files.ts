/**
 * Names of the files in a data directory that more than one part of the program opens.
 *
 * @module
 */

/** The database. */
export const DATABASE = "tinyforge.db";

/** The daemon's unix socket. */
export const SOCKET = "tinyforge.sock";

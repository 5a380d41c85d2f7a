/**
 * A database's files as a kill left them: copied before anybody opens them, and whether the kill
 * came in the middle of a write. Must not open them with SQLite, which would mend them.
 *
 * @module
 */

/** Copies a database with its write-ahead log into a directory, and returns the copy's path. */
export async function copyDatabase(path: string, directory: string): Promise<string> {
  const copy = `${directory}/copy.db`;
  await Deno.copyFile(path, copy);
  try {
    await Deno.copyFile(`${path}-wal`, `${copy}-wal`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return copy;
}

/**
 * Whether a database's write-ahead log ends with pages of a transaction that was not committed: a
 * kill came in the middle of writing it.
 */
export function endsWithinTransaction(path: string): boolean {
  let log: Uint8Array<ArrayBuffer>;
  try {
    log = Deno.readFileSync(`${path}-wal`);
  } catch {
    return false;
  }
  if (log.length < WAL_HEADER) return log.length > 0;
  const view = new DataView(log.buffer);
  const frame = WAL_FRAME_HEADER + view.getUint32(8);
  let open = false;
  let at = WAL_HEADER;
  for (; at + frame <= log.length; at += frame) {
    // Frames of an earlier round of the log carry another salt.
    if (view.getBigUint64(at + 8) !== view.getBigUint64(16)) return open;
    // A commit says how large the database is from then on.
    open = view.getUint32(at + 4) === 0;
  }
  return open || at < log.length;
}

const WAL_HEADER = 32;
const WAL_FRAME_HEADER = 24;

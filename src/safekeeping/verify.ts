/**
 * The drill: unpacks a backup where nothing else is, looks at all of it, and leaves nothing. Must
 * not touch a data directory.
 *
 * @module
 */

import { sqliteLibrary } from "../store/library.ts";
import { type Unpacked, unpackInto } from "./unpack.ts";

/** What {@link verifyBackup} is told. */
export interface VerifyOptions {
  /** Where the SQLite library may be; need not exist. */
  readonly dataDir: string;
  /** Private keys to open it with. */
  readonly identities: readonly string[];
}

/**
 * Takes a backup apart in a temporary directory, as a restore would.
 *
 * @throws {Failure} `backup-foreign`, `backup-damaged`, `backup-key`, `backup-no-room`, `newer`,
 *   `corrupt`.
 */
export async function verifyBackup(
  source: ReadableStream<Uint8Array>,
  { dataDir, identities }: VerifyOptions,
): Promise<Unpacked> {
  await sqliteLibrary({ dataDir });
  const folder = await Deno.makeTempDir({ prefix: "tinyforge-verify-" });
  try {
    return await unpackInto(source, { folder, identities });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

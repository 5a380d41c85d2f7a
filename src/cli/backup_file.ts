/**
 * The files that commands about backups are given: a backup, or stdin in its place, and a private
 * key. Must not show what is in them.
 *
 * @module
 */

import { quotePath } from "../text.ts";
import { CommandError, usageError } from "./command.ts";

/**
 * The backup of this name, - for stdin.
 *
 * @throws {CommandError} There is none that can be read.
 */
export async function openBackup(file: string): Promise<ReadableStream<Uint8Array>> {
  if (file === "-") return Deno.stdin.readable;
  try {
    if ((await Deno.stat(file)).isDirectory) throw new Error("it is a directory");
    return (await Deno.open(file)).readable;
  } catch (cause) {
    throw unreadable("backup", file, cause);
  }
}

/**
 * The private keys in the file of `--identity`; none when it was not given.
 *
 * @throws {CommandError | Failure} The file can't be read, or has something else in it.
 */
export async function readIdentities(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  if (file.startsWith("AGE-SECRET-KEY-")) {
    throw usageError(
      "Cannot use a private key as a word: everyone on this machine can read command lines",
      "write it to a file that only you can read, and name the file",
    );
  }
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw unreadable("key file", file, cause);
  }
  const { parseIdentities } = await import("../safekeeping/encryption.ts");
  return parseIdentities(text);
}

function unreadable(what: string, file: string, cause: unknown): CommandError {
  const reason = cause instanceof Deno.errors.NotFound
    ? "there is no such file"
    : cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : (cause as Error).message;
  return new CommandError(`Cannot read ${what} ${quotePath(file)}: ${reason}`, { cause });
}

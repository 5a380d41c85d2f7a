/**
 * The tokens that TCP clients must send: the one that opens everything, in a file that only its
 * owner can read, and one for `/metrics` alone, in a file that somebody else may read too.
 *
 * @module
 */

import { join } from "@std/path";
import { Failure, type FailureData } from "../failure.ts";
import type { Log } from "../telemetry/log.ts";
import { makeSecret } from "../secret.ts";
import { closedBy, distrust } from "../system/private.ts";
import { TOKEN } from "../system/files.ts";
import { quotePath } from "../text.ts";

/** A guessable token is worse than none. */
const MIN_LENGTH = 32;

/**
 * The token of a data directory, made on first use: 256 bits, URL-safe. Only for the process that
 * owns the directory.
 *
 * @throws {Failure} `token`: the file can't be read or made, or holds no usable token.
 */
export async function loadToken(dataDir: string): Promise<string> {
  const path = join(dataDir, TOKEN);
  const info = await ifThere(Deno.lstat(path), path);
  if (info === null) return await makeToken(path);
  const wrong = distrustToken(path, info);
  if (wrong !== null) throw unusable(path, wrong);
  // Somebody's editor or backup may have widened it.
  if (((info.mode ?? 0) & 0o077) !== 0) await Deno.chmod(path, 0o600);
  return await readToken(path);
}

/**
 * The token that stands in a file of somebody else's making, which only root and this user may
 * write to. Neither made nor changed here.
 *
 * @throws {Failure} `token`: the file can't be read, or holds no usable token.
 */
export async function loadGivenToken(path: string): Promise<string> {
  const info = await ifThere(Deno.stat(path), path, GIVEN);
  const wrong = info === null ? "it is not there" : distrustToken(path, info);
  if (wrong !== null) throw unusable(path, wrong, GIVEN);
  return await readToken(path, GIVEN);
}

async function readToken(path: string, whose = OURS): Promise<string> {
  const token = (await ifThere(Deno.readTextFile(path), path, whose) ?? "").trim();
  if (!/^[A-Za-z0-9._~+/=-]*$/.test(token)) {
    throw unusable(path, "it has characters that can't be sent as a token", whose);
  }
  if (token.length < MIN_LENGTH) {
    const reason = `it has ${token.length} characters, at least ${MIN_LENGTH} are needed`;
    throw unusable(path, reason, whose);
  }
  return token;
}

/** The token that is valid now. */
export interface TokenSource {
  /** The token. */
  readonly token: string;
  /** Looks whether it was replaced; cheap enough to be asked with each request. Never rejects. */
  refresh(): Promise<void>;
}

/** How long a replaced token is taken for at most, milliseconds. */
const LOOK_EVERY_MS = 1000;

/** A token in a file: used as it stands there, whoever changes it. */
export class TokenFile implements TokenSource {
  readonly #path: string;
  readonly #load: () => Promise<string>;
  readonly #log: Log;
  #token: string;
  #stamp: string;
  #lookedAt = performance.now();
  #looking: Promise<void> | null = null;

  private constructor(path: string, load: () => Promise<string>, read: {
    token: string;
    stamp: string;
    log: Log;
  }) {
    this.#path = path;
    this.#load = load;
    this.#log = read.log;
    this.#token = read.token;
    this.#stamp = read.stamp;
  }

  /** The token of a data directory: reads it, or makes it; rejects as {@link loadToken} does. */
  static open(dataDir: string, options: { log: Log }): Promise<TokenFile> {
    return TokenFile.#opened(join(dataDir, TOKEN), () => loadToken(dataDir), options);
  }

  /** A token that somebody else made; rejects as {@link loadGivenToken} does. */
  static openGiven(path: string, options: { log: Log }): Promise<TokenFile> {
    return TokenFile.#opened(path, () => loadGivenToken(path), options);
  }

  static async #opened(
    path: string,
    load: () => Promise<string>,
    { log }: { log: Log },
  ): Promise<TokenFile> {
    const token = await load();
    return new TokenFile(path, load, { token, stamp: await stampOf(path), log });
  }

  /** The token. */
  get token(): string {
    return this.#token;
  }

  /** Looks at the file when the last look is a second ago, and reads it when it changed. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) await this.reload();
  }

  /** Looks at the file now. A file that can't be used changes nothing but the log. */
  async reload(): Promise<void> {
    await (this.#looking ??= this.#look().finally(() => this.#looking = null));
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now();
    const stamp = await stampOf(this.#path);
    if (stamp === this.#stamp) return;
    try {
      if (stamp === "") throw new Error("Cannot read the token: its file is gone");
      const token = await this.#load();
      // Kept only now: a file that was read half-written is read again.
      this.#stamp = stamp;
      if (token === this.#token) return;
      this.#token = token;
      this.#log.info("token replaced", { path: this.#path });
    } catch (error) {
      this.#stamp = stamp;
      this.#log.warn("token not replaced, the one before stays valid", { path: this.#path, error });
    }
  }
}

/** Tells one content of the file from another; empty where there is none. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtime, ctime } = await Deno.stat(path);
    return [ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
  } catch {
    return "";
  }
}

/** Whole or not at all, whatever happens meanwhile: an empty file would be taken for a token. */
async function makeToken(path: string): Promise<string> {
  const token = makeSecret();
  const draft = `${path}.new`;
  try {
    await ifThere(Deno.remove(draft), draft);
    using file = await Deno.open(draft, { createNew: true, write: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(`${token}\n`);
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
    await file.sync();
    await Deno.rename(draft, path);
  } catch (cause) {
    await Deno.remove(draft).catch(() => {});
    throw new Error(`Cannot write the token ${quotePath(path)}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return token;
}

async function ifThere<T>(result: Promise<T>, path: string, whose = OURS): Promise<T | null> {
  try {
    return await result;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    if (cause instanceof Deno.errors.PermissionDenied) {
      const closed = closedBy(path);
      if (closed === null || !whose.ours) throw unusable(path, "permission denied", whose);
      const message = `Cannot use the token ${
        quotePath(path)
      }: permission denied, ${closed.reason}`;
      throw new Failure("untrusted", message, { data: closed, cause });
    }
    throw new Error(`Cannot use the token ${quotePath(path)}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A token that another user chose is one that another user knows. */
function distrustToken(path: string, info: Deno.FileInfo): string | null {
  if (!info.isFile) return "it is not a regular file";
  return distrust(path, info)?.reason ?? null;
}

const OURS: FailureData["token"] = { ours: true };
const GIVEN: FailureData["token"] = { ours: false };

function unusable(
  path: string,
  reason: string,
  data: FailureData["token"] = OURS,
): Failure<"token"> {
  return new Failure("token", `Cannot use the token ${quotePath(path)}: ${reason}`, { data });
}

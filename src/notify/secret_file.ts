/**
 * What nobody is shown of channels: one file beside the database, which people are invited to read,
 * for this user alone. Must not log or return anything of it but to whoever opens a channel.
 *
 * @module
 */

import { dirname } from "@std/path";
import { Failure } from "../failure.ts";
import { closedBy } from "../system/private.ts";
import { quotePath } from "../text.ts";
import type { ChannelSecrets } from "./channel.ts";

/** Its name in the data directory. */
export const SECRETS = "secrets.json";

const VERSION = 1;

type Kept = Record<string, ChannelSecrets>;

/** The file. Nothing is read before it is asked; nothing of it is kept in memory. */
export class SecretFile {
  readonly #path: string;
  /** Writers go one after the other. */
  #writing: Promise<void> = Promise.resolve();

  /** At this path; it need not be there. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The secrets of a channel; none for one that has none.
   *
   * @throws {Failure} `io`, `untrusted` when another user keeps it from this one.
   */
  async get(channelId: string): Promise<ChannelSecrets> {
    return (await this.#read())[channelId] ?? {};
  }

  /**
   * Keeps the secrets of a channel; null forgets them. On disk when it resolves.
   *
   * @throws {Failure} `io`, `untrusted` when another user keeps it from this one.
   */
  set(channelId: string, secrets: ChannelSecrets | null): Promise<void> {
    const written = this.#writing.then(async () => {
      const { [channelId]: _, ...others } = await this.#read();
      await this.#write(secrets === null ? others : { ...others, [channelId]: secrets });
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  async #read(): Promise<Kept> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return {};
      throw this.#failure("read", error);
    }
    try {
      const { version, channels } = JSON.parse(text);
      if (version === VERSION && typeof channels === "object" && channels !== null) return channels;
    } catch {
      // What the parser says holds a piece of the text.
    }
    throw this.#failure("read", new Error("it is not what this program wrote"));
  }

  async #write(channels: Kept): Promise<void> {
    const next = `${this.#path}.new`;
    try {
      await Deno.remove(next).catch(() => {});
      // Made anew for this user alone: a mode is not narrowed after something was in it.
      const file = await Deno.open(next, { write: true, createNew: true, mode: 0o600 });
      try {
        const bytes = new TextEncoder().encode(JSON.stringify({ version: VERSION, channels }));
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      } finally {
        file.close();
      }
      await Deno.rename(next, this.#path);
      const folder = await Deno.open(dirname(this.#path));
      try {
        await folder.sync();
      } finally {
        folder.close();
      }
    } catch (error) {
      throw this.#failure("write", error);
    }
  }

  #failure(action: "read" | "write", cause: unknown): Failure {
    const denied = cause instanceof Deno.errors.PermissionDenied;
    const closed = denied ? closedBy(this.#path) : null;
    if (closed !== null) {
      const message = `Cannot ${action} ${
        quotePath(this.#path)
      }: permission denied, ${closed.reason}`;
      return new Failure("untrusted", message, { data: closed });
    }
    const reason = denied ? "permission denied" : (cause as Error).message;
    return new Failure("io", `Cannot ${action} ${quotePath(this.#path)}: ${reason}`, {
      data: { at: "data-dir" },
    });
  }
}

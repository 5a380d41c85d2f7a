/**
 * Which of several servers is the one to write to: asked when it is not known, and again when a
 * connection to it ended, because another may have taken its place. Speaks to none by itself.
 *
 * @module
 */

import type { DatabaseHost } from "./database_socket.ts";

/** Finds it; one question is under way at a time, whoever asks. */
export class PrimaryFinder {
  readonly #hosts: readonly DatabaseHost[];
  readonly #isStandby: (host: DatabaseHost) => Promise<boolean>;
  #found: Promise<DatabaseHost> | null = null;

  /** `isStandby` asks one server; rejects when it can't be asked. */
  constructor(
    hosts: readonly DatabaseHost[],
    isStandby: (host: DatabaseHost) => Promise<boolean>,
  ) {
    this.#hosts = hosts;
    this.#isStandby = isStandby;
  }

  /** Where it is; rejects with what each of them said when none is it. */
  find(): Promise<DatabaseHost> {
    const [only, ...others] = this.#hosts;
    if (others.length === 0) return Promise.resolve(only!);
    this.#found ??= this.#ask();
    return this.#found;
  }

  /** A connection to it ended, or was not made. */
  forget(): void {
    this.#found = null;
  }

  async #ask(): Promise<DatabaseHost> {
    try {
      return await Promise.any(this.#hosts.map(async (host) => {
        if (await this.#isStandby(host)) throw new Error(`${nameOf(host)} is a standby`);
        return host;
      }));
    } catch (error) {
      this.#found = null;
      const { errors } = error as AggregateError;
      throw new Error(errors.map(({ message }) => message).join("; "));
    }
  }
}

function nameOf(host: DatabaseHost): string {
  return "path" in host ? host.path : `${host.host}:${host.port}`;
}

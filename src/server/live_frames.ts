/**
 * What live feeds send, as bytes: parts of a snapshot, and changes. Encoded once, however many
 * clients are sent the same. Knows nothing of clients.
 *
 * @module
 */

import { collected, joinedBytes, utf8 } from "../bytes.ts";
import type { FeedMessage } from "../feed.ts";
import type { IndexReader } from "../model/index_reader.ts";
import type { Written } from "../model/written.ts";

/** Rows in one part of a snapshot; also the most that are sent as a change. */
const ROWS_PER_FRAME = 500;

/** How many encoded changes are kept for clients that are a little behind. */
const CHANGES_KEPT = 16;

/** A part of a snapshot. */
export interface SnapshotPart {
  /** The event as it is sent, without `id`. */
  readonly bytes: Uint8Array;
  /** Where the next part begins, null after the last. */
  readonly next: string | null;
}

/** Whose rows. */
export interface OfHost {
  /** Name of one host of many; absent: of all. */
  readonly host?: string | undefined;
}

/** Turns what stands in the index into events. */
export class LiveFrames {
  readonly #reader: IndexReader;
  readonly #changes = new Map<string, Promise<Uint8Array | null>>();
  #parts = new Map<string, Promise<SnapshotPart>>();
  #partsVersion: string | null = null;

  /** Reads this index. */
  constructor(reader: IndexReader) {
    this.#reader = reader;
  }

  /** The part of a snapshot that begins after this row id, or the first; of one host, or of all. */
  async snapshotPart(after: string | null, { host }: OfHost = {}): Promise<SnapshotPart> {
    const version = await this.#reader.version();
    if (version === null || host !== undefined) return await this.#encodePart(after, host);
    if (version !== this.#partsVersion) {
      this.#parts = new Map();
      this.#partsVersion = version;
    }
    const key = after ?? "";
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = this.#encodePart(after);
      this.#parts.set(key, part);
    }
    return await part;
  }

  /** Lets go of what was kept of the last snapshot: nobody is being sent one. */
  forgetSnapshot(): void {
    this.#parts = new Map();
    this.#partsVersion = null;
  }

  /**
   * The event that brings a client up to this message, or null when it takes a new snapshot. Rows
   * are shown as they are now: newer than the message is right too, because whatever made them
   * so has a message of its own. `host`: whose it is what the message tells; absent: anyone's.
   */
  change(message: FeedMessage<Written>, { host }: OfHost = {}): Promise<Uint8Array | null> {
    const key = `${message.id} ${host ?? ""}`;
    const known = this.#changes.get(key);
    if (known !== undefined) return known;
    const frame = this.#encodeChange(message);
    this.#changes.set(key, frame);
    if (this.#changes.size > CHANGES_KEPT) {
      this.#changes.delete(this.#changes.keys().next().value!);
    }
    return frame;
  }

  async #encodePart(after: string | null, host?: string): Promise<SnapshotPart> {
    const page = await this.#reader.page({
      limit: ROWS_PER_FRAME,
      ...(host !== undefined && { host }),
      ...(after !== null && { after }),
    });
    const { bytes, end: next } = collected(page.rows);
    const of = host === undefined ? "" : `"host":${JSON.stringify(host)},`;
    const data = `{${of}"first":${after === null},"last":${next === null},"items":[`;
    return {
      bytes: joinedBytes([utf8(`event: snapshot\ndata: ${data}`), bytes, utf8("]}\n\n")]),
      next,
    };
  }

  async #encodeChange({ id, data }: FeedMessage<Written>): Promise<Uint8Array | null> {
    const { rows, all, problems, hosts } = data;
    if (all || rows.length > ROWS_PER_FRAME) return null;
    if (hosts !== undefined && this.#reader.hosts !== null) {
      const asked = new Set(hosts.map(({ name }) => name));
      const items = (await this.#reader.hosts()).filter(({ name }) => asked.delete(name));
      const told = JSON.stringify({ items, removed: [...asked] });
      return utf8(`id: ${id}\nevent: hosts\ndata: ${told}\n\n`);
    }
    if (rows.length === 0 && problems !== undefined) {
      return utf8(`id: ${id}\nevent: problems\ndata: ${JSON.stringify({ keys: problems })}\n\n`);
    }
    const ids = new Set(rows.map((row) => row.id));
    const items = await this.#reader.rows([...ids]);
    for (const item of items) ids.delete(item.id);
    const removed = [...ids];
    return utf8(`id: ${id}\nevent: change\ndata: ${JSON.stringify({ items, removed })}\n\n`);
  }
}

/**
 * The index as a live feed tells it, kept as a browser would keep it. Must not ask for rows
 * itself.
 *
 * @module
 */

import type { EventReader } from "../harness/feeds.ts";
import type { ContainerView } from "../../src/model/views.ts";

/** The index as a live feed tells it. */
export class Mirror {
  /** By id. */
  readonly rows: Map<string, ContainerView> = new Map();
  /** Whether a snapshot came and changes follow. */
  up = false;
  #changed = Promise.withResolvers<void>();

  /** Reads to the end of the feed. */
  async read(reader: EventReader): Promise<void> {
    try {
      for (let event; (event = await reader.next()) !== null;) {
        // What is wrong is told beside what there is.
        if (event.event !== "snapshot" && event.event !== "change") continue;
        const { first, last, items, removed = [] } = JSON.parse(event.data);
        if (first) this.rows.clear();
        for (const item of items) this.rows.set(item.id, item);
        for (const id of removed) this.rows.delete(id);
        if (last) this.up = true;
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }
    } finally {
      this.up = false;
    }
  }

  /** Resolves when it shows this row in this state. */
  async shows(rowId: string, state: string): Promise<void> {
    while (this.rows.get(rowId)?.state !== state) await this.#changed.promise;
  }

  /** Where it differs from these rows; when a row was seen last is not told with each pass. */
  compare(rows: readonly ContainerView[]): string[] {
    const text = (row: ContainerView | undefined) => JSON.stringify({ ...row, lastSeenAt: null });
    const wrong = rows.filter((row) => text(row) !== text(this.rows.get(row.id)));
    return [
      ...wrong.map((row) => `${text(this.rows.get(row.id))} is ${text(row)}`),
      ...(this.rows.size > rows.length ? [`${this.rows.size} rows, not ${rows.length}`] : []),
    ];
  }
}

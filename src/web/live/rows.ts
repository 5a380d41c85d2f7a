/**
 * The rows of the index as the browser has them. A snapshot replaces them when it is complete, so
 * that nothing ever flashes empty; changes are shown at most once a frame. Must not fetch.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { signal } from "@preact/signals";
import type { ContainerView } from "../../model/views.ts";
import type { Hosted, HostView } from "../../model/hosts.ts";
import { isHeard } from "./many.ts";
import type { SentEvent } from "./sse.ts";

/** The state of a row whose host is not heard of. */
const UNKNOWN = "unknown";

/** What is kept of a row: what a list shows, filters and sorts by. The rest is asked for. */
export interface Row {
  /** Its id. */
  readonly id: string;
  /** Name of its host. */
  readonly host: string;
  /** What its host said last, where that is not heard of; else null. */
  readonly lastState: string | null;
  /** Id of its workload. */
  readonly workloadId: string;
  /** That workload's kind. */
  readonly workloadKind: ContainerView["workloadKind"];
  /** That workload's name. */
  readonly workloadName: string;
  /** Role within it; empty for a site. */
  readonly role: string;
  /** 1 for the first or only replica. */
  readonly replica: number;
  /** The container's name, or empty. */
  readonly name: string;
  /** Image reference, or empty. */
  readonly image: string;
  /** Its state. */
  readonly state: string;
  /** Its health, or null without a check. */
  readonly health: string | null;
  /** Exit code of a stopped container. */
  readonly exitCode: number | null;
  /** The container's port, or null. */
  readonly port: number | null;
  /** Address of the host that it is published at. */
  readonly hostIp: string | null;
  /** Port of the host that leads there. */
  readonly hostPort: number | null;
  /** Name of its stage. */
  readonly stageName: string | null;
  /** Name under which a proxy serves it. */
  readonly subdomain: string | null;
  /** Whether its container asks for the row. */
  readonly claimed: boolean;
  /** Since when it is in its state, milliseconds since the Unix epoch. */
  readonly since: number;
}

/** `data` of a `snapshot` event. */
interface SnapshotPart {
  /** Whose rows these are, of a hub; absent: all. */
  readonly host?: string;
  readonly first: boolean;
  readonly last: boolean;
  readonly items: readonly ContainerView[];
}

/** `data` of a `change` event. */
interface ChangedRows {
  readonly items: readonly ContainerView[];
  readonly removed: readonly string[];
}

/** `data` of a `hosts` event. */
interface ChangedHosts {
  readonly items: readonly HostView[];
  readonly removed: readonly string[];
}

/** Every row. */
export class Rows {
  readonly #revision = signal(0);
  readonly #complete = signal(false);
  readonly #texts = new Map<string, string>();
  #rows = new Map<string, Row>();
  #next: Map<string, Row> | null = null;
  /** Rows of hosts that are told as a whole, as far as they have come. */
  readonly #ofHosts = new Map<string, Map<string, Row>>();
  /** Whether hosts are heard of, where that was told after their rows. */
  readonly #heard = new Map<string, boolean>();
  #frame = false;

  /** Read it to be called again when {@linkcode all} has changed; at most once a frame. */
  get revision(): Readable<number> {
    return this.#revision;
  }

  /** Whether a whole snapshot has come once. */
  get complete(): Readable<boolean> {
    return this.#complete;
  }

  /** The rows by id; the same object until a snapshot replaces them. */
  get all(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /** Takes an event of the feed; false when it is none of rows. */
  take({ name, data }: SentEvent): boolean {
    if (name === "snapshot") this.#snapshot(JSON.parse(data));
    else if (name === "change") this.#change(JSON.parse(data));
    else if (name === "hosts") this.#hosts(JSON.parse(data));
    else return false;
    return true;
  }

  /** Forgets everything: somebody else logs in. */
  forget(): void {
    this.#rows = new Map();
    this.#next = null;
    this.#ofHosts.clear();
    this.#heard.clear();
    this.#complete.value = false;
    this.#texts.clear();
    this.#show();
  }

  #snapshot({ host, first, last, items }: SnapshotPart): void {
    if (host !== undefined) return this.#ofHost(host, { first, last, items });
    if (first) {
      this.#next = new Map();
      // The first rows ever are shown as they come: there is nothing that they could replace.
      if (!this.#complete.peek() && this.#rows.size === 0) this.#rows = this.#next;
    }
    const next = this.#next ??= new Map();
    for (const item of items) next.set(item.id, this.#rowOf(item));
    if (last) {
      this.#rows = next;
      this.#next = null;
      this.#complete.value = true;
    }
    // What comes between would only push about what a reader has begun to read.
    if (first || last) this.#show();
  }

  /** All rows of one host, in place of what it had. */
  #ofHost(host: string, { first, last, items }: SnapshotPart): void {
    if (first) this.#ofHosts.set(host, new Map());
    const its = this.#ofHosts.get(host) ?? new Map<string, Row>();
    for (const item of items) its.set(item.id, this.#rowOf(item));
    if (!last) return;
    this.#ofHosts.delete(host);
    // Rows of a whole snapshot that is coming are told anew there.
    for (const rows of new Set([this.#rows, this.#next ?? this.#rows])) {
      for (const row of [...rows.values()]) if (row.host === host) rows.delete(row.id);
      for (const [id, row] of its) rows.set(id, row);
    }
    this.#show();
  }

  #hosts({ items, removed }: ChangedHosts): void {
    const turned = new Map<string, boolean>();
    for (const host of items) {
      const heard = isHeard(host);
      this.#heard.set(host.name, heard);
      turned.set(host.name, heard);
    }
    for (const name of removed) this.#heard.delete(name);
    for (const [id, row] of this.#rows) {
      const heard = turned.get(row.host);
      if (heard === undefined || heard === (row.lastState === null)) continue;
      this.#rows.set(id, {
        ...row,
        state: heard ? row.lastState! : UNKNOWN,
        lastState: heard ? null : row.state,
      });
    }
    this.#show();
  }

  #change({ items, removed }: ChangedRows): void {
    for (const item of items) this.#rows.set(item.id, this.#rowOf(item));
    for (const id of removed) this.#rows.delete(id);
    this.#show();
  }

  #show(): void {
    if (this.#frame) return;
    this.#frame = true;
    const show = () => {
      this.#frame = false;
      this.#revision.value++;
    };
    if (document.hidden) setTimeout(show);
    else requestAnimationFrame(show);
  }

  #rowOf(view: ContainerView & Partial<Hosted>): Row {
    const { lastState } = view;
    const unknown = lastState !== undefined &&
      !(this.#heard.get(view.host) ?? view.state !== UNKNOWN);
    return {
      id: view.id,
      host: this.#once(view.host),
      lastState: unknown ? this.#once(lastState) : null,
      workloadId: this.#once(view.workloadId),
      workloadKind: view.workloadKind,
      workloadName: this.#once(view.workloadName),
      role: this.#once(view.role ?? ""),
      replica: view.replica,
      name: view.containerName ?? "",
      image: this.#once(view.imageRef ?? ""),
      state: this.#once(unknown ? UNKNOWN : lastState ?? view.state),
      health: view.health === null ? null : this.#once(view.health),
      exitCode: view.exitCode,
      port: view.port,
      hostIp: view.hostIp === null ? null : this.#once(view.hostIp),
      hostPort: view.hostPort,
      stageName: view.stageName === null ? null : this.#once(view.stageName),
      subdomain: view.subdomain,
      claimed: view.claimed,
      since: Date.parse(view.stateSince),
    };
  }

  /** The same text is kept once, however many rows say it. */
  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}

/**
 * One pass: ask the Engine, plan, write. Passes must not overlap; the loop sees to that. What the
 * Engine answers incompletely is not used at all.
 *
 * @module
 */

import { type Clock, timestamp } from "../clock.ts";
import type { DockerClient } from "../docker/client.ts";
import type { EngineEvent } from "../docker/events.ts";
import { othersTurn } from "../http/body.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Listing } from "../model/container.ts";
import type { Change, Dispatched, EngineChange, PassReport } from "../model/pass.ts";
import type { WrittenRow } from "../model/written.ts";
import type { ListingWithCandidates } from "../store/containers.ts";
import type { Store } from "../store/store.ts";
import type { Plan, PlanOptions } from "../core/plan.ts";
import { Planner } from "./planner.ts";
import { EngineIdentity } from "./engine_identity.ts";
import { dispatchedOf, type Found, KnownContainers } from "./known_containers.ts";
import { ToldHealth } from "./told_health.ts";
import { Settler } from "./settler.ts";
import { addsTo } from "../core/settle.ts";
import { originOf } from "./event_origin.ts";

/** What a {@link Reconciler} works with. */
export interface ReconcilerOptions {
  /** The Engine. */
  docker: DockerClient;
  /** The index. */
  store: Store;
  /** Compose projects with this prefix are ours; empty: none. */
  composePrefix: string;
  /** The time. */
  clock: Clock;
  /** Where it is said. */
  log: Log;
  /** Where it is counted. */
  metrics: Metrics;
}

/** How a full pass is done. */
export interface FullPassOptions {
  /** Ends it; its reason is what the pass throws then. */
  signal: AbortSignal;
  /**
   * That it is the Engine of the last full pass which answers, since its events flowed all the
   * time. Default false. What another Engine lacks is not swept either way.
   */
  sameEngine?: boolean;
}

/** A pass that was done: what it tells readers, and what only the loop wants to know. */
export interface DonePass {
  /** What the pass says of itself. */
  readonly report: PassReport;
  /** The rows that it wrote. */
  readonly written: readonly WrittenRow[];
  /** What is known of the Engine's containers by now; null: it is what it was. */
  readonly found: Found | null;
  /** Ids of containers whose rows were inserted, updated or swept. */
  readonly changedContainers: readonly string[];
}

/** Refusals that point at a mistake someone can mend; the others are said too, not as a warning. */
const WORTH_A_WARNING: ReadonlySet<string> = new Set(["kind-mismatch", "workload-mismatch"]);

/** How often a partial listing is widened before the whole Engine is listed. */
const MAX_WIDENINGS = 4;

/**
 * More containers than this and the whole Engine is listed instead; also bounds the URL, of which
 * proxies take 8 KiB.
 */
export const MAX_PARTIAL = 100;

const PRUNE_EVERY_MS = 3_600_000;

/** So long, milliseconds, a pass may go on pruning. */
const PRUNE_MS = 500;

/** So many rows changed, and old transitions are pruned without waiting for the hour. */
const PRUNE_AFTER_CHANGES = 5000;

/** Brings the index in line with the Engine, one pass at a call. */
export class Reconciler {
  readonly #o: ReconcilerOptions;
  readonly #warned = new Set<string>();
  /** Containers that lost a row, by row id. */
  #contenders = new Map<string, Set<string>>();
  #prunedAt = -Infinity;
  #changesSincePrune = 0;
  readonly #engine: EngineIdentity;
  readonly #health = new ToldHealth();
  readonly #planner = new Planner();
  readonly #settler: Settler;
  readonly #known = new KnownContainers();

  /** Inert until a pass is asked for. */
  constructor(options: ReconcilerOptions) {
    this.#o = options;
    this.#engine = new EngineIdentity(options);
    this.#settler = new Settler(options.store);
  }

  /** Set while the Engine answers with another id than the accepted one. */
  get engineChanged(): EngineChange | null {
    return this.#engine.changed;
  }

  /** Whether the Engine may not be asked who it is: nothing is marked missing then. */
  get anonymous(): boolean {
    return this.#engine.anonymous;
  }

  /** The state that a row shows of the container with this id; null when none is bound to it. */
  shows(containerId: string): string | null {
    return this.#o.store.containers.index().boundTo(containerId)[0]?.state ?? null;
  }

  /** Something happened to a container: what no listing will tell of it is kept. */
  heed(event: EngineEvent): void {
    if (!this.#o.docker.listsHealth) this.#health.event(event);
  }

  /**
   * Lists every container and brings every row in line.
   *
   * @throws {Failure} or the signal's reason; nothing is written then.
   */
  async fullPass(options: FullPassOptions): Promise<DonePass> {
    const { store, clock } = this.#o;
    const { signal, sameEngine = false } = options;
    if (!sameEngine) this.#engine.doubt();
    const started = clock.monotonic();
    const at = timestamp(clock);
    const [listed] = await Promise.all([this.#list({ signal }), this.#readAhead()]);
    let planned = this.#engine.known && this.#engine.changed === null ? this.#plan(listed) : null;
    if (planned === null || planned.changes.some(({ op }) => op === "sweep")) {
      // Docker starts programs to answer this. After the listing: were the Engine exchanged in
      // between, the new id forbids the sweep.
      await this.#engine.ask(signal);
      signal.throwIfAborted();
      planned = this.#plan(listed);
    }

    const found = this.#known.whole(listed.listing, planned);
    planned = this.#settled(planned);
    const written = store.containers.reconcileContainers(planned.changes, {
      at,
      cause: "pass",
      found,
    });
    this.#engine.confirmed();
    this.#contenders = new Map(planned.contended.map((c) => [c.rowId, new Set(c.losers)]));
    this.#warn(planned, { forgetOthers: true });
    await this.#prune(planned.changes.length, signal);
    return this.#finish(planned, {
      at,
      scope: "full",
      listed: found.listed,
      written,
      found,
      started,
    });
  }

  /**
   * Reads the containers that events named, and those that contend with them for a row, and
   * brings their rows in line. A container that is not there any more is gone.
   *
   * @throws {Failure} or the signal's reason; nothing is written then.
   */
  async partialPass(
    dirty: ReadonlyMap<string, EngineEvent>,
    options: { signal: AbortSignal },
  ): Promise<DonePass> {
    const { store, clock } = this.#o;
    const { signal } = options;
    const started = clock.monotonic();
    let ids = new Set(dirty.keys());
    for (let round = 0; round < MAX_WIDENINGS; round++) {
      const at = timestamp(clock);
      const listed = await this.#list({ ids, signal });
      const { listing, candidates } = listed;
      const present = new Set(listing.containers.map((container) => container.id));
      const sweeps = candidates.values().some((id) => !present.has(id));
      // Where another Engine answered, the accepted one may be back.
      const asks = !this.#engine.anonymous && (sweeps || this.#engine.changed !== null);
      if (asks) await this.#engine.ask(signal);
      signal.throwIfAborted();

      let planned = this.#plan(listed, { contenders: this.#contenders });
      if (planned.undecided.size > 0) {
        ids = ids.union(planned.undecided);
        if (ids.size > MAX_PARTIAL) break;
        continue;
      }
      let settled = this.#settled(planned);
      if (!asks && addsTo(planned.changes, settled.changes)) {
        // What is expected is expected of the accepted Engine only, and none has said its id yet.
        await this.#engine.ask(signal);
        signal.throwIfAborted();
        planned = this.#plan(listed, { contenders: this.#contenders });
        if (planned.undecided.size > 0) break;
        settled = this.#settled(planned);
      }
      planned = settled;
      const found = this.#known.part(listing, planned, { index: store.containers.index() });
      const written = store.containers.reconcileContainers(planned.changes, {
        at,
        cause: "event",
        found,
        origin: (row) => originOf(row, { dirty, at }),
      });
      for (const { rowId, losers } of planned.contended) {
        this.#contenders.set(
          rowId,
          new Set(losers).union(this.#contenders.get(rowId) ?? new Set()),
        );
      }
      this.#warn(planned, { forgetOthers: false });
      await this.#prune(planned.changes.length, signal);
      return this.#finish(planned, {
        at,
        scope: "partial",
        listed: listing.containers.length,
        written,
        found,
        started,
      });
    }
    return await this.fullPass({ signal });
  }

  /**
   * What became of the containers that `reference` (an id, its beginning, or a name) means, as
   * passes saw it; before the first pass, what would become of them. Writes nothing.
   *
   * @throws {Failure} or the signal's reason, when there was no pass and the Engine does not tell.
   */
  async dispatched(
    reference: string,
    { signal }: { signal: AbortSignal },
  ): Promise<readonly Dispatched[]> {
    const { store } = this.#o;
    const index = () => ({ index: store.containers.index() });
    if (this.#known.any) return this.#known.dispatched(reference, index());
    const listed = await this.#list({ signal });
    const { listing } = listed;
    return dispatchedOf({ listing, plan: this.#plan(listed) }, reference, index());
  }

  #list(
    options: { ids?: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<ListingWithCandidates> {
    const { docker, store } = this.#o;
    return store.containers.listWithCandidates(
      async () => this.#completed(await docker.list(options)),
      options.ids,
    );
  }

  #plan(
    { listing, candidates }: ListingWithCandidates,
    more: Pick<PlanOptions, "contenders"> = {},
  ): Plan {
    const { store, composePrefix } = this.#o;
    return this.#planner.plan(listing, {
      index: store.containers.index(),
      directory: store.workloads.directory(),
      expected: store.expectations.roles(),
      composePrefix,
      candidates,
      ...this.#engine.sweep,
      ...more,
    });
  }

  /** While the Engine makes its answer: what that is held against is read now, if it is not known. */
  // deno-lint-ignore require-await -- what it throws is the pass's, as the Engine's is
  async #readAhead(): Promise<void> {
    const { workloads, expectations } = this.#o.store;
    workloads.directory();
    expectations.roles();
  }

  #completed(listing: Listing): Listing {
    const { docker, store } = this.#o;
    return docker.listsHealth ? listing : this.#health.complete(listing, store.containers.index());
  }

  /** Holds the plan against what is expected. */
  #settled(planned: Plan): Plan {
    // What another Engine lacks is not known to be gone.
    if (!this.#engine.accepted) return planned;
    return { ...planned, changes: this.#settler.settle(planned.changes) };
  }

  #finish(
    planned: Plan,
    pass:
      & Pick<PassReport, "at" | "scope" | "listed">
      & Pick<DonePass, "written" | "found">
      & { started: number },
  ): DonePass {
    const { clock, metrics, log } = this.#o;
    this.#settler.written({ settled: this.#engine.accepted });
    const count = (op: Change["op"]) => planned.changes.filter((change) => change.op === op).length;
    const changed = planned.changes.filter((change) => change.op !== "unconfirm");
    const report: PassReport = {
      at: pass.at,
      scope: pass.scope,
      listed: pass.listed,
      claimed: planned.claimed,
      inserted: count("insert") + count("absent"),
      updated: count("update"),
      swept: count("sweep"),
      retired: count("retire"),
      refused: planned.refused,
      unclaimed: planned.unclaimed,
      contended: planned.contended,
      unmanaged: planned.unmanaged,
      engineChanged: this.#engine.changed,
      durationSeconds: (clock.monotonic() - pass.started) / 1000,
    };
    metrics.passDuration.observe(report.durationSeconds);
    metrics.rowsChanged.add(report.inserted, { op: "insert" });
    metrics.rowsChanged.add(report.updated, { op: "update" });
    metrics.rowsChanged.add(report.swept, { op: "sweep" });
    metrics.rowsChanged.add(report.retired, { op: "retire" });
    if (log.enabled("debug")) {
      for (const { op, row, from } of changed) {
        log.debug("row changed", {
          op,
          row: row.id,
          from,
          to: row.state,
          container: row.containerId,
        });
      }
    }
    return {
      report,
      written: pass.written,
      found: pass.found,
      changedContainers: changed.flatMap(({ row }) => row.containerId ?? []),
    };
  }

  /** Says once for each container why it was refused. */
  #warn(planned: Plan, options: { forgetOthers: boolean }): void {
    const present = new Set<string>();
    for (const { reason, containerId, containerName, value } of planned.refused) {
      const key = `${reason} ${containerId}`;
      present.add(key);
      if (this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#o.log[WORTH_A_WARNING.has(reason) ? "warn" : "info"]("container refused", {
        reason,
        container: containerId,
        name: containerName,
        value,
      });
    }
    if (!options.forgetOthers) return;
    for (const key of this.#warned) if (!present.has(key)) this.#warned.delete(key);
  }

  /** What is not forgotten soon enough is left to the next pass. */
  async #prune(changes: number, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#o;
    this.#changesSincePrune += changes;
    const began = clock.monotonic();
    const due = began - this.#prunedAt >= PRUNE_EVERY_MS;
    if (!due && this.#changesSincePrune < PRUNE_AFTER_CHANGES) return;
    for (const _ of store.transitions.pruning(timestamp(clock))) {
      await othersTurn();
      if (signal.aborted || clock.monotonic() - began > PRUNE_MS) return;
    }
    this.#prunedAt = began;
    this.#changesSincePrune = 0;
  }
}

/**
 * Keeps what is wrong up to date: has the judge judge when something changed or when time alone
 * changes something, writes what it says in one transaction, and asks the Engine once about what
 * opened. Must not judge anything itself.
 *
 * @module
 */

import { Alarm, type Clock } from "../clock.ts";
import type { Wanted, World } from "../core/judged_world.ts";
import type { Verdict } from "../core/judge.ts";
import { Judging } from "../core/judging.ts";
import { earliest } from "../core/known_time.ts";
import type { DockerClient } from "../docker/client.ts";
import type { EngineEvent } from "../docker/events.ts";
import type { Feed } from "../feed.ts";
import { othersTurn } from "../http/body.ts";
import type { BackupFacts } from "../model/backups.ts";
import { type IndexRow, LOCAL_HOST } from "../model/container.ts";
import type { PassReport } from "../model/pass.ts";
import { NO_MEMORY, type Problem, type ProblemKind } from "../model/problem.ts";
import { PROBLEM_DEFAULTS, type ProblemSettings } from "../model/problem_settings.ts";
import type { Restart } from "../model/restart.ts";
import type { Written } from "../model/written.ts";
import type { OnDamage } from "../store/damage.ts";
import type { Store } from "../store/store.ts";
import { bootTime } from "../system/libc.ts";
import type { Log } from "../telemetry/log.ts";
import { DeathLedger } from "./death_ledger.ts";
import { DetailWatch } from "./detail_watch.ts";
import { JUDGED_MS } from "../store/problems.ts";
import { Deploys, replacedRows } from "./deploys.ts";
import { EngineAccount } from "./engine_account.ts";
import { Inspections } from "./inspections.ts";
import { probeRestart } from "./restart_probe.ts";
import { rowTimes } from "./row_times.ts";
import { SilentTimes } from "./silent_times.ts";
import { RETRY_MS, Unwritten } from "./unwritten.ts";
import { sayVerdict } from "./verdict_log.ts";
import { WantedRows } from "./wanted_rows.ts";

/** What a {@link ProblemWatch} works with. */
export interface ProblemWatchOptions {
  /** The index, and where problems are kept. */
  readonly store: Store;
  /** Says what was written. */
  readonly feed: Feed<Written>;
  /** Asked once about what opens. */
  readonly docker: Pick<DockerClient, "inspect">;
  /** The time. */
  readonly clock: Clock;
  /** Where it is said what opened and closed. */
  readonly log: Log;
  /** Is told of what is remembered and can't be read. */
  readonly onDamage: OnDamage;
  /** How old the last good full pass may be before the index is stale, milliseconds. */
  readonly staleAfterMs: number;
  /** How long what has to last. */
  readonly settings?: ProblemSettings;
  /** When the host was booted, milliseconds since the Unix epoch; the system's by default. */
  readonly bootedAt?: number | null;
  /** Is told of each judgement that changed something, after it was written. Must not throw. */
  readonly told?: (verdict: Verdict) => void;
}

/** Of these an inspect tells more. */
const INSPECTED: ReadonlySet<ProblemKind> = new Set([
  "crashed",
  "crash-loop",
  "oom",
  "stopped",
  "stuck",
  "unhealthy",
]);

/** A timer can't be set for weeks. */
const LONGEST_WAIT_MS = 3_600_000;

/** Judging so many rows takes long enough to let others go first. */
const MANY = 100;

/**
 * After judging it rests for so many times as long as that took: in a storm each event changes
 * something, and who asks this host meanwhile is to be answered. When little happens it is too short
 * to be noticed.
 */
const REST = 3;

/** Who was stopped while it judged, or put the clock on, must not rest for hours. */
const LONGEST_REST_MS = 2000;

/** What is read at the start. */
type State = Readonly<
  { judging: Judging; ledger: DeathLedger; account: EngineAccount; deploys: Deploys }
>;

/** Watches over everything that can be wrong. */
export class ProblemWatch {
  readonly #o: ProblemWatchOptions;
  readonly #settings: ProblemSettings;
  readonly #abort = new AbortController();
  readonly #inspections: Inspections;
  readonly #details: DetailWatch;
  /** When it is silent. */
  readonly silent: SilentTimes;
  readonly #wanted: WantedRows;
  #state: State | null = null;
  #running: Promise<unknown> | null = null;
  readonly #alarm = new Alarm();
  #changed: Set<string> | "all" = "all";
  #backups: BackupFacts | null | undefined;
  readonly #unwritten: Unwritten;
  #prunedAt = -Infinity;

  /** Inert until {@link ProblemWatch.start}. */
  constructor(options: ProblemWatchOptions) {
    this.#o = options;
    this.#settings = options.settings ?? PROBLEM_DEFAULTS;
    this.silent = new SilentTimes(options);
    this.#inspections = new Inspections(options);
    this.#wanted = new WantedRows(options.store);
    this.#unwritten = new Unwritten({ ...options, problems: options.store.problems });
    this.#details = new DetailWatch({ ...options, inspections: this.#inspections });
  }

  /** Reads what is remembered, then watches. To be called before the first pass. */
  start(): void {
    if (this.#running !== null) return;
    const { store, clock, staleAfterMs } = this.#o;
    const now = clock.now();
    // What is judged is written over what can't be read.
    const kept = store.problems.kept(this.#o);
    const problems = store.problems.remembered(now - JUDGED_MS, this.#o);
    const unknown = this.#unwritten.begin(kept, problems);
    const lastPassAt = store.hosts.lastPassAt();
    this.#state = {
      judging: new Judging({ problems, memory: kept?.memory ?? NO_MEMORY }),
      ledger: new DeathLedger(store.problems.deaths(this.#o)),
      deploys: new Deploys(store.problems.holds(), this.#settings),
      account: new EngineAccount({
        startedAt: now,
        staleAfter: staleAfterMs,
        lastPassAt: lastPassAt === null ? null : Date.parse(lastPassAt),
        bootedAt: this.#o.bootedAt === undefined ? bootTime(now) : this.#o.bootedAt,
        downSince: kept?.downSince ?? null,
        changedSince: kept?.changedSince ?? null,
      }),
    };
    for (const problem of unknown) this.#inspect(problem);
    // Nobody watched until now.
    this.#state.ledger.gap(now, store.containers.index());
    const { signal } = this.#abort;
    const details = this.#details.run(signal);
    this.#running = Promise.all([this.#follow(signal), this.#run(signal), details]);
  }

  /** Stops watching; what was judged is written. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#alarm.ring();
    await this.#running;
    await this.#inspections.settled();
  }

  /** An event of a container came. */
  event(event: EngineEvent): void {
    if (this.#state === null) return;
    const decided = this.#state.ledger.event(event, this.#o.clock.now(), () => this.#index());
    // An end is decided later, and when that is has to be looked at.
    if (decided || event.action === "die") this.#alarm.ring();
    this.#details.event(event);
  }

  /** Events stopped flowing. */
  gap(): void {
    const now = this.#o.clock.now();
    this.#state?.ledger.gap(now, this.#index());
    this.#state?.account.gap(now);
    this.#alarm.ring();
  }

  /** Events can't be followed. */
  refused(error: unknown): void {
    this.failed(error);
  }

  /** A pass was good. */
  passed(report: PassReport): void {
    if (this.#state === null) return;
    const { ledger, account } = this.#state;
    const now = this.#o.clock.now();
    const full = report.scope === "full";
    const { silentSince } = account;
    const restart = account.passed(report, now);
    if (restart !== null) this.#restarted(restart);
    else if (full && silentSince !== null) this.#askWhetherRestarted(silentSince, now);
    ledger.passed(this.#index(), { full });
    if (full) this.#details.passed();
    this.#alarm.ring();
  }

  #restarted({ from }: Restart): void {
    this.#state!.ledger.restarted(from);
    this.#details.forgetAll();
    this.#alarm.ring();
  }

  /** Whoever answers now may have been started anew while nobody heard of it. */
  #askWhetherRestarted(silentSince: number, at: number): void {
    const { store } = this.#o;
    const { signal } = this.#abort;
    const found = () => this.#restarted(this.#state!.account.restarted(silentSince, at));
    probeRestart({ silentSince, store, inspections: this.#inspections, signal }, found);
  }

  /** A pass failed. */
  failed(error: unknown): void {
    this.#state?.account.failed(error, this.#o.clock.now());
    this.#alarm.ring();
  }

  /** Somebody deploys a workload: its rows are left alone for a while. */
  deploying(workloadId: string): void {
    if (this.#state === null) return;
    this.#state.deploys.began(workloadId, this.#o.clock.now());
    if (this.#changed !== "all") {
      for (const { id, workloadId: its } of this.#index().rows()) {
        if (its === workloadId) this.#changed.add(id);
      }
    }
    this.#alarm.ring();
  }

  /** Says what is expected of any row, for as long as nothing is written. */
  wanted(): (row: IndexRow) => Wanted {
    return this.#wanted.now();
  }

  /** How the backups are that are made by themselves; null: none are to be made. */
  backedUp(backups: BackupFacts | null): void {
    this.#backups = backups;
    this.#alarm.ring();
  }

  /** A silence was asked for, or ended. */
  silencesChanged(): void {
    this.silent.changed();
    this.#alarm.ring();
  }

  /** What is expected changed, of these rows or of any. */
  wantedChanged(rowIds: Iterable<string> | "all"): void {
    this.#name(rowIds);
    this.#alarm.ring();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const subscription = this.#o.feed.subscribe({ signal });
      for await (const { data } of subscription) await this.#written(data);
      if (subscription.ended !== "dropped") return;
      this.#name("all");
      this.#alarm.ring();
    }
  }

  async #written({ rows: written, all }: Written): Promise<void> {
    const rows = written.filter(({ observed }) => observed !== false);
    if (rows.length === 0 && !all) return;
    if (rows.length > MANY) await othersTurn();
    this.#name(all ? "all" : rows.map(({ id }) => id));
    this.#details.written(rows);
    for (const rowId of replacedRows(rows, this.#o.store.transitions)) {
      const row = this.#index().row(rowId);
      if (row !== undefined) this.deploying(row.workloadId);
    }
    this.#alarm.ring();
  }

  #name(rowIds: Iterable<string> | "all"): void {
    if (rowIds === "all") this.#changed = "all";
    else if (this.#changed !== "all") { for (const id of rowIds) this.#changed.add(id); }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#o;
    for (;;) {
      const rung = this.#alarm.set();
      const began = clock.monotonic();
      let waitMs: number;
      try {
        await this.silent.refresh();
        const { size } = this.#changed === "all" ? this.#index() : this.#changed;
        if (size > MANY) await othersTurn();
        waitMs = await this.#judge();
      } catch (error) {
        log.error("problems not judged", { error });
        waitMs = RETRY_MS;
      }
      if (signal.aborted) return;
      const restMs = Math.min(LONGEST_REST_MS, REST * (clock.monotonic() - began));
      if (restMs > 0) await clock.sleep(restMs, signal);
      await clock.sleep(Math.max(0, waitMs - restMs), rung);
      if (signal.aborted && this.#unwritten.size === 0) return;
    }
  }

  /** Judges, writes, and tells how long nothing has to be looked at, milliseconds. */
  async #judge(): Promise<number> {
    const { judging, ledger, account, deploys } = this.#state!;
    const now = this.#o.clock.now();
    const index = this.#index();
    ledger.due(now, index);
    const deaths = ledger.takeChanges();
    this.#name(deaths.keys());
    this.#name(this.#wanted.others());
    const changed = this.#changed;
    this.#changed = new Set();
    const silences = this.silent.at(now);
    const world: World = {
      host: LOCAL_HOST,
      index,
      wanted: this.#wanted.remembering(),
      times: rowTimes(this.#o.store.problems, now),
      deaths: (rowId) => ledger.of(rowId),
      engine: account.facts,
      ...{ contended: account.contended, refused: account.refused, backups: this.#backups },
      holds: deploys.holds,
      silences,
    };
    const verdict = judging.judge(world, { now, settings: this.#settings, changed });
    ledger.forget(changed, index);
    this.#unwritten.add({
      ...verdict,
      said: () => this.#tell(verdict),
      deaths: new Map([...deaths, ...ledger.takeChanges()]),
      holds: deploys.takeChanges(),
    }, account);
    // To write them takes as long as to judge.
    if (verdict.put.length + verdict.dropped.length > MANY) await othersTurn();
    const written = this.#unwritten.write({ now: this.#abort.signal.aborted });
    if (written) this.#prune(now);
    const ends = silences.map(({ until }) => until);
    const next = [verdict.nextAt, ledger.nextAt(), ...ends].reduce(earliest) ?? Infinity;
    const again = this.#unwritten.size === 0 ? Infinity : RETRY_MS;
    return Math.min(LONGEST_WAIT_MS, again, Math.max(0, Math.ceil(next - now)));
  }

  #tell(verdict: Verdict): void {
    const { opened, closed, digest } = verdict;
    if (opened.length + closed.length === 0 && digest === null) return;
    sayVerdict(verdict, this.#o.log);
    this.#o.told?.(verdict);
    for (const problem of opened) this.#inspect(problem);
  }

  #inspect({ key, kind, rowId, containerId }: Problem): void {
    if (rowId === null || containerId === null || !INSPECTED.has(kind)) return;
    this.#inspections.ask(containerId, (details) => {
      if (details === null) return;
      const { judging, ledger } = this.#state!;
      const { error, oomKilled, restartCount, restartPolicy, healthOutput } = details;
      const told = { error, oomKilled, restartCount, restartPolicy, healthOutput };
      const problem = judging.inspected(key, told);
      if (problem !== null) this.#unwritten.amend(problem);
      if (oomKilled && ledger.outOfMemory(rowId, containerId)) this.#name([rowId]);
      this.#alarm.ring();
    }, this.#abort.signal);
  }

  #prune(now: number): void {
    if (now - this.#prunedAt < LONGEST_WAIT_MS) return;
    this.#prunedAt = now;
    this.#o.store.problems.prune(now);
    this.#o.store.changes.prune(new Date(now).toISOString());
  }

  #index() {
    return this.#o.store.containers.index();
  }
}

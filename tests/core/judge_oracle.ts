/**
 * The plain judge: the table of problems once more, second by second, with counters in place of
 * reckoning. It is what the real one is compared with, so it shares no code with it, optimizes
 * nothing and must not be mended to agree with it.
 *
 * @module
 */

/** A row as the plain judge sees it. */
interface PlainRow {
  state: string;
  exit: number | null;
  health: string | null;
  mode: "running" | "completed" | "any" | null;
  source: string | null;
  contended: boolean;
  /** What the present state comes from, as far as events told. */
  ending: string | null;
  diedAt: number;
  /** Events were missed since the last death. */
  missed: boolean;
  /** Seconds at which it died, by itself. */
  ownDeaths: { at: number; exit0: boolean }[];
  /** When the state came about, or was first wanted otherwise. */
  since: number;
  /** Known seconds that the present state has lasted; a death begins anew. */
  lasted: number;
  /** The same, whatever is wanted. */
  stayed: number;
  /** Known seconds that it has not died by itself. */
  quiet: number;
  /** Known seconds in the present health. */
  healthLasted: number;
  contendedFor: number;
  /** Known seconds since memory ran out. */
  sinceOom: number;
  problems: Map<string, PlainProblem>;
  moves: number[];
  flaps: boolean;
  /** Known seconds without a move. */
  unmoved: number;
}

interface PlainProblem {
  openedAt: number;
  state: string;
}

const STATE_KINDS = ["missing", "absent", "crashed", "stopped", "stuck"];

/** Times are whole seconds. */
export class JudgeOracle {
  now = 0;
  readonly rows = new Map<string, PlainRow>();
  readonly story: string[] = [];
  down = false;
  #downFor = 0;
  #hostOpen: number | null = null;
  #settling = 0;
  #restartFrom = Infinity;
  #settledAt = -Infinity;
  #deployFrom = -Infinity;
  #deployLast = -Infinity;

  make(id: string): void {
    this.rows.set(id, {
      state: "running",
      exit: null,
      health: null,
      mode: "running",
      source: null,
      contended: false,
      ending: null,
      diedAt: 0,
      missed: false,
      ownDeaths: [],
      since: this.now,
      lasted: 0,
      stayed: 0,
      quiet: 0,
      healthLasted: 0,
      contendedFor: 0,
      sinceOom: 0,
      problems: new Map(),
      moves: [],
      flaps: false,
      unmoved: 0,
    });
  }

  set(id: string, to: { state?: string; exitCode?: number | null; health?: string | null }): void {
    const row = this.rows.get(id)!;
    if (to.state !== undefined && to.state !== row.state) {
      row.state = to.state;
      row.since = this.now;
      row.lasted = row.stayed = 0;
      if (row.missed || this.#knownSince(row.diedAt) > 60) row.ending = null;
    }
    if (to.exitCode !== undefined) row.exit = to.exitCode;
    if (to.health !== undefined && to.health !== row.health) {
      row.health = to.health;
      row.healthLasted = 0;
    }
  }

  die(id: string, how: string): void {
    const row = this.rows.get(id)!;
    row.ending = how;
    row.missed = false;
    row.diedAt = this.now;
    if (row.state === "running") row.lasted = row.stayed = 0;
    if (how === "oom") row.sinceOom = 0;
    if (how !== "stop" && how !== "kill") {
      row.ownDeaths.push({ at: this.now, exit0: how === "exit" });
      if (!(how === "exit" && row.mode === "completed")) row.quiet = 0;
    }
  }

  gap(): void {
    for (const row of this.rows.values()) if (row.ending !== null) row.missed = true;
  }

  want(id: string, mode: PlainRow["mode"]): void {
    const row = this.rows.get(id)!;
    row.mode = mode;
    row.source = "accepted";
    row.since = this.now;
    row.lasted = 0;
    // Which deaths count may be others now.
    const last = this.#counted(row).at(-1);
    row.quiet = last === undefined ? Infinity : this.#knownSince(last);
  }

  contend(id: string, on: boolean): void {
    const row = this.rows.get(id)!;
    if (on && !row.contended) row.contendedFor = 0;
    row.contended = on;
  }

  deploy(): void {
    if (this.now - this.#deployLast > 300) this.#deployFrom = this.now;
    this.#deployLast = this.now;
  }

  goDown(): void {
    this.down = true;
    this.#downFor = 0;
    this.#downSince = this.now;
  }
  #downSince = 0;

  comeUp(restarted: boolean): void {
    this.down = false;
    if (restarted) {
      if (this.#settling <= 0) this.#restartFrom = this.#downSince;
      this.#settling = 120;
      this.#settledAt = Infinity;
    }
    if (this.#hostOpen !== null) {
      this.#tell("engine-down:local", this.#hostOpen, "recovered");
      this.#hostMoves.push(this.now);
    }
    this.#hostOpen = null;
  }

  /** Known seconds, one for each, so that a moment can be asked how long ago it was known. */
  readonly #knownSeconds: number[] = [];
  #knownSince(at: number): number {
    return this.#knownSeconds.filter((second) => second > at).length;
  }

  /** One second passes. */
  tick(): void {
    this.now++;
    if (this.down) {
      this.#downFor++;
      return;
    }
    this.#knownSeconds.push(this.now);
    if (this.#settling > 0 && --this.#settling === 0) this.#settledAt = this.now;
    for (const row of this.rows.values()) {
      row.lasted++;
      row.stayed++;
      row.quiet++;
      row.healthLasted++;
      row.contendedFor++;
      row.sinceOom++;
      row.unmoved++;
    }
  }

  /** Opens and closes what the table says. */
  look(): void {
    if (this.down && this.#downFor >= 60 && this.#hostOpen === null) {
      this.#hostOpen = this.now;
      this.#hostMoves.push(this.now);
    }
    this.#lookAtHost();
    if (this.down) return;
    for (const [id, row] of this.rows) this.#lookAt(id, row);
  }

  readonly #hostMoves: number[] = [];
  #hostFlaps: number | null = null;

  /** The host's own coming and going, in seconds of the clock, known or not. */
  #lookAtHost(): void {
    const last = this.#hostMoves.at(-1);
    if (last === undefined) return;
    if (this.now - last >= 1800) {
      if (this.#hostFlaps !== null) this.#tell("flapping:local", this.#hostFlaps, "recovered");
      this.#hostFlaps = null;
    } else if (this.#hostFlaps === null) {
      const recent = this.#hostMoves.filter((at) => at >= last - 1800);
      if (recent.length >= 6) this.#hostFlaps = this.now;
    }
  }

  #lookAt(id: string, row: PlainRow): void {
    const { problems } = row;
    const open = (kind: string) => {
      if (problems.has(kind)) return;
      problems.set(kind, { openedAt: this.now, state: row.state });
      if (kind === "flapping") return;
      row.moves.push(this.now);
      row.unmoved = 0;
    };
    const close = (kind: string, outcome: string) => {
      this.#tell(`${kind}:${id}`, problems.get(kind)!.openedAt, outcome);
      problems.delete(kind);
      if (kind === "flapping" || outcome !== "recovered") return;
      row.moves.push(this.now);
      row.unmoved = 0;
    };

    // Over?
    const well = this.#isWell(row);
    if (problems.has("crash-loop") && row.quiet >= 600) close("crash-loop", "recovered");
    const enough: [string, number][] = [["missing", 30], ["absent", 0], ["crashed", 60], [
      "stopped",
      0,
    ], ["oom", 300]];
    for (const [kind, seconds] of enough) {
      if (problems.has(kind) && well && row.lasted >= seconds) close(kind, "recovered");
    }
    if (problems.has("stuck") && problems.get("stuck")!.state !== row.state) {
      close("stuck", "recovered");
    }
    const sick = row.state === "running" &&
      (row.health === "unhealthy" || row.health === "starting");
    if (problems.has("unhealthy") && well && !sick) {
      const healthy = Math.min(row.lasted, row.healthLasted);
      if (healthy >= 60) close("unhealthy", "recovered");
    }
    if (problems.has("contended") && !row.contended) close("contended", "recovered");

    // Begun?
    const barred = this.#settling > 0 || this.#isDeployed();
    const fits = this.#fits(row);
    if (!barred) {
      for (const kind of fits) {
        if (kind === "crashed" && problems.has("crash-loop")) continue;
        open(kind);
      }
    }
    // Taken the place of?
    if (problems.has("crash-loop") && problems.has("crashed")) close("crashed", "superseded");
    const present = this.#present(row);
    for (const kind of [...STATE_KINDS, "oom", "unhealthy"]) {
      if (!problems.has(kind) || kind === present) continue;
      if (kind === "oom" && this.#oomFits(row)) continue;
      if (kind === "unhealthy" && row.state === "running" && row.health === "unhealthy") continue;
      if (present !== null && problems.has(present)) close(kind, "superseded");
    }

    // Flaps?
    if (row.unmoved >= 1800) {
      row.flaps = false;
      if (problems.has("flapping")) close("flapping", "recovered");
    }
    const recent = row.moves.filter((at) => at >= row.moves.at(-1)! - 1800);
    // It flaps until it was quiet, also while that is held back.
    if (recent.length >= 6 && row.unmoved < 1800) row.flaps = true;
    if (!barred && row.flaps) open("flapping");
  }

  /** The kind that the state is wrong by, whether it has lasted or not. */
  #present(row: PlainRow): string | null {
    const { state, mode, exit, ending } = row;
    if (state === "running" || mode === null || mode === "any" && !this.#isGone(row)) return null;
    if (state === "missing") return "missing";
    if (state === "absent") return "absent";
    if (state !== "stopped") return "stuck";
    if (mode === "completed" && exit === 0) return null;
    if (ending === "stop" || ending === "kill" || exit === 0 || exit === null) return "stopped";
    return ending === "oom" ? null : row.problems.has("crash-loop") ? null : "crashed";
  }

  #fits(row: PlainRow): string[] {
    const fits: string[] = [];
    const deaths = this.#counted(row);
    const inTenMinutes = (n: number) => n <= 600;
    if (row.quiet < 600) {
      // Three within ten minutes, and never ten known minutes without one since.
      for (let i = 2; i < deaths.length; i++) {
        const joined = deaths.slice(i).every((at, k, all) =>
          k === 0 || this.#knownBetween(all[k - 1]!, at) < 600
        );
        if (inTenMinutes(deaths[i]! - deaths[i - 2]!) && joined) fits.push("crash-loop");
      }
    }
    const present = this.#present({
      ...row,
      problems: fits.includes("crash-loop") ? row.problems : new Map(),
    });
    const needed: Record<string, number> = {
      missing: 60,
      absent: row.source === null ? 600 : 60,
      crashed: 30,
      stopped: 600,
      stuck: 600,
    };
    if (present !== null) {
      const byOperator = row.ending === "stop" || row.ending === "kill";
      const ofRestart = present !== "absent" && !(present === "stopped" && byOperator) &&
        row.since > this.#restartFrom && row.since < this.#settledAt;
      if (ofRestart || row.lasted >= needed[present]!) fits.push(present);
    }
    if (this.#oomFits(row)) fits.push("oom");
    if (
      row.state === "running" && row.health === "unhealthy" &&
      Math.min(row.healthLasted, row.stayed) >= 60
    ) {
      fits.push("unhealthy");
    }
    if (row.contended && row.contendedFor >= 300) fits.push("contended");
    return [...new Set(fits)];
  }

  #oomFits(row: PlainRow): boolean {
    if (row.ending !== "oom") return false;
    const byIt = row.state === "stopped" || row.state === "restarting";
    if (!byIt && row.sinceOom >= 300) return false;
    return !(this.#isWell(row) && row.lasted >= 300);
  }

  #counted(row: PlainRow): number[] {
    return row.ownDeaths.filter(({ exit0 }) => !exit0 || row.mode !== "completed")
      .map(({ at }) => at).slice(-32);
  }

  #knownBetween(from: number, to: number): number {
    return this.#knownSeconds.filter((second) => from < second && second <= to).length;
  }

  #isGone({ state }: PlainRow): boolean {
    return state === "missing" || state === "absent";
  }

  #isWell(row: PlainRow): boolean {
    if (row.state === "running" || row.mode === null) return true;
    if (row.mode === "any") return !this.#isGone(row);
    return row.mode === "completed" && row.state === "stopped" && row.exit === 0;
  }

  #isDeployed(): boolean {
    return this.now < Math.min(this.#deployLast + 300, this.#deployFrom + 900);
  }

  #tell(key: string, openedAt: number, outcome: string): void {
    this.story.push(`${key} ${openedAt}–${this.now} ${outcome}`);
  }

  /** All that opened and closed, and all that is open, sorted. */
  told(): string[] {
    const open = [...this.rows].flatMap(([id, { problems }]) =>
      [...problems].map(([kind, { openedAt }]) => `${kind}:${id} ${openedAt}–`)
    );
    if (this.#hostOpen !== null) open.push(`engine-down:local ${this.#hostOpen}–`);
    if (this.#hostFlaps !== null) open.push(`flapping:local ${this.#hostFlaps}–`);
    return [...this.story, ...open].sort();
  }
}

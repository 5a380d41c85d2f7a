/**
 * What came of killing a daemon, and that as a table. Pure; looks at nothing itself.
 *
 * @module
 */

import type { Moment } from "./crash_moments.ts";
import type { Ledger } from "./ledger.ts";

/** What came of it. */
export interface CrashReport {
  /** Kills by moment; `first start` for those in an empty directory. */
  readonly kills: Record<Moment | "first start", number>;
  /** Writes, and what became of those that were not answered. */
  readonly writes: Pick<Ledger, "acknowledged" | "unanswered">;
  /** Passes under way when the daemon was killed, by what was found of them. */
  readonly passes: { whole: number; absent: number };
  /** First starts that were killed, by what was found of the schema. */
  readonly migrations: { whole: number; absent: number };
  /** Rows that passes wrote in the end. */
  readonly rows: number;
  /** Write-ahead logs that ended within a transaction. */
  readonly torn: number;
  /** From the process's start to its lock, milliseconds: in an empty directory, and after a kill. */
  readonly lockMs: { clean: readonly number[]; afterKill: readonly number[] };
  /** Everything that was wrong. */
  readonly violations: readonly string[];
}

/** One that is being written. */
export type OpenCrashReport =
  & {
    -readonly [K in "rows" | "torn"]: number;
  }
  & Omit<CrashReport, "rows" | "torn" | "lockMs" | "violations">
  & {
    readonly lockMs: { readonly clean: number[]; readonly afterKill: number[] };
    readonly violations: string[];
  };

/** Nothing yet. */
export function emptyReport(writes: CrashReport["writes"]): OpenCrashReport {
  return {
    kills: {
      "start": 0,
      "life": 0,
      "pass": 0,
      "commit": 0,
      "write": 0,
      "answer": 0,
      "first start": 0,
    },
    writes,
    passes: { whole: 0, absent: 0 },
    migrations: { whole: 0, absent: 0 },
    torn: 0,
    rows: 0,
    lockMs: { clean: [], afterKill: [] },
    violations: [],
  };
}

/** The report as a table. */
export function renderCrash(report: CrashReport): string {
  const { kills, writes, passes, migrations, lockMs, violations } = report;
  const found = (counts: { whole: number; absent: number }) =>
    `${counts.whole + counts.absent}: ${counts.whole} whole, ${counts.absent} absent`;
  const milliseconds = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b).map((ms) => `${Math.round(ms)} ms`);
    return `median ${sorted[sorted.length >> 1]}, longest ${sorted.at(-1)}`;
  };
  const rows = [
    ...Object.entries(kills).map(([moment, count]) => [`kills, ${moment}`, String(count)]),
    ["acknowledged writes", String(writes.acknowledged)],
    ["writes not answered", found(writes.unanswered)],
    ["passes under way", found(passes)],
    ["migrations under way", found(migrations)],
    ["logs that end within a write", String(report.torn)],
    ["rows in the end", String(report.rows)],
    ["start to lock, empty directory", milliseconds(lockMs.clean)],
    ["start to lock, after a kill", milliseconds(lockMs.afterKill)],
    ["violations", String(violations.length)],
  ];
  return [...rows.map(([what, value]) => `${what!.padEnd(32)}${value}`), ...violations].join("\n");
}

/**
 * What the index shows that will go wrong some day: containers that won't come back after a reboot,
 * ports that two ask for, what is wrong for a week. Pure.
 *
 * @module
 */

import type { ContainerDetails } from "../model/details.ts";
import { ABSENT, type Mode, type Problem } from "../model/problem.ts";
import { MISSING, PENDING } from "../model/container.ts";
import { shellCommand, shellWord } from "../shell_word.ts";
import { clip, escapeControls, quote } from "../text.ts";
import { type Finding, named } from "./finding.ts";

/** A row as it is looked at. */
export interface ExaminedRow {
  /** Its id. */
  readonly id: string;
  /** `site/blog`. */
  readonly workload: string;
  /** State of the row. */
  readonly state: string;
  /** Name of its container, or empty. */
  readonly container: string;
  /** What it should do; null: nothing is expected of it. */
  readonly wanted: Mode | null;
  /** What an inspect told; null: nothing yet. */
  readonly details: ContainerDetails | null;
}

/** A channel as it is looked at. */
export interface ExaminedChannel {
  /** Its name. */
  readonly name: string;
  /** Whether it is used. */
  readonly state: "ok" | "broken" | "disabled";
  /** Why it is not `ok`, else empty. */
  readonly reason: string;
  /** The first failure after the last success, milliseconds; null for none. */
  readonly failingSince: number | null;
}

/** What an index shows. Times are milliseconds since the Unix epoch. */
export interface ExaminedIndex {
  /** Now. */
  readonly now: number;
  /** Every row. */
  readonly rows: readonly ExaminedRow[];
  /** The open problems. */
  readonly problems: readonly Problem[];
  /** Where people are told. */
  readonly channels: readonly ExaminedChannel[];
  /** What is damaged: what SQLite finds or null, and kept values that can't be read. */
  readonly damages: { readonly database: string | null; readonly values: readonly string[] };
  /** The daily backups: null where none are asked for, else when the last was checked or null. */
  readonly backups: { readonly lastAt: number | null; readonly folder: string } | null;
}

const DAY = 86_400_000;

/** A daily backup that is older than this was missed. */
const BACKUP_OLD_MS = 2 * DAY;

/** What is wrong for this long nobody looks at any more. */
const PROBLEM_OLD_MS = 7 * DAY;

/** A channel that fails for this long may fail for good. */
const CHANNEL_FAILS_MS = 3_600_000;

/** Looks at an index. */
export function indexFindings(index: ExaminedIndex): Finding[] {
  return [
    ...damaged(index),
    ...backups(index),
    ...willNotReturn(index),
    ...claimedTwice(index),
    ...withoutHealthCheck(index),
    ...wrongForLong(index),
    ...failingChannels(index),
  ];
}

function damaged({ damages: { database, values } }: ExaminedIndex): Finding[] {
  const found: Finding[] = [];
  if (database !== null) {
    found.push({
      code: "database-damaged",
      severity: "failure",
      group: "data",
      what: `the database is damaged: ${quote(database, 200)}`,
      why: "what stands in it can't be relied on",
      do: "stop the daemon, then `tinyforge restore` the last good backup: it keeps what is there",
    });
  }
  if (values.length > 0) {
    found.push({
      code: "value-damaged",
      severity: "failure",
      group: "data",
      what: `not the JSON that was kept: ${
        named(values.map((value) => clip(escapeControls(value), 200)))
      }`,
      why: "it is left out of what is judged and told, and readers of it are refused",
      do:
        "undo what another program or hand wrote into the database, or `tinyforge restore` the last " +
        "good backup",
    });
  }
  return found;
}

function backups({ backups, now }: ExaminedIndex): Finding[] {
  const about = {
    group: "data",
    why: "what deployers wrote and history are nowhere else",
  } as const;
  if (backups === null) {
    const what = "no daily backups are asked for";
    const remedy = "`tinyforge backup DIRECTORY`, or let the daemon: --backup-dir";
    return [{ ...about, code: "no-backups", severity: "info", what, do: remedy }];
  }
  const { lastAt, folder } = backups;
  const where = shellWord(folder);
  // With a slash: where there is no such directory, a file of its name is no help.
  const command = `tinyforge backup ${shellWord(folder.replace(/\/*$/, "/"))}`;
  const remedy = `\`${command}\` says what is in the way`;
  if (lastAt === null) {
    const what = `there is no checked backup in ${where} yet`;
    return [{ ...about, code: "backup-missing", severity: "warning", what, do: remedy }];
  }
  if (now - lastAt <= BACKUP_OLD_MS) return [];
  const what = `the last checked backup in ${where} is ${days(now - lastAt)} days old`;
  return [{ ...about, code: "backup-old", severity: "warning", what, do: remedy }];
}

/** Expected to run, and its Engine won't start it. */
function willNotReturn({ rows }: ExaminedIndex): Finding[] {
  const without = rows.filter((row) =>
    row.wanted === "running" && isThere(row) && row.details?.restartPolicy === "no"
  );
  return [...Map.groupBy(without, ({ workload }) => workload)].map(([workload, those]) => {
    const names = those.map(({ container }) => container).sort();
    const [has, it] = names.length === 1 ? ["has", "it stays"] : ["have", "they stay"];
    return {
      code: "no-restart-policy",
      severity: "warning",
      group: "containers",
      what: `${named(names.map((name) => quote(name)))} of ${workload} ${has} no restart policy`,
      why: `${it} away after a crash and after a reboot`,
      do: `\`docker update --restart unless-stopped ${names.map(shellWord).join(" ")}\``,
    };
  });
}

function claimedTwice({ rows }: ExaminedIndex): Finding[] {
  const claims = new Map<string, { address: string; row: ExaminedRow }[]>();
  for (const row of rows) {
    if (row.wanted !== "running" || !isThere(row)) continue;
    for (const published of row.details?.publishes ?? []) {
      const [, address = "", port = ""] = /^(.*):(\d+\/\w+)$/.exec(published) ?? [];
      claims.set(port, [...claims.get(port) ?? [], { address, row }]);
    }
  }
  const found: Finding[] = [];
  for (const [port, all] of claims) {
    const others = all.filter((one) =>
      all.some((other) => other.row !== one.row && overlap(one.address, other.address))
    );
    const containers = [...new Set(others.map(({ row }) => row.container))];
    if (containers.length < 2) continue;
    found.push({
      code: "port-claimed-twice",
      severity: "warning",
      group: "containers",
      what: `port ${port} of the host is asked for by ${named(containers.map((c) => quote(c)))}`,
      why: "only one of them can run at a time",
      do: "publish one of them at another port, and make it anew",
    });
  }
  return found;
}

/** Whether two addresses can't both be listened on at one port. */
function overlap(a: string, b: string): boolean {
  const everywhere = (address: string) => address === "0.0.0.0" || address === "[::]";
  return a === b || everywhere(a) || everywhere(b);
}

function withoutHealthCheck({ rows }: ExaminedIndex): Finding[] {
  const without = rows.filter((row) =>
    row.wanted === "running" && isThere(row) && row.details?.healthCheck === false
  );
  if (without.length === 0) return [];
  return [{
    code: "no-health-check",
    severity: "info",
    group: "containers",
    what: `${without.length} without a health check: ${
      named(without.map(({ container }) => quote(container)))
    }`,
    why: "one that hangs looks like one that works",
    do: "give their images a HEALTHCHECK, or their services a `healthcheck:`",
  }];
}

function wrongForLong({ problems, rows, now }: ExaminedIndex): Finding[] {
  const acceptance = ({ rowId }: Problem) => {
    const row = rows.find(({ id }) => id === rowId);
    return row === undefined ? null : shellCommand(["tinyforge", "accept"], [row.workload]);
  };
  return problems.filter(({ since }) => now - since > PROBLEM_OLD_MS).map((problem) => ({
    code: "problem-old",
    severity: "warning",
    group: "containers",
    what: `${problem.kind} of ${
      quote(problem.containerName || (problem.rowId ?? problem.workloadId ?? problem.host))
    } for ${days(now - problem.since)} days`,
    why: "what is always wrong hides what is newly wrong",
    do: "`tinyforge problems` says what to do" +
      (acceptance(problem) === null ? "" : `; if it is meant: \`${acceptance(problem)}\``),
  }));
}

function failingChannels({ channels, now }: ExaminedIndex): Finding[] {
  const fails = ({ state, failingSince }: ExaminedChannel) =>
    state !== "ok" || (failingSince !== null && now - failingSince > CHANNEL_FAILS_MS);
  return channels.filter(fails).map(({ name, state, reason }) => ({
    code: "channel-failing",
    severity: "warning",
    group: "notifications",
    what: `channel ${quote(name)} is ${state === "ok" ? "failing" : state}${
      reason === "" ? "" : `: ${quote(reason, 200)}`
    }`,
    why: "nobody is told over it",
    do: `\`tinyforge notify test ${shellWord(name)}\``,
  }));
}

function isThere({ state }: ExaminedRow): boolean {
  return state !== MISSING && state !== ABSENT && state !== PENDING;
}

function days(ms: number): number {
  return Math.floor(ms / DAY);
}

/**
 * The `expectations` table: what should run of each role of a workload, and accepting what runs.
 * Decides nothing: what is expected of which rows, the core says.
 *
 * @module
 */

import { RETIRED } from "../model/container.ts";
import type { IndexRow } from "../model/container.ts";
import type { Expectation, ExpectationSource, Mode } from "../model/problem.ts";
import { accept, endingOf } from "../core/expect.ts";
import { ExpectedRoles } from "../core/expected_roles.ts";
import { Failure } from "../failure.ts";
import { quote } from "../text.ts";
import type { Connection, Transaction } from "./connection.ts";
import type { ContainerTable } from "./containers.ts";
import type { DetailColumns } from "./details.ts";
import type { ProblemTable } from "./problems.ts";
import type { TransitionTable } from "./transitions.ts";
import type { WorkloadTable } from "./workloads.ts";

/** An expectation as it is kept. */
export interface KeptExpectation extends Expectation {
  /** Compose's own hash of the service when it was taken in; null where it told none. */
  readonly configHash: string | null;
}

/** What is expected of one role, as it is written. */
export interface NewExpectation extends Omit<Expectation, "workloadId" | "setAt"> {
  /** Stays as it is when it is left out. */
  readonly configHash?: string | null;
  /** Now when it is left out. */
  readonly setAt?: number;
}

/** What became of a workload that was accepted. */
export interface Accepted {
  /** What is expected of it now. */
  readonly expectations: readonly KeptExpectation[];
  /** Ids of the rows that went. */
  readonly retired: readonly string[];
}

/** The `expectations` table. */
export class ExpectationTable {
  readonly #c: Connection;
  readonly #tables: Tables;
  #kept: { roles: ExpectedRoles; version: number } | null = null;

  /** On this connection. */
  constructor(connection: Connection, tables: Tables) {
    this.#c = connection;
    this.#tables = tables;
    // Those of a workload that is removed go with it, and it may come back under the same id.
    connection.onCommit(({ names }) => {
      if (names) this.#kept = null;
    });
  }

  /** All of them in memory for a pass's lookups; read again only after a change. */
  roles(): ExpectedRoles {
    const version = this.#c.dataVersion();
    if (this.#kept?.version !== version) {
      const all = this.#c.sql(SELECT).values<Columns>().map(expectation);
      this.#kept = { roles: new ExpectedRoles(all), version };
    }
    return this.#kept!.roles;
  }

  /** What is expected of a workload, by role. */
  of(workloadId: string): KeptExpectation[] {
    return this.#c.sql(`${SELECT} WHERE workload_id = ? ORDER BY role`)
      .values<Columns>(workloadId).map(expectation);
  }

  /**
   * Has exactly this be expected of a workload; what was expected already is no younger for it.
   *
   * @throws {Failure} `not-found`, or `invalid` when a role is told twice or nobody knows it.
   */
  replace(workloadId: string, expectations: readonly NewExpectation[]): KeptExpectation[] {
    const workload = this.#tables.workloads.known(workloadId);
    const action = `Cannot set what is expected of ${workload.kind} ${quote(workload.name)}`;
    return this.#c.write(action, (tx) => {
      const before = new Map(this.of(workloadId).map((kept) => [kept.role, kept]));
      const known = new Set(before.keys());
      for (const { role } of this.#rowsOf(workloadId)) known.add(role);
      if (workload.kind === "site") known.add("");
      for (const { role, source } of expectations) {
        // A file may tell of a service that nobody has seen yet; a person may mistype one.
        if (source === "compose" || known.has(role)) continue;
        throw new Failure("invalid", `${action}: it has no role ${quote(role)}`, {
          data: { need: "role", roles: [...known].sort().slice(0, MAX_TOLD) },
        });
      }
      if (new Set(expectations.map(({ role }) => role)).size < expectations.length) {
        throw new Failure("invalid", `${action}: a role is told twice`, { data: {} });
      }
      const written = expectations.map((each) => {
        const kept = before.get(each.role);
        return kept !== undefined && isSame(kept, each) ? kept : each;
      });
      this.#write(tx, workloadId, written);
      return this.of(workloadId);
    });
  }

  /** Has exactly this be expected of a workload that was just looked at: nothing is checked. */
  set(workloadId: string, expectations: readonly NewExpectation[]): void {
    this.#c.write("Cannot set what is expected", (tx) => this.#write(tx, workloadId, expectations));
  }

  #write(tx: Transaction, workloadId: string, expectations: readonly NewExpectation[]): void {
    this.#kept = null;
    tx.expected();
    const now = this.#c.now();
    // Thousands are taken in at once, and each of those tells its hash.
    const told = expectations.every(({ configHash }) => configHash !== undefined);
    const kept = told ? [] : this.of(workloadId);
    const hashes = new Map(kept.map(({ role, configHash }) => [role, configHash]));
    this.#c.sql("DELETE FROM expectations WHERE workload_id = ?").run(workloadId);
    for (const { role, mode, replicas, image, source, configHash, setAt } of expectations) {
      const hash = configHash === undefined ? hashes.get(role) ?? null : configHash;
      const at = setAt === undefined ? now : new Date(setAt).toISOString();
      this.#c.sql(INSERT).run(workloadId, role, mode, replicas, image, source, hash, at);
    }
  }

  /**
   * What runs now of a workload is what should run: what is gone goes, and the rest is expected.
   * `restartPolicies`: what the Engine says of containers, by id, beyond what is kept.
   *
   * @throws {Failure} `not-found`.
   */
  accept(workloadId: string, restartPolicies: ReadonlyMap<string, string> = NONE): Accepted {
    const workload = this.#tables.workloads.known(workloadId);
    const action = `Cannot accept ${workload.kind} ${quote(workload.name)}`;
    return this.#c.write(action, (tx) => {
      const { containers, details, problems, transitions } = this.#tables;
      let deployed: ReadonlySet<string> | null = null;
      const { expectations, retired } = accept(this.#rowsOf(workloadId), {
        workload,
        before: this.of(workloadId),
        now: Date.parse(this.#c.now()),
        endingOf: (row) =>
          endingOf(row, {
            deaths: problems.deathsOf(row.id),
            stateSince: problems.times(row.id).get(row.id)?.stateSince ?? 0,
          }),
        restartPolicyOf: ({ id, containerId }) =>
          restartPolicies.get(containerId ?? "") ?? details.of(id)?.restartPolicy ?? null,
        isDeployed: (rowId) => (deployed ??= containers.deployedRows()).has(rowId),
      });
      this.#write(tx, workloadId, expectations);
      for (const { id: rowId, state: from, containerId } of retired) {
        transitions.record(tx, {
          rowId,
          at: this.#c.now(),
          from,
          to: RETIRED,
          cause: "deployer",
          containerId,
          exitCode: null,
          origin: { by: "deployer", who: null, action: "removed", entry: null },
        });
        this.#c.sql("DELETE FROM containers WHERE id = ?").run(rowId);
      }
      return { expectations: this.of(workloadId), retired: retired.map(({ id }) => id) };
    });
  }

  #rowsOf(workloadId: string): IndexRow[] {
    return [...this.#tables.containers.index().rows()]
      .filter((row) => row.workloadId === workloadId);
  }
}

function isSame(a: NewExpectation, b: NewExpectation): boolean {
  return a.mode === b.mode && a.replicas === b.replicas && a.image === b.image &&
    a.source === b.source;
}

interface Tables {
  readonly containers: ContainerTable;
  readonly details: DetailColumns;
  readonly problems: ProblemTable;
  readonly transitions: TransitionTable;
  readonly workloads: WorkloadTable;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Roles that an error names. */
const MAX_TOLD = 20;

const SELECT = `
  SELECT workload_id, role, mode, replicas, image, source, config_hash, set_at FROM expectations`;

const INSERT = `
  INSERT INTO expectations
    (workload_id, role, mode, replicas, image, source, config_hash, set_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

type Columns = [
  string,
  string,
  Mode,
  number,
  string | null,
  ExpectationSource,
  string | null,
  string,
];

function expectation(c: Columns): KeptExpectation {
  const [workloadId, role, mode, replicas, image, source, configHash, setAt] = c;
  return { workloadId, role, mode, replicas, image, source, configHash, setAt: Date.parse(setAt) };
}

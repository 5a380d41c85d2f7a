/**
 * The plain reconciler: the rules of the index once more, told row by row and statement by
 * statement on a database of its own. It is what the real one is compared with, so it shares no
 * code with it, optimizes nothing and must not be mended to agree with it.
 *
 * @module
 */

import type { Database, Statement } from "@db/sqlite";
import type { ListedContainer, Listing } from "../../src/model/container.ts";
import type { RefusalReason } from "../../src/model/pass.ts";
import type { WorkloadKind } from "../../src/model/workload.ts";
import { loadSqlite } from "../jsr/sqlite_library.ts";

const sqlite = await loadSqlite();

/** A row of the plain index. */
export interface OracleRow {
  id: string;
  workload_id: string;
  workload_kind: WorkloadKind;
  role: string;
  replica: number;
  container_id: string | null;
  container_name: string;
  image_ref: string;
  host: string;
  state: string;
  health: string | null;
  exit_code: number | null;
  port: number;
  host_ip: string | null;
  host_port: number | null;
  /** JSON, names in order. */
  addresses: string;
  image_id: string | null;
  /** Seconds since the Unix epoch. */
  created_at_engine: number | null;
  last_seen_at: string | null;
  /** Why the container does not ask for the row that it is bound to; null when it does. */
  unclaimed_reason: string | null;
  unclaimed_value: string | null;
  stage_id: string | null;
  image_tag: string | null;
  subdomain: string | null;
  proxy_route_id: string | null;
  npm_proxy_id: number | null;
  /** JSON. */
  meta: string | null;
}

/** What should exist, as the oracle wants to be told. */
export interface OracleWorkload {
  id: string;
  kind: WorkloadKind;
  refId: string;
  /** Stacks only. */
  composeProject?: string;
}

/** What a deployer writes. What is left out stays. */
export type DeployerWrite = Partial<
  Pick<
    OracleRow,
    | "container_id"
    | "image_ref"
    | "stage_id"
    | "image_tag"
    | "subdomain"
    | "proxy_route_id"
    | "npm_proxy_id"
    | "meta"
  >
>;

/** A bound row and its container, taken before a listing is asked for. */
export interface OracleCandidate {
  id: string;
  container_id: string;
}

/** How to run a plain pass. */
export interface OraclePass {
  /** When the listing was asked for, RFC 3339 UTC. */
  at: string;
  /** What {@link Oracle.candidates} gave at that time. */
  candidates: OracleCandidate[];
  /** Which of them may go missing; all when left out. `confirmed`: that this Engine had. */
  sweep?: "all" | "confirmed" | "none";
  /** Prefix of Compose projects that want a stack; empty: none do. */
  composePrefix: string;
}

/** What a plain pass says of the containers that got no row. */
export interface OracleReport {
  /** Container id → why it got no row. */
  refused: Map<string, RefusalReason>;
  /** Ids of the rows that their container does not ask for. */
  unclaimed: string[];
  /** Row id → container ids that did not get it. */
  contended: Map<string, string[]>;
  /** Container ids that have a row now. */
  claimed: string[];
}

interface PlainClaim {
  /** Asked for by its name alone. */
  byName?: boolean;
  rowId: string;
  workloadId: string;
  kind: WorkloadKind;
  role: string;
  replica: number;
}

const SCHEMA = `
  CREATE TABLE workloads (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, ref_id TEXT NOT NULL, UNIQUE (kind, ref_id)
  );
  CREATE TABLE stacks (id TEXT PRIMARY KEY, compose_project_name TEXT NOT NULL UNIQUE);
  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    workload_id TEXT NOT NULL REFERENCES workloads (id) ON DELETE CASCADE,
    workload_kind TEXT NOT NULL,
    role TEXT NOT NULL,
    replica INTEGER NOT NULL,
    container_id TEXT,
    container_name TEXT NOT NULL DEFAULT '',
    image_ref TEXT NOT NULL DEFAULT '',
    host TEXT NOT NULL DEFAULT 'local',
    state TEXT NOT NULL,
    health TEXT,
    exit_code INTEGER,
    port INTEGER NOT NULL DEFAULT 0,
    host_ip TEXT,
    host_port INTEGER,
    addresses TEXT NOT NULL DEFAULT '{}',
    image_id TEXT,
    created_at_engine INTEGER,
    last_seen_at TEXT,
    unclaimed_reason TEXT,
    unclaimed_value TEXT,
    stage_id TEXT,
    image_tag TEXT,
    subdomain TEXT,
    proxy_route_id TEXT,
    npm_proxy_id INTEGER,
    meta TEXT
  );
  CREATE INDEX containers_container_id ON containers (container_id);
  CREATE INDEX containers_workload_id ON containers (workload_id);
  CREATE INDEX containers_stage_id ON containers (stage_id);
  CREATE INDEX containers_state ON containers (state);
`;

/** The plain index and the plain way to keep it. */
export class Oracle implements Disposable {
  readonly #db: Database;
  /** Rows whose container the last Engine that was listed has, or had until events told otherwise. */
  readonly #confirmed = new Set<string>();
  readonly #statements = new Map<string, Statement>();

  /** In memory, or in a file when a bench wants to know what files cost. */
  constructor(path = ":memory:") {
    this.#db = new sqlite.Database(path, { int64: true });
    this.#db.exec("PRAGMA journal_mode = WAL");
    // Kinder to the plain way than the store is to itself: no sync for each of its commits.
    this.#db.exec("PRAGMA synchronous = NORMAL");
    this.#db.exec("PRAGMA foreign_keys = ON");
    this.#db.exec(SCHEMA);
  }

  /** Registers a workload. */
  addWorkload(workload: OracleWorkload): void {
    this.#sql("INSERT INTO workloads (id, kind, ref_id) VALUES (?, ?, ?)")
      .run(workload.id, workload.kind, workload.refId);
    if (workload.kind === "stack") {
      this.#sql("INSERT INTO stacks (id, compose_project_name) VALUES (?, ?)")
        .run(workload.refId, workload.composeProject!);
    }
  }

  /** Forgets a workload and its rows. */
  removeWorkload(id: string): void {
    this.#sql("DELETE FROM stacks WHERE id = (SELECT ref_id FROM workloads WHERE id = ?)").run(id);
    this.#sql("DELETE FROM workloads WHERE id = ?").run(id);
  }

  /** Takes over rows as they are. */
  load(rows: readonly OracleRow[]): void {
    for (const row of rows) {
      const columns = Object.keys(row);
      this.#sql(
        `INSERT INTO containers (${columns}) VALUES (${columns.map(() => "?")})`,
      ).run(...Object.values(row));
    }
  }

  /** The deployer creates a row. */
  deployerCreates(
    row: { id: string; workloadId: string; role: string; replica: number },
    write: DeployerWrite,
  ): void {
    this.#sql(
      `INSERT INTO containers (id, workload_id, workload_kind, role, replica, state)
       VALUES (?, ?, (SELECT kind FROM workloads WHERE id = ?), ?, ?, 'pending')`,
    ).run(row.id, row.workloadId, row.workloadId, row.role, row.replica);
    this.deployerChanges(row.id, write);
  }

  /** The deployer changes a row. */
  deployerChanges(id: string, write: DeployerWrite): void {
    const { container_id: bound } = write;
    if (bound !== undefined && this.#row(id)?.container_id !== bound) this.#confirmed.delete(id);
    for (const [column, value] of Object.entries(write)) {
      this.#sql(`UPDATE containers SET ${column} = ? WHERE id = ?`).run(value, id);
    }
  }

  /** The deployer removes a row. */
  deployerRemoves(id: string): void {
    this.#confirmed.delete(id);
    this.#sql("DELETE FROM containers WHERE id = ?").run(id);
  }

  /** Rows that a complete listing may sweep. To be taken before the listing is asked for. */
  candidates(): OracleCandidate[] {
    return this.#sql(
      `SELECT id, container_id FROM containers
       WHERE container_id IS NOT NULL AND state <> 'missing' ORDER BY id`,
    ).all<Record<string, unknown>>() as unknown as OracleCandidate[];
  }

  /**
   * Applies a listing. A container that loses the row it was bound to may claim another then, so
   * there are rounds until none does.
   */
  pass(listing: Listing, options: OraclePass): OracleReport {
    const listed = new Set(listing.containers.map((c) => c.id));
    for (;;) {
      const { report, winners, asked, contested } = this.#round(listing, options);
      // Whoever did not get the row that its name asked for asks for one of its own.
      let displaced = contested;
      for (const [rowId, { claim, container }] of winners) {
        const row = this.#row(rowId);
        const bound = row?.container_id ?? null;
        if (bound !== null && bound !== container.id && listed.has(bound)) displaced = true;
        // Bound by the deployer since the listing was asked for, to what it can't know.
        const since = bound !== null && row!.state !== "missing" && !listed.has(bound) &&
          !options.candidates.some((c) => c.id === rowId && c.container_id === bound);
        if (since) continue;
        // Written whether it changed or not.
        this.#upsert(claim, container, options.at);
      }
      if (displaced) continue;

      // A row that its container does not ask for is true of it all the same.
      for (const container of listing.containers) {
        for (const { id, workload_id, workload_kind, role, replica } of this.#boundTo(container)) {
          if (winners.has(id)) continue;
          const claim = { rowId: id, workloadId: workload_id, kind: workload_kind, role, replica };
          const answer = asked.get(container.id)!;
          const [reason, value] = typeof answer === "string"
            ? [answer, this.#decider(container, answer)]
            : ["other-row", answer.rowId];
          this.#upsert(claim, container, options.at);
          this.#sql("UPDATE containers SET unclaimed_reason = ?, unclaimed_value = ? WHERE id = ?")
            .run(reason, value, id);
          report.unclaimed.push(id);
        }
      }

      // What the listing lacks and was asked for is gone.
      for (const candidate of options.candidates) {
        if (!this.#maySweep(candidate.id, options)) continue;
        if (listing.scope !== "all" && !listing.scope.has(candidate.container_id)) continue;
        if (listed.has(candidate.container_id)) continue;
        this.#sql("UPDATE containers SET state = 'missing' WHERE id = ? AND container_id = ?")
          .run(candidate.id, candidate.container_id);
      }
      for (const { id, container_id } of listing.scope === "all" ? this.rows() : []) {
        if (container_id === null || !listed.has(container_id)) this.#confirmed.delete(id);
      }
      // A site is expected to have a row, unless it is not known whose containers these are.
      if ((options.sweep ?? "all") === "all") {
        this.#sql(
          `INSERT INTO containers (id, workload_id, workload_kind, role, replica, state)
           SELECT id || ':site', id, 'site', '', 1, 'absent' FROM workloads AS w
           WHERE kind = 'site'
             AND NOT EXISTS (SELECT 1 FROM containers AS c WHERE c.workload_id = w.id)`,
        ).run();
      }
      return report;
    }
  }

  /** Every row, by id. */
  rows(): OracleRow[] {
    return this.#sql("SELECT * FROM containers ORDER BY id")
      .all<Record<string, unknown>>() as unknown as OracleRow[];
  }

  /** Closes its database. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  #maySweep(rowId: string, { sweep = "all" }: Pick<OraclePass, "sweep">): boolean {
    return sweep === "all" || sweep === "confirmed" && this.#confirmed.has(rowId);
  }

  /** Who gets which row, by the index as it stands. Writes nothing. */
  #round(
    listing: Listing,
    options: OraclePass,
  ): {
    report: OracleReport;
    winners: Map<string, { claim: PlainClaim; container: ListedContainer }>;
    asked: Map<string, PlainClaim | RefusalReason>;
    contested: boolean;
  } {
    const report: OracleReport = {
      refused: new Map(),
      unclaimed: [],
      contended: new Map(),
      claimed: [],
    };
    const asked = new Map<string, PlainClaim | RefusalReason>();
    let contested = false;
    const claims = new Map<string, { claim: PlainClaim; container: ListedContainer }[]>();
    const composeWorkloads = new Map<string, string | null>();
    for (const container of listing.containers) {
      const claim = this.#claim(container, { ...options, listing, composeWorkloads });
      asked.set(container.id, claim);
      if (typeof claim === "string") {
        report.refused.set(container.id, claim);
        continue;
      }
      const claimants = claims.get(claim.rowId);
      if (claimants === undefined) claims.set(claim.rowId, [{ claim, container }]);
      else claimants.push({ claim, container });
    }

    const winners = new Map<string, { claim: PlainClaim; container: ListedContainer }>();
    for (const [rowId, claimants] of claims) {
      const bound = claimants.length === 1 ? null : this.#row(rowId)?.container_id ?? null;
      let winner = claimants[0]!;
      if (claimants.length > 1 && claimants.some(({ claim }) => claim.byName)) contested = true;
      for (const other of claimants.slice(1)) {
        if (beats(other.container, winner.container, bound)) winner = other;
      }
      for (const { container } of claimants) {
        if (container.id === winner.container.id) continue;
        report.contended.set(rowId, [...report.contended.get(rowId) ?? [], container.id]);
      }
      winners.set(rowId, winner);
      report.claimed.push(winner.container.id);
    }
    return { report, winners, asked, contested };
  }

  #claim(
    container: ListedContainer,
    options: OraclePass & { listing: Listing; composeWorkloads: Map<string, string | null> },
  ): PlainClaim | RefusalReason {
    const workloadId = label(container, "tinyforge.workload.id");
    if (workloadId !== null) return this.#claimByWorkload(container, workloadId, options);

    const siteId = label(container, "tinyforge.static-site");
    if (siteId !== null) {
      const wid = this.#workloadOf("site", siteId);
      if (wid === null) return "unknown-site";
      if (runsOnce(container)) return "one-off";
      return this.#unlessForeign({
        rowId: `${wid}:site`,
        workloadId: wid,
        kind: "site",
        role: "",
        replica: 1,
      });
    }

    const project = label(container, "com.docker.compose.project");
    if (project === null) return "unmanaged";
    let wid = options.composeWorkloads.get(project);
    if (wid === undefined) {
      const stack = this.#sql("SELECT id FROM stacks WHERE compose_project_name = ?")
        .value<[string]>(project);
      wid = stack === undefined ? null : this.#workloadOf("stack", stack[0]);
      options.composeWorkloads.set(project, wid);
    }
    if (wid === null) {
      const { composePrefix } = options;
      const wantsStack = composePrefix !== "" && project.startsWith(composePrefix);
      return wantsStack ? "unknown-stack" : "unmanaged";
    }
    if (runsOnce(container)) return "one-off";
    // Only Compose itself says more of a container than an image that it built does.
    if (
      label(container, "com.docker.compose.version") !== null &&
      label(container, "com.docker.compose.config-hash") === null &&
      label(container, "com.docker.compose.container-number") === null
    ) return "inherited";
    const named = container.name === "" ? container.id : container.name;
    const role = label(container, "com.docker.compose.service") ?? named;
    const number = label(container, "com.docker.compose.container-number") ?? "1";
    const replica = /^[1-9][0-9]{0,5}$/.test(number) ? Number(number) : 1;
    return this.#unlessForeign({
      rowId: replica > 1 ? `${wid}:${role}:${replica}` : `${wid}:${role}`,
      workloadId: wid,
      kind: "stack",
      role,
      replica,
    });
  }

  #claimByWorkload(
    container: ListedContainer,
    workloadId: string,
    pass: OraclePass & { listing: Listing },
  ): PlainClaim | RefusalReason {
    const workload = this.#sql("SELECT kind FROM workloads WHERE id = ?")
      .value<[WorkloadKind]>(workloadId);
    if (workload === undefined) return "unknown-workload";
    const kind = workload[0];
    const saidKind = label(container, "tinyforge.workload.kind");
    if (saidKind !== null && saidKind !== kind) return "kind-mismatch";

    if (runsOnce(container)) return "one-off";
    const role = label(container, "tinyforge.workload.role");
    const bound = this.#sql(
      "SELECT id, workload_id, role, replica FROM containers WHERE container_id = ? ORDER BY id",
    ).values<[string, string, string, number]>(container.id);
    const own = bound.find((row) => row[1] === workloadId);
    if (own !== undefined) {
      // A site has no roles; no label of this rule tells a replica.
      const keepsRole = role === null || kind === "site";
      return {
        rowId: own[0],
        workloadId,
        kind,
        role: keepsRole ? own[2] : role,
        replica: own[3],
      };
    }
    if (bound.length > 0) return "workload-mismatch";
    const rowId = label(container, "tinyforge.row.id");
    const named = rowId === null
      ? undefined
      : this.#sql("SELECT id, role, replica FROM containers WHERE id = ? AND workload_id = ?")
        .value<[string, string, number]>(rowId, workloadId);
    if (named !== undefined) {
      const keepsRole = role === null || kind === "site";
      return {
        rowId: named[0],
        workloadId,
        kind,
        role: keepsRole ? named[1] : role,
        replica: named[2],
      };
    }
    if (kind === "project") return "awaiting-deployer";

    if (kind === "stack" && role === null && container.name !== "") {
      const row = this.#sql(
        `SELECT id, container_id, state, role, replica FROM containers
         WHERE workload_id = ? AND container_name = ? AND container_id IS NOT NULL
         ORDER BY created_at_engine DESC NULLS LAST, id`,
      ).values<[string, string, string, string, number]>(workloadId, container.name)
        .find(([id, was, state]) => {
          if (pass.listing.containers.some((c) => c.id === was)) return false;
          const known = pass.candidates.some((c) => c.id === id && c.container_id === was);
          return state === "missing" || known && this.#maySweep(id, pass);
        });
      if (row !== undefined) {
        return {
          rowId: row[0],
          workloadId,
          kind,
          role: row[3],
          replica: row[4],
          byName: true,
        };
      }
    }

    const part = kind === "site" ? "site" : role ?? container.id;
    return this.#unlessForeign({
      rowId: `${workloadId}:${part}`,
      workloadId,
      kind,
      role: kind === "site" ? "" : role ?? "",
      replica: 1,
    });
  }

  #workloadOf(kind: WorkloadKind, refId: string): string | null {
    return this.#sql("SELECT id FROM workloads WHERE kind = ? AND ref_id = ?")
      .value<[string]>(kind, refId)?.[0] ?? null;
  }

  /** A row keeps its workload: whoever made it decided that. */
  #unlessForeign(claim: PlainClaim): PlainClaim | RefusalReason {
    const row = this.#row(claim.rowId);
    if (row !== null && row.workload_id !== claim.workloadId) return "workload-mismatch";
    return claim;
  }

  /** The value that a refusal tells. */
  #decider(container: ListedContainer, reason: RefusalReason): string {
    const workload = label(container, "tinyforge.workload.id");
    const site = label(container, "tinyforge.static-site");
    const project = label(container, "com.docker.compose.project");
    switch (reason) {
      case "unmanaged":
        return "";
      case "kind-mismatch":
        return label(container, "tinyforge.workload.kind")!;
      case "one-off":
        return project ?? "";
      case "workload-mismatch": {
        if (workload !== null) return workload;
        if (site !== null) return this.#workloadOf("site", site)!;
        const stack = this.#sql("SELECT id FROM stacks WHERE compose_project_name = ?")
          .value<[string]>(project!)!;
        return this.#workloadOf("stack", stack[0])!;
      }
      default:
        return workload ?? site ?? project!;
    }
  }

  /** Rows bound to a container, by id. */
  #boundTo({ id }: ListedContainer): OracleRow[] {
    return this.#sql("SELECT * FROM containers WHERE container_id = ? ORDER BY id")
      .all<Record<string, unknown>>(id) as unknown as OracleRow[];
  }

  #row(id: string): { workload_id: string; container_id: string | null; state: string } | null {
    const row = this.#sql("SELECT workload_id, container_id, state FROM containers WHERE id = ?")
      .value<[string, string | null, string]>(id);
    if (row === undefined) return null;
    return { workload_id: row[0], container_id: row[1], state: row[2] };
  }

  #upsert(claim: PlainClaim, container: ListedContainer, at: string): void {
    this.#confirmed.add(claim.rowId);
    this.#sql(
      `INSERT INTO containers (
         id, workload_id, workload_kind, role, replica, container_id, container_name, image_ref,
         host, state, health, exit_code, port, host_ip, host_port, addresses, image_id,
         created_at_engine, last_seen_at
       ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'local', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         workload_id = excluded.workload_id,
         workload_kind = excluded.workload_kind,
         role = excluded.role,
         replica = excluded.replica,
         container_id = excluded.container_id,
         container_name = excluded.container_name,
         image_ref = excluded.image_ref,
         host = excluded.host,
         state = excluded.state,
         health = excluded.health,
         exit_code = excluded.exit_code,
         port = excluded.port,
         host_ip = excluded.host_ip,
         host_port = excluded.host_port,
         addresses = excluded.addresses,
         image_id = excluded.image_id,
         created_at_engine = excluded.created_at_engine,
         last_seen_at = excluded.last_seen_at,
         unclaimed_reason = NULL,
         unclaimed_value = NULL`,
    ).run(
      claim.rowId,
      claim.workloadId,
      claim.kind,
      claim.role,
      claim.replica,
      container.id,
      container.name,
      container.image,
      rowState(container.state),
      container.health,
      container.exitCode,
      privatePort(container),
      publication(container)?.hostIp ?? null,
      publication(container)?.publicPort ?? null,
      container.addresses,
      container.imageId,
      container.createdAt,
      at,
    );
  }

  #sql(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** Values come from anyone with the socket: what can't be an honest one counts as none. */
function label(container: ListedContainer, name: string): string | null {
  const value = Object.hasOwn(container.labels, name) ? container.labels[name]! : "";
  if (value === "" || value.length > 256 || !value.isWellFormed()) return null;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f)) return null;
  }
  return value;
}

/** Compose's `run` and its hooks; Podman's Compose gives what it runs a name and no label. */
function runsOnce(container: ListedContainer): boolean {
  if (label(container, "com.docker.compose.oneoff") === "True") return true;
  if (label(container, "com.docker.compose.hook") !== null) return true;
  return label(container, "com.docker.compose.project") !== null &&
    !Object.hasOwn(container.labels, "com.docker.compose.config-hash") &&
    /_tmp\d+$/.test(container.name);
}

function rowState(state: string): string {
  return state === "exited" || state === "dead" ? "stopped" : state;
}

const RANKS = [["running"], ["paused", "restarting"], ["created"], ["stopped"], ["removing"]];

function rank(container: ListedContainer): number {
  const found = RANKS.findIndex((states) => states.includes(rowState(container.state)));
  return found === -1 ? RANKS.length : found;
}

function beats(a: ListedContainer, b: ListedContainer, bound: string | null): boolean {
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  if (a.id === bound) return true;
  if (b.id === bound) return false;
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt;
  return a.id > b.id;
}

function privatePort(container: ListedContainer): number {
  const lowest = (ports: typeof container.ports): number | null =>
    ports.length === 0 ? null : Math.min(...ports.map((port) => port.privatePort));
  const tcp = container.ports.filter((port) => port.protocol === "tcp");
  return lowest(tcp.filter((port) => port.publicPort !== null)) ?? lowest(tcp) ??
    lowest(container.ports) ?? 0;
}

/** Where the private port is published: of several publications the first in order. */
function publication(container: ListedContainer): ListedContainer["ports"][number] | undefined {
  const port = privatePort(container);
  const tcp = container.ports.some(({ protocol }) => protocol === "tcp");
  return container.ports
    .filter((p) => p.privatePort === port && p.publicPort !== null)
    .filter(({ protocol }) => (protocol === "tcp") === tcp)
    .toSorted((a, b) =>
      Number(a.hostIp!.includes(":")) - Number(b.hostIp!.includes(":")) ||
      (a.hostIp === b.hostIp ? a.publicPort! - b.publicPort! : a.hostIp! < b.hostIp! ? -1 : 1)
    )[0];
}

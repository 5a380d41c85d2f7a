/**
 * The store: one SQLite database and the tables in it. Opens, migrates, closes and runs
 * transactions; what stands in a table is the business of that table's file. Knows nothing of
 * Docker, HTTP or who listens to changes.
 *
 * @module
 */

import type { Database } from "@db/sqlite";
import type { Feed } from "../feed.ts";
import type { Retention } from "../model/past.ts";
import type { Written } from "../model/written.ts";
import { AuditTable } from "./audit.ts";
import { ChannelTable } from "./channels.ts";
import { Connection } from "./connection.ts";
import { distrust, distrustShape } from "../system/private.ts";
import { ContainerTable } from "./containers.ts";
import { ContainerViews } from "./container_views.ts";
import { DeployedContainers } from "./deployed_containers.ts";
import { Failure, isFailure } from "../failure.ts";
import { type Damages, damagesOf, refuseCorrupted } from "./damages.ts";
import { guarded, storeError } from "./error.ts";
import { ExpectationTable } from "./expectations.ts";
import { DetailColumns } from "./details.ts";
import { RowChangeTable } from "./row_changes.ts";
import { HostTable } from "./hosts.ts";
import { PastTables } from "./past.ts";
import { ProblemTable } from "./problems.ts";
import { SilenceTable } from "./silences.ts";
import { loadMigrations, migrate, requireCurrent } from "./migrate.ts";
import { NoticeTable } from "./notices.ts";
import { closedError, openingError, SUFFIXES } from "./opening_error.ts";
import { Registry } from "./registry.ts";
import { ReplicaTable } from "./replica.ts";
import { SessionTable } from "./sessions.ts";
import { StageTable } from "./stages.ts";
import { TokenTable } from "./tokens.ts";
import { TransitionTable } from "./transitions.ts";
import { WorkloadTable } from "./workloads.ts";
import { quotePath } from "../text.ts";

/** How to open a store. */
export interface StoreOptions {
  /** Read only: never creates, migrates or writes. Default false. */
  readonly?: boolean;
  /** Time as RFC 3339 UTC; for tests. */
  now?: () => string;
  /** Is told of each commit that changed what readers see. */
  feed?: Feed<Written>;
}

/**
 * Opens the database at `path` and brings it to this program's schema. `DENO_SQLITE_PATH` must
 * name the SQLite library by now, because importing `@db/sqlite` loads it.
 *
 * @throws {Failure} `corrupt`, `newer`, `full`, `readonly`, `busy`, `io`; with `readonly` also
 *   `not-found` when there is no database yet.
 */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store> {
  const { now = () => new Date().toISOString(), readonly = false, feed = null } = options;
  if (readonly) await requireFile(path);
  else await createPrivate(path);
  await requireSafe(path, { readonly });
  const frozen = readonly && await isFrozen(path);
  const { Database } = await import("@db/sqlite");
  const open = () => {
    const db = frozen
      ? new Database(immutableUri(path), FROZEN)
      : new Database(path, { readonly, create: false, int64: true });
    try {
      db.exec(BUSY_TIMEOUT);
      db.exec("PRAGMA foreign_keys = ON");
      // A database from elsewhere must not have its views and triggers call what SQLite can do.
      db.exec("PRAGMA trusted_schema = OFF");
      const migrations = loadMigrations();
      if (readonly) {
        requireCurrent(db, migrations, { path });
      } else {
        refuseCorrupted(db, path);
        db.exec("PRAGMA journal_mode = WAL");
        db.exec("PRAGMA synchronous = FULL");
        db.exec("PRAGMA journal_size_limit = 16777216");
        // In pages of 4096 bytes: the first pass over ten thousand containers fits in, and does not
        // have to move itself into the database file as well.
        db.exec("PRAGMA wal_autocheckpoint = 4000");
        migrate(db, migrations, { path, now: now() });
        refuseReadonly(db);
      }
      return new Store(new Connection(db, { now, feed, readonly }), path);
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    return guarded(`Cannot open ${quotePath(path)}`, open);
  } catch (error) {
    throw openingError(path, error);
  }
}

/** An open database. Every method is synchronous; the process that owns the lock is the writer. */
export class Store {
  /** Path of the database file. */
  readonly path: string;
  /** Projects, stacks and sites, each with its workload. */
  readonly registry: Registry;
  /** Stages of projects. */
  readonly stages: StageTable;
  /** Workloads: lookups and secrets. */
  readonly workloads: WorkloadTable;
  /** The containers index as the reconciler reads and writes it. */
  readonly containers: ContainerTable;
  /** The containers index as the deployer writes it. */
  readonly deployed: DeployedContainers;
  /** The containers index as everyone else reads it. */
  readonly views: ContainerViews;
  /** What should run of each role of a workload. */
  readonly expectations: ExpectationTable;
  /** What is remembered of a host. */
  readonly hosts: HostTable;
  /** What happened to each row. */
  readonly transitions: TransitionTable;
  /** What else happened to each row. */
  readonly changes: RowChangeTable;
  /** What inspects tell of rows' containers. */
  readonly details: DetailColumns;
  /** What was, as readers of the past need it. */
  readonly past: PastTables;
  /** What is wrong, and what its judge remembers. */
  readonly problems: ProblemTable;
  /** Of what nobody wants to hear. */
  readonly silences: SilenceTable;
  /** Where people are told. */
  readonly channels: ChannelTable;
  /** What they are told. */
  readonly notices: NoticeTable;
  /** Who may ask over TCP. */
  readonly tokens: TokenTable;
  /** Browsers that logged in. */
  readonly sessions: SessionTable;
  /** Who changed what. */
  readonly audit: AuditTable;
  /** The index as others follow it. */
  readonly replica: ReplicaTable;
  readonly #c: Connection;
  #looking: Promise<Damages> | null = null;
  #closed = false;

  /** Use {@link openStore}. */
  constructor(connection: Connection, path: string) {
    this.#c = connection;
    this.path = path;
    const hosts = this.hosts = new HostTable(connection);
    const { watched } = hosts;
    const transitions = this.transitions = new TransitionTable(connection, { watched });
    this.past = new PastTables(connection);
    const views = this.views = new ContainerViews(connection);
    this.workloads = new WorkloadTable(connection, { transitions });
    this.stages = new StageTable(connection);
    const changes = this.changes = new RowChangeTable(connection);
    this.containers = new ContainerTable(connection, { hosts, transitions, changes });
    this.details = new DetailColumns(connection);
    this.deployed = new DeployedContainers(connection, { hosts, transitions, views });
    this.problems = new ProblemTable(connection);
    this.silences = new SilenceTable(connection);
    this.channels = new ChannelTable(connection);
    this.notices = new NoticeTable(connection);
    this.tokens = new TokenTable(connection);
    this.sessions = new SessionTable(connection);
    this.audit = new AuditTable(connection);
    this.registry = new Registry(connection, { workloads: this.workloads });
    const { containers, details, problems, workloads } = this;
    this.expectations = new ExpectationTable(connection, {
      containers,
      details,
      problems,
      transitions,
      workloads,
    });
    const told = { watched, transitions, problems, workloads, expectations: this.expectations };
    this.replica = new ReplicaTable(connection, told);
  }

  /** Runs `operation` in one transaction: what it throws undoes all that it wrote. */
  atOnce<T>(action: string, operation: () => T): T {
    return this.#c.write(action, operation);
  }

  /** Size of the database in bytes, without its write-ahead log. */
  sizeBytes(): number {
    return this.#c.sql(
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    ).value<[number]>()![0];
  }

  /** What is damaged of the database. Reads all of it; whoever asks meanwhile gets the same answer. */
  async damages(): Promise<Damages> {
    this.#looking ??= damagesOf(this.#c, this.path).finally(() => this.#looking = null);
    return await this.#looking;
  }

  /** Rows changed through this connection since it was opened, as SQLite counts them. */
  totalChanges(): number {
    return this.#c.totalChanges;
  }

  /**
   * Stays the same for as long as nothing in the database changes, through this connection or
   * another one. Says nothing across two openings.
   */
  version(): string {
    return `${this.#c.dataVersion()}-${this.#c.totalChanges}`;
  }

  /** How much of the past is kept from now on. */
  keepPast(retention: Retention): void {
    this.transitions.keep(retention);
    this.changes.keep(retention);
    this.problems.keep(retention);
  }

  /** How long a statement waits for another process's write lock, milliseconds; 5 s at first. */
  setBusyTimeout(ms: number): void {
    this.#c.setBusyTimeout(ms);
  }

  /** Closes the database; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#c.close();
  }

  /** The same as {@link Store.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

const BUSY_TIMEOUT = "PRAGMA busy_timeout = 5000";

/**
 * A statement that needs the right to write and writes nothing. To begin a transaction is not
 * enough: on a connection that may only read SQLite begins one for reading.
 */
const WRITES_NOTHING = "DELETE FROM hosts WHERE 0";

/** SQLite opens a file that can't be written all the same, and fails with each write later on. */
function refuseReadonly(db: Database): void {
  db.exec("PRAGMA busy_timeout = 0");
  try {
    db.exec(WRITES_NOTHING);
  } catch (cause) {
    const error = storeError("", cause);
    // Whoever holds the write lock shows that it can be had.
    if (!isFailure(error, "busy")) throw cause;
  }
  db.exec(BUSY_TIMEOUT);
}

async function requireFile(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw openError(path, error);
    throw new Failure("not-found", `Cannot read ${quotePath(path)}: there is no index yet`, {
      data: { thing: "index", id: path },
    });
  }
}

/**
 * Creates the file for this user alone before SQLite would create it with the umask's mode, and
 * takes from others what they may do with one that is there.
 */
async function createPrivate(path: string): Promise<void> {
  try {
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    file.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw openError(path, error);
    for (const suffix of SUFFIXES) await narrow(path + suffix);
  }
}

/** How one on a read-only file system is opened: SQLITE_OPEN_READONLY and SQLITE_OPEN_URI. */
export const FROZEN = { flags: 0x1 | 0x40, int64: true } as const;

/**
 * Whether the database is whole as it stands on a read-only file system. To read one that has, or
 * had, a write-ahead log SQLite makes files beside it, which it can't there. Not for a database that
 * this process has open: to look means to let go of SQLite's locks on it.
 */
export async function isFrozen(path: string): Promise<boolean> {
  const isThere = (file: string) => Deno.lstat(file).then(() => true, () => false);
  if (await isThere(`${path}-wal`)) return false;
  try {
    (await Deno.open(path, { write: true })).close();
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "EROFS";
  }
}

/** The name by which SQLite opens one without making files beside it. */
export function immutableUri(path: string): string {
  return `file:${path.split("/").map(encodeURIComponent).join("/")}?immutable=1`;
}

/**
 * Refuses files that another user made or that lead elsewhere: opening a FIFO can wait for ever, and
 * through a link two directories, each with its own lock, would have one database. Who only reads
 * may read another user's.
 *
 * @throws {Failure} `untrusted`
 */
export async function requireSafe(
  path: string,
  { readonly }: { readonly: boolean },
): Promise<void> {
  for (const suffix of SUFFIXES) {
    const file = path + suffix;
    const info = await Deno.lstat(file).catch(() => null);
    if (info === null) continue;
    const wrong = distrustShape(file, info) ?? (readonly ? null : distrust(file, info));
    if (wrong === null) continue;
    const message = `Cannot open ${quotePath(path)}: ${wrong.reason}`;
    throw new Failure("untrusted", message, { data: wrong });
  }
}

/**
 * Somebody's backup may have restored it wider than it was. The owner's own rights stay as they are,
 * and whoever may not change them can still open the file.
 */
async function narrow(path: string): Promise<void> {
  try {
    const { isFile, mode } = await Deno.lstat(path);
    if (isFile && mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, mode & 0o700);
  } catch {
    // Not there, not ours, or on a file system without modes: opening it says what matters.
  }
}

function openError(path: string, cause: unknown): unknown {
  const code = (cause as { code?: string }).code;
  if (code === "ENOSPC") {
    return new Failure("full", `Cannot open ${quotePath(path)}: the disk is full`, {
      data: {},
      cause,
    });
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    const closed = code === "EROFS" ? null : closedError(path, cause);
    if (closed !== null) return closed;
    return new Failure(
      "readonly",
      `Cannot open ${quotePath(path)}: permission denied (${code})`,
      {
        data: { denied: true },
        cause,
      },
    );
  }
  return storeError(`Cannot open ${quotePath(path)}`, cause);
}

/**
 * What writers were told, held against what stands in a database: every acknowledged write is
 * there, every other one is there as a whole or not at all, and what belongs together agrees.
 * Reads the tables with SQL of its own; must not use the program's queries.
 *
 * @module
 */

import "../harness/program.ts"; // names the SQLite library
const { Database } = await import("@db/sqlite");

/** What the writers write. */
export type ThingKind = "project" | "stack" | "site" | "stage" | "row";

/** The columns of a thing as text, or null where it does not exist. */
export type ThingState = Readonly<Record<string, string>> | null;

/** Stands for a secret that was made and that nobody was told. */
export const UNTOLD = "(untold)";

/** Something that a writer made; one writer alone writes to it. */
export class Thing {
  readonly kind: ThingKind;
  /** Null until its creation was answered or found. */
  id: string | null;
  /** Id of its workload; null until known, and for stages and rows. */
  workloadId: string | null = null;
  /** The states it may be in: one, or two while a write is under way. */
  possible: ThingState[] = [null];
  /** Secrets that were replaced. */
  readonly spent: Set<string> = new Set();

  constructor(kind: ThingKind, id: string | null = null) {
    this.kind = kind;
    this.id = id;
  }

  /** The state it is in; throws while a write is under way. */
  get state(): ThingState {
    if (this.possible.length !== 1) throw new Error(`Cannot tell the state of ${this}: not known`);
    return this.possible[0]!;
  }

  /** For messages. */
  toString(): string {
    const named = this.possible.find((state) => state !== null);
    return `${this.kind} ${this.id ?? ""} ${JSON.stringify(named?.name ?? "")}`;
  }
}

/** A write over HTTP. */
export interface LedgerWrite {
  /** What is true once it is done. */
  readonly next: ThingState;
  readonly send: () => Promise<Response>;
}

/** What was written, and what of it is certain. */
export class Ledger {
  readonly things: Set<Thing> = new Set();
  /** Writes that were answered 2xx. */
  acknowledged = 0;
  /** Answers that were neither 2xx nor the end of the daemon, as `<status> <body>`. */
  readonly refusals: string[] = [];
  /** Writes that were under way when the daemon ended, by what became of them. */
  readonly unanswered: { whole: number; absent: number } = { whole: 0, absent: 0 };

  /** A new thing; it does not exist before a write says so. */
  thing(kind: ThingKind, id: string | null = null): Thing {
    const thing = new Thing(kind, id);
    this.things.add(thing);
    return thing;
  }

  /**
   * Sends a write. Returns the answer's body; null when it was refused or the daemon ended, so
   * that nobody knows.
   */
  async write(thing: Thing, { next, send }: LedgerWrite): Promise<Record<string, string> | null> {
    const before = thing.state;
    thing.possible = [before, next];
    let response: Response;
    try {
      response = await send();
    } catch {
      return null; // no answer came
    }
    // The head acknowledges, whatever becomes of the body.
    if (response.ok) {
      this.acknowledged++;
      thing.possible = [next];
      if (before !== null && before["secret"] !== next?.["secret"]) {
        thing.spent.add(before["secret"]!);
      }
    }
    const text = await response.text().catch(() => null);
    if (!response.ok) {
      this.refusals.push(`${response.status} ${text}`);
      thing.possible = [before];
      return null;
    }
    if (text === null) return null;
    const body = text === "" ? {} : JSON.parse(text);
    thing.id ??= body.id;
    thing.workloadId ??= body.workloadId ?? null;
    if (next !== null && next["secret"] === UNTOLD) {
      thing.possible = [{ ...next, secret: body.secret }];
    }
    return body;
  }

  /**
   * Compares with what a database holds, says what disagrees, and from then on takes what was
   * found for what is true.
   */
  compare(found: Found): string[] {
    const violations: string[] = [];
    const accounted = new Set<FoundThing>();
    for (const thing of [...this.things]) {
      const match = found.things.find((each) => isSame(thing, each));
      if (match !== undefined) accounted.add(match);
      const state = match?.state ?? null;
      const which = thing.possible.findLastIndex((possible) => agree(thing, possible, state));
      if (which < 0) {
        const wanted = thing.possible.map((each) => JSON.stringify(each)).join(" or ");
        violations.push(`${thing}: found ${JSON.stringify(state)}, wanted ${wanted}`);
      } else if (thing.possible.length > 1) {
        if (which === 1) this.unanswered.whole++;
        else this.unanswered.absent++;
      }
      thing.id ??= match?.id ?? null;
      thing.workloadId ??= match?.workloadId ?? null;
      thing.possible = [state];
      if (state === null) this.things.delete(thing);
    }
    for (const each of found.things) {
      if (!accounted.has(each)) violations.push(`nobody wrote ${JSON.stringify(each)}`);
    }
    return violations;
  }
}

/** Something that a database holds. */
export interface FoundThing {
  readonly kind: ThingKind;
  readonly id: string;
  readonly workloadId: string | null;
  readonly state: ThingState;
}

/** What a database holds, and what is wrong with it by itself. */
export interface Found {
  /** Whether the tables are there: all of them or, after a migration that never ended, none. */
  readonly migrated: boolean;
  readonly things: readonly FoundThing[];
  /** Image of the containers that are all replaced at once; null without any. */
  readonly generation: string | null;
  readonly violations: readonly string[];
}

/** Rows that a deployer made in these tests have ids that begin so. */
export const DEPLOYED = "row-";

/**
 * Reads a database and looks for damage: pages, references, entries without their workload or with
 * another name than it, rows that tell another state than their story, deployer's columns that
 * nobody wrote, passes that were written in part.
 *
 * @param path a copy: opening one for the first time after a crash changes it.
 */
export function readDatabase(path: string, options: { readonly?: boolean } = {}): Found {
  const db = new Database(path, { create: false, int64: true, ...options });
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    const present = new Set(db.prepare(TABLE_NAMES).values<[string]>().flat());
    if (present.size === 0) {
      return { migrated: false, things: [], generation: null, violations: [] };
    }
    const missing = TABLES.filter((table) => !present.has(table));
    if (missing.length > 0) throw new Error(`no table ${missing.join(", ")}`);
    const violations = DAMAGE.flatMap(([what, sql]) =>
      db.prepare(sql).values<string[]>().map((row) => `${what}: ${row.join(" ")}`)
    );
    const things = THINGS.flatMap(([kind, sql]) =>
      db.prepare(sql).all<Record<string, string>>().map(({ id, workloadId, ...state }) => ({
        kind,
        id: id!,
        workloadId: workloadId ?? null,
        state,
      }))
    );
    const generation = db.prepare(`SELECT max(image_ref) ${GENERATION}`).value<[string]>()![0];
    return { migrated: true, things, generation, violations };
  } catch (error) {
    const violations = [`the database can't be read: ${(error as Error).message}`];
    return { migrated: true, things: [], generation: null, violations };
  } finally {
    db.close();
  }
}

/** Copies a database with its write-ahead log into a directory, and returns the copy's path. */
export async function copyDatabase(path: string, directory: string): Promise<string> {
  const copy = `${directory}/copy.db`;
  await Deno.copyFile(path, copy);
  try {
    await Deno.copyFile(`${path}-wal`, `${copy}-wal`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return copy;
}

/**
 * Whether a database's write-ahead log ends with pages of a transaction that was not committed: a
 * kill came in the middle of writing it.
 */
export function endsWithinTransaction(path: string): boolean {
  let log: Uint8Array<ArrayBuffer>;
  try {
    log = Deno.readFileSync(`${path}-wal`);
  } catch {
    return false;
  }
  if (log.length < WAL_HEADER) return log.length > 0;
  const view = new DataView(log.buffer);
  const frame = WAL_FRAME_HEADER + view.getUint32(8);
  let open = false;
  let at = WAL_HEADER;
  for (; at + frame <= log.length; at += frame) {
    // Frames of an earlier round of the log carry another salt.
    if (view.getBigUint64(at + 8) !== view.getBigUint64(16)) return open;
    // A commit says how large the database is from then on.
    open = view.getUint32(at + 4) === 0;
  }
  return open || at < log.length;
}

const WAL_HEADER = 32;
const WAL_FRAME_HEADER = 24;

const TABLE_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const TABLES = ["schema_migrations", "hosts", "workloads", "containers", "transitions"];
const GENERATION = "FROM containers WHERE image_ref LIKE 'generation:%'";

/** Every row of an answer is damage. */
const DAMAGE: readonly (readonly [string, string])[] = [
  ["integrity", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"],
  ["dangling reference", `SELECT "table", "parent" FROM pragma_foreign_key_check`],
  [
    "workload without its entry",
    `SELECT kind, id, name FROM workloads AS w WHERE NOT EXISTS (
       SELECT 1 FROM projects AS e WHERE w.kind = 'project' AND e.id = w.ref_id UNION ALL
       SELECT 1 FROM stacks AS e WHERE w.kind = 'stack' AND e.id = w.ref_id UNION ALL
       SELECT 1 FROM static_sites AS e WHERE w.kind = 'site' AND e.id = w.ref_id)`,
  ],
  [
    "row with another state than its story",
    `SELECT c.id, c.state, coalesce(t.to_state, 'no story') FROM containers AS c
     LEFT JOIN transitions AS t
       ON t.seq = (SELECT max(seq) FROM transitions WHERE row_id = c.id)
     WHERE t.to_state IS NOT c.state`,
  ],
  [
    "row of a pass with a deployer's column",
    `SELECT id FROM containers WHERE id NOT LIKE '${DEPLOYED}%'
     AND coalesce(stage_id, image_tag, subdomain, proxy_route_id, npm_proxy_id) IS NOT NULL`,
  ],
  // The Engine never lists two generations at once.
  [
    "pass written in part",
    `SELECT group_concat(DISTINCT image_ref) ${GENERATION} HAVING count(DISTINCT image_ref) > 1`,
  ],
];

const entries = (kind: ThingKind, table: string, detail: string) =>
  [
    kind,
    `SELECT e.id AS id, w.id AS workloadId, e.name AS name, coalesce(w.name, '') AS workload,
       coalesce(${detail}, '') AS detail, coalesce(w.webhook_secret, '') AS secret
     FROM ${table} AS e LEFT JOIN workloads AS w ON w.kind = '${kind}' AND w.ref_id = e.id`,
  ] as const;

const THINGS: readonly (readonly [ThingKind, string])[] = [
  entries("project", "projects", "NULL"),
  entries("stack", "stacks", "e.compose_project_name"),
  entries("site", "static_sites", "e.domain"),
  ["stage", "SELECT id, name, CAST(max_instances AS TEXT) AS max FROM stages"],
  [
    "row",
    `SELECT id, coalesce(container_id, '') AS container, coalesce(subdomain, '') AS subdomain,
       coalesce(image_tag, '') AS tag, coalesce(stage_id, '') AS stage
     FROM containers WHERE id LIKE '${DEPLOYED}%'`,
  ],
];

/** One whose creation was not answered is known by its name alone; names are never used twice. */
function isSame(thing: Thing, found: FoundThing): boolean {
  if (thing.kind !== found.kind) return false;
  if (thing.id !== null) return thing.id === found.id;
  return thing.possible.some((state) => state !== null && state["name"] === found.state!["name"]);
}

function agree(thing: Thing, wanted: ThingState, found: ThingState): boolean {
  if (wanted === null || found === null) return wanted === found;
  return Object.entries(wanted).every(([column, value]) => {
    const other = found[column]!;
    if (column !== "secret" || value !== UNTOLD) return value === other;
    // It may be any, but none that was in use before: not even in this very state.
    const before = thing.possible[0]?.["secret"];
    return /^[A-Za-z0-9_-]{43}$/.test(other) && other !== before && !thing.spent.has(other);
  });
}

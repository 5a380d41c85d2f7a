/**
 * The one error of this program: what went wrong as a code, with what is known of it as data. The
 * message says the facts ("Cannot X: reason", values quoted); what a person can do about them is
 * chosen by code where it is shown. Must not name commands, flags or HTTP statuses.
 *
 * @module
 */

/** What was being asked of the Engine: one word for each request this program makes. */
export type DockerEndpoint =
  | "host"
  | "ping"
  | "version"
  | "info"
  | "list"
  | "list_ids"
  | "events"
  | "inspect"
  | "top"
  | "image";

/** What can be looked for in the index, the index itself and its schema among it. */
export type Thing =
  | "project"
  | "stack"
  | "site"
  | "workload"
  | "stage"
  | "row"
  | "silence"
  | "channel"
  | "rule"
  | "candidate"
  | "token"
  | "session"
  | "host"
  | "index"
  | "schema";

/** What is known of a failure that has nothing but its message. */
export type Nothing = Readonly<Record<never, never>>;

/** What is known of a request that the Engine did not answer as it should. */
export interface Asked {
  /** What was being asked. */
  readonly endpoint: DockerEndpoint;
}

/** What is known of a lock that could not be had. */
export interface Locking {
  /** The data directory. */
  readonly directory: string;
  /** The file that it is about. */
  readonly path: string;
}

/** A setting and the value that it was given. */
export interface GivenSetting {
  /** Its name, as `docker-host`. */
  readonly setting: string;
  /** The environment variable that gave the value; null when the caller or a default did. */
  readonly variable: string | null;
  /** The value as given; null when there is none. */
  readonly value: string | null;
}

/** A setting that can't be used. */
export interface SettingProblem extends GivenSetting {
  /** Why; what to write instead is part of it. */
  readonly reason: string;
  /** What is known of an Engine's address that can't be used. */
  readonly host?: FailureData["engine-host"];
}

/** A socket that was looked for, and why it is not used. */
export interface RejectedSocket {
  /** Its path, or the Docker context that names an Engine. */
  readonly at: string;
  /** Why not, as "there is nothing". */
  readonly why: string;
}

/** Code → what is known. Nothing was written when one of these is thrown. */
export interface FailureData {
  /** There is no such thing; `id` is how it was named (a path for the index and its schema). */
  "not-found": { readonly thing: Thing; readonly id: string };
  /** Something else has that name, id or binding already. */
  "conflict": {
    readonly over:
      | "name"
      | "token-name"
      | "host-name"
      | "channel-name"
      | "id"
      | "compose-project"
      | "domain"
      | "container-name"
      | "adopted"
      | "stage-name"
      | "row"
      | "container"
      | "subdomain"
      | "instances";
    /** Id of the row that has it. */
    readonly holder?: string;
  };
  /** Something refers to it. */
  "in-use": { readonly thing: Thing; readonly rows: number; readonly stages: number };
  /** A value that is not allowed; `need` says which, where the message can't be enough. */
  "invalid": {
    readonly need?:
      | "container"
      | "full-container-id"
      | "compose-project"
      | "role"
      | "new-token"
      | "allow-loopback";
    /** Roles that there are, or the first of them. */
    readonly roles?: readonly string[];
  };
  /** The disk is full. */
  "full": Nothing;
  /** The database is locked, by another process's writer or table, or changed under a pass. */
  "busy": { readonly by: "writer" | "table" | "pass" };
  /** The database can't be written; `denied`: this user may not open it. */
  "readonly": { readonly denied: boolean };
  /** The database is damaged, a `value` in it is not what was kept there, or the file is none. */
  "corrupt": { readonly found: "damage" | "malformed" | "value" | "no-database" };
  /** The database was written by a newer version. */
  "newer": Nothing;
  /** A file or directory that another user could have made, or that leads elsewhere. */
  "untrusted": {
    /** Where it is; of what is closed, its directory. */
    readonly path: string;
    /** Who owns it, who may write to it, what it is, or that its owner keeps it from this user. */
    readonly wrong: "owner" | "writers" | "kind" | "second-name" | "closed";
    /** Its owner's user id; null where there are none. */
    readonly owner: number | null;
    /** This process's user id. */
    readonly self: number;
  };
  /** The disk, a file or SQLite's library failed. */
  "io": {
    readonly at:
      | "stdout"
      | "disk"
      | "database"
      | "migration"
      | "data-dir"
      | "sqlite"
      | "no-folder-for-library"
      | "no-embedded-library"
      | "no-system-library";
  };

  /** The file is no backup: something else, or of a format that is not known. */
  "backup-foreign": Nothing;
  /** The backup is not whole, or not what was packed. */
  "backup-damaged": Nothing;
  /** It can't be opened with the keys that were given: `none`, `wrong`, or `malformed` ones. */
  "backup-key": { readonly why: "none" | "wrong" | "malformed" };
  /** A public key to encrypt to that is none. */
  "backup-recipient": { readonly recipient: string };
  /** There is a file already where the backup would be. */
  "backup-exists": Nothing;
  /** The disk has too little room; figures in bytes, `free` null where it ran out meanwhile. */
  "backup-no-room": { readonly free: number | null; readonly needed: number };
  /** The system refused a file of a backup, with this error code. */
  "backup-refused": { readonly errno: string };
  /** The data directory is between two: a restore was cut short, or is under way. */
  "backup-restoring": Nothing;

  /** The configuration can't be used: everything that is wrong with it, at least one problem. */
  "config": { readonly problems: readonly SettingProblem[] };
  /**
   * Nobody can connect there: the socket's path is too `long`, its `folder` takes no socket, a
   * `stranger` listens there by now, its `group` can't be given; or the address is `taken`, or not
   * this host's; or the `runtime` can't do it.
   */
  "listen": {
    readonly wrong: "long" | "folder" | "stranger" | "group" | "taken" | "address" | "runtime";
  };
  /**
   * What TLS is spoken with can't be used: its `file` can't be read or is others' to write, it has
   * not the `form`, or it is the key of another one.
   */
  "certificate": {
    readonly what: "certificate" | "key";
    readonly wrong: "file" | "form" | "other";
  };
  /**
   * A systemd unit can't say that: the `binary` has no absolute path, the service's `data-dir` is
   * not where systemd keeps one, it can't listen on that `address`, or a `word` has controls in it.
   */
  "unit": { readonly wrong: "binary" | "data-dir" | "address" | "word" };
  /** A token's file can't be used; `ours`: it is the one that is made where there is none. */
  "token": { readonly ours: boolean };

  /** The hub's database can't be reached or used; `channel-key`: for want of the right key. */
  "hub-database": { readonly wrong?: "channel-key" };
  /** The hub can't be had, or says no; `wrong`: over its certificate, the token, or otherwise. */
  "hub": {
    readonly wrong:
      | "url"
      | "token"
      | "answer"
      | "connection"
      | "certificate"
      | "authority"
      | "joined"
      | "alone";
  };

  /** The Engine's address can't be used; `better` is what to write instead. */
  "engine-host": {
    readonly wrong: "form" | "path" | "long" | "tls" | "ssh" | "scheme" | "certificate";
    readonly better: string | null;
  };
  /** There is no socket at that path. */
  "engine-no-socket": Asked & {
    /** What was looked for before, when the Engine was not named but found. */
    readonly rejected?: readonly RejectedSocket[];
  };
  /** The socket may not be opened: by this user, or by this process as it was started. */
  "engine-permission": Asked & { readonly by: "system" | "runtime" };
  /** Nobody listens behind it. */
  "engine-refused": Asked;
  /** No complete answer within the deadline. */
  "engine-timeout": Asked;
  /**
   * The connection could not be made or broke; `tls`: over certificates, `authority`: over one of
   * the Engine that is an authority's own.
   */
  "engine-connection": Asked & { readonly tls: boolean | "authority" };
  /**
   * The Engine answered with an error of its own, or a proxy before it for it: that one `forbids`
   * an endpoint of the Engine, `/info`.
   */
  "engine-http": Asked & { readonly status: number; readonly forbids?: string };
  /** No API version is spoken by both; `old` tells who must be upgraded. */
  "engine-api-version": Asked & {
    readonly old: "engine" | "program" | "agreement";
    readonly status?: number;
  };
  /** The answer is not what the Engine's API promises. */
  "engine-malformed": Asked;

  /** Another process owns the data directory. */
  "lock-held": Locking & {
    /** The guard file, which the owner keeps open. */
    readonly guard: string;
    /** Its PID, as it sees itself; null when it can't be told. */
    readonly pid: number | null;
    /** Whether it holds the guard; without it only a PID in the lock file speaks for it. */
    readonly guarded: boolean;
    /** Other programs keep replacing the files. */
    readonly restless: boolean;
    /** The PID is this process's own. */
    readonly self: boolean;
  };
  /** The file system has no flock, without which there is no safe lock. */
  "lock-unsupported": Locking;
  /** Something else, or nothing, stands where the data directory or a file of the lock should. */
  "lock-path": Locking & { readonly found: "nothing" | "no-directory" | "no-file" };
  /** The system refused a step, with this error code. */
  "lock-refused": Locking & {
    readonly errno: string;
    /** User ids of the file's owner, the directory's and this process's, when they are why. */
    readonly strangers:
      | { readonly file: number; readonly directory: number; readonly self: number }
      | null;
  };
}

/** What went wrong. */
export type FailureCode = keyof FailureData;

/** A code of the Engine's side. */
export type EngineCode = Extract<FailureCode, `engine-${string}`>;

/** A code of the lock's side. */
export type LockCode = Extract<FailureCode, `lock-${string}`>;

/** A code of backups and restores. */
export type BackupCode = Extract<FailureCode, `backup-${string}`>;

/** Something went wrong that a caller can tell from others by its code. */
export class Failure<Code extends FailureCode = FailureCode> extends Error {
  /** Tells this error from others. */
  override readonly name = "Failure";
  /** What went wrong. */
  readonly code: Code;
  /** What is known of it. */
  readonly data: FailureData[Code];

  /** `message` is "Cannot X: reason"; `cause` is what was caught. */
  constructor(
    code: Code,
    message: string,
    options: { readonly data: FailureData[Code]; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
  }
}

/** Whether it is a {@link Failure}, of one of these codes if any are given. */
export function isFailure<Code extends FailureCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is Failure<Code> {
  return error instanceof Failure &&
    (codes.length === 0 || (codes as readonly FailureCode[]).includes(error.code));
}

/** Whether the Engine could not be asked, or its answer can't be used. */
export function isEngineFailure(error: unknown): error is Failure<EngineCode> {
  return isFailure(error) && error.code.startsWith("engine-");
}

/** Whether the lock could not be taken. */
export function isLockFailure(error: unknown): error is Failure<LockCode> {
  return isFailure(error) && error.code.startsWith("lock-");
}

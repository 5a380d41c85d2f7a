/**
 * What a person at a command line can do about each failure: hints with the commands and flags
 * that help, and the exit code. Chosen by code from what is known; the message says what happened.
 * Pure.
 *
 * @module
 */

import {
  type Failure,
  type FailureCode,
  type FailureData,
  isFailure,
  type RejectedSocket,
  type SettingProblem,
} from "../failure.ts";
import { INDEX_HINTS } from "../index_hints.ts";
import { quote, quotePath } from "../text.ts";
import { EXIT } from "./command.ts";
import { distrustHint, giveHint, refusalHint } from "./file_words.ts";
import { CERTIFICATE } from "./certificate_words.ts";
import { CHOOSE_OTHER, GIVE, SHOW_KINDS } from "./index_words.ts";

/** One line, lower case, without a period; empty where the message says it all. */
type Hints = { readonly [Code in FailureCode]: (data: FailureData[Code]) => string };

const ELSEWHERE = "or choose another data directory";
const WHEN_BUSY = {
  writer: "find the other process (`fuser` names it) or try again",
  table: "try again",
  pass: "the next pass starts from what it wrote",
} satisfies Record<FailureData["busy"]["by"], string>;

const RESTORE = "`tinyforge restore FILE` puts a backup in its place and keeps what is there";
const WHEN_CORRUPT = {
  "damage": RESTORE,
  "malformed": `stop the daemon, then ${RESTORE}`,
  "value": INDEX_HINTS.value,
  "no-database": `${RESTORE}; without a backup, move the file away to start anew`,
} satisfies Record<FailureData["corrupt"]["found"], string>;

const WHEN_IO = {
  "disk": "look at the kernel's log",
  "database": "check that the data directory exists and that this user may write there",
  "migration": "the database was left as it was; is it Tinyforge's?",
  "data-dir": "choose another with --data-dir, or create it for this user",
  "sqlite": "",
  "no-folder-for-library": "run as the user that owns the data directory and all that is in it " +
    "(chown -R), or name a library with DENO_SQLITE_PATH",
  "no-embedded-library": "build it with `deno task compile`, or name a library with " +
    "DENO_SQLITE_PATH",
  "stdout": "what was written so far is not all of it",
  "no-system-library": "install it (Debian, Ubuntu: apt-get install libsqlite3-0) or name one " +
    "with DENO_SQLITE_PATH",
} satisfies Record<FailureData["io"]["at"], string>;

const UPGRADE = {
  engine: "upgrade Docker to 1.12 or newer",
  program: "upgrade Tinyforge",
  agreement: "the Engine was exchanged for another version meanwhile: try again",
} satisfies Record<FailureData["engine-api-version"]["old"], string>;

const LISTEN = {
  "long": "choose a shorter --data-dir",
  "folder": "the data directory must be on a file system with sockets, and be ours to write",
  "stranger": "does a second daemon use this directory?",
  "group": "the daemon's user must be a member of the group, or root",
  "taken": "another program listens there, and is sent the token by whoever asks that address: " +
    "end it, or choose another address with --listen, or --listen none",
  "address": "choose an address of this host with --listen, or --listen none",
  "runtime":
    "use a release of Tinyforge: `tinyforge version` tells the Deno that it was built with",
} satisfies Record<FailureData["listen"]["wrong"], string>;

const UNIT = {
  "binary": "",
  "data-dir": "leave --data-dir out or name a directory there",
  "address": "give both with --listen",
  "word": "",
} satisfies Record<FailureData["unit"]["wrong"], string>;

const KEYS = {
  none: "name the file of the private key with --identity",
  wrong: "name the private key of one of the recipients that it was encrypted to with --identity",
  malformed: "a key file has a line that begins with AGE-SECRET-KEY-1, as `age-keygen` writes it",
} satisfies Record<FailureData["backup-key"]["why"], string>;

const HUB = {
  url: "write it as https://host:port, as `tinyforge hub enroll` prints it",
  token: "a token works once and for an hour: `tinyforge hub enroll NAME` makes another",
  answer: "is that a hub, and of a version that this one can speak with?",
  connection: "is the hub there, and can this host reach it?",
  certificate: "if it is of an authority of your own, or signed by itself, name the authority's " +
    "certificate with --ca FILE; bring it here by a way that you trust",
  authority: "name a PEM file with the certificate of the authority that signed the hub's",
  joined: "`tinyforge leave` first",
  alone: "",
} satisfies Record<FailureData["hub"]["wrong"], string>;

const HINTS: Hints = {
  "not-found": ({ thing }) => SHOW_KINDS[thing],
  "conflict": ({ over }) => CHOOSE_OTHER[over],
  "in-use": ({ thing }) =>
    thing === "stage"
      ? "remove them first, or use --force to leave them without a stage"
      : "remove them first, or use --force to forget them too; containers are left alone",
  "invalid": ({ need }) => need === undefined ? "" : GIVE[need],
  "full": () => INDEX_HINTS.full,
  "busy": ({ by }) => WHEN_BUSY[by],
  "readonly": ({ denied }) =>
    denied
      ? "run as the user that owns the data directory, or choose another with --data-dir"
      : INDEX_HINTS.readonly,
  "corrupt": ({ found }) => WHEN_CORRUPT[found],
  "newer": () =>
    "run the newer tinyforge that wrote it, or `tinyforge restore` a backup made before it",
  "io": ({ at }) => WHEN_IO[at],
  "untrusted": distrustHint,
  "hub-database": ({ wrong }) =>
    wrong === "channel-key"
      ? "give it the file that the other hubs have with --channel-key-file"
      : "name PostgreSQL 15 or newer with --database postgres://user@host/name",
  "hub": ({ wrong }) => HUB[wrong],
  "backup-foreign": () => "name a file that `tinyforge backup` wrote",
  "backup-damaged": () => "use another backup; `tinyforge backup verify` tells which are whole",
  "backup-key": ({ why }) => KEYS[why],
  "backup-recipient": () => "give a public key as `age-keygen` prints it: age1…",
  "backup-exists": () => "name another file, or a directory, where each gets a name of its own",
  "backup-no-room": () => "free some space, or choose a place on another disk",
  "backup-refused": ({ errno }) => refusalHint(errno, "name another place"),
  "backup-restoring": () =>
    "wait for the restore; if it was cut short, the next start of `tinyforge reconcile` ends it",
  "config": ({ problems }) => {
    const host = problems.length === 1 ? problems[0]!.host : undefined;
    if (host !== undefined) return hostHint(host);
    return problems.every(({ setting }) => setting === "problem-settings")
      ? "`tinyforge help problems` lists the numbers and what they are by default"
      : "`tinyforge help` lists every flag with its variable and default";
  },
  "listen": ({ wrong }) => LISTEN[wrong],
  "certificate": ({ what, wrong }) => CERTIFICATE[what][wrong],
  "unit": ({ wrong }) => UNIT[wrong],
  "token": ({ ours }) =>
    ours
      ? "remove the file, and the next start makes a new one"
      : "make one with `openssl rand -hex 32`, in a file of root's or of the daemon's own " +
        "user that nobody else may write to and the daemon may read",
  "engine-host": hostHint,
  "engine-no-socket": ({ rejected }) =>
    "start Docker (systemctl start docker), or name another Engine with --docker-host" +
    rejectedSockets(rejected ?? []),
  "engine-permission": ({ by }) =>
    by === "runtime"
      ? "start it with --allow-net, --allow-read and --allow-write"
      : "add this user to the docker group (usermod -aG docker USER, then log in again), or run " +
        "as root",
  "engine-refused": () =>
    "start Docker (systemctl start docker); the socket may be left over from one that died",
  "engine-timeout": () =>
    "the Engine hangs or is overloaded; `docker ps` shows whether others get an answer",
  "engine-connection": ({ tls }) =>
    tls === "authority"
      ? "make the Engine a certificate that ca.pem has signed (basicConstraints=CA:FALSE): it " +
        "shows an authority's own"
      : tls
      ? "check DOCKER_CERT_PATH: ca.pem must have signed the Engine's certificate for that name"
      : "the Engine may be restarting: try again, and if that fails too, see its log " +
        "(journalctl -u docker)",
  "engine-http": ({ status, forbids }) =>
    forbids !== undefined
      ? `allow GET ${forbids} in that proxy (docker-socket-proxy: ${sectionOf(forbids)}=1)`
      : status >= 500
      ? "the Engine's own log says more (journalctl -u docker)"
      : "the Engine does not accept this request; is it a Docker Engine, and is a proxy in between?",
  "engine-api-version": ({ old }) => UPGRADE[old],
  "engine-malformed": () =>
    "something else than a Docker Engine may be answering there, or a proxy cut the answer",
  "lock-held": holderHint,
  "lock-unsupported": () => "choose a data directory on a local disk",
  "lock-path": ({ found, directory }) =>
    found === "nothing"
      ? `create it: mkdir -p -m 700 ${quotePath(directory)}`
      : found === "no-directory"
      ? "choose another data directory"
      : "find out what put it there, and remove it",
  "lock-refused": ({ errno, directory, strangers }) =>
    strangers === null
      ? refusalHint(errno)
      : strangers.file === strangers.directory
      ? giveHint({ owner: strangers.file, self: strangers.self, directory })
      : "give all that is in it to the directory's user: " +
        `chown -R ${strangers.directory} ${quotePath(directory)}`,
};

/** What allows an endpoint of the Engine in the widespread docker-socket-proxy. */
function sectionOf(path: string): string {
  return /^\/_?([a-z]+)/.exec(path)?.[1]?.toUpperCase() ?? "";
}

/** Problems of the API that no failure stands behind, and what helps at a command line. */
const PROBLEM_HINTS: Readonly<Record<string, string>> = {
  "no-daemon":
    "start it with `tinyforge reconcile`, or run one pass with `tinyforge reconcile --once`",
  "not-here": "ask the host itself: `tinyforge hub list` shows the hosts",
  "pass-timeout": "it goes on; `tinyforge status` tells how it ended",
};

/** Mistakes of the caller. */
const USAGE: ReadonlySet<FailureCode> = new Set([
  "invalid",
  "config",
  "certificate",
  "unit",
  "engine-host",
  "backup-recipient",
]);

/** What happened, one line or several; values are quoted. */
export function linesFor(failure: Failure): string[] {
  if (!isFailure(failure, "config")) return [failure.message];
  const problems = failure.data.problems.map(problemLine);
  if (problems.length === 1) return problems;
  return [
    `Cannot use the configuration: ${problems.length} problems`,
    ...problems.map((line) => `  - ${line}`),
  ];
}

/** What is wrong with a setting, and what gave it: its flag or a variable. */
function problemLine({ setting, variable, value, reason, host }: SettingProblem): string {
  const by = variable ?? `--${setting}`;
  // The reason is the address's own message then.
  if (host !== undefined) return `${reason} (${by})`;
  if (setting === "data-dir" && value === null && reason.includes("HOME")) {
    return `Cannot choose a data directory: ${reason}; give ${by}`;
  }
  return `Cannot use ${by}${value === null ? "" : ` ${quote(value, 80)}`}: ${reason}`;
}

/** What a person can do about it; may be empty. */
export function hintFor({ code, data }: Failure): string {
  return hint(code, data);
}

/** The same for whatever was thrown; empty for what is no {@link Failure}. */
export function hintForError(error: unknown): string {
  return isFailure(error) ? hintFor(error) : "";
}

/**
 * What a person can do about a problem that the API answered with. A daemon of another version may
 * know other codes and data: null when this one has no words for them.
 */
export function hintForProblem(code: unknown, data: unknown): string | null {
  if (typeof code !== "string") return null;
  // Where the answer names the host to ask, that says more.
  if (code === "not-here" && typeof data === "object" && data !== null && "host" in data) {
    return null;
  }
  if (Object.hasOwn(PROBLEM_HINTS, code)) return PROBLEM_HINTS[code]!;
  if (typeof data !== "object" || data === null) return null;
  const failed = code === "pass-failed" && "failure" in data ? data.failure : code;
  return isKnown(failed) ? hint(failed, data) || null : null;
}

/** What the program ends with. */
export function exitCodeFor(failure: Failure): number {
  const { code } = failure;
  if (isFailure(failure, "hub") && failure.data.wrong === "url") return EXIT.usage;
  // An address that can't be used is the caller's mistake, not an Engine that is away.
  if (USAGE.has(code)) return EXIT.usage;
  if (code === "lock-held") return EXIT.lockHeld;
  return code.startsWith("engine-") ? EXIT.unreachable : EXIT.failed;
}

function isKnown(code: unknown): code is FailureCode {
  return typeof code === "string" && Object.hasOwn(HINTS, code);
}

function hint(code: FailureCode, data: unknown): string {
  // The table's type says that each code gets its own data.
  const words = HINTS[code] as (data: unknown) => string | undefined;
  return words(data) ?? "";
}

function hostHint({ wrong, better }: FailureData["engine-host"]): string {
  switch (wrong) {
    case "form":
    case "path":
      return `write ${better}`;
    case "tls":
      return `write ${better} and set DOCKER_TLS_VERIFY=1`;
    case "long":
      return "use a shorter path, or a symbolic link to its directory";
    case "ssh":
      return "run Tinyforge on that machine, or forward its socket: " +
        `ssh -L /tmp/docker.sock:/var/run/docker.sock ${better ?? "HOST"}`;
    case "certificate":
      return "DOCKER_CERT_PATH names a folder with ca.pem, cert.pem and key.pem";
    default:
      return "supported are unix:///path/of/docker.sock and tcp://host:port";
  }
}

/** What was looked for besides the one that the message names. */
function rejectedSockets(rejected: readonly RejectedSocket[]): string {
  if (rejected.length === 0) return "";
  return `; looked for ${rejected.map(({ at, why }) => `${at} (${why})`).join(", ")}`;
}

function holderHint(
  { pid, guarded, restless, self, path, guard }: FailureData["lock-held"],
): string {
  if (restless) return `find out what else writes ${quotePath(path)} and stop it`;
  if (!guarded) {
    return `stop process ${pid}, ${ELSEWHERE}; ` +
      `if it is not Tinyforge, its PID is there by accident: remove ${quotePath(path)}`;
  }
  const who = pid === null ? "the process" : `process ${pid}`;
  const where = pid === null || self ? "" : " (in its container, if it runs in one)";
  return `stop ${who}${where}, ${ELSEWHERE}; "fuser -v ${guard}" shows who has it`;
}

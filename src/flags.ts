/**
 * The configuration flags: the one table that reading, usage texts and shell completions share.
 * Must not read anything: `config.ts` turns what was given into values.
 *
 * @module
 */

/** Name of a configuration flag, without the dashes. */
export type FlagName =
  | "data-dir"
  | "docker-host"
  | "interval"
  | "compose-prefix"
  | "listen"
  | "allowed-hosts"
  | "tls-cert"
  | "tls-key"
  | "backup-dir"
  | "backup-recipients"
  | "history-age"
  | "history-count"
  | "problem-settings"
  | "metrics-token-file"
  | "socket-group"
  | "route-address"
  | "route-network"
  | "route-domain"
  | "route-scheme"
  | "base-url"
  | "host-name"
  | "language"
  | "notify-proxy"
  | "heartbeat-url"
  | "heartbeat-fail-url"
  | "log-level"
  | "log-format";

/** One configuration flag, as usage texts and completions show it. */
export interface ConfigFlag {
  /** The name without dashes. */
  readonly name: FlagName;
  /** Environment variables that stand in for it, the first one set wins. */
  readonly env: readonly string[];
  /** What the value is called in a usage text. */
  readonly placeholder: string;
  /** The default in words. */
  readonly fallback: string;
  /** What it says, one line. */
  readonly description: string;
  /** Every possible value, where there are few. */
  readonly values?: readonly string[];
  /** It is a path to this. */
  readonly path?: "folder";
}

/** Every configuration flag in the order of usage texts. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  {
    name: "data-dir",
    env: ["TINYFORGE_DATA_DIR"],
    placeholder: "DIR",
    path: "folder",
    fallback: "$STATE_DIRECTORY; for root, and whoever may use the socket of a service there, " +
      "/var/lib/tinyforge; else $XDG_STATE_HOME/tinyforge or ~/.local/state/tinyforge",
    description: "where the database, the lock and the socket are",
  },
  {
    name: "docker-host",
    env: ["TINYFORGE_DOCKER_HOST", "DOCKER_HOST"],
    placeholder: "URL",
    fallback: "the Docker context in use, else the first Docker or Podman socket to be had",
    description: "the Engine: unix:///path or tcp://host:port",
  },
  {
    name: "interval",
    env: ["TINYFORGE_INTERVAL"],
    placeholder: "TIME",
    fallback: "30s",
    description: "time between two full passes: 500ms, 30s, 5m",
  },
  {
    name: "compose-prefix",
    env: ["TINYFORGE_COMPOSE_PREFIX"],
    placeholder: "TEXT",
    fallback: "tinyforge-",
    description: "Compose projects whose name begins so are taken for stacks",
  },
  {
    name: "listen",
    env: ["TINYFORGE_LISTEN"],
    placeholder: "ADDRESS",
    fallback: "127.0.0.1:7475",
    description: "where HTTP listens besides the socket: host:port, [::1]:port, none",
  },
  {
    name: "allowed-hosts",
    env: ["TINYFORGE_ALLOWED_HOSTS"],
    placeholder: "NAMES",
    fallback: "loopback names and the address listened on",
    description: "host names that HTTP requests may use, separated by commas",
  },
  {
    name: "tls-cert",
    env: ["TINYFORGE_TLS_CERT"],
    placeholder: "FILE",
    fallback: "none: HTTP without TLS",
    description: "certificate chain (PEM) to speak TLS with over TCP; read again on SIGHUP",
  },
  {
    name: "tls-key",
    env: ["TINYFORGE_TLS_KEY"],
    placeholder: "FILE",
    fallback: "none",
    description: "its private key (PEM)",
  },
  {
    name: "backup-dir",
    env: ["TINYFORGE_BACKUP_DIR"],
    placeholder: "DIR",
    path: "folder",
    fallback: "none",
    description: "where the daemon makes a backup each day; 7 days and 4 weeks are kept",
  },
  {
    name: "backup-recipients",
    env: ["TINYFORGE_BACKUP_RECIPIENTS"],
    placeholder: "KEYS",
    fallback: "none: backups are not encrypted",
    description: "public keys (age1…) to encrypt backups to, separated by commas",
  },
  {
    name: "history-age",
    env: ["TINYFORGE_HISTORY_AGE"],
    placeholder: "TIME",
    fallback: "30d",
    description: "how long it is kept what happened: 12h, 30d, 365d",
  },
  {
    name: "history-count",
    env: ["TINYFORGE_HISTORY_COUNT"],
    placeholder: "N",
    fallback: "100000",
    description: "how many changes of rows are kept, however young",
  },
  {
    name: "problem-settings",
    env: ["TINYFORGE_PROBLEM_SETTINGS"],
    placeholder: "NUMBERS",
    fallback: "as `tinyforge help problems` lists them",
    description: "when what is a problem: unhealthy-opens=3m,crash-loop-deaths=5",
  },
  {
    name: "metrics-token-file",
    env: ["TINYFORGE_METRICS_TOKEN_FILE"],
    placeholder: "FILE",
    fallback: "none",
    description: "holds a token that opens /metrics and nothing else",
  },
  {
    name: "socket-group",
    env: ["TINYFORGE_SOCKET_GROUP"],
    placeholder: "GROUP",
    fallback: "none: the daemon's own user and root",
    description: "who else may read and write over the socket: a group's name or number",
  },
  {
    name: "route-address",
    env: ["TINYFORGE_ROUTE_ADDRESS"],
    placeholder: "HOST",
    fallback: "127.0.0.1",
    description: "where proxies reach ports that are published on every address of this host",
  },
  {
    name: "route-network",
    env: ["TINYFORGE_ROUTE_NETWORK"],
    placeholder: "NAME",
    fallback: "none: published ports",
    description: "the network in which proxies reach containers at their own address",
  },
  {
    name: "route-domain",
    env: ["TINYFORGE_ROUTE_DOMAIN"],
    placeholder: "NAME",
    fallback: "none: subdomains are complete",
    description: "what subdomains without a dot are below, for proxies and URLs",
  },
  {
    name: "route-scheme",
    env: ["TINYFORGE_ROUTE_SCHEME"],
    placeholder: "SCHEME",
    fallback: "https",
    description: "what URLs of routes begin with",
    values: ["http", "https"],
  },
  {
    name: "base-url",
    env: ["TINYFORGE_BASE_URL"],
    placeholder: "URL",
    fallback: "none: notifications have no link",
    description: "where people reach this daemon: https://ops.example/tinyforge behind a proxy",
  },
  {
    name: "host-name",
    env: ["TINYFORGE_HOST_NAME"],
    placeholder: "NAME",
    fallback: "this machine's host name",
    description: "what notifications call this host",
  },
  {
    name: "language",
    env: ["TINYFORGE_LANGUAGE"],
    placeholder: "LANGUAGE",
    fallback: "en",
    description: "of notifications",
    values: ["en", "ru"],
  },
  {
    name: "notify-proxy",
    env: ["TINYFORGE_NOTIFY_PROXY"],
    placeholder: "URL",
    fallback: "none",
    description: "what notifications go through: http://[user:password@]host:port",
  },
  {
    name: "heartbeat-url",
    env: ["TINYFORGE_HEARTBEAT_URL"],
    placeholder: "URL",
    fallback: "none",
    description: "asked every minute while passes succeed and notifications go out",
  },
  {
    name: "heartbeat-fail-url",
    env: ["TINYFORGE_HEARTBEAT_FAIL_URL"],
    placeholder: "URL",
    fallback: "none",
    description: "asked instead while they don't",
  },
  {
    name: "log-level",
    env: ["TINYFORGE_LOG_LEVEL"],
    placeholder: "LEVEL",
    fallback: "info",
    description: "the least important message to log",
    values: ["debug", "info", "warn", "error"],
  },
  {
    name: "log-format",
    env: ["TINYFORGE_LOG_FORMAT"],
    placeholder: "FORMAT",
    fallback: "text on a terminal, else json",
    description: "how log lines are written",
    values: ["text", "json"],
  },
];

/** Every environment variable that the configuration is read from. */
export const CONFIG_ENVIRONMENT: readonly string[] = [
  ...CONFIG_FLAGS.flatMap((flag) => flag.env),
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "DOCKER_CONFIG",
  "DOCKER_CONTEXT",
  "RUNTIME_DIRECTORY",
  "STATE_DIRECTORY",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
  "HOME",
];

/**
 * What is known of a row's container beyond listings, and what happened to the row beside its
 * states. Does no I/O.
 *
 * @module
 */

/** What people open `docker inspect` for. Times are RFC 3339 UTC. */
export interface ContainerDetails {
  /** Null when it never started. */
  readonly startedAt: string | null;
  /** Null when it never ended. */
  readonly finishedAt: string | null;
  /** How often its restart policy started it again. */
  readonly restartCount: number;
  /** `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`. */
  readonly restartPolicy: string;
  /** Whether memory ran out. */
  readonly oomKilled: boolean;
  /** `State.Error`, empty without one. */
  readonly error: string;
  /** Output of the last health check; null without one. */
  readonly healthOutput: string | null;
  /** Whether it has a health check. */
  readonly healthCheck: boolean;
  /** The ports of the host that it asks for, `0.0.0.0:80/tcp`, whether or not it runs. */
  readonly publishes: readonly string[];
}

/** The health or the image of a row's container became another. */
export interface RowChange {
  /** Increasing number. */
  readonly seq: number;
  /** Row id. */
  readonly rowId: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** What changed. */
  readonly field: "health" | "image";
  /** Before. */
  readonly from: string | null;
  /** After. */
  readonly to: string | null;
  /** Container that the row is bound to since then. */
  readonly containerId: string | null;
}

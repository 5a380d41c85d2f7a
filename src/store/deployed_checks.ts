/**
 * What must hold of a row that a deployer writes: what its columns may say, alone and beside other
 * rows. Writes nothing. What others may be in the way of is looked at once a transaction has written
 * all that it writes, so that rows can change places in one.
 *
 * @module
 */

import { validDomain, validMeta, validText } from "../core/names.ts";
import { Failure } from "../failure.ts";
import type { DEPLOYER_COLUMNS, ViewOf } from "../model/columns.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { quote } from "../text.ts";
import type { Connection } from "./connection.ts";

/** The columns that belong to the deployer. Null clears one. */
export type DeployerColumns = {
  -readonly [Field in keyof typeof DEPLOYER_COLUMNS]?: ViewOf<typeof DEPLOYER_COLUMNS>[Field];
};

/** Which container a row is bound to. The image may only be said together with the container. */
export interface Binding {
  /** Full container id; null unbinds. */
  containerId?: string | null;
  /** Image reference of that container. */
  imageRef?: string;
}

/** A row that was written, and what was written of it that others may be in the way of. */
export interface WrittenPlace {
  /** Id of the row. */
  readonly id: string;
  /** What the deployer wanted, "Cannot change container row …". */
  readonly action: string;
  /** Columns whose value is not what it was. */
  readonly changed: ReadonlySet<"container" | "subdomain" | "stage">;
}

/** Looks things up on this connection. */
export class DeployedChecks {
  readonly #c: Connection;

  /** On this connection. */
  constructor(connection: Connection) {
    this.#c = connection;
  }

  /**
   * The kind of the workload.
   *
   * @throws {Failure} `not-found`.
   */
  workloadKind(workloadId: string, action: string): WorkloadKind {
    const found = this.#c.sql("SELECT kind FROM workloads WHERE id = ?")
      .value<[WorkloadKind]>(workloadId);
    if (found !== undefined) return found[0];
    throw new Failure("not-found", `${action}: no workload ${quote(workloadId)}`, {
      data: { thing: "workload", id: workloadId },
    });
  }

  /**
   * Whether what is said can be a binding.
   *
   * @throws {Failure} `invalid`.
   */
  binding({ containerId, imageRef }: Binding, action: string): void {
    if (imageRef !== undefined) {
      if (containerId === undefined || containerId === null) {
        throw new Failure(
          "invalid",
          `${action}: an image is set only together with the container it belongs to`,
          { data: { need: "container" } },
        );
      }
      validText(imageRef, "image");
    }
    if (containerId === undefined || containerId === null) return;
    const wrong = !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(containerId)
      ? "is not a container id"
      // What `docker ps` shows; no listing would ever name it, so the row would go missing at once.
      : /^[0-9a-f]{12,63}$/.test(containerId)
      ? "is the beginning of a container id"
      : null;
    if (wrong === null) return;
    throw new Failure("invalid", `${action}: ${quote(containerId)} ${wrong}`, {
      data: { need: "full-container-id" },
    });
  }

  /**
   * Whether the columns may say this.
   *
   * @throws {Failure} `invalid`.
   */
  columns(columns: DeployerColumns, options: { workloadId: string; action: string }): void {
    const { stageId, imageTag, subdomain, proxyRouteId, npmProxyId, meta } = columns;
    if (typeof stageId === "string") {
      const stage = this.#c.sql(
        `SELECT 1 FROM stages AS s JOIN workloads AS w ON w.kind = 'project' AND w.ref_id = s.project_id
         WHERE s.id = ? AND w.id = ?`,
      ).value(stageId, options.workloadId);
      if (stage === undefined) {
        throw new Failure(
          "invalid",
          `${options.action}: the row's project has no stage ${quote(stageId)}`,
          { data: {} },
        );
      }
    }
    if (typeof imageTag === "string") validText(imageTag, "image tag", 256);
    if (typeof subdomain === "string") validDomain(subdomain, "subdomain");
    if (typeof proxyRouteId === "string") validText(proxyRouteId, "proxy route id", 256);
    if (meta !== null && meta !== undefined) validMeta(meta);
    const proxyId = npmProxyId ?? 0;
    if (!Number.isSafeInteger(proxyId) || proxyId < 0) {
      throw new Failure("invalid", `${options.action}: "${npmProxyId}" is not a proxy host id`, {
        data: {},
      });
    }
  }

  /**
   * Whether no other row has the container or the subdomain that this one was given, and its stage
   * has room for it. What a row had before is never looked at: an index from before these rules is
   * kept as it is.
   *
   * @throws {Failure} `conflict`.
   */
  place({ id, action, changed }: WrittenPlace): void {
    const row = this.#c.sql(
      "SELECT container_id, subdomain, stage_id, host FROM containers WHERE id = ?",
    ).value<[string | null, string | null, string | null, string]>(id);
    // Removed since, by a later operation of the same transaction.
    if (row === undefined) return;
    const [containerId, subdomain, stageId, host] = row;
    if (changed.has("container") && containerId !== null) this.#container(id, containerId, action);
    if (changed.has("subdomain") && subdomain !== null) {
      this.#subdomain(id, { subdomain, host, action });
    }
    if (changed.has("stage") && stageId !== null) this.#stage(stageId, action);
  }

  #container(id: string, containerId: string, action: string): void {
    const other = this.#c.sql("SELECT id FROM containers WHERE container_id = ? AND id <> ?")
      .value<[string]>(containerId, id);
    if (other === undefined) return;
    throw new Failure(
      "conflict",
      `${action}: container ${quote(containerId)} is bound to row ${quote(other[0])} already`,
      { data: { over: "container", holder: other[0] } },
    );
  }

  #subdomain(
    id: string,
    { subdomain, host, action }: { subdomain: string; host: string; action: string },
  ): void {
    const other = this.#c.sql(
      `SELECT id FROM containers
       WHERE host = ? AND subdomain IS NOT NULL AND subdomain = ? COLLATE NOCASE AND id <> ?
       ORDER BY id LIMIT 1`,
    ).value<[string]>(host, subdomain, id);
    if (other === undefined) return;
    throw new Failure(
      "conflict",
      `${action}: subdomain ${quote(subdomain)} leads to row ${quote(other[0])} already`,
      { data: { over: "subdomain", holder: other[0] } },
    );
  }

  #stage(stageId: string, action: string): void {
    // A vanished container is no instance that runs; its row may be replaced.
    const [name, max, rows] = this.#c.sql(
      `SELECT s.name, s.max_instances,
         (SELECT count(*) FROM containers WHERE stage_id = s.id AND state <> 'missing')
       FROM stages AS s WHERE s.id = ?`,
    ).value<[string, number, number]>(stageId)!;
    if (rows <= max) return;
    throw new Failure(
      "conflict",
      `${action}: stage ${quote(name)} may have ` +
        (max === 1 ? "1 instance, and it has that" : `${max} instances, and it has them`),
      { data: { over: "instances" } },
    );
  }
}

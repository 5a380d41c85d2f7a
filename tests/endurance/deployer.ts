/**
 * A deployer that writes over HTTP and starts and removes containers as one would: makes entries,
 * stages and rows, changes and removes them, and has each write noted in the ledger. Decides
 * nothing: which write comes when is its caller's.
 *
 * @module
 */

import type { Scene } from "./scene.ts";
import { DEPLOYED, type Thing, type ThingKind, type ThingState, UNTOLD } from "./thing.ts";

/** Sends one request; rejects when the daemon ends before it answers. */
export type Send = (method: string, path: string, body?: unknown) => Promise<Response>;

type Request = readonly [method: string, path: string, body?: unknown];

/** Writes to one daemon. A write that is not answered leaves its thing in one of two states. */
export class Deployer {
  readonly #scene: Scene;
  readonly #send: Send;

  constructor(scene: Scene, send: Send) {
    this.#scene = scene;
    this.#send = send;
  }

  /** A new entry, without containers. */
  async createEntry(kind: "project" | "stack" | "site"): Promise<Thing> {
    const thing = this.#scene.ledger.thing(kind);
    const name = this.#scene.name(kind);
    const detail = kind === "project" ? "" : kind === "site" ? `${name}.example.com` : name;
    await this.#write(thing, { name, workload: name, detail, secret: UNTOLD }, [
      ...["POST", `/api/${kind}s`] as const,
      {
        name,
        ...(kind === "site" && { domain: detail }),
        ...(kind === "stack" && { composeProjectName: detail }),
      },
    ]);
    return thing;
  }

  /** A new stage of a project, for up to 1000 rows. */
  async createStage(project: Thing): Promise<Thing> {
    const thing = this.#scene.ledger.thing("stage");
    const name = this.#scene.name("stage");
    await this.#write(thing, { name, max: "1000" }, [
      ...["POST", `/api/projects/${project.id}/stages`] as const,
      { name, maxInstances: 1000 },
    ]);
    return thing;
  }

  /** A new container of a project and its row, in a stage if one is given. */
  async createRow(project: Thing, stage?: Thing): Promise<Thing> {
    const id = `${DEPLOYED}${this.#scene.name("row")}`;
    const thing = this.#scene.ledger.thing("row", id);
    const { workloadId } = project;
    const labels = { "tinyforge.workload.id": workloadId! };
    const { id: containerId } = this.#scene.own(thing, { labels });
    const tag = stage === undefined ? "" : "1";
    const next = { container: containerId, subdomain: "", tag, stage: stage?.id ?? "" };
    const staged = stage !== undefined && { stageId: stage.id, imageTag: tag };
    await this.#write(thing, next, [
      ...["POST", "/api/containers"] as const,
      { id, workloadId, containerId, ...staged },
    ]);
    return thing;
  }

  /** Gives an entry another name. */
  async rename(thing: Thing): Promise<void> {
    const name = this.#scene.name(thing.kind);
    const next = { ...thing.state, name, workload: name };
    await this.#write(thing, next, ["PATCH", pathOf(thing), { name }]);
  }

  /** Gives an entry another secret. */
  async rotateSecret(thing: Thing): Promise<void> {
    const path = `/api/workloads/${thing.workloadId}/secret`;
    await this.#write(thing, { ...thing.state, secret: UNTOLD }, ["POST", path]);
  }

  /** Lets a stage have so many rows. */
  async resizeStage(stage: Thing, max: number): Promise<void> {
    const next = { ...stage.state, max: String(max) };
    await this.#write(stage, next, ["PATCH", pathOf(stage), { maxInstances: max }]);
  }

  /** Writes a deployer's columns of a row. */
  async describeRow(row: Thing): Promise<void> {
    const name = this.#scene.name("row");
    const next = { ...row.state, subdomain: name, tag: name };
    await this.#write(row, next, ["PATCH", pathOf(row), { subdomain: name, imageTag: name }]);
  }

  /** Starts another container for a row, binds the row to it and removes the one before. */
  async replaceContainer(row: Thing): Promise<void> {
    const before = row.state!["container"]!;
    const { labels = {} } = this.#scene.engine.containers.get(before) ?? {};
    const { id: containerId } = this.#scene.own(row, { labels });
    const next = { ...row.state, container: containerId };
    const done = await this.#write(row, next, ["PATCH", pathOf(row), { containerId }]);
    if (done) this.#scene.remove(before);
  }

  /** Removes a thing and then its containers. */
  async remove(thing: Thing): Promise<void> {
    const path = thing.kind === "row" ? pathOf(thing) : `${pathOf(thing)}?force=true`;
    if (await this.#write(thing, null, ["DELETE", path])) this.#scene.forget(thing);
  }

  /** Whether it was acknowledged, with all of its answer. */
  async #write(thing: Thing, next: ThingState, request: Request): Promise<boolean> {
    const send = () => this.#send(...request);
    return await this.#scene.ledger.write(thing, { next, send }) !== null;
  }
}

const PATHS: Readonly<Record<ThingKind, string>> = {
  project: "projects",
  stack: "stacks",
  site: "sites",
  stage: "stages",
  row: "containers",
};

function pathOf({ kind, id }: Thing): string {
  return `/api/${PATHS[kind]}/${id}`;
}

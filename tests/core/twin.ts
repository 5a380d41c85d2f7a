/**
 * Two indexes of one Engine, step by step: the real one, through client, reconciler and store, and
 * the oracle's. Every step is taken by both and then they are compared. Knows what may be compared
 * when; decides nothing about rows itself.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { ListedContainer } from "../../src/model/container.ts";
import type { ContainerView } from "../../src/model/views.ts";
import type { WorkloadKind } from "../../src/model/workload.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import type { DeployedContainerPatch } from "../../src/store/deployed_containers.ts";
import { Failure } from "../../src/failure.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { FAKE_IMAGE_ID, type FakeContainer } from "../engines/scripted_container.ts";
import type { Fault } from "../engines/scripted_fault.ts";
import { type DeployerWrite, Oracle, type OracleRow } from "./oracle.ts";
import { type Rig, rig } from "../harness/rig.ts";
import { NOTHING_LISTED } from "../harness/world.ts";

const { Database } = await import("@db/sqlite");

/** The prefix that both are told. */
export const COMPOSE_PREFIX = "tinyforge-";

/** What can be registered: name, kind and, for stacks, Compose project of each slot. */
export const SLOTS: readonly { kind: WorkloadKind; name: string; composeProject?: string }[] = [
  { kind: "project", name: "shop" },
  { kind: "stack", name: "blog", composeProject: "tinyforge-blog" },
  { kind: "stack", name: "wiki", composeProject: "wiki" },
  { kind: "site", name: "docs" },
  { kind: "project", name: "forum" },
  { kind: "site", name: "press" },
];

/** How a row is addressed: by its place in the index, so that shrinking keeps a step's meaning. */
export interface DeployerStep {
  readonly op: "create" | "patch" | "remove";
  /** Which workload, or which row. */
  readonly target: number;
  /** Which container to bind; null unbinds, undefined leaves, a text is bound as it is. */
  readonly bind?: number | string | null | undefined;
  /** Of a new row. */
  readonly id?: "own" | "role" | "site";
  /** Of a new row. */
  readonly role?: string;
  /** Of a new row. */
  readonly replica?: number;
  readonly write: DeployerWrite;
  /** Set the stage to the workload's only one. */
  readonly stage?: boolean;
}

/** How a pass goes. */
export interface PassStep {
  /** What the Engine does wrong; the pass must fail then. */
  readonly fault?: { endpoint: "list" | "info"; fault: Fault } | undefined;
  /** Between the question and the Engine's answer. */
  readonly meanwhile?: DeployerStep | undefined;
  /** That events flowed all the time is believed, if the Engine has not been exchanged. */
  readonly trusting?: boolean;
}

/** Both indexes and what they are about. */
export class Twin implements AsyncDisposable {
  readonly engine: FakeEngine;
  readonly rig: Rig;
  readonly oracle: Oracle;
  /** The time, milliseconds since the Unix epoch; a second passes with each step. */
  readonly #clock: { ms: number };
  readonly #workloads: (string | null)[] = SLOTS.map(() => null);
  readonly #refs: (string | null)[] = SLOTS.map(() => null);
  /** Workload id → id of its stage; projects only. */
  readonly #stages = new Map<string, string>();
  readonly #createdAt = new Map<string, string>();
  /** Containers that changed since a pass looked at them, and those whose event got lost. */
  readonly #dirty = new Set<string>();
  /** Whether something happened that only a full pass finds out. */
  #blind = true;
  /** Whether a partial pass may have seen rows at times the store does not keep. */
  #partial = false;
  #accepted: string;
  /** The Engine of the last full pass. */
  #confirmer = "";
  #answered: string;
  readonly #hidden: FakeContainer[] = [];
  #made = 0;
  #other: InstanceType<typeof Database> | null = null;

  private constructor(engine: FakeEngine, r: Rig, clock: { ms: number }) {
    this.engine = engine;
    this.rig = r;
    this.oracle = new Oracle();
    this.#clock = clock;
    this.#accepted = engine.id;
    this.#answered = engine.id;
  }

  /** Nothing registered, nothing running. */
  static async start(): Promise<Twin> {
    const engine = await FakeEngine.start();
    engine.emitting = false;
    const clock = { ms: Date.parse("2026-01-01T00:00:00Z") };
    const r = await rig(engine.host, {
      composePrefix: COMPOSE_PREFIX,
      clock: {
        now: () => clock.ms,
        monotonic: () => clock.ms,
        sleep: () => Promise.resolve(),
      },
    });
    return new Twin(engine, r, clock);
  }

  /** The present or, when there is none, the last id of a slot's workload. */
  workloadId(slot: number): string {
    return this.#workloads[slot % SLOTS.length] ?? `never-${slot}`;
  }

  /** The id of a slot's project, stack or site. */
  refId(slot: number): string {
    return this.#refs[slot % SLOTS.length] ?? `never-${slot}`;
  }

  /** The id of a row that is there, or of none. */
  rowId(at: number): string {
    const rows = this.oracle.rows();
    return rows[at % Math.max(1, rows.length)]?.id ?? "no-row";
  }

  /** Registers a slot, or forgets it with everything that refers to it. */
  toggle(at: number): void {
    this.#tick();
    const slot = at % SLOTS.length;
    const { kind, name, composeProject } = SLOTS[slot]!;
    const { registry, stages } = this.rig.store;
    const present = registry.named(kind, name);
    this.#blind = true;
    if (present !== undefined) {
      for (const view of this.views()) {
        if (view.workloadId === present.workloadId) this.#createdAt.delete(view.id);
      }
      registry.remove(kind, present.id, { force: true });
      this.oracle.removeWorkload(present.workloadId);
    } else {
      const fields = composeProject === undefined ? { name } : {
        name,
        composeProjectName: composeProject,
      };
      const { entry } = registry.create(kind, fields);
      if (kind === "project") {
        const stage = stages.create(entry.id, { name: "production", maxInstances: 2 });
        this.#stages.set(entry.workloadId, stage.id);
      }
      this.oracle.addWorkload({
        id: entry.workloadId,
        kind,
        refId: entry.id,
        ...(composeProject === undefined ? {} : { composeProject }),
      });
      this.#workloads[slot] = entry.workloadId;
      this.#refs[slot] = entry.id;
    }
    this.compare();
  }

  /** A container is created. */
  run(fields: Partial<FakeContainer>): void {
    this.#tick();
    // No order to speak of, and the same in every run.
    const id = (BigInt(++this.#made) * 0x9e3779b97f4a7c15f39cc0605cedc835n).toString(16)
      .padStart(64, "0").slice(-64);
    this.engine.add({ ...fields, id });
    this.#dirty.add(id);
  }

  /** Something about a container changes. */
  change(at: number, fields: Partial<FakeContainer>): void {
    this.#tick();
    const container = this.#container(at);
    if (container === undefined) return;
    Object.assign(container, fields);
    this.#dirty.add(container.id);
  }

  /** A container goes; with `replacement`, one like it has come before that. */
  remove(at: number, options: { replacement?: Partial<FakeContainer>; keepOld?: boolean }): void {
    this.#tick();
    const container = this.#container(at);
    if (container === undefined) return;
    if (options.replacement !== undefined) {
      const { name, image, labels, ports, networks } = container;
      this.run({ name, image, labels, ports, networks, ...options.replacement });
    }
    if (options.keepOld) return;
    this.engine.containers.delete(container.id);
    this.#dirty.add(container.id);
  }

  /** A container is not listed for a while, or is again: another Engine's, until that is back. */
  hide(at: number): void {
    this.#tick();
    const hidden = this.#hidden.splice(at % (this.#hidden.length + 1), 1)[0];
    const container = hidden ?? this.#container(at);
    if (container === undefined) return;
    if (hidden !== undefined) this.engine.containers.set(hidden.id, hidden);
    else {
      this.engine.containers.delete(container.id);
      this.#hidden.push(container);
    }
    this.#dirty.add(container.id);
  }

  /** The deployer writes; what the store refuses, the oracle is not told. */
  deploy(step: DeployerStep): void {
    this.#tick();
    const { deployed } = this.rig.store;
    const rows = this.oracle.rows();
    const row = rows[step.target % Math.max(1, rows.length)];
    const bound = typeof step.bind === "number" ? this.#container(step.bind)?.id : step.bind;
    const write: DeployerWrite = { ...step.write };
    if (bound !== undefined) write.container_id = bound;
    if (typeof bound !== "string") delete write.image_ref;
    const workloadOf = step.op === "create" ? this.workloadId(step.target) : row?.workload_id;
    if (step.stage) write.stage_id = this.#stages.get(workloadOf ?? "") ?? "none";
    try {
      if (step.op === "create") {
        const workloadId = this.workloadId(step.target);
        const role = step.role ?? "";
        const id = step.id === "site"
          ? `${workloadId}:site`
          : step.id === "role"
          ? `${workloadId}:${role}`
          : `row-${this.#clock.ms}`;
        const replica = step.replica ?? 1;
        deployed.saveDeployedContainer({ id, workloadId, role, replica, ...columns(write) });
        this.oracle.deployerCreates({ id, workloadId, role, replica }, write);
      } else if (row === undefined) {
        return;
      } else if (step.op === "patch") {
        deployed.updateDeployedContainer(row.id, columns(write));
        this.oracle.deployerChanges(row.id, write);
      } else {
        deployed.deleteDeployedContainer(row.id);
        this.oracle.deployerRemoves(row.id);
        this.#createdAt.delete(row.id);
      }
      this.#blind = true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    this.compare();
  }

  /** The Engine answers with another id from now on, or with the first again. */
  exchange(id: string): void {
    this.engine.id = id;
  }

  /** A person accepts the Engine that answered last. */
  accept(): void {
    if (this.rig.store.hosts.acceptEngine() === null) return;
    this.#accepted = this.#answered;
    this.#blind = true;
  }

  /** A full pass of both; with a fault, that nothing comes of it. */
  async pass(step: PassStep = {}): Promise<void> {
    this.#tick();
    const before = this.views();
    const at = new Date(this.#clock.ms).toISOString();
    const candidates = this.oracle.candidates();
    const { meanwhile, fault } = step;
    if (fault !== undefined) this.engine.fail(fault.endpoint, fault.fault);
    else if (meanwhile !== undefined) {
      const edit = (answer: unknown) => {
        this.deploy(meanwhile);
        return answer;
      };
      this.engine.fail("list", { kind: "edit", edit }, 1);
    }
    const sameEngine = step.trusting === true && this.engine.id === this.#answered &&
      fault === undefined;
    const outcome = await this.rig.pass({ sameEngine }).then(
      (report) => ({ report }),
      (error) => ({ error }),
    );
    this.engine.heal();
    if (fault !== undefined) {
      if (!("error" in outcome)) throw new Error(`A pass succeeded in spite of ${fault.endpoint}`);
      assertEquals(this.views(), before);
      return;
    }
    if ("error" in outcome) throw outcome.error;
    this.#answered = this.engine.id;
    const sweeps = this.#answered === this.#accepted;
    const plain = this.oracle.pass({ scope: "all", containers: this.listed() }, {
      at,
      candidates,
      sweep: this.#sweep(),
      composePrefix: COMPOSE_PREFIX,
    });
    this.#confirmer = this.#answered;
    this.#dirty.clear();
    this.#blind = meanwhile !== undefined || !sweeps;
    this.compare();

    const { report } = outcome;
    assertEquals(report.engineChanged === null, sweeps);
    assertEquals(report.claimed, plain.claimed.length);
    assertEquals(report.unclaimed.map(({ rowId }) => rowId).sort(), plain.unclaimed.sort());
    assertEquals(
      [...plain.refused].filter(([, reason]) => reason !== "unmanaged"),
      report.refused.map(({ containerId, reason }) => [containerId, reason]),
    );
    assertEquals(
      new Map([...plain.contended].map(([rowId, losers]) => [rowId, new Set(losers)])),
      new Map(report.contended.map(({ rowId, losers }) => [rowId, new Set(losers)])),
    );
    assertEquals(
      [...plain.refused.values()].filter((reason) => reason === "unmanaged").length,
      report.unmanaged.count,
    );
  }

  /** A full pass after one that nothing has followed: it must find nothing to write. */
  async passAgain(step: PassStep = {}): Promise<void> {
    const { store } = this.rig;
    const changesBefore = store.totalChanges();
    const lastBefore = this.lastSeq();
    const rowsBefore = this.views().map((view) => ({ ...view, lastSeenAt: null }));
    const watchedBefore = store.hosts.watched.isOpen();
    await this.pass(step);
    assertEquals(this.views().map((view) => ({ ...view, lastSeenAt: null })), rowsBefore);
    // The first full pass that another Engine answers also ends what was watched until then.
    const isLost = watchedBefore && !store.hosts.watched.isOpen();
    const written = store.totalChanges() - changesBefore;
    assertEquals(written, isLost ? 3 : 1, "only the host's last pass is written");
    assertEquals(this.lastSeq(), lastBefore);
  }

  /** A pass for what events named; `lost` of them did not arrive. */
  async partialPass(options: { lost?: readonly number[] } = {}): Promise<void> {
    this.#tick();
    const named = [...this.#dirty].filter((_, i) => !options.lost?.includes(i));
    if (named.length < this.#dirty.size) this.#blind = true;
    this.#dirty.clear();
    if (named.length === 0) return;
    this.engine.clearRequests();
    const before = this.oracle.candidates();
    const dirty = new Map(named.map((id) => [id, event(id)]));
    await this.rig.reconciler.partialPass(dirty, { signal: new AbortController().signal });
    if (this.engine.count("info") > 0) this.#answered = this.engine.id;

    // With every change named, the result must be a full pass's. Otherwise it is that of what was
    // asked for, which is more than was named where containers contend.
    const asked = this.engine.requests.findLast(({ endpoint }) => endpoint.startsWith("list"))!;
    const scope = this.#blind && asked.endpoint === "list_ids" ? new Set(asked.ids) : "all";
    const listed = this.listed();
    this.oracle.pass({
      scope,
      containers: scope === "all" ? listed : listed.filter(({ id }) => scope.has(id)),
    }, {
      at: new Date(this.#clock.ms).toISOString(),
      candidates: before,
      sweep: this.#sweep(),
      composePrefix: COMPOSE_PREFIX,
    });
    const whole = asked.endpoint === "list";
    if (whole || this.#answered === this.#accepted) this.#confirmer = this.#answered;
    this.#partial = true;
    this.compare();
  }

  /** What the Engine that answers may sweep; another than the accepted one what it had itself. */
  #sweep(): "all" | "confirmed" | "none" {
    if (this.engine.id === this.#accepted) return "all";
    return this.engine.id === this.#confirmer ? "confirmed" : "none";
  }

  /** Another process writes to the database, nothing that matters: the store reads anew. */
  forget(): void {
    this.#other ??= new Database(this.rig.path);
    this.#other.exec("UPDATE hosts SET name = name");
  }

  /** Number of the last transition. */
  lastSeq(): number {
    return this.rig.store.transitions.since(0, { limit: -1 }).at(-1)?.seq ?? 0;
  }

  /** Every row of the real index. */
  views(): ContainerView[] {
    return this.rig.store.views.list();
  }

  /** What the Engine lists now, as the oracle wants it. */
  listed(): ListedContainer[] {
    return [...this.engine.containers.values()].map(listed);
  }

  /** Both must show the same rows, and rows that stay must stay the same rows. */
  compare(): void {
    const views = this.views();
    const real = views.map(plainRow);
    const plain = this.oracle.rows();
    if (this.#partial) {
      for (const row of [...real, ...plain]) row.last_seen_at = null;
    }
    assertEquals(real.toSorted(byId), plain.toSorted(byId));
    for (const { id, createdAt } of views) {
      assertEquals(this.#createdAt.get(id) ?? createdAt, createdAt, `row ${id} was made anew`);
      this.#createdAt.set(id, createdAt);
    }
    for (const id of this.#createdAt.keys()) {
      if (!views.some((view) => view.id === id)) throw new Error(`Row ${id} has gone`);
    }
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.oracle[Symbol.dispose]();
    this.#other?.close();
    await this.rig[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }

  #tick(): void {
    this.#clock.ms += 1000;
  }

  #container(at: number): FakeContainer | undefined {
    const all = [...this.engine.containers.values()];
    return all[at % Math.max(1, all.length)];
  }
}

/** A container as a listing must show it to the domain. */
export function listed(container: FakeContainer): ListedContainer {
  const { id, name, image, state, labels, created, health, exitCode } = container;
  return {
    ...NOTHING_LISTED,
    id,
    name,
    image,
    imageId: FAKE_IMAGE_ID,
    state,
    health: state === "running" ? health : null,
    exitCode: state === "exited" || state === "restarting" ? exitCode : null,
    labels,
    ports: container.ports.map(({ PrivatePort, PublicPort, Type, IP }) => ({
      privatePort: PrivatePort,
      publicPort: PublicPort ?? null,
      hostIp: PublicPort === undefined ? null : IP ?? "0.0.0.0",
      protocol: Type,
    })),
    addresses: JSON.stringify(
      Object.fromEntries(
        Object.keys(container.networks).sort().map((name) => [name, container.networks[name]]),
      ),
    ),
    createdAt: created,
  };
}

export function event(containerId: string, action = "update"): EngineEvent {
  return { action, containerId, name: "", health: null, exitCode: null, timeMs: null };
}

/** A row of the real index as the oracle writes it. */
export function plainRow(view: ContainerView): OracleRow {
  return {
    id: view.id,
    workload_id: view.workloadId,
    workload_kind: view.workloadKind,
    role: view.role ?? "",
    replica: view.replica,
    container_id: view.containerId,
    container_name: view.containerName ?? "",
    image_ref: view.imageRef ?? "",
    host: view.host,
    state: view.state,
    health: view.health,
    exit_code: view.exitCode,
    port: view.port ?? 0,
    host_ip: view.hostIp,
    host_port: view.hostPort,
    addresses: JSON.stringify(view.addresses),
    image_id: view.imageId,
    created_at_engine: view.createdAtEngine === null
      ? null
      : Date.parse(view.createdAtEngine) / 1000,
    last_seen_at: view.lastSeenAt,
    unclaimed_reason: view.unclaimedReason,
    unclaimed_value: view.unclaimedValue,
    stage_id: view.stageId,
    image_tag: view.imageTag,
    subdomain: view.subdomain,
    proxy_route_id: view.proxyRouteId,
    npm_proxy_id: view.npmProxyId,
    meta: view.meta === null ? null : JSON.stringify(view.meta),
  };
}

/** What the deployer's path of the store calls the same. */
function columns(write: DeployerWrite): DeployedContainerPatch {
  const patch: DeployedContainerPatch = {};
  if (write.container_id !== undefined) patch.containerId = write.container_id;
  if (write.image_ref !== undefined) patch.imageRef = write.image_ref;
  if (write.stage_id !== undefined) patch.stageId = write.stage_id;
  if (write.image_tag !== undefined) patch.imageTag = write.image_tag;
  if (write.subdomain !== undefined) patch.subdomain = write.subdomain;
  if (write.proxy_route_id !== undefined) patch.proxyRouteId = write.proxy_route_id;
  if (write.npm_proxy_id !== undefined) patch.npmProxyId = write.npm_proxy_id;
  if (write.meta !== undefined) patch.meta = write.meta === null ? null : JSON.parse(write.meta);
  return patch;
}

function byId(a: OracleRow, b: OracleRow): number {
  return a.id < b.id ? -1 : 1;
}

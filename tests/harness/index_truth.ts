/**
 * What an index must show of a fake Engine, from who owns which container. Knows no rule of the
 * reconciler beyond that: one container for each row, one row for each container of a workload.
 *
 * @module
 */

import type { ContainerView } from "../../src/model/views.ts";
import type { Thing } from "../endurance/thing.ts";
import type { FakeEngine } from "../engines/scripted.ts";

/** The Engine's containers and whose they are. */
export interface IndexTruth {
  readonly engine: FakeEngine;
  /** Entry or deployer's row by container id; nobody's containers are not in it. */
  readonly owners: ReadonlyMap<string, Thing>;
}

const STATES: Readonly<Record<string, string>> = { exited: "stopped", dead: "stopped" };

/** Says where these rows and the Engine disagree. */
export function compareWithEngine(rows: readonly ContainerView[], truth: IndexTruth): string[] {
  const { engine, owners } = truth;
  const violations: string[] = [];
  const bound = new Set<string | null>();
  for (const row of rows) {
    bound.add(row.containerId);
    const container = engine.containers.get(row.containerId ?? "");
    const seen = [row.state, row.imageRef, row.containerName];
    const wanted = container === undefined
      // Never seen, or no longer there.
      ? [row.containerId === null ? "absent" : "missing", row.imageRef, row.containerName]
      : [STATES[container.state] ?? container.state, container.image, container.name];
    if (seen.join() !== wanted.join()) violations.push(`row ${row.id} is ${seen}, not ${wanted}`);
  }
  for (const [id, thing] of owners) {
    if (!engine.containers.has(id)) continue;
    const serves = thing.state !== null &&
      (thing.kind !== "row" || thing.state["container"] === id);
    if (serves !== bound.has(id)) {
      violations.push(`container ${id} of ${thing} has ${serves ? "no" : "a"} row`);
    }
  }
  return violations;
}

/**
 * What a listing costs a real Engine, whole and by label. It decides whether passes should ask by
 * label; there is no target.
 *
 * @module
 */

import { LABEL } from "../../src/core/dispatch.ts";
import { ENGINE } from "../engines/docker.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { bareClient } from "./world.ts";

/** The benches of this file. */
export const BENCHES: readonly Bench[] = [{
  name: "filtered-listing",
  missing: () =>
    Promise.resolve(
      typeof ENGINE === "string" ? ENGINE : ENGINE.host.kind === "unix" ? null : "not a socket",
    ),
  run: filteredListing,
}];

const CONTAINERS = 200;
const MANAGED = 20;

/** Labels of an Engine's filter are all required, so each rule's label is a request of its own. */
const LABELS = [LABEL.workloadId, LABEL.staticSite, LABEL.composeProject];

async function filteredListing(): Promise<Figure[]> {
  if (typeof ENGINE === "string" || ENGINE.host.kind !== "unix") throw new Error("not a socket");
  await using scope = await ENGINE.scope();
  for (let i = 0; i < CONTAINERS; i++) {
    await scope.create(`c${i}`, i < MANAGED ? { labels: { [LABEL.workloadId]: `w${i}` } } : {});
  }
  using client = bareClient(ENGINE.host);
  /** Milliseconds until the last byte of all answers, and the containers in them. */
  const ask = async (...filters: string[]) => {
    const begin = performance.now();
    let containers = 0;
    for (const filter of filters) {
      const query = `all=1${filter && `&filters=${encodeURIComponent(filter)}`}`;
      const response = await fetch(`http://127.0.0.1/containers/json?${query}`, { client });
      containers += (await response.json()).length;
    }
    return { ms: performance.now() - begin, containers };
  };
  const byLabel = LABELS.map((label) => JSON.stringify({ label: [label] }));
  const [whole, filtered]: [number[], number[]] = [[], []];
  for (let round = 0; round < 110; round++) {
    const all = await ask("");
    const some = await ask(...byLabel);
    if (all.containers < CONTAINERS || some.containers < MANAGED) {
      throw new Error(`${all.containers} and ${some.containers} containers are too few`);
    }
    if (round < 10) continue;
    whole.push(all.ms);
    filtered.push(some.ms);
  }
  return [{
    row: `real Engine, ${CONTAINERS} containers, ${MANAGED} managed: by label / whole listing`,
    measured: median(filtered) / median(whole),
    unit: "×",
    target: null,
    bound: "most",
    note: `${median(filtered).toFixed(1)} ms for ${LABELS.length} requests, ` +
      `${median(whole).toFixed(1)} ms for one; medians of ${whole.length}`,
  }];
}

/**
 * The stages of a project, with the branch previews that run in them and where those are reached.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import { rows } from "../live/index_state.ts";
import type { Row } from "../live/rows.ts";
import type { Workload } from "../../model/workload.ts";
import type { Stage } from "../../store/stages.ts";
import { href } from "../place.ts";
import { words } from "../words/words.ts";
import { Failed, Loading } from "./notice.tsx";
import { State } from "./state.tsx";
import { Symbol } from "./symbol.tsx";

const stages = new Latest<readonly Stage[]>(async (id, signal) =>
  (await ask<{ items: Stage[] }>(`/api/projects/${encodeURIComponent(id)}/stages`, { signal }))
    .items
);

/** The section. */
export function Stages({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  rows.revision.value;
  useEffect(() => {
    if (workload.refId !== "") stages.ask(workload.refId);
  }, [workload.refId]);
  const { key, value, error } = stages.state.value;
  return (
    <section>
      <h2>{t.stages}</h2>
      {error !== null
        ? <Failed error={error} retry={() => stages.ask(workload.refId, { again: true })} />
        : key !== workload.refId || value === null
        ? <Loading />
        : value.length === 0
        ? <p class="muted">{t.noStages}</p>
        : (
          <ul class="stages">
            {value.map((stage) => <StageCard key={stage.id} stage={stage} workload={workload} />)}
          </ul>
        )}
    </section>
  );
}

function StageCard({ stage, workload }: { stage: Stage; workload: Workload }): JSX.Element {
  const t = words.value.workload;
  rows.revision.value;
  const members = [...rows.all.values()].filter((row) =>
    row.workloadId === workload.id && row.stageName === stage.name
  );
  return (
    <li class="card">
      <div class="heading">
        <h3>{stage.name}</h3>
        <span class="muted">{t.instances(members.length, stage.maxInstances)}</span>
      </div>
      {members.length > 0 && (
        <ul class="lines">
          {members.map((row) => (
            <li key={row.id} class="line">
              <a href={href(`/workloads/${encodeURIComponent(workload.id)}`, { row: row.id })}>
                {row.name || row.role}
              </a>
              <State state={row.state} health={row.health} exitCode={row.exitCode} />
              <Address row={row} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** Where a preview is reached, if what its deployer wrote is a whole name. */
function Address({ row: { subdomain } }: { row: Row }): JSX.Element | null {
  if (subdomain === null) return null;
  // Written by a deployer, so it is read as a name and nothing else.
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(subdomain)) return <span>{subdomain}</span>;
  return (
    <a href={`https://${subdomain}/`} target="_blank" rel="noopener noreferrer">
      {subdomain} <Symbol name="outward" />
    </a>
  );
}

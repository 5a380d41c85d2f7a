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
import type { Preview } from "../../server/stage_schemas.ts";
import type { Stage } from "../../store/stages.ts";
import { href } from "../place.ts";
import { words } from "../words/words.ts";
import { Failed, Loading } from "./notice.tsx";
import { State } from "./state.tsx";
import { Symbol } from "./symbol.tsx";

/** A stage, and where people look at it. */
interface Shown extends Stage {
  readonly urls: readonly string[];
}

const stages = new Latest<readonly Shown[]>(async (id, signal) => {
  const project = encodeURIComponent(id);
  const [all, previews] = await Promise.all([
    ask<{ items: Stage[] }>(`/api/projects/${project}/stages`, { signal }),
    ask<{ items: Preview[] }>(`/api/previews?project=${project}`, { signal }),
  ]);
  const urls = new Map(previews.items.map((preview) => [preview.id, preview.urls]));
  return all.items.map((stage) => ({ ...stage, urls: urls.get(stage.id) ?? [] }));
});

/** The section. */
export function Stages({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  rows.revision.value;
  useEffect(() => {
    if (workload.refId !== "") stages.ask(workload.refId);
  }, [workload.refId]);
  const { key, value, error } = stages.state.value;
  const members = Map.groupBy(
    [...rows.all.values()].filter((row) => row.workloadId === workload.id),
    (row) => row.stageName,
  );
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
            {value.map((stage) => (
              <StageCard
                key={stage.id}
                stage={stage}
                workload={workload}
                members={members.get(stage.name) ?? []}
              />
            ))}
          </ul>
        )}
    </section>
  );
}

function StageCard(
  { stage, workload, members }: { stage: Shown; workload: Workload; members: readonly Row[] },
): JSX.Element {
  const t = words.value.workload;
  return (
    <li class="card">
      <div class="heading">
        <h3>{stage.name}</h3>
        {stage.branch !== null && <code>{stage.branch}</code>}
        <span class="muted">
          {stage.preview && `${t.preview}, `}
          {t.instances(members.length, stage.maxInstances)}
        </span>
        {stage.urls.map((url) => <Outward key={url} url={url} />)}
      </div>
      {members.length > 0 && (
        <ul class="lines">
          {members.map((row) => (
            <li key={row.id} class="line">
              <a href={href(`/workloads/${encodeURIComponent(workload.id)}`, { row: row.id })}>
                {row.name || row.role}
              </a>
              <State state={row.state} health={row.health} exitCode={row.exitCode} />
              {row.subdomain !== null && stage.urls.length === 0 && <span>{row.subdomain}</span>}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** A link out of here, if it is one: its name was written by a deployer. */
function Outward({ url }: { url: string }): JSX.Element {
  if (!/^https?:\/\//.test(url)) return <span>{url}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {url} <Symbol name="outward" />
    </a>
  );
}

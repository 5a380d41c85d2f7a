/**
 * How containers come to belong to a workload, and how a deployer makes itself heard. The webhook's
 * secret is asked for when a reader wants to see it, and not before.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import { ENTRY_PATHS } from "../entry_paths.ts";
import type { Workload, WorkloadKind } from "../../model/workload.ts";
import type { Entry } from "../../store/registry.ts";
import { BASE } from "../place.ts";
import { mayDeploy } from "../session.ts";
import { words } from "../words/words.ts";
import { Command } from "./command.tsx";
import { useDoing } from "./doing.ts";
import { Fact } from "./fact.tsx";

const entries = new Latest<Entry>((key, signal) => {
  const [kind, id] = key.split("\n") as [WorkloadKind, string];
  return ask<Entry>(`${ENTRY_PATHS[kind]}/${encodeURIComponent(id)}`, { signal });
});

/** The section. */
export function Connection({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  const { kind, refId } = workload;
  const key = `${kind}\n${refId}`;
  useEffect(() => {
    if (refId !== "") entries.ask(key);
  }, [key]);
  const { key: asked, value } = entries.state.value;
  const entry = asked === key ? value : null;
  const project = entry?.composeProjectName ?? null;
  return (
    <section>
      <h2>{t.connect}</h2>
      {(entry?.domain || project !== null) && (
        <dl class="facts-list">
          {entry?.domain && <Fact name={t.domain}>{entry.domain}</Fact>}
          {project !== null && (
            <Fact name={t.composeProject}>
              <code>{project}</code>
            </Fact>
          )}
        </dl>
      )}
      {project !== null && <p class="muted">{t.labelsCompose(project)}</p>}
      <div class="stack tight">
        <p>{t.labels}</p>
        <Command text={labelsText(workload)} label={t.labels} />
      </div>
      {mayDeploy.value && <Hook workload={workload} />}
    </section>
  );
}

/** The labels, one on each line, as they stand in a Compose file or behind `--label`. */
export function labelsText({ id, kind }: Pick<Workload, "id" | "kind">): string {
  return `tinyforge.workload.id=${id}\ntinyforge.workload.kind=${kind}`;
}

function Hook({ workload }: { workload: Workload }): JSX.Element {
  const t = words.value.workload;
  const secret = useSignal<{ of: string; secret: string } | null>(null);
  const { busy, run } = useDoing();
  const shown = secret.value?.of === workload.id ? secret.value.secret : null;
  const show = () =>
    run(async () => {
      const path = `/api/workloads/${encodeURIComponent(workload.id)}/secret`;
      const answer = await ask<{ secret: string }>(path);
      secret.value = { of: workload.id, secret: answer.secret };
    });
  return (
    <div class="stack tight">
      <p>
        {t.hook}
        <span class="hint block">{t.hookText}</span>
      </p>
      {shown === null
        ? (
          <div>
            <button type="button" aria-disabled={busy.value} onClick={show}>{t.hookShow}</button>
          </div>
        )
        : (
          <>
            <Command text={`${location.origin}${BASE}hooks/${shown}`} label={t.hook} />
            <div>
              <button type="button" onClick={() => secret.value = null}>{t.hookHide}</button>
            </div>
          </>
        )}
    </div>
  );
}

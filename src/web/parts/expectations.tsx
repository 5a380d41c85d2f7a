/**
 * What should run of a workload. Where the daemon does not tell, the section is not there.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import type { ShownExpectation } from "../../server/adopt_schema.ts";
import type { Workload } from "../../model/workload.ts";
import { mayChange } from "../session.ts";
import { wordOf, words } from "../words/words.ts";
import { ExpectationForm } from "./expectation_form.tsx";
import { Accept } from "./problem_actions.tsx";
import { When } from "./when.tsx";

const expected = new Latest<readonly ShownExpectation[]>(async (id, signal) => {
  const path = `/api/workloads/${encodeURIComponent(id)}/expectations`;
  return (await ask<{ items: ShownExpectation[] }>(path, { signal })).items;
});

/** The section. */
export function Expectations({ workload }: { workload: Workload }): JSX.Element | null {
  const t = words.value;
  const asking = useSignal<"accept" | "change" | null>(null);
  const reload = () => void expected.ask(workload.id, { again: true });
  useEffect(() => void expected.ask(workload.id), [workload.id]);
  const { key, value, error } = expected.state.value;
  // A daemon without this route has no such thing.
  if (key !== workload.id || value === null || error !== null) return null;
  return (
    <section>
      <h2>{t.workload.expectations}</h2>
      {value.length === 0 ? <p class="muted">{t.workload.expectDefault}</p> : (
        <ul class="expected">
          {value.map(({ role, mode, replicas, image, source, setAt }) => (
            <li key={role}>
              <span class="role">{role || t.workload.everyRole}</span>
              <span>
                {t.workload.times(replicas)}, {wordOf(t.workload.mode, mode)}
                {image !== null && (
                  <>
                    , <code>{image}</code>
                  </>
                )}
              </span>
              <span class="muted">
                {wordOf(t.workload.source, source)}, <When at={setAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {mayChange.value && (
        <div class="actions">
          <button type="button" onClick={() => asking.value = "accept"}>{t.problem.accept}</button>
          <button type="button" onClick={() => asking.value = "change"}>
            {t.settings.change}
          </button>
        </div>
      )}
      {asking.value === "accept" && (
        <Accept
          workload={workload}
          onClose={() => {
            asking.value = null;
            reload();
          }}
        />
      )}
      {asking.value === "change" && (
        <ExpectationForm
          workload={workload}
          expected={value}
          onClose={() => asking.value = null}
          onDone={reload}
        />
      )}
    </section>
  );
}

/**
 * What should run of a workload, set by hand. Roles that are taken out are expected as ever.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { ask } from "../ask.ts";
import { problems, rows } from "../live/index_state.ts";
import { MODES } from "../../model/problem.ts";
import type { ShownExpectation } from "../../server/adopt_schema.ts";
import type { Workload } from "../../model/workload.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Field, Select } from "./fields.tsx";

/** A role as it is entered. */
interface Entered {
  readonly role: string;
  readonly mode: string;
  readonly replicas: string;
  readonly image: string;
  /** It was not there before, so that its role can be named. */
  readonly fresh: boolean;
}

/** The form. */
export function ExpectationForm(
  { workload: { id, name, kind }, expected, onClose, onDone }: {
    workload: Workload;
    expected: readonly ShownExpectation[];
    onClose: () => void;
    onDone: () => void;
  },
): JSX.Element {
  const t = words.value.workload;
  const error = useSignal("");
  const entered = useSignal<readonly Entered[]>(expected.map((each) => ({
    ...each,
    replicas: `${each.replicas}`,
    image: each.image ?? "",
    fresh: false,
  })));
  const { busy, run } = useDoing();
  const seen = new Set(
    [...rows.all.values()].filter((row) => row.workloadId === id).map(({ role }) => role),
  );
  const left = [...seen].filter((role) => !entered.value.some((each) => each.role === role));
  const set = (at: number, changes: Partial<Entered>) => {
    entered.value = entered.peek().map((each, i) => i === at ? { ...each, ...changes } : each);
  };
  const save = async () => {
    const items = entered.peek().map(({ role, mode, replicas, image }) => ({
      role: role.trim(),
      mode,
      replicas: Number(replicas),
      image: image.trim() || null,
    }));
    const roles = new Set(items.map(({ role }) => role));
    error.value = roles.size < items.length
      ? t.roleTwice
      : kind !== "site" && roles.has("")
      ? t.needRole
      : items.some(({ replicas }) => !Number.isInteger(replicas) || replicas < 0)
      ? t.needCount
      : "";
    if (error.peek() !== "") return;
    const done = await run(async () => {
      const path = `/api/workloads/${encodeURIComponent(id)}/expectations`;
      await ask(path, { method: "PUT", body: { items } });
      tell(t.expectSaved(name));
      problems.refresh();
      onDone();
    });
    if (done) onClose();
  };
  return (
    <Dialog
      title={t.expectTitle(name)}
      onClose={onClose}
      onSubmit={save}
      actions={
        <button type="submit" class="primary" aria-disabled={busy.value}>
          {words.value.settings.save}
        </button>
      }
    >
      {entered.value.length === 0 && <p class="muted">{t.expectDefault}</p>}
      {entered.value.map((each, at) => (
        <fieldset key={at} class="role-form">
          <legend>{each.role || (kind === "site" ? t.everyRole : t.role)}</legend>
          {each.fresh && kind !== "site" && (
            <Field
              label={t.role}
              value={each.role}
              onInput={(role) => set(at, { role })}
            />
          )}
          <Select
            label={t.expectMode}
            options={MODES.map((mode) => ({ id: mode, name: t.mode[mode] }))}
            chosen={each.mode}
            onChange={(mode) => set(at, { mode })}
          />
          <Field
            label={t.expectCount}
            type="number"
            value={each.replicas}
            onInput={(replicas) => set(at, { replicas })}
          />
          <Field
            label={t.expectImage}
            value={each.image}
            onInput={(image) => set(at, { image })}
          />
          <div>
            <button
              type="button"
              aria-label={`${t.expectForget}: ${each.role || t.everyRole}`}
              onClick={() => entered.value = entered.peek().filter((_, i) => i !== at)}
            >
              {t.expectForget}
            </button>
          </div>
        </fieldset>
      ))}
      {(kind !== "site" || entered.value.length === 0) && (
        <div>
          <button
            type="button"
            onClick={() =>
              entered.value = [...entered.peek(), {
                ...{ role: left[0] ?? "", mode: "running", replicas: "1", image: "", fresh: true },
              }]}
          >
            {t.expectAdd}
          </button>
        </div>
      )}
      <p class="error" role="alert">{error.value}</p>
    </Dialog>
  );
}

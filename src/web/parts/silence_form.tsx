/**
 * Has nobody told for a while: of all that is wrong with a workload or host, or of one kind of it
 * alone. What is no workload's and no other host's is silenced by its kind.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { ShownProblem } from "../../server/problem_views.ts";
import { ask } from "../ask.ts";
import { now } from "../clock.ts";
import { format } from "../format.ts";
import { problems } from "../live/index_state.ts";
import { wordOf, words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { OneOf } from "./fields.tsx";

const HOUR = 3600;
const SPANS: readonly number[] = [HOUR, 4 * HOUR, 24 * HOUR, 7 * 24 * HOUR];

/** How long nobody is told, and of what. */
export function Silence(
  { problem, onClose }: { problem: ShownProblem; onClose: () => void },
): JSX.Element {
  const t = words.value.problem;
  const { busy, run } = useDoing();
  const subject = subjectOf(problem);
  const kind = wordOf(t.kinds, problem.kind);
  const only = useSignal(subject === null ? "only" : "");
  const seconds = useSignal(`${HOUR}`);
  const reason = useSignal("");
  const field = useId();
  const silence = async () => {
    const done = await run(async () => {
      const { until } = await ask<{ until: string | null }>("/api/silences", {
        method: "POST",
        body: {
          ...(subject === null ? { scope: "all" } : { scope: subject.scope, target: subject.id }),
          ...(only.value !== "" && { kinds: [problem.kind] }),
          seconds: Number(seconds.value),
          ...(reason.value.trim() !== "" && { reason: reason.value.trim() }),
        },
      });
      const name = [subject?.name, only.value !== "" && kind].filter(Boolean).join(": ");
      tell(
        t.silenceDone(
          name,
          until === null ? "" : format.value.moment(Date.parse(until), now.value),
        ),
      );
      problems.refresh();
    });
    if (done) onClose();
  };
  const spanText = (span: number) =>
    span < 24 * HOUR ? t.hours(span / HOUR) : t.days(span / (24 * HOUR));
  return (
    <Dialog
      title={t.silenceTitle(subject?.name ?? kind)}
      onClose={onClose}
      onSubmit={silence}
      actions={
        <button type="submit" class="primary" aria-disabled={busy.value}>
          {t.silence.replace("…", "")}
        </button>
      }
    >
      <p>{t.silenceText}</p>
      {subject !== null && (
        <OneOf
          label={t.silenceWhat}
          options={[{ id: "", name: t.silenceEvery }, { id: "only", name: kind }]}
          chosen={only.value}
          onChange={(id) => only.value = id}
        />
      )}
      <OneOf
        label={t.silenceFor}
        options={SPANS.map((span) => ({ id: `${span}`, name: spanText(span) }))}
        chosen={seconds.value}
        onChange={(id) => seconds.value = id}
      />
      <label class="field" for={field}>{t.reason}</label>
      <input
        id={field}
        value={reason.value}
        maxLength={500}
        onInput={(event) => reason.value = event.currentTarget.value}
      />
    </Dialog>
  );
}

/** What it is a problem of; null: of the host whose page this is. */
function subjectOf({ workload, host }: ShownProblem) {
  if (workload !== null) return { scope: "workload", ...workload };
  return host === undefined ? null : { scope: "host", id: host, name: host };
}

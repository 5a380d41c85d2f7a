/**
 * What a reader can say to a problem: it was meant, or: not now. Done when the server said so.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { ask } from "../ask.ts";
import { problems, rows, status } from "../live/index_state.ts";
import type { ShownProblem } from "../../server/problem_views.ts";
import { mayAdmit, mayChange } from "../session.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { MayStop } from "./may_stop.tsx";
import { Silence } from "./silence_form.tsx";

/** The kinds that are over once what runs now is taken for what should run. */
const ACCEPTABLE: ReadonlySet<string> = new Set(["missing", "absent"]);

/** The kinds that are over once the container need not run. */
const MAY_STOP: ReadonlySet<string> = new Set(["stopped", "crashed"]);

/** The buttons. */
export function ProblemActions({ problem }: { problem: ShownProblem }): JSX.Element | null {
  const t = words.value.problem;
  const asking = useSignal<"accept" | "silence" | null>(null);
  const { workload, kind, silenced, row, container } = problem;
  rows.revision.value;
  const stopped = MAY_STOP.has(kind) && row !== null ? rows.all.get(row) : undefined;
  const close = () => asking.value = null;
  // A hub changes nothing on a host; whom it tells is its own.
  if (!mayAdmit.value) return null;
  return (
    <>
      {mayChange.value && workload !== null && (ACCEPTABLE.has(kind) || stopped !== undefined) && (
        <button
          type="button"
          onClick={() => asking.value = "accept"}
        >
          {t.accept}
        </button>
      )}
      {mayChange.value && kind === "engine-changed" && <AcceptEngine />}
      {!silenced && (
        <button
          type="button"
          onClick={() => asking.value = "silence"}
        >
          {t.silence}
        </button>
      )}
      {asking.value === "accept" && workload !== null && (
        stopped === undefined ? <Accept workload={workload} onClose={close} /> : (
          <MayStop
            workload={workload}
            role={stopped.role}
            name={container?.name || stopped.name || workload.name}
            onClose={close}
          />
        )
      )}
      {asking.value === "silence" && <Silence problem={problem} onClose={close} />}
    </>
  );
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** "What runs now is what should run." */
export function Accept(
  { workload: { id, name }, onClose }: { workload: Named; onClose: () => void },
): JSX.Element {
  const t = words.value.problem;
  const { busy, run } = useDoing();
  const accept = async () => {
    const done = await run(async () => {
      const { retired } = await ask<{ retired: readonly unknown[] }>(
        `/api/workloads/${encodeURIComponent(id)}/accept`,
        { method: "POST" },
      );
      tell([t.accepted(name), ...retired.length > 0 ? [t.retired(retired.length)] : []].join(" "));
      problems.refresh();
    });
    if (done) onClose();
  };
  return (
    <Dialog
      title={t.acceptTitle(name)}
      onClose={onClose}
      actions={
        <button type="button" class="primary" aria-disabled={busy.value} onClick={accept}>
          {t.accept}
        </button>
      }
    >
      <p>{t.acceptText}</p>
    </Dialog>
  );
}

function AcceptEngine(): JSX.Element {
  const t = words.value.problem;
  const { busy, run } = useDoing();
  const accept = () =>
    run(async () => {
      await ask("/api/engine/accept", { method: "POST" });
      tell(t.engineAccepted);
      problems.refresh();
      status.refresh();
    });
  return <button type="button" aria-disabled={busy.value} onClick={accept}>{t.acceptEngine}
  </button>;
}

/**
 * "It was meant" of a container that ended and is there: from then on it only has to be there. To
 * accept its workload would not say so, for what stopped may have to run again.
 *
 * @module
 */

import type { JSX } from "preact";
import { ask } from "../ask.ts";
import { problems } from "../live/index_state.ts";
import type { ShownExpectation } from "../../server/adopt_schema.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";

/** Asks whether it is so; `role` is the container's within its workload. */
export function MayStop(
  { workload, role, name, onClose }: {
    workload: { readonly id: string };
    role: string;
    name: string;
    onClose: () => void;
  },
): JSX.Element {
  const t = words.value.problem;
  const { busy, run } = useDoing();
  const accept = async () => {
    const done = await run(async () => {
      const path = `/api/workloads/${encodeURIComponent(workload.id)}/expectations`;
      const { items } = await ask<{ items: ShownExpectation[] }>(path);
      const kept = items.filter((each) => each.role !== role)
        .map(({ role, mode, replicas, image }) => ({ role, mode, replicas, image }));
      const body = { items: [...kept, { role, mode: "any" }] };
      await ask(path, { method: "PUT", body });
      tell(t.mayStopDone(name));
      problems.refresh();
    });
    if (done) onClose();
  };
  return (
    <Dialog
      title={t.mayStopTitle(name)}
      onClose={onClose}
      onSubmit={accept}
      actions={<button type="submit" class="primary" aria-disabled={busy.value}>{t.accept}</button>}
    >
      <p>{t.mayStopText}</p>
    </Dialog>
  );
}

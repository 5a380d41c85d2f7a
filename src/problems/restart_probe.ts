/**
 * Whether the Engine was restarted while its events were not heard, though whoever asked it got an
 * answer: so it is where systemd holds its socket, or where it is quick. Asks about a few containers
 * whether they all began anew since; decides nothing else.
 *
 * @module
 */

import type { ContainerDetails } from "../model/details.ts";
import type { Store } from "../store/store.ts";
import { SHUTDOWN_MS } from "./engine_account.ts";
import type { Inspections } from "./inspections.ts";

/** What {@link probeRestart} works with. */
export interface ProbeOptions {
  /** Since when events were not heard, milliseconds since the Unix epoch. */
  readonly silentSince: number;
  /** The rows as they are by now. */
  readonly store: Pick<Store, "containers" | "problems">;
  /** Asks the Engine. */
  readonly inspections: Inspections;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How many containers speak for all. */
const WITNESSES = 3;

/** That the stream ended is noticed this much later at most, milliseconds. */
const NOTICED_MS = 100;

/**
 * Asks, and calls `found` if every container that was asked about was interrupted at that time. An
 * Engine that keeps containers alive through its restart interrupts none, and nothing has to settle.
 */
export function probeRestart(options: ProbeOptions, found: () => void): void {
  const { silentSince, inspections, signal } = options;
  const witnesses = witnessesOf(options);
  let waiting = witnesses.length;
  let interrupted = 0;
  for (const containerId of witnesses) {
    inspections.ask(containerId, (details) => {
      waiting--;
      if (details === null || wasInterrupted(details, silentSince)) interrupted++;
      if (waiting === 0 && interrupted === witnesses.length) found();
    }, signal);
  }
}

/** Containers from before: those that run, else those that have just ended. */
function witnessesOf({ store, silentSince }: ProbeOptions): string[] {
  const before = [...store.containers.index().rows()].filter(({ containerId, createdAtEngine }) =>
    containerId !== null && createdAtEngine !== null && createdAtEngine * 1000 < silentSince
  );
  const run = before.filter(({ state }) => state === "running");
  const stateSince = (id: string) => store.problems.times(id).get(id)?.stateSince ?? 0;
  const rows = run.length > 0
    ? run
    : before.filter(({ id, state }) =>
      state === "stopped" && stateSince(id) >= silentSince - SHUTDOWN_MS
    );
  return [...new Set(rows.map(({ containerId }) => containerId!))].slice(0, WITNESSES);
}

function wasInterrupted(
  { startedAt, finishedAt }: ContainerDetails,
  silentSince: number,
): boolean {
  const [started, finished] = [startedAt, finishedAt].map((at) => at === null ? 0 : Date.parse(at));
  const runs = started! > finished!;
  return runs ? started! >= silentSince - NOTICED_MS : finished! >= silentSince - SHUTDOWN_MS;
}

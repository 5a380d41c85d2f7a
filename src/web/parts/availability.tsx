/**
 * How much of the time a workload ran, as strips: the taller, the better, so that it is seen without
 * its colours. Where the daemon does not tell, nothing is shown.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { format } from "../format.ts";
import { Latest } from "../latest.ts";
import type { Availability as Told, Running } from "../../model/past.ts";
import type { Workload } from "../../model/workload.ts";
import { words } from "../words/words.ts";
import { Loading } from "./notice.tsx";

/** Windows, and stretches that they are told in: more could not be seen. */
const WINDOWS = [
  { name: "day", days: 1, spans: 288 },
  { name: "week", days: 7, spans: 336 },
  { name: "month", days: 30, spans: 360 },
] as const;

const told = new Latest<readonly Told[]>((id, signal) =>
  Promise.all(WINDOWS.map(({ days, spans }) => {
    const query = new URLSearchParams({ days: `${days}`, workload: id, spans: `${spans}` });
    return ask<Told>(`/api/availability?${query}`, { signal });
  }))
);

/** The section. */
export function Availability({ workload }: { workload: Workload }): JSX.Element | null {
  const t = words.value.workload;
  useEffect(() => void told.ask(workload.id, { again: true }), [workload.id]);
  const { key, value, error } = told.state.value;
  if (error !== null) return null;
  return (
    <section>
      <h2>{t.availability}</h2>
      {key !== workload.id || value === null ? <Loading /> : (
        <ul class="strips">
          {WINDOWS.map(({ name }, i) => (
            <Strip key={name} told={value[i]!} id={workload.id} name={t.spans[name]} />
          ))}
        </ul>
      )}
    </section>
  );
}

const HEIGHTS: Readonly<Record<Running, number>> = { running: 24, partly: 14, down: 8, unknown: 3 };
const WIDTH = 1000;
const HEIGHT = 24;

function Strip(
  { told: { from, until, workloads }, id, name }: { told: Told; id: string; name: string },
): JSX.Element {
  const t = words.value.workload;
  const ran = workloads.find((each) => each.id === id);
  const begin = Date.parse(from);
  const length = Math.max(1, Date.parse(until) - begin);
  const share = ran?.share ?? null;
  const shown = share === null ? "–" : format.value.percent(share);
  const at = (time: string) => (Date.parse(time) - begin) / length * WIDTH;
  const facts = [
    share === null ? t.noHistory : t.stripText(name, shown),
    ran !== undefined && ran.downMs > 0 && `${t.down}: ${format.value.duration(ran.downMs)}`,
    ran !== undefined && ran.unknownMs > 0 &&
    `${t.unknownTime}: ${format.value.duration(ran.unknownMs)}`,
  ].filter(Boolean).join("; ");
  return (
    <li>
      <span class="span">{name}</span>
      <svg
        class="strip"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={facts}
      >
        <title>{facts}</title>
        <rect class="ground" x="0" y={HEIGHT - 1} width={WIDTH} height="1" />
        {ran?.spans.map((span) => {
          const x = Math.max(0, at(span.from));
          const height = HEIGHTS[span.state] ?? HEIGHTS.unknown;
          return (
            <rect
              key={span.from}
              class={span.state}
              x={x}
              y={HEIGHT - height}
              // What was short must be seen all the same.
              width={Math.max(span.state === "running" ? 0 : 2, at(span.to) - x)}
              height={height}
            />
          );
        })}
      </svg>
      <span class="share number">{shown}</span>
    </li>
  );
}

/**
 * Rows of the index as a table, one of them opened. A row is drawn anew only when it changed.
 *
 * @module
 */

import { Fragment, type JSX } from "preact";
import { many } from "../live/many.ts";
import type { Row } from "../live/rows.ts";
import { resorted, type Sort, type SortKey } from "../order.ts";
import { cramped, crowded, narrow, slim } from "../narrow.ts";
import { href, setQuery } from "../place.ts";
import { wordOf, words } from "../words/words.ts";
import { RowDetails } from "./row_details.tsx";
import { State } from "./state.tsx";
import { Symbol } from "./symbol.tsx";
import { When } from "./when.tsx";

/** What is shown, and how. */
export interface RowTableProps {
  readonly rows: readonly Row[];
  /** Absent: as they are given, and nothing to choose. */
  readonly sort?: Sort;
  /** Whether a heading stands over each workload's rows. */
  readonly byWorkload?: boolean;
  /** Whether all are of one workload, which need not be named. */
  readonly within?: boolean;
  /** Ids of rows that something is wrong with. */
  readonly troubled: ReadonlySet<string>;
  /** Id of the row whose details are open, or null. */
  readonly open: string | null;
  /** Told which row has the focus. */
  readonly onFocus?: (id: string | null) => void;
}

/** The table. */
export function RowTable(
  { rows, sort, byWorkload = false, within = false, troubled, open, onFocus }: RowTableProps,
): JSX.Element {
  const t = words.value.containers;
  const wide = !narrow.value;
  const thin = slim.value;
  const named = !within && !byWorkload;
  const groups = byWorkload
    ? [...Map.groupBy(rows, ({ workloadId }) => workloadId)]
    : [["", rows] as const];
  const hosted = many.value === true && !within;
  const ported = wide && !(hosted ? cramped : crowded).value;
  const columns = wide ? 4 + Number(ported) + Number(named) + Number(hosted) : thin ? 1 : 2;
  const head = (key: SortKey, name: string, extra = "") => (
    <Head name={name} sortKey={key} sort={sort} class={extra} />
  );
  return (
    <div class="table-wrap">
      <table class="rows">
        <caption class="unseen">{t.title}</caption>
        <thead>
          <tr>
            {head("name", t.columns.name)}
            {wide && hosted && head("host", t.columns.host, "host")}
            {wide && named && head("workload", t.columns.workload, "workload")}
            {!thin && head("state", t.columns.state, "state-of")}
            {wide && head("image", t.columns.image)}
            {ported && <th scope="col" class="port">{t.columns.port}</th>}
            {wide && head("since", t.columns.since, "since-when")}
          </tr>
        </thead>
        {groups.map(([workloadId, members]) => (
          <tbody
            key={workloadId}
            onFocusIn={(event) => onFocus?.(rowIdOf(event.target))}
            onFocusOut={(event) => onFocus?.(rowIdOf(event.relatedTarget))}
          >
            {byWorkload && (
              <GroupHead first={members[0]!} count={members.length} columns={columns} />
            )}
            {members.map((row) => (
              <Fragment key={row.id}>
                <RowLine
                  row={row}
                  named={named}
                  hosted={hosted}
                  wide={wide}
                  ported={ported}
                  thin={thin}
                  isOpen={open === row.id}
                  isTroubled={troubled.has(row.id)}
                />
                {open === row.id && <RowDetails row={row} columns={columns} />}
              </Fragment>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function rowIdOf(target: EventTarget | null): string | null {
  return target instanceof Element
    ? target.closest("tbody [data-row]")?.getAttribute("data-row") ?? null
    : null;
}

function Head(
  { name, sortKey, sort, class: extra }: {
    name: string;
    sortKey: SortKey;
    sort: Sort | undefined;
    class: string;
  },
): JSX.Element {
  if (sort === undefined) return <th scope="col" class={extra}>{name}</th>;
  const chosen = sort.key === sortKey;
  const { descending } = sort;
  return (
    <th
      scope="col"
      class={extra}
      aria-sort={chosen ? (descending ? "descending" : "ascending") : undefined}
    >
      <button
        type="button"
        class="sort"
        onClick={() => setQuery({ sort: resorted(sort, sortKey) })}
      >
        {name}
        {chosen && <Symbol name={descending ? "up" : "down"} />}
      </button>
    </th>
  );
}

function GroupHead(
  { first, count, columns }: { first: Row; count: number; columns: number },
): JSX.Element {
  const t = words.value;
  return (
    <tr class="group">
      <th scope="rowgroup" colSpan={columns}>
        <a href={workloadLink(first)}>{first.workloadName}</a>
        <span class="muted">
          {[
            ...many.value ? [first.host] : [],
            wordOf(t.kind, first.workloadKind),
            t.containers.inGroup(count),
          ].join(", ")}
        </span>
      </th>
    </tr>
  );
}

function RowLine(
  { row, named, hosted, wide, ported, thin, isOpen, isTroubled }: {
    row: Row;
    /** Whether the host has to be told. */
    hosted: boolean;
    /** Whether the workload has to be told. */
    named: boolean;
    wide: boolean;
    /** Whether there is room for ports. */
    ported: boolean;
    /** Whether even the state has no column of its own. */
    thin: boolean;
    isOpen: boolean;
    isTroubled: boolean;
  },
): JSX.Element {
  const t = words.value.containers;
  const { id, name, image, since } = row;
  const { state, lastState, health, exitCode } = row;
  const shownState = (
    <State state={state} lastState={lastState} health={health} exitCode={exitCode} />
  );
  const shownName = name || placeText(row);
  return (
    <tr data-row={id} class={`${isOpen ? "open" : ""} ${isTroubled ? "troubled" : ""}`}>
      <th scope="row">
        <button
          type="button"
          class="open-row"
          data-open
          aria-expanded={isOpen}
          onClick={() => setQuery({ row: isOpen ? null : id })}
        >
          <Symbol name={isOpen ? "down" : "open"} />
          <span class="clip" title={shownName}>{shownName}</span>
          {wide && isTroubled && (
            <span class="trouble" title={t.problem}>
              <Symbol name="alert" />
              <span class="unseen">{`, ${t.problem}`}</span>
            </span>
          )}
        </button>
        <span class="sub">
          {thin && shownState}
          {isTroubled && !wide && (
            <span class="trouble">
              <Symbol name="alert" /> {t.problem}
            </span>
          )}
          {hosted && !wide && <a href={hostLink(row)}>{row.host}</a>}
          {named && !wide && <a href={workloadLink(row)}>{row.workloadName}</a>}
          {name === "" && <span>{t.unnamed}</span>}
          {row.stageName !== null && <span>{row.stageName}</span>}
          {!row.claimed && <span>{t.unclaimed}</span>}
        </span>
      </th>
      {hosted && wide && (
        <td>
          <a class="clip" href={hostLink(row)} title={row.host}>{row.host}</a>
        </td>
      )}
      {named && wide && (
        <td>
          <a class="clip" href={workloadLink(row)} title={row.workloadName}>{row.workloadName}</a>
        </td>
      )}
      {!thin && <td>{shownState}</td>}
      {wide && (
        <>
          <td class="mono">
            <span class="clip end" title={image}>
              <bdi>{shortImage(image) || "–"}</bdi>
            </span>
          </td>
          {ported && <td class="mono port">{portText(row)}</td>}
          <td class="since-when">
            <When at={since} />
          </td>
        </>
      )}
    </tr>
  );
}

/** What a row without a container is called. */
export function placeText({ role, replica, workloadName, id }: Row): string {
  if (role === "") return workloadName || id;
  return replica > 1 ? `${role} ${words.value.containers.replica(replica)}` : role;
}

/** What tells images apart: without the registry's name, with a digest's beginning. */
function shortImage(image: string): string {
  return image.replace(/^[^/]+[.:][^/]*\//, "").replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1…");
}

/** Where the host leads to, and the container's own port. */
function portText({ port, hostPort }: Row): string {
  if (port === null) return "–";
  return hostPort === null ? `${port}` : `${hostPort} → ${port}`;
}

function hostLink({ host }: Row): string {
  return href("/containers", { host });
}

function workloadLink({ workloadId }: Row): string {
  return href(`/workloads/${encodeURIComponent(workloadId)}`);
}

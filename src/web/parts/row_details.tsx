/**
 * Everything that is known of one row, under it. Asked for when it is opened, and again when the row
 * changes; an answer for another row that comes late changes nothing.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ContainerView, ShownTransition } from "../../model/views.ts";
import type { Hosted } from "../../model/hosts.ts";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import { many } from "../live/many.ts";
import type { Row } from "../live/rows.ts";
import { words } from "../words/words.ts";
import { Fact } from "./fact.tsx";
import { Failed, Loading } from "./notice.tsx";
import { Story } from "./story.tsx";
import { Symbol } from "./symbol.tsx";
import { When } from "./when.tsx";

/** Transitions that are shown of a row. */
const MOST_STORY = 20;

/** Something known; null or empty: it is not. */
interface Fact {
  readonly name: string;
  readonly what: JSX.Element | string | null;
}

interface Details {
  readonly view: ContainerView & Partial<Hosted>;
  readonly story: readonly ShownTransition[];
}

const details = new Latest<Details>(async (id, signal) => {
  const path = `/api/containers/${encodeURIComponent(id)}`;
  const [view, { items }] = await Promise.all([
    ask<ContainerView>(path, { signal }),
    ask<{ items: ShownTransition[] }>(`${path}/transitions`, { signal }),
  ]);
  return { view, story: items.slice(-MOST_STORY).reverse() };
});

/** A row of the table that holds them. */
export function RowDetails({ row, columns }: { row: Row; columns: number }): JSX.Element {
  useEffect(() => void details.ask(row.id), [row.id]);
  useEffect(() => {
    if (details.state.peek().value !== null) details.ask(row.id, { again: true });
  }, [row]);
  const { key, value, error } = details.state.value;
  return (
    <tr class="details" data-details={row.id}>
      <td colSpan={columns}>
        {key !== row.id || (value === null && error === null)
          ? <Loading />
          : value === null
          ? error!.status === 404
            ? <p class="muted">{words.value.row.gone}</p>
            : <Failed error={error!} retry={() => details.ask(row.id, { again: true })} />
          : <Known view={value.view} story={value.story} />}
      </td>
    </tr>
  );
}

function Known({ view, story }: Details): JSX.Element {
  const t = words.value.row;
  const url = many.value ? null : addressOf(view);
  const { host, lastState, heardAt } = view;
  const facts: Fact[] = [
    { name: words.value.hosts.host, what: lastState === undefined ? null : host },
    {
      name: words.value.hosts.heard,
      what: lastState !== undefined && heardAt ? <When at={heardAt} /> : null,
    },
    { name: t.image, what: view.imageRef && <code>{view.imageRef}</code> },
    { name: t.imageId, what: view.imageId && <code class="id">{view.imageId}</code> },
    { name: t.container, what: view.containerId && <code class="id">{view.containerId}</code> },
    { name: t.ports, what: portsOf(view) },
    { name: t.addresses, what: addressesOf(view) },
    { name: t.stage, what: view.stageName },
    { name: t.subdomain, what: view.subdomain },
    {
      name: t.unclaimed,
      what: view.unclaimedReason &&
        [view.unclaimedReason, view.unclaimedValue].filter(Boolean).join(": "),
    },
    { name: t.created, what: view.createdAtEngine && <When at={view.createdAtEngine} /> },
    { name: t.seen, what: view.lastSeenAt && <When at={view.lastSeenAt} /> },
    ...inspectedOf(view),
    { name: t.id, what: <code class="id">{view.id}</code> },
  ];
  return (
    <div class="known">
      <dl class="facts-list">
        {facts.filter(({ what }) => what !== null && what !== "").map(({ name, what }) => (
          <Fact key={name} name={name}>{what}</Fact>
        ))}
      </dl>
      <section>
        <h2 class="inner">{t.story}</h2>
        {story.length === 0
          ? <p class="muted">{t.noStory}</p>
          : <Story entries={story.map((each) => ({ at: each.at, transition: each }))} />}
        {url !== null && (
          <p>
            <a href={url} target="_blank" rel="noopener noreferrer">
              {t.all(url)} <Symbol name="outward" />
            </a>
          </p>
        )}
      </section>
    </div>
  );
}

/** What an inspect told. */
function inspectedOf(
  { state, startedAt, finishedAt, restartCount, restartPolicy }: ContainerView,
): Fact[] {
  const t = words.value.row;
  const ended = state === "running" ? null : finishedAt;
  return [
    { name: t.started, what: startedAt && <When at={startedAt} /> },
    { name: t.ended, what: ended && <When at={ended} /> },
    { name: t.restarts, what: restartCount ? `${restartCount}` : null },
    { name: t.policy, what: restartPolicy },
  ];
}

function portsOf({ port, hostIp, hostPort }: ContainerView): string | null {
  if (port === null) return null;
  return hostPort === null ? `${port}` : `${hostIp ?? ""}:${hostPort} → ${port}`;
}

function addressesOf({ addresses }: ContainerView): JSX.Element | null {
  const all = Object.entries(addresses);
  if (all.length === 0) return null;
  return (
    <ul class="plain">
      {all.map(([network, address]) => (
        <li key={network}>
          {network}: <code>{address ?? words.value.row.noAddress}</code>
        </li>
      ))}
    </ul>
  );
}

/** Where it is reached from a browser on this host's network, if it is published. */
function addressOf({ state, hostPort, hostIp, port }: ContainerView): string | null {
  if (state !== "running" || hostPort === null) return null;
  if (
    hostIp !== null && /^127\.|^::1$/.test(hostIp) &&
    !/^(?:localhost|127\.|\[::1\])/.test(location.hostname)
  ) {
    return null;
  }
  const scheme = port === 443 || port === 8443 ? "https" : "http";
  return `${scheme}://${location.hostname}:${hostPort}/`;
}

/**
 * The hosts of a hub: which are not heard of first, and how each leads to its rows; then those that
 * were invited and have not joined, and how they do.
 *
 * @module
 */

import type { JSX } from "preact";
import type { HostState, HostView, Invitation } from "../../model/hosts.ts";
import { now } from "../clock.ts";
import { format } from "../format.ts";
import { hosts, type KnownHosts } from "../live/many.ts";
import { href } from "../place.ts";
import { words } from "../words/words.ts";
import { Command } from "./command.tsx";
import { Failed, Loading } from "./notice.tsx";
import { Sign, type Tone } from "./state.tsx";
import type { SymbolName } from "./symbol.tsx";
import { When } from "./when.tsx";

/** Hosts that are named at once; the rest is a click away. */
const MOST = 60;

const LOOKS: Readonly<Record<HostState, { symbol: SymbolName; tone: Tone; rank: number }>> = {
  contested: { symbol: "alert", tone: "bad", rank: 0 },
  unknown: { symbol: "question", tone: "warn", rank: 1 },
  new: { symbol: "dots", tone: "quiet", rank: 2 },
  known: { symbol: "disc", tone: "good", rank: 3 },
};

/** The section of the overview. */
export function Hosts(): JSX.Element {
  const t = words.value.hosts;
  const { value: all } = hosts.value;
  const error = hosts.error.value;
  return (
    <section aria-label={t.title}>
      <h2>{t.title}</h2>
      {all === null
        ? error === null ? <Loading /> : <Failed error={error} retry={() => hosts.refresh()} />
        : <Known {...all} />}
    </section>
  );
}

function Known({ items, invited }: KnownHosts): JSX.Element {
  const sorted = [...items].sort((a, b) => LOOKS[a.state].rank - LOOKS[b.state].rank);
  return (
    <>
      {items.length === 0
        ? <None invited={invited.length > 0} />
        : <Lines all={sorted.map((host) => <HostLine key={host.name} host={host} />)} />}
      {invited.length > 0 && (
        <>
          <h3>{words.value.hosts.invited}</h3>
          <Lines all={invited.map((each) => <InvitedLine key={each.name} invitation={each} />)} />
        </>
      )}
    </>
  );
}

function None({ invited }: { invited: boolean }): JSX.Element {
  const t = words.value.hosts;
  if (invited) return <p class="muted">{t.none}.</p>;
  return (
    <div class="notice first">
      <p class="title">{t.none}</p>
      <p>{t.noneText}</p>
      <Command text="tinyforge hub enroll NAME" />
    </div>
  );
}

/** The first of them, and the rest where somebody asks for it. */
function Lines({ all }: { all: readonly JSX.Element[] }): JSX.Element {
  return (
    <>
      <ul class="lines">{all.slice(0, MOST)}</ul>
      {all.length > MOST && (
        <details class="more">
          <summary>{words.value.hosts.more(all.length - MOST)}</summary>
          <ul class="lines">{all.slice(MOST)}</ul>
        </details>
      )}
    </>
  );
}

function InvitedLine(
  { invitation: { name, invitedAt, expiresAt, expired } }: { invitation: Invitation },
): JSX.Element {
  const t = words.value.hosts;
  const end = format.value.moment(Date.parse(expiresAt), now.value);
  return (
    <li class="card arriving" data-invited={name}>
      <p class="line">
        <span class="title">{name}</span>
        <Sign tone={expired ? "warn" : "quiet"} symbol={expired ? "alert" : "clock"}>
          {expired ? t.tokenOver(end) : words.value.settings.expires(end)}
        </Sign>
        <span class="muted">
          {t.invitedAt} <When at={invitedAt} />
        </span>
      </p>
      <p>{t.joinThere}</p>
      <Command text={`tinyforge hub enroll ${name}`} />
    </li>
  );
}

function HostLine({ host }: { host: HostView }): JSX.Element {
  const t = words.value;
  const { name, state, heardAt, rows, machines } = host;
  const { symbol, tone } = LOOKS[state];
  return (
    <li class="line" data-host={name}>
      <a href={href("/containers", { host: name })}>{name}</a>
      <Sign tone={tone} symbol={symbol}>{t.hosts.states[state]}</Sign>
      <span class="muted">{t.nav.rows(rows)}</span>
      {state === "contested" && (
        <span class="muted">{t.hosts.contestedBy(machines.join(", "))}</span>
      )}
      {heardAt !== null && state !== "known" && (
        <span class="muted">
          {t.hosts.heard} <When at={heardAt} />
        </span>
      )}
    </li>
  );
}

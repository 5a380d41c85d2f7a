/**
 * Who may ask: tokens, shown once when they are made, and browsers that are logged in.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { now } from "../clock.ts";
import { format } from "../format.ts";
import { Latest } from "../latest.ts";
import type { ShownSession } from "../../server/api/sessions.ts";
import type { ShownToken } from "../../server/api/tokens.ts";
import { logOut, mayAdmit, session } from "../session.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Confirm } from "./channels.tsx";
import { useDoing } from "./doing.ts";
import { Items } from "./notice.tsx";
import { RenewForm, TokenForm } from "./token_form.tsx";
import { When } from "./when.tsx";

const tokens = new Latest<readonly ShownToken[]>(async (_, signal) =>
  (await ask<{ items: ShownToken[] }>("/api/tokens", { signal })).items
);

const sessions = new Latest<readonly ShownSession[]>(async (_, signal) =>
  (await ask<{ items: ShownSession[] }>("/api/sessions", { signal })).items
);

function loadTokens(): void {
  tokens.ask("all", { again: true });
}

function loadSessions(): void {
  sessions.ask("all", { again: true });
}

/** The section of tokens. */
export function Tokens(): JSX.Element | null {
  const t = words.value.settings;
  const adding = useSignal(false);
  useEffect(loadTokens, []);
  const loaded = tokens.state.value;
  if (loaded.error?.status === 404) return null;
  return (
    <section>
      <h2>{t.tokens}</h2>
      <Items loaded={loaded} retry={loadTokens} none={<p class="muted">{t.noTokens}</p>}>
        {(token) => <TokenLine key={token.id} token={token} />}
      </Items>
      <div>
        <button type="button" onClick={() => adding.value = true}>{t.addToken}</button>
      </div>
      {adding.value && <TokenForm onClose={() => adding.value = false} onMade={loadTokens} />}
    </section>
  );
}

function TokenLine({ token }: { token: ShownToken }): JSX.Element {
  const t = words.value.settings;
  const asking = useSignal<"renew" | "revoke" | null>(null);
  const { id, name, role, createdAt, expiresAt } = token;
  const end = expiresAt === null ? null : Date.parse(expiresAt);
  const over = end !== null && end <= now.value;
  const close = () => asking.value = null;
  return (
    <li class="card item" data-row>
      <div class="what">
        <span class="title">{name}</span>
        <span>{role}</span>
        <span class="muted">
          {t.made} <When at={createdAt} />
          {!over && ", "}
          {!over && (end === null ? t.never : t.expires(format.value.exact(end)))}
        </span>
        {over && <span class="state warn">{t.tokenIsOver(format.value.exact(end))}</span>}
      </div>
      <div class="actions">
        {!over && <button type="button" onClick={() => asking.value = "renew"}>{t.renew}</button>}
        <button type="button" data-open onClick={() => asking.value = "revoke"}>{t.revoke}</button>
      </div>
      {asking.value === "renew" && <RenewForm token={token} onClose={close} onDone={loadTokens} />}
      {asking.value === "revoke" && (
        <Confirm
          title={t.revokeToken(name)}
          text={t.revokeTokenText}
          action={t.revoke}
          onClose={close}
          onDo={async () => {
            await ask(`/api/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
            tell(t.removed(name));
            loadTokens();
          }}
        />
      )}
    </li>
  );
}

/** The section of sessions; of who may not see the others, their own. */
export function Sessions(): JSX.Element | null {
  const t = words.value.settings;
  const { busy, run } = useDoing();
  useEffect(() => {
    if (mayAdmit.value) loadSessions();
  }, []);
  const loaded = sessions.state.value;
  const state = session.value;
  const own = state.kind === "in" && state.who.session;
  if (loaded.error?.status === 404 || (!own && !mayAdmit.value)) return null;
  return (
    <section>
      <h2>{t.sessions}</h2>
      {mayAdmit.value && (
        <Items loaded={loaded} retry={loadSessions} none={<p class="muted">{t.noSessions}</p>}>
          {(each) => <SessionLine key={each.id} shown={each} />}
        </Items>
      )}
      {own && (
        <div>
          <button
            type="button"
            aria-disabled={busy.value}
            onClick={() => run(logOut)}
          >
            {t.logout}
          </button>
        </div>
      )}
    </section>
  );
}

function SessionLine({ shown }: { shown: ShownSession }): JSX.Element {
  const t = words.value.settings;
  const { busy, run } = useDoing();
  const { id, name, role, remote, userAgent, createdAt, expiresAt, current } = shown;
  const end = () =>
    run(async () => {
      await ask(`/api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
      loadSessions();
    });
  return (
    <li class="card item" data-row>
      <div class="what">
        <span class="title">{`${name}, ${role}`}</span>
        {current && <span>{t.sessionHere}</span>}
        <span class="muted">
          {[remote, browserOf(userAgent)].filter(Boolean).join(", ")}, {t.loggedIn}{" "}
          <When at={createdAt} />, {t.until(format.value.day(Date.parse(expiresAt)))}
        </span>
      </div>
      {!current && (
        <div class="actions">
          <button type="button" data-open aria-disabled={busy.value} onClick={end}>
            {t.endSession}
          </button>
        </div>
      )}
    </li>
  );
}

/** What a browser called itself, in two words where they can be found. */
function browserOf(userAgent: string): string {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(userAgent);
  const system = /\((?:[^;)]*;\s*)?([^;)]+)/.exec(userAgent)?.[1] ?? "";
  return name === null ? userAgent.slice(0, 60) : `${name[1]} ${name[2]}, ${system}`;
}

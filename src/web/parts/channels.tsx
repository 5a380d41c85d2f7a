/**
 * Where people are told: each channel with how it is, a test, and a way to add or remove one. What
 * came of a test is what the server said.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { Latest } from "../latest.ts";
import { mayChange } from "../session.ts";
import { words } from "../words/words.ts";
import { Field } from "./add_review.tsx";
import { tell } from "./announcer.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Items } from "./notice.tsx";
import { Symbol } from "./symbol.tsx";
import { When } from "./when.tsx";

/** A channel as the API shows it. */
export interface ShownChannel {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly origin: string;
  readonly state: "ok" | "broken" | "disabled";
  readonly reason: string;
  readonly since: string | null;
}

/** The channels. */
export const channels: Latest<readonly ShownChannel[]> = new Latest(async (_, signal) =>
  (await ask<{ items: ShownChannel[] }>("/api/channels", { signal })).items
);

/** Asks for them anew. */
export function loadChannels(): void {
  channels.ask("all", { again: true });
}

/** The section. */
export function Channels(): JSX.Element {
  const t = words.value.settings;
  const adding = useSignal(false);
  useEffect(loadChannels, []);
  return (
    <section>
      <h2>{t.channels}</h2>
      <p class="muted">{t.channelsText}</p>
      <Items loaded={channels.state.value} retry={loadChannels} none={<p>{t.noChannels}</p>}>
        {(channel) => <ChannelLine key={channel.id} channel={channel} />}
      </Items>
      {mayChange.value && (
        <div>
          <button type="button" onClick={() => adding.value = true}>{t.addChannel}</button>
        </div>
      )}
      {adding.value && <AddChannel onClose={() => adding.value = false} />}
    </section>
  );
}

function ChannelLine({ channel }: { channel: ShownChannel }): JSX.Element {
  const t = words.value.settings;
  const { id, name, type, origin, state, reason, since } = channel;
  const removing = useSignal(false);
  const { busy, run } = useDoing();
  const path = `/api/channels/${encodeURIComponent(id)}`;
  const test = () =>
    run(async () => {
      const { delivered, cause, answer } = await ask<
        { delivered: boolean; cause: string | null; answer: string }
      >(`${path}/test`, { method: "POST" });
      const why = [cause, answer].filter(Boolean).join(": ");
      if (delivered) tell(t.testDone(name));
      else tell(t.testFailed(name, why), { bad: true });
      loadChannels();
    });
  return (
    <li class="card item" data-row>
      <div class="what">
        <span class="title">{name}</span>
        <span class="muted">{`${type}, ${origin}`}</span>
        <span class={`state ${state === "ok" ? "good" : state === "broken" ? "bad" : "quiet"}`}>
          <Symbol name={state === "ok" ? "tick" : state === "broken" ? "alert" : "bars"} />
          <span>{t.channelState[state]}</span>
        </span>
        {reason !== "" && (
          <span class="muted">
            {reason}
            {since !== null && (
              <>
                , <When at={since} />
              </>
            )}
          </span>
        )}
      </div>
      {mayChange.value && (
        <div class="actions">
          <button type="button" data-open aria-disabled={busy.value} onClick={test}>
            {busy.value ? t.testing : t.test}
          </button>
          <button type="button" onClick={() => removing.value = true}>{t.remove}</button>
        </div>
      )}
      {removing.value && (
        <Confirm
          title={t.removeChannel(name)}
          text={t.removeChannelText}
          action={t.remove}
          onClose={() => removing.value = false}
          onDo={async () => {
            await ask(path, { method: "DELETE" });
            tell(t.removed(name));
            loadChannels();
          }}
        />
      )}
    </li>
  );
}

/** Asks once more before something goes that does not come back. */
export function Confirm(
  { title, text, action, onClose, onDo }: {
    title: string;
    text: string;
    action: string;
    onClose: () => void;
    onDo: () => Promise<void>;
  },
): JSX.Element {
  const { busy, run } = useDoing();
  const act = async () => {
    if (await run(onDo)) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <button type="button" class="danger" aria-disabled={busy.value} onClick={act}>
          {action}
        </button>
      }
    >
      <p>{text}</p>
    </Dialog>
  );
}

function AddChannel({ onClose }: { onClose: () => void }): JSX.Element {
  const t = words.value.settings;
  const name = useSignal("");
  const url = useSignal("");
  const { busy, run } = useDoing();
  const add = async () => {
    const done = await run(async () => {
      await ask("/api/channels", {
        method: "POST",
        body: { name: name.value.trim(), url: url.value.trim() },
      });
      loadChannels();
    });
    if (done) onClose();
  };
  return (
    <Dialog
      title={t.addChannel}
      onClose={onClose}
      actions={
        <button type="button" class="primary" aria-disabled={busy.value} onClick={add}>
          {t.addChannel}
        </button>
      }
    >
      <Field label={t.channelName} value={name.value} onInput={(text) => name.value = text} />
      <Field
        label={t.channelUrl}
        hint={t.channelUrlHint}
        value={url.value}
        onInput={(text) => url.value = text}
      />
    </Dialog>
  );
}

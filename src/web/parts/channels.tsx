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
import { channels, loadChannels, type ShownChannel } from "../channels.ts";
import { mayAdmit } from "../session.ts";
import { wordOf, words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { ChannelForm } from "./channel_form.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Items } from "./notice.tsx";
import { Sign } from "./state.tsx";
import { When } from "./when.tsx";

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
      {mayAdmit.value && (
        <div>
          <button type="button" onClick={() => adding.value = true}>{t.addChannel}</button>
        </div>
      )}
      {adding.value && <ChannelForm channel={null} onClose={() => adding.value = false} />}
    </section>
  );
}

const SYMBOLS = { good: "tick", warn: "low", bad: "alert", quiet: "bars" } as const;

function ChannelLine({ channel }: { channel: ShownChannel }): JSX.Element {
  const t = words.value.settings;
  const { id, name, type, origin, state, reason, since, failingSince, lastError } = channel;
  const asking = useSignal<"change" | "remove" | null>(null);
  const close = () => asking.value = null;
  const { busy, run } = useDoing();
  const path = `/api/channels/${encodeURIComponent(id)}`;
  const test = () =>
    run(async () => {
      const { delivered, cause, status, answer } = await ask<
        { delivered: boolean; cause: string | null; status: number | null; answer: string }
      >(`${path}/test`, { method: "POST" });
      const why = [wordOf(t.testCauses, cause ?? ""), status, answer].filter(Boolean).join(": ");
      if (delivered) tell(t.testDone(name));
      else tell(t.testFailed(name, why), { bad: true });
      loadChannels();
    });
  const retry = () =>
    run(async () => {
      const { queued } = await ask<{ queued: number }>(`${path}/retry`, { method: "POST" });
      tell(t.retried(queued));
      loadChannels();
    });
  const failing = state === "ok" && failingSince !== null;
  const tone = failing ? "warn" : state === "ok" ? "good" : state === "broken" ? "bad" : "quiet";
  const standIn = channels.state.value.value?.find((each) => each.id === channel.fallback);
  return (
    <li class="card item" data-row>
      <div class="what">
        <span class="title">{name}</span>
        <span class="muted">{`${type}, ${origin}`}</span>
        <Sign tone={tone} symbol={SYMBOLS[tone]}>
          {failing ? t.failing : t.channelState[state]}
        </Sign>
        {[reason, lastError].map((why) =>
          why && (
            <span key={why} class="muted">
              {why}
            </span>
          )
        )}
        {(since ?? failingSince) !== null && (
          <span class="muted">
            <When at={(since ?? failingSince)!} />
          </span>
        )}
        {standIn !== undefined && <span class="muted">{t.fallsBack(standIn.name)}</span>}
      </div>
      {mayAdmit.value && (
        <div class="actions">
          <button type="button" data-open aria-disabled={busy.value} onClick={test}>
            {busy.value ? t.testing : t.test}
          </button>
          {(failing || state === "broken") && (
            <button type="button" aria-disabled={busy.value} onClick={retry}>{t.retry}</button>
          )}
          <button type="button" onClick={() => asking.value = "change"}>{t.change}</button>
          <button type="button" onClick={() => asking.value = "remove"}>{t.remove}</button>
        </div>
      )}
      {asking.value === "change" && <ChannelForm channel={channel} onClose={close} />}
      {asking.value === "remove" && (
        <Confirm
          title={t.removeChannel(name)}
          text={t.removeChannelText}
          action={t.remove}
          onClose={close}
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

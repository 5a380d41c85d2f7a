/**
 * A channel that is added or changed. What is secret of one goes out from here and never comes back.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { ask } from "../ask.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { channels, loadChannels, type ShownChannel } from "../channels.ts";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Field, Select } from "./fields.tsx";
import { SeverityField } from "./severity_field.tsx";

/** The form; `channel` null: of a new one. */
export function ChannelForm(
  { channel, onClose }: { channel: ShownChannel | null; onClose: () => void },
): JSX.Element {
  const t = words.value.settings;
  const name = useSignal(channel?.name ?? "");
  const url = useSignal("");
  const secret = useSignal("");
  const loopback = useSignal(channel?.allowLoopback ?? false);
  const fallback = useSignal(channel?.fallback ?? "");
  const severity = useSignal("high");
  const { busy, run } = useDoing();
  const save = async () => {
    const entered = {
      ...(url.value.trim() !== "" && { url: url.value.trim() }),
      ...(secret.value !== "" && { secret: secret.value }),
    };
    const before = channel ?? { name: null, allowLoopback: false, fallback: null };
    const changed = {
      ...(name.value.trim() !== before.name && { name: name.value.trim() }),
      ...(loopback.value !== before.allowLoopback && { allowLoopback: loopback.value }),
      ...((fallback.value || null) !== before.fallback && { fallback: fallback.value || null }),
    };
    const done = await run(async () => {
      if (channel === null) {
        const made = { url: "", ...changed, ...entered, minSeverity: severity.value };
        await ask("/api/channels", { method: "POST", body: made });
      } else {
        const path = `/api/channels/${encodeURIComponent(channel.id)}`;
        await ask(path, { method: "PATCH", body: { ...changed, ...entered } });
      }
      tell(t.saved(name.value.trim()));
      loadChannels();
    });
    if (done) onClose();
  };
  const others = channels.state.value.value?.filter(({ id }) => id !== channel?.id) ?? [];
  return (
    <Dialog
      title={channel === null ? t.addChannel : t.changeOf(channel.name)}
      onClose={onClose}
      onSubmit={save}
      actions={
        <button type="submit" class="primary" aria-disabled={busy.value}>
          {channel === null ? t.addChannel : t.save}
        </button>
      }
    >
      <Field label={t.channelName} value={name.value} onInput={(text) => name.value = text} />
      <Field
        label={t.channelUrl}
        hint={channel === null ? t.channelUrlHint : t.unchanged}
        value={url.value}
        onInput={(text) => url.value = text}
      />
      <Field
        label={t.channelSecret}
        hint={channel === null ? t.channelSecretHint : `${t.channelSecretHint} ${t.unchanged}`}
        type="password"
        value={secret.value}
        onInput={(text) => secret.value = text}
      />
      {channel === null && (
        <SeverityField
          chosen={severity.value}
          onChange={(id) => severity.value = id}
        />
      )}
      {(others.length > 0 || fallback.value !== "") && (
        <Select
          label={t.fallback}
          options={[{ id: "", name: t.fallbackNone }, ...others]}
          chosen={fallback.value}
          onChange={(id) => fallback.value = id}
        />
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={loopback.value}
          onChange={() => loopback.value = !loopback.value}
        />
        {t.loopback}
      </label>
    </Dialog>
  );
}

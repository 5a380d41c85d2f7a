/**
 * A token that is made: for whom, what it opens, for how long. It is shown once, here. And another
 * end for one that there is.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { ask } from "../ask.ts";
import { ROLES } from "../../model/role.ts";
import type { ShownToken } from "../../server/api/tokens.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { Command } from "./command.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Field, OneOf } from "./fields.tsx";

/** How long one can be valid, days; 0: without an end. */
const SPANS: readonly number[] = [0, 30, 90, 365];

const DAY_MS = 86_400_000;

/** The form, then the token. */
export function TokenForm(
  { onClose, onMade }: { onClose: () => void; onMade: () => void },
): JSX.Element {
  const t = words.value.settings;
  const name = useSignal("");
  const role = useSignal<string>("read");
  const days = useSignal("0");
  const made = useSignal<string | null>(null);
  const { busy, run } = useDoing();
  const create = () =>
    run(async () => {
      const expiresAt = endOf(days.value);
      const { token } = await ask<{ token: string }>("/api/tokens", {
        method: "POST",
        body: {
          name: name.value.trim(),
          role: role.value,
          ...(expiresAt !== null && { expiresAt }),
        },
      });
      made.value = token;
      onMade();
    });
  if (made.value !== null) {
    return (
      <Dialog title={t.tokens} onClose={onClose}>
        <p>{t.tokenOnce}</p>
        <Command text={made.value} label={t.tokens} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t.addToken}
      onClose={onClose}
      onSubmit={create}
      actions={<button type="submit" class="primary" aria-disabled={busy.value}>{t.create}</button>}
    >
      <Field label={t.tokenName} value={name.value} onInput={(text) => name.value = text} />
      <OneOf
        label={t.tokenRole}
        options={ROLES.map((id) => ({ id, name: t.roles[id] }))}
        chosen={role.value}
        onChange={(id) => role.value = id}
      />
      <Days chosen={days.value} onChange={(id) => days.value = id} />
    </Dialog>
  );
}

/** Until when a token that there is opens things. */
export function RenewForm(
  { token: { id, name }, onClose, onDone }: {
    token: ShownToken;
    onClose: () => void;
    onDone: () => void;
  },
): JSX.Element {
  const t = words.value.settings;
  const days = useSignal("90");
  const { busy, run } = useDoing();
  const renew = async () => {
    const done = await run(async () => {
      await ask(`/api/tokens/${encodeURIComponent(id)}`, {
        method: "PATCH",
        body: { expiresAt: endOf(days.value) },
      });
      tell(t.saved(name));
      onDone();
    });
    if (done) onClose();
  };
  return (
    <Dialog
      title={t.renewToken(name)}
      onClose={onClose}
      onSubmit={renew}
      actions={<button type="submit" class="primary" aria-disabled={busy.value}>{t.save}</button>}
    >
      <p>{t.renewTokenText}</p>
      <Days chosen={days.value} onChange={(id) => days.value = id} />
    </Dialog>
  );
}

function Days(
  { chosen, onChange }: { chosen: string; onChange: (days: string) => void },
): JSX.Element {
  const t = words.value.settings;
  return (
    <OneOf
      label={t.tokenFor}
      options={SPANS.map((span) => ({
        id: `${span}`,
        name: span === 0 ? t.endless : words.value.problem.days(span),
      }))}
      chosen={chosen}
      onChange={onChange}
    />
  );
}

/** So many days from now, RFC 3339; null: none. */
function endOf(days: string): string | null {
  const span = Number(days) * DAY_MS;
  return span === 0 ? null : new Date(Date.now() + span).toISOString();
}

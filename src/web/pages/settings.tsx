/**
 * Settings: of this browser, and of who is told and who may ask. What the daemon or the reader's role
 * does not offer is not there.
 *
 * @module
 */

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { Writable } from "../readable.ts";
import { Channels } from "../parts/channels.tsx";
import { Command } from "../parts/command.tsx";
import { status } from "../live/index_state.ts";
import { Page } from "../parts/page.tsx";
import { Rules, Silences } from "../parts/rules.tsx";
import { Sessions, Tokens } from "../parts/tokens.tsx";
import { When } from "../parts/when.tsx";
import { many } from "../live/many.ts";
import { mayAdmit } from "../session.ts";
import { keys, type Language, language, type Theme, theme } from "../settings_here.ts";
import { words } from "../words/words.ts";

/** The page. */
export function SettingsPage(): JSX.Element {
  const t = words.value.settings;
  return (
    <Page title={t.title} id="settings">
      <Here />
      <Channels />
      <Rules />
      <Silences />
      {mayAdmit.value && <Tokens />}
      <Sessions />
      {many.value === false && <Backups />}
    </Page>
  );
}

function Backups(): JSX.Element {
  const { settings: t, overview } = words.value;
  const backups = status.value.value?.backups ?? null;
  return (
    <section>
      <h2>{t.backups}</h2>
      {backups !== null && (
        <p>
          {`${overview.backup}: `}
          {backups.lastAt === null ? overview.noBackup : <When at={backups.lastAt} />}
        </p>
      )}
      <p class="muted">{backups === null ? t.backupsOff : t.backupsText(backups.folder)}</p>
      <Command text="tinyforge backup" />
    </section>
  );
}

function Here(): JSX.Element {
  const t = words.value.settings;
  return (
    <section>
      <h2>{t.here}</h2>
      <div class="form">
        <Choice<Language> label={t.language} of={language} names={t.languages} />
        <Choice<Theme> label={t.theme} of={theme} names={t.themes} />
        <Choice<"on" | "off"> label={t.keys} of={keys} names={{ on: t.on, off: t.off }} />
      </div>
    </section>
  );
}

function Choice<Value extends string>(
  { label, of, names }: {
    label: string;
    of: Writable<Value>;
    names: Readonly<Record<Value, string>>;
  },
): JSX.Element {
  const id = useId();
  return (
    <fieldset class="facet">
      <legend>{label}</legend>
      {(Object.keys(names) as Value[]).map((value) => (
        <label key={value} class={`pill ${of.value === value ? "on" : ""}`}>
          <input
            type="radio"
            name={id}
            checked={of.value === value}
            onChange={() =>
              of.value = value}
          />
          <span lang={names === words.value.settings.languages as unknown ? value : undefined}>
            {names[value]}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

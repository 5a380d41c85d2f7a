/**
 * What a reader sees who is not logged in. The address stays, so that the login leads back to it.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { asAskError } from "../ask_error.ts";
import { logIn, session } from "../session.ts";
import { words } from "../words/words.ts";
import { Command } from "./command.tsx";
import { textOf } from "./notice.tsx";
import { Mark } from "./shell.tsx";
import { Symbol } from "./symbol.tsx";

/** The form. */
export function Login(): JSX.Element {
  const t = words.value.login;
  const error = useSignal("");
  const busy = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const state = session.value;
  const why = state.kind === "out" ? state.why : "none";
  useEffect(() => {
    document.title = `${t.title} – ${words.value.product}`;
  }, [t]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const token = input.current?.value.trim() ?? "";
    if (token === "" || busy.peek()) return input.current?.focus();
    busy.value = true;
    error.value = "";
    try {
      await logIn(token);
    } catch (thrown) {
      const asked = asAskError(thrown);
      error.value = asked.status === 401 || asked.status === 403
        ? t.wrong
        : asked.status === 429
        ? t.limited
        : textOf(asked);
      input.current?.select();
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="login" id="main">
      <div class="card">
        <h1>
          <Mark /> {words.value.product}
        </h1>
        {why !== "none" && (
          <p class="banner warn" role="status">
            <Symbol name="clock" /> <span>{why === "code" ? t.used : t.ended}</span>
          </p>
        )}
        <p>{t.text}</p>
        <Command text={t.command} />
        <form onSubmit={submit}>
          <label for="token">{t.or}</label>
          <input
            id="token"
            ref={input}
            type="password"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="token-hint token-error"
            aria-invalid={error.value !== ""}
          />
          <p id="token-hint" class="hint">{t.where}</p>
          <p id="token-error" class="error" role="alert">{error.value}</p>
          <button type="submit" class="primary" aria-disabled={busy.value}>
            {busy.value ? t.checking : t.submit}
          </button>
        </form>
      </div>
    </main>
  );
}

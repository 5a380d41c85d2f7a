/**
 * Which of a hub's hosts is shown. What is chosen stands in the address.
 *
 * @module
 */

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { hosts } from "../live/many.ts";
import { setQuery } from "../place.ts";
import { words } from "../words/words.ts";

/** One of the hosts, or all; one that the address names is shown, whether it is there or not. */
export function HostChoice({ chosen }: { chosen: string }): JSX.Element {
  const t = words.value.hosts;
  const id = useId();
  const names = hosts.value.value?.items.map(({ name }) => name) ?? [];
  const shown = chosen === "" || names.includes(chosen) ? names : [...names, chosen];
  return (
    <div class="facet">
      <label for={id}>{t.host}</label>
      <select
        id={id}
        value={chosen}
        onChange={(event) => setQuery({ host: event.currentTarget.value, show: null })}
      >
        <option value="">{t.all}</option>
        {shown.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </div>
  );
}

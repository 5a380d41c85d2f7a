/**
 * Who is told of what, and what is silent for now.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../ask.ts";
import { format } from "../format.ts";
import { Latest } from "../latest.ts";
import { problems, rows, workloads } from "../live/index_state.ts";
import { mayAdmit } from "../session.ts";
import type { ShownSilence } from "../../server/api/silences.ts";
import type { KeptRule } from "../../store/channels.ts";
import { wordOf, words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { channels } from "../channels.ts";
import { useDoing } from "./doing.ts";
import { Items } from "./notice.tsx";
import { RuleForm, whereOfWorkload } from "./rule_form.tsx";

const rules = new Latest<readonly KeptRule[]>(async (_, signal) =>
  (await ask<{ items: KeptRule[] }>("/api/rules", { signal })).items
);

const silences = new Latest<readonly ShownSilence[]>(async (_, signal) =>
  (await ask<{ items: ShownSilence[] }>("/api/silences", { signal })).items
);

/** The section of rules. */
export function Rules(): JSX.Element {
  const t = words.value.settings;
  const load = () => void rules.ask("all", { again: true });
  const adding = useSignal(false);
  useEffect(load, [channels.state.value.value]);
  return (
    <section>
      <h2>{t.rules}</h2>
      <p class="muted">{t.rulesText}</p>
      <Items loaded={rules.state.value} retry={load} none={<p>{t.noRules}</p>}>
        {(rule) => <RuleLine key={rule.id} rule={rule} onChanged={load} />}
      </Items>
      {mayAdmit.value && (
        <div>
          <button type="button" onClick={() => adding.value = true}>{t.addRule}</button>
        </div>
      )}
      {adding.value && <RuleForm rule={null} onClose={() => adding.value = false} onDone={load} />}
    </section>
  );
}

function RuleLine({ rule, onChanged }: { rule: KeptRule; onChanged: () => void }): JSX.Element {
  const t = words.value;
  const changing = useSignal(false);
  const { busy, run } = useDoing();
  const kinds = rule.kinds === null ? t.settings.allKinds : rule.kinds.map(nameOfKind).join(", ");
  const names = new Map(channels.state.value.value?.map(({ id, name }) => [id, name]));
  const told = rule.channels === null
    ? t.settings.allChannels
    : rule.channels.map((id) => names.get(id) ?? id).join(", ");
  const { hosts = null } = rule;
  const of = [
    ...hosts === null ? [] : [hosts.join(", ")],
    rule.workloads === null
      ? t.settings.allWorkloads
      : rule.workloads.map(nameOfWorkload).join(", "),
  ].join(" · ");
  const remove = () =>
    run(async () => {
      await ask(`/api/rules/${encodeURIComponent(rule.id)}`, { method: "DELETE" });
      tell(t.settings.ruleRemoved);
      onChanged();
    });
  return (
    <li class="card item" data-row>
      <div class="what">
        <span>{t.settings.rule(kinds, of, told)}</span>
        <span class="muted">
          {t.settings.fromSeverity[rule.minSeverity]}
          {rule.remindAfterMs !== null &&
            `, ${t.settings.reminds(format.value.duration(rule.remindAfterMs))}`}
        </span>
      </div>
      {mayAdmit.value && (
        <div class="actions">
          <button type="button" data-open onClick={() => changing.value = true}>
            {t.settings.change}
          </button>
          <button type="button" aria-disabled={busy.value} onClick={remove}>
            {t.settings.remove}
          </button>
        </div>
      )}
      {changing.value && (
        <RuleForm
          rule={rule}
          onClose={() => changing.value = false}
          onDone={onChanged}
        />
      )}
    </li>
  );
}

/** The section of silences. */
export function Silences(): JSX.Element {
  const t = words.value.settings;
  const load = () => void silences.ask("all", { again: true });
  useEffect(load, [problems.value.value]);
  return (
    <section>
      <h2>{t.silences}</h2>
      <Items loaded={silences.state.value} retry={load} none={<p class="muted">{t.noSilences}</p>}>
        {(silence) => <SilenceLine key={silence.id} silence={silence} onGone={load} />}
      </Items>
    </section>
  );
}

function SilenceLine(
  { silence, onGone }: { silence: ShownSilence; onGone: () => void },
): JSX.Element {
  const t = words.value.settings;
  const { busy, run } = useDoing();
  const { id, scope, target, kinds, reason, until, cron, timeZone } = silence;
  const only = kinds?.map((kind) => nameOfKind(kind)).join(", ");
  const name = scope === "all"
    ? only ?? t.silenceAll
    : scope === "workload"
    ? nameOfWorkload(target)
    : rows.all.get(target)?.name || target;
  const end = () =>
    run(async () => {
      await ask(`/api/silences/${encodeURIComponent(id)}`, { method: "DELETE" });
      tell(t.ended);
      onGone();
      problems.refresh();
    });
  return (
    <li class="card item" data-row>
      <div class="what">
        <span class="title">{name}</span>
        {only !== undefined && only !== name && <span>{only}</span>}
        <span class="muted">
          {cron !== null && `${t.recurring} (${cron}, ${timeZone ?? "UTC"}) `}
          {until !== null && t.until(format.value.exact(Date.parse(until)))}
        </span>
        {reason !== "" && <span>{reason}</span>}
      </div>
      {mayAdmit.value && (
        <div class="actions">
          <button type="button" data-open aria-disabled={busy.value} onClick={end}>{t.end}</button>
        </div>
      )}
    </li>
  );
}

/** Where there are several hosts, of which. */
function nameOfWorkload(id: string): string {
  const found = workloads.value.value?.find((each) => each.id === id);
  return found === undefined ? id : whereOfWorkload(found);
}

function nameOfKind(kind: string): string {
  const t = words.value;
  return kind === "channel-broken" ? t.settings.channelBroken : wordOf(t.problem.kinds, kind);
}

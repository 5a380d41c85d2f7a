/**
 * A rule that is added or changed: what is told, of which workloads, to whom.
 *
 * @module
 */

import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { ask } from "../ask.ts";
import { format } from "../format.ts";
import { workloads } from "../live/index_state.ts";
import { hosts, many } from "../live/many.ts";
import { PROBLEM_KINDS } from "../../model/problem.ts";
import type { KeptRule } from "../../store/channels.ts";
import { words } from "../words/words.ts";
import { tell } from "./announcer.tsx";
import { channels } from "../channels.ts";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { Select, Several } from "./fields.tsx";
import { SeverityField } from "./severity_field.tsx";

/** When a reminder can be had, minutes. */
const REMINDERS: readonly number[] = [60, 240, 720, 1440, 4320, 10_080];

type Chosen = ReadonlySet<string> | null;

/** The form; `rule` null: of a new one. */
export function RuleForm(
  { rule, onClose, onDone }: { rule: KeptRule | null; onClose: () => void; onDone: () => void },
): JSX.Element {
  const t = words.value;
  const s = t.settings;
  const severity = useSignal<string>(rule?.minSeverity ?? "high");
  const kinds = useSignal<Chosen>(setOf(rule?.kinds));
  const of = useSignal<Chosen>(setOf(rule?.workloads));
  const on = useSignal<Chosen>(setOf(rule?.hosts));
  const to = useSignal<Chosen>(setOf(rule?.channels));
  const remind = useSignal(minutesOf(rule?.remindAfterMs));
  const error = useSignal("");
  const { busy, run } = useDoing();
  const save = async () => {
    // Of nothing, or to nobody, is no rule that anybody could mean.
    const none = [kinds, of, on, to].some(({ value }) => value?.size === 0);
    error.value = none ? t.form.needOne : "";
    if (none) return;
    const body = {
      minSeverity: severity.value,
      kinds: listOf(kinds.value),
      workloads: listOf(of.value),
      ...(many.value && { hosts: listOf(on.value) }),
      channels: listOf(to.value),
      remindAfterMinutes: remind.value === "" ? null : Number(remind.value),
    };
    const done = await run(async () => {
      if (rule === null) await ask("/api/rules", { method: "POST", body });
      else await ask(`/api/rules/${encodeURIComponent(rule.id)}`, { method: "PATCH", body });
      tell(s.ruleSaved);
      onDone();
    });
    if (done) onClose();
  };
  const kindOptions = [
    ...PROBLEM_KINDS.map((id) => ({ id, name: t.problem.kinds[id] })),
    { id: "channel-broken", name: s.channelBroken },
  ];
  const spans = [...new Set([...REMINDERS, ...remind.value === "" ? [] : [Number(remind.value)]])];
  return (
    <Dialog
      title={rule === null ? s.addRule : s.changeRule}
      onClose={onClose}
      onSubmit={save}
      actions={
        <button type="submit" class="primary" aria-disabled={busy.value}>
          {rule === null ? s.addRule : s.save}
        </button>
      }
    >
      <Several
        label={s.ruleKinds}
        all={s.allKinds}
        options={kindOptions}
        chosen={kinds.value}
        onChange={(chosen) => kinds.value = chosen}
      />
      <SeverityField chosen={severity.value} onChange={(id) => severity.value = id} />
      {many.value && (
        <Several
          label={s.ruleHosts}
          all={s.allHosts}
          options={(hosts.value.value?.items ?? []).map(({ name }) => ({ id: name, name }))}
          chosen={on.value}
          onChange={(chosen) => on.value = chosen}
        />
      )}
      <Several
        label={s.ruleWorkloads}
        all={s.allWorkloads}
        options={(workloads.value.value ?? [])
          .map((each) => ({ id: each.id, name: whereOfWorkload(each) }))
          .sort((a, b) => a.name < b.name ? -1 : 1)}
        chosen={of.value}
        onChange={(chosen) => of.value = chosen}
      />
      <Several
        label={s.ruleChannels}
        all={s.allChannels}
        options={channels.state.value.value ?? []}
        chosen={to.value}
        onChange={(chosen) => to.value = chosen}
      />
      <Select
        label={s.ruleReminds}
        options={[
          { id: "", name: s.remindsNever },
          ...spans.sort((a, b) => a - b).map((minutes) => ({
            id: `${minutes}`,
            name: s.reminds(format.value.duration(minutes * 60_000)),
          })),
        ]}
        chosen={remind.value}
        onChange={(id) => remind.value = id}
      />
      <p class="error" role="alert">{error.value}</p>
    </Dialog>
  );
}

/** What a workload is called; where there are several hosts, with which one it is on. */
export function whereOfWorkload({ host, name }: { host?: string; name: string }): string {
  return host === undefined ? name : `${host} / ${name}`;
}

function setOf(ids: readonly string[] | null | undefined): Chosen {
  return ids ? new Set(ids) : null;
}

function listOf(chosen: Chosen): string[] | null {
  return chosen === null ? null : [...chosen];
}

function minutesOf(ms: number | null | undefined): string {
  return ms ? `${Math.round(ms / 60_000)}` : "";
}

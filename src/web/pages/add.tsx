/**
 * Takes in what runs, or registers what is to run: choose, set up, look over, wait until the first
 * container is seen. What was entered is not lost by a wrong click.
 *
 * @module
 */

import type { JSX } from "preact";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Choose } from "../parts/add_choose.tsx";
import { Review, SetUp } from "../parts/add_review.tsx";
import { Wait } from "../parts/add_wait.tsx";
import type { Adding } from "../adding.ts";
import { Empty } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { guardLeaving } from "../place.ts";
import { mayChange } from "../session.ts";
import { words } from "../words/words.ts";

const STEPS: readonly Adding["step"][] = ["choose", "setup", "review", "wait"];

/** The page. */
export function AddPage(): JSX.Element {
  const t = words.value.add;
  const adding: Signal<Adding> = useSignal<Adding>({ step: "choose" });
  const { step } = adding.value;
  const unsaved = step === "setup" || step === "review";
  const heading = useRef<HTMLHeadingElement>(null);
  const began = useRef(false);
  useEffect(() => {
    if (began.current) heading.current?.focus();
    began.current = true;
  }, [step]);
  useEffect(() => {
    if (!unsaved) return;
    guardLeaving(() => confirm(words.peek().add.leave));
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", stay);
    return () => {
      guardLeaving(null);
      removeEventListener("beforeunload", stay);
    };
  }, [unsaved]);
  const at = STEPS.indexOf(step);
  if (!mayChange.value) {
    return (
      <Page title={t.title} id="add">
        <Empty title={words.value.common.forbidden} />
      </Page>
    );
  }
  return (
    <Page title={t.title} id="add">
      <ol class="steps">
        {t.steps.map((name, i) => (
          <li key={i} aria-current={i === at ? "step" : undefined} class={i < at ? "done" : ""}>
            <span class="unseen">{t.step(i + 1, STEPS.length, "")}</span>
            {name}
          </li>
        ))}
      </ol>
      <h2 ref={heading} tabIndex={-1} class="unseen">
        {t.step(at + 1, STEPS.length, t.steps[at] ?? "")}
      </h2>
      {adding.value.step === "choose" && <Choose adding={adding} />}
      {adding.value.step === "setup" && <SetUp adding={adding} what={adding.value.what} />}
      {adding.value.step === "review" && <Review adding={adding} what={adding.value.what} />}
      {adding.value.step === "wait" && <Wait adding={adding} made={adding.value.made} />}
    </Page>
  );
}

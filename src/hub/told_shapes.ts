/**
 * What is inside of the things that hosts tell: a host may be of a version that knows more, or lie. What
 * readers and notices count on is held against its shape when it is read, and what is not known is left
 * out, so that nothing that one host says keeps anybody from what others say. Does no I/O.
 *
 * @module
 */

import type { Origin } from "../model/pass.ts";
import {
  type Batch,
  type DeathHow,
  type Evidence,
  type InspectedEvidence,
  type Outcome,
  type Problem,
  type Remedy,
  storyRemedy,
} from "../model/problem.ts";
import { keptJson } from "../store/kept_json.ts";
import { isObject, isTime, MAX_TIME } from "./told_fields.ts";

type Fits = (value: unknown) => boolean;

/** Every field of a type, and what it may hold. */
type Shape<Type> = { readonly [Field in keyof Required<Type>]: Fits };

const text: Fits = (value) => typeof value === "string";
const texts: Fits = (value) => Array.isArray(value) && value.every(text);
const flag: Fits = (value) => typeof value === "boolean";
const whole: Fits = Number.isSafeInteger;
const moment: Fits = (value) => whole(value) && Math.abs(value as number) <= MAX_TIME;
const orNull = (fits: Fits): Fits => (value) => value === null || fits(value);
const oneOf = <Word extends string>(words: Readonly<Record<Word, true>>): Fits => (value) =>
  typeof value === "string" && Object.hasOwn(words, value);
const all = <Type>(shape: Shape<Type>): Fits => (value) =>
  isObject(value) && Object.entries<Fits>(shape).every(([field, fits]) => fits(value[field]));

const HOWS = oneOf<DeathHow>({ stop: true, kill: true, oom: true, crash: true, exit: true });
const BATCHES = oneOf<Batch>({ baseline: true, restart: true });
const OUTCOMES = oneOf<Outcome>({ recovered: true, superseded: true, gone: true });

const CONTAINER = all<{ id: string; name: string }>({ id: text, name: text });

const INSPECTED: Shape<InspectedEvidence> = {
  error: text,
  oomKilled: flag,
  restartCount: whole,
  restartPolicy: text,
  healthOutput: orNull(text),
};

const EVIDENCE: Shape<Evidence> = {
  state: text,
  exitCode: orNull(whole),
  health: orNull(text),
  how: HOWS,
  count: whole,
  atLeast: flag,
  containers: (value) => Array.isArray(value) && value.every(CONTAINER),
  reason: text,
  error: text,
  accepted: text,
  found: text,
  heardAt: moment,
  machines: texts,
  inspected: all(INSPECTED),
};

const REMEDIES: {
  readonly [Code in Remedy["code"]]: Omit<Shape<Extract<Remedy, { code: Code }>>, "code">;
} = {
  "bring-back": { workloadId: text, rowId: text },
  "deploy": { workloadId: text, rowId: text },
  "read-log": { container: text },
  "start": { container: text, workloadId: text },
  "raise-memory": { container: text },
  "read-health": { container: text },
  "explain": { rowId: text },
  "unpause": { container: text },
  "remove": { containers: texts },
  "start-engine": { host: text },
  "read-own-log": { host: text },
  "accept-engine": { host: text },
  "back-up": {},
  "reach-host": { host: text },
  "mend-labels": { containers: texts },
};

const ORIGINS: {
  readonly [By in Origin["by"]]: Omit<Shape<Extract<Origin, { by: By }>>, "by">;
} = {
  event: { action: text, at: orNull(isTime) },
  listing: { at: isTime },
  contender: { at: isTime },
  deployer: {
    who: orNull(text),
    action: text,
    entry: orNull(all<{ kind: string; name: string }>({ kind: text, name: text })),
  },
  prose: { text },
};

/** A problem of the host of this name, of the body that is kept of it; `of`: what both are known by. */
export function problemOf(
  body: string,
  host: string,
  whose: { readonly of?: string } = {},
): Problem {
  const told = keptJson<Problem>(body, "problems.body", whose);
  const { rowId, containerName, batch, outcome, status, since, openedAt } = told;
  return {
    ...told,
    host,
    containerName: containerName ?? "",
    // Of an older one that told one of them.
    since: since ?? openedAt,
    openedAt: openedAt ?? since,
    batch: BATCHES(batch) ? batch : null,
    outcome: OUTCOMES(outcome) ? outcome : status === "closed" ? "gone" : null,
    evidence: known<Evidence>(told.evidence, EVIDENCE),
    do: remedyOf(told.do) ?? storyRemedy({ rowId, host }),
  };
}

/** What a transition goes back to; in words that say nothing where that is not known. */
export function originOf(told: unknown): Origin {
  return variantOf<Origin>(told, "by", ORIGINS) ?? { by: "prose", text: "" };
}

function remedyOf(told: unknown): Remedy | null {
  return variantOf<Remedy>(told, "code", REMEDIES);
}

/** What has all that one of these of its name has, without the rest; null: it is none of them. */
function variantOf<Type>(
  told: unknown,
  name: "by" | "code",
  shapes: Readonly<Record<string, Readonly<Record<string, Fits>>>>,
): Type | null {
  const variant = isObject(told) ? told[name] : undefined;
  if (typeof variant !== "string" || !Object.hasOwn(shapes, variant)) return null;
  const shape = shapes[variant]!;
  const found = known<Record<string, unknown>>(told, shape);
  return Object.keys(found).length === Object.keys(shape).length
    ? { [name]: variant, ...found } as Type
    : null;
}

/** Those of its fields that are known and hold what they may. */
function known<Type>(told: unknown, shape: Readonly<Record<string, Fits>>): Type {
  return Object.fromEntries(
    Object.entries(shape).flatMap(([field, fits]) => {
      const value = isObject(told) ? told[field] : undefined;
      return fits(value) ? [[field, value]] : [];
    }),
  ) as Type;
}

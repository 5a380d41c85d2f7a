/**
 * What messages are made of, in one language: each dictionary has all of it, or it does not
 * compile. What comes from outside arrives here harmless and bounded; must not format for any
 * receiver.
 *
 * @module
 */

import type { RefusalReason } from "../model/pass.ts";
import type { ProblemKind } from "../model/problem.ts";

/** Words for what is wrong. */
export type KindWords = Readonly<Record<KnownKind, string>>;

/** The kinds that have words: all that the judge knows, and what only notifications know. */
export type KnownKind = ProblemKind | "channel-broken";

/** Everything that messages say. Times and durations come formatted. */
export interface Words {
  /** BCP 47 tag for numbers and times. */
  readonly locale: string;
  /** What is wrong, without who. */
  readonly kinds: KindWords;
  /** Who it is about where nothing but a host is known, and not even its name. */
  readonly thisHost: string;
  /** The same where problems of several are told. */
  readonly severalHosts: string;

  /** Title: something is wrong. */
  readonly opened: (subject: string, what: string) => string;
  /** Title: it is still wrong. */
  readonly reminder: (subject: string, what: string) => string;
  /** Title: it is over. */
  readonly recovered: (subject: string, what: string) => string;
  /** Title: it is over before anyone was told; `down`: it did not serve meanwhile. */
  readonly combined: (
    subject: string,
    what: string,
    told: { span: string; down: boolean },
  ) => string;
  /** Title: many problems. */
  readonly digest: {
    readonly burst: (count: number, host: string) => string;
    readonly restart: (count: number, host: string) => string;
    readonly baseline: (count: number, host: string) => string;
    /** All of them were over before anyone was told. */
    readonly over: (count: number, host: string) => string;
  };
  /** Title: a restart, after which not all came back. */
  readonly back: (told: { right: number; expected: number }, host: string) => string;
  /** Above the list of those that did not. */
  readonly notBack: string;
  /** Title: does it arrive? */
  readonly test: string;

  /** Body: since when, and for how long. */
  readonly since: (time: string, duration: string) => string;
  /** Body: from when to when, and for how long. */
  readonly lasted: (span: string, duration: string) => string;
  /** Body: of little weight. */
  readonly low: string;
  /** Body: which host. */
  readonly host: (name: string) => string;
  /** Body: which container. */
  readonly container: (name: string) => string;
  /** Body: above the command. */
  readonly todo: string;
  /** Body of a digest: one line. */
  readonly item: (subject: string, what: string, when: string) => string;
  /** In {@linkcode Words.item}: since when. */
  readonly itemSince: (time: string) => string;
  /** In {@linkcode Words.item}: it is over. */
  readonly itemOver: (span: string) => string;
  /** Body of a digest: the rest. */
  readonly more: (count: number) => string;
  /** Body of a test. */
  readonly testBody: (time: string) => string;
  /** What was seen. */
  readonly evidence: EvidenceWords;
  /** Above or instead of a link to the dashboard. */
  readonly link: string;
}

/** What was seen, where it is not what a program said. */
export interface EvidenceWords {
  /** Another Engine than the accepted one. */
  readonly found: (found: string, accepted: string) => string;
  /** Memory ran out. */
  readonly outOfMemory: string;
  /** How often it happened; `atLeast`: or more often. */
  readonly times: (count: number, atLeast: boolean) => string;
  /** How it ended. */
  readonly exitCode: (code: number) => string;
  /** By what, and how often it was started again. */
  readonly restarted: (count: number, policy: string) => string;
  /** What the health check says. */
  readonly health: (health: string) => string;
  /** The state that it is in. */
  readonly state: (state: string) => string;
  /** Why containers are refused. */
  readonly refused: Readonly<Record<RefusalReason, string>>;
  /** Which channel does not work. */
  readonly channel: (name: string) => string;
}

/** Picks the form of a word that goes with a number. */
export function pluralOf(locale: string): (count: number, forms: PluralForms) => string {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (count, forms) => {
    const category = rules.select(count);
    const form = category === "one" || category === "few" || category === "many"
      ? forms[category]
      : undefined;
    return (form ?? forms.other).replaceAll("#", numbers.format(count));
  };
}

/** The word for what has one; whatever else there is, as it is called. */
export function wordFor(words: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(words, name) ? words[name]! : name;
}

/** A word in the forms that go with numbers, `#` for the number. */
export interface PluralForms {
  /** As for 1. */
  readonly one?: string;
  /** As for 2 in Russian. */
  readonly few?: string;
  /** As for 5 in Russian. */
  readonly many?: string;
  /** For all numbers that have no form of their own. */
  readonly other: string;
}

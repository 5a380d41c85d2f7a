/**
 * Chooses the words of a message and makes it fit. What containers and people wrote is bounded and
 * made harmless here, but not escaped for any receiver's format: that is the channel's, which alone
 * knows it. Pure.
 *
 * @module
 */

import { byName, firstNames, together } from "../alike.ts";
import { clip, escapeControls } from "../text.ts";
import type { Language, Message } from "./channel.ts";
import type { NoticeContent, NoticeProblem } from "./notice.ts";
import type { Words } from "./words.ts";
import { ENGLISH } from "./words_en.ts";
import { RUSSIAN } from "./words_ru.ts";

/** A message in words, not yet in any format. Every text is one line without control characters. */
export interface NoticeText {
  /** What has happened, and to whom. */
  readonly title: string;
  /** What else there is to say. */
  readonly lines: readonly TextLine[];
  /** Where to see more, an http(s) URL, or null. */
  readonly link: Link | null;
}

/** One line. */
export interface TextLine {
  /** Its text. */
  readonly text: string;
  /** Whether it is a command or what a program said, to be shown as it is. */
  readonly verbatim: boolean;
}

/** Where to see more. */
export interface Link {
  /** What it is. */
  readonly label: string;
  /** An http(s) URL. */
  readonly url: string;
}

/** How a receiver wants a message. */
export interface Format<T> {
  /** Writes the message, escaped. */
  readonly write: (text: NoticeText) => T;
  /** Whether the receiver takes it. */
  readonly fits: (written: T) => boolean;
}

/** How much of it is told. */
interface Bounds {
  /** Lines of a digest, each of a problem or of several that are alike. */
  readonly listed: number;
  /** Names, in UTF-16 units. */
  readonly name: number;
  /** Lines of evidence and commands, in UTF-16 units. */
  readonly line: number;
}

/** So many lines a digest has where there is room. */
const MAX_NAMED = 20;

/** From generous to curt, for where even one problem has too much to say. */
const TIGHTER: readonly Omit<Bounds, "listed">[] = [
  { name: 100, line: 300 },
  { name: 60, line: 120 },
  { name: 24, line: 40 },
  { name: 8, line: 8 },
];

const EVIDENCE_LINES = 2;

const WORDS: Readonly<Record<Language, Words>> = { en: ENGLISH, ru: RUSSIAN };

/** Kinds by which nothing serves, so that "was down" is true. */
const DOWN: ReadonlySet<string> = new Set([
  "missing",
  "absent",
  "crashed",
  "stopped",
  "oom",
  "crash-loop",
]);

/** The words of a language. */
export function wordsOf(language: Language): Words {
  return WORDS[language];
}

/** The message in a receiver's format, with as much of it as the receiver takes. */
export function written<T>(message: Message, { write, fits }: Format<T>): T {
  const attempts: Bounds[] = [];
  const most = Math.min(message.content.problems.length, MAX_NAMED);
  for (let listed = most; listed > 1; listed--) attempts.push({ ...TIGHTER[0]!, listed });
  for (const tighter of TIGHTER) attempts.push({ ...tighter, listed: Math.min(most, 1) });
  let last: T | undefined;
  for (const bounds of attempts) {
    last = write(textOf(message, bounds));
    if (fits(last)) break;
  }
  return last!;
}

/** The message in words, with everything that there is room for where nothing limits it. */
export function wholeText(message: Message): NoticeText {
  return textOf(message, { ...TIGHTER[0]!, listed: MAX_NAMED });
}

function textOf(message: Message, bounds: Bounds): NoticeText {
  const { content } = message;
  const words = WORDS[message.language];
  const said = new Saying(message, words, bounds);
  const link = linkOf(message, words);
  if (content.kind === "test") {
    return { title: words.test, lines: said.test(), link };
  }
  const [only] = content.problems;
  if (content.total === 1 && content.reason === null && only !== undefined) {
    return { title: said.title(only), lines: said.details(only), link };
  }
  return { title: said.digestTitle(), lines: said.list(), link };
}

/** Says one message in one language. */
class Saying {
  readonly #content: NoticeContent;
  readonly #words: Words;
  readonly #bounds: Bounds;
  readonly #times: Times;

  constructor(message: Message, words: Words, bounds: Bounds) {
    this.#content = message.content;
    this.#words = words;
    this.#bounds = bounds;
    this.#times = timesOf(words.locale, message.timeZone);
  }

  title(problem: NoticeProblem): string {
    const words = this.#words;
    const subject = this.#subject(problem);
    const what = this.#what(problem);
    switch (this.#content.kind) {
      case "reminder":
        return words.reminder(subject, what);
      case "recovered":
        return words.recovered(subject, what);
      case "combined":
        return words.combined(subject, what, {
          span: this.#span(problem),
          down: DOWN.has(problem.kind),
        });
      default:
        return words.opened(subject, what);
    }
  }

  details(problem: NoticeProblem): TextLine[] {
    const words = this.#words;
    const { host, at } = this.#content;
    const lines: TextLine[] = [];
    const plain = (text: string) => lines.push({ text, verbatim: false });
    const verbatim = (text: string) => lines.push({ text, verbatim: true });
    if (problem.closedAt !== null) {
      const lasted = this.#times.duration(problem.closedAt - problem.since);
      plain(words.lasted(this.#span(problem), lasted));
    } else {
      const time = this.#times.moment(problem.since, at);
      plain(words.since(time, this.#times.duration(at - problem.since)));
    }
    if (problem.severity === "low") plain(words.low);
    if (host !== null) plain(words.host(this.#name(host)));
    if (problem.container !== null) plain(words.container(this.#name(problem.container)));
    // What was seen of what is over now, as that it is gone, would be read as if it were so.
    if (this.#content.kind !== "recovered") {
      for (const line of problem.evidence.slice(0, EVIDENCE_LINES)) verbatim(this.#line(line));
    }
    if (problem.do !== null && problem.closedAt === null) {
      plain(words.todo);
      verbatim(this.#line(problem.do));
    }
    return lines;
  }

  digestTitle(): string {
    const { total, host, reason, kind } = this.#content;
    const hosts = new Set(this.#content.problems.flatMap((each) => each.host ?? []));
    const name = host !== null
      ? this.#name(host)
      : hosts.size > 1
      ? this.#words.severalHosts
      : this.#words.thisHost;
    const { back = null } = this.#content;
    if (kind !== "combined" && back !== null) return this.#words.back(back, name);
    const title = this.#words.digest[kind === "combined" ? "over" : reason ?? "burst"];
    return title(total, name);
  }

  list(): TextLine[] {
    const listed = together(this.#content.problems, alikeKey).slice(0, this.#bounds.listed);
    const lines = listed.map((alike) => {
      const text = this.#words.item(
        this.#subjects(alike),
        this.#what(alike[0]!),
        this.#when(alike),
      );
      return { text: `• ${text}`, verbatim: false };
    });
    const { kind, back = null } = this.#content;
    if (kind !== "combined" && back !== null) {
      lines.unshift({ text: this.#words.notBack, verbatim: false });
    }
    const more = this.#content.total - listed.flat().length;
    if (more > 0) lines.push({ text: this.#words.more(more), verbatim: false });
    return lines;
  }

  test(): TextLine[] {
    const { at, host } = this.#content;
    const lines = [{ text: this.#words.testBody(this.#times.exact(at)), verbatim: false }];
    if (host !== null) lines.push({ text: this.#words.host(this.#name(host)), verbatim: false });
    return lines;
  }

  /** Since when or how long, of those alike from the first of them to the last. */
  #when(alike: readonly NoticeProblem[]): string {
    const since = alike.map((problem) => problem.since);
    const first = Math.min(...since);
    const { at } = this.#content;
    if (alike[0]!.closedAt !== null) {
      const last = Math.max(...alike.map(({ closedAt }) => closedAt!));
      return this.#words.itemOver(this.#times.span(first, last));
    }
    const last = Math.max(...since);
    const one = this.#times.moment(first, at) === this.#times.moment(last, at);
    return this.#words.itemSince(
      one ? this.#times.moment(first, at) : this.#times.span(first, last),
    );
  }

  /** The first of those alike by their names, and how many more there are. */
  #subjects(alike: readonly NoticeProblem[]): string {
    if (alike.length === 1) return this.#subject(alike[0]!);
    const nameOf = ({ row, container }: NoticeProblem) => row ?? container ?? "";
    const { named, more } = firstNames(byName(alike, nameOf), nameOf);
    // Those named have room for one together.
    const each = Math.max(2, Math.floor(this.#bounds.name / named.length));
    const rows = named.map((name) => harmless(name, each)).join(", ");
    const first = { ...alike[0]!, row: null };
    return `${this.#subject(first)} / ${rows} ${this.#words.more(more)}`;
  }

  /** Workload and row, else the container, else the host; before them the host, where it differs. */
  #subject({ host, workload, row, container }: NoticeProblem): string {
    const of = this.#content.host === null ? host ?? null : null;
    const parts = [of, workload ?? (of === null ? null : container), row].filter((part) =>
      part !== null && part !== ""
    );
    if (parts.length > 0) return parts.map((part) => this.#name(part!)).join(" / ");
    const name = container ?? this.#content.host;
    return name === null ? this.#words.thisHost : this.#name(name);
  }

  #what({ kind }: NoticeProblem): string {
    return Object.hasOwn(this.#words.kinds, kind)
      ? this.#words.kinds[kind as keyof Words["kinds"]]
      : this.#name(kind);
  }

  #span({ since, closedAt }: NoticeProblem): string {
    return this.#times.span(since, closedAt ?? this.#content.at);
  }

  #name(text: string): string {
    return harmless(text, this.#bounds.name);
  }

  #line(text: string): string {
    return harmless(text, this.#bounds.line);
  }
}

/** By what problems are told as one: the same is wrong with rows of one workload, or was. */
function alikeKey(
  { host, workload, row, container, kind, closedAt }: NoticeProblem,
): string | null {
  return workload === null || (row ?? container) === null
    ? null
    : JSON.stringify([host, workload, kind, closedAt === null]);
}

/** One line of at most `max` UTF-16 units that shows what it is. */
function harmless(text: string, max: number): string {
  const whole = text.trim();
  // Cut first: what is cut off need not be looked at, however long. An escape may be cut then.
  const escaped = escapeControls(clip(whole, max).toWellFormed());
  return escaped.length <= max && whole.length <= max ? escaped : `${clip(escaped, max - 1)}…`;
}

function linkOf({ baseUrl, content }: Message, words: Words): Link | null {
  if (baseUrl === null) return null;
  const base = URL.parse(baseUrl);
  if (base === null || !/^https?:$/.test(base.protocol)) return null;
  const path = `${base.pathname.replace(/\/+$/, "")}/${(content.path ?? "").replace(/^\/+/, "")}`;
  return { label: words.link, url: new URL(path, base.origin).href };
}

interface Times {
  /** A time, with its date when that is not the other's. */
  readonly moment: (at: number, other: number) => string;
  /** A time to the second, with its date and zone. */
  readonly exact: (at: number) => string;
  /** From … to …. */
  readonly span: (from: number, to: number) => string;
  /** The two largest units. */
  readonly duration: (ms: number) => string;
}

function timesOf(locale: string, timeZone: string): Times {
  const day = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: "medium" });
  const time = new Intl.DateTimeFormat(locale, { timeZone, hour: "2-digit", minute: "2-digit" });
  const both = new Intl.DateTimeFormat(locale, {
    timeZone,
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  const sameDay = (a: number, b: number) => day.format(a) === day.format(b);
  return {
    moment: (at, other) => (sameDay(at, other) ? time : both).format(at),
    exact: (at) =>
      new Intl.DateTimeFormat(locale, { timeZone, dateStyle: "medium", timeStyle: "long" })
        .format(at),
    span: (from, to) => {
      const one = sameDay(from, to);
      return one && time.format(from) === time.format(to)
        ? time.format(from)
        : `${(one ? time : both).format(from)}${one ? "–" : " – "}${
          (one ? time : both).format(to)
        }`;
    },
    duration: (ms) => durationOf(locale, ms),
  };
}

const UNITS: readonly [unit: "day" | "hour" | "minute" | "second", seconds: number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function durationOf(locale: string, ms: number): string {
  let left = Math.max(0, Math.round(ms / 1000));
  const first = UNITS.findIndex(([unit, seconds]) => left >= seconds || unit === "second");
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    // Seconds matter in the first minute; beside minutes they are noise.
    if ((count === 0 || (unit === "second" && parts.length > 0)) && parts.length > 0) continue;
    parts.push(
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(count),
    );
  }
  return parts.join(" ");
}
